/* Builds table entries from the book, and keeps the tombstones. */
#include "registrar/publish.h"

#include <bsd/sys/cdefs.h>
#include <errno.h>
#include <stdlib.h>

#include "lib/log.h"
#include "registrar/grow.h"
#include "registrar/loading.h"
#include "registrar/process.h"
#include "registrar/slots.h"
#include "route/pattern.h"
#include "shm/table_write.h"

/* A tool that is gone and still answers "stopped". */
struct tombstone {
	RB_ENTRY(tombstone) entry;
	TAILQ_ENTRY(tombstone) order; /* the first one is the first to go */
	uint64_t due_ms;	      /* CLOCK_MONOTONIC */
	char *key;		      /* owned */
};

struct publisher {
	struct registrar *r;  /* borrowed */
	struct slots *slots;  /* owned */
	struct growth growth; /* the table's */
	struct timer timer;   /* for the first tombstone */
	RB_HEAD(tomb_tree, tombstone) by_key;
	TAILQ_HEAD(, tombstone) by_age;
	struct tombstone **strays; /* of publish_all(): not in the book */
	size_t nstrays;
	size_t nsame;	  /* of it: names that need not be published */
	struct tool tool; /* being built; its spans are the book's */
	struct backend backends[ROUTES_MAX * ROUTE_BACKENDS_MAX]; /* of it */
	size_t nbackends;
	uint64_t blob[2][ROUTE_BLOB_MAX / 8];
};

static int
compare(const struct tombstone *a, const struct tombstone *b)
{
	return strcmp(a->key, b->key);
}

RB_GENERATE_INTERNAL(
    tomb_tree, tombstone, entry, compare, __attribute__((unused)) static)

/* Tombstones. */

