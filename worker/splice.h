/*
 * Large bodies go from socket to socket through a pipe: the kernel hands pages
 * on, and nothing is copied.  A pipe is held only while something is in it;
 * that is what a client that does not read costs.
 */
#ifndef WORKER_SPLICE_H
#define WORKER_SPLICE_H

#include <stddef.h>
#include <sys/types.h>

struct stream;

/* Less than this is copied: that is cheaper than two system calls. */
#define SPLICE_MIN (16 * 1024)

struct splice_pipe {
	struct splice_pipe *next; /* of the spare ones */
	int in, out;		  /* owned */
	size_t held;		  /* bytes */
};

/* A worker's; zeroed, it has none. */
struct splice_pipes {
	struct splice_pipe *spare; /* owned list; they are empty */
	unsigned n, nspare;
};

/* NULL: there are too many, or the kernel gives none; copy, then. */
struct splice_pipe *splice_get(struct splice_pipes *pipes);

/* Back with it, or, when something is left in it, away with that. */
void splice_put(struct splice_pipes *pipes, struct splice_pipe *p);

void splice_release(struct splice_pipes *pipes);

/*
 * Fill an empty pipe with at most so many bytes, as stream_recv(): no TLS.
 * And send from it what the socket takes, as stream_send().
 */
ssize_t splice_fill(struct splice_pipe *p, struct stream *from, size_t want);
ssize_t splice_drain(struct splice_pipe *p, struct stream *to);

#endif
