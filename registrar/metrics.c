/* Writes the metrics of the whole, and those of each tool. */
#include "registrar/metrics.h"

#include <bsd/stdlib.h>
#include <inttypes.h>

#include "http/reason.h"
#include "lib/array.h"
#include "registrar/metrics_node.h"
#include "registrar/metrics_tools.h"
#include "registrar/process.h"
#include "registrar/proof.h"
#include "registrar/publish.h"

/* What is read once for all of the metrics. */
struct measured {
	const struct registrar *r;
	struct publish_status table;
	struct store_redis_status redis;
	struct proofs_status proofs;
	struct logring_counts log;
	struct counters_sum all; /* of all tools */
	struct {
		size_t pinned, maintenance;
	} routes; /* that are not stale */
};

static double
start_time(const struct measured *m)
{
	return (double)m->r->started_ms / 1e3;
}

static double
routes_active(const struct measured *m)
{
	return (double)(m->r->book.nroutes - m->r->book.nstale -
			m->routes.pinned - m->routes.maintenance);
}

static double
routes_static(const struct measured *m)
{
	return (double)m->routes.pinned;
}

static double
routes_maintenance(const struct measured *m)
{
	return (double)m->routes.maintenance;
}

static double
routes_stale(const struct measured *m)
{
	return (double)m->r->book.nstale;
}

static double
routes_tombstone(const struct measured *m)
{
	return (double)m->table.tombstones;
}

static double
tools(const struct measured *m)
{
	return (double)m->r->book.nnames;
}

static double
table_names(const struct measured *m)
{
	return (double)m->table.names;
}

static double
table_free(const struct measured *m)
{
	return (double)(m->table.entries - m->table.names);
}

static double
table_damaged(const struct measured *m)
{
	return (double)m->table.damaged;
}

static double
redis_up(const struct measured *m)
{
	return m->redis.connected;
}

static double
redis_synced(const struct measured *m)
{
	return (double)m->redis.synced_ms / 1e3;
}

static double
redis_unsaved(const struct measured *m)
{
	return (double)m->redis.unsaved;
}

static double
redis_reconnects(const struct measured *m)
{
	return (double)m->redis.reconnects;
}

static double
redis_lag(const struct measured *m)
{
	return (double)m->redis.lag_s;
}

static double
redis_held(const struct measured *m)
{
	return (double)m->redis.held;
}

static double
redis_forgotten(const struct measured *m)
{
	return (double)m->redis.forgotten;
}

static double
redis_refused(const struct measured *m)
{
	return (double)m->redis.refused;
}

static double
sqlite_saved(const struct measured *m)
{
	return (double)m->r->changes.saved;
}

static double
sqlite_failed(const struct measured *m)
{
	return (double)m->r->changes.failed;
}

static double
pruned_lease(const struct measured *m)
{
	return (double)m->r->changes.pruned[PRUNE_LEASE];
}

static double
pruned_node(const struct measured *m)
{
	return (double)m->r->changes.pruned[PRUNE_NODE];
}

static double
pruned_taken(const struct measured *m)
{
	return (double)m->r->changes.pruned[PRUNE_TAKEN];
}

static double
pruned_scrub(const struct measured *m)
{
	return (double)m->r->changes.pruned[PRUNE_SCRUB];
}

static double
leases(const struct measured *m)
{
	return (double)m->r->leases.held;
}

static double
proofs_theirs(const struct measured *m)
{
	return (double)m->proofs.theirs;
}

static double
proofs_strangers(const struct measured *m)
{
	return (double)m->proofs.strangers;
}

static double
proofs_unknown(const struct measured *m)
{
	return (double)m->proofs.unknown;
}

static double
registering(const struct measured *m)
{
	return m->r->clients.open[LISTEN_REGISTRATION];
}

static double
table_generation_now(const struct measured *m)
{
	return (double)m->table.generation;
}

static double
log_dropped(const struct measured *m)
{
	return (double)m->log.dropped;
}

static double
limit_client(const struct measured *m)
{
	return (double)m->all.reasons[REASON_LIMIT_CLIENT];
}

