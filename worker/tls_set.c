/* Which certificates there are, and for whom; what has not changed is kept. */
#include "worker/tls_set.h"

#include <assert.h>
#include <bsd/string.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "lib/container.h"

struct tls_pair {
	struct certpair pair;
	unsigned char digest[SHA256_DIGEST_LENGTH]; /* of its text */
	unsigned sets;				    /* that have it */
	/* while a set is built: the last name that does, with these kinds */
	const struct tls_name *shown[1 << CERTPAIR_KINDS];
};

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const struct tls_name *)a)->name,
	    ((const struct tls_name *)b)->name);
}

static const struct tls_name *
find(const struct tls_set *set, const char *name)
{
	struct tls_name key = { .name = name };

	/* an array of none is NULL, which bsearch(3) may not be given */
	return set->nnames == 0 ? NULL
				: bsearch(&key, set->names, set->nnames,
				      sizeof(*set->names), compare_names);
}

const struct tls_name *
tls_set_find_host(const struct tls_set *set, const char *host)
{
	const struct tls_name *found = find(set, host);
	char below[TLSEXT_MAXLEN_host_name + 1] = "*";
	const char *dot = strchr(host, '.');

	if (found != NULL || dot == NULL || dot == host)
		return found;
	strlcpy(below + 1, dot, sizeof(below) - 1); /* it is shorter */
	return find(set, below);
}

static int
compare_digests(const void *a, const void *b)
{
	const struct tls_pair *const *left = a, *const *right = b;

	return memcmp(
	    (*left)->digest, (*right)->digest, sizeof((*left)->digest));
}

/* In the order of their digests; the caller's to free().  NULL: no memory. */
static struct tls_pair **
sort_pairs(const struct tls_set *set)
{
	struct tls_pair **sorted = calloc(set->npairs + 1, sizeof(*sorted));

	if (sorted == NULL)
		return NULL;
	for (size_t i = 0; i < set->npairs; i++)
		sorted[i] = set->pairs[i];
	qsort(sorted, set->npairs, sizeof(*sorted), compare_digests);
	return sorted;
}

/*
 * One that a set has, or a new one, into *pair.  NULL: all is well, else what
 * is wrong.
 *
 * sorted   n of them
 */
static const char *
take_pair(struct tls_pair **pair, struct tls_pair **sorted, size_t n,
    struct span text)
{
	struct tls_pair *new = calloc(1, sizeof(*new)), **same;
	const char *wrong;

	if (new == NULL)
		return "no memory";
	SHA256((const unsigned char *)text.ptr, text.len, new->digest);
	same = bsearch(&new, sorted, n, sizeof(*sorted), compare_digests);
	wrong = same != NULL ? NULL : certpair_parse(&new->pair, text);
	*pair = same != NULL ? *same : new;
	if (same != NULL || wrong != NULL)
		free(new);
	if (wrong == NULL)
		(*pair)->sets++;
	return wrong;
}

/* As above. */
static const char *
read_pairs(struct tls_set *set, const struct tls_set *before,
    const struct bundle *bundle)
{
	struct tls_pair **sorted = sort_pairs(before);
	struct bundle_piece piece;
	const char *wrong = NULL;
	size_t n = 0;

	for (size_t at = 0; bundle_next(bundle, &at, &piece);)
		n++;
	set->pairs = calloc(n + 1, sizeof(struct tls_pair *));
	if (n == 0)
		wrong = "there is none";
	else if (sorted == NULL || set->pairs == NULL)
		wrong = "no memory";
	for (size_t at = 0;
	     wrong == NULL && bundle_next(bundle, &at, &piece);) {
		wrong = take_pair(&set->pairs[set->npairs], sorted,
		    before->npairs, piece.bytes);
		if (wrong == NULL)
			set->npairs++;
	}
	free(sorted);
	return wrong;
}

/* Of two for the same name, the one that was made later. */
static void
add_pair(struct tls_name *name, const struct certpair *pair)
{
	const struct certpair **at = &name->pairs[pair->kind];

	if (*at == NULL || pair->not_before > (*at)->not_before)
		*at = pair;
}

