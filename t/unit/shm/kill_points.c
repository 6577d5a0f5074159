/*
 * The writer may die after any of its stores: readers then find the table as
 * it was before a change or after it, and the successor goes on from there.
 *
 * Has a build of the writer of its own, in which it dies after the n-th store,
 * for every n.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned stores_left; /* 0: live */

static void
stored(void)
{
	if (stores_left > 0 && --stores_left == 0)
		raise(SIGKILL);
}

#define LATCH_STORED() stored()
#define MOVE_SLICE 4
#include "shm/arena.c"
#include "shm/table_grow.c"
#include "shm/table_read.h"
#include "shm/table_recover.c"
#include "shm/table_write.c"

#include "t/tap.h"
#include "t/unit/shm/sample.h"

#define SIZE (1024 * 1024)
#define NAMES 16
#define DAMAGED 3 /* the name that damage() hits */

enum action { PUT, DROP, GROW };

/* What is done to a table that has `names` names at version 1, one deleted. */
static const struct script {
	const char *what;
	unsigned names;
	bool grows;
	bool damaged;	 /* name DAMAGED is, before the writer starts */
	bool from_start; /* the writer may die while it recovers */
	struct {
		enum action action;
		unsigned name;
	} step[8];
	size_t nsteps;
} scripts[] = {
	{ "insert", 4, false, false, false, { { PUT, 7 } }, 1 },
	{ "insert where one was deleted", 4, false, false, false,
	    { { PUT, 0 } }, 1 },
	{ "change", 4, false, false, false, { { PUT, 1 } }, 1 },
	{ "delete", 4, false, false, false, { { DROP, 1 } }, 1 },
	{ "several", 6, false, false, false,
	    { { PUT, 1 }, { DROP, 2 }, { PUT, 7 }, { PUT, 0 }, { DROP, 5 } },
	    5 },
	{ "grow", 12, true, false, false, { { PUT, 1 }, { GROW, 0 } }, 2 },
	{ "change while it grows", 12, true, false, false,
	    { { PUT, 1 }, { PUT, 12 }, { DROP, 2 }, { DROP, 11 }, { PUT, 14 },
		{ PUT, 10 }, { GROW, 0 } },
	    7 },
	{ "recover", 13, true, false, true, { { PUT, 1 } }, 1 },
	{ "quarantine", 6, false, true, true, { { PUT, DAMAGED } }, 1 },
};

static int fd;
static struct table *t;
static struct table_copy copy;
static struct tool got;
static struct table_writer *w;

/* What readers see of each name: its version, 0: absent, -1: not to be had. */
struct view {
	long version[NAMES];
};

static struct view
look(void)
{
	struct view v;
	char key[32];

	for (unsigned n = 0; n < NAMES; n++) {
		switch (table_read(t, sample_key(key, n), &copy, &got)) {
		case LOOKUP_FOUND:
			v.version[n] = got.state == TOOL_QUARANTINED ||
					       !sample_is(&got, n, got.version)
					   ? -1
					   : (long)got.version;
			break;
		case LOOKUP_ABSENT:
			v.version[n] = 0;
			break;
		default:
			v.version[n] = -1;
		}
	}
	return v;
}

static bool
view_eq(const struct view *a, const struct view *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static int
put(unsigned n, uint64_t version)
{
	struct sample sample;

	return table_put(w, sample_tool(&sample, n, version), version);
}

static int
drop(unsigned n, uint64_t version)
{
	char key[32];

	return table_delete(w, sample_key(key, n), version);
}

/* Overwrite a byte of a blob, as only a bug could. */
static void
damage(unsigned n)
{
	char key[32];
	struct place at;

	at = directory_find(w, &w->now,
	    directory_hash(&w->now, sample_key(key, n)), sample_key(key, n));
	((char *)unit_words(w->h, place_unit(at.words[ENTRY_PLACE])))[40] ^= 1;
}

static void
setup(const struct script *s)
{
	fd = segment_create("points", SIZE);
	if (table_format(fd) == -1 || (w = table_writer_new(fd, NULL, NULL)) == NULL)
		abort();
	for (unsigned n = 0; n < s->names; n++)
		put(n, 1);
	drop(0, 1);
	while (table_grow_step(w))
		continue;
	table_set_ready(w);
	if (s->damaged)
		damage(DAMAGED);
	table_writer_free(w);
	t = table_open(fd);
}

static void
teardown(void)
{
	table_close(t);
	close(fd);
}

static void
act(const struct script *s, size_t i)
{
	unsigned n = s->step[i].name;

	switch (s->step[i].action) {
	case PUT:
		put(n, 2);
		break;
	case DROP:
		drop(n, 2);
		break;
	case GROW:
		while (table_grow_step(w))
			continue;
		break;
	}
}

/* What a step does to the view. */
static void
expect(const struct script *s, size_t i, struct view *v)
{
	if (s->step[i].action == PUT)
		v->version[s->step[i].name] = 2;
	else if (s->step[i].action == DROP)
		v->version[s->step[i].name] = 0;
}

/* Run the script in a child that dies after n stores.  False: it lived. */
static bool
run_dying(const struct script *s, unsigned n)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		if (s->from_start)
			stores_left = n;
		w = table_writer_new(fd, NULL, NULL);
		if (!s->from_start)
			stores_left = n;
		for (size_t i = 0; i < s->nsteps; i++)
			act(s, i);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* A successor finds what readers saw, and can do all that is left to do. */
static bool
successor_goes_on(const struct script *s, size_t from, struct view v)
{
	struct view now;

	w = table_writer_new(fd, NULL, NULL);
	if (w == NULL)
		return false;
	now = look();
	if (!view_eq(&now, &v)) {
		table_writer_free(w);
		return false;
	}
	for (size_t i = from; i < s->nsteps; i++) {
		act(s, i);
		expect(s, i, &v);
	}
	now = look();
	table_writer_free(w);
	return view_eq(&now, &v);
}

/* Not killed, the script does all that it says. */
static bool
lived(const struct script *s, size_t steps_seen)
{
	bool grew;

	w = table_writer_new(fd, NULL, NULL);
	grew = w->now.log2 > TABLE_LOG2_MIN;
	table_writer_free(w);
	return grew == s->grows && steps_seen >= s->nsteps - s->grows;
}

/* Is all well when the writer dies after n stores? */
static bool
survives(const struct script *s, unsigned n, bool *died)
{
	struct view want, seen;
	size_t i;
	bool good;

	setup(s);
	want = look();
	*died = run_dying(s, n);
	seen = look();
	for (i = 0; i < s->nsteps && !view_eq(&want, &seen); i++)
		expect(s, i, &want);
	good = view_eq(&want, &seen) && (*died || lived(s, i)) &&
	       successor_goes_on(s, i, seen);
	teardown();
	return good;
}

/* n: the store after which something was wrong, or all stores. */
static bool
script_survives(const struct script *s, unsigned *n)
{
	bool died = true, good = true;

	for (*n = 0; died && good;)
		good = survives(s, ++*n, &died);
	return good;
}

#ifndef ODD_EVEN
int
main(void)
{
	bool good;
	unsigned n;

	for (size_t i = 0; i < nitems(scripts); i++) {
		good = script_survives(&scripts[i], &n);
		ok(good, "%s: killed after each of %u stores", scripts[i].what,
		    n - 1);
		if (!good)
			diag("wrong after store %u", n);
	}
	return done();
}
#endif
