/* Keeps the table's entry for the default backends right. */
#include "registrar/default_backend.h"

#include <stdlib.h>
#include <string.h>

#include "lib/container.h"
#include "lib/log.h"
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
answered(void *arg, const struct lookup_answer *a)
{
	struct default_backends *d = arg;

	if (a->id >= d->r->conf->ndefault_backends || !is_name(d, a->id)) {
		log_event(LOG_ERR, "lookup-confused", "an answer to nothing");
		return;
	}
	take_answer(d, a);
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
		if (!is_name(d, i))
			continue;
		if (!lookups_ask_host(
			&d->r->lookups, (uint32_t)i, conf_of(d, i)->host))
			within_ms = RETRY_MS;
	}
	ask_again(d, within_ms);
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
	if (d->source == NULL) {
		free(d);
		return NULL;
	}
	r->lookups.host = answered;
	r->lookups.arg = d;
	d->timer.fire = look_up;
	if (r->lookups.io.fd != -1)
		look_up(&d->timer);
	publish(d);
	return d;
}

void
default_backends_close(struct default_backends *d)
{
	if (d == NULL)
		return;
	timer_clear(&d->r->loop.timers, &d->timer);
	d->r->lookups.host = NULL;
	free(d->source);
	free(d);
}
