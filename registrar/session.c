/*
 * Collects the lines and finds out who sent them, both at once; then it
 * decides, has the change made, and answers.
 */
#include "registrar/session.h"

#include <bsd/sys/cdefs.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/sock.h"
#include "registrar/line.h"
#include "registrar/process.h"
#include "route/pattern.h"

#define SESSIONS_MAX 65536 /* most of them hold leases */
#define HOST_LEASES_MAX 4096
#define LEASE_SILENCE_S 30 /* then its host is gone */
#define STORE_MS 2000	   /* for the stores */
#define REFUSALS_MAX 20	   /* lines in the log within a second */

/* The answers that are fixed, byte for byte. */
#define SAY_OK "ok"
#define SAY_LEASED "ok\n"
#define SAY_UNKNOWN "fail"
#define SAY_IDENT                                                              \
	"Identd authentication failed. Please contact an administrator"
#define SAY_NO_TOOL "This service available only to tool accounts"

enum identity {
	IDENTITY_ASKED, /* nobody knows yet */
	IDENTITY_TOOL,
	IDENTITY_NO_TOOL,
	IDENTITY_FAILED,
	IDENTITY_NO_USER, /* on the Unix socket: no entry in local_tools */
};

struct session {
	struct client client;
	struct peer *peer; /* held; NULL: not counted */
	bool local;	   /* on the Unix socket */
	uid_t uid;	   /* there */
	uint64_t since_ms; /* it is connected */
	struct ip ip;	   /* of the host, elsewhere */
	struct ident_query query;
	struct change *change; /* borrowed; while it is under way */
	struct lease_holder holder;
	bool leased; /* it is counted so at its host */
	enum identity identity;
	enum ident_fault ident_fault;
	char key[TOOL_NAME_MAX + 2]; /* with IDENTITY_TOOL */
	enum line_fault fault;
	struct line_request request; /* points into client.in */
};

static struct session *
session_of(struct client *c)
{
	return __containerof(c, struct session, client);
}

static void
answer(struct session *s, const char *text)
{
	buf_printf(&s->client.out, "%s", text);
	client_answer(&s->client);
}

/* Refuse for a reason of the last row of table 1.1. */
static void
refuse(struct session *s, const char *why)
{
	/* on a connection that stays, a line is a line */
	buf_printf(
	    &s->client.out, "fail: %s%s", why, s->client.stays ? "\n" : "");
	client_answer(&s->client);
}

static const char *
host_name(const struct session *s, char out[INET6_ADDRSTRLEN])
{
	if (s->local)
		snprintf(out, INET6_ADDRSTRLEN, "uid %u", (unsigned)s->uid);
	else
		ip_format(&s->ip, out);
	return out;
}

/* A request is answered: how, and after how long. */
static void
count(const struct session *s, bool done)
{
	struct registrations *n = &s->client.r->registrations;
	enum verb verb =
	    s->fault == LINE_FINE && s->request.len > 0 ? s->request.verb
							: VERB_LEASE + 1;
	uint64_t ms = s->client.r->loop.now_ms - s->since_ms;
	size_t i = 0;

	(done ? n->done : n->refused)[verb]++;
	while (i < COUNTERS_TIMES - 1 && ms > counters_times_ms[i])
		i++;
	n->times[i]++;
	n->took_ms += ms;
}

/* Strangers can make as many of these as they like: not in the log. */
static void
note_refusal(struct session *s)
{
	static uint64_t second;
	static unsigned lines;
	struct registrar *r = s->client.r;
	struct span said = buf_span(&s->client.out);
	char host[INET6_ADDRSTRLEN];

	count(s, false);
	if (r->loop.now_ms / 1000 != second) {
		second = r->loop.now_ms / 1000;
		lines = 0;
	}
	if (lines++ >= REFUSALS_MAX)
		return;
	log_event(LOG_NOTICE, "registration-refused",
	    "host=%s ident=%s said=\"%.*s\"", host_name(s, host),
	    ident_fault_name(s->ident_fault), SPAN_ARG(said));
}

/* Who is it? */

static void
set_tool(struct session *s, struct span tool)
{
	s->identity = IDENTITY_TOOL;
	s->key[0] = KEY_TOOL;
	memcpy(s->key + 1, tool.ptr, tool.len);
	s->key[tool.len + 1] = '\0';
}

