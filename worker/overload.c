/* Measures what a worker has left, and steps up and down the ladder. */
#include "worker/overload.h"

#include <sys/resource.h>

#include "lib/array.h"
#include "lib/container.h"
#include "lib/log.h"
#include "shm/counters.h"
#include "worker/accept.h"
#include "worker/conn.h"
#include "worker/exchange.h"
#include "worker/h2.h"
#include "worker/pool.h"
#include "worker/process.h"

#define EVERY_MS 250
#define KEEP_BELOW 20 /* thousandths below its begin, a step is kept */
#define SHED_PART 8   /* of the tool's requests, each time */
#define STREAMS_BUSY 32
#define FILES_OF_OURS 32 /* loop, segments, listeners, ... */

static const struct {
	const char *name; /* in the log */
	unsigned begins;  /* thousandths */
} steps[] = {
	[OVERLOAD_CALM] = { "calm", 0 },
	[OVERLOAD_BUSY] = { "busy", 800 },
	[OVERLOAD_TIGHT] = { "tight", 900 },
	[OVERLOAD_FULL] = { "full", 950 },
	[OVERLOAD_SHED] = { "shed", 980 },
};

static unsigned
larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

enum overload_step
overload_next(enum overload_step now, const struct load *l)
{
	unsigned load = larger(l->heap, larger(l->files, l->lag));

	while (now < OVERLOAD_SHED && load >= steps[now + 1].begins)
		now++;
	while (now > OVERLOAD_CALM && load + KEEP_BELOW < steps[now].begins)
		now--;
	return now;
}

void
overload_enter(struct overload *o, struct exchange *ex)
{
	TAILQ_INSERT_TAIL(&o->exchanges, ex, under_way);
}

void
overload_leave(struct overload *o, struct exchange *ex)
{
	TAILQ_REMOVE(&o->exchanges, ex, under_way);
}

unsigned
overload_streams(const struct overload *o, unsigned streams)
{
	return o->step >= OVERLOAD_BUSY && streams > STREAMS_BUSY ? STREAMS_BUSY
								  : streams;
}

static unsigned
thousandths(uint64_t of, uint64_t max)
{
	uint64_t n = of * 1000 / max;

	return n < 10000 ? (unsigned)n : 10000;
}

/*
 * The shortest of the last ones: a process that was stopped for a moment is
 * late once, one that has too much to do is late every time.
 */
static uint64_t
lasting_lag(struct overload *o, uint64_t now_ms)
{
	uint64_t least;

	o->lags_ms[o->nlags++ % OVERLOAD_LAGS] = now_ms - o->due_ms;
	if (o->nlags < OVERLOAD_LAGS)
		return 0;
	least = o->lags_ms[0];
	for (size_t i = 1; i < OVERLOAD_LAGS; i++)
		if (o->lags_ms[i] < least)
			least = o->lags_ms[i];
	return least;
}

static void
measure(struct worker *w, struct load *l)
{
	struct overload *o = &w->overload;
	uint64_t now = w->loop.now_ms;

	l->heap = thousandths(
	    heap_measure(&o->heap, now), w->conf->worker_memory_max);
	l->files = thousandths(
	    FILES_OF_OURS + w->connections + pool_size(w->pool), o->files_max);
	l->lag = thousandths(lasting_lag(o, now), w->conf->loop_lag_max_ms);
}

/* The table's word for whose it is, which may be any. */
static uint32_t
place_of(const struct exchange *ex)
{
	uint32_t index = counters_index(ex->slot);

	return index < COUNTERS_TOOLS ? index : (uint32_t)COUNTERS_OTHER;
}

/* The place of the tool that has most requests under way here; and how many. */
static uint32_t
heaviest(const struct overload *o, unsigned *n)
{
	unsigned counts[COUNTERS_TOOLS] = { 0 };
	const struct exchange *ex;
	uint32_t place = 0;

	TAILQ_FOREACH(ex, &o->exchanges, under_way)
	if (exchange_sheds(ex))
		counts[place_of(ex)]++;
	for (uint32_t i = 1; i < nitems(counts); i++)
		if (counts[i] > counts[place])
			place = i;
	*n = counts[place];
	return place;
}

/* False: there is none. */
static bool
shed_newest(struct overload *o, uint32_t place)
{
	struct exchange *ex;

	TAILQ_FOREACH_REVERSE(ex, &o->exchanges, exchange_list, under_way)
	if (place_of(ex) == place && exchange_sheds(ex)) {
		exchange_shed(ex, REASON_LIMIT_NODE);
		return true;
	}
	return false;
}

/* One that is ended may take others with it: look anew for each. */
static void
shed(struct overload *o)
{
	unsigned n;
	uint32_t place = heaviest(o, &n);

	for (n = (n + SHED_PART - 1) / SHED_PART; n > 0; n--)
		if (!shed_newest(o, place))
			return;
}

static void
note_step(enum overload_step was, enum overload_step is, const struct load *l)
{
	log_event(is > was ? LOG_WARNING : LOG_NOTICE, "overload",
	    "step=%s was=%s heap=%u files=%u lag=%u", steps[is].name,
	    steps[was].name, l->heap, l->files, l->lag);
}

static void
evaluate(struct worker *w)
{
	struct overload *o = &w->overload;
	enum overload_step was = o->step;
	struct load load;

	measure(w, &load);
	o->step = overload_next(was, &load);
	if (o->step != was)
		note_step(was, o->step, &load);
	if (o->step > was)
		conn_hurry_idle(w);
	if (o->step >= OVERLOAD_TIGHT) {
		conn_close_idle(w);
		pool_sweep(w->pool);
	}
	if (o->step == OVERLOAD_SHED)
		shed(o);
	if (o->step != was) {
		accept_look_again(w);
		h2_limit_streams(w);
	}
}

static void
set_timer(struct worker *w)
{
	struct overload *o = &w->overload;

	o->due_ms = w->loop.now_ms + EVERY_MS;
	timer_set(&w->loop.timers, &o->timer, o->due_ms);
}

static void
timer_due(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, overload.timer);

	evaluate(w);
	set_timer(w);
}

void
overload_start(struct worker *w)
{
	struct rlimit files;

	w->overload.files_max = UINT32_MAX;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
	    files.rlim_cur < UINT32_MAX)
		w->overload.files_max = (unsigned)files.rlim_cur;
	TAILQ_INIT(&w->overload.exchanges);
	w->overload.timer.fire = timer_due;
	set_timer(w);
}
