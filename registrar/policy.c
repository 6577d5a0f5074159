/* The entries, what becomes of changes to them, and when they end. */
#include "registrar/policy.h"

#include <assert.h>
#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/log.h"
#include "registrar/policy_book.h"
#include "registrar/process.h"
#include "registrar/redis_policy.h"
#include "shm/policy_write.h"

bool
policy_is_shared(const struct registrar *r, enum policy_kind kind)
{
	return r->redis != NULL && policy_kind_info(kind)->shared;
}

/* Publishing. */

/* A generation, while it is gathered. */
struct gathering {
	struct policy_content content;
	struct policy_ban *bans;
	struct policy_tool *tools;
	struct policy_rule rules[POLICY_RULES_MAX];
	uint64_t real_ms, mono_ms; /* now */
};

/* The segment's time, from ours. */
static uint64_t
until_mono(const struct gathering *g, const struct policy_entry *e)
{
	return e->until_ms == 0 ? POLICY_FOR_EVER
				: g->mono_ms + (e->until_ms - g->real_ms);
}

static void
gather_one(struct gathering *g, const struct policy_entry *e)
{
	struct policy_content *c = &g->content;
	uint64_t until = until_mono(g, e);

	switch (e->kind) {
	case POLICY_BAN:
		g->bans[c->nbans++] = (struct policy_ban){ e->network, until };
		break;
	case POLICY_RULE_AGENT:
	case POLICY_RULE_REFERER:
		g->rules[c->nrules++] =
		    (struct policy_rule){ e->kind == POLICY_RULE_AGENT
					      ? POLICY_AGENT
					      : POLICY_REFERER,
			    span_str(e->subject) };
		break;
	case POLICY_MAINTENANCE:
		if (e->subject[0] == '\0')
			c->site_until_ms = until;
		else
			g->tools[c->ntools++] =
			    (struct policy_tool){ e->subject, until };
		break;
	case POLICY_STANDBY:
		c->standby = true;
		break;
	case POLICY_REGISTRATION: /* not the workers' business */
	case POLICY_FORGOTTEN:
	case POLICY_TOLD:
	case POLICY_KINDS:
		break;
	}
}

/* Publish all that holds now.  -1 with errno. */
static int
publish(struct policy_book *p)
{
	struct gathering g = { .real_ms = clock_real_ms(),
		.mono_ms = clock_mono_ms() };
	struct policy_entry *e;
	int rc = -1;

	g.bans = calloc(p->all.holding[POLICY_BAN] + 1, sizeof(*g.bans));
	g.tools =
	    calloc(p->all.holding[POLICY_MAINTENANCE] + 1, sizeof(*g.tools));
	g.content.bans = g.bans;
	g.content.tools = g.tools;
	g.content.rules = g.rules;
	if (g.bans != NULL && g.tools != NULL) {
		RB_FOREACH(e, policy_tree, &p->all.tree)
		if (!e->spent && !policy_is_over(e, g.real_ms))
			gather_one(&g, e);
		rc = policy_put(p->writer, &g.content);
	}
	if (rc == -1)
		log_event(LOG_ERR, "policy-failed", "%m");
	free(g.bans);
	free(g.tools);
	return rc;
}

static void
finish(struct policy_change *c, const char *fault)
{
	if (c->done != NULL)
		c->done(c, fault);
	free(c);
}

/* All that was stored in this turn goes out as one generation. */
static void
run_publish(struct ev_task *task)
{
	struct policy_book *p = container_of(task, struct policy_book, publish);
	const char *fault = NULL;
	struct policy_change *c;

	if (publish(p) == -1)
		fault = "it is stored, but the workers were not told: see the "
			"log";
	policy_sweep_set(p);
	while ((c = TAILQ_FIRST(&p->stored)) != NULL) {
		TAILQ_REMOVE(&p->stored, c, queue);
		finish(c, fault);
	}
}

/* Changes. */

