/* Finds a setting by its name, and gives it values. */
#include "conf/setting.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/directives.h"

const struct directive *
directive_find(const char *name)
{
	for (size_t i = 0; i < ndirectives; i++)
		if (strcmp(directives[i].name, name) == 0)
			return &directives[i];
	return NULL;
}

#define NAME_MAX_LEN 64 /* a longer word is like none of ours */

/*
 * How many letters to put in, leave out or change to make b of a
 * (Levenshtein 1965), row by row; neighbours that changed places count once
 * less, since that is how people mistype.
 */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[3][NAME_MAX_LEN + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2], *free_row;
	size_t la = strlen(a), lb = strlen(b);

	for (size_t j = 0; j <= lb; j++)
		above[j] = j;
	for (size_t i = 1; i <= la; i++) {
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		free_row = before;
		before = above;
		above = row;
		row = free_row;
	}
	return above[lb];
}

const struct directive *
directive_nearest(const char *name)
{
	const struct directive *nearest = NULL;
	size_t best = strlen(name) / 3 + 2; /* further off is another word */

	if (strlen(name) > NAME_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < ndirectives; i++) {
		size_t d = distance(name, directives[i].name);

		if (d < best) {
			best = d;
			nearest = &directives[i];
		}
	}
	return nearest;
}

/* What to write for it: the type's examples, or its own words. */
static void
say_what_to_write(const struct directive *d, char *out, size_t size)
{
	if (d->type->write != NULL)
		strlcpy(out, d->type->write, size);
	else if (d->choices == NULL)
		snprintf(out, size, "%llu to %llu bytes",
		    (unsigned long long)d->min, (unsigned long long)d->max);
	else
		out[0] = '\0';
	for (const struct choice *c = d->choices; c != NULL && c->name != NULL;
	     c++)
		snprintf(out + strlen(out), size - strlen(out), "%s%s",
		    c == d->choices	? ""
		    : c[1].name == NULL ? " or "
					: ", ",
		    c->name);
}

bool
directive_set(struct conf *conf, const struct directive *d, const char *text,
    char why[DIRECTIVE_WHY_MAX])
{
	char found[MACHINE_TEXT_MAX], write[128], bound[32];

	if (d->automatic != NULL && strcmp(text, "auto") == 0) {
		d->automatic(found);
		text = found;
	}
	switch (d->type->set(conf, d, text)) {
	case SET_DONE:
		return true;
	case SET_MALFORMED:
		say_what_to_write(d, write, sizeof(write));
		snprintf(why, DIRECTIVE_WHY_MAX,
		    "%s: \"%.100s\" is no %s: write %s%s", d->name, text,
		    d->type->what, write, d->automatic ? ", or auto" : "");
		break;
	case SET_BELOW:
		snprintf(why, DIRECTIVE_WHY_MAX,
		    "%s: \"%.100s\" is too small: write at least %s", d->name,
		    text, d->type->format(d->min, bound));
		break;
	case SET_ABOVE:
		snprintf(why, DIRECTIVE_WHY_MAX,
		    "%s: \"%.100s\" is above the hard maximum: "
		    "write at most %s",
		    d->name, text, d->type->format(d->max, bound));
		break;
	case SET_NO_MEMORY:
		snprintf(why, DIRECTIVE_WHY_MAX, "%s: no memory", d->name);
		break;
	}
	return false;
}

bool
directive_preset(
    struct conf *conf, const struct directive *d, char why[DIRECTIVE_WHY_MAX])
{
	char *copy = strdup(d->preset), *item = copy, *end;
	bool good = copy != NULL;

	d->type->clear(conf, d);
	if (copy == NULL)
		snprintf(why, DIRECTIVE_WHY_MAX, "%s: no memory", d->name);
	else if (!d->type->list)
		good = directive_set(conf, d, copy, why);
	else
		for (; good && *item != '\0'; item = end) {
			end = strstr(item, ", ");
			if (end != NULL) {
				*end = '\0';
				end += 2;
			} else {
				end = item + strlen(item);
			}
			good = directive_set(conf, d, item, why);
		}
	free(copy);
	return good;
}
