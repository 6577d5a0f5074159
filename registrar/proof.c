/* Proves one backend after another, a few at a time. */
#include "registrar/proof.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <bsd/sys/tree.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/log.h"
#include "lib/sock.h"
#include "registrar/dead_hosts.h"
#include "registrar/process.h"

#define UNDER_WAY_MAX 32 /* identd's other half is for registrations */
#define HOST_MAX 2	 /* of them at one host */
#define READY_MAX 128	 /* the walk waits when more of them could begin */
#define WAITING_MAX 8192 /* and nobody enters more, whatever they wait for */
#define CONNECT_MS 2000
#define TRIES 3 /* before accept(2) identds cannot tell */
#define AGAIN_MS 350
#define TICK_MS 100
#define ROUNDS_MAX 3  /* of verify = require: then it is withdrawn */
#define BACKOFF_MAX 5 /* 2^5 rounds for who cannot be proved */

/* One backend; about a second of work, or a few. */
struct proof {
	TAILQ_ENTRY(proof) entry; /* of those that wait, or are under way */
	RB_ENTRY(proof) named;	  /* of those that wait */
	struct proofs *all;
	struct peer *peer; /* held, while it is under way */
	struct ev_io io;   /* owns the connection; -1: none */
	struct timer timer;
	struct ident_query query;
	struct addr to, from; /* the connection's ends */
	struct backend backend;
	unsigned tries;
	char *key; /* owned, with the next two behind it */
	const char *pattern, *url;
};

TAILQ_HEAD(proof_list, proof);

struct proofs {
	struct registrar *r; /* borrowed */
	struct proof_list waiting, under_way;
	RB_HEAD(proof_names, proof) names; /* of the waiting: each once */
	struct proof *next;		   /* of them, to be begun if it may */
	size_t nwaiting, nunder_way;
	size_t nheld; /* of the waiting, when it was looked: by their hosts */
	struct timer tick;
	uint64_t walked_ms;	 /* when the walk went on last */
	uint64_t credit;	 /* routes times milliseconds it may go on */
	unsigned pace;		 /* of this round, in percent */
	char after[KEY_MAX + 1]; /* the last name it has seen */
	size_t results[PROOF_UNKNOWN + 1];
	struct dead_hosts dead; /* without an identd */
};

static int
compare(const struct proof *a, const struct proof *b)
{
	int order = strcmp(a->key, b->key);

	if (order == 0)
		order = strcmp(a->pattern, b->pattern);
	return order != 0 ? order : strcmp(a->url, b->url);
}

RB_GENERATE_INTERNAL(
    proof_names, proof, named, compare, __attribute__((unused)) static)

/* All that waits is looked at each time: the more it is, the less often. */
static void
look_soon(struct proofs *all)
{
	uint64_t due_ms = all->r->loop.now_ms + all->nwaiting / READY_MAX;

	if (due_ms < all->tick.due_ms)
		timer_set(&all->r->loop.timers, &all->tick, due_ms);
}

/* It waits no more. */
static void
unwait(struct proof *p)
{
	TAILQ_REMOVE(&p->all->waiting, p, entry);
	RB_REMOVE(proof_names, &p->all->names, p);
	p->all->nwaiting--;
}

static void
proof_free(struct proof *p)
{
	ident_cancel(&p->query);
	if (p->io.fd != -1)
		ev_close(&p->all->r->loop, &p->io);
	timer_clear(&p->all->r->loop.timers, &p->timer);
	if (p->peer != NULL) {
		p->peer->proofs--;
		peer_drop(&p->all->r->peers, p->peer);
	}
	free(p->key);
	free(p);
}

/* Those of this host that wait would keep the others waiting, too. */
static void
call_dead(struct proofs *all, const struct ip *ip)
{
	struct proof *p, *next;

	dead_hosts_add(&all->dead, ip, all->r->loop.now_ms);
	for (p = TAILQ_FIRST(&all->waiting); p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		if (!ip_eq(&p->backend.ip, ip))
			continue;
		unwait(p);
		proof_free(p);
	}
}

/* The book's destination that it is about; NULL: it is not there any more. */
static struct destination *
find(const struct proof *p)
{
	struct book_name *name = book_find(&p->all->r->book, p->key);
	struct book_route *route =
	    name == NULL ? NULL : book_find_route(name, p->pattern);

	return route == NULL ? NULL : destinations_find(&route->to, p->url);
}

