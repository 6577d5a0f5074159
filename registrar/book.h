/*
 * The registrar's book: every name, its routes, where each came from.  What
 * is here and active is in the table (publish.c) and, where it is ours to
 * keep, in the stores.
 */
#ifndef REGISTRAR_BOOK_H
#define REGISTRAR_BOOK_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/names.h"
#include "registrar/destination.h"

#define FRONTEND_PATTERN ".*" /* the one route that a domain proxy has */

enum origin {
	ORIGIN_TOOL,	 /* registered here, on 8282 or its Unix socket */
	ORIGIN_OPERATOR, /* dynproxyctl add */
	ORIGIN_REDIS,	 /* somebody else wrote it there */
};

/* "tool", "operator", "redis": in the log and in `list`. */
const char *origin_name(enum origin origin);

struct book_name;
struct book_route;

/* One destination of a route, among all at its address and port. */
struct book_port {
	LIST_ENTRY(book_port) entry;
	struct book_route *route;     /* which it is a part of */
	const struct destination *to; /* of it */
};

struct book_route {
	TAILQ_ENTRY(book_route) entry;
	const char *pattern;	/* as registered: ".*"; behind the ports */
	struct destinations to; /* owned; at least one */
	enum origin origin;
	uint64_t since_ms; /* CLOCK_REALTIME of its registration */
	uint64_t version;  /* of its last change, as Redis has it; 0: it
			      was the original's, which has none */
	bool unkept;	   /* SQLite has yet to be told (store_keep.h) */
	struct book_name *name;
	struct book_port ports[]; /* one for each of `to` */
};

struct book_name {
	struct named named;
	uint64_t version; /* of the last change published */
	bool canonical;	  /* key redirect:<tool> exists */
	size_t nroutes;
	TAILQ_HEAD(book_routes, book_route) routes;
	char key[]; /* kind byte and name, NUL-terminated */
};

LIST_HEAD(book_ports, book_port);

struct book {
	struct names names;	  /* by key */
	struct book_name *last;	  /* found: mostly it is asked for again */
	struct book_ports *ports; /* owned; by a hash of address and port */
	uint64_t ports_key[2];
	size_t nnames, nroutes;
	size_t nstale;	   /* routes all of whose backends are stale */
	size_t npinned;	   /* others, that an operator has entered */
	uint64_t checksum; /* the same for the same routes, on any node */
};

/* False: no memory. */
bool book_init(struct book *book);
void book_release(struct book *book);

/* NULL: not there. */
struct book_name *book_find(struct book *book, const char *key);
struct book_route *book_find_route(struct book_name *name, const char *pattern);

/*
 * All names, in an order of the book's own: the first at or after a key, be it
 * there or not (empty: of all), and the one after a name.
 */
struct book_name *book_from(struct book *book, const char *key);
struct book_name *book_next(struct book *book, struct book_name *name);

/*
 * Enter a route, in place of one with the same pattern.  The strings are
 * copied.  NULL: no memory, nothing changed.
 *
 * to   1 or more; see destinations_copy()
 */
struct book_route *book_set(struct book *book, const char *key,
    const char *pattern, const struct destination *to, size_t nto,
    enum origin origin, uint64_t since_ms);

/*
 * The destinations at an address and port, of whatever name and scheme: the
 * first, and the one after it.  NULL: there are no more.
 */
const struct book_port *book_port_first(
    const struct book *book, const struct backend *backend);
const struct book_port *book_port_next(const struct book_port *port);

/* Are all of its backends stale? */
bool book_route_is_stale(const struct book_route *route);

/* Strike a route; a name without routes goes with its last one. */
void book_strike(
    struct book *book, struct book_name *name, struct book_route *route);

#endif