static void decide(struct session *s);

static void
identified(struct ident_query *q, enum ident_fault fault, struct span user)
{
	struct session *s = __containerof(q, struct session, query);
	const char *prefix = s->client.r->conf->account_prefix;
	struct span tool;

	s->ident_fault = fault;
	if (fault != IDENT_FINE)
		s->identity = IDENTITY_FAILED;
	else if (vet_account(user, span_str(prefix), &tool))
		set_tool(s, tool);
	else
		s->identity = IDENTITY_NO_TOOL;
	decide(s);
}

/* The kernel says who connected; local_tools says which tool that is. */
static void
identify_local(struct session *s)
{
	const struct conf *conf = s->client.r->conf;

	s->identity = IDENTITY_NO_USER;
	for (size_t i = 0; i < conf->nlocal_tools; i++)
		if (conf->local_tools[i].uid == s->uid) {
			set_tool(s, span_str(conf->local_tools[i].name));
			return;
		}
}

/*
 * The answer of identd holds for this connection only: once the client has
 * closed it, the port may be somebody else's (7-security.md 7.4).
 */
static bool
still_connected(const struct session *s)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (s->local)
		return true;
	return getsockopt(
		   s->client.io.fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_state == TCP_ESTABLISHED;
}

/* What is to be done? */

static void
copy_line(char to[LINE_MAX_BYTES + 1], struct span line)
{
	memcpy(to, line.ptr, line.len);
	to[line.len] = '\0';
}

/* False: no memory. */
static bool
hold(struct session *s)
{
	char pattern[LINE_MAX_BYTES + 1], url[LINE_MAX_BYTES + 1];

	copy_line(pattern, s->request.route);
	copy_line(url, s->request.destination);
	return lease_hold(s->client.r, s->key, pattern, url, &s->holder);
}

/* The backend is there as long as this connection. */
static void
grant(struct session *s)
{
	if (!hold(s)) {
		refuse(s, "no memory: try again later");
		return;
	}
	if (!s->local &&
	    sock_keepalive(s->client.io.fd, LEASE_SILENCE_S) == -1) {
		refuse(s, "you have closed the connection"); /* which ends it */
		return;
	}
	s->peer->leases++;
	s->leased = true;
	s->client.stays = true;
	count(s, true);
	buf_consume(&s->client.in, s->request.len);
	answer(s, SAY_LEASED);
}

static void
stored(struct change *change, enum change_result result)
{
	struct session *s = change->arg;

	s->change = NULL;
	if (result != CHANGE_DONE) {
		refuse(s, change->why);
		note_refusal(s);
	} else if (s->client.stays) {
		answer(s, SAY_LEASED);
	} else if (s->request.verb == VERB_LEASE) {
		grant(s);
	} else {
		count(s, true);
		answer(s, SAY_OK);
	}
}

/* backend: the request's destination, unless it unregisters. */
static struct change *
new_change(const struct session *s, const struct backend *backend)
{
	static const enum change_kind kinds[] = {
		[VERB_REGISTER] = CHANGE_SET,
		[VERB_REGISTER_CANONICAL] = CHANGE_SET,
		[VERB_UNREGISTER] = CHANGE_STRIKE,
		[VERB_LEASE] = CHANGE_LEASE,
	};
	enum change_kind kind = kinds[s->request.verb];
	char pattern[LINE_MAX_BYTES + 1], url[LINE_MAX_BYTES + 1];
	struct destination to = { .url = url, .backend = *backend };
	struct change *change;

	copy_line(pattern, s->request.route);
	change = change_new(kind, s->key, pattern);
	if (change == NULL || kind == CHANGE_STRIKE)
		return change;
	if (kind == CHANGE_LEASE) {
		to.lease = s->client.r->conf->node_name;
		to.since_ms = clock_real_ms();
	}
	to.unproved = s->client.r->conf->verify == VERIFY_REQUIRE && !s->local;
	copy_line(url, s->request.destination);
	if (!destinations_copy(&change->to, &to, 1)) {
		change_free(change);
		return NULL;
	}
	change->at_home = !s->local && ip_eq(&s->ip, &backend->ip);
	change->canonical = s->request.verb == VERB_REGISTER_CANONICAL;
	return change;
}

