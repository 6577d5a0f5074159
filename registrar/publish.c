/* Builds table entries from the book, and keeps the tombstones. */
#include "registrar/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/container.h"
#include "lib/log.h"
#include "registrar/process.h"
#include "registrar/publisher.h"
#include "route/pattern.h"

void
publisher_withdraw(struct publisher *p, const char *key)
{
	slots_drop(p->slots, key);
	if (table_delete(p->r->table, span_str(key),
		change_version(&p->r->changes)) == -1)
		log_event(LOG_ERR, "table-failed", "delete %s: %m", key);
}

static void
buried(struct tombstones *tombstones, const char *key)
{
	publisher_withdraw(
	    container_of(tombstones, struct publisher, tombstones), key);
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

const struct tool *
publisher_build(struct publisher *p, const char *key,
    const struct book_name *name, const struct change *change)
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
	const struct tool *tool = publisher_build(
	    p, change->key, book_find(&r->book, change->key), change);

	return route_encode(tool, p->blob[0], sizeof(p->blob[0])) > 0;
}

static int
publish_active(struct publisher *p, struct book_name *name, uint64_t version)
{
	slots_take(p->slots, name->key);
	if (table_put(p->r->table, publisher_build(p, name->key, name, NULL),
		version) == -1)
		return -1;
	name->version = version;
	tombstones_remove(&p->tombstones, name->key);
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
	if (tombstones_has(&p->tombstones, key))
		return 0;
	t = tombstone_new(key);
	if (t == NULL)
		return -1;
	if (table_put(p->r->table, &stopped, version) == -1) {
		tombstone_free(t);
		return -1;
	}
	tombstones_add_take(&p->tombstones, t);
	return 0;
}

int
publisher_publish(struct publisher *p, const char *key, struct book_name *name,
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
	return publisher_publish(
	    r->publisher, key, book_find(&r->book, key), version);
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
		.tombstones = r->publisher->tombstones.n,
		.damaged = table_damaged(r->table),
		.generation = table_generation(r->table),
		.slices = r->publisher->growth.slices,
		.slice_max_us = r->publisher->growth.slice_max_us,
	};
}

/*
 * A name that a predecessor left: no version may be older, and nobody else may
 * have its counters.
 */
static void
inherit(void *arg, const struct tool *tool)
{
	struct publisher *p = arg;
	char key[KEY_MAX + 1];

	change_version_seen(&p->r->changes, tool->version);
	if (tool->counter_slot == 0)
		return;
	memcpy(key, tool->key.ptr, tool->key.len); /* route_decode() checked */
	key[tool->key.len] = '\0';
	slots_adopt(p->slots, key, tool->counter_slot);
}

int
publish_open(struct registrar *r)
{
	struct publisher *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	p->r = r;
	p->slots = slots_new();
	r->table = p->slots == NULL
		       ? NULL
		       : table_writer_new(
			     r->boot.segment_fds[SEGMENT_TABLE], inherit, p);
	if (r->table == NULL) {
		if (p->slots != NULL)
			slots_free(p->slots);
		free(p);
		return -1;
	}
	tombstones_init(&p->tombstones, &r->loop, buried);
	growth_init(&p->growth, &r->loop, r->table);
	if (table_damaged(r->table) > 0)
		log_event(LOG_ALERT, "table-damaged",
		    "entries=%zu: something else than a registrar wrote them; "
		    "what the stores know is published again",
		    table_damaged(r->table));
	r->publisher = p;
	return 0;
}

void
publish_close(struct registrar *r)
{
	struct publisher *p = r->publisher;

	publish_start_release(p);
	tombstones_release(&p->tombstones);
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

const char *
publish_key_at(const struct registrar *r, uint32_t index)
{
	return slots_key_at(r->publisher->slots, index);
}
