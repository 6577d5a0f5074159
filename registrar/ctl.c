/* Answers dynproxyctl: reads the question, and has its command run. */
#include "registrar/ctl.h"

#include <bsd/string.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/container.h"
#include "lib/ctlline.h"
#include "lib/sock.h"
#include "registrar/ctl_command.h"
#include "registrar/vet.h"

#define OPEN_MAX 64	 /* connections */
#define OPERATORS 16	 /* of them, for those who command only */
#define TOOL_MAX 8	 /* of the others, for one tool's user */
#define REQUEST_MAX 8192 /* bytes of a line */
#define REQUEST_MS 5000
#define WORK_MS 8000 /* less than dynproxyctl waits */

static struct ctl *
ctl_of(struct client *c)
{
	return container_of(c, struct ctl, client);
}

void
ctl_fail(struct ctl *ctl, enum ctl_exit exit_code, const char *fmt, ...)
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

void
ctl_succeed_take(struct ctl *ctl, json_t *data)
{
	listing_put_json_take(
	    &ctl->client.out, json_pack("{s:i, s:i, s:o}", "v", 1, "exit",
				  CTL_DONE, "data", data));
	buf_printf(&ctl->client.out, "\n");
	client_answer(&ctl->client);
}

bool
ctl_tool_key(struct ctl *ctl, const char *tool, char key[TOOL_NAME_MAX + 2])
{
	if (!vet_tool_name(span_str(tool))) {
		ctl_fail(ctl, CTL_USAGE,
		    "\"%.64s\" is no tool's name: use a-z, 0-9 and -", tool);
		return false;
	}
	key[0] = KEY_TOOL;
	strlcpy(key + 1, tool, TOOL_NAME_MAX + 1);
	return true;
}

struct book_name *
ctl_find_tool(struct ctl *ctl, const char *tool, char key[TOOL_NAME_MAX + 2])
{
	struct book_name *name;

	if (!ctl_tool_key(ctl, tool, key))
		return NULL;
	name = book_find(&ctl->client.r->book, key);
	if (name == NULL)
		ctl_fail(ctl, CTL_REFUSED,
		    "%s has no route: dynproxyctl list shows who has", tool);
	return name;
}

static bool
more(struct client *c)
{
	struct ctl *ctl = ctl_of(c);
	bool goes_on = false, lines;

	switch (ctl->lists) {
	case LISTS_NOTHING:
		return false;
	case LISTS_ROUTES:
		goes_on = ctl_list_more(ctl);
		break;
	case LISTS_FRONTENDS:
		goes_on = ctl_frontends_more(ctl);
		break;
	case LISTS_REGISTRATIONS:
		goes_on = ctl_registrations_more(ctl);
		break;
	case LISTS_SESSIONS:
		goes_on = ctl_sessions_more(ctl);
		break;
	case LISTS_POLICY:
		goes_on = policy_list_more(c->r, &ctl->policy_listing, &c->out);
		break;
	}
	if (goes_on)
		return true;
	/* these have a line each: dynproxyctl reads them so */
	lines = ctl->lists == LISTS_ROUTES ||
		ctl->lists == LISTS_REGISTRATIONS ||
		ctl->lists == LISTS_SESSIONS;
	ctl->lists = LISTS_NOTHING;
	/* without its end when there was no memory: who reads it sees that */
	return !ctl->listing.broken && !ctl->policy_listing.broken &&
	       buf_printf(
		   &c->out, "%s" CTLLINE_LIST_END "\n", lines ? "\n" : "");
}

void
ctl_begin_list(struct ctl *ctl, enum ctl_list which)
{
	ctl->lists = which;
	ctl->listing.r = ctl->client.r;
	buf_printf(&ctl->client.out, CTLLINE_LIST_BEGIN);
	client_answer(&ctl->client);
}

