/* Starts the registrar, runs its loop, and ends it in order. */
#include "registrar/registrar.h"

#include <bsd/sys/cdefs.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/ctlmsg.h"
#include "lib/log.h"
#include "lib/sock.h"
#include "registrar/confine.h"
#include "registrar/addresses.h"
#include "registrar/ctl.h"
#include "registrar/default_backend.h"
#include "registrar/explain.h"
#include "registrar/http8081.h"
#include "registrar/loading.h"
#include "registrar/process.h"
#include "registrar/proof.h"
#include "registrar/publish.h"
#include "registrar/session.h"
#include "shm/counters.h"
#include "shm/node.h"

#define ACCEPT_MAX 64	   /* connections taken in one turn of the loop */
#define ACCEPT_REST_MS 100 /* when there are no descriptors left */
#define ACCEPT_WELL_MS 1000 /* without that: it is over */
#define ORPHAN_MS 500	    /* to the end, when the master is dead */

/* A listening socket. */
struct door {
	struct ev_io io; /* borrows the descriptor */
	struct timer rest;  /* set: the descriptor is not watched */
	uint64_t failed_ms; /* when it had to rest last; 0: it works */
	struct registrar *r;
	const struct client_kind *kind;
	char name[ADDR_TEXT_MAX];
};

/* The registrar (registrar/process.h), with what is nobody else's business. */
struct running {
	struct registrar r;
	struct ev_io master; /* CTL_FD */
	struct boot next;    /* of a reload: as far as it has come */
	struct timer end;    /* of an orderly end that takes too long */
	struct timer look;   /* has the last client gone? */
	struct door *doors;  /* owned */
	size_t ndoors;
};

static const struct client_kind *const kinds[] = {
	[LISTEN_REGISTRATION] = &session_kind,
	[LISTEN_ADMIN] = &http8081_kind,
	[LISTEN_CONTROL] = &ctl_kind,
};

/* Doors. */

/* It cannot take anybody for now: said when it begins, not each time. */
static void
rest(struct door *d)
{
	if (d->failed_ms == 0)
		log_event(LOG_WARNING, "accept-failed", "listener=%s: %m",
		    d->name);
	d->failed_ms = d->r->loop.now_ms;
	timer_set(&d->r->loop.timers, &d->rest,
	    d->r->loop.now_ms + ACCEPT_REST_MS);
}

/* Nobody waits there any more: said when that lasts. */
static void
all_taken(struct door *d)
{
	if (d->failed_ms == 0 ||
	    d->r->loop.now_ms - d->failed_ms < ACCEPT_WELL_MS)
		return;
	log_event(LOG_NOTICE, "accept-works", "listener=%s", d->name);
	d->failed_ms = 0;
}

static void
open_door(struct door *d)
{
	if (ev_add(&d->r->loop, &d->io, EPOLLIN) == -1)
		rest(d);
}

static void
rested(struct timer *timer)
{
	struct door *d = __containerof(timer, struct door, rest);

	if (!d->r->draining)
		open_door(d);
}

static void
accept_clients(struct ev_io *io, uint32_t events)
{
	struct door *d = __containerof(io, struct door, io);
	struct addr peer;
	int fd;

	(void)events;
	for (int i = 0; i < ACCEPT_MAX; i++) {
		fd = sock_accept(io->fd, &peer);
		if (fd != -1) {
			client_open_take(d->r, d->kind, fd, &peer);
			continue;
		}
		if (errno == ECONNABORTED || errno == EINTR)
			continue;
		if (errno == EAGAIN) {
			all_taken(d);
			return;
		}
		rest(d); /* EMFILE, mostly: it will pass */
		ev_del(&d->r->loop, &d->io);
		return;
	}
}

static int
open_doors(struct running *p)
{
	const struct conf *conf = p->r.conf;

	p->doors = calloc(p->r.boot.nlisteners + 1, sizeof(*p->doors));
	if (p->doors == NULL)
		return -1;
	p->ndoors = p->r.boot.nlisteners;
	for (size_t i = 0; i < p->ndoors; i++) {
		const struct boot_listener *l = &p->r.boot.listeners[i];
		struct door *d = &p->doors[i];

		d->r = &p->r;
		d->rest.fire = rested;
		d->kind = kinds[conf->listeners[l->at].kind];
		addr_format(&conf->listeners[l->at].addr, d->name);
		d->io = (struct ev_io){ l->fd, accept_clients };
		open_door(d);
	}
	return 0;
}

