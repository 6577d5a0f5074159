/* Watches tls_directory, and the dates. */
#include "master/certs_watch.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/container.h"
#include "lib/ctlmsg.h"
#include "lib/log.h"
#include "master/certs.h"
#include "master/challenges.h"
#include "master/facts.h"
#include "master/master.h"
#include "master/tickets.h"

#define SETTLED_MS 300 /* nothing was written for so long: all is there */
#define LOOK_EVERY_MS 3600000 /* at the dates */
#define DAY 86400	      /* seconds */

#define CHANGES                                                                \
	(IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO |                \
	    IN_MOVED_FROM | IN_DELETE | IN_ATTRIB)

/* Days before its end at which a certificate is spoken of. */
static const unsigned notices[] = { 0, 1, 7, 30 };

struct certs_watch {
	struct ev_io io; /* first; owns an inotify descriptor */
	struct master *m;
	struct timer settled, look;
	int certificates, challenges; /* what is watched; -1: nothing */
};

/* Each notice once. */
static void
look_at(const struct cert_fact *fact, time_t now)
{
	long long days = (fact->not_after - now) / DAY;

	for (size_t i = 0; i < nitems(notices); i++) {
		if (fact->not_after - now > (time_t)notices[i] * DAY)
			continue;
		if (notices[i] < *fact->warned)
			log_event(notices[i] == 0 ? LOG_ERR : LOG_WARNING,
			    "certificate-expires", "file=%s.pem days=%lld%s",
			    fact->name, days,
			    notices[i] == 0 ? ": it has expired" : "");
		*fact->warned = notices[i];
		return;
	}
}

static void
look_at_dates(const struct master *m)
{
	struct cert_fact fact;

	for (size_t at = 0; certs_next(m, &at, &fact);)
		look_at(&fact, time(NULL));
}

static void
on_look(struct timer *t)
{
	struct certs_watch *watch = container_of(t, struct certs_watch, look);

	look_at_dates(watch->m);
	timer_set(
	    &watch->m->loop.timers, t, watch->m->loop.now_ms + LOOK_EVERY_MS);
}

/* To every worker that runs. */
static void
hand_over(const struct master *m, enum ctl_type type, int fd)
{
	struct ctlmsg msg = { .type = type };

	for (size_t i = 0; i < m->nchildren; i++) {
		const struct child *c = &m->children[i];

		if (c->role == ROLE_WORKER && c->ctl.fd != -1 &&
		    ctlmsg_send(c->ctl.fd, &msg, fd) == -1)
			log_event(LOG_ERR, "certificates-failed",
			    "worker %u goes on with those before: %s", c->slot,
			    strerror(errno));
	}
}

/* -1: it was logged why changes will not be seen. */
static int
watch_directory(
    const struct certs_watch *watch, const char *setting, const char *directory)
{
	int wd = -1;

	if (*directory != '\0')
		wd = inotify_add_watch(
		    watch->io.fd, directory, CHANGES | IN_ONLYDIR);
	if (wd == -1 && *directory != '\0')
		log_event(LOG_WARNING, "directory-unwatched", "%s %s: %s",
		    setting, directory, strerror(errno));
	return wd;
}

/* They may be others by now. */
static void
watch_directories(struct certs_watch *watch)
{
	const struct conf *conf = watch->m->conf;

	watch->certificates = watch_directory(watch, "tls_directory",
	    conf_has_https(conf) ? conf->tls_directory : "");
	watch->challenges =
	    watch_directory(watch, "acme_directory", conf->acme_directory);
}

static void
challenges_reload(struct master *m)
{
	if (challenges_read(m) == -1)
		log_event(LOG_ERR, "challenges-failed", "acme_directory %s: %s",
		    m->conf->acme_directory, strerror(errno));
	else if (m->challenges != -1)
		hand_over(m, CTL_CHALLENGES, m->challenges);
}

int
certs_reload(struct master *m)
{
	bool changed;
	int rc = certs_reread(m, &changed);

	if (m->certs_watch != NULL)
		watch_directories(m->certs_watch);
	challenges_reload(m);
	m->tls_refused += rc == -1;
	m->tls_reloads += rc == 0 && changed;
	if (changed) {
		log_event(LOG_NOTICE, "certificates-replaced", "files=%s",
		    m->conf->tls_directory);
		hand_over(m, CTL_CERTIFICATES, certs_fd(m));
	}
	look_at_dates(m);
	facts_publish(m);
	return tickets_reload(m) == -1 ? -1 : rc;
}

static void
on_settled(struct timer *t)
{
	struct certs_watch *watch =
	    container_of(t, struct certs_watch, settled);

	certs_reload(watch->m);
}

/* Certificates when all is written; a challenge is asked for at once. */
static void
on_change(struct ev_io *io, uint32_t events)
{
	struct certs_watch *watch = (struct certs_watch *)io;
	alignas(struct inotify_event) char bytes[4096];
	const struct inotify_event *event;
	bool challenge = false;
	ssize_t n;

	(void)events;
	while ((n = read(io->fd, bytes, sizeof(bytes))) > 0)
		for (ssize_t at = 0; at < n;
		     at += (ssize_t)(sizeof(*event) + event->len)) {
			event = (const void *)(bytes + at);
			if (event->wd == watch->challenges)
				challenge = true;
			else
				timer_set(&watch->m->loop.timers,
				    &watch->settled,
				    watch->m->loop.now_ms + SETTLED_MS);
		}
	if (challenge)
		challenges_reload(watch->m);
}

int
certs_watch_start(struct master *m)
{
	struct certs_watch *watch;

	if (!conf_has_https(m->conf) && *m->conf->acme_directory == '\0')
		return 0;
	watch = m->certs_watch = calloc(1, sizeof(*watch));
	if (watch == NULL)
		return -1;
	watch->m = m;
	watch->settled.fire = on_settled;
	watch->look.fire = on_look;
	watch->io.ready = on_change;
	watch->io.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->io.fd == -1 || ev_add(&m->loop, &watch->io, EPOLLIN) == -1) {
		log_event(LOG_CRIT, "fatal", "inotify: %s", strerror(errno));
		return -1;
	}
	watch_directories(watch); /* without it, reload is left */
	challenges_reload(m);
	on_look(&watch->look);
	return 0;
}

void
certs_watch_stop(struct master *m)
{
	struct certs_watch *watch = m->certs_watch;

	if (watch == NULL)
		return;
	if (watch->io.fd != -1)
		close(watch->io.fd);
	free(watch);
	m->certs_watch = NULL;
}