static struct policy_entry *
find(struct policy_book *p, enum policy_kind kind, const char *subject)
{
	return policy_entries_find(&p->all, kind, subject);
}

const char *
policy_registration_off(const struct registrar *r)
{
	struct policy_entry *e =
	    policy_entries_from(&r->policy->all, POLICY_REGISTRATION, "");

	return e != NULL && e->kind == POLICY_REGISTRATION &&
		       !policy_is_over(e, clock_real_ms())
		   ? e->subject
		   : NULL;
}

bool
policy_is_standby(const struct registrar *r)
{
	return find(r->policy, POLICY_STANDBY, "") != NULL;
}

/*
 * It is later than what it takes the place of, or what may have been there and
 * is forgotten, whatever our clock says.
 */
static uint64_t
since(struct policy_book *p, enum policy_kind kind,
    const struct policy_entry *before, uint64_t now_ms)
{
	uint64_t last = policy_forgotten_ms(p, kind);

	if (before != NULL && before->since_ms > last)
		last = before->since_ms;
	return last >= now_ms ? last + 1 : now_ms;
}

struct policy_change *
policy_change_new(struct registrar *r, enum policy_kind kind, bool strike,
    const char *subject, uint64_t until_ms, char *why, size_t why_size)
{
	const struct policy_kind_info *info = policy_kind_info(kind);
	struct policy_book *p = r->policy;
	struct policy_change *c = calloc(1, sizeof(*c));
	uint64_t now = clock_real_ms();
	struct policy_entry *e;
	bool there;

	if (c == NULL) {
		snprintf(why, why_size, "no memory: try again later");
		return NULL;
	}
	c->kind = kind;
	strlcpy(c->subject, subject, sizeof(c->subject));
	e = find(p, kind, c->subject);
	there = e != NULL && !e->spent;
	c->since_ms = since(p, kind, e, now);
	c->until_ms = until_ms;
	if (c->since_ms == until_ms)
		c->since_ms++; /* or it would read as struck */
	c->strike = strike && !policy_is_shared(r, kind);
	if (strike && !c->strike)
		c->until_ms = c->since_ms; /* the others have to hear of it */
	if (strike && !there)
		snprintf(why, why_size, "there is no such %s", info->name);
	else if (!strike && until_ms != 0 && until_ms <= now)
		snprintf(why, why_size, "that time has passed");
	else if (!strike && !there &&
		 p->all.holding[kind] + p->coming[kind] >= info->max)
		snprintf(why, why_size,
		    "there are %zu %s, and no room for more",
		    p->all.holding[kind], info->plural);
	else
		return c;
	free(c);
	return NULL;
}

struct policy_change *
policy_change_of(enum policy_kind kind, const char *subject, uint64_t since_ms,
    uint64_t until_ms)
{
	struct policy_change *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->kind = kind;
	c->since_ms = since_ms;
	c->until_ms = until_ms;
	c->heard = true;
	strlcpy(c->subject, subject, sizeof(c->subject));
	return c;
}

void
policy_submit_take(struct registrar *r, struct policy_change *c)
{
	if (!c->strike)
		r->policy->coming[c->kind]++; /* a place, until it is entered */
	store_io_save_policy(r->io, c);
}

/*
 * Make it so, in the book.  What is there may be newer, when another node has
 * spoken meanwhile.  False: no memory.
 */
static bool
apply(struct policy_book *p, const struct policy_change *c)
{
	struct policy_entry *e = find(p, c->kind, c->subject);
	bool told = c->round != 0 ||
		    (e != NULL && e->told && e->since_ms == c->since_ms);

	if (c->strike) {
		if (e != NULL &&
		    (c->until_ms == 0 || c->until_ms == e->until_ms))
			policy_entries_drop(&p->all, e);
		return true;
	}
	if (e != NULL && e->since_ms > c->since_ms)
		return true;
	e = policy_entries_set(
	    &p->all, c->kind, c->subject, c->since_ms, c->until_ms);
	if (e == NULL)
		return false;
	e->told = told;
	e->heard = c->round;
	if (policy_is_shared(p->r, c->kind) &&
	    policy_is_believed(c->since_ms, clock_real_ms()) &&
	    (!c->heard || (c->kind == POLICY_FORGOTTEN && c->round == 0)))
		redis_policy_tell(p->r->redis, e);
	return true;
}

