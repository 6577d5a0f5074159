/* Answers dynproxyctl. */
#include "registrar/ctl.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <bsd/sys/cdefs.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/sock.h"
#include "registrar/listing.h"
#include "registrar/process.h"
#include "registrar/publish.h"
#include "route/pattern.h"

#define OPEN_MAX 64	 /* connections */
#define ROOT_PLACES 16	 /* of them, for root only */
#define REQUEST_MAX 8192 /* bytes of a line */
#define REQUEST_MS 5000
#define WORK_MS 8000 /* less than dynproxyctl waits */
#define ARGS_MAX 3

/* Exit codes, as dynproxyctl(8) has them; 4 and 75 are in opened(). */
enum ctl_exit {
	EXIT_DONE,
	EXIT_REFUSED, /* or not found */
	EXIT_USAGE,
};

struct ctl {
	struct client client;
	json_t *question;		/* owned; args point into it */
	const char *args[ARGS_MAX + 1]; /* NULL-terminated */

	/* of add and del */
	struct change *changes[ROUTES_MAX]; /* borrowed, while under way */
	size_t nchanges, pending;
	char why[128]; /* of the first one that was refused; or empty */

	/* of list, of policy */
	enum { LISTS_NOTHING, LISTS_ROUTES, LISTS_POLICY } lists;
	struct listing listing;
	struct policy_listing policy_listing;

	struct policy_change *policy_change; /* borrowed, while under way */
};

static struct ctl *
of(struct client *c)
{
	return __containerof(c, struct ctl, client);
}

/* Answers. */

static void fail(struct ctl *ctl, enum ctl_exit exit_code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
fail(struct ctl *ctl, enum ctl_exit exit_code, const char *fmt, ...)
{
	char error[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, sizeof(error), fmt, ap);
	va_end(ap);
	listing_put_json_take(
	    &ctl->client.out, json_pack("{s:i, s:i, s:o}", "v", 1, "exit",
				  exit_code, "error", listing_text(error)));
	buf_printf(&ctl->client.out, "\n");
	client_answer(&ctl->client);
}

static void
succeed_take(struct ctl *ctl, json_t *data)
{
	listing_put_json_take(
	    &ctl->client.out, json_pack("{s:i, s:i, s:o}", "v", 1, "exit",
				  EXIT_DONE, "data", data));
	buf_printf(&ctl->client.out, "\n");
	client_answer(&ctl->client);
}

/* Commands. */

static json_t *
redis_status(const struct registrar *r)
{
	struct store_redis_status status;

	if (r->redis == NULL)
		return json_null();
	store_redis_status(r->redis, &status);
	return json_pack("{s:b, s:o, s:I, s:I}", "connected",
	    (int)status.connected, "synced", listing_time(status.synced_ms),
	    "unsaved", (json_int_t)status.unsaved, "refused",
	    (json_int_t)status.refused);
}

static json_t *
table_status(const struct registrar *r)
{
	struct publish_status status;

	publish_status(r, &status);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "names",
	    (json_int_t)status.names, "entries", (json_int_t)status.entries,
	    "damaged", (json_int_t)status.damaged, "slices",
	    (json_int_t)status.slices, "slice_max_us",
	    (json_int_t)status.slice_max_us);
}

static void
cmd_status(struct ctl *ctl)
{
	const struct registrar *r = ctl->client.r;

	succeed_take(
	    ctl, json_pack("{s:s, s:i, s:o, s:I, s:I, s:I, s:o, s:{s:I, s:I}, s:o}",
		     "role", "registrar", "pid", (int)getpid(), "started",
		     listing_time(r->started_ms), "names",
		     (json_int_t)r->book.nnames, "routes",
		     (json_int_t)r->book.nroutes, "registrations",
		     (json_int_t)r->clients.open[LISTEN_REGISTRATION], "table",
		     table_status(r), "sqlite",
		     "saved", (json_int_t)r->changes.saved, "failed",
		     (json_int_t)r->changes.failed, "redis", redis_status(r)));
}

static bool
put_route(struct buf *b, const struct book_name *name,
    const struct book_route *route, bool first)
{
	json_t *value;

	for (size_t i = 0; i < route->to.n; i++) {
		value = json_pack("{s:s, s:b}", "tool", name->key + 1,
		    "canonical", (int)name->canonical);
		if (value != NULL)
			json_object_update_missing_new(
			    value, listing_route(route, &route->to.at[i]));
		if (!buf_printf(b, first ? "" : ",") ||
		    !listing_put_json_take(b, value))
			return false;
		first = false;
	}
	return true;
}