/* Returns NULL, or why not. */
static const char *
vet_request(
    const struct session *s, struct backend *backend, char *why, size_t size)
{
	enum vet_fault fault;

	/* what the original took may go: length and bytes were looked at */
	if (s->request.verb == VERB_UNREGISTER)
		return NULL;
	if (!pattern_valid(s->request.route, why, size))
		return why;
	fault = vet_url(s->request.destination, backend);
	if (fault == VET_FINE)
		fault = vet_destination(
		    &s->client.r->vet, backend, s->local ? NULL : &s->ip);
	return fault == VET_FINE ? NULL : vet_says(fault);
}

/* Too much of it, or not now: why not, or NULL. */
static const char *
restrain(struct session *s, char *why, size_t size)
{
	struct registrar *r = s->client.r;
	const char *off = policy_registration_off(r);

	if (off != NULL) {
		snprintf(why, size, "registration is off%s%s",
		    *off != '\0' ? ": " : " for now: try again later", off);
		return why;
	}
	if (!rate_take(r->tool_rate, s->key, strlen(s->key),
		r->conf->registration_rate, r->conf->registration_burst,
		r->loop.now_ms)) {
		snprintf(why, size,
		    "the tool registers more than %u times a second: wait a "
		    "little",
		    r->conf->registration_rate);
		return why;
	}
	if (s->request.verb == VERB_LEASE && s->peer->leases >= HOST_LEASES_MAX)
		return "your host holds too many leases: end some first";
	return NULL;
}

static void
submit(struct session *s)
{
	struct backend backend = { .port = 0 };
	char text[256];
	const char *why = restrain(s, text, sizeof(text));
	struct change *change = NULL;

	if (why == NULL)
		why = vet_request(s, &backend, text, sizeof(text));
	if (why == NULL)
		change = new_change(s, &backend);
	if (change == NULL) {
		refuse(s, why != NULL ? why : "no memory: try again later");
		note_refusal(s);
		return;
	}
	change->origin = ORIGIN_TOOL;
	change->arg = s;
	change->done = stored;
	s->change = change;
	client_work_within(&s->client, STORE_MS);
	change_submit_take(s->client.r, change);
}

static const char *const line_says[] = {
	[LINE_MORE] = "a line has no end: end each line with a newline",
	[LINE_TOO_LONG] = "a line is longer than 1024 bytes: shorten it",
	[LINE_CONTROL] = "a line has a control character: leave it out",
};

static void
refuse_user(struct session *s)
{
	char why[128];

	snprintf(why, sizeof(why),
	    "uid %u is no tool here: add \"%u:NAME\" to local_tools in "
	    "dynproxy.conf",
	    (unsigned)s->uid, (unsigned)s->uid);
	refuse(s, why);
}

/* Both are there: who it is, and what is wanted. */
static void
decide(struct session *s)
{
	if (!s->client.complete || s->client.answered ||
	    s->identity == IDENTITY_ASKED)
		return;
	if (s->identity == IDENTITY_FAILED)
		answer(s, SAY_IDENT);
	else if (s->identity == IDENTITY_NO_TOOL)
		answer(s, SAY_NO_TOOL);
	else if (s->identity == IDENTITY_NO_USER)
		refuse_user(s);
	else if (s->fault == LINE_UNKNOWN)
		answer(s, SAY_UNKNOWN);
	else if (s->fault != LINE_FINE)
		refuse(s, line_says[s->fault]);
	else if (!still_connected(s))
		refuse(s, "you have closed the connection: keep it open until "
			  "the answer comes");
	else {
		submit(s);
		return;
	}
	note_refusal(s);
}

static void
received(struct client *c)
{
	struct session *s = session_of(c);

	s->fault = line_parse(buf_span(&c->in), &s->request);
	if (s->fault == LINE_MORE && (!c->ended || buf_len(&c->in) == 0))
		return; /* more will come, or nobody wants anything */
	client_work(c);
	decide(s);
}

static void
expired(struct client *c)
{
	struct session *s = session_of(c);

	if (s->identity == IDENTITY_FAILED)
		answer(s, SAY_IDENT);
	else if (s->identity == IDENTITY_NO_TOOL)
		answer(s, SAY_NO_TOOL);
	else if (s->change == NULL)
		refuse(s, "the request took too long: send all its lines at "
			  "once");
	else {
		change_abandon(s->change);
		s->change = NULL;
		refuse(s, "the stores take too long, nothing was changed: "
			  "try again in a minute");
	}
	note_refusal(s);
}

