/* Keeps the table's entry for the default backends right. */
#include "registrar/default_backend.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/container.h"
#include "lib/log.h"
#include "lib/lookupmsg.h"
#include "registrar/process.h"
#include "registrar/publish.h"

#define REFRESH_MS 60000 /* between two lookups of a name */
#define RETRY_MS 5000	 /* after one that failed */

/* One of conf->default_backends, as addresses. */
struct source {
	struct ip ips[LOOKUP_ADDRESSES_MAX]; /* in byte order */
	size_t nips;
	bool answered; /* once at least; one without a name: always */
	bool failing;
};

struct default_backends {
	struct registrar *r;   /* borrowed */
	struct source *source; /* owned; one for each in the configuration */
	struct ev_io lookup;   /* borrows boot's socket */
	struct timer timer;    /* the next lookup of all names */
	struct backend published[ROUTE_BACKENDS_MAX];
	size_t npublished;
};

static const struct default_backend *
conf_of(const struct default_backends *d, size_t i)
{
	return &d->r->conf->default_backends[i];
}

static bool
is_name(const struct default_backends *d, size_t i)
{
	return conf_of(d, i)->ip.family == AF_UNSPEC;
}

static struct backend
backend_of(const struct default_backend *conf, const struct ip *ip)
{
	return (struct backend){ .ip = *ip,
		.scheme = conf->https ? BACKEND_HTTPS : BACKEND_HTTP,
		.port = conf->port };
}

static size_t
collect(const struct default_backends *d, struct backend *out)
{
	size_t n = 0;

	for (size_t i = 0; i < d->r->conf->ndefault_backends; i++)
		for (size_t j = 0; j < d->source[i].nips; j++)
			if (n < ROUTE_BACKENDS_MAX)
				out[n++] = backend_of(
				    conf_of(d, i), &d->source[i].ips[j]);
	return n;
}

/*
 * Publish what is known now, unless it is in the table already.  A name that
 * was not answered yet may be in there, from a predecessor: that stays.
 */
static void
publish(struct default_backends *d)
{
	struct backend now[ROUTE_BACKENDS_MAX];
	size_t n = collect(d, now);

	for (size_t i = 0; i < d->r->conf->ndefault_backends; i++)
		if (!d->source[i].answered)
			return;
	if (n == 0 || (n == d->npublished &&
			  memcmp(now, d->published, n * sizeof(*now)) == 0))
		return;
	if (publish_default(d->r, now, n) == -1)
		return;
	memcpy(d->published, now, n * sizeof(*now));
	d->npublished = n;
	log_event(LOG_INFO, "default-backend", "addresses=%zu", n);
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ip));
}

static void
ask_again(struct default_backends *d, uint64_t within_ms)
{
	timer_clear(&d->r->loop.timers, &d->timer);
	timer_set(&d->r->loop.timers, &d->timer, d->r->loop.now_ms + within_ms);
}

/* When it fails the addresses last found stay. */
static void
take_answer(struct default_backends *d, const struct lookup_answer *a)
{
	struct source *s = &d->source[a->id];

	if (a->n == 0 && !s->failing)
		log_event(LOG_WARNING, "lookup-failed", "name=%s: %s",
		    conf_of(d, a->id)->host, a->why);
	else if (a->n > 0 && s->failing)
		log_event(LOG_NOTICE, "lookup-works", "name=%s",
		    conf_of(d, a->id)->host);
	s->answered = true;
	s->failing = a->n == 0;
	if (s->failing) {
		ask_again(d, RETRY_MS);
		return;
	}
	memcpy(s->ips, a->ips, a->n * sizeof(*a->ips));
	s->nips = a->n;
	qsort(s->ips, s->nips, sizeof(*s->ips), compare);
}

static void
answered(struct ev_io *io, uint32_t events)
{
	struct default_backends *d =
	    container_of(io, struct default_backends, lookup);
	struct lookup_answer a;
	int got = lookup_read_answer(io->fd, &a);

	(void)events;
	if (got == -1 && errno == EAGAIN)
		return;
	if (got == 0) { /* the master, which holds the other end, is gone */
		ev_del(&d->r->loop, io);
		return;
	}
	if (got != 1 || a.id >= d->r->conf->ndefault_backends ||
	    !is_name(d, a.id)) {
		log_event(LOG_ERR, "lookup-confused", "an answer to nothing");
		return;
	}
	take_answer(d, &a);
	publish(d);
}

/* Ask for all names; who answers late answers the next time, too. */
static void
look_up(struct timer *timer)
{
	struct default_backends *d =
	    container_of(timer, struct default_backends, timer);
	uint64_t within_ms = REFRESH_MS;

	for (size_t i = 0; i < d->r->conf->ndefault_backends; i++) {
		struct lookup_question q = { .id = (uint32_t)i };

		if (!is_name(d, i))
			continue;
		strlcpy(q.name, conf_of(d, i)->host, sizeof(q.name));
		if (!lookup_ask(d->lookup.fd, &q)) /* lookup is behind */
			within_ms = RETRY_MS;
	}
	ask_again(d, within_ms);
}

/* Names are looked up from now on, if there are any. */
static int
watch_names(struct default_backends *d)
{
	d->lookup = (struct ev_io){ d->r->boot.lookup, answered };
	d->timer.fire = look_up;
	if (d->lookup.fd == -1)
		return 0;
	if (ev_add(&d->r->loop, &d->lookup, EPOLLIN) == -1)
		return -1;
	look_up(&d->timer);
	return 0;
}

struct default_backends *
default_backends_open(struct registrar *r)
{
	struct default_backends *d = calloc(1, sizeof(*d));
	size_t n = r->conf->ndefault_backends;

	if (d == NULL)
		return NULL;
	d->r = r;
	d->source = calloc(n + 1, sizeof(*d->source));
	for (size_t i = 0; d->source != NULL && i < n; i++)
		if (!is_name(d, i)) {
			d->source[i].ips[0] = conf_of(d, i)->ip;
			d->source[i].nips = 1;
			d->source[i].answered = true;
		}
	if (d->source == NULL || watch_names(d) == -1) {
		free(d->source);
		free(d);
		return NULL;
	}
	publish(d);
	return d;
}

void
default_backends_close(struct default_backends *d)
{
	if (d == NULL)
		return;
	timer_clear(&d->r->loop.timers, &d->timer);
	if (d->lookup.fd != -1)
		ev_del(&d->r->loop, &d->lookup);
	free(d->source);
	free(d);
}
