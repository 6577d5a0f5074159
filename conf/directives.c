/*
 * The table of settings: what the parser knows, what -T writes, and what
 * dynproxy.conf(5) has to say (t/00-man.t compares).  Maxima: 7-security.md
 * 7.5; a value above is refused.
 */
#include "conf/directives.h"

#include <bsd/string.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "conf/value.h"
#include "lib/array.h"
#include "lib/log.h"

#define KIB 1024ULL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define SECOND 1000ULL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define PATH_LEN 4095
#define DEFAULT_BACKENDS_MAX 16 /* as many as a route may have */

static const struct choice sinks[] = {
	{ "auto", LOG_SINK_AUTO },
	{ "stderr", LOG_TO_STDERR },
	{ "syslog", LOG_TO_SYSLOG },
	{ NULL, 0 },
};

static const struct choice priorities[] = {
	{ "err", LOG_ERR },
	{ "warning", LOG_WARNING },
	{ "notice", LOG_NOTICE },
	{ "info", LOG_INFO },
	{ "debug", LOG_DEBUG },
	{ NULL, 0 },
};

static const struct choice log_formats[] = {
	{ "vhosts", ACCESS_LOG_VHOSTS },
	{ "json", ACCESS_LOG_JSON },
	{ NULL, 0 },
};

static const struct choice log_addresses[] = {
	{ "full", ADDRESS_FULL },
	{ "network", ADDRESS_NETWORK },
	{ "off", ADDRESS_OFF },
	{ NULL, 0 },
};

static const struct choice off_or_on[] = {
	{ "off", 0 },
	{ "on", 1 },
	{ NULL, 0 },
};

static const struct choice no_or_yes[] = {
	{ "no", 0 },
	{ "yes", 1 },
	{ NULL, 0 },
};

static const struct choice verifications[] = {
	{ "if-possible", VERIFY_IF_POSSIBLE },
	{ "require", VERIFY_REQUIRE },
	{ "off", VERIFY_OFF },
	{ NULL, 0 },
};

static const struct choice policies[] = {
	{ "accept", STORE_DOWN_ACCEPT },
	{ "refuse", STORE_DOWN_REFUSE },
	{ NULL, 0 },
};

static const struct choice profiles[] = {
	{ "intermediate", TLS_INTERMEDIATE },
	{ "modern", TLS_MODERN },
	{ NULL, 0 },
};

static const struct choice unknown_names[] = {
	{ "default", TLS_UNKNOWN_DEFAULT },
	{ "refuse", TLS_UNKNOWN_REFUSE },
	{ NULL, 0 },
};

static const struct choice https_redirects[] = {
	{ "on", REDIRECT_ALL },
	{ "get", REDIRECT_GET },
	{ "off", REDIRECT_OFF },
	{ NULL, 0 },
};

static const struct choice redirect_codes[] = {
	{ "301", 301 },
	{ "302", 302 },
	{ "307", 307 },
	{ "308", 308 },
	{ NULL, 0 },
};

static const struct choice schemes[] = {
	{ "auto", SCHEME_AUTO },
	{ "http", SCHEME_HTTP },
	{ "https", SCHEME_HTTPS },
	{ NULL, 0 },
};

/* Where it is kept: a member by itself, or a list and how long it is. */
#define AT(member)                                                             \
	.at = offsetof(struct conf, member),                                   \
	.size = sizeof(((struct conf *)0)->member)
