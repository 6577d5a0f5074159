/* Starts a worker, keeps it going, and lets it end when it was told to. */
#include "worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/container.h"
#include "lib/ctlmsg.h"
#include "lib/log.h"
#include "lib/presence.h"
#include "lib/priority.h"
#include "shm/counters.h"
#include "shm/health.h"
#include "shm/requests.h"
#include "shm/ticket_keys.h"
#include "worker/accept.h"
#include "worker/accesslog.h"
#include "worker/backend_tls.h"
#include "worker/confine.h"
#include "worker/conn.h"
#include "worker/exchange.h"
#include "worker/h1.h"
#include "worker/h2.h"
#include "worker/overload.h"
#include "worker/pool.h"
#include "worker/process.h"
#include "worker/running.h"
#include "worker/settings.h"
#include "worker/tls.h"

#define LOOK_MS 100	 /* for another master, when ours is dead */
#define ORPHANED_MS 5000 /* then it is no dying master that we see */
#define LEAVE_MS 500 /* of the time to drain: for Close frames, and answers */
#define CUT_MS 250   /* behind it: or the master ends us, and nobody logs */

/*
 * The master is gone: whoever is served goes on being served.  Its socket stays
 * open, or a client's had its number, and would be sent our last words.
 */
static void
forget_master(struct worker *w)
{
	log_event(LOG_WARNING, "master-gone", "serving on");
	ev_del(&w->loop, &w->master);
	w->master.fd = -1;
	w->orphaned_ms = w->loop.now_ms;
	timer_set(&w->loop.timers, &w->orphan, w->loop.now_ms);
}

static void
set_limits(struct worker *w)
{
	const struct conf *c = w->conf;

	w->request_limits = (struct http_limits){ .line = c->request_line_max,
		.head = c->request_head_max,
		.field = c->request_field_max,
		.fields = c->request_fields_max };
	w->response_limits = (struct http_limits){ .line = c->request_line_max,
		.head = c->response_head_max,
		.field = c->response_head_max,
		.fields = c->response_fields_max };
}

static unsigned
connections_max(const struct conf *conf)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1)
		return conf->connections_max;
	return conf_connections_limit(conf, files.rlim_cur);
}

static struct limits_set
limits_set(const struct conf *conf)
{
	return (struct limits_set){ .rate = conf->rate_limit,
		.burst = conf->rate_burst,
		.handshakes = conf->tls_handshake_rate,
		.handshakes_burst = conf->tls_handshake_burst,
		.connections = conf->client_connections_max };
}

/* Bans, rules, limits, counters.  -1 with errno. */
static int
open_gate(struct worker *w)
{
	struct limits_set set = limits_set(w->conf);

	w->policy = policy_open(w->boot.segment_fds[SEGMENT_POLICY]);
	if (w->policy == NULL)
		return -1;
	w->rules = rules_new(w->policy);
	w->limits = limits_open(
	    w->boot.segment_fds[SEGMENT_LIMITS], w->boot.slot, &set);
	w->counters =
	    counters_open(w->boot.segment_fds[SEGMENT_COUNTERS], w->boot.slot);
	if (w->counters == NULL ||
	    errors_writer_open(&w->errors, w->boot.segment_fds[SEGMENT_ERRORS],
		w->boot.slot) == -1 ||
	    errors_writer_open(&w->unknown,
		w->boot.segment_fds[SEGMENT_UNKNOWN], w->boot.slot) == -1)
		return -1;
	w->requests =
	    requests_open(w->boot.segment_fds[SEGMENT_REQUESTS], w->boot.slot);
	if (w->requests == NULL)
		return -1;
	counters_set_cap(
	    w->counters, w->conf->tool_requests_max, w->conf->workers);
	w->router.gate =
	    (struct gate){ w->policy, w->rules, w->limits, w->counters };
	return w->rules != NULL && w->limits != NULL ? 0 : -1;
}

static void
say(struct worker *w, enum ctl_type type, uint32_t arg)
{
	struct ctlmsg m = { .type = type, .arg = arg };

	if (w->master.fd != -1 && ctlmsg_send(w->master.fd, &m, -1) == -1)
		log_event(LOG_WARNING, "master-unanswered", "%m");
}

/* None is forgotten: neither by its client nor by the log. */
static void
cut_requests(struct worker *w)
{
	struct exchange *ex;

	while ((ex = TAILQ_FIRST(&w->overload.exchanges)) != NULL)
		exchange_shed(ex, REASON_DRAINING);
}

/* Who has not finished by now is told that we go, and soon after cut. */
static void
drained(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, drained);

	if (!w->leaving) {
		w->leaving = true;
		conn_leave_tunnels(w);
		h2_leave_tunnels(w);
		timer_set(&w->loop.timers, &w->drained, w->drained_ms);
		return;
	}
	log_event(LOG_NOTICE, "drain-timeout", "clients=%u", w->connections);
	cut_requests(w);
	ev_stop(&w->loop); /* behind this turn, in which streams are reset */
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * Accept nothing more; the last client ends us.  The master waits for the
 * answer: until then a queue might still be ours.  Told again: how long.
 */
