/* Writes what is counted by result, by state, by certificate. */
#include "registrar/metrics_node.h"

#include <inttypes.h>
#include <nghttp2/nghttp2ver.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "http/reason.h"
#include "lib/array.h"
#include "lib/version.h"
#include "registrar/line.h"
#include "registrar/metrics_process.h"
#include "registrar/process.h"
#include "shm/node.h"

struct writing {
	const struct registrar *r;
	const struct node *node;
	const struct metrics_text *text;
	const char *name; /* of the metric */
};

/* One sample; labels without braces. */
static bool
sample(const struct writing *w, uint64_t value, const char *label,
    const char *text)
{
	return buf_printf(w->text->out, "%s{%s=\"%s\"} %" PRIu64 "\n", w->name,
	    label, text, value);
}

static bool
write_build(const struct writing *w)
{
	return buf_printf(w->text->out,
	    "%s{version=\"%s\",openssl=\"%s\",nghttp2=\"%s\"} 1\n", w->name,
	    DYNPROXY_VERSION, OpenSSL_version(OPENSSL_VERSION_STRING),
	    NGHTTP2_VERSION);
}

static bool
write_checksum(const struct writing *w)
{
	return buf_printf(w->text->out, "%s{checksum=\"%016" PRIx64 "\"} 1\n",
	    w->name, w->r->book.checksum);
}

/* One more than there are verbs: requests that had none. */
static bool
write_registrations(const struct writing *w)
{
	const struct registrations *n = &w->r->registrations;
	bool fits = true;

	for (size_t i = 0; fits && i < REGISTRATION_VERBS; i++)
		fits = buf_printf(w->text->out,
		    "%s{verb=\"%s\",result=\"ok\"} %" PRIu64 "\n"
		    "%s{verb=\"%s\",result=\"refused\"} %" PRIu64 "\n",
		    w->name, line_verb_name(i), n->done[i], w->name,
		    line_verb_name(i), n->refused[i]);
	return fits;
}

static bool
write_duration(const struct writing *w)
{
	const struct registrations *n = &w->r->registrations;

	return metrics_times(w->text, w->name, "", n->times, n->took_ms);
}

static bool
write_connects(const struct writing *w)
{
	struct counters_connects sum;

	counters_read_connects(w->r->counters, &sum);
	return metrics_times(w->text, w->name, "", sum.times, sum.took_ms);
}

static bool
write_propagation(const struct writing *w)
{
	return metrics_times(
	    w->text, w->name, "", w->r->changes.times, w->r->changes.took_ms);
}

static bool
write_ident_duration(const struct writing *w)
{
	return metrics_times(
	    w->text, w->name, "", w->r->ident.times, w->r->ident.took_ms);
}

static bool
write_ident(const struct writing *w)
{
	bool fits = true;

	for (enum ident_fault i = 0; fits && i < IDENT_FAULTS; i++)
		fits = sample(w, w->r->ident.ended[i], "result",
		    i == IDENT_FINE ? "ok" : ident_fault_name(i));
	return fits;
}

/* Of the workers' events, those with a label. */

struct event {
	enum counters_event event;
	const char *labels;
};

static bool
write_events(const struct writing *w, const struct event *events, size_t n)
{
	bool fits = true;

	for (size_t i = 0; fits && i < n; i++)
		fits = buf_printf(w->text->out, "%s%s %" PRIu64 "\n", w->name,
		    events[i].labels,
		    counters_events(w->r->counters, events[i].event));
	return fits;
}

static bool
write_connections(const struct writing *w)
{
	static const struct event all[] = { { EVENT_CONNECTION, "" } };

	return write_events(w, all, nitems(all));
}

static bool
write_rejected(const struct writing *w)
{
	static const struct event all[] = {
		{ EVENT_CONNECTION_REFUSED, "{reason=\"connections\"}" },
		{ EVENT_HANDSHAKE_REFUSED, "{reason=\"handshakes\"}" },
	};

	return write_events(w, all, nitems(all));
}

static bool
write_clients(const struct writing *w)
{
	static const char *const states[] = { [COUNTED_ACTIVE] = "active",
		[COUNTED_IDLE] = "idle",
		[COUNTED_TUNNEL] = "tunnel" };
	bool fits = true;

	for (enum counters_client s = COUNTED_ACTIVE;
	     fits && s < COUNTED_STATES; s++)
		fits = sample(
		    w, counters_clients(w->r->counters, s), "state", states[s]);
	return fits;
}

static bool
write_handshakes(const struct writing *w)
{
	static const struct event all[] = {
		{ EVENT_TLS12, "{version=\"1.2\",result=\"ok\"}" },
		{ EVENT_TLS13, "{version=\"1.3\",result=\"ok\"}" },
		{ EVENT_TLS_FAILED, "{version=\"none\",result=\"failed\"}" },
	};

	return write_events(w, all, nitems(all));
}