/* The lease is over: it was replaced, or someone else holds it. */
static void
ended(struct lease_holder *holder)
{
	client_end(&__containerof(holder, struct session, holder)->client);
}

/* No new requests to its backend. */
static void
drain(struct session *s)
{
	char pattern[LINE_MAX_BYTES + 1], url[LINE_MAX_BYTES + 1];
	struct destination to = { .url = url };
	struct change *change;

	lease_names(s->holder.lease, pattern, url);
	change = change_new(CHANGE_MARK, s->key, pattern);
	if (change == NULL || !destinations_copy(&change->to, &to, 1)) {
		if (change != NULL)
			change_free(change);
		refuse(s, "no memory: try again later");
		return;
	}
	change->mark = MARK_DRAINED;
	change->origin = ORIGIN_TOOL;
	change->arg = s;
	change->done = stored;
	s->change = change;
	client_work(&s->client);
	client_work_within(&s->client, STORE_MS);
	change_submit_take(s->client.r, change);
}

/* On a connection that holds a lease. */
static bool
said(struct client *c)
{
	struct session *s = session_of(c);
	enum word word;
	size_t len;
	enum line_fault fault = line_word(buf_span(&c->in), &word, &len);

	if (fault != LINE_FINE)
		return fault == LINE_MORE;
	buf_consume(&c->in, len);
	switch (word) {
	case WORD_PING:
		answer(s, SAY_LEASED);
		break;
	case WORD_DRAIN:
		drain(s);
		break;
	case WORD_UNKNOWN:
		refuse(s, "say ping or drain");
		break;
	}
	return true;
}

static const char *
opened(struct client *c)
{
	struct session *s = session_of(c);
	struct registrar *r = c->r;
	struct addr local = { .len = sizeof(local.u) };
	struct ip id;

	s->holder.ended = ended;
	s->since_ms = r->loop.now_ms;
	c->request_ms = r->conf->registration_timeout_ms;
	c->work_ms = 2 * r->conf->ident_timeout_ms; /* which ends by itself */
	s->local = !addr_ip(&c->peer, &s->ip);
	if (s->local ? sock_peer_uid(c->io.fd, &s->uid) == -1
		     : getsockname(c->io.fd, &local.u.sa, &local.len) == -1)
		return SAY_IDENT;
	id = s->local ? peer_user(s->uid) : s->ip;
	s->peer = peer_hold(&r->peers, &id);
	if (s->peer == NULL)
		return "fail: no memory: try again later";
	if (!rate_take(r->host_rate, &id, sizeof(id),
		r->conf->registration_connects, r->conf->registration_connects,
		r->loop.now_ms))
		return "fail: your host connects too often: wait a little";
	if (s->peer->open - s->peer->leases - s->peer->proofs >
	    r->conf->registrations_open_max)
		return "fail: your host has too many registrations open: "
		       "close some and try again";
	if (s->local) {
		identify_local(s);
	} else if (!ident_believed(r->conf, &s->ip)) {
		return SAY_IDENT;
	} else {
		s->query.done = identified;
		ident_ask(&r->ident, &s->query, s->peer, &local, &c->peer);
	}
	return NULL;
}

static void
closed(struct client *c)
{
	struct session *s = session_of(c);

	ident_cancel(&s->query);
	if (s->change != NULL) {
		s->change->done = NULL;
		/* it comes about all the same: then it goes again */
		if (s->request.verb == VERB_LEASE && !c->stays)
			hold(s);
	}
	lease_withdraw(&s->holder);
	if (s->peer == NULL)
		return;
	if (s->leased)
		s->peer->leases--;
	peer_drop(&c->r->peers, s->peer);
}

const struct client_kind session_kind = {
	.listener = LISTEN_REGISTRATION,
	.size = sizeof(struct session),
	.request_max = LINE_REQUEST_MAX,
	.open_max = SESSIONS_MAX,
	.full = "fail: too many registrations are open: try again in a minute",
	.opened = opened,
	.received = received,
	.expired = expired,
	.said = said,
	.closed = closed,
};