static double
limit_tool(const struct measured *m)
{
	return (double)m->all.reasons[REASON_LIMIT_TOOL];
}

static double
limit_node(const struct measured *m)
{
	return (double)m->all.reasons[REASON_LIMIT_NODE];
}

static double
ban_hits(const struct measured *m)
{
	return (double)m->all.reasons[REASON_BANNED];
}

static double
bans(const struct measured *m)
{
	return (double)policy_count(m->r, POLICY_BAN);
}

/*
 * Those that are one number.  A family's rows stand together; its help and
 * type are said at the first.
 */
struct number {
	const char *name, *type, *help;
	const char *labels; /* "" or {...} */
	double (*value)(const struct measured *m);
};

static const struct number numbers[] = {
	{ "dynproxy_start_time_seconds", "gauge",
	    "When the registrar was started, unix time.", "", start_time },
	{ "dynproxy_tools", "gauge", "Names that have a route.", "", tools },
	{ "dynproxy_routes", "gauge", "Routes of all tools.",
	    "{state=\"active\"}", routes_active },
	{ "dynproxy_routes", "gauge", NULL, "{state=\"static\"}",
	    routes_static },
	{ "dynproxy_routes", "gauge", NULL, "{state=\"maintenance\"}",
	    routes_maintenance },
	{ "dynproxy_routes", "gauge", NULL, "{state=\"stale\"}", routes_stale },
	{ "dynproxy_routes", "gauge", NULL, "{state=\"tombstone\"}",
	    routes_tombstone },
	{ "dynproxy_table_slots", "gauge", "Entries of the route table.",
	    "{state=\"used\"}", table_names },
	{ "dynproxy_table_slots", "gauge", NULL, "{state=\"free\"}",
	    table_free },
	{ "dynproxy_table_slots", "gauge", NULL, "{state=\"damaged\"}",
	    table_damaged },
	{ "dynproxy_store_changes_total", "counter",
	    "Changes written to SQLite.", "{result=\"saved\"}", sqlite_saved },
	{ "dynproxy_store_changes_total", "counter", NULL,
	    "{result=\"failed\"}", sqlite_failed },
	{ "dynproxy_table_generation", "gauge",
	    "Moves with each change of the route table.", "",
	    table_generation_now },
	{ "dynproxy_log_dropped_lines_total", "counter",
	    "Lines of the access log for which there was no room.",
	    "{sink=\"access\"}", log_dropped },
	{ "dynproxy_ratelimit_rejected_total", "counter",
	    "Requests refused for a limit.", "{scope=\"client\"}",
	    limit_client },
	{ "dynproxy_ratelimit_rejected_total", "counter", NULL,
	    "{scope=\"tool\"}", limit_tool },
	{ "dynproxy_ratelimit_rejected_total", "counter", NULL,
	    "{scope=\"node\"}", limit_node },
	{ "dynproxy_bans", "gauge", "Networks that are banned.", "", bans },
	{ "dynproxy_ban_hits_total", "counter",
	    "Requests from banned networks.", "", ban_hits },
	{ "dynproxy_leases", "gauge", "Leases that are held here.", "",
	    leases },
	{ "dynproxy_routes_pruned_total", "counter",
	    "Backends that went though nobody had unregistered them.",
	    "{reason=\"lease\"}", pruned_lease },
	{ "dynproxy_routes_pruned_total", "counter", NULL, "{reason=\"node\"}",
	    pruned_node },
	{ "dynproxy_routes_pruned_total", "counter", NULL, "{reason=\"taken\"}",
	    pruned_taken },
	{ "dynproxy_routes_pruned_total", "counter", NULL, "{reason=\"scrub\"}",
	    pruned_scrub },
	{ "dynproxy_route_proofs_total", "counter",
	    "Proofs of who has a backend's port.", "{result=\"theirs\"}",
	    proofs_theirs },
	{ "dynproxy_route_proofs_total", "counter", NULL,
	    "{result=\"stranger\"}", proofs_strangers },
	{ "dynproxy_route_proofs_total", "counter", NULL,
	    "{result=\"unknown\"}", proofs_unknown },
	{ "dynproxy_registration_connections", "gauge",
	    "Open connections on 8282.", "", registering },
};

