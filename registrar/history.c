/* Reads the counters now and then, and keeps the differences. */
#include "registrar/history.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/log.h"
#include "registrar/process.h"
#include "registrar/publish.h"

#define SLICE 128	/* tools that are read in one turn of the loop */
#define DOWN_REQUESTS 3 /* in a minute: fewer are no word on a tool */
#define MINUTE_POINTS (60000 / HISTORY_MS)

/* Of one place in the counters. */
struct series {
	uint32_t slot;			    /* who has it */
	bool known;			    /* the totals are of a reading */
	bool down;			    /* as was told */
	uint64_t requests, errors, took_ms; /* so far */
	uint64_t round;			    /* of the last point */
	uint64_t hit_ms;		    /* the last with requests */
	struct history_point points[HISTORY_POINTS]; /* by round */
};

struct history {
	struct registrar *r; /* borrowed */
	struct timer next;   /* reading */
	struct ev_task slice;
	uint32_t index; /* the next tool's, of this round */
	uint64_t round; /* counts readings; the first is 1 */
	struct series *of[COUNTERS_SLOTS + 1]; /* owned; NULL: never read */
};

static struct series *
series_of(struct history *h, uint32_t slot)
{
	struct series **place = &h->of[counters_index(slot)];

	if (*place == NULL)
		*place = calloc(1, sizeof(**place));
	if (*place != NULL && (*place)->slot != slot)
		**place = (struct series){ .slot = slot };
	return *place;
}

/* What there was until now. */
static void
total(const struct registrar *r, uint32_t slot, struct series *now)
{
	struct counters_sum sum;

	if (slot == HISTORY_ALL)
		counters_read_all(r->counters, &sum);
	else
		counters_read(r->counters, slot, &sum);
	*now = (struct series){ .took_ms = sum.took_ms };
	for (size_t by = 0; by < 2; by++)
		for (size_t c = 0; c < COUNTERS_CLASSES; c++)
			for (size_t m = 0; m < COUNTERS_METHODS; m++) {
				uint64_t n = sum.requests[by][c][m];

				now->requests += n;
				now->errors += c == 0 || c == 5 ? n : 0;
			}
}

static uint32_t
since(uint64_t now, uint64_t before)
{
	return now < before		   ? 0
	       : now - before > UINT32_MAX ? UINT32_MAX
					   : (uint32_t)(now - before);
}

/* Points of rounds that were left out are empty. */
static struct history_point *
next_point(struct series *s, uint64_t round)
{
	if (round - s->round > HISTORY_POINTS)
		memset(s->points, 0, sizeof(s->points));
	else
		for (uint64_t i = s->round + 1; i < round; i++)
			s->points[i % HISTORY_POINTS] =
			    (struct history_point){ 0 };
	s->round = round;
	return &s->points[round % HISTORY_POINTS];
}

static void
read_slot(struct history *h, uint32_t slot)
{
	struct series *s = series_of(h, slot), now;
	struct history_point *point;

	if (s == NULL)
		return;
	total(h->r, slot, &now);
	point = next_point(s, h->round);
	*point = (struct history_point){ 0 };
	if (s->known || h->round > 1) {
		point->requests = since(now.requests, s->requests);
		point->errors = since(now.errors, s->errors);
		if (point->requests > 0) {
			point->took_ms =
			    since(now.took_ms, s->took_ms) / point->requests;
			s->hit_ms = clock_real_ms();
		}
	}
	s->known = true;
	s->requests = now.requests;
	s->errors = now.errors;
	s->took_ms = now.took_ms;
}

/* Who watches events is to hear of it; nobody asks: that says nothing. */
static void
tell_change(struct history *h, uint32_t slot, const char *key)
{
	struct history_point last = history_minute(h, slot);
	struct series *s = h->of[counters_index(slot)];
	bool down = history_health(h, slot) == HISTORY_DOWN;

	if (s == NULL || last.requests == 0 || down == s->down ||
	    (down && last.requests < DOWN_REQUESTS))
		return;
	s->down = down;
	log_event(LOG_NOTICE, down ? "tool-down" : "tool-up",
	    "name=%s requests=%u errors=%u: in the last minute", key + 1,
	    last.requests, last.errors);
}

