/* What the commands of the control socket share; only ctl*.c include it. */
#ifndef REGISTRAR_CTL_COMMAND_H
#define REGISTRAR_CTL_COMMAND_H

#include <jansson.h>

#include "lib/ctlexit.h"
#include "registrar/client.h"
#include "registrar/listing.h"
#include "registrar/policy.h"
#include "registrar/process.h"

#define CTL_ARGS_MAX 5

enum ctl_list {
	LISTS_NOTHING,
	LISTS_ROUTES,
	LISTS_FRONTENDS,
	LISTS_POLICY,
	LISTS_REGISTRATIONS,
	LISTS_SESSIONS
};

struct ctl {
	struct client client;
	json_t *question;		    /* owned; args point into it */
	const char *args[CTL_ARGS_MAX + 1]; /* NULL-terminated */

	/* of add and del */
	struct change *changes[ROUTES_MAX]; /* borrowed, while under way */
	size_t nchanges, pending;
	size_t nchanged; /* of all that went together before, too */
	char why[128];	 /* of the first one that was refused; or empty */

	/* of drain and undrain; zero: of others */
	struct backend marked;
	enum change_mark mark;
	size_t unmarked; /* that were there, and may have to be marked yet */

	/* of list, of policy, of registrations, of sessions */
	enum ctl_list lists;
	struct listing listing;
	struct policy_listing policy_listing;
	uint64_t registrations_left; /* those with a lower number */
	size_t slab;		     /* of running requests, the next */

	LIST_ENTRY(ctl) watcher; /* of registrar->watchers */
	bool watches;

	/* of tail */
	LIST_ENTRY(ctl) tailer; /* of registrar->tailers */
	bool tails;
	uint64_t missed; /* lines, since the last one that was put */

	uid_t uid;		      /* who asks */
	struct account_query account; /* under way: it is not known who asks */
	char
	    own[TOOL_NAME_MAX + 1]; /* the tool that asks; empty: all is open */

	struct policy_change *policy_change; /* borrowed, while under way */
};

/* The answer: what went wrong, or data, which it takes over. */
void ctl_fail(struct ctl *ctl, enum ctl_exit exit_code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void ctl_succeed_take(struct ctl *ctl, json_t *data);

/* The answer is a list: its items are written as the client reads them. */
void ctl_begin_list(struct ctl *ctl, enum ctl_list which);

/* The tool's key.  False: it is no tool's name, and was refused. */
bool ctl_tool_key(
    struct ctl *ctl, const char *tool, char key[TOOL_NAME_MAX + 2]);

/* The tool's entry in the book, and its key.  NULL: none, and was refused. */
struct book_name *ctl_find_tool(
    struct ctl *ctl, const char *tool, char key[TOOL_NAME_MAX + 2]);

/* Note a change; ctl_submit() sends all of them on their way. */
bool ctl_add_change(struct ctl *ctl, enum change_kind kind, const char *key,
    const char *pattern, const struct destination *to, size_t nto);
void ctl_submit(struct ctl *ctl);

#define CTL_URLS_MAX (ROUTE_BACKENDS_MAX + 1)

/*
 * Read URLs with blanks between, of which `urls` is cut.  Returns how many;
 * 0: it was refused.
 */
size_t ctl_read_urls(
    struct ctl *ctl, char *urls, struct destination to[CTL_URLS_MAX]);

void ctl_no_memory(struct ctl *ctl);

/* Commands. */
void ctl_status(struct ctl *ctl);
void ctl_list(struct ctl *ctl);
void ctl_explain(struct ctl *ctl);
void ctl_add(struct ctl *ctl);
void ctl_del(struct ctl *ctl);
void ctl_believe(struct ctl *ctl);
void ctl_strike(struct ctl *ctl);
void ctl_import(struct ctl *ctl);
void ctl_import_dry(struct ctl *ctl);
void ctl_drain(struct ctl *ctl);
void ctl_undrain(struct ctl *ctl);
void ctl_frontends(struct ctl *ctl);
void ctl_frontend_set(struct ctl *ctl);
void ctl_frontend_del(struct ctl *ctl);
void ctl_watch(struct ctl *ctl);
void ctl_tool(struct ctl *ctl);
void ctl_top(struct ctl *ctl);
void ctl_unknown(struct ctl *ctl);
void ctl_node(struct ctl *ctl);
void ctl_tail(struct ctl *ctl);
void ctl_registrations(struct ctl *ctl);
void ctl_sessions(struct ctl *ctl);
void ctl_policy(struct ctl *ctl);
void ctl_policy_set(struct ctl *ctl);
void ctl_policy_strike(struct ctl *ctl);

/* It goes away. */
void ctl_watch_end(struct ctl *ctl);
void ctl_tail_end(struct ctl *ctl);

/* The next piece of what ctl_list() began.  False: that was all. */
bool ctl_list_more(struct ctl *ctl);
bool ctl_frontends_more(struct ctl *ctl);
bool ctl_registrations_more(struct ctl *ctl);
bool ctl_sessions_more(struct ctl *ctl);

/*
 * Let no change under way remember who asked.
 * abandoned   it has been said that they failed
 */
void ctl_forget_changes(struct ctl *ctl, bool abandoned);

#endif