static void
close_doors(struct running *p)
{
	for (size_t i = 0; i < p->ndoors; i++) {
		struct door *d = &p->doors[i];

		if (!timer_is_set(&d->rest))
			ev_del(&p->r.loop, &d->io);
		timer_clear(&p->r.loop.timers, &d->rest);
	}
}

/* The end: nobody is accepted, those who are here are answered. */

static void
look(struct timer *timer)
{
	struct running *p = __containerof(timer, struct running, look);

	if (clients_open(&p->r.clients) == 0 && p->r.changes.open == 0)
		ev_stop(&p->r.loop);
	else
		timer_set(
		    &p->r.loop.timers, timer, p->r.loop.now_ms + TIMER_TICK_MS);
}

static void
give_up(struct timer *timer)
{
	struct running *p = __containerof(timer, struct running, end);

	ev_stop(&p->r.loop);
}

static void
drain(struct running *p, uint64_t within_ms)
{
	struct ev_loop *loop = &p->r.loop;

	if (!p->r.draining) {
		log_event(LOG_INFO, "draining", "clients=%u",
		    clients_open(&p->r.clients));
		p->r.draining = true;
		clients_end_stays(&p->r.clients);
		close_doors(p);
		timer_set(&loop->timers, &p->look, loop->now_ms);
	}
	timer_set(&loop->timers, &p->end, loop->now_ms + within_ms);
}

/*
 * Go by the configuration that has come.  What somebody keeps for long, the
 * addresses of stores and doors, does not change while we live: for these
 * there is another registrar.
 */
static int
apply(struct running *p)
{
	struct registrar *r = &p->r;

	if (p->next.conf == NULL)
		return -1;
	conf_free(r->applied);
	r->applied = p->next.conf;
	p->next.conf = NULL;
	boot_release(&p->next);
	r->conf = r->vet.conf = r->applied;
	r->ident.port = r->conf->ident_port;
	r->ident.timeout_ms = r->conf->ident_timeout_ms;
	log_set_priority(r->conf->log_priority);
	return 0;
}

static void
say(const struct running *p, enum ctl_type type, uint32_t arg)
{
	struct ctlmsg m = { .type = type, .arg = arg };

	if (ctlmsg_send(p->master.fd, &m, -1) == -1)
		log_event(LOG_WARNING, "master-unanswered", "%m");
}

/* A part of what CTL_APPLY will bring into force. */
static void
take(struct running *p, const struct ctlmsg *m, int *fd)
{
	const char *wrong = boot_take(&p->next, m, fd);

	if (wrong != NULL)
		log_event(LOG_ERR, "reload-failed", "reason=\"%s\"", wrong);
}

static void
on_master(struct ev_io *io, uint32_t events)
{
	struct running *p = __containerof(io, struct running, master);
	struct ctlmsg m;
	int fd, got;

	(void)events;
	got = ctlmsg_recv(io->fd, &m, &fd);
	if (got == 0 || (got == -1 && errno != EAGAIN)) {
		ev_del(&p->r.loop, io);
		drain(p, ORPHAN_MS);
	}
	if (got != 1)
		return;
	switch (m.type) {
	case CTL_DRAIN:
		drain(p, p->r.conf->drain_timeout_ms);
		break;
	case CTL_PING:
		say(p, CTL_PONG, 0);
		break;
	case CTL_APPLY:
		say(p, CTL_APPLIED, apply(p) == -1);
		break;
	default:
		take(p, &m, &fd);
	}
	if (fd != -1)
		close(fd);
}

/* The beginning. */

/*
 * Read URLs with blanks between, which become strings of their own.  Returns
 * how many; 0: one is malformed, or they are too many.
 */
