/*
 * The settings of a running instance.  The table conf/directives.c says for
 * each its name, type, unit, bounds, default and what it is for.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "lib/addr.h"
#include "lib/span.h"

#define CONF_PATH_DEFAULT "/etc/dynproxy/dynproxy.conf"

enum listener_kind {
	LISTEN_HTTP,	     /* workers; each slot has a socket of its own */
	LISTEN_HTTPS,	     /* the same, with TLS */
	LISTEN_REGISTRATION, /* registrar: the 8282 protocol, TCP or Unix */
	LISTEN_ADMIN,	     /* registrar: 8081 */
	LISTEN_CONTROL,	     /* registrar: dynproxyctl */
	LISTEN_MASTER,	     /* master: dynproxyctl */
};

struct listener_conf {
	enum listener_kind kind;
	struct addr addr;
	bool proxied; /* each connection begins with a PROXY header */
};

/* Is it workers who listen there? */
static inline bool
listener_is_web(enum listener_kind kind)
{
	return kind == LISTEN_HTTP || kind == LISTEN_HTTPS;
}

#define HOST_TEXT_MAX 253 /* bytes of a host name, RFC 1035 section 2.3.4 */

enum store_down { STORE_DOWN_ACCEPT, STORE_DOWN_REFUSE };

/* What becomes of a backend whose owner is unknown (1-registration.md 1.1). */
enum verify { VERIFY_IF_POSSIBLE, VERIFY_REQUIRE, VERIFY_OFF };

/* A user of the Unix registration socket who has no tool account. */
struct local_tool {
	uid_t uid;
	char name[64];
};

/* Requests for one host are sent to another, path and query as they are. */
struct redirect_conf {
	char *from, *to; /* owned, lower case */
	uint16_t status; /* 301, 302, 307 or 308 */
	bool below;	 /* names one label below: while to's is a frontend */
};

/* Where requests go that no route is for. */
struct default_backend {
	char host[HOST_TEXT_MAX + 1]; /* a name; empty: ip says it */
	struct ip ip;		      /* AF_UNSPEC: host says it */
	uint16_t port;
	bool https;
};

/* Mozilla's recommendations for servers, by their names. */
enum tls_profile { TLS_INTERMEDIATE, TLS_MODERN };

/* A client that asks for a name which no certificate has. */
enum tls_unknown_name { TLS_UNKNOWN_DEFAULT, TLS_UNKNOWN_REFUSE };

/* Which requests without TLS are sent to it, where it is spoken. */
enum https_redirect { REDIRECT_OFF, REDIRECT_GET, REDIRECT_ALL };

/* Of the addresses that we redirect to. */
enum redirect_scheme { SCHEME_AUTO, SCHEME_HTTP, SCHEME_HTTPS };

/* What becomes of a field of responses. */
enum header_action {
	HEADER_SET,	/* it has this value, whatever the backend says */
	HEADER_DEFAULT, /* if the backend does not send it */
	HEADER_REMOVE,
};

#define RESPONSE_HEADERS_MAX 64
#define HEADER_NAME_MAX 64    /* bytes */
#define HEADER_VALUE_MAX 2048 /* bytes */

struct response_header {
	enum header_action action;
	char *zone; /* owned, lower case; and what is below it; empty: all */
	char *name, *value; /* owned; HEADER_REMOVE: value is empty */
};

/* Where a setting was given. */
struct conf_origin {
	char *file;    /* owned; NULL: nowhere, it has its default */
	unsigned line; /* 0: not known, of an empty list */
};

/* Lines of the access log, and what they tell of the client's address. */
enum access_log_format { ACCESS_LOG_VHOSTS, ACCESS_LOG_JSON };
enum access_log_address { ADDRESS_FULL, ADDRESS_NETWORK, ADDRESS_OFF };

#define REDIS_SENTINELS_MAX 16

/* log_sink: the master decides, see dynproxyd(8) */
#define LOG_SINK_AUTO (-1)

struct conf {
	struct listener_conf *listeners; /* owned; ordered by their kinds */
	size_t nlisteners;

	char **web_domains; /* owned, lower case; at least one */
	size_t nweb_domains;

