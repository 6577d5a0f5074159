/* Takes its place beside what a dead master left. */
#include "master/beside.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/log.h"
#include "lib/presence.h"
#include "master/ending.h"
#include "master/fdstore.h"
#include "master/listeners.h"
#include "master/master.h"
#include "master/places.h"
#include "master/segments.h"
#include "master/supervise.h"

#define REGISTRAR_MS 5000 /* for a registrar without a master, to its end */
#define STEP_MS 5
#define LOOK_MS 100 /* whether its workers are still there */
#define BANDS 64    /* of bytes for workers */

/* It writes the store, and has the sockets of 8282: there is no second one. */
static int
wait_for_registrar(const struct master *m)
{
	for (int i = 0; i < REGISTRAR_MS / STEP_MS; i++) {
		if (!presence_of(m->presence, PRESENCE_REGISTRAR))
			return 0;
		clock_sleep_ms(STEP_MS);
	}
	log_event(LOG_CRIT, "fatal",
	    "state_directory %s: the registrar of a dead master still runs: "
	    "end it",
	    m->conf->state_directory);
	return -1;
}

/*
 * A worker's byte.  Each band has one for every place of both generations, and
 * each master a band that nobody was in: so ours need not wait for those of
 * masters before us, however many of these were killed while they had clients.
 */
static enum presence
byte_of(const struct master *m, unsigned band, unsigned ring)
{
	return PRESENCE_WORKERS + band * 2 * m->places + ring;
}

/* Is anybody in this band, or in one behind it? */
static bool
is_used(const struct master *m, unsigned band)
{
	return band < BANDS && presence_of_any(m->presence, byte_of(m, band, 0),
				   (BANDS - band) * 2 * m->places);
}

/* The first that nobody is in; or the last one, where no worker can start. */
static unsigned
free_band(const struct master *m)
{
	unsigned band = 0;

	while (band + 1 < BANDS &&
	       presence_of_any(m->presence, byte_of(m, band, 0), 2 * m->places))
		band++;
	return band;
}

static bool
has_workers(const struct master *m, unsigned generation)
{
	for (unsigned band = 0; is_used(m, band); band++)
		if (presence_of_any(m->presence,
			byte_of(m, band, generation * m->places), m->places))
			return true;
	return false;
}

/*
 * Beside those there are: their places in shared memory stay theirs.  Which of
 * them have the memory that we were handed nobody says: all of them may.
 */
static void
choose_generation(struct master *m)
{
	bool used[] = { has_workers(m, 0), has_workers(m, 1) };

	m->beside = used[0] || used[1];
	if (m->beside)
		log_event(LOG_NOTICE, "master-before",
		    "its workers serve until ours do");
	m->generation = used[0];
	m->band = free_band(m);
	if (!used[0] || !used[1])
		return;
	m->generation = 0;
	log_event(LOG_NOTICE, "master-before",
	    "two generations of them: shared memory is begun anew");
	segments_release(m);
	for (size_t i = 0; i < 2; i++) { /* its other end tells their logger */
		if (m->log_wake[i] != -1)
			close(m->log_wake[i]);
		m->log_wake[i] = -1;
	}
	fdstore_drop(); /* or the next master would be handed both */
	m->handed = false;
}

int
beside_begin(struct master *m)
{
	m->presence = presence_open(m->conf->state_directory);
	if (m->presence == -1 ||
	    presence_claim(m->presence, PRESENCE_MASTER) == -1) {
		log_event(LOG_CRIT, "fatal", "state_directory %s: %s",
		    m->conf->state_directory,
		    errno == EAGAIN ? "dynproxyd runs already"
				    : strerror(errno));
		return -1;
	}
	choose_generation(m);
	return wait_for_registrar(m);
}

/*
 * Is a worker of a dead master in this place?  Those of both generations count
 * for the one that is not ours, whose places wait for them.
 */
static bool
has_orphan(const struct child *c)
{
	const struct master *m = c->master;

	for (unsigned band = 0; is_used(m, band); band++)
		if (band != m->band &&
		    (presence_of(m->presence, byte_of(m, band, c->slot)) ||
			presence_of(m->presence,
			    byte_of(m, band, m->places + c->slot))))
			return true;
	return false;
}

/* What a dead worker had under way is nobody's. */
static void
look(struct timer *t)
{
	struct master *m = container_of(t, struct master, orphans);
	bool any = false;

	for (unsigned i = 0; i < 2 * m->places; i++) {
		struct child *c = &m->children[i];

		if (c->state != CHILD_ORPHANED)
			continue;
		if (has_orphan(c))
			any = true;
		else
			supervise_orphan_gone(c);
	}
	if (any)
		timer_set(&m->loop.timers, t, m->loop.now_ms + LOOK_MS);
}

void
beside_place(struct master *m)
{
	for (unsigned i = 0; i < 2 * m->places; i++) {
		struct child *c = &m->children[i];

		if (c->generation != m->generation && has_orphan(c))
			c->state = CHILD_ORPHANED;
		else if (m->handed && c->slot < m->listeners->slots)
			segments_forget_worker(m, c->ring);
	}
	m->orphans.fire = look;
	look(&m->orphans);
}

bool
beside_waits(const struct master *m)
{
	return m->beside &&
	       places_child(m, ROLE_REGISTRAR)->state != CHILD_READY;
}

void
beside_loaded(struct master *m)
{
	if (m->phase != PHASE_STARTING || !m->beside)
		return;
	if (listeners_listen_web(m->listeners, m->conf) == -1) {
		log_event(LOG_CRIT, "fatal", "listeners: %s", strerror(errno));
		ending_failed(m, "no client can come");
		return;
	}
	supervise_settle(m);
}

void
beside_serving(struct master *m)
{
	m->beside = false;
	if (presence_claim(m->presence, PRESENCE_SERVING) == -1)
		log_event(LOG_ERR, "presence-failed", "%s", strerror(errno));
}

/*
 * They have served without us, and go on so; those who wait for them do not.
 * What reads their lines goes on, too: it has ended their own logger.  False:
 * there are none.
 */
static bool
leave_orphans(struct master *m)
{
	bool any = false;

	timer_clear(&m->loop.timers, &m->orphans);
	for (unsigned i = 0; i < 2 * m->places; i++) {
		if (m->children[i].state != CHILD_ORPHANED)
			continue;
		m->children[i].state = CHILD_OFF;
		any = true;
	}
	if (any && m->handed)
		supervise_leave(places_child(m, ROLE_LOGGER));
	return any;
}

void
beside_ending(struct master *m)
{
	/* the next one finds what they serve with */
	if (m->status != 0 && leave_orphans(m))
		return;
	fdstore_drop();
	if (m->status != 0)
		return;
	if (presence_claim(m->presence, m->phase == PHASE_DRAINING
					    ? PRESENCE_DRAINING
					    : PRESENCE_ENDING) == -1)
		log_event(LOG_ERR, "presence-failed", "%s", strerror(errno));
}

int
beside_presence_of(const struct child *child)
{
	const struct master *m = child->master;
	enum presence who = child->role == ROLE_WORKER
				? byte_of(m, m->band, child->ring)
				: PRESENCE_REGISTRAR;
	int fd = presence_open(m->conf->state_directory), saved;

	if (fd == -1 || presence_claim(fd, who) == 0)
		return fd;
	saved = errno; /* close() may change it */
	close(fd);
	errno = saved;
	return -1;
}
