/* dynproxyctl top: a live screen of what the proxy does. */
#include <err.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "tools/ctl_commands.h"

#define REFRESH_MS 1000
#define SPARK 24	/* characters */
#define ERRORS_BAD 0.05 /* of the requests */
#define SLOW_MS 1000

/* How it looks; empty where there are no colours. */
static struct look {
	const char *bold, *faint, *good, *bad, *plain, *bar;
	const char *rest; /* the rest of the line is as what is before it */
} look;

static const struct look colours = { "\033[1m", "\033[2m", "\033[32m",
	"\033[31m", "\033[0m", "\033[48;5;24;97m", "\033[K" };
static const struct look no_colours = { "", "", "", "", "", "", "" };

static struct termios before;
static const char screen_on[] = "\033[?1049h\033[?25l";
static const char screen_off[] = "\033[?25h\033[?1049l";

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

/* The last values, as bars of eighths. */
static void
put_spark(const json_t *values)
{
	static const char *const bars[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆",
		"▇", "█" };
	size_t n = json_array_size(values), from = n > SPARK ? n - SPARK : 0;
	json_int_t top = 1;

	for (size_t i = from; i < n; i++) {
		json_int_t v = json_integer_value(json_array_get(values, i));

		if (v > top)
			top = v;
	}
	for (size_t i = from; i < n; i++) {
		json_int_t v = json_integer_value(json_array_get(values, i));

		fputs(bars[v == 0 ? 0 : 1 + v * 7 / top], stdout);
	}
}

static const char *
colour_of(const char *state)
{
	if (strcmp(state, "good") == 0)
		return look.good;
	return strcmp(state, "quiet") == 0 ? look.faint : look.bad;
}

static void
put_head(const json_t *all)
{
	const json_t *table = json_object_get(all, "table");
	bool ready = json_is_true(json_object_get(all, "ready"));

	printf("%sdynproxy%s %s  %s%s%s  up since %s\n", look.bold, look.plain,
	    text(all, "node"), ready ? look.good : look.bad,
	    ready ? "ready" : text(all, "reason"), look.plain,
	    text(all, "started"));
	printf("%s%.1f%s requests/s  %s%.1f %%%s errors  %s%.0f ms%s  "
	       "%.0f under way  %.0f workers  %.0f tools  %.0f routes\n",
	    look.bold, real(all, "rate"), look.plain,
	    real(all, "errors") > ERRORS_BAD ? look.bad : look.bold,
	    100 * real(all, "errors"), look.plain, look.bold, real(all, "ms"),
	    look.plain, real(all, "under_way"), real(all, "workers"),
	    real(all, "total"), real(table, "routes"));
	printf("%s%-28s %-8s %9s %8s %9s %6s  %s%s%s\n", look.bar, "tool",
	    "health", "req/s", "errors", "latency", "now", "requests, 2 min",
	    look.rest, look.plain);
}

/* What is worth no look is faint, what is wrong is not. */
static void
put_tool(const json_t *tool)
{
	const char *state = text(tool, "state");
	bool idle = real(tool, "rate") < 0.005 && real(tool, "under_way") < 1;
	const char *calm = idle ? look.faint : "";
	const char *bad = real(tool, "errors") > ERRORS_BAD ? look.bad : calm;
	const char *slow = real(tool, "ms") > SLOW_MS ? look.bad : calm;

	printf("%s%-28.28s%s %s%-8s%s %s%9.2f%s %s%6.1f %%%s %s%6.0f ms%s "
	       "%s%6.0f%s  %s",
	    calm, text(tool, "name"), look.plain, colour_of(state), state,
	    look.plain, calm, real(tool, "rate"), look.plain, bad,
	    100 * real(tool, "errors"), look.plain, slow, real(tool, "ms"),
	    look.plain, calm, real(tool, "under_way"), look.plain, look.good);
	put_spark(json_object_get(json_object_get(tool, "series"), "requests"));
	fputs(look.plain, stdout);
}

static void
put_all(const json_t *all, unsigned rows)
{
	const json_t *tools = json_object_get(all, "tools"), *tool;
	size_t i;

	put_head(all);
	json_array_foreach(tools, i, tool)
	{
		if (i + 3 >= rows)
			break;
		put_tool(tool);
		fputs(i + 4 < rows ? "\n" : "", stdout);
	}
}

static unsigned
screen_rows(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 4
		   ? size.ws_row
		   : 24;
}

static void
leave(void)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	fputs(screen_off, stdout);
	fflush(stdout);
}

/* Keys come one by one, and unseen.  Lines are cut where the screen ends. */
static bool
enter(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &before) == -1)
		return false;
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs(screen_on, stdout);
	return true;
}

/* True: q, or Ctrl-C. */
static bool
wants_out(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char key = '\0';

	if (poll(&in, 1, REFRESH_MS) <= 0)
		return false;
	return read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 3;
}

static int
show_live(const struct ctl *ctl)
{
	char *none[] = { NULL };
	json_t *all;
	int status;

	do {
		status = ctl_ask(ctl, "top", none, &all);
		if (status != CTL_DONE)
			return status;
		/* no wrapping; from the top; what is left below goes */
		fputs("\033[?7l\033[H\033[2J", stdout);
		put_all(all, screen_rows());
		fputs("\033[?7h", stdout);
		fflush(stdout);
		json_decref(all);
	} while (!wants_out());
	return CTL_DONE;
}

static int
show_once(const struct ctl *ctl)
{
	char *none[] = { NULL };
	json_t *all;
	int status = ctl_ask(ctl, "top", none, &all);

	if (status != CTL_DONE)
		return status;
	if (ctl->json)
		ctl_print_json(all);
	else
		put_all(all, UINT32_MAX);
	json_decref(all);
	return CTL_DONE;
}

int
cmd_top(const struct ctl *ctl, char **args)
{
	int status;

	if (args[0] != NULL && strcmp(args[0], "--once") != 0) {
		warnx("top takes nothing but --once");
		return CTL_USAGE;
	}
	look = getenv("NO_COLOR") == NULL && isatty(STDOUT_FILENO) ? colours
								   : no_colours;
	if (args[0] != NULL || ctl->json || !isatty(STDOUT_FILENO))
		return show_once(ctl);
	if (!enter()) {
		warnx("top needs a terminal: use top --once");
		return CTL_REFUSED;
	}
	status = show_live(ctl);
	leave();
	return status;
}
