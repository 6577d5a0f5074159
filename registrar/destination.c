/* Keeps lists of destinations, each with its URLs in one piece of memory. */
#include "registrar/destination.h"

#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>

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

bool
destinations_copy(
    struct destinations *to, const struct destination *from, size_t n)
{
	size_t size = n * sizeof(*from);
	struct destination *at;
	char *text;

	for (size_t i = 0; i < n; i++)
		size += strlen(from[i].url) + 1;
	at = malloc(size);
	if (at == NULL)
		return false;
	memcpy(at, from, n * sizeof(*at));
	qsort(at, n, sizeof(*at), destination_order);
	text = (char *)(at + n);
	n = unique(at, n);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(at[i].url) + 1;

		memcpy(text, at[i].url, len);
		at[i].url = text;
		text += len;
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

bool
destinations_has(const struct destinations *d, const char *url)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->at[i].url, url) == 0)
			return true;
	return false;
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