static bool
write_floods(const struct writing *w)
{
	static const struct event all[] = {
		{ EVENT_FLOOD_RESET, "{kind=\"reset\"}" },
		{ EVENT_FLOOD_PROVOKED, "{kind=\"provoked-reset\"}" },
		{ EVENT_FLOOD_CONTINUATION, "{kind=\"continuation\"}" },
		{ EVENT_FLOOD_PING, "{kind=\"ping\"}" },
		{ EVENT_FLOOD_SETTINGS, "{kind=\"settings\"}" },
		{ EVENT_FLOOD_PRIORITY, "{kind=\"priority\"}" },
		{ EVENT_FLOOD_EMPTY_DATA, "{kind=\"empty-data\"}" },
		{ EVENT_FLOOD_WINDOW_UPDATE, "{kind=\"window-update\"}" },
		{ EVENT_FLOOD_DRIBBLE, "{kind=\"dribble\"}" },
		{ EVENT_FLOOD_UNKNOWN, "{kind=\"unknown-frame\"}" },
		{ EVENT_FLOOD_HEADER_LIST, "{kind=\"header-list\"}" },
		{ EVENT_FLOOD_QUEUE, "{kind=\"queue\"}" },
	};

	return write_events(w, all, nitems(all));
}

static bool
write_opened(const struct writing *w)
{
	static const struct event all[] = { { EVENT_BACKEND_CONNECT, "" } };

	return write_events(w, all, nitems(all));
}

static bool
write_reused(const struct writing *w)
{
	static const struct event all[] = { { EVENT_BACKEND_REUSED, "" } };

	return write_events(w, all, nitems(all));
}

static bool
write_retries(const struct writing *w)
{
	static const struct event all[] = {
		{ EVENT_BACKEND_AGAIN, "{result=\"closed-reused\"}" },
		{ EVENT_BACKEND_NEXT, "{result=\"not-connected\"}" },
	};

	return write_events(w, all, nitems(all));
}

static bool
write_upgrades(const struct writing *w)
{
	static const struct event all[] = { { EVENT_TUNNEL, "" } };

	return write_events(w, all, nitems(all));
}

static bool
write_websockets(const struct writing *w)
{
	static const struct event all[] = { { EVENT_WEBSOCKET, "" } };

	return write_events(w, all, nitems(all));
}

/* By the reasons there were; without one, the backend said something else. */
static bool
write_no_websockets(const struct writing *w)
{
	bool fits =
	    sample(w, counters_no_websockets(w->r->counters, REASON_NONE),
		"reason", "not-upgraded");
	uint64_t n;

	for (enum reason i = REASON_NONE + 1; fits && i < REASON_COUNT; i++) {
		n = counters_no_websockets(w->r->counters, i);
		if (n > 0)
			fits = sample(w, n, "reason", reason_info(i)->word);
	}
	return fits;
}

/* What the master told. */

static bool
write_tls_reloads(const struct writing *w)
{
	return sample(w, w->node->tls_reloads, "result", "ok") &&
	       sample(w, w->node->tls_refused, "result", "refused");
}

static bool
write_reload(const struct writing *w)
{
	return buf_printf(
	    w->text->out, "%s %d\n", w->name, w->node->reload_refused == 0);
}

static bool
write_reload_time(const struct writing *w)
{
	return buf_printf(w->text->out, "%s %.15g\n", w->name,
	    (double)w->node->configured_ms / 1e3);
}

static bool
is_worker(const struct node_process *p)
{
	return strncmp(p->name, "worker", 6) == 0;
}

static bool
write_workers(const struct writing *w)
{
	static const char *const states[] = { "ready", "starting", "waiting" };
	bool fits = true;

	for (size_t s = 0; fits && s < nitems(states); s++) {
		uint64_t n = 0;

		for (size_t i = 0; i < w->node->nprocesses; i++)
			n += is_worker(&w->node->process[i]) &&
			     strcmp(w->node->process[i].state, states[s]) == 0;
		fits = sample(w, n, "state", states[s]);
	}
	return fits;
}

/* Of those that are ready: each has its own. */
static bool
write_connections_limit(const struct writing *w)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < w->node->nprocesses; i++) {
		const struct node_process *p = &w->node->process[i];

		if (is_worker(p) && strcmp(p->state, "ready") == 0)
			sum += conf_connections_limit(w->r->conf,
			    p->usage.files_max > 0 ? p->usage.files_max
						   : UINT64_MAX);
	}
	return buf_printf(w->text->out, "%s %" PRIu64 "\n", w->name, sum);
}

static bool
write_restarts(const struct writing *w)
{
	static const char *const reasons[] = {
		[NODE_DIED] = "died",
		[NODE_ENDED] = "ended",
		[NODE_HUNG] = "hangs",
		[NODE_NOT_BEGUN] = "spawn-failed",
	};
	bool fits = true;

	for (enum node_end end = 0; fits && end < NODE_ENDS; end++) {
		uint64_t n = 0;

		for (size_t i = 0; i < w->node->nprocesses; i++)
			if (is_worker(&w->node->process[i]))
				n += w->node->process[i].restarts[end];
		fits = sample(w, n, "reason", reasons[end]);
	}
	return fits;
}

