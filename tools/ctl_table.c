/* Tables for people: columns as wide as they have to be, and those asked for.
 */
#include "tools/ctl_table.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <ctype.h>
#include <err.h>
#include <string.h>

#define CELL_MAX 4096 /* bytes shown of one */

struct table {
	const struct ctl_column *shown[CTL_COLUMNS_MAX]; /* borrowed */
	int width[CTL_COLUMNS_MAX];
	size_t n;
};

static void
add_column(struct table *t, const struct ctl_column *column)
{
	if (t->n < CTL_COLUMNS_MAX)
		t->shown[t->n++] = column;
}

static const struct ctl_column *
find_column(const struct ctl_column *columns, const char *name, size_t len)
{
	for (; columns->name != NULL; columns++)
		if (strncmp(columns->name, name, len) == 0 &&
		    columns->name[len] == '\0')
			return columns;
	return NULL;
}

static void
complain(const struct ctl_column *columns, const char *name, size_t len)
{
	fprintf(stderr, "dynproxyctl: no column \"%.*s\": there are", (int)len,
	    name);
	for (; columns->name != NULL; columns++)
		fprintf(stderr, " %s", columns->name);
	fputc('\n', stderr);
}

/* Those of --columns in its order, or all.  False: told what is wrong. */
static bool
choose(struct table *t, const struct ctl_column *columns, const char *names)
{
	const struct ctl_column *found;
	size_t len;

	*t = (struct table){ .n = 0 };
	for (; names == NULL && columns->name != NULL; columns++)
		if (!columns->asked)
			add_column(t, columns);
	for (; names != NULL;
	     names = names[len] == ',' ? names + len + 1 : NULL) {
		len = strcspn(names, ",");
		found = find_column(columns, names, len);
		if (found == NULL) {
			complain(columns, names, len);
			return false;
		}
		add_column(t, found);
	}
	return true;
}

bool
ctl_table_fits(const struct ctl *ctl, const struct ctl_column *columns)
{
	struct table t;

	if (ctl->columns == NULL)
		return true;
	if (columns != NULL)
		return choose(&t, columns, ctl->columns);
	warnx("--columns is for commands that show a table");
	return false;
}

json_t *
ctl_sort_take(json_t *rows, int (*compare)(const void *a, const void *b))
{
	size_t n = json_array_size(rows);
	json_t **all = reallocarray(NULL, n, sizeof(json_t *));
	json_t *sorted = json_array();

	if (n == 0 || all == NULL || sorted == NULL) {
		free(all);
		json_decref(sorted);
		return rows;
	}
	for (size_t i = 0; i < n; i++)
		all[i] = json_array_get(rows, i);
	mergesort(all, n, sizeof(json_t *), compare);
	for (size_t i = 0; i < n; i++)
		json_array_append(sorted, all[i]);
	free(all);
	json_decref(rows);
	return sorted;
}

/* As many seconds, minutes, hours, or days. */
static void
format_age(json_int_t seconds, char *out, size_t size)
{
	static const struct {
		char unit;
		json_int_t seconds;
	} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
	size_t i = 0;

	while (units[i].seconds > 1 && seconds < 2 * units[i].seconds)
		i++;
	snprintf(out, size, "%lld%c", (long long)(seconds / units[i].seconds),
	    units[i].unit);
}

/* One of the characters from U+0080 to U+009F, which steer, too. */
static bool
is_c1(const char *c)
{
	return c[0] == '\xc2' && (c[1] & 0xe0) == 0x80;
}

void
ctl_mask(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		bool c1 = is_c1(text);

		*to++ = c1 || iscntrl((unsigned char)*text) ? '?' : *text;
		text += c1;
	}
	*to = '\0';
}

static void
format_text(const char *text, const char *none, char *out, size_t size)
{
	if (text == NULL || *text == '\0')
		text = none != NULL ? none : "-";
	strlcpy(out, text, size);
	ctl_mask(out);
}

static const char *
format_cell(const struct ctl_column *column, const json_t *row, char *out)
{
	const json_t *value = json_object_get(row, column->name);

	switch (column->cell) {
	case CELL_TEXT:
		format_text(
		    json_string_value(value), column->none, out, CELL_MAX);
		break;
	case CELL_NUMBER:
		snprintf(out, CELL_MAX, "%lld",
		    (long long)json_integer_value(value));
		break;
	case CELL_AGE:
		format_age(json_integer_value(value), out, CELL_MAX);
		break;
	case CELL_FLAG:
		format_text(json_is_true(value) ? "yes" : NULL, column->none,
		    out, CELL_MAX);
		break;
	}
	return out;
}

/* In characters: continued bytes of UTF-8 take no place. */
static int
width_of(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static void
measure(struct table *t, bool titles, const json_t *rows)
{
	char text[CELL_MAX];
	const json_t *row;
	size_t i;
	int width;

	for (size_t c = 0; titles && c < t->n; c++)
		t->width[c] = (int)strlen(t->shown[c]->name);
	json_array_foreach(rows, i, row)
	{
		for (size_t c = 0; c < t->n; c++) {
			width = width_of(format_cell(t->shown[c], row, text));
			if (width > t->width[c])
				t->width[c] = width;
		}
	}
}

/* Numbers stand at the right; behind the last text of a line is nothing. */
static void
put_cell(const struct table *t, size_t c, const char *text)
{
	enum ctl_cell cell = t->shown[c]->cell;
	int space = t->width[c] - width_of(text);
	bool right = cell == CELL_NUMBER || cell == CELL_AGE;
	bool last = c + 1 == t->n;

	printf("%*s%s%*s%s", right ? space : 0, "", text,
	    right || last ? 0 : space, "", last ? "\n" : "  ");
}

static void
put_titles(const struct table *t)
{
	char title[64];
	size_t n;

	for (size_t c = 0; c < t->n; c++) {
		for (n = 0;
		     n + 1 < sizeof(title) && t->shown[c]->name[n] != '\0'; n++)
			title[n] =
			    (char)toupper((unsigned char)t->shown[c]->name[n]);
		title[n] = '\0';
		put_cell(t, c, title);
	}
}

void
ctl_print_table(
    const struct ctl *ctl, const struct ctl_column *columns, const json_t *rows)
{
	bool titles = !ctl->no_headers && json_array_size(rows) > 0;
	char text[CELL_MAX];
	const json_t *row;
	struct table t;
	size_t i;

	if (!choose(&t, columns, ctl->columns))
		return;
	measure(&t, titles, rows);
	if (titles)
		put_titles(&t);
	json_array_foreach(rows, i, row)
	{
		for (size_t c = 0; c < t.n; c++)
			put_cell(&t, c, format_cell(t.shown[c], row, text));
	}
}

int
ctl_show_take(
    const struct ctl *ctl, const struct ctl_column *columns, json_t *rows)
{
	if (ctl->json)
		ctl_print_json(rows);
	else
		ctl_print_table(ctl, columns, rows);
	json_decref(rows);
	return CTL_DONE;
}
