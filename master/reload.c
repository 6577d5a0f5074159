/*
 * Reloads, in stages: the new setup is made beside the old one; workers that
 * cannot take it over are replaced; so is the registrar; the others are sent
 * the text.  Until the first of these is done, the old one can come back.
 */
#include "master/reload.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "conf/changes.h"
#include "lib/clock.h"
#include "lib/container.h"
#include "lib/log.h"
#include "master/certs_watch.h"
#include "master/contain.h"
#include "master/ctl.h"
#include "master/daemon.h"
#include "master/directories.h"
#include "master/facts.h"
#include "master/notify.h"
#include "master/places.h"
#include "master/rollover.h"
#include "master/setup.h"
#include "master/site.h"
#include "master/spawn.h"
#include "master/supervise.h"
#include "master/tickets.h"

#define APPLY_MS 5000	   /* for the children's answers */
#define REGISTRAR_MS 30000 /* for a word of another registrar */

enum stage { STAGE_WORKERS, STAGE_REGISTRAR, STAGE_APPLY };

struct reload {
	struct master *master; /* borrowed */
	struct setup old;      /* owned */
	enum stage stage;
	unsigned changes; /* see conf_changes() */
	bool workers;	  /* there are others, which have it */
	struct timer deadline;
	void (*ended)(struct master *m, enum reload_end end, const char *says);
};

/* Throw a setup away; what serves keeps its sockets' paths. */
static void
discard(struct master *m, const struct setup *setup)
{
	struct setup current;

	if (ctl_listen(m) == -1)
		log_event(LOG_ERR, "ctl-failed", "%s", strerror(errno));
	current = setup_take(m);
	setup_put(m, setup);
	setup_release(m, current.listeners);
	setup_put(m, &current);
}

/* Is it in force, be it not everywhere? */
static bool
is_taken(enum reload_end how)
{
	return how == RELOAD_DONE || how == RELOAD_PARTLY;
}

/* What is told of the last one that was tried. */
static void
note(struct master *m, enum reload_end how)
{
	if (is_taken(how))
		m->configured_ms = clock_real_ms();
	if (how != RELOAD_AGAIN)
		m->reload_refused = how == RELOAD_REFUSED;
	facts_publish(m);
}

/* What the master itself goes by. */
static void
go_by(struct master *m, unsigned changes)
{
	const char *failed;

	log_open(
	    (enum log_sink)m->conf->log_sink, "master", m->conf->log_priority);
	if (!(changes & 1u << APPLIED_PROCESSES))
		return;
	if (!m->foreground)
		daemon_leave_terminal(m->conf);
	failed = contain_begin(m);
	if (failed != NULL)
		log_event(LOG_ERR, "master-not-contained", "%s: %s", failed,
		    strerror(errno));
}

static void
end(struct master *m, enum reload_end how, const char *says)
{
	struct reload *r = m->reload;

	m->reload = NULL;
	timer_clear(&m->loop.timers, &r->deadline);
	daemon_settle(m->conf, is_taken(how));
	discard(m, &r->old);
	if (is_taken(how)) { /* what is watched may be elsewhere */
		go_by(m, r->changes);
		if (m->ticket_keys == NULL)
			tickets_start(m);
		if (m->certs_watch == NULL)
			certs_watch_start(m);
		certs_reload(m);
	}
	note(m, how);
	if (how != RELOAD_AGAIN)
		log_event(is_taken(how) ? LOG_NOTICE : LOG_ERR,
		    is_taken(how) ? "reloaded" : "reload-refused", "file=%s",
		    m->conf_path);
	notify_ready(m);
	r->ended(m, how, says);
	free(r);
}

/* Who is sent the text?  Other workers, another registrar have it already. */
static bool
takes_text(const struct reload *r, const struct child *c)
{
	if (c->state != CHILD_READY)
		return false;
	if (c->role == ROLE_WORKER)
		return c->generation == r->master->generation && !r->workers;
	return c->role == ROLE_REGISTRAR &&
	       !(r->changes & 1u << APPLIED_REGISTRAR);
}

/* A worker that goes may still take one client more, by its old settings. */
static bool
all_applied(const struct master *m)
{
	for (size_t i = 0; i < m->nchildren; i++)
		if (m->children[i].applying || m->children[i].accepting)
			return false;
	return supervise_all_ready(m);
}

static void
wait_for(struct reload *r, enum stage stage, uint64_t at_most_ms)
{
	struct ev_loop *loop = &r->master->loop;

	r->stage = stage;
	timer_set(&loop->timers, &r->deadline, loop->now_ms + at_most_ms);
}