static const struct {
	const char *name;
	size_t min, max; /* operands */
	void (*run)(struct ctl *ctl);
	bool tools; /* may ask it too, of themselves: its operand */
} commands[] = {
	{ "status", 0, 0, ctl_status, false },
	{ "list", 0, 1, ctl_list, true },
	{ "explain", 3, 3, ctl_explain, false },
	{ "add", 3, 3, ctl_add, false },
	{ "del", 1, 2, ctl_del, false },
	{ "believe", 0, 0, ctl_believe, false },
	{ "strike", 3, 3, ctl_strike, false },
	{ "import", 5, 5, ctl_import, false },
	{ "import-dry", 5, 5, ctl_import_dry, false },
	{ "drain", 1, 1, ctl_drain, false },
	{ "undrain", 1, 1, ctl_undrain, false },
	{ "frontends", 0, 0, ctl_frontends, false },
	{ "frontend-set", 2, 2, ctl_frontend_set, false },
	{ "frontend-del", 1, 1, ctl_frontend_del, false },
	{ "watch", 0, 1, ctl_watch, true },
	{ "tool", 1, 1, ctl_tool, true },
	{ "top", 0, 1, ctl_top, false },
	{ "unknown", 0, 0, ctl_unknown, false },
	{ "node", 0, 0, ctl_node, false },
	{ "tail", 0, 1, ctl_tail, true },
	{ "registrations", 0, 0, ctl_registrations, false },
	{ "sessions", 0, 1, ctl_sessions, true },
	{ "policy", 1, 1, ctl_policy, false },
	{ "policy-set", 3, 3, ctl_policy_set, false },
	{ "policy-strike", 2, 2, ctl_policy_strike, false },
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
	    json_array_size(args) > CTL_ARGS_MAX)
		return NULL;
	*nargs = json_array_size(args);
	for (size_t i = 0; i < *nargs; i++) {
		ctl->args[i] = json_string_value(json_array_get(args, i));
		if (ctl->args[i] == NULL)
			return NULL;
	}
	return cmd;
}

/* Who names no tool means its own. */
static bool
is_about_own(struct ctl *ctl, size_t *nargs)
{
	if (*nargs == 0)
		ctl->args[(*nargs)++] = ctl->own;
	return strcmp(ctl->args[0], ctl->own) == 0;
}

static void
serve(struct ctl *ctl, struct span line)
{
	size_t nargs;
	const char *cmd = read_question(ctl, line, &nargs);

	if (cmd == NULL) {
		ctl_fail(ctl, CTL_USAGE,
		    "no question: say {\"v\":1,\"cmd\":\"status\"}");
		return;
	}
	for (size_t i = 0; i < nitems(commands); i++) {
		if (strcmp(commands[i].name, cmd) != 0)
			continue;
		if (ctl->own[0] != '\0' &&
		    (!commands[i].tools || !is_about_own(ctl, &nargs)))
			ctl_fail(ctl, CTL_DENIED,
			    "a tool may only ask about itself: tool, list, "
			    "sessions, tail and watch %s",
			    ctl->own);
		else if (nargs < commands[i].min || nargs > commands[i].max)
			ctl_fail(ctl, CTL_USAGE, "%s takes %zu to %zu operands",
			    cmd, commands[i].min, commands[i].max);
		else
			commands[i].run(ctl);
		return;
	}
	ctl_fail(ctl, CTL_USAGE, "no command \"%.64s\"", cmd);
}

/* Serve the question when it is there, and it is known who asks. */
static void
received(struct client *c)
{
	struct ctl *ctl = ctl_of(c);
	struct span line = buf_span(&c->in);
	const char *end =
	    line.len > 0 ? memchr(line.ptr, '\n', line.len) : NULL;

	if (end == NULL) {
		if (line.len == REQUEST_MAX)
			ctl_fail(ctl, CTL_USAGE, "the question is too long");
		return;
	}
	if (ctl->account.lookups != NULL) {
		client_work(c);
		return;
	}
	line.len = (size_t)(end - line.ptr);
	serve(ctl, line);
}

