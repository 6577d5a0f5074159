/*
 * What each worker has answered, tool by tool: a slab a worker, and every word
 * of it has one writer, so counting is plain additions in its own cache lines.
 * Readers add the slabs up and take what is in them for untrusted bytes: a
 * wrong number shows in the metrics, or refuses requests, and that is all.
 *
 * A dead worker's totals stay, so that sums never go back; its successor adds
 * to them.  What it had under way is forgotten by the master.  One process has
 * a slab at any time.
 */
#ifndef SHM_COUNTERS_H
#define SHM_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Who is counted.  A tool's slot is in its table entry: an index from 1 below
 * COUNTERS_TOOLS, and above it (COUNTERS_HOLDER) a random number that tells it
 * from those who had this place before and after.
 */
#define COUNTERS_TOOLS 16384
enum {
	COUNTERS_OTHER = 0,		   /* tools that have no slot */
	COUNTERS_DEFAULT = COUNTERS_TOOLS, /* the default backend */
	COUNTERS_NONE,			   /* requests for nobody */
	COUNTERS_SLOTS,
	COUNTERS_HOLDER = 1 << 16,
};

static inline uint32_t
counters_index(uint32_t slot)
{
	return slot % COUNTERS_HOLDER;
}

#define COUNTERS_CLASSES 6  /* of status: 1xx to 5xx; 0: no answer was sent */
#define COUNTERS_METHODS 10 /* enum http_method */
#define COUNTERS_REASONS 64 /* enum reason */
#define COUNTERS_TIMES 14

/* What a worker counts that is no tool's. */
enum counters_event {
	EVENT_CONNECTION,	  /* of a client, accepted */
	EVENT_CONNECTION_REFUSED, /* its address has too many */
	EVENT_HANDSHAKE_REFUSED,  /* likewise, of TLS */
	EVENT_TLS12,		  /* handshakes that were completed */
	EVENT_TLS13,
	EVENT_TLS_FAILED,
	EVENT_BACKEND_CONNECT, /* a new connection to one was begun */
	EVENT_BACKEND_REUSED,  /* a kept-alive one was taken instead */
	EVENT_BACKEND_AGAIN,   /* which was dead: the request was sent again */
	EVENT_BACKEND_NEXT,    /* it failed: the next one was tried */
	EVENT_TUNNEL,	       /* a protocol was changed to, as WebSocket */
	EVENT_WEBSOCKET,       /* this one it was */
	EVENT_FLOOD_RESET,     /* HTTP/2 connections ended for it: h2_guard.h */
	EVENT_FLOOD_PROVOKED,
	EVENT_FLOOD_CONTINUATION,
	EVENT_FLOOD_PING,
	EVENT_FLOOD_SETTINGS,
	EVENT_FLOOD_PRIORITY,
	EVENT_FLOOD_EMPTY_DATA,
	EVENT_FLOOD_WINDOW_UPDATE,
	EVENT_FLOOD_DRIBBLE,
	EVENT_FLOOD_UNKNOWN,
	EVENT_FLOOD_HEADER_LIST,
	EVENT_FLOOD_QUEUE,
	EVENT_COUNT
};

/* What a client's connection is at the moment. */
enum counters_client {
	COUNTED_GONE, /* or not there yet: it is not counted */
	COUNTED_ACTIVE,
	COUNTED_IDLE, /* between requests */
	COUNTED_TUNNEL,
	COUNTED_STATES
};

/* Upper bounds of the times, milliseconds; the last has none. */
extern const uint32_t counters_times_ms[COUNTERS_TIMES - 1];

/* Which of them so many are counted at. */
size_t counters_time_slot(uint64_t ms);

/* One response, when it is over. */
struct counted {
	uint32_t slot;
	bool by_backend;	 /* else it is ours */
	unsigned status;	 /* 0: none was sent */
	unsigned method;	 /* enum http_method */
	unsigned reason;	 /* enum reason; 0: none */
	uint64_t received, sent; /* bytes of bodies */
	uint64_t took_ms;
	bool no_websocket; /* one was asked for, and did not come about */
};

/* The sum of all workers; never more than 2^53 each. */
struct counters_sum {
	uint64_t requests[2][COUNTERS_CLASSES][COUNTERS_METHODS]; /* [1]: by
								     backend */
	uint64_t times[COUNTERS_TIMES]; /* of those answers, not cumulative */
	uint64_t took_ms;		/* all of them together */
	uint64_t received, sent;
	uint64_t reasons[COUNTERS_REASONS];
	uint64_t under_way;
};

struct counters; /* a mapping of the segment */

/* Bytes of the segment for so many workers; and lay it out: -1 with errno. */
size_t counters_size(unsigned workers);
int counters_format(int fd);

/*
 * Map the segment, the descriptor stays the caller's: as a worker, whose slab
 * is ours from now on, or to read.  NULL with errno (EPROTO: of another build,
 * or for fewer workers).  Ours until counters_close().
 */
struct counters *counters_open(int fd, unsigned worker);
struct counters *counters_open_readonly(int fd);
void counters_close(struct counters *c);

/*
 * At most so many requests of a tool at a time; 0: any.
 * workers  that serve; 0: all that there is room for
 */
void counters_set_cap(struct counters *c, uint32_t cap, unsigned workers);

/*
 * Is there room for one more request of the tool?  A worker alone looks no
 * further while it has less than its share; so the cap holds when all workers
 * are busy, and is passed by less than twice when one was first.
 */
bool counters_may_enter(const struct counters *c, uint32_t slot);

/* A request is under way, is over.  COUNTERS_OTHER has no number under way. */
void counters_enter(struct counters *c, uint32_t slot);
void counters_leave(struct counters *c, uint32_t slot);

/* Count an event, and how many there were of all workers. */
void counters_event(struct counters *c, enum counters_event event);
uint64_t counters_events(const struct counters *c, enum counters_event event);

/* A client's connection is another thing now, and how many are of all workers.
 */
void counters_client_is(
    struct counters *c, enum counters_client was, enum counters_client is);
uint64_t counters_clients(const struct counters *c, enum counters_client state);

/* A connection to a backend was made, in so long. */
void counters_connected(struct counters *c, uint64_t took_ms);

/* Those of all workers. */
struct counters_connects {
	uint64_t times[COUNTERS_TIMES]; /* not cumulative */
	uint64_t took_ms;		/* all of them together */
};
void counters_read_connects(
    const struct counters *c, struct counters_connects *sum);

/*
 * WebSockets that did not come about, of all workers, by enum reason; 0: the
 * answer was something else than 101, of the backend or a redirect.
 */
uint64_t counters_no_websockets(const struct counters *c, unsigned reason);

/* Count a response. */
void counters_add(struct counters *c, const struct counted *r);

/* What all workers counted for this holder of the slot. */
void counters_read(
    const struct counters *c, uint32_t slot, struct counters_sum *sum);

/* The same for all there are; those whose place is another's by now are lost.
 */
void counters_read_all(const struct counters *c, struct counters_sum *sum);

/* The worker is dead, and with it all that it had under way.  -1, errno. */
int counters_forget(int fd, unsigned worker);

#endif
