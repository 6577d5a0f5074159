/*
 * The book written out as JSON, piece by piece: however long it is, neither
 * the loop nor the memory notices.  What changes meanwhile is there or not.
 */
#ifndef REGISTRAR_LISTING_H
#define REGISTRAR_LISTING_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/buf.h"
#include "registrar/book.h"

struct registrar;

/* How far a walk through the book has come.  Zeroed: at its beginning. */
struct listing {
	const struct registrar *r; /* borrowed; for put, which may need it */
	char after[KEY_MAX + 1];   /* the last key that was written */
	bool some;		   /* anything was written */
	bool broken;		   /* something could not be: no memory */
	bool frontends;		   /* domain proxies, not tools */
	/* the others are left out; NULL: none is */
	bool (*wanted)(const struct book_name *name);
};

/* Write a name into b, behind a comma if there are some.  False: no room. */
typedef bool listing_put(
    const struct listing *l, struct buf *b, const struct book_name *name);

/*
 * Write the next names into b, about CLIENT_PIECE bytes of them.  False:
 * there are no more, or no memory (broken): then it must not look complete.
 */
bool listing_more(
    struct listing *l, struct book *book, struct buf *b, listing_put *put);

/* Takes the value over, NULL too.  False: no room, or no memory. */
bool listing_put_json_take(struct buf *b, json_t *value);

/* What all routes of a tool have in common; tell_listed() knows it. */
struct listed_tool {
	const struct book_name *name; /* borrowed */
	const char *health;	      /* constant */
	uint64_t hit_ms; /* CLOCK_REALTIME of its last request; 0: not known */
};

/* Its "health" and "hit", each with a comma behind it.  False: no room. */
bool listing_put_use(struct buf *b, const struct listed_tool *tool);

/*
 * One destination of a route: {"tool", "canonical", "health", "hit",
 * "pattern", "destination", "origin", "lease", "state", "proof", "proved",
 * "since"}; without the first four when tool is NULL.  False: no room.
 */
bool listing_put_route(struct buf *b, const struct listed_tool *tool,
    const struct book_route *route, const struct destination *to);

/* The same as a value; NULL: no memory. */
json_t *listing_route(const struct listed_tool *tool,
    const struct book_route *route, const struct destination *to);

/* Any bytes: those that are no UTF-8 appear as \xHH.  NULL: no memory. */
json_t *listing_text(const char *text);

/* RFC 3339, UTC, to the second; 0: null. */
json_t *listing_time(uint64_t real_ms);

/* As text: it has more digits than a number of JSON. */
json_t *listing_checksum(uint64_t checksum);

#endif