static void
drain(struct worker *w, uint64_t at_most_ms)
{
	uint64_t leave = least(at_most_ms / 2, LEAVE_MS);

	w->drained_ms =
	    w->loop.now_ms + at_most_ms - least(at_most_ms / 4, CUT_MS);
	if (!w->leaving)
		timer_set(&w->loop.timers, &w->drained, w->drained_ms - leave);
	if (w->draining)
		return;
	w->draining = true;
	accept_stop(w);
	h2_drain(w, at_most_ms);
	say(w, CTL_DRAINING, w->connections);
	if (w->connections == 0)
		ev_stop(&w->loop);
}

/*
 * Has another master taken the place of ours?  One that is being killed loses
 * what it has one by one, and seems to be there for a moment yet.
 */
static bool
is_replaced(struct worker *w)
{
	if (!presence_of(w->boot.presence, PRESENCE_SERVING)) {
		w->deserted = true;
		return false;
	}
	return w->deserted || w->loop.now_ms - w->orphaned_ms >= ORPHANED_MS;
}

/* Its workers serve: ours may go; and when it ends, so do we. */
static void
look_for_master(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, orphan);

	if (!w->draining && is_replaced(w)) {
		log_event(LOG_NOTICE, "master-replaced", "clients=%u",
		    w->connections);
		drain(w, w->conf->tunnel_drain_ms);
	}
	if (presence_of(w->boot.presence, PRESENCE_ENDING)) {
		ev_stop(&w->loop);
	} else if (!w->hurried &&
		   presence_of(w->boot.presence, PRESENCE_DRAINING)) {
		w->hurried = true;
		drain(w, w->conf->drain_timeout_ms);
	}
	timer_set(&w->loop.timers, t, w->loop.now_ms + LOOK_MS);
}

/* In the place of those there are; they need nothing else to be new. */
static void
take_challenges(struct worker *w, int fd)
{
	struct bundle now;

	if (fd == -1 || !bundle_open(&now, fd)) {
		log_event(LOG_ERR, "challenges-failed", "%m");
		return;
	}
	bundle_close(&w->challenges);
	w->challenges = now;
}

/* A part of what CTL_APPLY will bring into force. */
static void
take(struct worker *w, const struct ctlmsg *m, int *fd)
{
	const char *wrong = boot_take(&w->next, m, fd);

	if (wrong != NULL)
		log_event(LOG_ERR, "reload-failed", "reason=\"%s\"", wrong);
}

/*
 * Go by the configuration that has come.  Requests under way go on with what
 * they have begun with; connections without one wait no longer than it says.
 * -1 after saying why: all is as before.
 */
static int
apply(struct worker *w)
{
	struct settings *new = NULL;
	struct limits_set set;

	if (w->next.conf != NULL &&
	    (w->tls == NULL || w->next.certificates == -1 ||
		tls_load(w->tls, w->next.conf, w->next.certificates) == 0))
		new = settings_new_take(&w->next);
	boot_release(&w->next);
	if (new == NULL) {
		log_event(LOG_ERR, "reload-failed", "settings: %m");
		return -1;
	}
	settings_drop(w->settings);
	w->settings = new;
	w->conf = w->router.conf = new->conf;
	w->connections_max = connections_max(w->conf);
	set = limits_set(w->conf);
	limits_apply(w->limits, &set);
	counters_set_cap(
	    w->counters, w->conf->tool_requests_max, w->conf->workers);
	log_set_priority(w->conf->log_priority);
	if (accesslog_apply(w) == -1)
		log_event(LOG_ERR, "reload-failed", "access log: %m");
	accept_look_again(w);
	conn_hurry_idle(w);
	pool_hurry(w->pool);
	return 0;
}

