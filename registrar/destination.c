/* Keeps lists of destinations, each with its URLs in one piece of memory. */
#include "registrar/destination.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

static const char *const result_names[] = {
	[PROOF_NONE] = "none",
	[PROOF_THEIRS] = "theirs",
	[PROOF_STRANGER] = "stranger",
	[PROOF_UNKNOWN] = "unknown",
};

const char *
proof_result_name(enum proof_result result)
{
	return result_names[result];
}

int
destination_order(const void *a, const void *b)
{
	const struct destination *left = a, *right = b;

	return strcmp(left->url, right->url);
}

/* The length of what is there once each is there once. */
static size_t
unique(struct destination *at, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(at[kept - 1].url, at[i].url) != 0)
			at[kept++] = at[i];
	return kept < ROUTE_BACKENDS_MAX ? kept : ROUTE_BACKENDS_MAX;
}

/* Put a string behind the others; NULL stays NULL. */
static const char *
keep(char **text, const char *from)
{
	size_t len;
	char *kept = *text;

	if (from == NULL)
		return NULL;
	len = strlen(from) + 1;
	memcpy(kept, from, len);
	*text += len;
	return kept;
}

static size_t
size_of(const char *text)
{
	return text == NULL ? 0 : strlen(text) + 1;
}

bool
destinations_copy(
    struct destinations *to, const struct destination *from, size_t n)
{
	size_t size = n * sizeof(*from);
	struct destination *at;
	char *text;

	for (size_t i = 0; i < n; i++)
		size += size_of(from[i].url) + size_of(from[i].lease);
	at = malloc(size);
	if (at == NULL)
		return false;
	memcpy(at, from, n * sizeof(*at));
	qsort(at, n, sizeof(*at), destination_order);
	text = (char *)(at + n);
	n = unique(at, n);
	for (size_t i = 0; i < n; i++) {
		at[i].url = keep(&text, at[i].url);
		at[i].lease = keep(&text, at[i].lease);
	}
	*to = (struct destinations){ at, n };
	return true;
}

void
destinations_release(struct destinations *d)
{
	free(d->at);
	*d = (struct destinations){ NULL, 0 };
}

bool
destinations_eq(
    const struct destinations *d, const struct destination *other, size_t n)
{
	if (d->n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(d->at[i].url, other[i].url) != 0)
			return false;
	return true;
}

struct destination *
destinations_find(const struct destinations *d, const char *url)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->at[i].url, url) == 0)
			return &d->at[i];
	return NULL;
}

bool
destinations_has(const struct destinations *d, const char *url)
{
	return destinations_find(d, url) != NULL;
}

bool
destinations_serve_alike(
    const struct destinations *d, const struct destination *other)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->at[i].drained != other[i].drained ||
		    d->at[i].stale != other[i].stale ||
		    d->at[i].unproved != other[i].unproved)
			return false;
	return true;
}

const char *
destinations_text(const struct destinations *d, char *out, size_t size)
{
	*out = '\0';
	for (size_t i = 0; i < d->n; i++) {
		if (i > 0)
			strlcat(out, " ", size);
		strlcat(out, d->at[i].url, size);
	}
	return out;
}

bool
destination_store(const struct destination *d, char *out, size_t size)
{
	char since[32] = "";

	if (d->since_ms != 0)
		snprintf(since, sizeof(since), ",since=%llu",
		    (unsigned long long)d->since_ms);
	return (size_t)snprintf(out, size, "%s%s%s%s%s%s%s", d->url,
		   d->lease != NULL ? ",lease=" : "",
		   d->lease != NULL ? d->lease : "", since,
		   d->drained ? ",drained" : "", d->stale ? ",stale" : "",
		   d->unproved ? ",unproved" : "") < size;
}

/* One of those behind the URL. */
static bool
restore_word(struct destination *d, const char *word)
{
	const char *error = NULL;

	if (strncmp(word, "lease=", 6) == 0) {
		d->lease = word + 6;
		return node_name_valid(d->lease);
	}
	if (strncmp(word, "since=", 6) == 0) {
		d->since_ms =
		    (uint64_t)strtonum(word + 6, 0, INT64_MAX, &error);
		return error == NULL;
	}
	if (strcmp(word, "drained") == 0)
		return d->drained = true;
	if (strcmp(word, "stale") == 0)
		return d->stale = true;
	return strcmp(word, "unproved") == 0 && (d->unproved = true);
}

bool
destination_restore(struct destination *d, char *text)
{
	char *word;

	*d = (struct destination){ .url = strsep(&text, ",") };
	while ((word = strsep(&text, ",")) != NULL)
		if (!restore_word(d, word))
			return false;
	return true;
}