static void
expired(struct client *c)
{
	ctl_forget_changes(ctl_of(c), true);
	ctl_fail(ctl_of(c), CTL_REFUSED,
	    "it takes too long: dynproxyctl status shows the stores");
}

#define DENIED                                                                 \
	"you may not: be root, or the registrar's user, or a tool's "          \
	"(local_tools)"
#define SAY_DENIED "{\"v\":1,\"exit\":4,\"error\":\"" DENIED "\"}\n"
#define SAY_FULL                                                               \
	"{\"v\":1,\"exit\":75,\"error\":\"too many connections: try "          \
	"again\"}\n"

/* A tool's own user asks about that tool. */
static bool
set_own(struct ctl *ctl, struct span tool)
{
	if (tool.len >= sizeof(ctl->own))
		return false;
	memcpy(ctl->own, tool.ptr, tool.len); /* the rest is NUL */
	return true;
}

static void
named(struct account_query *q, enum ident_fault fault, struct span user)
{
	struct ctl *ctl = container_of(q, struct ctl, account);
	const char *prefix = ctl->client.r->conf->account_prefix;
	struct span tool;

	if (fault != IDENT_FINE)
		ctl_fail(ctl, CTL_AGAIN,
		    "who you are could not be found out: try again");
	else if (!vet_account(user, span_str(prefix), &tool) ||
		 !set_own(ctl, tool))
		ctl_fail(ctl, CTL_DENIED, DENIED);
	else if (ctl->client.complete)
		received(&ctl->client);
}

/*
 * Which tool's user it is, as registrations find it (session.c).  False: no
 * tool's; an answer that comes later is named()'s.
 */
static bool
find_tool(struct ctl *ctl, uid_t uid)
{
	const struct conf *conf = ctl->client.r->conf;

	if (conf_has_accounts(conf)) {
		ctl->account.done = named;
		lookups_ask_account(&ctl->client.r->lookups, &ctl->account, uid,
		    conf->ident_timeout_ms);
		return true;
	}
	for (size_t i = 0; i < conf->nlocal_tools; i++)
		if (conf->local_tools[i].uid == uid)
			return set_own(
			    ctl, span_str(conf->local_tools[i].name));
	return false;
}

static size_t
open_by(const struct registrar *r, uid_t uid)
{
	struct client *c;
	size_t n = 0;

	LIST_FOREACH(c, &r->clients.list, entry)
	n += c->kind == &ctl_kind && ctl_of(c)->uid == uid;
	return n;
}

/*
 * Anybody can connect: who may not ask does not get a place for silence, and
 * who asks about his tool not the places of the others.
 */
static const char *
opened(struct client *c)
{
	struct ctl *ctl = ctl_of(c);

	c->request_ms = REQUEST_MS;
	c->work_ms = WORK_MS;
	if (sock_peer_uid(c->io.fd, &ctl->uid) == -1)
		return SAY_DENIED;
	if (sock_uid_commands(ctl->uid))
		return NULL;
	if (c->r->clients.open[LISTEN_CONTROL] > OPEN_MAX - OPERATORS ||
	    open_by(c->r, ctl->uid) > TOOL_MAX)
		return SAY_FULL;
	return find_tool(ctl, ctl->uid) ? NULL : SAY_DENIED;
}

/* Who watches has nothing more to say. */
static bool
said(struct client *c)
{
	buf_consume(&c->in, buf_len(&c->in));
	return true;
}

static void
closed(struct client *c)
{
	lookups_cancel_account(&ctl_of(c)->account);
	ctl_forget_changes(ctl_of(c), false);
	ctl_watch_end(ctl_of(c));
	ctl_tail_end(ctl_of(c));
	json_decref(ctl_of(c)->question);
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
	.said = said,
	.closed = closed,
};