	/* where requests go (2-http.md 2.2) */
	char **legacy_hosts; /* owned, lower case; tools by their path */
	size_t nlegacy_hosts;
	char *admin_tool; /* owned; what they show besides; empty: nothing */
	struct redirect_conf *redirects; /* owned */
	size_t nredirects;
	enum redirect_scheme redirect_scheme;
	struct default_backend *default_backends; /* owned */
	size_t ndefault_backends;

	unsigned workers; /* processes */
	int log_sink;	  /* enum log_sink, or LOG_SINK_AUTO */
	int log_priority; /* LOG_ERR .. LOG_DEBUG */
	char *pid_file;	  /* owned */

	int sandbox;			    /* a truth value */
	char *user_worker, *user_registrar; /* owned; names or numbers */
	char *user_logger, *user_lookup;    /* the same */

	char *access_log; /* owned; empty: none */
	enum access_log_format access_log_format;
	enum access_log_address access_log_address;
	uint64_t access_log_space_min; /* bytes that it leaves free */

	size_t table_size;     /* bytes of the route table's segment, sparse */
	char *state_directory; /* owned; SQLite lives here */
	struct addr redis;     /* len 0: none */
	struct addr *redis_sentinels; /* owned; none: redis is the primary */
	size_t nredis_sentinels;
	char *redis_primary;	   /* owned; its name there */
	struct addr redis_replica; /* read from there; len 0: the primary */
	char *redis_user;	   /* owned; empty: the default user */
	char *redis_password;	   /* owned; empty: none */
	unsigned wait_replicas;	   /* that must have it, too, before `ok` */
	enum store_down store_down;

	char *node_name;      /* owned; of this node, among those that share */
	char *account_prefix; /* owned; "tools." */
	uint16_t ident_port;
	uint64_t ident_timeout_ms;
	struct cidr *ident_networks; /* owned; whose identds are believed */
	size_t nident_networks;
	struct local_tool *local_tools; /* owned */
	size_t nlocal_tools;
	struct cidr *backend_networks; /* owned; besides the peer itself */
	size_t nbackend_networks;
	struct cidr *backend_denied; /* owned; whoever registers there */
	size_t nbackend_denied;
	struct cidr *admin_networks; /* owned */
	size_t nadmin_networks;

	/* who may come in (2-http.md 2.1) */
	struct cidr *operator_networks; /* owned; during maintenance, too */
	size_t noperator_networks;
	int refuse_no_agent; /* a truth value */
	unsigned rate_limit; /* requests a second of a client; 0: any */
	unsigned rate_burst; /* and at once */
	unsigned client_connections_max; /* of one address; 0: any */
	unsigned tool_requests_max;	 /* under way, of one tool; 0: any */

	/* what requests and responses say (2-http.md 2.3) */
	char **client_address_for; /* owned; tools and hosts that get it */
	size_t nclient_address_for;
	struct response_header *response_headers; /* owned */
	size_t nresponse_headers;
	char *hsts, *csp_report_only; /* owned; empty: no such field */
	int compression;	      /* a truth value */
	char *contact; /* owned; whom to ask about a tool; empty: nobody */
	char *error_directory; /* owned; of error pages; empty: none */
	char *favicon_file, *robots_file; /* owned; empty: none */
	struct cidr *trusted_proxies; /* owned; whose X-Forwarded-* counts */
	size_t ntrusted_proxies;
	char *backend_ca; /* owned; a file; empty: none is checked */

	/* TLS for clients (2-http.md 2.4) */
	char *tls_directory; /* owned; of certificates and keys */
	char *tls_default;   /* owned; a file's name there; empty: the first */
	enum tls_profile tls_profile;
	enum tls_unknown_name tls_unknown_name;
	enum https_redirect https_redirect;
	unsigned https_redirect_status; /* 301, 302, 307 or 308 */
	char *acme_directory;		/* owned; of challenges; empty: none */
	uint64_t tls_ticket_rotation_ms;
	char *tls_ticket_key_file; /* owned; empty: keys are made here */

