/* Brings a change to the store and the registrar, or takes it back. */
#include "tools/domains_change.h"

#include <bsd/string.h>
#include <errno.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "tools/domains.h"

#define PATIENCE_MS 5000 /* a registrar that died is back sooner */
#define AGAIN_MS 50
#define SOON_S 1       /* what is pending is tried again */
#define RECONCILE_S 60 /* all is compared */
#define URLS_MAX 6000  /* bytes of a line to the registrar */

/* Locks. */

static unsigned
lock_of(const char *domain)
{
	unsigned h = 5381;

	for (; *domain != '\0'; domain++)
		h = h * 33 + (unsigned char)*domain;
	return h % CHANGER_LOCKS;
}

/* In one order for everybody, each once. */
void
changer_lock(struct domains *d, const char *const domains[], size_t n)
{
	uint64_t wanted = 0;

	for (size_t i = 0; i < n; i++)
		wanted |= UINT64_C(1) << lock_of(domains[i]);
	for (unsigned i = 0; i < CHANGER_LOCKS; i++)
		if (wanted & UINT64_C(1) << i)
			pthread_mutex_lock(&d->changer.locks[i]);
}

void
changer_unlock(struct domains *d, const char *const domains[], size_t n)
{
	uint64_t held = 0;

	for (size_t i = 0; i < n; i++)
		held |= UINT64_C(1) << lock_of(domains[i]);
	for (unsigned i = 0; i < CHANGER_LOCKS; i++)
		if (held & UINT64_C(1) << i)
			pthread_mutex_unlock(&d->changer.locks[i]);
}

/* The registrar. */

/* Tell it of one domain.  Returns an exit code of the control socket. */
static int
tell(struct domains *d, const char *domain, const json_t *backends, char *why)
{
	struct ctl ctl = d->registrar;
	char *args[3] = { (char *)domain, NULL, NULL };
	const json_t *url;
	struct buf urls;
	json_t *data;
	size_t i;
	int status;

	ctl.said = why;
	buf_init(&urls, URLS_MAX);
	json_array_foreach(
	    backends, i, url) if (!buf_printf(&urls, "%s%s", i > 0 ? " " : "",
				      json_string_value(url)))
	{
		buf_release(&urls);
		strlcpy(
		    why, "the backends are too long together", DOMAINS_WHY_MAX);
		return CTL_USAGE;
	}
	if (buf_len(&urls) > 0 && buf_append(&urls, "", 1))
		args[1] = urls.data + urls.head;
	status = ctl_ask(&ctl,
	    args[1] != NULL ? "frontend-set" : "frontend-del", args, &data);
	json_decref(data);
	buf_release(&urls);
	return status;
}

/* The same, until it answers or our patience ends. */
static int
tell_patiently(
    struct domains *d, const char *domain, const json_t *backends, char *why)
{
	uint64_t until_ms = clock_mono_ms() + PATIENCE_MS;
	int status;

	while ((status = tell(d, domain, backends, why)) == CTL_UNREACHABLE ||
	       status == CTL_AGAIN) {
		if (clock_mono_ms() >= until_ms)
			break;
		clock_sleep_ms(AGAIN_MS);
	}
	return status;
}

/* What is pending is to be tried again. */
static void
wake(struct domains *d)
{
	pthread_mutex_lock(&d->changer.lock);
	d->changer.pending = true;
	pthread_cond_signal(&d->changer.wake);
	pthread_mutex_unlock(&d->changer.lock);
}

/* What a domain was before is put back; the registrar hears it later. */
static void
take_back(struct domains *d, const struct store_edit *edits, json_t *const *was,
    size_t n, bool refused)
{
	struct store_edit back[CHANGE_EDITS_MAX];

	for (size_t i = 0; i < n; i++) {
		back[i] = (struct store_edit){ .domain = edits[i].domain };
		if (was[i] == NULL)
			continue;
		back[i].project =
		    json_string_value(json_object_get(was[i], "project"));
		back[i].backends = json_object_get(was[i], "backends");
	}
	store_write(d->store, back, n);
	if (refused) /* then it has changed nothing */
		for (size_t i = 0; i < n; i++)
			store_settled(
			    d->store, PENDING_REGISTRAR, edits[i].domain);
	else
		wake(d);
}

static enum change_end
tell_all(struct domains *d, const struct store_edit *edits, size_t n, char *why)
{
	for (size_t i = 0; i < n; i++) {
		int status =
		    tell_patiently(d, edits[i].domain, edits[i].backends, why);

		if (status == CTL_USAGE)
			return CHANGE_NOT_ALLOWED;
		if (status != CTL_DONE)
			return CHANGE_NOT_NOW;
	}
	return CHANGE_MADE;
}

static void
note(const struct store_edit *e, const char *by)
{
	char *urls =
	    e->backends == NULL ? NULL : json_dumps(e->backends, JSON_COMPACT);

	log_event(LOG_INFO,
	    e->backends != NULL ? "mapping-set" : "mapping-deleted",
	    "domain=%s project=%s by=%s backends=%s", e->domain,
	    e->project != NULL ? e->project : "-", by,
	    urls != NULL ? urls : "-");
	free(urls);
}