/* What has come of it. */

static void
mark(const struct proof *p, enum change_mark mark)
{
	struct destination to = { .url = p->url };
	struct change *c = change_new(CHANGE_MARK, p->key, p->pattern, &to, 1);

	if (c == NULL)
		return; /* the next proof says the same */
	c->mark = mark;
	c->origin = ORIGIN_TOOL;
	change_submit_take(p->all->r, c);
}

/* Should it get no requests, after this? */
static bool
is_stale(const struct proof *p, const struct destination *d)
{
	switch ((enum proof_result)d->proof) {
	case PROOF_THEIRS:
		return false;
	case PROOF_STRANGER:
		return true;
	default:
		if (p->all->r->conf->verify == VERIFY_REQUIRE &&
		    d->unknown >= ROUNDS_MAX)
			return true;
		return d->stale;
	}
}

static void
finish(struct proof *p, enum proof_result result, struct span user)
{
	struct destination *d = find(p);
	bool stale, unproved;

	TAILQ_REMOVE(&p->all->under_way, p, entry);
	p->all->nunder_way--;
	p->all->results[result]++;
	if (d != NULL) {
		d->proof = (uint8_t)result;
		d->proved_ms = clock_real_ms();
		if (result != PROOF_UNKNOWN)
			d->unknown = 0;
		else if (d->unknown < UINT8_MAX)
			d->unknown++;
		stale = is_stale(p, d);
		unproved = d->unproved && result == PROOF_UNKNOWN && !stale;
		if (stale != d->stale || unproved != d->unproved) {
			log_event(LOG_NOTICE,
			    stale ? "route-stale" : "route-fresh",
			    "name=%s route=%s destination=%s user=%.*s",
			    p->key + 1, p->pattern, p->url, SPAN_ARG(user));
			mark(p, stale ? MARK_STALE : MARK_FRESH);
		}
	}
	look_soon(p->all);
	proof_free(p);
}

static void
unknown(struct proof *p)
{
	finish(p, PROOF_UNKNOWN, SPAN("-"));
}

/* Asking. */

static bool
is_theirs(const struct proof *p, struct span user)
{
	struct span prefix = span_str(p->all->r->conf->account_prefix);
	struct span tool;

	return vet_account(user, prefix, &tool) &&
	       span_eq(tool, span_str(p->key + 1));
}

static void
answered(struct ident_query *q, enum ident_fault fault, struct span user)
{
	struct proof *p = container_of(q, struct proof, query);

	if (fault == IDENT_FINE && is_theirs(p, user)) {
		finish(p, PROOF_THEIRS, user);
	} else if (fault == IDENT_FINE && !span_eq(user, SPAN("root"))) {
		finish(p, PROOF_STRANGER, user);
	} else if ((fault == IDENT_FINE || fault == IDENT_ERROR) &&
		   ++p->tries < TRIES) {
		/* not accepted yet, kernels call it nobody's or root's */
		timer_set(&p->all->r->loop.timers, &p->timer,
		    p->all->r->loop.now_ms + AGAIN_MS);
	} else {
		if (fault == IDENT_TIMEOUT || fault == IDENT_UNREACHABLE)
			call_dead(p->all, &p->backend.ip);
		unknown(p);
	}
}

static void
ask(struct proof *p)
{
	p->query.done = answered;
	ident_ask(&p->all->r->ident, &p->query, p->peer, &p->from, &p->to);
}

static void
on_timer(struct timer *timer)
{
	struct proof *p = container_of(timer, struct proof, timer);

	if (p->tries > 0)
		ask(p);
	else
		unknown(p); /* it does not connect */
}

static void
on_connected(struct ev_io *io, uint32_t events)
{
	struct proof *p = container_of(io, struct proof, io);

	timer_clear(&p->all->r->loop.timers, &p->timer);
	p->from.len = sizeof(p->from.u);
	if ((events & EPOLLERR) != 0 ||
	    getsockname(io->fd, &p->from.u.sa, &p->from.len) == -1) {
		unknown(p);
	} else if (sock_is_with_itself(io->fd)) {
		/* nobody listens: identd would name our own account */
		sock_reset_on_close(io->fd); /* or it were taken a while */
		unknown(p);
	} else {
		ask(p);
	}
}