static size_t
read_urls(char *text, struct destination *to, size_t max)
{
	size_t n = 0;
	char *url;

	while ((url = strsep(&text, " ")) != NULL) {
		if (n == max || !destination_restore(&to[n], url) ||
		    vet_url(span_str(to[n].url), &to[n].backend) != VET_FINE)
			return 0;
		n++;
	}
	return n;
}

/* Without a Redis there is no other node whose leases these could be. */
static void
await_leases(struct registrar *r, const struct stored_route *route,
    struct destination *to, size_t n)
{
	const char *node = r->conf->node_name;

	for (size_t i = 0; i < n; i++) {
		if (to[i].lease == NULL)
			continue;
		if (!conf_has_redis(r->conf))
			to[i].lease = node;
		if (strcmp(to[i].lease, node) == 0)
			lease_await(r, route->key, route->pattern, to[i].url);
	}
}

/* A route that SQLite kept. */
static void
load(struct registrar *r, const struct stored_route *route)
{
	struct destination to[ROUTE_BACKENDS_MAX];
	char *urls = strdup(route->destinations);
	size_t n = urls == NULL ? 0
	                        : read_urls(urls, to, ROUTE_BACKENDS_MAX);
	struct book_route *entered = NULL;

	change_version_seen(&r->changes, route->version);
	await_leases(r, route, to, n);
	if (n > 0)
		entered = book_set(&r->book, route->key, route->pattern, to, n,
		    route->origin, route->since_ms);
	free(urls);
	loading_tell(r->book.nroutes);
	if (entered == NULL) {
		log_event(LOG_WARNING, "route-damaged",
		    "name=%s route=%s destination=%s in routes.sqlite: "
		    "left out",
		    route->key + 1, route->pattern, route->destinations);
		return;
	}
	entered->version = route->version;
	book_find(&r->book, route->key)->canonical = route->canonical;
}

/* A change that Redis has not got yet. */
static void
load_unsaved(struct registrar *r, const struct stored_unsaved *unsaved)
{
	change_version_seen(&r->changes, unsaved->version);
	if (r->redis != NULL)
		store_redis_unsaved(r->redis, unsaved->kind, unsaved->key,
		    unsaved->pattern, unsaved->version);
}

/* Everything that must be there before anybody can be served. */
static bool
prepare(struct registrar *r)
{
	changes_init(&r->changes);
	peers_init(&r->peers);
	leases_init(&r->leases);
	r->started_ms = clock_real_ms();
	if (!book_init(&r->book)) {
		log_event(LOG_ERR, "registrar-failed", "book: %m");
		return false;
	}
	if (ev_init(&r->loop) == -1) {
		log_event(LOG_ERR, "registrar-failed", "event loop: %m");
		return false;
	}
	r->host_rate = rate_new();
	r->tool_rate = rate_new();
	if (r->host_rate == NULL || r->tool_rate == NULL) {
		log_event(LOG_ERR, "registrar-failed", "rates: %m");
		return false;
	}
	ident_init(&r->ident, &r->loop, r->conf->ident_port,
	    r->conf->ident_timeout_ms);
	if (vet_init(&r->vet, r->conf) == -1) {
		log_event(LOG_ERR, "registrar-failed", "own addresses: %m");
		return false;
	}
	r->addresses = addresses_watch(r);
	if (r->addresses == NULL) {
		log_event(LOG_ERR, "registrar-failed", "addresses: %m");
		return false;
	}
	if (publish_open(r) == -1) {
		log_event(LOG_ERR, "registrar-failed", "route table: %m");
		return false;
	}
	r->counters =
	    counters_open_readonly(r->boot.segment_fds[SEGMENT_COUNTERS]);
	if (r->counters == NULL) {
		log_event(LOG_ERR, "registrar-failed", "counters: %m");
		return false;
	}
	r->node = node_open(r->boot.segment_fds[SEGMENT_NODE], false);
	if (r->node == NULL ||
	    errors_reader_open(
		&r->errors, r->boot.segment_fds[SEGMENT_ERRORS]) == -1 ||
	    logring_reader_open(&r->log,
		r->boot.segment_fds[SEGMENT_LOG_RINGS],
		r->boot.segment_fds[SEGMENT_LOG_MARKS], false) == -1) {
		log_event(LOG_ERR, "registrar-failed", "shared memory: %m");
		return false;
	}
	if (policy_start(r) == -1) {
		log_event(LOG_ERR, "registrar-failed", "policy: %m");
		return false;
	}
	if (conf_has_redis(r->conf)) {
		r->redis = store_redis_open(r);
		if (r->redis == NULL)
			return false;
	}
	r->io = store_io_open(r,
	    boot_inside(&r->boot, r->conf->state_directory), load, policy_load,
	    load_unsaved);
	if (r->io == NULL || policy_loaded(r) == -1)
		return false;
	publish_all(r);
	r->defaults = default_backends_open(r);
	if (r->defaults == NULL) {
		log_event(LOG_ERR, "registrar-failed", "lookups: %m");
		return false;
	}
	r->proofs = proofs_open(r);
	if (r->proofs == NULL) {
		log_event(LOG_ERR, "registrar-failed", "proofs: %m");
		return false;
	}
	r->history = history_open(r);
	if (r->history == NULL) {
		log_event(LOG_ERR, "registrar-failed", "history: %m");
		return false;
	}
	publish_ready(r);
	log_event(LOG_INFO, "loaded", "names=%zu routes=%zu", r->book.nnames,
	    r->book.nroutes);
	return true;
}

