/* Starts and stops a tool's web service, and says how it is. */
#include "tools/webservice_commands.h"

#include <err.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "tools/webservice_show.h"

#define WAIT_MS 15000 /* for a change of state, as in the original */
#define POLL_MS 500
#define SETTLE_MS 2000 /* what has run so long has not ended at once */

#define STATE(s) (1u << SERVICE_##s)

/* Wait, with a dot for every while, as long as its state is one of these. */
static enum service_state
await(const struct webservice *w, unsigned these, unsigned wait_ms)
{
	uint64_t until_ms = clock_mono_ms() + wait_ms;
	enum service_state state;

	while ((these & 1u << (state = w->backend->state(&w->service))) != 0 &&
	       clock_mono_ms() < until_ms) {
		fputc('.', stderr);
		usleep(POLL_MS * 1000);
	}
	return state;
}

static bool
remember(struct webservice *w)
{
	struct service *s = &w->service;
	struct manifest *m = &w->manifest;
	char why[WEBSERVICE_WHY_MAX], replicas[12];
	bool kept;

	snprintf(replicas, sizeof(replicas), "%u", s->replicas);
	kept = manifest_set(m, MANIFEST_BACKEND, w->backend->name) &&
	       manifest_set(m, MANIFEST_TYPE, s->type);
	if (kept && w->backend == &backend_gridengine)
		kept = manifest_set(m, MANIFEST_RELEASE, s->release);
	if (kept && s->memory != NULL)
		kept = manifest_set(m, MANIFEST_MEMORY, s->memory);
	if (kept && s->cpu != NULL)
		kept = manifest_set(m, MANIFEST_CPU, s->cpu);
	if (kept && s->replicas > 0)
		kept = manifest_set(m, MANIFEST_REPLICAS, replicas);
	if (kept && s->nargs > 0)
		kept = manifest_set_list(m, MANIFEST_ARGS, w->args, s->nargs);
	if (!kept)
		errx(1, "no memory");
	if (manifest_save(m, &w->account, why))
		return true;
	warnx("%s", why);
	warnx("it was started, but nothing remembers it: mend that, then "
	      "webservice restart");
	return false;
}

/* Does it run, and go on?  False: it has ended, and why has been shown. */
static bool
stays(const struct webservice *w, enum service_state state, off_t logged)
{
	const struct service *s = &w->service;

	if (state == SERVICE_STOPPED ||
	    (state == SERVICE_PENDING && service_log_size(s) > logged)) {
		warnx("it ended at once; the end of its log:");
		if (!service_show_log(s, logged))
			warnx("nothing was logged: see webservice logs");
		return false;
	}
	if (state != SERVICE_RUNNING)
		warnx("it is not running yet: see webservice status and "
		      "webservice logs");
	return true;
}

/* What has ended for good is not remembered: nobody is to start it again. */
static int
start_it(struct webservice *w, const char *message)
{
	off_t logged = service_log_size(&w->service);
	enum service_state state;
	bool well;

	if (!w->backend->start(&w->service))
		return 1;
	fprintf(stderr, "%s", message);
	state = await(w, STATE(PENDING), WAIT_MS);
	if (state == SERVICE_RUNNING)
		state = await(w, STATE(RUNNING), SETTLE_MS);
	fputc('\n', stderr);
	well = stays(w, state, logged);
	if (state != SERVICE_STOPPED && !remember(w))
		return 1;
	if (!well)
		return 1;
	webservice_show_url(&w->account);
	return 0;
}

int
webservice_start(struct webservice *w)
{
	switch (w->backend->state(&w->service)) {
	case SERVICE_UNKNOWN:
		return 1;
	case SERVICE_STOPPED:
		return start_it(w, "Starting webservice");
	default:
		warnx("your webservice is running already: webservice restart "
		      "starts it anew, webservice stop stops it");
		return 1;
	}
}

static bool
stop_it(struct webservice *w)
{
	enum service_state state;

	/* it may have ended by itself just now */
	if (!w->backend->stop(&w->service) &&
	    w->backend->state(&w->service) != SERVICE_STOPPED)
		return false;
	fputs("Stopping webservice", stderr);
	state = await(w, STATE(PENDING) | STATE(RUNNING), WAIT_MS);
	fputc('\n', stderr);
	if (state == SERVICE_STOPPED)
		return true;
	warnx("it has not stopped after %d seconds: try again", WAIT_MS / 1000);
	return false;
}

int
webservice_stop(struct webservice *w)
{
	static const char *const keys[] = { MANIFEST_BACKEND, MANIFEST_TYPE,
		MANIFEST_RELEASE, MANIFEST_MEMORY, MANIFEST_CPU,
		MANIFEST_REPLICAS, MANIFEST_ARGS };
	char why[WEBSERVICE_WHY_MAX];

	switch (w->backend->state(&w->service)) {
	case SERVICE_UNKNOWN:
		return 1;
	case SERVICE_STOPPED:
		puts("Your webservice is not running");
		break;
	default:
		if (!stop_it(w))
			return 1;
	}
	if (manifest_get(&w->manifest, MANIFEST_TYPE) == NULL)
		return 0;
	for (size_t i = 0; i < nitems(keys); i++)
		manifest_remove(&w->manifest, keys[i]);
	if (manifest_save(&w->manifest, &w->account, why))
		return 0;
	warnx("%s", why);
	return 1;
}

int
webservice_restart(struct webservice *w)
{
	enum service_state state = w->backend->state(&w->service);

	if (state == SERVICE_UNKNOWN)
		return 1;
	if (state != SERVICE_STOPPED && !stop_it(w))
		return 1;
	return start_it(w, state == SERVICE_STOPPED
			       ? "Your webservice is not running, starting"
			       : "Restarting");
}

int
webservice_status(struct webservice *w)
{
	enum service_state state = w->backend->state(&w->service);

	if (state == SERVICE_UNKNOWN)
		return 1;
	if (state == SERVICE_STOPPED) {
		puts("Your webservice is not running");
		return 0;
	}
	printf("Your webservice of type %s is %s on backend %s\n",
	    w->service.type,
	    state == SERVICE_RUNNING ? "running" : "waiting to run",
	    w->backend->name);
	webservice_show_url(&w->account);
	webservice_show_proxy(&w->account);
	return 0;
}

int
webservice_logs(struct webservice *w)
{
	return w->backend->logs(&w->service, w->follow) ? 0 : 1;
}