/*
 * A tool that has had its turn at a host lets others there go first, or its
 * backends, if none can be connected to, would keep theirs from being proved.
 */
static void
let_others_first(struct proofs *all, const struct proof *begun)
{
	const struct proof *last = TAILQ_LAST(&all->waiting, proof_list);
	struct proof *p = TAILQ_FIRST(&all->waiting), *next;

	for (; p != NULL; p = next) {
		next = p == last ? NULL : TAILQ_NEXT(p, entry);
		if (strcmp(p->key, begun->key) != 0 ||
		    !ip_eq(&p->backend.ip, &begun->backend.ip))
			continue;
		if (all->next == p)
			all->next = TAILQ_NEXT(p, entry);
		TAILQ_REMOVE(&all->waiting, p, entry);
		TAILQ_INSERT_TAIL(&all->waiting, p, entry);
	}
}

/* Unless its host has as many as it may have. */
static void
begin(struct proof *p)
{
	struct registrar *r = p->all->r;

	p->peer = peer_hold(&r->peers, &p->backend.ip);
	if (p->peer != NULL && p->peer->proofs++ >= HOST_MAX) {
		p->peer->proofs--;
		peer_drop(&r->peers, p->peer);
		p->peer = NULL;
		p->all->nheld++;
		return;
	}
	unwait(p);
	TAILQ_INSERT_TAIL(&p->all->under_way, p, entry);
	p->all->nunder_way++;
	addr_set(&p->to, &p->backend.ip, p->backend.port);
	if (p->peer != NULL)
		p->io.fd = sock_connect(&p->to, NULL);
	if (p->io.fd == -1 ||
	    ev_add(&r->loop, &p->io, EPOLLOUT | EPOLLONESHOT) == -1) {
		unknown(p);
		return;
	}
	timer_set(&r->loop.timers, &p->timer, r->loop.now_ms + CONNECT_MS);
	let_others_first(p->all, p);
}

/* Choosing. */

/* Does it belong to a tool whose account an identd can name? */
static bool
has_account(const struct registrar *r, const char *key)
{
	for (size_t i = 0; i < r->conf->nlocal_tools; i++)
		if (strcmp(r->conf->local_tools[i].name, key + 1) == 0)
			return false;
	return *key == KEY_TOOL;
}

/* Left alone: the more often nobody could tell, the longer. */
static bool
rests(const struct destination *d)
{
	unsigned n = d->unknown < BACKOFF_MAX ? d->unknown : BACKOFF_MAX;

	return n > 1 && arc4random_uniform(1u << (n - 1)) != 0;
}

static void
add(struct proofs *all, const char *key, const char *pattern,
    const struct destination *d)
{
	size_t key_size = strlen(key) + 1, pattern_size = strlen(pattern) + 1;
	size_t url_size = strlen(d->url) + 1;
	struct proof *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return;
	p->key = malloc(key_size + pattern_size + url_size);
	if (p->key == NULL) {
		free(p);
		return;
	}
	memcpy(p->key, key, key_size);
	p->pattern = memcpy(p->key + key_size, pattern, pattern_size);
	p->url = memcpy(p->key + key_size + pattern_size, d->url, url_size);
	p->all = all;
	p->backend = d->backend;
	p->io = (struct ev_io){ .fd = -1, .ready = on_connected };
	p->timer.fire = on_timer;
	if (RB_INSERT(proof_names, &all->names, p) != NULL) {
		proof_free(p); /* it waits already */
		return;
	}
	TAILQ_INSERT_TAIL(&all->waiting, p, entry);
	all->nwaiting++;
}

static void
add_route(struct proofs *all, const char *key, const struct book_route *route,
    bool walk)
{
	const struct conf *conf = all->r->conf;

	if (conf->verify == VERIFY_OFF || route->origin == ORIGIN_OPERATOR ||
	    !has_account(all->r, key))
		return;
	for (size_t i = 0; i < route->to.n; i++) {
		const struct destination *d = &route->to.at[i];

		if (ident_believed(conf, &d->backend.ip) &&
		    !dead_hosts_have(
			&all->dead, &d->backend.ip, all->r->loop.now_ms) &&
		    (walk ? !rests(d) : d->proof == PROOF_NONE))
			add(all, key, route->pattern, d);
	}
}

