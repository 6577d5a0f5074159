/*
 * Collects the lines and finds out who sent them, both at once; then it decides
 * whether what they ask for is to be tried (session_change.c).
 */
#include "registrar/session.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "lib/container.h"
#include "lib/sock.h"
#include "registrar/line.h"
#include "registrar/listing.h"
#include "registrar/process.h"
#include "registrar/session_answer.h"
#include "registrar/session_change.h"

static struct session *
session_of(struct client *c)
{
	return container_of(c, struct session, client);
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

/* A user's name says which tool he is, if any. */
static void
take_user(struct session *s, enum ident_fault fault, struct span user)
{
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

static void
identified(struct ident_query *q, enum ident_fault fault, struct span user)
{
	take_user(container_of(q, struct session, query), fault, user);
}

static void
named(struct account_query *q, enum ident_fault fault, struct span user)
{
	take_user(container_of(q, struct session, account), fault, user);
}

/*
 * The kernel says who connected; local_tools, or where that has none the name
 * of the account, says which tool that is.
 */
static void
identify_local(struct session *s)
{
	const struct conf *conf = s->client.r->conf;

	if (conf_has_accounts(conf)) {
		s->account.done = named;
		lookups_ask_account(&s->client.r->lookups, &s->account, s->uid,
		    conf->ident_timeout_ms);
		return;
	}
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
	session_refuse(s, why);
}

/* Both are there: who it is, and what is wanted. */
static void
decide(struct session *s)
{
	if (!s->client.complete || s->client.answered ||
	    s->identity == IDENTITY_ASKED)
		return;
	if (s->identity == IDENTITY_FAILED)
		session_answer(s, SAY_IDENT);
	else if (s->identity == IDENTITY_NO_TOOL)
		session_answer(s, SAY_NO_TOOL);
	else if (s->identity == IDENTITY_NO_USER)
		refuse_user(s);
	else if (s->fault == LINE_UNKNOWN)
		session_answer(s, SAY_UNKNOWN);
	else if (s->fault != LINE_FINE)
		session_refuse(s, line_says[s->fault]);
	else if (!still_connected(s))
		session_refuse(s,
		    "you have closed the connection: keep it open until "
		    "the answer comes");
	else {
		session_submit(s);
		return;
	}
	session_note_refusal(s);
}

static void
received(struct client *c)
{
	struct session *s = session_of(c);

	s->fault = line_parse(buf_span(&c->in), &s->request);
	if (s->fault == LINE_MORE && (!c->ended || buf_len(&c->in) == 0))
		return; /* more will come, or nobody wants anything */
	if (s->fault == LINE_FINE)
		s->last = line_verb_name(s->request.verb);
	client_work(c);
	decide(s);
}

static void
expired(struct client *c)
{
	struct session *s = session_of(c);

	if (s->identity == IDENTITY_FAILED)
		session_answer(s, SAY_IDENT);
	else if (s->identity == IDENTITY_NO_TOOL)
		session_answer(s, SAY_NO_TOOL);
	else if (s->change == NULL)
		session_refuse(s,
		    "the request took too long: send all its lines at "
		    "once");
	else {
		change_abandon(s->change);
		s->change = NULL;
		session_refuse(s,
		    "the stores take too long, nothing was changed: "
		    "try again in a minute");
	}
	session_note_refusal(s);
}

/*
 * The lease is over: it was replaced, or someone else holds it.  Then what
 * its drain has not come to yet would be done to another's.
 */
static void
ended(struct lease_holder *holder)
{
	struct session *s = container_of(holder, struct session, holder);

	if (s->change != NULL) {
		change_abandon(s->change);
		s->change = NULL;
		session_refuse(s, "the lease is over: nothing was changed");
	}
	client_end(&s->client);
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
		s->last = "ping";
		session_answer(s, SAY_LEASED);
		break;
	case WORD_DRAIN:
		s->last = "drain";
		session_drain(s);
		break;
	case WORD_UNKNOWN:
		session_refuse(s, "say ping or drain");
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
	lookups_cancel_account(&s->account);
	if (s->change != NULL) {
		s->change->done = NULL;
		/* it comes about all the same: then it goes again */
		if (s->request.verb == VERB_LEASE && !c->stays)
			session_hold(s);
	}
	lease_withdraw(&s->holder);
	if (s->peer == NULL)
		return;
	if (s->leased)
		s->peer->leases--;
	peer_drop(&c->r->peers, s->peer);
}

/* "waiting": it has not said all, or its host not who it is. */
static const char *
state_name(const struct session *s)
{
	switch (s->client.state) {
	case CLIENT_REQUEST:
		return "waiting";
	case CLIENT_WORK:
		return s->identity == IDENTITY_ASKED ? "waiting" : "storing";
	case CLIENT_STAY:
		return "leased";
	default:
		return "answered";
	}
}

json_t *
session_tell(const struct client *c)
{
	const struct session *s = container_of(c, const struct session, client);
	char peer[ADDR_TEXT_MAX], pattern[LINE_MAX_BYTES + 1],
	    url[LINE_MAX_BYTES + 1];
	bool held = s->holder.lease != NULL;

	if (s->local)
		snprintf(peer, sizeof(peer), "uid %u", (unsigned)s->uid);
	else
		addr_format(&c->peer, peer);
	if (held)
		lease_names(s->holder.lease, pattern, url);
	return json_pack("{s:s?, s:s, s:I, s:s, s:s?, s:o}", "tool",
	    s->identity == IDENTITY_TOOL ? s->key + 1 : NULL, "peer", peer,
	    "age", (json_int_t)((c->r->loop.now_ms - s->since_ms) / 1000),
	    "state", state_name(s), "last", s->last, "lease",
	    held ? listing_text(url) : json_null());
}

const struct client_kind session_kind = {
	.listener = LISTEN_REGISTRATION,
	.size = sizeof(struct session),
	.request_max = LINE_REQUEST_MAX,
	.full = "fail: too many registrations are open: try again in a minute",
	.opened = opened,
	.received = received,
	.expired = expired,
	.said = said,
	.closed = closed,
};