/* Every name once, with its pairs.  False: no memory. */
static bool
collect_names(struct tls_set *set)
{
	struct tls_name *names;
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < set->npairs; i++)
		n += set->pairs[i]->pair.nnames;
	assert(n > 0); /* each pair has one */
	names = set->names = calloc(n, sizeof(*names));
	if (names == NULL)
		return false;
	n = 0;
	for (size_t i = 0; i < set->npairs; i++) {
		const struct certpair *pair = &set->pairs[i]->pair;

		for (size_t j = 0; j < pair->nnames; j++) {
			names[n].name = pair->names[j];
			add_pair(&names[n++], pair);
		}
	}
	qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 ||
		    strcmp(names[kept - 1].name, names[i].name) != 0) {
			names[kept++] = names[i];
			continue;
		}
		for (unsigned k = 0; k < CERTPAIR_KINDS; k++)
			if (names[i].pairs[k] != NULL)
				add_pair(&names[kept - 1], names[i].pairs[k]);
	}
	set->nnames = kept;
	return true;
}

static bool
shows_same(const struct tls_name *a, const struct tls_name *b)
{
	return memcmp(a->pairs, b->pairs, sizeof(a->pairs)) == 0;
}

/*
 * Where the last name like this is kept: with the first of its pairs, which has
 * one at least.
 */
static const struct tls_name **
shown_like(const struct tls_name *name)
{
	const struct certpair *first = NULL;
	unsigned kinds = 0;

	for (unsigned k = CERTPAIR_KINDS; k-- > 0;)
		if (name->pairs[k] != NULL) {
			first = name->pairs[k];
			kinds |= 1u << k;
		}
	return &container_of((struct certpair *)first, struct tls_pair, pair)
		    ->shown[kinds];
}

/*
 * Names that show the same certificates share a context, with those of before,
 * too.  Only the last name with these kinds is looked at: all are then, but
 * where a certificate is shown with several of another kind by turns.
 */
static bool
set_context(struct tls_set *set, const struct tls_set *before,
    struct tls_name *name, const struct tls_maker *maker)
{
	const struct tls_name **shown = shown_like(name), *same = *shown;

	*shown = name;
	if (same != NULL && shows_same(same, name)) {
		name->ctx = same->ctx;
		return true;
	}
	same = find(before, name->name);
	if (same != NULL && shows_same(same, name) && SSL_CTX_up_ref(same->ctx))
		name->ctx = same->ctx;
	else
		name->ctx = maker->make(maker->arg, name->pairs);
	if (name->ctx != NULL)
		set->contexts[set->ncontexts++] = name->ctx;
	return name->ctx != NULL;
}

const char *
tls_set_build(struct tls_set *set, const struct tls_set *before,
    const struct bundle *bundle, const struct tls_maker *maker)
{
	const char *wrong = read_pairs(set, before, bundle);

	if (wrong != NULL)
		return wrong;
	if (!collect_names(set))
		return "no memory";
	set->contexts = calloc(set->nnames, sizeof(SSL_CTX *));
	if (set->contexts == NULL)
		return "no memory";
	for (size_t i = 0; i < set->npairs; i++)
		memset(set->pairs[i]->shown, 0, sizeof(set->pairs[i]->shown));
	for (size_t i = 0; i < set->nnames; i++)
		if (!set_context(set, before, &set->names[i], maker))
			return "see above";
	set->fallback = find(set, set->pairs[0]->pair.names[0]);
	return NULL;
}

void
tls_set_release(struct tls_set *set)
{
	for (size_t i = 0; i < set->ncontexts; i++)
		SSL_CTX_free(set->contexts[i]);
	free(set->contexts);
	free(set->names);
	for (size_t i = 0; i < set->npairs; i++) {
		if (--set->pairs[i]->sets > 0)
			continue;
		certpair_release(&set->pairs[i]->pair);
		free(set->pairs[i]);
	}
	free(set->pairs);
	*set = (struct tls_set){ 0 };
}
