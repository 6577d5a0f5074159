/* dynproxyctl's side of the two control sockets (4-operations.md 4.2). */
#ifndef TOOLS_CTL_CLIENT_H
#define TOOLS_CTL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/ctlexit.h"
#include "lib/ctlmsg.h"

#define CTL_WAIT_MS 10000	  /* that a server may take over an answer */
#define CTL_RELOAD_WAIT_MS 130000 /* over one that starts other processes */

#define CTL_SAID_MAX 512

struct ctl {
	const char *conf_path; /* borrowed; tells the paths of the sockets */
	const char *control;   /* borrowed; the registrar's socket, or NULL */
	bool json;	       /* print JSON, not for people */
	bool quiet;	       /* print nothing that was not asked for */
	bool verbose;	       /* tell what is asked, and how it ended */
	bool no_headers;       /* print tables without their titles */
	const char *columns;   /* borrowed; those of a table; NULL: all */
	uint64_t wait_ms;      /* for an answer; 0: as long as it may take */
	char *said;	       /* CTL_SAID_MAX bytes, for what went wrong;
				  NULL: it goes to standard error */
};

/*
 * Ask the registrar, over control.sock.
 *
 * args   operands of cmd, NULL-terminated; NULLs after the first end it
 * data   set when CTL_DONE is returned; the caller's to json_decref()
 * Returns an exit code; what went wrong has been told.
 */
int ctl_ask(const struct ctl *ctl, const char *cmd, char **args, json_t **data);

/*
 * Ask for a list whose items the registrar writes on a line each: every one is
 * handed to found(), and its text as it came.  However many there are, they
 * are not held here.  Returns as ctl_ask() does.
 */
int ctl_ask_items(const struct ctl *ctl, const char *cmd, char **args,
    void (*found)(void *arg, const json_t *item, const char *text), void *arg);

/*
 * Ask for a change, and print what was done: as fmt says it, or the answer as
 * JSON.  Returns an exit code.
 */
int ctl_ask_and_say(const struct ctl *ctl, const char *cmd, char **args,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* A change among many: its answer is that it was made. */
struct ctl_change {
	const char *cmd;
	const char *args[6];	 /* borrowed; NULL-terminated */
	int status;		 /* set: an exit code, */
	char said[CTL_SAID_MAX]; /* and what went wrong */
};

/*
 * Ask for all of them, some at a time: none may depend on another.  When the
 * registrar is not there, the rest is not asked for: CTL_UNREACHABLE.
 */
void ctl_ask_each(const struct ctl *ctl, struct ctl_change *changes, size_t n);

/*
 * The same, and whatever comes after the answer, as it comes, until the
 * registrar ends.
 */
int ctl_follow(const struct ctl *ctl, const char *cmd, char **args,
    void (*found)(void *arg, const json_t *value), void *arg);

/*
 * Ask the master, over master.sock; each message of its answer is handed to
 * found(), which is NULL when there are none.  Returns as ctl_ask() does.
 */
int ctl_ask_master(const struct ctl *ctl, enum ctl_type question,
    void (*found)(void *arg, const struct ctlmsg *answer), void *arg);

/* It is done: say so, or print {"done": what}. */
void ctl_say_done(const struct ctl *ctl, const char *what, const char *text);

/* Print data on standard output as JSON. */
void ctl_print_json(const json_t *data);

#endif
