/* Keeps the places that processes take. */
#include "master/places.h"

#include <stdlib.h>

#define MIN_WORKERS 32 /* that a reload can ask for */

const char *
child_state_name(enum child_state state)
{
	static const char *const names[] = {
		[CHILD_OFF] = "off",
		[CHILD_WAITING] = "waiting",
		[CHILD_STARTING] = "starting",
		[CHILD_READY] = "ready",
		[CHILD_DRAINING] = "draining",
		[CHILD_ORPHANED] = "orphaned",
	};

	return names[state];
}

unsigned
places_for(const struct conf *conf)
{
	return conf->workers > MIN_WORKERS ? conf->workers : MIN_WORKERS;
}

static struct child *
add_place(struct master *m, enum role role)
{
	struct child *c = &m->children[m->nchildren++];

	c->master = m;
	c->role = role;
	c->ctl.fd = -1;
	return c;
}

int
places_make(struct master *m)
{
	m->children =
	    calloc(2 * m->places + ROLE_COUNT - 1, sizeof(*m->children));
	if (m->children == NULL)
		return -1;
	for (unsigned i = 0; i < 2 * m->places; i++) {
		struct child *c = add_place(m, ROLE_WORKER);

		c->ring = i;
		c->slot = i % m->places;
		c->generation = i / m->places;
	}
	for (enum role role = ROLE_WORKER + 1; role < ROLE_COUNT; role++)
		add_place(m, role);
	return 0;
}

void
places_release(struct master *m)
{
	free(m->children);
}

struct child *
places_worker(const struct master *m, unsigned generation, unsigned slot)
{
	return &m->children[generation * m->places + slot];
}

struct child *
places_child(const struct master *m, enum role role)
{
	return &m->children[2 * m->places + role - 1];
}

bool
places_any(const struct master *m, unsigned generation)
{
	for (unsigned i = 0; i < m->places; i++)
		if (child_lives(places_worker(m, generation, i)))
			return true;
	return false;
}