/* Tell those who stay. */
static void
apply(struct reload *r)
{
	struct master *m = r->master;

	wait_for(r, STAGE_APPLY, APPLY_MS);
	for (size_t i = 0; i < m->nchildren; i++) {
		struct child *c = &m->children[i];

		if (takes_text(r, c))
			c->applying = spawn_apply(c);
	}
	if (r->changes != 0) { /* no line, no question is lost */
		supervise_renew(places_child(m, ROLE_LOGGER));
		supervise_renew(places_child(m, ROLE_LOOKUP));
	}
	supervise_settle(m);
	if (all_applied(m))
		end(m, RELOAD_DONE, "");
}

/* Does it not go by it yet?  One that starts has begun with it. */
static bool
is_late(const struct child *c)
{
	return c->applying || c->state == CHILD_STARTING ||
	       c->state == CHILD_WAITING;
}

/*
 * Who has not answered is replaced, by one that begins with the new text.
 * Returns whom there was to name, one after the other, or "".
 */
static const char *
end_wait(struct master *m, char *names, size_t size)
{
	char name[CHILD_NAME_MAX];
	size_t n = 0;

	*names = '\0';
	for (size_t i = 0; i < m->nchildren; i++) {
		struct child *c = &m->children[i];

		if (!is_late(c))
			continue;
		child_name(c, name);
		if (n < size)
			n += (size_t)snprintf(names + n, size - n, "%s%s",
			    n > 0 ? ", " : "", name);
		log_event(LOG_ERR, "reload-unanswered", "%s pid=%d %s", name,
		    c->pid, c->applying ? "is killed" : "is not ready in time");
		if (c->applying)
			kill(c->pid, SIGKILL);
		c->applying = false;
	}
	return names;
}

/* The others do not wait for a registrar that is not ready: it has the text. */
static void
on_deadline(struct timer *t)
{
	struct reload *r = container_of(t, struct reload, deadline);
	struct master *m = r->master;
	char names[256], says[512];

	if (r->stage == STAGE_REGISTRAR) {
		log_event(LOG_ERR, "reload-unanswered",
		    "registrar is not ready in time: the others go on");
		apply(r);
		return;
	}
	if (*end_wait(m, names, sizeof(names)) == '\0') {
		end(m, RELOAD_DONE, "");
		return;
	}
	snprintf(says, sizeof(says),
	    "%s: in force, but not ready in time: %s; dynproxyctl status and "
	    "dynproxyd's log tell more\n",
	    m->conf_path, names);
	end(m, RELOAD_PARTLY, says);
}

static void
renew_registrar(struct reload *r)
{
	if (!(r->changes & 1u << APPLIED_REGISTRAR)) {
		apply(r);
		return;
	}
	wait_for(r, STAGE_REGISTRAR, REGISTRAR_MS);
	supervise_renew(places_child(r->master, ROLE_REGISTRAR));
}

static void
workers_replaced(struct master *m, bool good)
{
	struct setup failed;

	if (good) {
		m->reload->workers = true;
		supervise_settle(m); /* the old ones drain */
		renew_registrar(m->reload);
		return;
	}
	m->reload->old.certs = m->certs;
	m->certs = NULL;
	failed = setup_take(m);
	setup_put(m, &m->reload->old);
	m->reload->old = failed; /* is what goes now */
	supervise_settle(m);
	end(m, RELOAD_REFUSED,
	    "a new worker was not ready in time: dynproxyd's log says why\n");
}

void
reload_child(struct child *c)
{
	struct reload *r = c->master->reload;

	if (r == NULL)
		return;
	if (r->stage == STAGE_REGISTRAR && c->role == ROLE_REGISTRAR &&
	    c->state == CHILD_READY)
		apply(r);
	else if (r->stage == STAGE_APPLY && all_applied(c->master))
		end(c->master, RELOAD_DONE, "");
}

void
reload_loading(const struct child *c)
{
	struct reload *r = c->master->reload;

	if (r != NULL && r->stage == STAGE_REGISTRAR &&
	    c->role == ROLE_REGISTRAR)
		wait_for(r, STAGE_REGISTRAR, REGISTRAR_MS);
}

/* Why this configuration cannot be, told to says; else RELOAD_DONE. */
static enum reload_end
check(struct reload *r, const struct conf *new, FILE *says)
{
	struct master *m = r->master;
	const char *restart;

	r->changes = conf_changes(m->conf, new, &restart);
	if (restart != NULL) {
		fprintf(says,
		    "%s: %s cannot change while dynproxyd runs: restart it, "
		    "or take the change back\n",
		    m->conf_path, restart);
		return RELOAD_REFUSED;
	}
	if (!m->foreground && m->conf->log_sink == LOG_TO_SYSLOG &&
	    new->log_sink == LOG_TO_STDERR) {
		fprintf(says,
		    "%s: log_sink: a daemon has left standard error: restart "
		    "dynproxyd\n",
		    m->conf_path);
		return RELOAD_REFUSED;
	}
	if (new->workers > m->places) {
		fprintf(says,
		    "%s: workers: there is room for %u: restart dynproxyd\n",
		    m->conf_path, m->places);
		return RELOAD_REFUSED;
	}
	return RELOAD_DONE;
}