void
proof_soon(struct registrar *r, const char *key, const char *pattern)
{
	struct book_name *name = book_find(&r->book, key);
	struct book_route *route =
	    name == NULL ? NULL : book_find_route(name, pattern);

	if (route == NULL || r->proofs->nwaiting >= WAITING_MAX)
		return; /* the walk comes by */
	add_route(r->proofs, key, route, false);
	look_soon(r->proofs);
}

void
proof_again(struct registrar *r, const struct book_route *route,
    const struct destination *to)
{
	add(r->proofs, route->name->key, route->pattern, to);
	look_soon(r->proofs);
}

/* So that nodes do not go together: more or less a fifth. */
static void
choose_pace(struct proofs *all)
{
	all->pace = 80 + arc4random_uniform(41);
}

/* The walk has seen the last name: from the first again. */
static struct book_name *
walk_next(struct proofs *all)
{
	struct book *book = &all->r->book;
	struct book_name *name = book_from(book, all->after);

	if (name != NULL && strcmp(name->key, all->after) == 0)
		name = book_next(book, name);
	if (name != NULL)
		return name;
	choose_pace(all);
	return book_from(book, "");
}

/* Go on, so far that at this pace it comes round in verify_interval. */
static void
walk(struct proofs *all)
{
	uint64_t now = all->r->loop.now_ms, took = now - all->walked_ms;
	uint64_t interval = all->r->conf->verify_interval_ms;
	struct book_name *name;
	struct book_route *route;

	all->walked_ms = now;
	all->credit += took * all->r->book.nroutes * all->pace / 100;
	while (all->credit >= interval && all->nwaiting < WAITING_MAX &&
	       all->nwaiting < all->nheld + READY_MAX &&
	       (name = walk_next(all)) != NULL) {
		strlcpy(all->after, name->key, sizeof(all->after));
		TAILQ_FOREACH(route, &name->routes, entry)
		{
			add_route(all, name->key, route, true);
			all->credit -=
			    all->credit >= interval ? interval : all->credit;
		}
	}
	if (all->credit > interval * READY_MAX)
		all->credit = interval * READY_MAX;
}

static void
on_tick(struct timer *timer)
{
	struct proofs *all = container_of(timer, struct proofs, tick);
	struct proof *p;

	if (all->r->loop.now_ms - all->walked_ms >= TICK_MS)
		walk(all);
	all->nheld = 0;
	for (p = TAILQ_FIRST(&all->waiting);
	     p != NULL && all->nunder_way < UNDER_WAY_MAX; p = all->next) {
		all->next = TAILQ_NEXT(p, entry);
		begin(p);
	}
	all->next = NULL;
	timer_set(&all->r->loop.timers, timer, all->r->loop.now_ms + TICK_MS);
}

struct proofs *
proofs_open(struct registrar *r)
{
	struct proofs *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->r = r;
	dead_hosts_init(&all->dead);
	TAILQ_INIT(&all->waiting);
	TAILQ_INIT(&all->under_way);
	RB_INIT(&all->names);
	choose_pace(all);
	all->walked_ms = r->loop.now_ms;
	all->tick.fire = on_tick;
	timer_set(&r->loop.timers, &all->tick, r->loop.now_ms + TICK_MS);
	return all;
}

void
proofs_close(struct proofs *all)
{
	struct proof *p;

	while ((p = TAILQ_FIRST(&all->under_way)) != NULL) {
		TAILQ_REMOVE(&all->under_way, p, entry);
		proof_free(p);
	}
	while ((p = TAILQ_FIRST(&all->waiting)) != NULL) {
		unwait(p);
		proof_free(p);
	}
	timer_clear(&all->r->loop.timers, &all->tick);
	free(all);
}

void
proofs_status(const struct proofs *all, struct proofs_status *status)
{
	*status = (struct proofs_status){
		.theirs = all->results[PROOF_THEIRS],
		.strangers = all->results[PROOF_STRANGER],
		.unknown = all->results[PROOF_UNKNOWN],
		.waiting = all->nwaiting,
	};
}