static bool
put_routes(struct buf *b, const struct book_name *name, bool first)
{
	const struct book_route *route;

	TAILQ_FOREACH (route, &name->routes, entry) {
		if (!put_route(b, name, route, first))
			return false;
		first = false;
	}
	return true;
}

static bool
more(struct client *c)
{
	struct ctl *ctl = of(c);
	bool goes_on = false;

	switch (ctl->lists) {
	case LISTS_NOTHING:
		return false;
	case LISTS_ROUTES:
		goes_on = listing_more(
		    &ctl->listing, &c->r->book, &c->out, put_routes);
		break;
	case LISTS_POLICY:
		goes_on =
		    policy_list_more(c->r, &ctl->policy_listing, &c->out);
		break;
	}
	if (!goes_on) {
		buf_printf(&c->out, "]}\n");
		ctl->lists = LISTS_NOTHING;
	}
	return true;
}

/* The tool's key.  False: it is no tool's name, and was refused. */
static bool
tool_key(struct ctl *ctl, const char *tool, char key[TOOL_NAME_MAX + 2])
{
	if (!vet_tool_name(span_str(tool))) {
		fail(ctl, EXIT_USAGE,
		    "\"%.64s\" is no tool's name: use a-z, 0-9 and -", tool);
		return false;
	}
	key[0] = KEY_TOOL;
	strlcpy(key + 1, tool, TOOL_NAME_MAX + 1);
	return true;
}

static struct book_name *
find_tool(struct ctl *ctl, const char *tool, char key[TOOL_NAME_MAX + 2])
{
	struct book_name *name;

	if (!tool_key(ctl, tool, key))
		return NULL;
	name = book_find(&ctl->client.r->book, key);
	if (name == NULL)
		fail(ctl, EXIT_REFUSED,
		    "%s has no route: dynproxyctl list shows who has", tool);
	return name;
}

static void
cmd_list(struct ctl *ctl)
{
	struct buf *out = &ctl->client.out;
	char key[TOOL_NAME_MAX + 2];
	struct book_name *name = NULL;

	if (ctl->args[0] != NULL) {
		name = find_tool(ctl, ctl->args[0], key);
		if (name == NULL)
			return;
	}
	buf_printf(out, "{\"v\":1,\"exit\":0,\"data\":[");
	if (name != NULL) {
		put_routes(out, name, true);
		buf_printf(out, "]}\n");
	} else {
		ctl->lists = LISTS_ROUTES;
	}
	client_answer(&ctl->client);
}

static void
changed(struct change *change, enum change_result result)
{
	struct ctl *ctl = change->arg;

	for (size_t i = 0; i < ctl->nchanges; i++)
		if (ctl->changes[i] == change)
			ctl->changes[i] = NULL;
	if (result != CHANGE_DONE && ctl->why[0] == '\0')
		strlcpy(ctl->why, change->why, sizeof(ctl->why));
	if (--ctl->pending > 0)
		return;
	if (ctl->why[0] != '\0')
		fail(ctl, EXIT_REFUSED, "%s", ctl->why);
	else
		succeed_take(ctl,
		    json_pack("{s:I}", "changed", (json_int_t)ctl->nchanges));
}

/* Note a change; submit() sends all of them on their way.  False: no memory. */
static bool
add_change(struct ctl *ctl, enum change_kind kind, const char *key,
    const char *pattern, const struct destination *to)
{
	struct change *change = change_new(kind, key, pattern);

	if (change == NULL)
		return false;
	if (to != NULL && !destinations_copy(&change->to, to, 1)) {
		change_free(change);
		return false;
	}
	change->origin = ORIGIN_OPERATOR;
	change->arg = ctl;
	change->done = changed;
	ctl->changes[ctl->nchanges++] = change;
	return true;
}

static void
submit(struct ctl *ctl)
{
	size_t n = ctl->nchanges;

	client_work(&ctl->client);
	ctl->pending = n;
	for (size_t i = 0; i < n; i++)
		change_submit_take(ctl->client.r, ctl->changes[i]);
}