/* Is there another one like it, which clients are shown instead? */
static bool
is_replaced(const struct node *node, size_t i)
{
	const struct node_certificate *c = &node->certificate[i], *o;

	for (size_t k = 0; k < node->ncertificates; k++) {
		o = &node->certificate[k];
		if (k != i && strcmp(o->zone, c->zone) == 0 &&
		    strcmp(o->type, c->type) == 0 &&
		    (o->not_before > c->not_before ||
			(o->not_before == c->not_before && k < i)))
			return true;
	}
	return false;
}

static bool
write_certificates(const struct writing *w)
{
	bool fits = true;

	for (size_t i = 0; fits && i < w->node->ncertificates; i++)
		fits = is_replaced(w->node, i) ||
		       buf_printf(w->text->out,
			   "%s{zone=\"%s\",type=\"%s\"} %" PRIu64 "\n", w->name,
			   w->node->certificate[i].zone,
			   w->node->certificate[i].type,
			   w->node->certificate[i].not_after);
	return fits;
}

static const struct {
	const char *name, *type, *help;
	bool (*write)(const struct writing *w);
} families[] = {
	{ "dynproxy_build_info", "gauge", "What runs here.", write_build },
	{ "dynproxy_table_checksum_info", "gauge",
	    "The same on nodes that have the same routes.", write_checksum },
	{ "dynproxy_registrations_total", "counter",
	    "Requests on 8282 that were answered.", write_registrations },
	{ "dynproxy_registration_duration_seconds", "histogram",
	    "From a connection on 8282 to its answer.", write_duration },
	{ "dynproxy_route_propagation_seconds", "histogram",
	    "From a change of a route asked for here until workers go by it.",
	    write_propagation },
	{ "dynproxy_ident_queries_total", "counter",
	    "Questions to identds, by how they ended.", write_ident },
	{ "dynproxy_ident_duration_seconds", "histogram",
	    "From a question to an identd to its end, with its wait for a "
	    "turn.",
	    write_ident_duration },
	{ "dynproxy_connections", "gauge",
	    "Connections of clients that are open.", write_clients },
	{ "dynproxy_connections_limit", "gauge",
	    "Connections of clients that all workers together may have.",
	    write_connections_limit },
	{ "dynproxy_connections_total", "counter",
	    "Connections of clients that were accepted.", write_connections },
	{ "dynproxy_connections_rejected_total", "counter",
	    "Connections refused since their address has too many.",
	    write_rejected },
	{ "dynproxy_tls_handshakes_total", "counter",
	    "TLS handshakes of clients.", write_handshakes },
	{ "dynproxy_h2_floods_total", "counter",
	    "HTTP/2 connections that were ended for a flood.", write_floods },
	{ "dynproxy_backend_connections_total", "counter",
	    "Connections to backends that were begun.", write_opened },
	{ "dynproxy_backend_connect_duration_seconds", "histogram",
	    "From a connection's begin until a request can be sent on it.",
	    write_connects },
	{ "dynproxy_backend_connections_reused_total", "counter",
	    "Requests on a backend's kept-alive connection.", write_reused },
	{ "dynproxy_backend_retries_total", "counter",
	    "Requests that were sent to a backend once more.", write_retries },
	{ "dynproxy_upgrades_total", "counter",
	    "Requests that became a WebSocket or another protocol.",
	    write_upgrades },
	{ "dynproxy_websocket_upgrades_total", "counter",
	    "Requests that became a WebSocket.", write_websockets },
	{ "dynproxy_websocket_failures_total", "counter",
	    "Requests for a WebSocket that did not become one.",
	    write_no_websockets },
	{ "dynproxy_config_last_reload_successful", "gauge",
	    "Whether the last settings were taken.", write_reload },
	{ "dynproxy_config_last_reload_success_timestamp_seconds", "gauge",
	    "When settings were taken last, unix time.", write_reload_time },
	{ "dynproxy_workers", "gauge", "Worker processes.", write_workers },
	{ "dynproxy_worker_restarts_total", "counter",
	    "Workers that ended and were replaced.", write_restarts },
	{ "dynproxy_tls_reloads_total", "counter",
	    "Times that certificates changed, and were taken or not.",
	    write_tls_reloads },
	{ "dynproxy_tls_certificate_not_after_timestamp_seconds", "gauge",
	    "When a certificate expires, unix time.", write_certificates },
};

bool
metrics_node_write(const struct registrar *r, const struct metrics_text *text)
{
	struct node *node = calloc(1, sizeof(*node));
	struct writing w = { r, node, text, NULL };
	bool fits = node != NULL;

	if (fits && !node_read(r->node, node))
		node->nprocesses = node->ncertificates = 0;
	for (size_t i = 0; fits && i < nitems(families); i++) {
		w.name = families[i].name;
		fits = metrics_head(
			   text, w.name, families[i].type, families[i].help) &&
		       families[i].write(&w);
	}
	fits = fits && metrics_process_write(node, text);
	free(node);
	return fits;
}