#define LIST(member)                                                           \
	.at = offsetof(struct conf, member),                                   \
	.count_at = offsetof(struct conf, n##member)
#define BETWEEN(low, high) .min = (low), .max = (high)

const struct directive directives[] = {
	{ "http", &type_tcp_listeners, .kind = LISTEN_HTTP, .preset = "*:80",
	    .applied = APPLIED_WORKERS, .help = "where clients connect" },
	{ "https", &type_tcp_listeners, .kind = LISTEN_HTTPS, .preset = "*:443",
	    .applied = APPLIED_WORKERS, .help = "where they do so with TLS" },
	{ "registration", &type_listeners, .kind = LISTEN_REGISTRATION,
	    .preset = "*:8282", .applied = APPLIED_REGISTRAR,
	    .help = "where tools register" },
	{ "admin", &type_tcp_listeners, .kind = LISTEN_ADMIN,
	    .preset = "*:8081", .applied = APPLIED_REGISTRAR,
	    .help = "where /list is asked for" },
	{ "control_socket", &type_unix_listener, .kind = LISTEN_CONTROL,
	    .preset = "/run/dynproxy/control.sock",
	    .applied = APPLIED_REGISTRAR,
	    .help = "where dynproxyctl finds the registrar" },
	{ "master_socket", &type_unix_listener, .kind = LISTEN_MASTER,
	    .preset = "/run/dynproxy/master.sock", .applied = APPLIED_RESTART,
	    .help = "where dynproxyctl finds the master" },

	{ "web_domain", &type_hosts, LIST(web_domains), .preset = "auto",
	    .automatic = machine_web_domain,
	    .help = "domains whose names are tools" },
	{ "legacy_hosts", &type_hosts, LIST(legacy_hosts), .preset = "",
	    .help = "hosts whose first path segment is a tool" },
	{ "admin_tool", &type_string, AT(admin_tool), BETWEEN(0, 63),
	    .preset = "admin", .help = "the tool that these show else" },
	{ "redirects", &type_redirects, LIST(redirects), .preset = "",
	    .help = "hosts that have another name now" },
	{ "redirect_scheme", &type_choice, AT(redirect_scheme),
	    .choices = schemes, .preset = "auto",
	    .help = "of the addresses that we redirect to" },
	{ "default_backend", &type_default_backends, LIST(default_backends),
	    BETWEEN(0, DEFAULT_BACKENDS_MAX), .preset = "",
	    .applied = APPLIED_REGISTRAR,
	    .help = "where requests go that no route is for" },
	{ "workers", &type_count, AT(workers), BETWEEN(1, 256),
	    .preset = "auto", .automatic = machine_workers,
	    .applied = APPLIED_WORKERS,
	    .help = "processes that serve clients" },
	{ "log_sink", &type_choice, AT(log_sink), .choices = sinks,
	    .preset = "auto", .applied = APPLIED_RESTART,
	    .help = "where events are logged" },
	{ "log_priority", &type_choice, AT(log_priority), .choices = priorities,
	    .preset = "info", .help = "the least urgent event that is logged" },
	{ "pid_file", &type_path, AT(pid_file), BETWEEN(1, PATH_LEN),
	    .preset = "/run/dynproxy/dynproxyd.pid", .applied = APPLIED_RESTART,
	    .help = "written by a daemon" },
	{ "sandbox", &type_choice, AT(sandbox), .choices = off_or_on,
	    .preset = "auto", .automatic = machine_sandbox,
	    .applied = APPLIED_RESTART,
	    .help = "whether processes give up their rights" },
	{ "user_worker", &type_string, AT(user_worker), BETWEEN(1, 32),
	    .preset = "dynproxy-w", .applied = APPLIED_RESTART,
	    .help = "whom workers run as" },
	{ "user_registrar", &type_string, AT(user_registrar), BETWEEN(1, 32),
	    .preset = "dynproxy-r", .applied = APPLIED_RESTART,
	    .help = "whom the registrar runs as" },
	{ "user_logger", &type_string, AT(user_logger), BETWEEN(1, 32),
	    .preset = "dynproxy-log", .applied = APPLIED_RESTART,
	    .help = "whom the logger runs as" },
	{ "user_lookup", &type_string, AT(user_lookup), BETWEEN(1, 32),
	    .preset = "dynproxy-l", .applied = APPLIED_RESTART,
	    .help = "whom lookup runs as" },
	{ "access_log", &type_path, AT(access_log), BETWEEN(0, PATH_LEN),
	    .preset = "/var/log/dynproxy/access.log",
	    .help = "a line for each request; empty: none" },
	{ "access_log_format", &type_choice, AT(access_log_format),
	    .choices = log_formats, .preset = "vhosts",
	    .help = "of these lines" },
	{ "access_log_address", &type_choice, AT(access_log_address),
	    .choices = log_addresses, .preset = "full",
	    .help = "what they tell of clients" },
	{ "access_log_space_min", &type_size, AT(access_log_space_min),
	    BETWEEN(0, 1024 * GIB), .preset = "64m",
	    .help = "of the disk, left free" },

	{ "table_size", &type_size, AT(table_size), BETWEEN(4 * MIB, 4 * GIB),
	    .preset = "1g", .applied = APPLIED_RESTART,
	    .help = "address space of the route table" },
	{ "state_directory", &type_path, AT(state_directory),
	    BETWEEN(1, PATH_LEN), .preset = "/var/lib/dynproxy",
	    .applied = APPLIED_RESTART, .help = "where the SQLite store lies" },
	{ "redis", &type_address, AT(redis), .preset = "none",
	    .applied = APPLIED_REGISTRAR,
	    .help = "the store that several nodes share" },
	{ "redis_sentinels", &type_addresses, LIST(redis_sentinels),
	    BETWEEN(0, REDIS_SENTINELS_MAX), .applied = APPLIED_REGISTRAR,
	    .preset = "",
	    .help = "who knows which Redis is the primary" },
	{ "redis_primary", &type_string, AT(redis_primary), BETWEEN(1, 128),
	    .applied = APPLIED_REGISTRAR,
	    .preset = "mymaster", .help = "its name there" },
	{ "redis_replica", &type_address, AT(redis_replica), .applied = APPLIED_REGISTRAR,
	    .preset = "none",
	    .help = "where others' routes are read, while it is there" },
	{ "redis_user", &type_string, AT(redis_user), BETWEEN(0, 128),
	    .applied = APPLIED_REGISTRAR,
	    .preset = "", .help = "of the password; empty: the default user" },
	{ "redis_password", &type_secret, AT(redis_password), BETWEEN(0, 512),
	    .applied = APPLIED_REGISTRAR,
	    .preset = "", .help = "sent to Redis unless it is empty" },
	{ "wait_replicas", &type_count, AT(wait_replicas), BETWEEN(0, 16),
	    .preset = "0", .help = "that must have a route before it is ok" },
	{ "store_down", &type_choice, AT(store_down), .choices = policies,
	    .preset = "accept",
	    .help = "what becomes of registrations without Redis" },

	{ "node_name", &type_string, AT(node_name), BETWEEN(1, NODE_NAME_MAX),
	    .preset = "auto", .automatic = machine_node_name,
	    .applied = APPLIED_REGISTRAR,
	    .help = "what this node is called, in leases" },
	{ "account_prefix", &type_string, AT(account_prefix), BETWEEN(1, 64),
	    .preset = "auto", .automatic = machine_account_prefix,
	    .help = "what tool accounts begin with" },
	{ "ident_port", &type_port, AT(ident_port), BETWEEN(1, 65535),
	    .preset = "113", .help = "where hosts say whose a connection is" },
	{ "ident_timeout", &type_duration, AT(ident_timeout_ms),
	    BETWEEN(100, 10 * SECOND), .preset = "2s",
	    .help = "for an ident answer" },
	{ "ident_networks", &type_networks, LIST(ident_networks),
	    .preset = "0.0.0.0/0, ::/0",
	    .help = "where identds are that are believed" },
	{ "local_tools", &type_local_tools, LIST(local_tools), .preset = "",
	    .help = "users of a Unix registration socket" },
	{ "backend_networks", &type_networks, LIST(backend_networks),
	    .preset = "", .help = "where backends may be, besides the peer" },
	{ "backend_denied", &type_networks, LIST(backend_denied),
	    .preset = "", .help = "where they may not be, whoever asks" },
	{ "admin_networks", &type_networks, LIST(admin_networks),
	    .preset = "127.0.0.0/8, ::1/128, 10.0.0.0/8, 172.16.0.0/12, "
		      "192.168.0.0/16, fc00::/7",
	    .help = "who may ask for /list" },

	{ "operator_networks", &type_networks, LIST(operator_networks),
	    .preset = "", .help = "who is served during maintenance" },
	{ "refuse_no_agent", &type_choice, AT(refuse_no_agent),
	    .choices = no_or_yes, .preset = "no",
	    .help = "whether a request needs a User-Agent" },
	{ "rate_limit", &type_count, AT(rate_limit), BETWEEN(0, 1000000),
	    .preset = "100", .help = "requests a second of one client" },
	{ "rate_burst", &type_count, AT(rate_burst), BETWEEN(1, 1000000),
	    .preset = "100", .help = "requests of one client at once" },
	{ "client_connections_max", &type_count, AT(client_connections_max),
	    BETWEEN(0, 65000), .preset = "256",
	    .help = "connections of one client at a time" },
	{ "tool_requests_max", &type_count, AT(tool_requests_max),
	    BETWEEN(0, 4096), .preset = "512",
	    .help = "requests of one tool under way" },

	{ "client_address_for", &type_hosts, LIST(client_address_for),
	    .preset = "", .help = "tools and hosts that get X-Forwarded-For" },
	{ "response_headers", &type_response_headers, LIST(response_headers),
	    BETWEEN(0, RESPONSE_HEADERS_MAX),
	    .preset = "default Permissions-Policy: browsing-topics=(), "
		      "default X-Clacks-Overhead: GNU Terry Pratchett",
	    .help = "fields set, defaulted or removed" },
	{ "hsts", &type_header_value, AT(hsts), BETWEEN(0, HEADER_VALUE_MAX),
	    .preset = "max-age=31622400",
	    .help = "Strict-Transport-Security, over TLS only" },
	{ "csp_report_only", &type_header_value, AT(csp_report_only),
	    BETWEEN(0, HEADER_VALUE_MAX), .preset = "",
	    .help = "Content-Security-Policy-Report-Only" },
	{ "compression", &type_choice, AT(compression), .choices = off_or_on,
	    .preset = "on", .help = "of text, for clients that accept it" },
	{ "contact", &type_header_value, AT(contact), BETWEEN(0, 512),
	    .preset = "", .help = "whom to ask about a tool that fails" },
	{ "trusted_proxies", &type_networks, LIST(trusted_proxies),
	    .preset = "", .help = "whose X-Forwarded-* is believed" },
	{ "backend_ca", &type_path, AT(backend_ca), BETWEEN(0, PATH_LEN),
	    .preset = "", .applied = APPLIED_WORKERS,
	    .help = "who signs the certificates of https backends" },
	{ "favicon_file", &type_path, AT(favicon_file), BETWEEN(0, PATH_LEN),
	    .preset = "", .help = "where a tool has no /favicon.ico" },
	{ "robots_file", &type_path, AT(robots_file), BETWEEN(0, PATH_LEN),
	    .preset = "", .help = "where a tool has no /robots.txt" },

	{ "tls_directory", &type_path, AT(tls_directory), BETWEEN(1, PATH_LEN),
	    .preset = "/etc/dynproxy/tls",
	    .help = "where certificates and their keys lie" },
	{ "tls_default", &type_string, AT(tls_default), BETWEEN(0, 255),
	    .preset = "", .help = "the file that serves clients without SNI" },
	{ "https_redirect", &type_choice, AT(https_redirect),
	    .choices = https_redirects, .preset = "on",
	    .help = "which requests without TLS are sent to it" },
	{ "https_redirect_status", &type_choice, AT(https_redirect_status),
	    .choices = redirect_codes, .preset = "301",
	    .help = "and with which status" },
	{ "acme_directory", &type_path, AT(acme_directory),
	    BETWEEN(0, PATH_LEN), .preset = "",
	    .help = "where ACME challenges lie" },
	{ "tls_ticket_rotation", &type_duration, AT(tls_ticket_rotation_ms),
	    BETWEEN(SECOND, 84 * HOUR), .preset = "12h",
	    .help = "how long a key of session tickets encrypts" },
	{ "tls_ticket_key_file", &type_path, AT(tls_ticket_key_file),
	    BETWEEN(0, PATH_LEN), .preset = "",
	    .help = "keys of session tickets that nodes share" },
	{ "tls_unknown_name", &type_choice, AT(tls_unknown_name),
	    .choices = unknown_names, .preset = "default",
	    .help = "what a name that no certificate has gets" },
	{ "tls_profile", &type_choice, AT(tls_profile), .choices = profiles,
	    .preset = "intermediate", .applied = APPLIED_WORKERS,
	    .help = "which versions and ciphers are spoken" },

	{ "request_line_max", &type_size, AT(request_line_max),
	    BETWEEN(512, 16 * KIB), .preset = "8k", .applied = APPLIED_WORKERS,
	    .help = "of a request's first line" },
	{ "request_head_max", &type_size, AT(request_head_max),
	    BETWEEN(KIB, 64 * KIB), .preset = "16k", .applied = APPLIED_WORKERS,
	    .help = "of a request's line and fields" },
	{ "request_field_max", &type_size, AT(request_field_max),
	    BETWEEN(256, 16 * KIB), .preset = "8k", .applied = APPLIED_WORKERS,
	    .help = "of one field of a request" },
	{ "request_fields_max", &type_count, AT(request_fields_max),
	    BETWEEN(8, 256), .preset = "100", .applied = APPLIED_WORKERS,
	    .help = "fields of a request" },
	{ "http2_streams_max", &type_count, AT(http2_streams_max),
	    BETWEEN(1, 256), .preset = "100",
	    .help = "requests at a time on one HTTP/2 connection" },
	{ "response_head_max", &type_size, AT(response_head_max),
	    BETWEEN(KIB, 64 * KIB), .preset = "32k", .applied = APPLIED_WORKERS,
	    .help = "of a response's line and fields" },
	{ "response_fields_max", &type_count, AT(response_fields_max),
	    BETWEEN(8, 256), .preset = "128", .applied = APPLIED_WORKERS,
	    .help = "fields of a response" },
	{ "request_body_max", &type_size, AT(request_body_max),
	    BETWEEN(0, 1024 * GIB), .preset = "128m",
	    .help = "of a request's body" },
	{ "worker_memory_max", &type_size, AT(worker_memory_max),
	    BETWEEN(16 * MIB, 1024 * GIB), .preset = "1g",
	    .help = "of the heap of one worker" },
	{ "tls_handshake_rate", &type_count, AT(tls_handshake_rate),
	    BETWEEN(0, 1000000), .preset = "50",
	    .help = "TLS handshakes a second of one client" },
	{ "tls_handshake_burst", &type_count, AT(tls_handshake_burst),
	    BETWEEN(1, 1000000), .preset = "200",
	    .help = "TLS handshakes of one client at once" },
	{ "connections_max", &type_count, AT(connections_max),
	    BETWEEN(1, 1000000), .preset = "20000",
	    .help = "clients of one worker at a time" },
	{ "backend_idle_max", &type_count, AT(backend_idle_max),
	    BETWEEN(0, 4096), .preset = "16",
	    .help = "idle connections to one backend" },

	{ "tls_handshake_timeout", &type_duration, AT(tls_handshake_timeout_ms),
	    BETWEEN(100, 30 * SECOND), .preset = "5s",
	    .help = "for a whole TLS handshake" },
	{ "request_head_timeout", &type_duration, AT(request_head_timeout_ms),
	    BETWEEN(100, MINUTE), .preset = "10s",
	    .help = "for a whole request head" },
	{ "keepalive_timeout", &type_duration, AT(keepalive_timeout_ms),
	    BETWEEN(100, 5 * MINUTE), .preset = "15s",
	    .help = "of a client between requests" },
	{ "keepalive_timeout_calm", &type_duration,
	    AT(keepalive_timeout_calm_ms), BETWEEN(100, 5 * MINUTE),
	    .preset = "1m",
	    .help = "the same, while half of connections_max is free" },
	{ "body_timeout", &type_duration, AT(body_timeout_ms),
	    BETWEEN(100, DAY), .preset = "30s",
	    .help = "of a client that stops sending" },
	{ "send_timeout", &type_duration, AT(send_timeout_ms),
	    BETWEEN(100, DAY), .preset = "1m",
	    .help = "of a client that stops reading" },
	{ "connect_timeout", &type_duration, AT(connect_timeout_ms),
	    BETWEEN(100, 10 * SECOND), .preset = "2s",
	    .help = "for a connection to a backend" },
	{ "response_timeout", &type_duration, AT(response_timeout_ms),
	    BETWEEN(100, DAY), .preset = "1h",
	    .help = "of a backend that is silent" },
	{ "response_head_timeout", &type_duration,
	    AT(response_head_timeout_ms), BETWEEN(100, 60 * MINUTE),
	    .preset = "1m",
	    .help = "for a response's head, from its first byte" },
	{ "backend_idle_timeout", &type_duration, AT(backend_idle_timeout_ms),
	    BETWEEN(100, 5 * MINUTE), .preset = "4s",
	    .help = "of an idle connection to a backend" },
	{ "tunnel_timeout", &type_duration, AT(tunnel_timeout_ms),
	    BETWEEN(100, DAY), .preset = "1h",
	    .help = "of a tunnel, as a WebSocket, that is silent" },
	{ "drain_timeout", &type_duration, AT(drain_timeout_ms),
	    BETWEEN(100, DAY), .preset = "30s",
	    .help = "for the requests under way at a graceful stop" },
	{ "tunnel_drain", &type_duration, AT(tunnel_drain_ms),
	    BETWEEN(100, 7 * DAY), .preset = "24h",
	    .help = "for tunnels and downloads of workers that were replaced" },
	{ "loop_lag_max", &type_duration, AT(loop_lag_max_ms),
	    BETWEEN(50, MINUTE), .preset = "2s",
	    .help = "of a worker that has too much to do" },

	{ "registration_timeout", &type_duration, AT(registration_timeout_ms),
	    BETWEEN(100, MINUTE), .preset = "5s",
	    .help = "for a whole registration" },
	{ "registrations_open_max", &type_count, AT(registrations_open_max),
	    BETWEEN(1, 65536), .preset = "200",
	    .help = "connections of one host at a time" },
	{ "registration_connects", &type_count, AT(registration_connects),
	    BETWEEN(1, 65536), .preset = "20",
	    .help = "connections a second of one host" },
	{ "registration_rate", &type_count, AT(registration_rate),
	    BETWEEN(1, 65536), .preset = "10",
	    .help = "registrations a second of one tool" },
	{ "registration_burst", &type_count, AT(registration_burst),
	    BETWEEN(1, 65536), .preset = "30",
	    .help = "registrations of one tool at once" },
	{ "routes_per_tool_max", &type_count, AT(routes_per_tool_max),
	    BETWEEN(1, 256), .preset = "64", .help = "routes of one tool" },
	{ "routes_max", &type_count, AT(routes_max), BETWEEN(1, 1000000),
	    .preset = "200000", .help = "routes of all tools together" },
	{ "lease_grace", &type_duration, AT(lease_grace_ms),
	    BETWEEN(100, HOUR), .preset = "90s",
	    .help = "for a lease after a restart, until someone holds it" },
	{ "verify", &type_choice, AT(verify), .choices = verifications,
	    .preset = "if-possible",
	    .help = "whether backends have to be proved" },
	{ "verify_interval", &type_duration, AT(verify_interval_ms),
	    BETWEEN(100, HOUR), .preset = "60s",
	    .help = "from one proof of a backend to the next" },
};

const size_t ndirectives = nitems(directives);

const struct directive *
directive_find(const char *name)
{
	for (size_t i = 0; i < ndirectives; i++)
		if (strcmp(directives[i].name, name) == 0)
			return &directives[i];
	return NULL;
}

#define NAME_MAX_LEN 64 /* a longer word is like none of ours */

/*
 * How many letters to put in, leave out or change to make b of a
 * (Levenshtein 1965), row by row; neighbours that changed places count once
 * less, since that is how people mistype.
 */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[3][NAME_MAX_LEN + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2], *free_row;
	size_t la = strlen(a), lb = strlen(b);

	for (size_t j = 0; j <= lb; j++)
		above[j] = j;
	for (size_t i = 1; i <= la; i++) {
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		free_row = before;
		before = above;
		above = row;
		row = free_row;
	}
	return above[lb];
}

