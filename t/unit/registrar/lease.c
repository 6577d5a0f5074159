/*
 * registrar/lease.c: a lease has one holder, who hears of its end; one of a
 * predecessor's gets lease_grace for its holder to come back.
 */
#include "registrar/lease.h"

#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "registrar/process.h"
#include "t/tap.h"

#define GRACE_MS 90000
#define LATE_MS (2 * TIMER_TICK_MS) /* a timer is late by at most that */

#define URL "http://192.0.2.1:8000"

static struct registrar r;
static struct conf conf = { .node_name = (char[]){ "a" },
	.lease_grace_ms = GRACE_MS };
static struct lease_holder first, second;
static unsigned told; /* holders that heard of the end */

static void
ended(struct lease_holder *holder)
{
	told += holder->lease == NULL;
}

static void
enter(const char *key)
{
	const struct destination to = { .url = URL,
		.lease = "a",
		.backend = {
		    .ip = { .bytes = { 192, 0, 2, 1 }, .family = AF_INET },
		    .port = 8000 } };

	book_set(&r.book, key, ".*", &to, 1, ORIGIN_TOOL, 1);
}

static void
strike(const char *key)
{
	struct book_name *name = book_find(&r.book, key);

	book_strike(&r.book, name, TAILQ_FIRST(&name->routes));
}

enum event {
	ENTER,	   /* the route is in the book, with a lease of this node */
	STRIKE,	   /* it is not there any more */
	CHECK,	   /* the name's routes have changed */
	HOLD,	   /* a client says `lease` */
	HOLD_ALSO, /* another one, the same */
	LET_GO,	   /* the first one's connection is closed */
	AWAIT,	   /* a new registrar finds it */
	DRAIN,	   /* the registrar ends */
	NOTHING,
};

/* What happens, how long after, and what then holds. */
static const struct {
	const char *what;
	enum event event;
	uint64_t after_ms;
	unsigned held, told;
	bool known; /* the lease, be it held or waited for */
} steps[] = {
	{ "a lease is held", HOLD, 0, 1, 0, true },
	{ "as long as it likes", NOTHING, 10 * GRACE_MS, 1, 0, true },
	{ "it stays while the book has it", CHECK, 0, 1, 0, true },
	{ "another one takes it: the first is told", HOLD_ALSO, 0, 1, 1, true },
	{ "whose end is nobody's business now", LET_GO, 0, 1, 1, true },
	{ "the book has it no more", STRIKE, 0, 1, 1, true },
	{ "so the second is told, too", CHECK, 0, 0, 2, false },

	{ "it is in the book again", ENTER, 0, 0, 2, false },
	{ "a new registrar finds it there", AWAIT, 0, 0, 2, true },
	{ "and waits for lease_grace", NOTHING, GRACE_MS - 1, 0, 2, true },
	{ "in which its holder comes back", HOLD, 0, 1, 2, true },
	{ "then there is no end to it", NOTHING, 2 * GRACE_MS, 1, 2, true },
	{ "found while it is held: nothing", AWAIT, 2 * GRACE_MS, 1, 2, true },

	{ "the registrar ends", DRAIN, 0, 1, 2, true },
	{ "the holder's end withdraws nothing", LET_GO, 0, 0, 2, true },
	{ "the successor finds it", AWAIT, GRACE_MS - 1, 0, 2, true },
	{ "the tool has unregistered it meanwhile", STRIKE, 0, 0, 2, true },
	{ "it is over after lease_grace", NOTHING, 1 + LATE_MS, 0, 2, false },
};

static void
happen(enum event event)
{
	switch (event) {
	case ENTER:
		enter("talpha");
		break;
	case STRIKE:
		strike("talpha");
		break;
	case CHECK:
		leases_check(&r, "talpha");
		break;
	case HOLD:
		lease_hold(&r, "talpha", ".*", URL, &first);
		break;
	case HOLD_ALSO:
		lease_hold(&r, "talpha", ".*", URL, &second);
		break;
	case LET_GO:
		lease_withdraw(&first);
		break;
	case AWAIT:
		r.draining = false;
		lease_await(&r, "talpha", ".*", URL);
		break;
	case DRAIN:
		r.draining = true;
		break;
	case NOTHING:
		break;
	}
}

int
main(void)
{
	ok(book_init(&r.book) && ev_init(&r.loop) == 0, "a book, a loop");
	r.conf = &conf;
	changes_init(&r.changes);
	leases_init(&r.leases);
	first.ended = second.ended = ended;
	enter("talpha");
	for (size_t i = 0; i < nitems(steps); i++) {
		happen(steps[i].event);
		r.loop.now_ms += steps[i].after_ms;
		timer_run(&r.loop.timers, r.loop.now_ms);
		is_int((long long)r.leases.held, steps[i].held, "%s: held",
		    steps[i].what);
		is_int(told, steps[i].told, "  told of the end");
		is_int(!RB_EMPTY(&r.leases.tree), steps[i].known, "  known");
	}
	leases_release(&r);
	changes_release(&r.changes);
	book_release(&r.book);
	ev_release(&r.loop);
	return done();
}