/* The slots from where the last slice ended.  False: those were all. */
static bool
read_slice(struct history *h)
{
	uint32_t end = h->index + SLICE;
	uint32_t slot;

	for (; h->index < COUNTERS_TOOLS && h->index < end; h->index++) {
		slot = publish_slot_at(h->r, h->index);
		if (slot == COUNTERS_OTHER)
			continue;
		read_slot(h, slot);
		tell_change(h, slot, publish_key_at(h->r, h->index));
	}
	return h->index < COUNTERS_TOOLS;
}

static void
on_slice(struct ev_task *task)
{
	struct history *h = container_of(task, struct history, slice);

	if (read_slice(h))
		ev_later(&h->r->loop, &h->slice);
	else
		timer_set(&h->r->loop.timers, &h->next,
		    h->r->loop.now_ms + HISTORY_MS);
}

static void
on_next(struct timer *timer)
{
	struct history *h = container_of(timer, struct history, next);

	h->round++;
	h->index = 1;
	read_slot(h, HISTORY_ALL);
	read_slot(h, COUNTERS_DEFAULT);
	read_slot(h, COUNTERS_NONE);
	on_slice(&h->slice);
}

struct history *
history_open(struct registrar *r)
{
	struct history *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->r = r;
	h->next.fire = on_next;
	h->slice.run = on_slice;
	timer_set(&r->loop.timers, &h->next, r->loop.now_ms);
	return h;
}

void
history_close(struct history *h)
{
	timer_clear(&h->r->loop.timers, &h->next);
	ev_forget(&h->r->loop, &h->slice);
	for (size_t i = 0; i <= COUNTERS_SLOTS; i++)
		free(h->of[i]);
	free(h);
}

void
history_points(const struct history *h, uint32_t slot,
    struct history_point out[HISTORY_POINTS])
{
	const struct series *s = h->of[counters_index(slot)];

	memset(out, 0, HISTORY_POINTS * sizeof(*out));
	if (s == NULL || s->slot != slot)
		return;
	for (uint64_t back = 0; back < HISTORY_POINTS && back < s->round;
	     back++)
		out[HISTORY_POINTS - 1 - back] =
		    s->points[(s->round - back) % HISTORY_POINTS];
}

uint64_t
history_hit_ms(const struct history *h, uint32_t slot)
{
	const struct series *s = h->of[counters_index(slot)];

	return s == NULL || s->slot != slot ? 0 : s->hit_ms;
}

static struct history_point
sum_of(const struct history *h, uint32_t slot, size_t points)
{
	struct history_point all[HISTORY_POINTS], sum = { 0 };
	uint64_t took_ms = 0;

	history_points(h, slot, all);
	for (size_t i = HISTORY_POINTS - points; i < HISTORY_POINTS; i++) {
		sum.requests += all[i].requests;
		sum.errors += all[i].errors;
		took_ms += (uint64_t)all[i].took_ms * all[i].requests;
	}
	if (sum.requests > 0)
		sum.took_ms = (uint32_t)(took_ms / sum.requests);
	return sum;
}

struct history_point
history_minute(const struct history *h, uint32_t slot)
{
	return sum_of(h, slot, MINUTE_POINTS);
}

double
history_rate(const struct history *h, uint32_t slot)
{
	uint64_t points =
	    h->round > 1 ? h->round - 1 : 1; /* the first has none */

	if (points > MINUTE_POINTS)
		points = MINUTE_POINTS;
	return sum_of(h, slot, points).requests / (points * (HISTORY_MS / 1e3));
}

enum history_health
history_health(const struct history *h, uint32_t slot)
{
	struct history_point last = history_minute(h, slot);

	if (last.requests == 0)
		return HISTORY_SILENT;
	if (last.errors == last.requests)
		return HISTORY_DOWN;
	/* one in twenty */
	return last.errors > last.requests / 20 ? HISTORY_BAD : HISTORY_GOOD;
}