const struct directive *
directive_nearest(const char *name)
{
	const struct directive *nearest = NULL;
	size_t best = strlen(name) / 3 + 2; /* further off is another word */

	if (strlen(name) > NAME_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < ndirectives; i++) {
		size_t d = distance(name, directives[i].name);

		if (d < best) {
			best = d;
			nearest = &directives[i];
		}
	}
	return nearest;
}

/* What to write for it: the type's examples, or its own words. */
static void
say_what_to_write(const struct directive *d, char *out, size_t size)
{
	if (d->type->write != NULL)
		strlcpy(out, d->type->write, size);
	else if (d->choices == NULL)
		snprintf(out, size, "%llu to %llu bytes",
		    (unsigned long long)d->min, (unsigned long long)d->max);
	else
		out[0] = '\0';
	for (const struct choice *c = d->choices; c != NULL && c->name != NULL;
	     c++)
		snprintf(out + strlen(out), size - strlen(out), "%s%s",
		    c == d->choices	? ""
		    : c[1].name == NULL ? " or "
					: ", ",
		    c->name);
}

bool
directive_set(struct conf *conf, const struct directive *d, const char *text,
    char why[DIRECTIVE_WHY_MAX])
{
	char found[MACHINE_TEXT_MAX], write[128], bound[32];

	if (d->automatic != NULL && strcmp(text, "auto") == 0) {
		d->automatic(found);
		text = found;
	}
	switch (d->type->set(conf, d, text)) {
	case SET_DONE:
		return true;
	case SET_MALFORMED:
		say_what_to_write(d, write, sizeof(write));
		snprintf(why, DIRECTIVE_WHY_MAX,
		    "%s: \"%.100s\" is no %s: write %s%s", d->name, text,
		    d->type->what, write, d->automatic ? ", or auto" : "");
		break;
	case SET_BELOW:
		snprintf(why, DIRECTIVE_WHY_MAX,
		    "%s: \"%.100s\" is too small: write at least %s", d->name,
		    text, d->type->format(d->min, bound));
		break;
	case SET_ABOVE:
		snprintf(why, DIRECTIVE_WHY_MAX,
		    "%s: \"%.100s\" is above the hard maximum: "
		    "write at most %s",
		    d->name, text, d->type->format(d->max, bound));
		break;
	case SET_NO_MEMORY:
		snprintf(why, DIRECTIVE_WHY_MAX, "%s: no memory", d->name);
		break;
	}
	return false;
}

bool
directive_preset(
    struct conf *conf, const struct directive *d, char why[DIRECTIVE_WHY_MAX])
{
	char *copy = strdup(d->preset), *item = copy, *end;
	bool good = copy != NULL;

	d->type->clear(conf, d);
	if (copy == NULL)
		snprintf(why, DIRECTIVE_WHY_MAX, "%s: no memory", d->name);
	else if (!d->type->list)
		good = directive_set(conf, d, copy, why);
	else
		for (; good && *item != '\0'; item = end) {
			end = strstr(item, ", ");
			if (end != NULL) {
				*end = '\0';
				end += 2;
			} else {
				end = item + strlen(item);
			}
			good = directive_set(conf, d, item, why);
		}
	free(copy);
	return good;
}
