/* Starts the registrar, runs its loop, and ends it in order. */
#include "registrar/registrar.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "lib/container.h"
#include "lib/ctlmsg.h"
#include "lib/log.h"
#include "lib/priority.h"
#include "registrar/addresses.h"
#include "registrar/confine.h"
#include "registrar/default_backend.h"
#include "registrar/door.h"
#include "registrar/explain.h"
#include "registrar/process.h"
#include "registrar/proof.h"
#include "registrar/publish.h"
#include "registrar/warm.h"
#include "shm/counters.h"
#include "shm/node.h"
#include "shm/requests.h"

#define ORPHAN_MS 500 /* to the end, when the master is dead */

/* The registrar (registrar/process.h), with what is nobody else's business. */
struct running {
	struct registrar r;
	struct ev_io master; /* CTL_FD */
	struct boot next;    /* of a reload: as far as it has come */
	struct timer end;    /* of an orderly end that takes too long */
	struct timer look;   /* has the last client gone? */
	struct doors doors;
};

/* The end: nobody is accepted, those who are here are answered. */

static void
look(struct timer *timer)
{
	struct running *p = container_of(timer, struct running, look);

	if (clients_open(&p->r.clients) == 0 && p->r.changes.open == 0)
		ev_stop(&p->r.loop);
	else
		timer_set(
		    &p->r.loop.timers, timer, p->r.loop.now_ms + TIMER_TICK_MS);
}

static void
give_up(struct timer *timer)
{
	struct running *p = container_of(timer, struct running, end);

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
		doors_close(&p->doors);
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
	struct running *p = container_of(io, struct running, master);
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

static bool
open_rates(struct registrar *r)
{
	r->host_rate = rate_new();
	r->tool_rate = rate_new();
	return r->host_rate != NULL && r->tool_rate != NULL;
}

static bool
open_loop(struct registrar *r)
{
	if (ev_init(&r->loop) == -1)
		return false;
	ident_init(&r->ident, &r->loop, r->conf->ident_port,
	    r->conf->ident_timeout_ms);
	return true;
}

static bool
open_book(struct registrar *r)
{
	return book_init(&r->book);
}

static bool
open_vet(struct registrar *r)
{
	return vet_init(&r->vet, r->conf) == 0;
}

static bool
open_addresses(struct registrar *r)
{
	r->addresses = addresses_watch(r);
	return r->addresses != NULL;
}

static bool
open_publisher(struct registrar *r)
{
	return publish_open(r) == 0;
}

static bool
open_counters(struct registrar *r)
{
	r->counters =
	    counters_open_readonly(r->boot.segment_fds[SEGMENT_COUNTERS]);
	return r->counters != NULL;
}

static bool
open_node(struct registrar *r)
{
	r->node = node_open(r->boot.segment_fds[SEGMENT_NODE], false);
	return r->node != NULL;
}

static bool
open_errors(struct registrar *r)
{
	return errors_reader_open(
		   &r->errors, r->boot.segment_fds[SEGMENT_ERRORS]) == 0 &&
	       errors_reader_open(
		   &r->unknown, r->boot.segment_fds[SEGMENT_UNKNOWN]) == 0;
}

static bool
open_requests(struct registrar *r)
{
	r->requests =
	    requests_open_readonly(r->boot.segment_fds[SEGMENT_REQUESTS]);
	return r->requests != NULL;
}

static bool
open_log(struct registrar *r)
{
	return logring_reader_open(&r->log,
		   r->boot.segment_fds[SEGMENT_LOG_RINGS],
		   r->boot.segment_fds[SEGMENT_LOG_MARKS], false) == 0;
}

static bool
open_policy(struct registrar *r)
{
	return policy_start(r) == 0;
}

static bool
open_redis(struct registrar *r)
{
	if (conf_has_redis(r->conf))
		r->redis = store_redis_open(r);
	return r->redis != NULL || !conf_has_redis(r->conf);
}

static bool
publish_loaded(struct registrar *r)
{
	if (policy_loaded(r) == -1)
		return false;
	publish_all(r);
	return true;
}

static bool
open_lookups(struct registrar *r)
{
	return lookups_open(&r->lookups, &r->loop, r->boot.lookup) == 0;
}

static bool
open_defaults(struct registrar *r)
{
	r->defaults = default_backends_open(r);
	return r->defaults != NULL;
}

static bool
open_proofs(struct registrar *r)
{
	r->proofs = proofs_open(r);
	return r->proofs != NULL;
}

static bool
open_history(struct registrar *r)
{
	r->history = history_open(r);
	return r->history != NULL;
}

static bool
open_events(struct registrar *r)
{
	r->events = events_open();
	return r->events != NULL;
}

/* Everything that must be there before anybody can be served, in this order. */
static const struct {
	bool (*open)(struct registrar *r);
	const char *what; /* in the log; NULL: it says itself what is wrong */
} parts[] = {
	{ open_events, "events" },
	{ open_book, "book" },
	{ open_loop, "event loop" },
	{ open_rates, "rates" },
	{ open_vet, "own addresses" },
	{ open_addresses, "addresses" },
	{ open_publisher, "route table" },
	{ open_counters, "counters" },
	{ open_node, "node" },
	{ open_errors, "errors of tools" },
	{ open_requests, "running requests" },
	{ open_log, "log rings" },
	{ open_policy, "policy" },
	{ open_redis, NULL },
	{ warm_start, NULL },
	{ publish_loaded, NULL },
	{ open_lookups, "lookups" },
	{ open_defaults, "default backends" },
	{ open_proofs, "proofs" },
	{ open_history, "history" },
};

static bool
prepare(struct registrar *r)
{
	clients_init(&r->clients);
	changes_init(&r->changes);
	peers_init(&r->peers);
	leases_init(&r->leases);
	r->started_ms = clock_real_ms();
	for (size_t i = 0; i < nitems(parts); i++) {
		if (parts[i].open(r))
			continue;
		if (parts[i].what != NULL)
			log_event(LOG_ERR, "registrar-failed", "%s: %m",
			    parts[i].what);
		return false;
	}
	publish_ready(r);
	priority_behind(); /* the routes are there: requests come first */
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
	if (doors_open(&p->doors, &p->r) == -1 ||
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

	doors_close(&p->doors);
	r->draining = true;
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
	lookups_close(&r->lookups);
	if (r->publisher != NULL)
		publish_close(r);
	if (r->history != NULL)
		history_close(r->history);
	if (r->events != NULL)
		events_close(r->events);
	if (r->counters != NULL)
		counters_close(r->counters);
	if (r->node != NULL)
		node_close(r->node);
	if (r->errors.rings != NULL)
		errors_reader_close(&r->errors);
	if (r->unknown.rings != NULL)
		errors_reader_close(&r->unknown);
	if (r->requests != NULL)
		requests_close(r->requests);
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