/* Of each that was entered here; of those heard of it is told how many. */
static void
log_change(const struct policy_change *c)
{
	bool strike = c->strike || c->until_ms == c->since_ms;

	if (!c->heard)
		log_event(LOG_NOTICE, strike ? "policy-strike" : "policy-set",
		    "kind=%s subject=\"%s\"", policy_kind_info(c->kind)->name,
		    c->subject);
}

void
policy_stored(struct registrar *r, struct policy_change *c, const char *fault)
{
	struct policy_book *p = r->policy;
	struct policy_entry *e;

	if (!c->strike)
		p->coming[c->kind]--;
	if (fault == NULL && !apply(p, c))
		fault = "out of memory";
	if (fault != NULL) {
		e = find(p, c->kind, c->subject);
		if (e != NULL)
			e->ending = false;
		policy_sweep_again(p);
		finish(c, fault);
		return;
	}
	log_change(c);
	TAILQ_INSERT_TAIL(&p->stored, c, queue);
	ev_later(&r->loop, &p->publish);
}

/* The beginning and the end. */

int
policy_start(struct registrar *r)
{
	struct policy_book *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	p->writer = policy_writer_new(r->boot.segment_fds[SEGMENT_POLICY]);
	if (p->writer == NULL) {
		free(p);
		return -1;
	}
	p->r = r;
	policy_entries_init(&p->all);
	TAILQ_INIT(&p->stored);
	p->publish.run = run_publish;
	p->sweep.fire = policy_sweep_run;
	r->policy = p;
	return 0;
}

void
policy_load(struct registrar *r, const struct stored_policy *stored)
{
	bool holds = !policy_times_over(
	    stored->since_ms, stored->until_ms, clock_real_ms());
	char subject[POLICY_SUBJECT_MAX + 1], why[128];
	enum policy_kind kind;

	if (!policy_kind_of(stored->kind, &kind) ||
	    !policy_kind_info(kind)->check(
		stored->subject, subject, why, sizeof(why)) ||
	    (holds &&
		r->policy->all.holding[kind] >= policy_kind_info(kind)->max) ||
	    policy_entries_set(&r->policy->all, kind, subject, stored->since_ms,
		stored->until_ms) == NULL)
		log_event(LOG_WARNING, "policy-damaged",
		    "kind=%s subject=\"%s\" in routes.sqlite: left out",
		    stored->kind, stored->subject);
}

int
policy_loaded(struct registrar *r)
{
	policy_find_told(r->policy);
	policy_sweep_set(r->policy);
	return publish(r->policy);
}

void
policy_end(struct registrar *r)
{
	struct policy_book *p = r->policy;
	struct policy_change *c;

	while ((c = TAILQ_FIRST(&p->stored)) != NULL) {
		TAILQ_REMOVE(&p->stored, c, queue);
		finish(c, NULL); /* it will be published at the next start */
	}
	policy_entries_release(&p->all);
	ev_forget(&r->loop, &p->publish);
	timer_clear(&r->loop.timers, &p->sweep);
	policy_writer_free(p->writer);
	free(p);
	r->policy = NULL;
}

void
policy_keep(struct registrar *r)
{
	struct policy_change *c;
	struct policy_entry *e;

	RB_FOREACH(e, policy_tree, &r->policy->all.tree)
	{
		c = policy_change_of(
		    e->kind, e->subject, e->since_ms, e->until_ms);
		if (c == NULL)
			return; /* the next one that is lost has them all */
		policy_submit_take(r, c);
	}
}