static struct tombstone *
tombstone_new(struct span key)
{
	struct tombstone *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->key = strndup(key.ptr, key.len);
	if (t->key == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

static void
tombstone_free(struct tombstone *t)
{
	free(t->key);
	free(t);
}

static void
tombstone_remove(struct publisher *p, struct tombstone *t)
{
	RB_REMOVE(tomb_tree, &p->by_key, t);
	TAILQ_REMOVE(&p->by_age, t, order);
	tombstone_free(t);
}

static struct tombstone *
tombstone_find(struct publisher *p, const char *key)
{
	struct tombstone like = { .key = (char *)key };

	return RB_FIND(tomb_tree, &p->by_key, &like);
}

static void
set_timer(struct publisher *p)
{
	struct tombstone *first = TAILQ_FIRST(&p->by_age);

	timer_clear(&p->r->loop.timers, &p->timer);
	if (first != NULL)
		timer_set(&p->r->loop.timers, &p->timer, first->due_ms);
}

static void
tombstone_add_take(struct publisher *p, struct tombstone *t)
{
	t->due_ms = p->r->loop.now_ms + TOMBSTONE_MS;
	RB_INSERT(tomb_tree, &p->by_key, t);
	TAILQ_INSERT_TAIL(&p->by_age, t, order);
	set_timer(p);
}

static void
withdraw(struct publisher *p, const char *key)
{
	slots_drop(p->slots, key);
	if (table_delete(p->r->table, span_str(key),
		change_version(&p->r->changes)) == -1)
		log_event(LOG_ERR, "table-failed", "delete %s: %m", key);
}

static void
bury(struct timer *timer)
{
	struct publisher *p = __containerof(timer, struct publisher, timer);
	struct tombstone *t;

	while ((t = TAILQ_FIRST(&p->by_age)) != NULL &&
	       t->due_ms <= p->r->loop.now_ms) {
		withdraw(p, t->key);
		tombstone_remove(p, t);
	}
	set_timer(p);
}

/* Building an entry. */

/* Why none of them gets requests.  What a proof may still tell comes first. */
static enum route_closed
why_closed(const struct destinations *to)
{
	for (size_t i = 0; i < to->n; i++)
		if (!to->at[i].stale && !to->at[i].drained)
			return ROUTE_UNPROVED;
	return to->at[0].stale ? ROUTE_STALE : ROUTE_DRAINED;
}

static void
add_route(
    struct publisher *p, const char *pattern, const struct destinations *to)
{
	struct route *route = &p->tool.routes[p->tool.nroutes++];

	route->kind = pattern_kind(span_str(pattern), &route->text);
	route->backends = &p->backends[p->nbackends];
	route->nbackends = 0;
	route->closed = ROUTE_OPEN;
	for (size_t i = 0; i < to->n; i++) {
		const struct destination *d = &to->at[i];

		if (d->stale || d->drained || d->unproved)
			continue;
		route->nbackends++;
		p->backends[p->nbackends++] = d->backend;
	}
	if (route->nbackends == 0)
		route->closed = why_closed(to);
}

/*
 * The book's name as an entry, with a change made already, if there is one.
 * name   NULL: the book has none yet
 */
static const struct tool *
build(struct publisher *p, const char *key, const struct book_name *name,
    const struct change *change)
{
	struct tool *tool = &p->tool;
	struct book_route *route;

	tool->key = span_str(key);
	tool->state = TOOL_ACTIVE;
	tool->canonical = name != NULL && name->canonical;
	tool->counter_slot = slots_find(p->slots, key);
	tool->nroutes = p->nbackends = 0;
	if (change != NULL && change->kind == CHANGE_SET)
		add_route(p, change->pattern, &change->to);
	if (name != NULL)
		TAILQ_FOREACH(route, &name->routes, entry)
		{
			if (change != NULL &&
			    strcmp(route->pattern, change->pattern) == 0)
				continue;
			if (tool->nroutes == ROUTES_MAX)
				break;
			add_route(p, route->pattern, &route->to);
		}
	qsort(tool->routes, tool->nroutes, sizeof(tool->routes[0]),
	    pattern_order);
	return tool;
}

bool
publish_fits(struct registrar *r, const struct change *change)
{
	struct publisher *p = r->publisher;
	const struct tool *tool =
	    build(p, change->key, book_find(&r->book, change->key), change);

	return route_encode(tool, p->blob[0], sizeof(p->blob[0])) > 0;
}

static int
publish_active(struct publisher *p, struct book_name *name, uint64_t version)
{
	struct tombstone *t = tombstone_find(p, name->key);

	slots_take(p->slots, name->key);
	if (table_put(p->r->table, build(p, name->key, name, NULL), version) ==
	    -1)
		return -1;
	name->version = version;
	if (t != NULL) {
		tombstone_remove(p, t);
		set_timer(p);
	}
	return 0;
}

static int
publish_gone(struct publisher *p, const char *key, uint64_t version)
{
	struct tombstone *t;
	struct tool stopped = { .key = span_str(key), .state = TOOL_STOPPED };

	if (key[0] != KEY_TOOL) {
		slots_drop(p->slots, key);
		return table_delete(p->r->table, span_str(key), version);
	}
	if (tombstone_find(p, key) != NULL)
		return 0;
	t = tombstone_new(span_str(key));
	if (t == NULL)
		return -1;
	if (table_put(p->r->table, &stopped, version) == -1) {
		tombstone_free(t);
		return -1;
	}
	tombstone_add_take(p, t);
	return 0;
}

/* name   NULL: the book has none any more */
static int
publish(struct publisher *p, const char *key, struct book_name *name,
    uint64_t version)
{
	int rc, saved;

	rc = name != NULL ? publish_active(p, name, version)
			  : publish_gone(p, key, version);
	growth_later(&p->growth);
	if (rc == -1) {
		saved = errno;
		log_event(LOG_ERR, "table-failed", "put %s: %m", key + 1);
		errno = saved;
	}
	return rc;
}

int
publish_name(struct registrar *r, const char *key, uint64_t version)
{
	return publish(r->publisher, key, book_find(&r->book, key), version);
}

int
publish_default(struct registrar *r, const struct backend *backends, size_t n)
{
	struct tool *tool = &r->publisher->tool;

	tool->key = span_str(KEY_DEFAULT_BACKEND);
	tool->state = TOOL_ACTIVE;
	tool->canonical = false;
	tool->counter_slot = 0;
	tool->nroutes = 1;
	tool->routes[0] = (struct route){ .kind = ROUTE_ANY,
		.text = SPAN(".*"),
		.backends = backends,
		.nbackends = n };
	if (table_put(r->table, tool, change_version(&r->changes)) == 0)
		return 0;
	log_event(LOG_ERR, "table-failed", "put default backend: %m");
	return -1;
}

/* The start: the book was loaded, the table is as a predecessor left it. */

static bool
is_same(struct publisher *p, const struct tool *a, const struct tool *b)
{
	size_t len = route_encode(a, p->blob[0], sizeof(p->blob[0]));

	return len > 0 &&
	       route_encode(b, p->blob[1], sizeof(p->blob[1])) == len &&
	       memcmp(p->blob[0], p->blob[1], len) == 0;
}

/* It stays as a predecessor left it until it is published anew. */
static bool
is_wanted_default(const struct publisher *p, struct span key)
{
	return *key.ptr == KEY_DEFAULT && p->r->conf->ndefault_backends > 0;
}

/* Nothing may be changed while the table is walked: note what is to do. */
static void
note_absent(struct publisher *p, const struct tool *tool)
{
	struct tombstone *t = tombstone_new(tool->key);

	if (t == NULL)
		return;
	if (tool->state == TOOL_STOPPED)
		tombstone_add_take(p, t);
	else
		p->strays[p->nstrays++] = t;
}

static void
compare_entry(void *arg, const struct tool *tool)
{
	struct publisher *p = arg;
	struct book_name *name;
	char key[KEY_MAX + 1];

	memcpy(key, tool->key.ptr, tool->key.len); /* route_decode() checked */
	key[tool->key.len] = '\0';
	change_version_seen(&p->r->changes, tool->version);
	name = book_find(&p->r->book, key);
	if (name == NULL) {
		if (!is_wanted_default(p, tool->key))
			note_absent(p, tool);
		return;
	}
	slots_adopt(p->slots, key, tool->counter_slot);
	if (!is_same(p, build(p, key, name, NULL), tool))
		return;
	name->version = tool->version;
	p->nsame++;
}

/* What the table has not, or has otherwise. */
static void
publish_missing(struct registrar *r)
{
	struct book_name *name;
	size_t seen = 0;

	table_reserve(r->table, r->book.nnames);
	for (name = book_from(&r->book, ""); name != NULL;
	     name = book_next(&r->book, name)) {
		if (name->version == 0)
			publish(r->publisher, name->key, name,
			    change_version(&r->changes));
		loading_tell(++seen);
	}
}

void
publish_all(struct registrar *r)
{
	struct publisher *p = r->publisher;

	p->strays = calloc(table_count(r->table) + 1, sizeof(*p->strays));
	if (p->strays != NULL) {
		table_each(r->table, compare_entry, p);
		while (p->nstrays > 0) {
			withdraw(p, p->strays[--p->nstrays]->key);
			tombstone_free(p->strays[p->nstrays]);
		}
	}
	free(p->strays);
	p->strays = NULL;
	if (p->nsame < r->book.nnames)
		publish_missing(r);
}

void
publish_expect(struct registrar *r, size_t names)
{
	table_expect(r->table, names);
}

void
publish_ready(struct registrar *r)
{
	table_set_ready(r->table);
}

void
publish_status(const struct registrar *r, struct publish_status *status)
{
	*status = (struct publish_status){
		.names = table_count(r->table),
		.entries = table_entries(r->table),
		.damaged = table_damaged(r->table),
		.generation = table_generation(r->table),
		.slices = r->publisher->growth.slices,
		.slice_max_us = r->publisher->growth.slice_max_us,
	};
}

int
publish_open(struct registrar *r)
{
	struct publisher *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	p->slots = slots_new();
	r->table = p->slots == NULL
		       ? NULL
		       : table_writer_new(r->boot.segment_fds[SEGMENT_TABLE]);
	if (r->table == NULL) {
		if (p->slots != NULL)
			slots_free(p->slots);
		free(p);
		return -1;
	}
	p->r = r;
	p->timer.fire = bury;
	growth_init(&p->growth, &r->loop, r->table);
	if (table_damaged(r->table) > 0)
		log_event(LOG_ALERT, "table-damaged",
		    "entries=%zu: something else than a registrar wrote them; "
		    "what the stores know is published again",
		    table_damaged(r->table));
	RB_INIT(&p->by_key);
	TAILQ_INIT(&p->by_age);
	r->publisher = p;
	return 0;
}

void
publish_close(struct registrar *r)
{
	struct publisher *p = r->publisher;
	struct tombstone *t;

	while ((t = TAILQ_FIRST(&p->by_age)) != NULL)
		tombstone_remove(p, t);
	timer_clear(&r->loop.timers, &p->timer);
	growth_release(&p->growth);
	table_writer_free(r->table);
	slots_free(p->slots);
	free(p);
	r->table = NULL;
	r->publisher = NULL;
}

uint32_t
publish_slot(const struct registrar *r, const char *key)
{
	return slots_find(r->publisher->slots, key);
}

uint32_t
publish_slot_at(const struct registrar *r, uint32_t index)
{
	return slots_at(r->publisher->slots, index);
}
