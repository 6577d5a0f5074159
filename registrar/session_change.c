/* What a session asks for: vetted, made a change, answered when it is done. */
#include "registrar/session_change.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/sock.h"
#include "registrar/process.h"
#include "registrar/session_answer.h"
#include "route/pattern.h"

#define HOST_LEASES_MAX 4096
#define LEASE_SILENCE_S 30 /* then its host is gone */
#define STORE_MS 2000	   /* for the stores */

static void
copy_line(char to[LINE_MAX_BYTES + 1], struct span line)
{
	memcpy(to, line.ptr, line.len);
	to[line.len] = '\0';
}

bool
session_hold(struct session *s)
{
	char pattern[LINE_MAX_BYTES + 1], url[LINE_MAX_BYTES + 1];

	copy_line(pattern, s->request.route);
	copy_line(url, s->request.destination);
	return lease_hold(s->client.r, s->key, pattern, url, &s->holder);
}

/* It is stored, and nobody holds it: it ends, unless somebody comes for it. */
static void
refuse_lease(struct session *s)
{
	char pattern[LINE_MAX_BYTES + 1], url[LINE_MAX_BYTES + 1];

	copy_line(pattern, s->request.route);
	copy_line(url, s->request.destination);
	lease_await(s->client.r, s->key, pattern, url);
	session_refuse(s, "no memory: try again later");
	session_note_refusal(s);
}

/* The backend is there as long as this connection. */
static void
grant(struct session *s)
{
	if (!session_hold(s)) {
		refuse_lease(s);
		return;
	}
	if (!s->local &&
	    sock_keepalive(s->client.io.fd, LEASE_SILENCE_S) == -1) {
		session_refuse(
		    s, "you have closed the connection"); /* which ends it */
		session_note_refusal(s);
		return;
	}
	s->peer->leases++;
	s->leased = true;
	s->client.stays = true;
	session_count(s, true);
	buf_consume(&s->client.in, s->request.len);
	session_answer(s, SAY_LEASED);
}

static void
stored(struct change *change, enum change_result result)
{
	struct session *s = change->arg;

	s->change = NULL;
	if (result != CHANGE_DONE) {
		session_refuse(s, change->why);
		session_note_refusal(s);
	} else if (s->client.stays) {
		session_answer(s, SAY_LEASED);
	} else if (s->request.verb == VERB_LEASE) {
		grant(s);
	} else {
		session_count(s, true);
		session_answer(s, SAY_OK);
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
	const struct conf *conf = s->client.r->conf;
	enum change_kind kind = kinds[s->request.verb];
	char pattern[LINE_MAX_BYTES + 1], url[LINE_MAX_BYTES + 1];
	struct destination to = { .url = url, .backend = *backend };
	struct change *change;

	copy_line(pattern, s->request.route);
	if (kind == CHANGE_STRIKE)
		return change_new(kind, s->key, pattern, NULL, 0);
	if (kind == CHANGE_LEASE) {
		to.lease = conf->node_name;
		to.since_ms = clock_real_ms();
	}
	to.unproved = conf->verify == VERIFY_REQUIRE &&
		      (!s->local || conf_has_accounts(conf));
	copy_line(url, s->request.destination);
	change = change_new(kind, s->key, pattern, &to, 1);
	if (change == NULL)
		return NULL;
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

void
session_submit(struct session *s)
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
		session_refuse(
		    s, why != NULL ? why : "no memory: try again later");
		session_note_refusal(s);
		return;
	}
	change->origin = ORIGIN_TOOL;
	change->arg = s;
	change->done = stored;
	s->change = change;
	client_work_within(&s->client, STORE_MS);
	change_submit_take(s->client.r, change);
}

void
session_drain(struct session *s)
{
	char pattern[LINE_MAX_BYTES + 1], url[LINE_MAX_BYTES + 1];
	struct destination to = { .url = url };
	struct change *change;

	lease_names(s->holder.lease, pattern, url);
	change = change_new(CHANGE_MARK, s->key, pattern, &to, 1);
	if (change == NULL) {
		session_refuse(s, "no memory: try again later");
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
