/* dynproxyctl wait: until what a script needs is so. */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "conf/value.h"
#include "lib/clock.h"
#include "tools/ctl_commands.h"
#include "tools/listening.h"

#define TIMEOUT_MS 30000
#define PAUSE_MS 100	/* between two looks */
#define ASK_MIN_MS 1000 /* that the registrar has at least, at the end too */

struct wait {
	char *tool[2]; /* borrowed: the operand; or none: the node is meant */
	bool up;       /* its backend takes connections, too */
	uint64_t timeout_ms;
};

/* False: it was told what is wrong with them. */
static bool
read_operands(struct wait *w, char **args)
{
	size_t n = 0;

	while (args[n] != NULL && strcmp(args[n], "--timeout") != 0)
		n++;
	if (args[n] != NULL &&
	    (args[n + 1] == NULL || args[n + 2] != NULL ||
		!duration_parse(&w->timeout_ms, args[n + 1]))) {
		warnx("write --timeout and a duration, as 30s, at the end");
		return false;
	}
	w->up = n == 3 && strcmp(args[2], "up") == 0;
	if ((n == 2 || w->up) && strcmp(args[0], "route") == 0)
		w->tool[0] = args[1];
	else if (n != 1 || strcmp(args[0], "ready") != 0) {
		warnx("wait is for ready, or for route and a tool, which may "
		      "have to be up");
		return false;
	}
	return true;
}

/* What becomes of a connection to it: 0, or an errno. */
static int
try_backend(const char *url)
{
	const char *slashes = strstr(url, "://");
	struct addr backend;

	if (slashes == NULL || !addr_parse(&backend, slashes + 3))
		return EINVAL;
	return listening_try(&backend);
}

/* Is there one that requests go to?  Returns an exit code. */
static int
look_at_routes(const struct ctl *ctl, const struct wait *w, const json_t *all)
{
	const char *url, *state;
	const json_t *route;
	int fault = 0;
	size_t i;

	snprintf(ctl->said, CTL_SAID_MAX,
	    "no backend of %s is active: dynproxyctl list %s shows them",
	    w->tool[0], w->tool[0]);
	json_array_foreach(all, i, route)
	{
		if (json_unpack((json_t *)route, "{s:s, s:s}", "destination",
			&url, "state", &state) == -1 ||
		    strcmp(state, "active") != 0)
			continue;
		if (w->up)
			fault = try_backend(url);
		if (fault == 0)
			return CTL_DONE;
		snprintf(
		    ctl->said, CTL_SAID_MAX, "%s: %s", url, strerror(fault));
	}
	return CTL_REFUSED;
}

static int
look_at_node(const struct ctl *ctl, const json_t *node)
{
	const char *reason = json_string_value(json_object_get(node, "reason"));

	if (json_is_true(json_object_get(node, "ready")))
		return CTL_DONE;
	snprintf(ctl->said, CTL_SAID_MAX, "it is not ready: %s",
	    reason != NULL ? reason : "it does not say why");
	return CTL_REFUSED;
}

/* CTL_DONE: it is so; else why it is not yet stands in ctl->said. */
static int
look(const struct ctl *ctl, struct wait *w)
{
	json_t *answer;
	int status = ctl_ask(
	    ctl, w->tool[0] != NULL ? "list" : "node", w->tool, &answer);

	if (status != CTL_DONE)
		return status;
	status = w->tool[0] != NULL ? look_at_routes(ctl, w, answer)
				    : look_at_node(ctl, answer);
	json_decref(answer);
	return status;
}

/* Look until it is so, or cannot come to be so, or the time is over. */
static int
look_on(const struct ctl *ctl, struct wait *w)
{
	uint64_t begun = clock_mono_ms(), left = w->timeout_ms, passed;
	struct ctl own = *ctl;
	int status;

	own.verbose = false; /* of each look would be too much */
	for (;;) {
		own.wait_ms = ctl->wait_ms > 0 ? ctl->wait_ms : CTL_WAIT_MS;
		if (own.wait_ms > left)
			own.wait_ms = left > ASK_MIN_MS ? left : ASK_MIN_MS;
		status = look(&own, w);
		passed = clock_mono_ms() - begun;
		if (status == CTL_DONE || status == CTL_USAGE ||
		    status == CTL_DENIED || passed >= w->timeout_ms)
			return status;
		left = w->timeout_ms - passed;
		poll(NULL, 0, left < PAUSE_MS ? (int)left : PAUSE_MS);
	}
}

int
cmd_wait(const struct ctl *ctl, char **args)
{
	struct wait w = { .timeout_ms = TIMEOUT_MS };
	char said[CTL_SAID_MAX] = "", text[CTL_SAID_MAX];
	struct ctl own = *ctl;
	int status;

	if (!read_operands(&w, args))
		return CTL_USAGE;
	own.said = said;
	status = look_on(&own, &w);
	if (status != CTL_DONE) {
		warnx("%s", said);
		return status;
	}
	snprintf(text, sizeof(text), "%s %s",
	    w.tool[0] != NULL ? w.tool[0] : "dynproxyd",
	    w.tool[0] == NULL ? "is ready"
	    : w.up	      ? "is up"
			      : "has a route");
	ctl_say_done(ctl, "wait", text);
	return CTL_DONE;
}
