/* What the master hands to a child before it begins: see lib/ctlmsg.h. */
#ifndef CONF_BOOT_H
#define CONF_BOOT_H

#include "conf/conf.h"
#include "lib/ctlmsg.h"
#include "lib/sandbox.h"
#include "lib/syscalls.h"

/* A socket that listens; one worker may have several of an address. */
struct boot_listener {
	size_t at; /* its place in conf->listeners */
	int fd;    /* owned; -1: somebody closed it */
};

struct boot {
	struct conf *conf; /* owned */
	struct sandbox_user user; /* whom to become */
	int lookup;        /* owned; a socket, see lib/lookupmsg.h; -1: none */
	unsigned slot;     /* a worker's place in shared memory, from 0 */
	unsigned number;   /* and what it is called */
	int segment_fds[SEGMENT_COUNT]; /* owned; -1: not ours */
	int log_wake;      /* owned; see CTL_LOG_WAKE; -1: none */
	int site_fds[SITE_FILE_COUNT]; /* owned; -1: none */
	int challenges;    /* owned; see CTL_CHALLENGES; -1: none */
	int presence;      /* owned; see CTL_PRESENCE; -1: none */
	int certificates;  /* owned; see CTL_CERTIFICATES; -1: none */
	struct boot_listener *listeners; /* owned */
	size_t nlisteners;
};

/*
 * Receive everything up to CTL_START from the master's socket, which is left
 * blocking.  0, or -1 after saying why on the log: the child cannot start.
 */
int boot_receive(struct boot *boot, int sock);
void boot_release(struct boot *boot);

/*
 * Enter the sandbox, with the user that the master named; nothing when it is
 * turned off.  -1 after saying why: do not go on.
 * s        all but its user
 */
int boot_enter_sandbox(const struct boot *boot, struct sandbox s);

/*
 * The same for system calls: only these, and those of lib/syscalls.c, from now
 * on; or, the other way round, all but these.  Called last, when all is open.
 */
int boot_allow_calls(
    const struct conf *conf, const struct syscall_rule *rules, size_t n);
int boot_forbid_calls(
    const struct conf *conf, const char *const *names, size_t n);

/* How a directory is called from inside: "/" when it has become the root. */
const char *boot_inside(const struct boot *boot, const char *directory);

/*
 * As boot_receive(), message by message: a child that runs already is given
 * another configuration: boot_init(), boot_take() for each, then what the
 * child does with it, and boot_release().
 *
 * fd       of the message; -1 afterwards when it was taken over
 * Returns  NULL: all is well.  Else: what is wrong with the message.
 */
void boot_init(struct boot *boot);
const char *boot_take(struct boot *boot, const struct ctlmsg *m, int *fd);

#endif
