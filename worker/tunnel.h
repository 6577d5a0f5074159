/*
 * Two connections whose bytes nobody looks at any more: after a 101.  What
 * one side does not read stays where it is, but for what was already received;
 * an end is passed on in its direction only.
 */
#ifndef WORKER_TUNNEL_H
#define WORKER_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "http/websocket.h"
#include "lib/buf.h"
#include "worker/stream.h"

#define TUNNEL_PIECE (64 * 1024) /* bytes received at a time */

struct tunnel_way {
	struct stream *from, *to; /* borrowed */
	struct buf held;	  /* owned: received, and not yet sent */
	uint64_t bytes;		  /* that were received */
	bool ended;		  /* nothing more is received */
	bool shut;		  /* and the other has been told so */
	bool framed;		  /* frames are counted */
	struct websocket_frames frames;
};

struct tunnel {
	struct tunnel_way up, down; /* to the backend, to the client */
	uint64_t moved_ms;	    /* when bytes last moved */
};

/*
 * Begin.  The first bytes of a direction can be put into its held, and are
 * sent before all others.
 */
void tunnel_init(struct tunnel *t, struct stream *client,
    struct stream *backend, uint64_t now_ms);
void tunnel_release(struct tunnel *t);

/*
 * We go away: the backend's side ends for its client with a Close frame, if
 * this is a WebSocket and not in the middle of a frame.
 */
void tunnel_leave(struct tunnel *t);

enum tunnel_next {
	TUNNEL_WAIT, /* for an event, or until nothing has moved for too long */
	TUNNEL_YIELD, /* others first, then again */
	TUNNEL_ENDED, /* both sides have said so, and were heard */
	TUNNEL_CUT,   /* one side is gone: the other has to see a reset */
};

/*
 * Move all that can be moved now.
 *
 * scratch  empty, as it is again afterwards: with TUNNEL_PIECE bytes of room
 *          it is all the memory that tunnels need whose readers are awake
 */
enum tunnel_next tunnel_run(
    struct tunnel *t, struct buf *scratch, uint64_t now_ms);

#endif
