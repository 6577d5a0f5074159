/* dynproxyctl top: a live screen of what the proxy does. */
#include <err.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/array.h"
#include "tools/ctl_commands.h"
#include "tools/ctl_screen.h"

#define REFRESH_MS 1000
#define SPARK_MAX 36 /* characters: so many points are told */
#define SPARK_MIN 9  /* as wide as its title */
#define POINT_S 5    /* what one stands for */
#define NAME_MIN 12
#define HEAD_ROWS 3
#define WIDE 120	/* where there is no terminal that has a width */
#define ERRORS_BAD 0.05 /* of the requests */
#define SLOW_MS 1000

/* What tools may be in the order of: a key, what the registrar calls it. */
static const struct order {
	char key;
	const char *by, *title;
} orders[] = {
	{ 'r', "rate", " req/s" },
	{ 'e', "errors", " errors" },
	{ 'l', "ms", " latency" },
};

/* Between the name and the bars. */
#define NUMBERS_HEAD " health         req/s  errors  latency  now  "
#define NUMBERS ((int)sizeof(NUMBERS_HEAD) - 1)

/* How it looks; empty where there are no colours. */
static struct look {
	const char *bold, *faint, *good, *bad, *plain, *bar;
} look;

static const struct look colours = { "\033[1m", "\033[2m", "\033[32m",
	"\033[31m", "\033[0m", "\033[48;5;24;97m" };
static const struct look no_colours = { "", "", "", "", "", "" };

/* Bars of eighths, and what they are where characters are bytes. */
static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇",
	"█" };
static const char *const ascii[] = { " ", ".", ".", ":", ":", "+", "+", "#",
	"#" };
static const char *const *bars = ascii;

/* How the width is shared out, and how a line ends. */
struct layout {
	int columns, name, spark;
	const struct order *order;
	void (*end_line)(void);
};

static double
real(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static const char *
text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value != NULL ? value : "-";
}

/* The last values, the newest at the right. */
static void
put_spark(const json_t *values, int width)
{
	size_t n = json_array_size(values), shown = (size_t)width;
	size_t from = n > shown ? n - shown : 0;
	json_int_t top = 1, v;

	for (size_t i = from; i < n; i++) {
		v = json_integer_value(json_array_get(values, i));
		top = v > top ? v : top;
	}
	for (size_t i = from; i < n; i++) {
		v = json_integer_value(json_array_get(values, i));
		fputs(bars[v <= 0 ? 0 : 1 + v * 7 / top], stdout);
	}
}

static const char *
colour_of(const char *state)
{
	if (strcmp(state, "good") == 0)
		return look.good;
	return strcmp(state, "quiet") == 0 ? look.faint : look.bad;
}

/* " 6 ms", "12.5 s" */
static const char *
format_ms(double ms, char out[32])
{
	if (ms < 10000)
		snprintf(out, 32, "%.0f ms", ms);
	else
		snprintf(out, 32, "%.1f s", ms / 1000);
	return out;
}

/* A fact of the second line, if there is room for it. */
static void
put_fact(int *room, const char *colour, const char *number, const char *what)
{
	int width = (int)(strlen(number) + strlen(what)) + 3;

	if (*room + 2 < width) /* the blanks may be cut */
		return;
	*room -= width;
	printf("%s%s%s %s  ", colour, number, look.plain, what);
}

static void
put_facts(const json_t *all, int columns)
{
	const json_t *table = json_object_get(all, "table");
	const bool bad = real(all, "errors") > ERRORS_BAD;
	const struct {
		const char *colour, *format, *what;
		double value;
	} facts[] = {
		{ look.bold, "%.1f", "requests/s", real(all, "rate") },
		{ bad ? look.bad : look.bold, "%.1f %%", "errors",
		    100 * real(all, "errors") },
		{ look.bold, "%.0f", "ms", real(all, "ms") },
		{ look.bold, "%.0f", "under way", real(all, "under_way") },
		{ "", "%.0f", "tools", real(all, "total") },
		{ "", "%.0f", "routes", real(table, "routes") },
		{ "", "%.0f", "workers", real(all, "workers") },
	};
	char number[32];
	int room = columns;

	for (size_t i = 0; i < nitems(facts); i++) {
		snprintf(
		    number, sizeof(number), facts[i].format, facts[i].value);
		put_fact(&room, facts[i].colour, number, facts[i].what);
	}
}

