/* Answers of 8282, counted, and the refusals among them logged. */
#include "registrar/session_answer.h"

#include <stdio.h>

#include "lib/log.h"
#include "registrar/process.h"

#define REFUSALS_MAX 20 /* lines in the log within a second */

void
session_answer(struct session *s, const char *text)
{
	if (!buf_printf(&s->client.out, "%s", text))
		client_end(&s->client); /* or it would wait for an answer */
	client_answer(&s->client);
}

void
session_refuse(struct session *s, const char *why)
{
	/* on a connection that stays, a line is a line */
	if (!buf_printf(
		&s->client.out, "fail: %s%s", why, s->client.stays ? "\n" : ""))
		client_end(&s->client);
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

void
session_count(const struct session *s, bool done)
{
	struct registrations *n = &s->client.r->registrations;
	enum verb verb = s->fault == LINE_FINE && s->request.len > 0
			     ? s->request.verb
			     : VERB_LEASE + 1;
	uint64_t ms = s->client.r->loop.now_ms - s->since_ms;

	(done ? n->done : n->refused)[verb]++;
	n->times[counters_time_slot(ms)]++;
	n->took_ms += ms;
}

/* Strangers can make as many of these as they like: not in the log. */
void
session_note_refusal(struct session *s)
{
	static uint64_t second;
	static unsigned lines;
	struct registrar *r = s->client.r;
	struct span said = buf_span(&s->client.out);
	char host[INET6_ADDRSTRLEN];

	session_count(s, false);
	if (r->loop.now_ms / 1000 != second) {
		second = r->loop.now_ms / 1000;
		lines = 0;
	}
	if (lines++ >= REFUSALS_MAX)
		return;
	log_event(LOG_NOTICE, "registration-refused",
	    "name=%s host=%s ident=%s said=\"%.*s\"",
	    s->identity == IDENTITY_TOOL ? s->key + 1 : "-", host_name(s, host),
	    ident_fault_name(s->ident_fault), SPAN_ARG(said));
}
