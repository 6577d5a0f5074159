/*
 * What an HTTP/2 client may do that costs it little and us much: counted on
 * the frames as they come, before any library has merged or dropped one
 * (7-security.md 7.5).  No socket, no clock.
 */
#ifndef WORKER_H2_GUARD_H
#define WORKER_H2_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum h2_flood {
	FLOOD_NONE,
	FLOOD_RESET,	    /* streams opened and reset: CVE-2023-44487 */
	FLOOD_PROVOKED,	    /* resets that we had to send: CVE-2025-8671 */
	FLOOD_CONTINUATION, /* a header block without end: CVE-2024-27316 */
	FLOOD_PING,	    /* CVE-2019-9512 */
	FLOOD_SETTINGS,	    /* CVE-2019-9515 */
	FLOOD_PRIORITY,	    /* CVE-2019-9513 */
	FLOOD_EMPTY_DATA,   /* CVE-2019-9518 */
	FLOOD_WINDOW_UPDATE,
	FLOOD_DRIBBLE,	   /* windows so small: CVE-2019-9511 */
	FLOOD_UNKNOWN,	   /* frames that mean nothing */
	FLOOD_HEADER_LIST, /* fields far over the limit: HPACK bombs */
	FLOOD_QUEUE,	   /* answers that it does not read: CVE-2019-9514 */
	FLOOD_COUNT
};

/* For the log. */
const char *h2_flood_name(enum h2_flood flood);

/* So many at once, and so many a second. */
struct h2_bucket {
	uint64_t full_ms; /* when it will be, or was, full again */
};

/* Zeroed, then h2_guard_init(). */
struct h2_guard {
	struct h2_bucket resets, provoked, pings, settings, unknown;
	uint32_t priorities;   /* PRIORITY frames that may still come */
	uint32_t updates;      /* WINDOW_UPDATE */
	uint32_t dribbles;     /* tiny DATA frames that we may still send */
	uint8_t continuations; /* of this header block */
	uint8_t empty;	       /* DATA frames, in a row */

	/* where in the bytes we are */
	uint8_t head[10]; /* of a frame; DATA: its pad length, too */
	uint8_t have, want;
	uint32_t skip; /* bytes before the next frame */
};

void h2_guard_init(struct h2_guard *g);

/* Look at bytes as they came, from the first of the connection on. */
enum h2_flood h2_guard_received(
    struct h2_guard *g, const uint8_t *bytes, size_t len, uint64_t now_ms);

/* A RST_STREAM was sent for something that the client did. */
enum h2_flood h2_guard_provoked(struct h2_guard *g, uint64_t now_ms);

/*
 * A DATA frame was sent.
 *
 * cut   its length in bytes, if the client's window made it so short; else 0
 */
enum h2_flood h2_guard_sent_data(struct h2_guard *g, size_t cut);

#endif
