/* The entries, what becomes of changes to them, and when they end. */
#include "registrar/policy.h"

#include <assert.h>
#include <bsd/string.h>
#include <bsd/sys/cdefs.h>
#include <bsd/sys/tree.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "registrar/listing.h"
#include "registrar/process.h"
#include "shm/policy_write.h"

/* What has ended holds no longer, but stands in SQLite until a sweep. */
#define SWEEP_MS 10000

struct entry {
	RB_ENTRY(entry) tree;
	enum policy_kind kind;
	bool ending; /* its end is on its way to SQLite */
	uint64_t since_ms, until_ms;
	struct cidr network; /* POLICY_BAN only */
	char *subject;	     /* owned */
};

struct policy_book {
	struct registrar *r;	      /* borrowed */
	struct policy_writer *writer; /* owned */
	RB_HEAD(entry_tree, entry) entries;
	size_t n[POLICY_KINDS];		    /* entries, and sets under way */
	TAILQ_HEAD(, policy_change) stored; /* owned; not yet published */
	struct ev_task publish;
	struct timer sweep;
};

/* Entries. */

static int
compare(const struct entry *a, const struct entry *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->subject, b->subject);
}

RB_GENERATE_INTERNAL(
    entry_tree, entry, tree, compare, __attribute__((unused)) static)

static struct entry *
find(struct policy_book *p, enum policy_kind kind, const char *subject)
{
	struct entry like = { .kind = kind, .subject = (char *)subject };

	return RB_FIND(entry_tree, &p->entries, &like);
}

/* False: no memory.  It was counted when it was submitted. */
static bool
enter(struct policy_book *p, enum policy_kind kind, const char *subject,
    uint64_t since_ms, uint64_t until_ms)
{
	struct entry *e = find(p, kind, subject);

	if (e == NULL) {
		e = calloc(1, sizeof(*e));
		if (e == NULL)
			return false;
		e->kind = kind;
		e->subject = strdup(subject);
		if (e->subject == NULL ||
		    (kind == POLICY_BAN && !cidr_parse(&e->network, subject))) {
			free(e->subject);
			free(e);
			return false;
		}
		RB_INSERT(entry_tree, &p->entries, e);
		p->n[kind]++;
	}
	e->since_ms = since_ms;
	e->until_ms = until_ms;
	e->ending = false;
	return true;
}

static void
drop(struct policy_book *p, struct entry *e)
{
	RB_REMOVE(entry_tree, &p->entries, e);
	p->n[e->kind]--;
	free(e->subject);
	free(e);
}