static void
master_ready(struct ev_io *io, uint32_t events)
{
	struct worker *w = container_of(io, struct worker, master);
	struct ctlmsg m;
	int fd, rc = ctlmsg_recv(io->fd, &m, &fd);

	(void)events;
	if (rc == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (rc != 1) {
		forget_master(w);
		return;
	}
	switch (m.type) {
	case CTL_DRAIN:
		drain(w, m.value);
		break;
	case CTL_PING:
		say(w, CTL_PONG, 0);
		break;
	case CTL_APPLY:
		say(w, CTL_APPLIED, apply(w) == -1);
		break;
	default:
		/* those of a new configuration come behind it */
		if (m.type == CTL_CERTIFICATES && w->next.conf == NULL &&
		    w->tls != NULL)
			tls_load(w->tls, w->conf, fd);
		else if (m.type == CTL_CHALLENGES)
			take_challenges(w, fd);
		else
			take(w, &m, &fd);
	}
	if (fd != -1)
		close(fd);
}

static int
cannot(const char *what)
{
	log_event(LOG_ERR, "worker-start", "%s: %m", what);
	return -1;
}

/* -1 after saying why. */
static int
open_tls(struct worker *w)
{
	int rc, *fd = &w->boot.certificates;

	if (!conf_has_https(w->conf))
		return 0;
	w->ticket_keys =
	    ticket_keys_open(w->boot.segment_fds[SEGMENT_TICKET_KEYS], false);
	if (w->ticket_keys == NULL)
		return cannot("ticket keys");
	w->tls = tls_new(w->ticket_keys);
	rc = w->tls == NULL ? -1 : tls_load(w->tls, w->conf, *fd);
	if (*fd != -1)
		close(*fd);
	*fd = -1;
	return rc;
}

/* -1 after saying why. */
static int
start(struct worker *w)
{
	char role[24];

	w->conf = w->boot.conf;
	snprintf(role, sizeof(role), "worker %u", w->boot.number);
	log_open((enum log_sink)w->conf->log_sink, role, w->conf->log_priority);
	if (confine_worker(&w->boot) == -1)
		return -1;
	w->settings = settings_new_take(&w->boot);
	if (w->settings == NULL)
		return cannot("settings");
	w->router.conf = w->conf;
	TAILQ_INIT(&w->idle);
	TAILQ_INIT(&w->tunnels);
	w->connections_max = connections_max(w->conf);
	set_limits(w);
	w->table = table_open(w->boot.segment_fds[SEGMENT_TABLE]);
	if (w->table == NULL)
		return cannot("table");
	w->router.table = w->table;
	if (open_gate(w) == -1)
		return cannot("policy, limits, counters");
	w->master = (struct ev_io){ .fd = CTL_FD, .ready = master_ready };
	w->drained.fire = drained;
	w->orphan.fire = look_for_master;
	buf_init(&w->scratch, TUNNEL_PIECE);
	if (accesslog_open(w) == -1)
		return cannot("access log");
	arc4random_buf(w->trace.key, sizeof(w->trace.key));
	arc4random_buf(&w->dice, sizeof(w->dice));
	w->health = health_open(w->boot.segment_fds[SEGMENT_HEALTH]);
	if (w->health == NULL)
		return cannot("health");
	w->backend_tls =
	    backend_tls_new(site_content(&w->settings->site, SITE_BACKEND_CA));
	if (w->backend_tls == NULL || open_tls(w) == -1)
		return -1;
	if (w->boot.challenges != -1)
		take_challenges(w, w->boot.challenges);
	w->pool = pool_new(w);
	overload_start(w);
	running_start(w);
	if (w->pool == NULL || h2_start(w) == -1 || accept_start(w) == -1 ||
	    ev_add(&w->loop, &w->master, EPOLLIN) == -1) {
		log_event(LOG_ERR, "worker-start", "%m");
		return -1;
	}
	return 0;
}

static int
say_ready(void)
{
	struct ctlmsg m = { .type = CTL_READY };

	return ctlmsg_send(CTL_FD, &m, -1);
}

static void
release(struct worker *w)
{
	h1_free_spares(w);
	h2_release(w);
	if (w->pool != NULL)
		pool_free(w->pool);
	if (w->backend_tls != NULL)
		backend_tls_free(w->backend_tls);
	if (w->tls != NULL)
		tls_free(w->tls);
	bundle_close(&w->challenges);
	if (w->ticket_keys != NULL)
		ticket_keys_close(w->ticket_keys);
	accept_release(w);
	compressors_release(&w->compressors);
	splice_release(&w->pipes);
	accesslog_close(w);
	buf_release(&w->scratch);
	if (w->health != NULL)
		health_close(w->health);
	if (w->limits != NULL)
		limits_close(w->limits);
	if (w->counters != NULL)
		counters_close(w->counters);
	if (w->errors.mapping != NULL)
		errors_writer_close(&w->errors);
	if (w->unknown.mapping != NULL)
		errors_writer_close(&w->unknown);
	if (w->requests != NULL)
		requests_close(w->requests);
	if (w->rules != NULL)
		rules_free(w->rules);
	if (w->policy != NULL)
		policy_close(w->policy);
	if (w->table != NULL)
		table_close(w->table);
	ev_release(&w->loop);
	settings_drop(w->settings);
	boot_release(&w->next);
	boot_release(&w->boot);
	free(w);
}

int
worker_main(void)
{
	struct worker *w = calloc(1, sizeof(*w));
	int status = EXIT_FAILURE;

	signal(SIGPIPE, SIG_IGN);
	log_open(LOG_TO_STDERR, "worker", LOG_INFO);
	if (w == NULL)
		return EXIT_FAILURE;
	boot_init(&w->next);
	if (boot_receive(&w->boot, CTL_FD) == -1 || ev_init(&w->loop) == -1) {
		free(w);
		return EXIT_FAILURE;
	}
	priority_prompt();
	if (start(w) == 0 && confine_worker_calls(w->conf) == 0 &&
	    say_ready() == 0) {
		ev_run(&w->loop);
		if (w->connections > 0) { /* drain_timeout: these go with us */
			log_finish();	  /* _exit(2) does not */
			_exit(EXIT_SUCCESS);
		}
		status = EXIT_SUCCESS;
	}
	release(w);
	return status;
}