static void
put_node(const json_t *all, const char *trouble)
{
	bool ready = json_is_true(json_object_get(all, "ready"));

	printf("%sdynproxy%s %s  ", look.bold, look.plain, text(all, "node"));
	if (trouble != NULL)
		printf("%s%s%s", look.bad, trouble, look.plain);
	else
		printf("%s%s%s  up since %s", ready ? look.good : look.bad,
		    ready ? "ready" : text(all, "reason"), look.plain,
		    text(all, "started"));
}

static void
put_titles(const struct layout *l)
{
	char spark[32] = "", head[] = NUMBERS_HEAD;
	int rest = l->columns - l->name - NUMBERS;

	if (l->spark > 0)
		snprintf(spark, sizeof(spark), "last %d s", l->spark * POINT_S);
	*strstr(head, l->order->title) = '>';
	printf("%s%-*s%s%-*.*s%s", look.bar, l->name, "tool", head,
	    rest > 0 ? rest : 0, rest > 0 ? rest : 0, spark, look.plain);
}

/* One that is cut ends with two dots. */
static void
put_name(const char *name, int width)
{
	if ((int)strlen(name) <= width)
		printf("%-*s", width, name);
	else
		printf("%.*s..", width - 2, name);
}

/* What is worth no look is faint, what is wrong is not. */
static void
put_tool(const json_t *tool, const struct layout *l)
{
	const char *state = text(tool, "state");
	bool idle = real(tool, "rate") < 0.005 && real(tool, "under_way") < 1;
	const char *calm = idle ? look.faint : "";
	const char *bad = real(tool, "errors") > ERRORS_BAD ? look.bad : calm;
	const char *slow = real(tool, "ms") > SLOW_MS ? look.bad : calm;
	char ms[32];

	fputs(calm, stdout);
	put_name(text(tool, "name"), l->name);
	printf("%s %s%-11s%s %s%8.2f%s %s%5.1f %%%s %s%8s%s %s%4.0f%s  %s",
	    look.plain, colour_of(state), state, look.plain, calm,
	    real(tool, "rate"), look.plain, bad, 100 * real(tool, "errors"),
	    look.plain, slow, format_ms(real(tool, "ms"), ms), look.plain, calm,
	    real(tool, "under_way"), look.plain, look.good);
	put_spark(json_object_get(json_object_get(tool, "series"), "requests"),
	    l->spark);
	fputs(look.plain, stdout);
}

/*
 * A third of what the numbers leave is for the bars, unless names need less
 * than the rest; where there is little room, names have all of it.
 */
static void
share_out(struct layout *l, const json_t *tools, size_t shown)
{
	int left = l->columns - NUMBERS, longest = NAME_MIN, len;
	const json_t *tool;
	size_t i;

	json_array_foreach(tools, i, tool)
	{
		len = (int)strlen(text(tool, "name"));
		longest = i < shown && len > longest ? len : longest;
	}
	l->spark = left - longest > left / 3 ? left - longest : left / 3;
	if (l->spark < SPARK_MIN)
		l->spark = 0;
	if (l->spark > SPARK_MAX)
		l->spark = SPARK_MAX;
	l->name = left - l->spark < longest ? left - l->spark : longest;
	if (l->name < NAME_MIN)
		l->name = NAME_MIN;
}

static void
put_line(
    const json_t *all, const struct layout *l, size_t line, const char *trouble)
{
	const json_t *tools = json_object_get(all, "tools");

	if (line == 0)
		put_node(all, trouble);
	else if (line == 1)
		put_facts(all, l->columns);
	else if (line == 2)
		put_titles(l);
	else
		put_tool(json_array_get(tools, line - HEAD_ROWS), l);
}

/*
 * rows     of all of it; 0: as many as there are
 * trouble  why this is old; NULL: it is not
 */