	/* limits of the data path (7-security.md 7.5) */
	size_t request_line_max, request_head_max, request_field_max;
	size_t request_fields_max;
	size_t http2_streams_max;
	size_t response_head_max, response_fields_max;
	uint64_t request_body_max;
	uint64_t worker_memory_max;   /* bytes of its heap */
	unsigned tls_handshake_rate;  /* a second of a client; 0: any */
	unsigned tls_handshake_burst; /* and at once */
	unsigned connections_max;     /* client connections of a worker */
	unsigned backend_idle_max; /* kept-alive connections of one backend */

	/* deadlines, milliseconds */
	uint64_t tls_handshake_timeout_ms;
	uint64_t request_head_timeout_ms;
	uint64_t keepalive_timeout_ms;
	uint64_t keepalive_timeout_calm_ms; /* while half of the room is free */
	uint64_t body_timeout_ms;	    /* a client that stops sending */
	uint64_t send_timeout_ms;	    /* a client that stops reading */
	uint64_t connect_timeout_ms;	    /* to a backend */
	uint64_t response_head_timeout_ms;  /* from its first byte */
	uint64_t response_timeout_ms;	    /* a backend that is silent */
	uint64_t backend_idle_timeout_ms;
	uint64_t tunnel_timeout_ms; /* bytes of neither side */
	uint64_t drain_timeout_ms;
	uint64_t tunnel_drain_ms; /* of workers that a reload replaced */
	uint64_t loop_lag_max_ms; /* that a worker's turns last too long */

	/* 8282 (7-security.md 7.4) */
	uint64_t registration_timeout_ms;
	unsigned registrations_open_max; /* connections, of one host */
	unsigned registration_connects;	 /* a second, of one host */
	unsigned registration_rate;  /* registrations a second, of one tool */
	unsigned registration_burst; /* and at once */
	unsigned routes_per_tool_max;
	unsigned routes_max;	 /* of all tools together */
	uint64_t lease_grace_ms; /* for a lease that nobody holds, at first */
	enum verify verify;
	uint64_t verify_interval_ms; /* from one proof to the next, +- 20 % */

	struct conf_origin *origins; /* owned; by place in the table */
};

/*
 * Read a configuration file, or text (then name stands in messages).  NULL:
 * it was refused, and the faults were reported to err, each as `file:line:
 * what is wrong and what to write instead`: all those of values, up to the
 * first of syntax.  The caller's to conf_free().
 */
struct conf *conf_read_file(const char *path, FILE *err);
struct conf *conf_read_text(const char *text, const char *name, FILE *err);
void conf_free(struct conf *conf);

/*
 * Read a file as far as it is right, without a word: for who only wants to
 * know where a daemon is that may run by an older one.  NULL: there is none.
 */
struct conf *conf_read_anyway(const char *path);

/* Was it given nowhere?  setting is the name of one. */
bool conf_is_default(const struct conf *conf, const char *setting);

/* Have no value of a list any more. */
void conf_clear(struct conf *conf, const char *setting);

/* Is there a listener that speaks TLS? */
bool conf_has_https(const struct conf *conf);

/*
 * Privacy by default: only hosts and tools that are configured so are told who
 * the client is.  tool is empty where it is none.
 */
bool conf_tells_client(
    const struct conf *conf, struct span tool, struct span host);

static inline bool
conf_has_redis(const struct conf *conf)
{
	return conf->redis.len != 0 || conf->nredis_sentinels > 0;
}

/*
 * Does the account's name say which tool a user of a Unix registration socket
 * is?  Where local_tools has any, that list alone does.
 */
static inline bool
conf_has_accounts(const struct conf *conf)
{
	for (size_t i = 0; i < conf->nlisteners; i++)
		if (conf->listeners[i].kind == LISTEN_REGISTRATION &&
		    conf->listeners[i].addr.u.sa.sa_family == AF_UNIX)
			return conf->nlocal_tools == 0;
	return false;
}

/*
 * Client connections of a worker: as configured, or 60 % of the descriptors
 * that it may have: each client needs a backend too (7-security.md 7.5).
 */
static inline unsigned
conf_connections_limit(const struct conf *conf, uint64_t files)
{
	files = files / 5 * 3;
	return files < conf->connections_max ? (unsigned)files
					     : conf->connections_max;
}

/*
 * Write the effective settings, secrets too, each with its origin as a
 * comment; reading that text again gives the same settings.  What children
 * get.
 */
void conf_dump(const struct conf *conf, FILE *out);

#endif