/* The new setup goes; certificates are those there are. */
static void
come_back(struct reload *r)
{
	struct master *m = r->master;

	r->old.certs = m->certs;
	m->certs = NULL;
	setup_release(m, r->old.listeners);
	setup_put(m, &r->old);
	daemon_settle(m->conf, false);
}

/* All that the new m->conf asks for.  -1: it was logged what it cannot have. */
static int
make(struct reload *r)
{
	struct master *m = r->master;

	if (contain_users(m) == -1 || directories_make(m) == -1 ||
	    setup_make(m, r->old.listeners) == -1)
		return -1;
	if (m->foreground ||
	    strcmp(m->conf->pid_file, r->old.conf->pid_file) == 0)
		return 0;
	return daemon_lock_next(m->conf);
}

/* The new setup beside the old one.  As check(). */
static enum reload_end
prepare(struct reload *r, struct conf *new, FILE *says)
{
	struct master *m = r->master;
	int rc;

	r->old = setup_take(m);
	m->conf = new;
	m->certs = r->old.certs;
	r->old.certs = NULL;
	log_copy_to(says);
	rc = make(r);
	log_copy_to(NULL);
	if (rc == -1) {
		come_back(r);
		return RELOAD_REFUSED;
	}
	if (!site_file_same(
		m->site_fds[SITE_BACKEND_CA], r->old.site_fds[SITE_BACKEND_CA]))
		r->changes |= 1u << APPLIED_WORKERS;
	if (!(r->changes & 1u << APPLIED_WORKERS) ||
	    !places_any(m, m->generation ^ 1))
		return RELOAD_DONE;
	fputs("workers of an older configuration still drain, and there is at "
	      "most one: dynproxyctl status shows them; try again later\n",
	    says);
	come_back(r);
	return RELOAD_AGAIN;
}

static enum reload_end
begin(struct reload *r, FILE *says)
{
	struct master *m = r->master;
	struct conf *new;
	enum reload_end how;

	if (m->phase != PHASE_SERVING || m->reload != NULL ||
	    m->upgrade != NULL) {
		fputs("dynproxyd is busy starting, ending or reloading: "
		      "try again\n",
		    says);
		return RELOAD_AGAIN;
	}
	new = setup_read(m, says);
	if (new == NULL)
		return RELOAD_REFUSED;
	how = check(r, new, says);
	if (how != RELOAD_DONE) {
		conf_free(new);
		return how;
	}
	if (m->resting) /* WINCH: this brings them back */
		r->changes |= 1u << APPLIED_WORKERS;
	return prepare(r, new, says);
}

static void
log_lines(const char *says)
{
	size_t n;

	for (; *says != '\0'; says += n + (says[n] == '\n')) {
		n = strcspn(says, "\n");
		if (n > 0)
			log_event(
			    LOG_ERR, "reload-refused", "%.*s", (int)n, says);
	}
}

void
reload_begin(struct master *m,
    void (*ended)(struct master *m, enum reload_end end, const char *says))
{
	struct reload *r = calloc(1, sizeof(*r));
	char *text = NULL;
	size_t size;
	FILE *says = open_memstream(&text, &size);
	enum reload_end how = RELOAD_REFUSED;

	if (r != NULL && says != NULL) {
		r->master = m;
		r->ended = ended;
		r->deadline.fire = on_deadline;
		how = begin(r, says);
	}
	if (says != NULL)
		fclose(says);
	if (how != RELOAD_DONE || text == NULL) {
		note(m, how);
		if (text != NULL)
			log_lines(text);
		ended(m, how, text == NULL ? "no memory\n" : text);
		free(text);
		free(r);
		return;
	}
	free(text);
	m->reload = r;
	notify_reloading(m);
	m->resting = false;
	if (r->changes & 1u << APPLIED_WORKERS)
		rollover_begin(m, workers_replaced);
	else
		renew_registrar(r);
}

void
reload_stop(struct master *m)
{
	if (m->reload == NULL)
		return;
	log_event(LOG_NOTICE, "reload-stopped", "file=%s", m->conf_path);
	end(m, RELOAD_AGAIN, "dynproxyd ends\n");
}

void
reload_release(struct master *m)
{
	if (m->reload == NULL)
		return;
	discard(m, &m->reload->old);
	free(m->reload);
	m->reload = NULL;
}
