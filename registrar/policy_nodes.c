/* The policy as other nodes know it: what they say, and what they lack. */
#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "registrar/policy_book.h"
#include "registrar/process.h"
#include "registrar/redis_record.h"

/* What one says of an entry. */
struct said {
	enum policy_kind kind;
	char subject[POLICY_SUBJECT_MAX + 1];
	uint64_t since_ms, until_ms;
};

/* Take a number of at most 15 digits: a double, which Lua has, holds it. */
static bool
take_number(const char **text, uint64_t *value)
{
	size_t digits = strspn(*text, "0123456789");

	if (digits == 0 || digits > 15)
		return false;
	*value = strtoull(*text, NULL, 10);
	*text += digits;
	return true;
}

bool
policy_is_believed(uint64_t since_ms, uint64_t now_ms)
{
	return since_ms <= now_ms + RECORD_AHEAD_MS;
}

/* Of another node. */
static const char *
read_value(struct said *said, const char *value, uint64_t now_ms)
{
	if (!take_number(&value, &said->since_ms) || *value++ != ' ' ||
	    !take_number(&value, &said->until_ms) || *value != '\0' ||
	    said->since_ms == 0 ||
	    (said->kind == POLICY_FORGOTTEN && said->until_ms != 0))
		return "its times are malformed";
	return policy_is_believed(said->since_ms, now_ms)
		   ? NULL
		   : "it is from the future";
}

static const char *
read_field(struct said *said, const char *field)
{
	static char why[128]; /* one loop, and it is logged at once */
	const char *subject = strchr(field, ':');
	char name[32];

	if (subject == NULL || (size_t)(subject - field) >= sizeof(name))
		return "no kind of policy";
	memcpy(name, field, (size_t)(subject - field));
	name[subject++ - field] = '\0';
	if (!policy_kind_of(name, &said->kind) ||
	    !policy_kind_info(said->kind)->shared)
		return "no kind of policy that nodes share";
	if (strlen(subject) > POLICY_SUBJECT_MAX)
		return "its subject is too long";
	if (!policy_kind_info(said->kind)
		 ->check(subject, said->subject, why, sizeof(why)))
		return why;
	return strcmp(subject, said->subject) == 0
		   ? NULL
		   : "its subject is not in its one form";
}

static bool
is_over(const struct said *said, uint64_t now_ms)
{
	return policy_times_over(said->since_ms, said->until_ms, now_ms);
}

/* Is it over, and so long ago that no node can have missed it? */
static bool
is_outdated(const struct said *said, uint64_t now_ms)
{
	return said->until_ms != 0 &&
	       said->until_ms + POLICY_KEPT_MS + RECORD_AHEAD_MS <= now_ms;
}

/* Room for one more that holds, or that is remembered. */
static bool
has_room(const struct policy_book *p, const struct said *said, uint64_t now_ms)
{
	bool over = is_over(said, now_ms);
	size_t max = over ? 2 * POLICY_STRUCK_MAX /* others' are as many */
			  : policy_kind_info(said->kind)->max;

	return (over ? p->all.spent : p->all.holding)[said->kind] +
		   p->coming[said->kind] <
	       max;
}

static bool
take(struct registrar *r, const struct said *said, uint64_t round)
{
	struct policy_change *c = policy_change_of(
	    said->kind, said->subject, said->since_ms, said->until_ms);

	if (c == NULL)
		return false;
	c->round = round;
	policy_submit_take(r, c);
	return true;
}

/* What Redis says in this round; not what it said before. */
static void
note(struct policy_book *p, const struct said *said, uint64_t round,
    uint64_t now_ms)
{
	enum policy_kind kind;

	if (p->round != round) {
		p->heard_ms = 0;
		memset(p->forgotten_there, 0, sizeof(p->forgotten_there));
	}
	p->round = round;
	if (said->since_ms > p->heard_ms && said->since_ms <= now_ms)
		p->heard_ms = said->since_ms;
	if (said->kind == POLICY_FORGOTTEN &&
	    policy_kind_of(said->subject, &kind))
		p->forgotten_there[kind] = said->since_ms;
}

enum policy_heard
policy_hear(struct registrar *r, const char *field, const char *value,
    uint64_t round, const char **why)
{
	struct policy_book *p = r->policy;
	uint64_t now = clock_real_ms();
	struct policy_entry *e;
	struct said said;

	*why = read_field(&said, field);
	if (*why != NULL)
		return HEARD_MALFORMED;
	e = policy_entries_find(&p->all, said.kind, said.subject);
	if (e != NULL)
		e->seen = round;
	*why = read_value(&said, value, now);
	if (*why != NULL)
		return HEARD_MALFORMED;
	note(p, &said, round, now);
	if (e == NULL || e->spent) { /* else it would end what holds */
		if (is_outdated(&said, now))
			return HEARD_OUTDATED;
		if (is_over(&said, now) &&
		    said.since_ms <= policy_forgotten_ms(p, said.kind))
			return HEARD_FORGOTTEN;
	}
	if (e != NULL && e->since_ms > said.since_ms)
		return HEARD_OLDER;
	if (e != NULL) {
		e->heard = round;
		e->told = e->since_ms == said.since_ms;
	}
	if (e != NULL && e->since_ms == said.since_ms &&
	    e->until_ms == said.until_ms)
		return HEARD_KNOWN;
	*why = "no room for more of its kind";
	if ((e == NULL || e->spent) && !has_room(p, &said, now))
		return HEARD_MALFORMED;
	*why = "out of memory";
	return take(r, &said, round) ? HEARD_TAKEN : HEARD_MALFORMED;
}

/* The others have forgotten it, or soon will; or they would refuse it. */
static bool
is_unwanted(
    struct policy_book *p, const struct policy_entry *e, uint64_t now_ms)
{
	return !policy_is_believed(e->since_ms, now_ms) ||
	       (e->spent &&
		   (e->since_ms <= p->forgotten_there[e->kind] ||
		       e->since_ms <= policy_forgotten_ms(p, e->kind))) ||
	       (e->until_ms != 0 &&
		   e->until_ms + POLICY_KEPT_MS <= now_ms + RECORD_AHEAD_MS);
}

const struct policy_entry *
policy_unheard(struct registrar *r, uint64_t round, struct policy_listing *at)
{
	uint64_t now = clock_real_ms();
	struct policy_entry *e =
	    policy_entries_from(&r->policy->all, at->kind, at->after);

	while (
	    e != NULL && (e->heard == round || is_unwanted(r->policy, e, now) ||
			     !policy_kind_info(e->kind)->shared))
		e = policy_entries_next(e);
	if (e == NULL)
		return NULL;
	e->heard = round;
	at->kind = e->kind;
	strlcpy(at->after, e->subject, sizeof(at->after));
	return e;
}

uint64_t
policy_checksum(const struct registrar *r)
{
	return r->policy->all.checksum;
}