static bool
is_over(const struct entry *e, uint64_t now_ms)
{
	return e->until_ms != 0 && e->until_ms <= now_ms;
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
until_mono(const struct gathering *g, const struct entry *e)
{
	return e->until_ms == 0 ? POLICY_FOR_EVER
				: g->mono_ms + (e->until_ms - g->real_ms);
}

static void
gather_one(struct gathering *g, const struct entry *e)
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
	struct entry *e;
	int rc = -1;

	g.bans = calloc(p->n[POLICY_BAN] + 1, sizeof(*g.bans));
	g.tools = calloc(p->n[POLICY_MAINTENANCE] + 1, sizeof(*g.tools));
	g.content.bans = g.bans;
	g.content.tools = g.tools;
	g.content.rules = g.rules;
	if (g.bans != NULL && g.tools != NULL) {
		RB_FOREACH(e, entry_tree, &p->entries)
		if (!is_over(e, g.real_ms))
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
set_sweep(struct policy_book *p)
{
	uint64_t now = clock_real_ms(), first = UINT64_MAX;
	struct entry *e;

	RB_FOREACH(e, entry_tree, &p->entries)
	if (e->until_ms != 0 && e->until_ms < first)
		first = e->until_ms;
	timer_clear(&p->r->loop.timers, &p->sweep);
	if (first != UINT64_MAX)
		timer_set(&p->r->loop.timers, &p->sweep,
		    p->r->loop.now_ms + SWEEP_MS +
			(first > now ? first - now : 0));
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
	struct policy_book *p =
	    __containerof(task, struct policy_book, publish);
	const char *fault = NULL;
	struct policy_change *c;

	if (publish(p) == -1)
		fault = "it is stored, but the workers were not told: see the "
			"log";
	set_sweep(p);
	while ((c = TAILQ_FIRST(&p->stored)) != NULL) {
		TAILQ_REMOVE(&p->stored, c, queue);
		finish(c, fault);
	}
}

/* Changes. */

const char *
policy_registration_off(const struct registrar *r)
{
	struct entry like = { .kind = POLICY_REGISTRATION,
		.subject = (char *)"" };
	struct entry *e = RB_NFIND(entry_tree, &r->policy->entries, &like);

	return e != NULL && e->kind == POLICY_REGISTRATION &&
		       !is_over(e, clock_real_ms())
		   ? e->subject
		   : NULL;
}

bool
policy_is_standby(const struct registrar *r)
{
	return find(r->policy, POLICY_STANDBY, "") != NULL;
}

struct policy_change *
policy_change_new(struct registrar *r, enum policy_kind kind, bool strike,
    const char *subject, uint64_t until_ms, char *why, size_t why_size)
{
	const struct policy_kind_info *info = policy_kind_info(kind);
	struct policy_book *p = r->policy;
	struct policy_change *c = calloc(1, sizeof(*c));
	bool there;

	if (c == NULL) {
		snprintf(why, why_size, "no memory: try again later");
		return NULL;
	}
	c->kind = kind;
	c->strike = strike;
	c->since_ms = clock_real_ms();
	c->until_ms = until_ms;
	if (!info->check(subject, c->subject, why, why_size)) {
		free(c);
		return NULL;
	}
	there = find(p, kind, c->subject) != NULL;
	if (strike && !there)
		snprintf(why, why_size, "there is no such %s", info->name);
	else if (!strike && until_ms != 0 && until_ms <= c->since_ms)
		snprintf(why, why_size, "that time has passed");
	else if (!strike && !there && p->n[kind] >= info->max)
		snprintf(why, why_size,
		    "there are %zu %s, and no room for more", p->n[kind],
		    info->plural);
	else
		return c;
	free(c);
	return NULL;
}

void
policy_submit_take(struct registrar *r, struct policy_change *c)
{
	if (!c->strike)
		r->policy->n[c->kind]++; /* a place, until it is entered */
	store_io_save_policy(r->io, c);
}

/* Make it so, in the book.  False: no memory. */
static bool
apply(struct policy_book *p, const struct policy_change *c)
{
	struct entry *e = find(p, c->kind, c->subject);

	if (!c->strike)
		return enter(p, c->kind, c->subject, c->since_ms, c->until_ms);
	if (e != NULL && (c->until_ms == 0 || c->until_ms == e->until_ms))
		drop(p, e);
	return true;
}

void
policy_stored(struct registrar *r, struct policy_change *c, const char *fault)
{
	struct policy_book *p = r->policy;
	struct entry *e;

	if (!c->strike)
		p->n[c->kind]--;
	if (fault == NULL && !apply(p, c))
		fault = "out of memory";
	if (fault != NULL) {
		e = find(p, c->kind, c->subject);
		if (e != NULL)
			e->ending = false;
		finish(c, fault);
		return;
	}
	log_event(LOG_NOTICE, c->strike ? "policy-strike" : "policy-set",
	    "kind=%s subject=\"%s\"", policy_kind_info(c->kind)->name,
	    c->subject);
	TAILQ_INSERT_TAIL(&p->stored, c, queue);
	ev_later(&r->loop, &p->publish);
}

/* Strike what is over. */
static void
run_sweep(struct timer *timer)
{
	struct policy_book *p = __containerof(timer, struct policy_book, sweep);
	uint64_t now = clock_real_ms();
	struct policy_change *c;
	struct entry *e;
	char why[128];

	RB_FOREACH(e, entry_tree, &p->entries)
	{
		if (e->ending || !is_over(e, now))
			continue;
		c = policy_change_new(p->r, e->kind, true, e->subject,
		    e->until_ms, why, sizeof(why));
		if (c == NULL)
			break;
		e->ending = true;
		policy_submit_take(p->r, c);
	}
	set_sweep(p);
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
	RB_INIT(&p->entries);
	TAILQ_INIT(&p->stored);
	p->publish.run = run_publish;
	p->sweep.fire = run_sweep;
	r->policy = p;
	return 0;
}

void
policy_load(struct registrar *r, const struct stored_policy *stored)
{
	char subject[POLICY_SUBJECT_MAX + 1], why[128];
	enum policy_kind kind;

	if (!policy_kind_of(stored->kind, &kind) ||
	    !policy_kind_info(kind)->check(
		stored->subject, subject, why, sizeof(why)) ||
	    r->policy->n[kind] >= policy_kind_info(kind)->max ||
	    !enter(
		r->policy, kind, subject, stored->since_ms, stored->until_ms))
		log_event(LOG_WARNING, "policy-damaged",
		    "kind=%s subject=\"%s\" in routes.sqlite: left out",
		    stored->kind, stored->subject);
}

int
policy_loaded(struct registrar *r)
{
	set_sweep(r->policy);
	return publish(r->policy);
}

void
policy_end(struct registrar *r)
{
	struct policy_book *p = r->policy;
	struct policy_change *c;
	struct entry *e;

	while ((c = TAILQ_FIRST(&p->stored)) != NULL) {
		TAILQ_REMOVE(&p->stored, c, queue);
		finish(c, NULL); /* it will be published at the next start */
	}
	while ((e = RB_MIN(entry_tree, &p->entries)) != NULL)
		drop(p, e);
	ev_forget(&r->loop, &p->publish);
	timer_clear(&r->loop.timers, &p->sweep);
	policy_writer_free(p->writer);
	free(p);
	r->policy = NULL;
}

/* The list. */

static struct entry *
next_of(struct policy_book *p, const struct policy_listing *l)
{
	struct entry like = { .kind = l->kind, .subject = (char *)l->after };
	struct entry *e = RB_NFIND(entry_tree, &p->entries, &like);

	if (e != NULL && l->begun && compare(e, &like) == 0)
		e = RB_NEXT(entry_tree, &p->entries, e);
	return e;
}

static bool
put_entry(struct buf *b, const struct entry *e, bool first)
{
	return buf_printf(b, first ? "" : ",") &&
	       listing_put_json_take(
		   b, json_pack("{s:s, s:o, s:o, s:o}", "kind",
			  policy_kind_info(e->kind)->name, "subject",
			  listing_text(e->subject), "since",
			  listing_time(e->since_ms), "until",
			  listing_time(e->until_ms)));
}

size_t
policy_count(const struct registrar *r, enum policy_kind kind)
{
	return r->policy->n[kind];
}

bool
policy_list_more(struct registrar *r, struct policy_listing *l, struct buf *b)
{
	uint64_t now = clock_real_ms();
	struct entry *e;

	for (e = next_of(r->policy, l); e != NULL && e->kind == l->kind;
	     e = RB_NEXT(entry_tree, &r->policy->entries, e)) {
		if (buf_len(b) >= CLIENT_PIECE)
			return true;
		if (is_over(e, now))
			continue;
		if (!put_entry(b, e, !l->some))
			return false;
		l->some = l->begun = true;
		strlcpy(l->after, e->subject, sizeof(l->after));
	}
	return false;
}

void
policy_keep(struct registrar *r)
{
	struct policy_change *c;
	struct entry *e;
	char why[128];

	RB_FOREACH(e, entry_tree, &r->policy->entries)
	{
		c = policy_change_new(r, e->kind, false, e->subject,
		    e->until_ms, why, sizeof(why));
		if (c == NULL)
			continue; /* over, or no memory */
		c->since_ms = e->since_ms;
		policy_submit_take(r, c);
	}
}