/* And where a Redis is configured. */
static const struct number redis_numbers[] = {
	{ "dynproxy_store_up", "gauge", "Whether Redis is connected.",
	    "{store=\"redis\"}", redis_up },
	{ "dynproxy_store_last_sync_timestamp_seconds", "gauge",
	    "When all of Redis was read last, unix time.", "{store=\"redis\"}",
	    redis_synced },
	{ "dynproxy_store_reconnects_total", "counter",
	    "Times that Redis was lost and connected again.",
	    "{store=\"redis\"}", redis_reconnects },
	{ "dynproxy_store_replication_lag_seconds", "gauge",
	    "Since the Redis that is read has heard of the other side.",
	    "{store=\"redis\"}", redis_lag },
	{ "dynproxy_store_unsaved_changes", "gauge",
	    "Changes that Redis has not got yet.", "{store=\"redis\"}",
	    redis_unsaved },
	{ "dynproxy_store_held_routes", "gauge",
	    "Routes that Redis lacks and that are kept until it is confirmed.",
	    "{store=\"redis\"}", redis_held },
	{ "dynproxy_store_forgotten_strikes_total", "counter",
	    "Removals of routes that Redis does not know of any more.",
	    "{store=\"redis\"}", redis_forgotten },
	{ "dynproxy_store_refused_entries_total", "counter",
	    "Entries of others in Redis that were malformed.",
	    "{store=\"redis\"}", redis_refused },
};

static bool
write_numbers(const struct number *n, size_t count, const struct measured *m,
    const struct metrics_text *text)
{
	bool fits = true;

	for (; fits && count > 0; n++, count--) {
		if (n->help != NULL)
			fits = metrics_head(text, n->name, n->type, n->help);
		fits = fits && buf_printf(text->out, "%s%s %.15g\n", n->name,
				   n->labels, n->value(m));
	}
	return fits;
}

/* Those of a tool that is in maintenance are that, whoever entered them. */
static void
measure_maintenance(struct measured *m, struct book_name *name)
{
	const struct book_route *route;

	if (name == NULL)
		return;
	TAILQ_FOREACH(route, &name->routes, entry)
	{
		if (book_route_is_stale(route))
			continue;
		m->routes.maintenance++;
		m->routes.pinned -= route->origin == ORIGIN_OPERATOR;
	}
}

/* Each route has one state: stale, or else maintenance, static or active. */
static void
measure_routes(struct measured *m)
{
	struct book *book = (struct book *)&m->r->book;
	const char *subject = NULL;
	char key[KEY_MAX];

	m->routes.pinned = book->npinned;
	while ((subject = policy_subject_after(
		    m->r, POLICY_MAINTENANCE, subject)) != NULL) {
		if (*subject == '\0') { /* the whole site */
			m->routes.maintenance = book->nroutes - book->nstale;
			m->routes.pinned = 0;
			return;
		}
		snprintf(key, sizeof(key), "%c%s", KEY_TOOL, subject);
		measure_maintenance(m, book_find(book, key));
	}
}

static void
measure(const struct registrar *r, struct measured *m)
{
	*m = (struct measured){ .r = r };
	publish_status(r, &m->table);
	if (r->redis != NULL)
		store_redis_status(r->redis, &m->redis);
	proofs_status(r->proofs, &m->proofs);
	logring_counts(&r->log, &m->log);
	counters_read_all(r->counters, &m->all);
	measure_routes(m);
}

bool
metrics_write(const struct registrar *r, const struct metrics_text *text)
{
	struct measured m;

	measure(r, &m);
	return write_numbers(numbers, nitems(numbers), &m, text) &&
	       (r->redis == NULL || write_numbers(redis_numbers,
					nitems(redis_numbers), &m, text)) &&
	       metrics_node_write(r, text) && metrics_tools_write(r, text) &&
	       metrics_end(text);
}