enum change_end
change_make(struct domains *d, const struct store_edit *edits, size_t n,
    const char *by, char *why)
{
	json_t *was[CHANGE_EDITS_MAX] = { NULL };
	enum change_end end = CHANGE_NOT_NOW;
	bool read = true;

	strlcpy(why, "the store is not there: try again", DOMAINS_WHY_MAX);
	for (size_t i = 0; read && i < n; i++)
		was[i] = store_read(d->store, edits[i].domain, &read);
	if (read && store_write(d->store, edits, n)) {
		end = tell_all(d, edits, n, why);
		if (end != CHANGE_MADE)
			take_back(d, edits, was, n, end == CHANGE_NOT_ALLOWED);
	}
	for (size_t i = 0; i < n; i++) {
		json_decref(was[i]);
		if (end != CHANGE_MADE)
			continue;
		store_made(d->store, edits[i].domain);
		note(&edits[i], by);
	}
	if (end == CHANGE_MADE)
		dns_wake(d);
	return end;
}

/* What it missed. */

/* Tell it what the store says of a domain.  False: it is not there. */
static bool
repair(struct domains *d, const char *domain)
{
	char why[DOMAINS_WHY_MAX];
	json_t *mapping;
	int status;
	bool ok;

	changer_lock(d, &domain, 1);
	mapping = store_read(d->store, domain, &ok);
	status =
	    !ok ? CTL_UNREACHABLE
		: tell(d, domain, json_object_get(mapping, "backends"), why);
	if (status == CTL_DONE && store_made(d->store, domain))
		dns_wake(d);
	changer_unlock(d, &domain, 1);
	json_decref(mapping);
	if (status == CTL_USAGE)
		log_event(LOG_WARNING, "mapping-refused", "domain=%s: %s",
		    domain, why);
	else if (status == CTL_DONE)
		log_event(
		    LOG_NOTICE, "mapping-reconciled", "domain=%s", domain);
	return status != CTL_UNREACHABLE;
}

static bool
repair_pending(struct domains *d)
{
	json_t *all = store_pending(d->store, PENDING_REGISTRAR), *domain;
	bool there = all != NULL;
	size_t i;

	json_array_foreach(all, i, domain) there =
	    there && repair(d, json_string_value(domain));
	json_decref(all);
	return there;
}

/* json_equal() minds the order, and the registrar has its own. */
static bool
same_backends(const json_t *a, const json_t *b)
{
	const json_t *x, *y;
	size_t i, j;

	if (json_array_size(a) != json_array_size(b))
		return false;
	json_array_foreach(a, i, x)
	{
		bool found = false;

		json_array_foreach(b, j, y) found = found || json_equal(x, y);
		if (!found)
			return false;
	}
	return true;
}

/* What the registrar has otherwise is told again; what only it has, stays. */
static bool
compare_all(struct domains *d)
{
	struct ctl ctl = d->registrar;
	char why[DOMAINS_WHY_MAX], *none[] = { NULL };
	json_t *theirs = NULL, *ours, *known = json_object(), *one;
	bool there = false;
	size_t i;

	ctl.said = why;
	ours = store_list(d->store, NULL);
	if (ours != NULL)
		there = ctl_ask(&ctl, "frontends", none, &theirs) == CTL_DONE;
	json_array_foreach(theirs, i, one) json_object_set(known,
	    json_string_value(json_object_get(one, "domain")),
	    json_object_get(one, "backends"));
	if (there)
		json_array_foreach(ours, i, one)
		{
			const char *domain =
			    json_string_value(json_object_get(one, "domain"));

			if (!same_backends(json_object_get(known, domain),
				json_object_get(one, "backends")))
				there = there && repair(d, domain);
		}
	json_decref(known);
	json_decref(theirs);
	json_decref(ours);
	return there;
}

/* Wait for something pending, or for so long.  False: it is the end. */
static bool
wait_for_work(struct changer *c, unsigned seconds)
{
	struct timespec until;
	bool goes_on;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&c->lock);
	while (!c->stops && !c->pending &&
	       pthread_cond_timedwait(&c->wake, &c->lock, &until) != ETIMEDOUT)
		;
	c->pending = false;
	goes_on = !c->stops;
	pthread_mutex_unlock(&c->lock);
	return goes_on;
}

static void *
reconcile(void *arg)
{
	struct domains *d = arg;
	uint64_t compared_ms = 0;
	bool there, due;

	do {
		due = compared_ms == 0 || clock_mono_ms() - compared_ms >=
					      RECONCILE_S * UINT64_C(1000);
		there = repair_pending(d) && (!due || compare_all(d));
		if (!there)
			compared_ms = 0; /* all of it, when it is back */
		else if (due)
			compared_ms = clock_mono_ms();
	} while (wait_for_work(&d->changer, there ? RECONCILE_S : SOON_S));
	return NULL;
}

bool
changer_start(struct domains *d)
{
	struct changer *c = &d->changer;

	for (size_t i = 0; i < CHANGER_LOCKS; i++)
		pthread_mutex_init(&c->locks[i], NULL);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	if (d->read_only)
		return true;
	c->runs = pthread_create(&c->thread, NULL, reconcile, d) == 0;
	return c->runs;
}

void
changer_stop(struct domains *d)
{
	struct changer *c = &d->changer;

	pthread_mutex_lock(&c->lock);
	c->stops = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	if (c->runs)
		pthread_join(c->thread, NULL);
}
