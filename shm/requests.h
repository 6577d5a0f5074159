/*
 * The requests that each worker has had under way for longest: a slab a
 * worker, which it writes once a second, so that a request that is over sooner
 * costs nothing.  Readers take what is in it for untrusted bytes.
 */
#ifndef SHM_REQUESTS_H
#define SHM_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

#define REQUESTS_TOLD 256	/* by a worker, the oldest */
#define REQUESTS_STALE_MS 15000 /* a slab that is older is nobody's */

enum request_state {
	REQUEST_CONNECTING, /* to a backend */
	REQUEST_SENDING,    /* the request, to it */
	REQUEST_WAITING,    /* for its answer to begin */
	REQUEST_RECEIVING,  /* the rest of the answer, from it */
	REQUEST_BLOCKED,    /* the client does not read the answer */
	REQUEST_TUNNEL,	    /* another protocol, as WebSocket */
	REQUEST_STATES
};

struct request_note {
	uint64_t begun_ms;	 /* CLOCK_MONOTONIC */
	uint64_t received, sent; /* bytes of bodies, from and to the client */
	uint32_t state;		 /* enum request_state */
	uint16_t backend_port;
	uint16_t spare;
	struct ip client, backend; /* family 0: not told, none yet */
	char protocol[6];	   /* between client and us */
	char tool[64];		   /* empty: none */
	char url[256]; /* without its query, as far as there is room */
};

struct requests; /* a mapping of the segment */

/* Bytes of the segment for so many workers; and lay it out: -1 with errno. */
size_t requests_size(unsigned workers);
int requests_format(int fd);

/*
 * Map the segment, the descriptor stays the caller's: as a worker, whose slab
 * is ours from now on, or to read.  NULL with errno (EPROTO: of another build,
 * or for fewer workers).  Ours until requests_close().
 */
struct requests *requests_open(int fd, unsigned worker);
struct requests *requests_open_readonly(int fd);
void requests_close(struct requests *r);

/*
 * Tell anew which there are: begin, put the oldest first, end.  Until then
 * readers see what was told before.
 *
 * number  the worker's, as the log has it
 * False   no more are told
 */
void requests_begin(struct requests *r);
bool requests_put(struct requests *r, const struct request_note *note);
void requests_end(struct requests *r, uint32_t number, uint64_t now_ms);

/* How many slabs there are. */
size_t requests_slabs(const struct requests *r);

/*
 * What a slab tells: at most REQUESTS_TOLD, the oldest first.  Texts are
 * printable ASCII, NUL-terminated; states and families are some that there
 * are; none has begun after now_ms.
 *
 * number   set: the worker's
 * Returns  how many; 0 also of a slab that nobody writes any more
 */
size_t requests_read(const struct requests *r, size_t slab, uint64_t now_ms,
    uint32_t *number, struct request_note out[REQUESTS_TOLD]);

/* The worker is dead.  -1, errno. */
int requests_forget(int fd, unsigned worker);

#endif
