/* Runs the hook for each domain that is pending, one after the other. */
#include "tools/domains_dns.h"

#include <errno.h>

#include "lib/log.h"
#include "tools/child.h"
#include "tools/domains.h"

#define HOOK_MS 30000
#define AGAIN_S 1 /* doubled with each round in which one failed */
#define AGAIN_MAX_S 60

/* {"action": "present" or "absent", "domain", "project"}; NULL: no memory. */
static json_t *
message(const char *domain, const json_t *mapping)
{
	return json_pack("{s:s, s:s, s:O?}", "action",
	    mapping != NULL ? "present" : "absent", "domain", domain, "project",
	    json_object_get(mapping, "project"));
}

static bool
run_hook(const char *hook, const char *domain, const json_t *what)
{
	const char *argv[] = { hook, NULL };
	char said[CHILD_SAID_MAX], *text = json_dumps(what, JSON_COMPACT);
	int status;

	if (text == NULL)
		return false;
	status = child_run_with(argv, span_str(text), HOOK_MS, NULL, said);
	log_event(status == 0 ? LOG_INFO : LOG_WARNING, "dns-hook",
	    "domain=%s status=%d said=\"%s\"", domain, status,
	    status == 0 ? "" : said);
	free(text);
	return status == 0;
}

/* What is to be said of a domain now.  NULL: it cannot be read. */
static json_t *
message_now(struct domains *d, const char *domain)
{
	bool ok;
	json_t *mapping = store_read(d->store, domain, &ok);
	json_t *what = ok ? message(domain, mapping) : NULL;

	json_decref(mapping);
	return what;
}

/*
 * Tell of one domain; nobody who changes it has to wait for that.  It is no
 * longer pending when what was told is still so.
 */
static bool
settle(struct domains *d, const char *domain)
{
	json_t *what = message_now(d, domain), *now;
	bool told = what != NULL && run_hook(d->dns.hook, domain, what);

	if (told) {
		changer_lock(d, &domain, 1);
		now = message_now(d, domain);
		told = now != NULL && json_equal(what, now) &&
		       store_settled(d->store, PENDING_DNS, domain);
		changer_unlock(d, &domain, 1);
		json_decref(now);
	}
	json_decref(what);
	return told;
}

static bool
is_over(struct dns *dns)
{
	bool over;

	pthread_mutex_lock(&dns->lock);
	over = dns->stops;
	pthread_mutex_unlock(&dns->lock);
	return over;
}

/* False: one failed. */
static bool
tell_pending(struct domains *d)
{
	json_t *all = store_pending(d->store, PENDING_DNS), *domain;
	bool well = all != NULL;
	size_t i;

	json_array_foreach(all, i, domain) if (!is_over(&d->dns)) well =
	    settle(d, json_string_value(domain)) && well;
	json_decref(all);
	return well;
}

/* Wait for something pending; a round that failed is not cut short by it. */
static bool
wait_for_work(struct dns *dns, unsigned seconds)
{
	struct timespec until;
	bool goes_on;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&dns->lock);
	while (!dns->stops && rc != ETIMEDOUT && (seconds > 0 || !dns->pending))
		rc = seconds > 0 ? pthread_cond_timedwait(
				       &dns->wake, &dns->lock, &until)
				 : pthread_cond_wait(&dns->wake, &dns->lock);
	dns->pending = false;
	goes_on = !dns->stops;
	pthread_mutex_unlock(&dns->lock);
	return goes_on;
}

static void *
work(void *arg)
{
	struct domains *d = arg;
	unsigned wait_s = 0;

	do {
		if (tell_pending(d))
			wait_s = 0;
		else
			wait_s = wait_s == 0		    ? AGAIN_S
				 : 2 * wait_s < AGAIN_MAX_S ? 2 * wait_s
							    : AGAIN_MAX_S;
	} while (wait_for_work(&d->dns, wait_s));
	return NULL;
}

bool
dns_start(struct domains *d)
{
	struct dns *dns = &d->dns;

	if (dns->hook == NULL || d->read_only)
		return true;
	dns->runs = pthread_create(&dns->thread, NULL, work, d) == 0;
	return dns->runs;
}

void
dns_wake(struct domains *d)
{
	pthread_mutex_lock(&d->dns.lock);
	d->dns.pending = true;
	pthread_cond_signal(&d->dns.wake);
	pthread_mutex_unlock(&d->dns.lock);
}

void
dns_stop(struct domains *d)
{
	pthread_mutex_lock(&d->dns.lock);
	d->dns.stops = true;
	pthread_cond_signal(&d->dns.wake);
	pthread_mutex_unlock(&d->dns.lock);
	if (d->dns.runs)
		pthread_join(d->dns.thread, NULL);
}
