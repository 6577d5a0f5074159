/* Tells what of a new configuration is new. */
#include "conf/changes.h"

#include <stdlib.h>
#include <string.h>

#include "conf/directives.h"

/* A setting as text; NULL: no memory.  The caller's to free. */
static char *
text_of(const struct conf *conf, const struct directive *d)
{
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < d->type->count(conf, d); i++) {
		d->type->print(conf, d, i, out);
		putc('\n', out); /* no value has one */
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static bool
is_same(const struct conf *a, const struct conf *b, const struct directive *d)
{
	char *one = text_of(a, d), *other = text_of(b, d);
	bool same = one != NULL && other != NULL && strcmp(one, other) == 0;

	free(one);
	free(other);
	return same;
}

unsigned
conf_changes(
    const struct conf *before, const struct conf *after, const char **restart)
{
	unsigned changes = 0;

	*restart = NULL;
	for (size_t i = 0; i < ndirectives; i++) {
		const struct directive *d = &directives[i];

		if (is_same(before, after, d))
			continue;
		changes |= 1u << d->applied;
		if (d->applied == APPLIED_RESTART && *restart == NULL)
			*restart = d->name;
	}
	if (changes & 1u << APPLIED_PROCESSES)
		changes |= 1u << APPLIED_WORKERS | 1u << APPLIED_REGISTRAR;
	return changes;
}
