/*
 * What the lookup process is asked, and who hears the answers: it may block,
 * the registrar may not (3-processes.md).
 */
#ifndef REGISTRAR_LOOKUPS_H
#define REGISTRAR_LOOKUPS_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/ev.h"
#include "lib/lookupmsg.h"
#include "lib/span.h"
#include "registrar/ident.h"

/* A question whose account a user is; embedded in who wants to know. */
struct account_query {
	TAILQ_ENTRY(account_query) entry;
	struct lookups *lookups; /* borrowed; NULL: not under way */
	struct timer timer;
	uint32_t id;

	/* called once, never from lookups_ask_account(); the user's name is
	 * empty where he has no account, and as of ident_query otherwise */
	void (*done)(
	    struct account_query *q, enum ident_fault fault, struct span user);
};

struct lookups {
	struct ev_io io;      /* borrows its socket; fd -1: there is none */
	struct ev_loop *loop; /* borrowed */
	uint32_t last_id;     /* of an account's question */
	bool failing;	      /* it was told that these have no answer */
	uint64_t quiet_ms;    /* until then it is not told again */
	TAILQ_HEAD(, account_query) asked;

	/* an answer about a host; NULL: nobody asks */
	void (*host)(void *arg, const struct lookup_answer *a);
	void *arg;
};

/* sock  -1: nothing can be asked.  -1 with errno. */
int lookups_open(struct lookups *l, struct ev_loop *loop, int sock);
void lookups_close(struct lookups *l);

/* False: there is nobody to ask, or he is behind. */
bool lookups_ask_host(struct lookups *l, uint32_t id, const char *name);

/* done() is called after timeout_ms at the latest, if it is not cancelled. */
void lookups_ask_account(
    struct lookups *l, struct account_query *q, uid_t uid, uint64_t timeout_ms);

/* Nobody wants to know any more.  Harmless when it is not under way. */
void lookups_cancel_account(struct account_query *q);

#endif