/* Tell the master, and serve until it is over. */
static bool
serve(struct running *p)
{
	struct ctlmsg ready = { .type = CTL_READY };

	p->end.fire = give_up;
	p->look.fire = look;
	p->master = (struct ev_io){ .fd = CTL_FD, .ready = on_master };
	if (open_doors(p) == -1 ||
	    ev_add(&p->r.loop, &p->master, EPOLLIN) == -1 ||
	    ctlmsg_send(CTL_FD, &ready, -1) == -1) {
		log_event(LOG_ERR, "registrar-failed", "start: %m");
		return false;
	}
	ev_run(&p->r.loop);
	return true;
}

/* Clients first: they wait for changes; then the stores, which end these. */
static void
release(struct running *p)
{
	struct registrar *r = &p->r;

	if (!r->draining)
		close_doors(p);
	r->draining = true;
	free(p->doors);
	clients_close(&r->clients);
	if (r->redis != NULL)
		store_redis_close(r->redis);
	r->redis = NULL;
	if (r->io != NULL)
		store_io_close(r->io);
	changes_release(&r->changes);
	leases_release(r);
	free(r->host_rate);
	free(r->tool_rate);
	if (r->proofs != NULL)
		proofs_close(r->proofs);
	if (r->policy != NULL)
		policy_end(r);
	default_backends_close(r->defaults);
	if (r->publisher != NULL)
		publish_close(r);
	if (r->history != NULL)
		history_close(r->history);
	if (r->counters != NULL)
		counters_close(r->counters);
	if (r->node != NULL)
		node_close(r->node);
	if (r->errors.rings != NULL)
		errors_reader_close(&r->errors);
	if (r->log.marks != NULL)
		logring_reader_close(&r->log);
	if (r->explainer != NULL)
		explainer_free(r->explainer);
	if (r->addresses != NULL)
		addresses_close(r->addresses);
	vet_release(&r->vet);
	book_release(&r->book);
	ev_release(&r->loop);
	conf_free(r->applied);
	boot_release(&p->next);
	boot_release(&r->boot);
}

int
registrar_main(void)
{
	static struct running running;
	struct registrar *r = &running.r;
	bool served;

	signal(SIGPIPE, SIG_IGN);
	log_open(LOG_TO_STDERR, "registrar", LOG_INFO);
	boot_init(&running.next);
	if (boot_receive(&r->boot, CTL_FD) == -1)
		return EXIT_FAILURE;
	r->conf = r->boot.conf;
	log_open((enum log_sink)r->conf->log_sink, "registrar",
	    r->conf->log_priority);
	served = confine_registrar(&r->boot) == 0 && prepare(r) &&
		 confine_registrar_calls(r->conf) == 0 && serve(&running);
	log_event(LOG_INFO, "ended", "names=%zu routes=%zu", r->book.nnames,
	    r->book.nroutes);
	release(&running);
	return served ? EXIT_SUCCESS : EXIT_FAILURE;
}
