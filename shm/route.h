/*
 * A name's routes as the table holds them: one immutable blob a name.  The
 * registrar encodes, workers decode what they copied out; to them every byte
 * is hostile until route_decode() has checked it.
 */
#ifndef SHM_ROUTE_H
#define SHM_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/span.h"

#define ROUTES_MAX         256   /* of one name */
#define ROUTE_BACKENDS_MAX 16    /* of one route */
#define ROUTE_PATTERN_MAX  1024  /* bytes */
#define ROUTE_BLOB_MAX     65536 /* bytes of all that one name has */

/* What a key names; the first byte of every key in the table. */
enum key_kind {
	KEY_TOOL = 't',     /* prefix:<tool> */
	KEY_FRONTEND = 'f', /* frontend:<fqdn>, frontend:*.<domain> */
	KEY_DEFAULT = 'd',  /* one entry, KEY_DEFAULT_BACKEND */
};
#define KEY_MAX 256 /* bytes, the kind included */

/* Where requests go that no route is for: the configured default backends. */
#define KEY_DEFAULT_BACKEND "ddefault"

/* Patterns without metacharacters never run a regex (2-http.md 2.2). */
enum route_kind {
	ROUTE_EXACT,  /* the path itself */
	ROUTE_PREFIX, /* literal, then anything; text is the literal part */
	ROUTE_REGEX,  /* PCRE2, anchored at the start */
	ROUTE_ANY,    /* ".*" */
};

/* Why a route leads nowhere for now: then it has no backends. */
enum route_closed {
	ROUTE_OPEN,
	ROUTE_STALE,   /* somebody else has the ports of its backends */
	ROUTE_DRAINED, /* its backends get no new requests */
	ROUTE_UNPROVED, /* nobody knows yet whose its backends are */
};

enum tool_state {
	TOOL_ACTIVE,
	TOOL_STOPPED,     /* unregistered a little while ago: 503, not 404 */
	TOOL_QUARANTINED, /* its entry was damaged: 503 until it is repaired */
};

enum backend_scheme { BACKEND_HTTP, BACKEND_HTTPS };

/* For what is read where it was copied to as words. */
#define AS_COPIED __attribute__((may_alias))

struct AS_COPIED backend {
	struct ip ip;
	uint8_t scheme; /* enum backend_scheme */
	uint16_t port;  /* host byte order */
	uint32_t pad;   /* zero: the bytes are compared and stored as they are */
};

struct route {
	enum route_kind kind;
	struct span text; /* the pattern; of ROUTE_PREFIX the literal part */
	const struct backend *backends;
	size_t nbackends; /* 1..ROUTE_BACKENDS_MAX; 0: closed */
	enum route_closed closed;
};

struct tool {
	struct span key; /* kind byte and name */
	enum tool_state state;
	bool canonical;  /* key redirect:<tool> exists */
	uint32_t counter_slot; /* its place in the counters; 0: other */
	uint64_t version;      /* of the table entry; set by table_read() */
	size_t nroutes;
	struct route routes[ROUTES_MAX]; /* in the order they are tried */
};

/*
 * A blob: this head, the backends of all routes, a record for each route, the
 * key, the texts.  A tool with one backend fits in a cache line.
 */
struct AS_COPIED route_head {
	uint32_t len; /* bytes of the whole blob */
	uint32_t counter_slot;
	uint16_t nroutes;
	uint16_t nbackends; /* of all routes together */
	uint16_t key_len;
	uint8_t state;
	uint8_t canonical;
};

struct AS_COPIED route_record {
	uint8_t kind : 4;
	uint8_t closed : 4;
	uint8_t nbackends;
	uint16_t text_len;
};

/*
 * Write a tool's blob.  Returns its bytes, 0 when it does not fit in max or
 * breaks a bound above.
 */
size_t route_encode(const struct tool *tool, void *out, size_t max);

/*
 * Read a blob; tool's spans and backends point into it.  False: damaged.
 * blob   aligned to 8 bytes, private to the caller, outlives *tool
 */
bool route_decode(const void *blob, size_t len, struct tool *tool);

#endif