static void
cmd_add(struct ctl *ctl)
{
	char key[TOOL_NAME_MAX + 2], why[128];
	const char *pattern = ctl->args[1];
	struct destination to = { .url = ctl->args[2] };
	enum vet_fault fault;

	if (!tool_key(ctl, ctl->args[0], key))
		return;
	if (!pattern_valid(span_str(pattern), why, sizeof(why))) {
		fail(ctl, EXIT_USAGE, "%s", why);
		return;
	}
	fault = vet_url(span_str(to.url), &to.backend);
	if (fault != VET_FINE) {
		fail(ctl, EXIT_USAGE, "%s", vet_says(fault));
		return;
	}
	if (add_change(ctl, CHANGE_SET, key, pattern, &to))
		submit(ctl);
	else
		fail(ctl, EXIT_REFUSED, "no memory: try again later");
}

static void
cmd_del(struct ctl *ctl)
{
	const char *pattern = ctl->args[1];
	char key[TOOL_NAME_MAX + 2];
	struct book_name *name = find_tool(ctl, ctl->args[0], key);
	const struct book_route *route;

	if (name == NULL)
		return;
	TAILQ_FOREACH(route, &name->routes, entry)
	if ((pattern == NULL || strcmp(pattern, route->pattern) == 0) &&
	    ctl->nchanges < ROUTES_MAX)
		add_change(ctl, CHANGE_STRIKE, key, route->pattern, NULL);
	if (ctl->nchanges > 0)
		submit(ctl);
	else
		fail(ctl, EXIT_REFUSED,
		    "%s has no such route: dynproxyctl list %s shows them",
		    ctl->args[0], ctl->args[0]);
}

static bool
policy_kind(struct ctl *ctl, enum policy_kind *kind)
{
	if (policy_kind_of(ctl->args[0], kind))
		return true;
	fail(ctl, EXIT_USAGE, "no kind of policy \"%.64s\"", ctl->args[0]);
	return false;
}

static void
cmd_policy(struct ctl *ctl)
{
	if (!policy_kind(ctl, &ctl->policy_listing.kind))
		return;
	buf_printf(&ctl->client.out, "{\"v\":1,\"exit\":0,\"data\":[");
	ctl->lists = LISTS_POLICY;
	client_answer(&ctl->client);
}

static void
policy_changed(struct policy_change *change, const char *fault)
{
	struct ctl *ctl = change->arg;

	ctl->policy_change = NULL;
	if (fault != NULL)
		fail(ctl, EXIT_REFUSED, "%s: %s", change->subject, fault);
	else
		succeed_take(ctl,
		    json_pack("{s:s, s:o}", "kind",
			policy_kind_info(change->kind)->name, "subject",
			listing_text(change->subject)));
}

static void
change_policy(struct ctl *ctl, bool strike, uint64_t until_ms)
{
	struct policy_change *change;
	enum policy_kind kind;
	char why[256];

	if (!policy_kind(ctl, &kind))
		return;
	change = policy_change_new(ctl->client.r, kind, strike, ctl->args[1],
	    until_ms, why, sizeof(why));
	if (change == NULL) {
		fail(ctl, EXIT_REFUSED, "%s", why);
		return;
	}
	change->done = policy_changed;
	change->arg = ctl;
	ctl->policy_change = change;
	client_work(&ctl->client);
	policy_submit_take(ctl->client.r, change);
}

/* The end is in milliseconds of Unix time; 0: for ever. */
static void
cmd_policy_set(struct ctl *ctl)
{
	const char *error;
	long long until_ms =
	    strtonum(ctl->args[2], 0, 253402300799999 /* year 9999 */, &error);

	if (error != NULL)
		fail(ctl, EXIT_USAGE, "\"%.64s\" is no time: %s", ctl->args[2],
		    error);
	else
		change_policy(ctl, false, (uint64_t)until_ms);
}

static void
cmd_policy_strike(struct ctl *ctl)
{
	change_policy(ctl, true, 0);
}

static const struct {
	const char *name;
	size_t min, max; /* operands */
	void (*run)(struct ctl *ctl);
} commands[] = {
	{ "status", 0, 0, cmd_status },
	{ "list", 0, 1, cmd_list },
	{ "add", 3, 3, cmd_add },
	{ "del", 1, 2, cmd_del },
	{ "policy", 1, 1, cmd_policy },
	{ "policy-set", 3, 3, cmd_policy_set },
	{ "policy-strike", 2, 2, cmd_policy_strike },
};

