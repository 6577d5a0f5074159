/*
 * Messages of fixed size between the master and its children, and between
 * dynproxyctl and the master: the master parses nothing else.
 */
#ifndef LIB_CTLMSG_H
#define LIB_CTLMSG_H

#include <stdint.h>
#include <sys/types.h>

#define CTL_FD 3 /* a child finds its socket to the master here */

/*
 * Never renumber: a dynproxyctl speaks with a master that was started before it
 * was installed, and after an upgrade so do children.  New ones go to the end.
 */
enum ctl_type {
	/* master to child, before it starts; each with a descriptor */
	CTL_CONFIG = 1, /* text of the effective configuration */
	CTL_USER,	/* no descriptor; arg: uid, value: gid: become it */
	CTL_LOOKUP,	/* lib/lookupmsg.h: the registrar's end, or lookup's */
	CTL_SEGMENT,	/* arg: which, enum ctl_segment */
	CTL_LISTENER,	/* arg: its place in conf->listeners */
	CTL_LOG_WAKE,	/* an end of a pipe: workers write, the logger reads */
	CTL_SITE_FILE,	/* arg: which, enum ctl_site_file; workers only */
	CTL_CERTIFICATES, /* lib/bundle.h, by the file's name; workers only,
			     and again when they have changed */
	CTL_CHALLENGES, /* lib/bundle.h, of ACME; the same */
	CTL_PRESENCE, /* lib/presence.h: to be kept; workers and registrar */
	CTL_START, /* no descriptor; begin.  Of a worker arg is its place in shared
		      memory, value its number */

	/* child to master */
	CTL_LOADING,  /* it is not ready, but at work: sent now and then */
	CTL_READY,    /* it serves */
	CTL_REOPENED, /* the logger; arg: 0, or the errno */
	CTL_APPLIED,  /* arg: 0, or 1: it goes on as before */
	CTL_DRAINING, /* a worker: it accepts nothing more */
	CTL_PONG,     /* of CTL_PING */
	CTL_CRASH,    /* it is about to die; text: why, see lib/crash.h */

	/* master to child */
	CTL_DRAIN,  /* accept nothing more, finish, exit; value: after so many
		       milliseconds at most */
	CTL_REOPEN = 20, /* the logger: begin a new file; answer CTL_REOPENED */
	CTL_APPLY,  /* go by the CTL_CONFIG, CTL_SITE_FILE... that came before;
		       answer CTL_APPLIED */
	CTL_PING,   /* answer CTL_PONG: the loop turns */

	/* dynproxyctl to master: a question; the answer has the same type */
	CTL_STATUS = 23, /* answered by one message a process, one
			    CTL_CERTIFICATE each (value: its end, text: its
			    name), then CTL_END */
	CTL_STOP = 24, /* gracefully; CTL_END comes when all processes have
			  ended, the end of the connection with the master's */
	CTL_RELOAD = 25, /* answered by CTL_SAY, then CTL_END */
	CTL_UPGRADE = 26, /* the same */
	CTL_CERTIFICATE = 27,
	CTL_SAY = 28, /* text: a piece of what is to be told */
	/* and CTL_REOPEN; to this the answer is CTL_END only */
	CTL_END = 29, /* the answer is complete; arg: enum ctl_exit */
	CTL_STOP_NOW = 30, /* as CTL_STOP, but fast */
};

/*
 * The shared memory that a child may get (3-processes.md, Segments).  Never
 * renumber: an upgrade hands it on by these numbers.  New ones go to the end.
 */
enum ctl_segment {
	SEGMENT_TABLE, /* routes; the registrar writes, workers read */
	SEGMENT_LOG_RINGS, /* shm/logring.h; workers write, the logger reads */
	SEGMENT_LOG_MARKS, /* the same; the logger writes, workers read */
	SEGMENT_POLICY, /* bans, rules, maintenance; the registrar writes */
	SEGMENT_LIMITS, /* rates, connections; all workers write */
	SEGMENT_HEALTH, /* backends that fail; all workers write */
	SEGMENT_TICKET_KEYS, /* of TLS; the master writes, workers read */
	SEGMENT_COUNTERS, /* a slab a worker; the registrar reads */
	SEGMENT_NODE, /* shm/node.h; the master writes, the registrar reads */
	SEGMENT_ERRORS, /* shm/errors.h; workers write, the registrar reads */
	SEGMENT_REQUESTS, /* shm/requests.h; a slab a worker; the registrar reads */
	SEGMENT_UNKNOWN, /* shm/errors.h too: of requests for names nobody has */
	SEGMENT_COUNT
};
#define SEGMENTS_MAX 64 /* of another program: it may know more of them */

/* The site's own files, at most SITE_FILE_MAX bytes each. */
enum ctl_site_file {
	SITE_FAVICON,
	SITE_ROBOTS,
	SITE_BACKEND_CA, /* who signs the certificates of https backends */
	SITE_ERRORS,	 /* lib/bundle.h, by http/error_file.h; of any size */
	SITE_FILE_COUNT
};
#define SITE_FILE_MAX (256 * 1024)

struct ctlmsg {
	uint32_t type; /* enum ctl_type */
	uint32_t arg;
	uint64_t value;
	char text[112]; /* NUL-terminated when received */
};

/*
 * Send one message over a SOCK_SEQPACKET socket, with a descriptor unless fd
 * is -1 (which stays the caller's).  -1 with errno.
 */
int ctlmsg_send(int sock, const struct ctlmsg *m, int fd);

/*
 * Receive one.  *fd: a close-on-exec descriptor, the caller's to close, or
 * -1; fd NULL: none is wanted, one that comes is closed.  1: a message, 0: the
 * other end is gone, -1: errno (EAGAIN; EBADMSG for what is no message).
 */
int ctlmsg_recv(int sock, struct ctlmsg *m, int *fd);

#endif
