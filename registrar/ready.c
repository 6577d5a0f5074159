/* Tells readyz, doctor and the status page how this node is. */
#include "registrar/ready.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/version.h"
#include "registrar/listing.h"
#include "registrar/process.h"
#include "registrar/publish.h"
#include "shm/node.h"

#define DAY_MS (24 * 60 * 60 * 1000LL)

/* What the master tells; zeroes when it cannot be read. */
static const struct node *
read_node(const struct registrar *r)
{
	static struct node node; /* large; this process has one loop */

	if (!node_read(r->node, &node))
		node.nprocesses = node.ncertificates = node.draining = 0;
	return &node;
}

static size_t
workers_ready(const struct node *node)
{
	size_t n = 0;

	for (size_t i = 0; i < node->nprocesses; i++)
		n += strncmp(node->process[i].name, "worker", 6) == 0 &&
		     strcmp(node->process[i].state, "ready") == 0;
	return n;
}

static bool
is_draining(const struct registrar *r, const struct node *node)
{
	return r->draining || node->draining != 0;
}

static const char *
why_not(const struct registrar *r, const struct node *node)
{
	if (is_draining(r, node))
		return "draining";
	if (policy_is_standby(r))
		return "standby";
	return workers_ready(node) == 0 ? "no worker is ready" : NULL;
}

const char *
ready_why_not(const struct registrar *r)
{
	return why_not(r, read_node(r));
}

static json_t *
certificates(const struct node *node)
{
	json_t *all = json_array();
	uint64_t end_ms;

	for (size_t i = 0; i < node->ncertificates; i++) {
		end_ms = node->certificate[i].not_after * 1000;
		json_array_append_new(
		    all, json_pack("{s:o, s:o, s:I}", "name",
			     listing_text(node->certificate[i].name),
			     "not_after", listing_time(end_ms), "days",
			     (json_int_t)(((int64_t)end_ms -
					      (int64_t)clock_real_ms()) /
					  DAY_MS)));
	}
	return all;
}

json_t *
ready_processes(const struct registrar *r)
{
	const struct node *node = read_node(r);
	json_t *all = json_array();

	for (size_t i = 0; i < node->nprocesses; i++)
		json_array_append_new(all,
		    json_pack("{s:o, s:I, s:o, s:o, s:I}", "name",
			listing_text(node->process[i].name), "pid",
			(json_int_t)node->process[i].pid, "state",
			listing_text(node->process[i].state), "since",
			listing_time(node->process[i].since_ms), "restarts",
			(json_int_t)node_restarts(&node->process[i])));
	return all;
}

static json_t *
redis(const struct registrar *r)
{
	struct store_redis_status status;

	if (r->redis == NULL)
		return json_null();
	store_redis_status(r->redis, &status);
	return json_pack("{s:b, s:o, s:I, s:I}", "connected",
	    (int)status.connected, "synced", listing_time(status.synced_ms),
	    "age_seconds",
	    status.synced_ms == 0
		? (json_int_t)-1
		: (json_int_t)((clock_real_ms() - status.synced_ms) / 1000),
	    "unsaved", (json_int_t)status.unsaved);
}

static json_t *
stores(const struct registrar *r)
{
	return json_pack("{s:o, s:{s:I, s:I}}", "redis", redis(r), "sqlite",
	    "saved", (json_int_t)r->changes.saved, "failed",
	    (json_int_t)r->changes.failed);
}

static json_t *
policy(const struct registrar *r)
{
	return json_pack(
	    "{s:o}", "checksum", listing_checksum(policy_checksum(r)));
}

static json_t *
table(const struct registrar *r)
{
	struct publish_status status;

	publish_status(r, &status);
	return json_pack("{s:I, s:o, s:I, s:I, s:I}", "generation",
	    (json_int_t)status.generation, "checksum",
	    listing_checksum(r->book.checksum), "names",
	    (json_int_t)r->book.nnames, "routes", (json_int_t)r->book.nroutes,
	    "damaged", (json_int_t)status.damaged);
}

/*
 * By what requests found there: null when it is not configured, or was not
 * asked yet.
 */
static json_t *
default_backend(const struct registrar *r)
{
	enum history_health health =
	    history_health(r->history, COUNTERS_DEFAULT);

	if (r->conf->ndefault_backends == 0 || health == HISTORY_SILENT)
		return json_null();
	return json_boolean(health != HISTORY_DOWN);
}

json_t *
ready_tell(const struct registrar *r)
{
	const struct node *node = read_node(r);
	const char *why = why_not(r, node);

	return json_pack("{s:b, s:s?, s:s, s:s, s:b, s:s, s:o, s:o, s:b, s:o,"
			 " s:o, s:o, s:o, s:I, s:o}",
	    "ready", why == NULL, "reason", why, "role",
	    policy_is_standby(r) ? "standby"
	    : r->redis == NULL	 ? "single"
				 : "active",
	    "node", r->conf->node_name, "draining", (int)is_draining(r, node),
	    "version", DYNPROXY_VERSION, "started", listing_time(r->started_ms),
	    "configured", listing_time(node->configured_ms), "reload_refused",
	    (int)(node->reload_refused != 0), "table", table(r), "policy",
	    policy(r), "stores", stores(r), "default_backend_reachable",
	    default_backend(r), "workers", (json_int_t)workers_ready(node),
	    "certificates", certificates(node));
}
