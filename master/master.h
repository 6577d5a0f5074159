/* The master process: what all of its parts share. */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "lib/ctlmsg.h"
#include "lib/ev.h"
#include "lib/sandbox.h"
#include "shm/node.h"

enum role {
	ROLE_WORKER,
	ROLE_REGISTRAR,
	ROLE_LOGGER,
	ROLE_LOOKUP,
	ROLE_COUNT
};

enum child_state {
	CHILD_OFF,      /* no process, and none is wanted */
	CHILD_WAITING,  /* no process; the timer starts the next one */
	CHILD_STARTING, /* has not said that it serves */
	CHILD_READY,
	CHILD_DRAINING, /* told to finish; a successor is there, or on its way */
	CHILD_ORPHANED, /* a worker of a dead master has the place; pid is 0 */
};

/* A place for a process, which outlives each of those that take it. */
struct child {
	struct master *master; /* borrowed */
	enum role role;
	unsigned slot;         /* a worker's number in its generation */
	unsigned ring;         /* a worker's place in shared memory */
	unsigned generation;   /* of workers; 0 or 1 */
	bool applying;         /* it has been sent a configuration */
	bool accepting;        /* a worker that was told to accept no more */
	unsigned unanswered;   /* pulses since its last word */
	bool hung;             /* it is killed for them */
	uint64_t silent_cpu_us; /* what it had used at the first of them */
	enum child_state state;
	pid_t pid;             /* 0: no process */
	struct ev_io ctl;      /* owns our end of its socket; fd -1: none */
	struct timer again;    /* the next start, in CHILD_WAITING */
	uint64_t started_ms;   /* CLOCK_MONOTONIC */
	uint64_t since_ms;     /* CLOCK_REALTIME of its state; 0: not known */
	unsigned short_lives;  /* in a row */
	unsigned failures;     /* exits in a row, none of them ready */
	uint64_t restarts[NODE_ENDS]; /* processes that came after the first */
	struct node_usage usage; /* of the process usage.pid, see usage.h */
};

/* Is there a process in it? */
static inline bool
child_lives(const struct child *c)
{
	return c->pid != 0 || c->state == CHILD_ORPHANED;
}

/* From one generation of workers to the next, one by one. */
struct rollover {
	bool under_way;
	unsigned next; /* the one that starts, or is to */
	struct timer deadline;
	void (*done)(struct master *m, bool good);
};

enum phase {
	PHASE_STARTING, /* not every child has been ready yet */
	PHASE_SERVING,
	PHASE_DRAINING, /* workers finish what they have */
	PHASE_ENDING,   /* every child was told to end */
};

struct inherited;
struct reload;
struct upgrade;

struct master {
	struct ev_loop loop;
	char *conf_path;       /* owned; absolute */
	bool foreground;       /* -F */
	enum phase phase;
	int status;            /* exit status */
	struct timer deadline; /* of the phase, see ending.h */

	int lookup[2]; /* of CTL_LOOKUP: the registrar's end, and lookup's */
	/* whose files may still be some of a role's; see contain.h */
	struct sandbox_user former_users[ROLE_COUNT];
	bool contained; /* we have given up what we do not need */
	int exe_fd;            /* our own program, as it was started */
	char **argv;           /* borrowed: main()'s */
	char *exe_path;        /* owned: where it was, and another may be */

	/* what a reload replaces, see setup.h */
	struct conf *conf;             /* owned */
	struct listeners *listeners;   /* owned */
	struct sandbox_user users[ROLE_COUNT]; /* that children become */
	int config_fd[ROLE_COUNT];     /* sealed */
	int site_fds[SITE_FILE_COUNT]; /* sealed; -1: none; site.h */
	struct ticket_segment *ticket_keys; /* owned; NULL: no TLS */
	struct timer rotation; /* of these */
	int challenges; /* sealed; -1: none; challenges.h */
	struct certs *certs; /* owned; certs.h; NULL: there is no TLS */
	struct certs_watch *certs_watch; /* owned; the same */

	int presence; /* of this instance; see beside.h */
	unsigned band; /* of its bytes, for our workers; beside.c.  An upgrade
			  begins with the first: it has no orphans */
	bool beside;  /* workers of a dead master have our addresses */
	bool handed;  /* so have segments been, by systemd: fdstore.h */
	struct timer orphans; /* looks whether these are still there */
	int log_wake[2]; /* a pipe, see CTL_LOG_WAKE */
	unsigned reopening; /* CTL_REOPEN that the logger has not answered */
	struct segment_fds {
		int writable, readonly; /* two descriptions of one memory */
	} segments[SEGMENT_COUNT];

	/*
	 * Owned: places for two generations of workers, so many each, then
	 * one for each of the other roles.
	 */
	struct child *children;
	size_t nchildren;
	unsigned places;
	unsigned generation; /* of workers that accept; the other one drains */
	bool resting;        /* WINCH: no workers are wanted */
	struct timer pulse;  /* see heartbeat.h */
	struct timer usage_timer; /* see usage.h */
	struct node_usage usage;  /* our own */
	struct rollover rollover;
	uint64_t configured_ms; /* CLOCK_REALTIME: when conf was taken */
	bool reload_refused;    /* another was not, since then */
	uint64_t tls_reloads, tls_refused; /* of certificates, so often */
	struct reload *reload; /* owned; NULL: none is under way */
	struct upgrade *upgrade; /* owned; NULL: none is under way */
	struct inherited *inherited; /* owned; of the image before, until it is
					done with; NULL: nothing */
	struct ev_task reload_asked, upgrade_asked; /* by dynproxyctl */
	struct timer watchdog; /* systemd's, see notify.h */
	uint64_t watchdog_ms;  /* 0: there is none */

	struct ev_io signals;  /* owns a signalfd */
	struct ev_io ctl;      /* borrows the socket of LISTEN_MASTER */
	LIST_HEAD(, ctl_client) ctl_clients;
	unsigned nctl_clients;
};

#endif
