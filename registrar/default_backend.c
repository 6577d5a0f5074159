/* Keeps the table's entry for the default backends right. */
#include "registrar/default_backend.h"

#include <stdlib.h>
#include <string.h>

#include "registrar/process.h"
#include "registrar/publish.h"

struct default_backends {
	struct registrar *r; /* borrowed */
	struct backend published[ROUTE_BACKENDS_MAX];
	size_t npublished;
};

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
	const struct conf *conf = d->r->conf;
	size_t n = 0;

	for (size_t i = 0; i < conf->ndefault_backends; i++) {
		const struct default_backend *b = &conf->default_backends[i];

		if (b->ip.family != AF_UNSPEC && n < ROUTE_BACKENDS_MAX)
			out[n++] = backend_of(b, &b->ip);
	}
	return n;
}

/* Publish what is known now, unless it is in the table already. */
static void
publish(struct default_backends *d)
{
	struct backend now[ROUTE_BACKENDS_MAX];
	size_t n = collect(d, now);

	if (n == 0 || (n == d->npublished &&
			  memcmp(now, d->published, n * sizeof(*now)) == 0))
		return;
	if (publish_default(d->r, now, n) == -1)
		return;
	memcpy(d->published, now, n * sizeof(*now));
	d->npublished = n;
}

struct default_backends *
default_backends_open(struct registrar *r)
{
	struct default_backends *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->r = r;
	publish(d);
	return d;
}

void
default_backends_close(struct default_backends *d)
{
	free(d);
}