/* The connection. */

/* Read the question.  NULL: it is none; else the command. */
static const char *
read_question(struct ctl *ctl, struct span line, size_t *nargs)
{
	const char *cmd;
	json_t *args = NULL;
	int version;

	ctl->question =
	    json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, NULL);
	if (json_unpack(ctl->question, "{s:i, s:s, s?o}", "v", &version, "cmd",
		&cmd, "args", &args) == -1 ||
	    version != 1 || (args != NULL && !json_is_array(args)) ||
	    json_array_size(args) > ARGS_MAX)
		return NULL;
	*nargs = json_array_size(args);
	for (size_t i = 0; i < *nargs; i++) {
		ctl->args[i] = json_string_value(json_array_get(args, i));
		if (ctl->args[i] == NULL)
			return NULL;
	}
	return cmd;
}

static void
serve(struct ctl *ctl, struct span line)
{
	size_t nargs;
	const char *cmd = read_question(ctl, line, &nargs);

	if (cmd == NULL) {
		fail(ctl, EXIT_USAGE,
		    "no question: say {\"v\":1,\"cmd\":\"status\"}");
		return;
	}
	for (size_t i = 0; i < nitems(commands); i++) {
		if (strcmp(commands[i].name, cmd) != 0)
			continue;
		if (nargs < commands[i].min || nargs > commands[i].max)
			fail(ctl, EXIT_USAGE, "%s takes %zu to %zu operands",
			    cmd, commands[i].min, commands[i].max);
		else
			commands[i].run(ctl);
		return;
	}
	fail(ctl, EXIT_USAGE, "no command \"%.64s\"", cmd);
}

static void
received(struct client *c)
{
	struct span line = buf_span(&c->in);
	const char *end =
	    line.len > 0 ? memchr(line.ptr, '\n', line.len) : NULL;

	if (end == NULL) {
		if (line.len == REQUEST_MAX)
			fail(of(c), EXIT_USAGE, "the question is too long");
		return;
	}
	line.len = (size_t)(end - line.ptr);
	serve(of(c), line);
}

/* abandoned: it has been said that they failed. */
static void
forget_changes(struct ctl *ctl, bool abandoned)
{
	for (size_t i = 0; i < ctl->nchanges; i++)
		if (ctl->changes[i] != NULL && abandoned)
			change_abandon(ctl->changes[i]);
		else if (ctl->changes[i] != NULL)
			ctl->changes[i]->done = NULL;
	ctl->nchanges = 0;
	if (ctl->policy_change != NULL)
		ctl->policy_change->done = NULL;
	ctl->policy_change = NULL;
}

static void
expired(struct client *c)
{
	forget_changes(of(c), true);
	fail(of(c), EXIT_REFUSED,
	    "it takes too long: dynproxyctl status shows the stores");
}

#define SAY_DENIED                                                             \
	"{\"v\":1,\"exit\":4,\"error\":\"you may not: be root, or the "          \
	"registrar's user\"}\n"
#define SAY_FULL                                                               \
	"{\"v\":1,\"exit\":75,\"error\":\"too many connections: try again\"}\n"

/* Anybody can connect: who may not ask does not get a place for silence. */
static const char *
opened(struct client *c)
{
	unsigned open = c->r->clients.open[LISTEN_CONTROL];
	uid_t uid;

	c->request_ms = REQUEST_MS;
	c->work_ms = WORK_MS;
	if (sock_peer_uid(c->io.fd, &uid) == -1 ||
	    (uid != 0 && uid != geteuid()))
		return SAY_DENIED;
	if (uid != 0 && open > OPEN_MAX - ROOT_PLACES)
		return SAY_FULL;
	return NULL;
}

static void
closed(struct client *c)
{
	forget_changes(of(c), false);
	json_decref(of(c)->question);
}

const struct client_kind ctl_kind = {
	.listener = LISTEN_CONTROL,
	.size = sizeof(struct ctl),
	.request_max = REQUEST_MAX,
	.open_max = OPEN_MAX,
	.full = SAY_FULL,
	.opened = opened,
	.received = received,
	.expired = expired,
	.more = more,
	.closed = closed,
};