static void
put_all(const json_t *all, struct layout *l, size_t rows, const char *trouble)
{
	const json_t *tools = json_object_get(all, "tools");
	size_t lines = HEAD_ROWS + json_array_size(tools);

	if (rows > 0 && lines > rows)
		lines = rows;
	share_out(l, tools, lines > HEAD_ROWS ? lines - HEAD_ROWS : 0);
	for (size_t i = 0; i < lines; i++) {
		put_line(all, l, i, trouble);
		/* behind the last row the screen would move */
		if (rows == 0 || i + 1 < rows)
			l->end_line();
	}
}

static int
ask(const struct ctl *ctl, const struct order *order, json_t **all)
{
	char *args[] = { (char *)order->by, NULL };

	return ctl_ask(ctl, "top", args, all);
}

/* The order that a key stands for, or the one there was. */
static const struct order *
order_of_key(int key, const struct order *order)
{
	for (size_t i = 0; i < nitems(orders); i++)
		if (orders[i].key == key)
			return &orders[i];
	return order;
}

/* Until one goes; a registrar that is away meanwhile comes back. */
static int
show_live(const struct ctl *ctl, const struct order *order, json_t *all)
{
	char said[CTL_SAID_MAX] = "";
	struct layout l = { .end_line = screen_end_line };
	struct ctl own = *ctl;
	int status = CTL_DONE, key;
	json_t *next;

	own.said = said;
	do {
		const struct screen_size size = screen_size();

		l.columns = size.columns;
		l.order = order;
		screen_draw();
		put_all(all, &l, (size_t)size.rows,
		    status == CTL_DONE ? NULL : said);
		screen_show();
		key = screen_wait(REFRESH_MS);
		if (key == SCREEN_GO || key == 'q')
			break;
		order = order_of_key(key, order);
		status = ask(&own, order, &next);
		if (status == CTL_DONE) {
			json_decref(all);
			all = next;
		}
	} while (status != CTL_DENIED);
	json_decref(all);
	return CTL_DONE;
}

static void
end_line(void)
{
	putchar('\n');
}

static void
show_once(const struct ctl *ctl, const struct order *order, const json_t *all)
{
	struct layout l = {
		.columns = WIDE, .order = order, .end_line = end_line
	};

	if (isatty(STDOUT_FILENO))
		l.columns = screen_size().columns;
	if (ctl->json)
		ctl_print_json(all);
	else
		put_all(all, &l, 0, NULL);
}

/* --once, --by and a word.  False: told what is wrong. */
static bool
read_operands(char **args, bool *once, const struct order **order)
{
	size_t i;

	for (; *args != NULL; args++) {
		if (strcmp(*args, "--once") == 0) {
			*once = true;
			continue;
		}
		if (strcmp(*args, "--by") != 0 || *++args == NULL) {
			warnx("top takes unknown, or --once, and --by with "
			      "rate, errors or ms");
			return false;
		}
		for (i = 0; i < nitems(orders); i++)
			if (strcmp(orders[i].by, *args) == 0)
				break;
		if (i == nitems(orders)) {
			warnx("\"%s\": write rate, errors or ms", *args);
			return false;
		}
		*order = &orders[i];
	}
	return true;
}

static void
choose_look(void)
{
	look = getenv("NO_COLOR") == NULL && screen_is_possible() ? colours
								  : no_colours;
	if (setlocale(LC_CTYPE, "") != NULL &&
	    strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
		bars = blocks;
}

int
cmd_top(const struct ctl *ctl, char **args)
{
	const struct order *order = &orders[0];
	bool once = ctl->json || !screen_is_possible();
	json_t *all;
	int status;

	if (args[0] != NULL && strcmp(args[0], "unknown") == 0 &&
	    args[1] == NULL)
		return ctl_show_unknown(ctl);
	if (ctl->columns != NULL) {
		warnx("of top, --columns is for unknown only");
		return CTL_USAGE;
	}
	if (!read_operands(args, &once, &order))
		return CTL_USAGE;
	choose_look();
	status = ask(ctl, order, &all);
	if (status != CTL_DONE)
		return status;
	if (!once && screen_open()) {
		status = show_live(ctl, order, all);
		screen_close();
		return status;
	}
	show_once(ctl, order, all);
	json_decref(all);
	return CTL_DONE;
}
