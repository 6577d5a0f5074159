/*
 * What the master knows of this node and the registrar tells: its processes,
 * its certificates.  The master alone writes.
 */
#ifndef SHM_NODE_H
#define SHM_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NODE_PROCESSES_MAX 1040
#define NODE_CERTIFICATES_MAX 64

/* Of a process, a few seconds ago. */
struct node_usage {
	uint64_t pid;	  /* whose; 0: nothing is known */
	uint64_t born_ms; /* CLOCK_REALTIME */
	uint64_t cpu_us;
	uint64_t resident;  /* bytes */
	uint64_t files;	    /* open descriptors; 0: not known */
	uint64_t files_max; /* that it may open; 0: not known */
};

/* How a process went whose place another one took: as the log has it. */
enum node_end {
	NODE_DIED,	/* of a signal */
	NODE_ENDED,	/* by itself */
	NODE_HUNG,	/* and was killed for it */
	NODE_NOT_BEGUN, /* there was no process */
	NODE_ENDS
};

struct node_process {
	char name[16];	   /* "worker 0" */
	char state[16];	   /* "ready" */
	uint64_t pid;	   /* 0: none at the moment */
	uint64_t since_ms; /* CLOCK_REALTIME of its state; 0: not known */
	uint64_t restarts[NODE_ENDS]; /* of this place */
	uint64_t place;		      /* of a worker, over both generations */
	struct node_usage usage;
};

struct node_certificate {
	char name[64];	     /* of its file */
	char zone[256];	     /* the first name that it is for, without "*." */
	char type[8];	     /* "rsa", "ecdsa" or "eddsa" */
	uint64_t not_before; /* unix time */
	uint64_t not_after;
};

/* Texts are NUL-terminated. */
struct node {
	uint64_t draining;	 /* 1: it ends, and gets no new requests */
	uint64_t configured_ms;	 /* CLOCK_REALTIME: its settings were taken */
	uint64_t reload_refused; /* 1: others were not, since then */
	uint64_t tls_reloads;	 /* certificates were replaced so often, */
	uint64_t tls_refused;	 /* and so often some were not taken */
	struct node_usage master;
	uint64_t nprocesses, ncertificates;
	struct node_process process[NODE_PROCESSES_MAX];
	struct node_certificate certificate[NODE_CERTIFICATES_MAX];
};

/* Processes that came after the first in a place. */
static inline uint64_t
node_restarts(const struct node_process *p)
{
	uint64_t n = 0;

	for (enum node_end end = 0; end < NODE_ENDS; end++)
		n += p->restarts[end];
	return n;
}

struct node_segment; /* a mapping */

/* Bytes of the segment; and lay it out: -1 with errno. */
size_t node_size(void);
int node_format(int fd);

/*
 * Map it; the descriptor stays the caller's.  NULL with errno: EPROTO, of
 * another layout.
 */
struct node_segment *node_open(int fd, bool writable);
void node_close(struct node_segment *s);

/* Copy it out.  False: it changes faster than one can read. */
bool node_read(const struct node_segment *s, struct node *out);
void node_write(struct node_segment *s, const struct node *node);

#endif
