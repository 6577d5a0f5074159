/* A timer fires once, never early, late by at most a tick; whatever it does. */
#include "lib/timer.h"

#include <stdlib.h>

#include "t/tap.h"

#define START UINT64_C(1000003) /* off the ticks */
#define LAP_MS ((uint64_t)TIMER_SLOTS * TIMER_TICK_MS)

static struct timer_wheel wheel;
static uint64_t now_ms;

struct probe {
	struct timer timer;
	uint64_t fired_ms;
	int fired;
	struct probe *other; /* what act() acts upon */
	void (*act)(struct probe *p);
};

static void
fire(struct timer *t)
{
	struct probe *p = (struct probe *)t;

	p->fired++;
	p->fired_ms = now_ms;
	if (p->act != NULL)
		p->act(p);
}

static void
begin(void)
{
	now_ms = START;
	timer_wheel_init(&wheel, now_ms);
}

static void
set(struct probe *p, uint64_t due_ms)
{
	p->timer.fire = fire;
	timer_set(&wheel, &p->timer, due_ms);
}

static void
run_until(uint64_t ms)
{
	for (; now_ms < ms; now_ms++)
		timer_run(&wheel, now_ms);
}

static void
on_time(void)
{
	static const uint64_t after_ms[] = { 0, 1, 12, 13, 14, 16, 1000,
		LAP_MS - 17, LAP_MS - 1, LAP_MS, LAP_MS + 1, LAP_MS + 16,
		LAP_MS * 2 + 5, LAP_MS * 3 + 1000 };
	struct probe probes[nitems(after_ms)] = { 0 };

	begin();
	for (size_t i = 0; i < nitems(after_ms); i++)
		set(&probes[i], START + after_ms[i]);
	run_until(START + LAP_MS * 5);
	for (size_t i = 0; i < nitems(after_ms); i++) {
		uint64_t late = probes[i].fired_ms - START - after_ms[i];

		is_int(probes[i].fired, 1, "fires once: +%ju ms",
		    (uintmax_t)after_ms[i]);
		ok(late <= TIMER_TICK_MS, "and on time: %jd ms late",
		    (intmax_t)late);
	}
	is_int(timer_wait_ms(&wheel, now_ms), -1, "then the wheel is empty");
}

/* Where a move ends is where it fires: earlier, later, and both in a row. */
static void
moved(void)
{
	static const struct {
		uint64_t from, to, last;
	} moves[] = {
		{ 1000, 50, 50 },
		{ 50, 1000, 1000 },
		{ 50, 1000, 300 },
		{ 50, LAP_MS + 60, LAP_MS + 60 },
		{ 50, LAP_MS * 2 + 50, 20 },
		{ LAP_MS * 2, LAP_MS, 500 },
		{ 0, 0, 0 },
	};
	struct probe probes[nitems(moves)] = { 0 };

	begin();
	for (size_t i = 0; i < nitems(moves); i++) {
		set(&probes[i], START + moves[i].from);
		set(&probes[i], START + moves[i].to);
		set(&probes[i], START + moves[i].last);
	}
	run_until(START + LAP_MS * 3);
	for (size_t i = 0; i < nitems(moves); i++) {
		uint64_t late = probes[i].fired_ms - START - moves[i].last;

		ok(probes[i].fired == 1 && late <= TIMER_TICK_MS,
		    "moved to +%ju ms: %jd ms late", (uintmax_t)moves[i].last,
		    (intmax_t)late);
	}
}

static void
cleared(void)
{
	struct probe a = { 0 }, b = { 0 }, c = { 0 };

	begin();
	ok(!timer_is_set(&a.timer), "zeroed: not set");
	timer_clear(&wheel, &a.timer);
	set(&a, START + 40);
	ok(timer_is_set(&a.timer), "set");
	timer_clear(&wheel, &a.timer);
	ok(!timer_is_set(&a.timer), "cleared");
	is_int(timer_wait_ms(&wheel, now_ms), -1, "nothing to wait for");

	set(&a, START + 40);
	set(&b, START + 40);
	set(&c, START + 40);
	timer_clear(&wheel, &b.timer);
	timer_clear(&wheel, &c.timer);
	run_until(START + 100);
	ok(a.fired == 1 && b.fired == 0 && c.fired == 0,
	    "only the one left in the slot fires");
	ok(!timer_is_set(&a.timer), "fired: not set any more");
}

static void
clear_other(struct probe *p)
{
	timer_clear(&wheel, &p->other->timer);
}

static void
free_other(struct probe *p)
{
	timer_clear(&wheel, &p->other->timer);
	free(p->other);
}

static void
free_self(struct probe *p)
{
	free(p);
}

static void
again_at_once(struct probe *p)
{
	set(p, now_ms);
}

static void
postpone_other(struct probe *p)
{
	set(p->other, now_ms + 500);
}

static void
hurry_other(struct probe *p)
{
	set(p->other, 0);
}

/* Two in one slot: whichever is first meddles with the other. */
static void
meddling(void)
{
	struct probe a = { .act = clear_other }, b = { .act = clear_other };
	struct probe *heap;

	begin();
	a.other = &b;
	b.other = &a;
	set(&a, START + 40);
	set(&b, START + 40);
	run_until(START + LAP_MS * 2);
	is_int(a.fired + b.fired, 1, "clears the next of its slot");

	a = (struct probe){ .act = postpone_other, .other = &b };
	b = (struct probe){ 0 };
	begin();
	set(&b, START + 40);
	set(&a, START + 40); /* runs first */
	run_until(START + 100);
	ok(a.fired == 1 && b.fired == 0, "postpones the next of its slot");
	run_until(START + 600);
	is_int(b.fired, 1, "which then fires");

	a = (struct probe){ .act = hurry_other, .other = &b };
	b = (struct probe){ 0 };
	begin();
	set(&b, START + 40);
	set(&a, START + 40);
	run_until(START + 100);
	is_int(b.fired, 1, "sets the next of its slot to a time long ago");

	heap = calloc(1, sizeof(*heap));
	a = (struct probe){ .act = free_other, .other = heap };
	begin();
	set(heap, START + 40);
	set(&a, START + 40);
	run_until(START + LAP_MS * 2);
	is_int(a.fired, 1, "frees the next of its slot");

	heap = calloc(1, sizeof(*heap));
	heap->act = free_self;
	begin();
	set(heap, START + 40);
	run_until(START + LAP_MS * 2);
	ok(true, "frees itself");

	a = (struct probe){ .act = again_at_once };
	begin();
	set(&a, START);
	run_until(START + 10 * TIMER_TICK_MS);
	is_int(a.fired, 10, "sets itself to now: once a tick, no endless run");
}

/* The machine slept: all that is due fires, once, and the rest does not. */
static void
jumped(void)
{
	struct probe probes[200] = { 0 }, again = { .act = again_at_once };
	int due = 0, early = 0;

	begin();
	for (size_t i = 0; i < nitems(probes); i++)
		set(&probes[i], START + i * 10007);
	set(&again, START + 5);
	now_ms = START + LAP_MS * 20;
	timer_run(&wheel, now_ms);
	for (size_t i = 0; i < nitems(probes); i++) {
		due += i * 10007 + TIMER_TICK_MS <= LAP_MS * 20;
		early += probes[i].fired;
	}
	is_int(early, due, "20 laps at once: those that are due");
	is_int(again.fired, 1, "what one of them sets is for the next run");
	timer_clear(&wheel, &again.timer);
	run_until(START + 200 * 10007 + 100);
	for (size_t i = early = 0; i < nitems(probes); i++)
		early += probes[i].fired == 1;
	is_int(early, nitems(probes), "the others at their time");

	begin();
	now_ms = UINT64_MAX;
	timer_run(&wheel, now_ms);
	ok(true, "a jump of an age ends");
}

static void
waiting(void)
{
	struct probe a = { 0 }, b = { 0 };
	bool sound = true;
	int ms, turns = 0;

	begin();
	is_int(timer_wait_ms(&wheel, now_ms), -1, "empty: for ever");
	set(&a, START + 5000);
	ms = timer_wait_ms(&wheel, now_ms);
	ok(ms >= 5000 && ms <= 5000 + TIMER_TICK_MS, "%d ms for 5000", ms);
	set(&b, START + 20);
	ms = timer_wait_ms(&wheel, now_ms);
	ok(ms >= 20 && ms <= 20 + TIMER_TICK_MS, "%d ms for 20", ms);
	is_int(timer_wait_ms(&wheel, now_ms + 60), 0, "overdue: not at all");

	/* Sleep as told; a lap away and moved on the way. */
	timer_clear(&wheel, &b.timer);
	set(&a, START + LAP_MS * 2 + 300);
	while (a.fired == 0 && turns++ < 10) {
		ms = timer_wait_ms(&wheel, now_ms);
		sound = sound && ms > 0;
		now_ms += (uint64_t)ms;
		timer_run(&wheel, now_ms);
	}
	ok(sound && a.fired == 1 && turns <= 5, "%d wake-ups", turns);
	ok(a.fired_ms - START - LAP_MS * 2 - 300 <= TIMER_TICK_MS,
	    "and on time");

	/* every place of the bitmap, seen from every place */
	sound = true;
	for (uint64_t from = 0; from < LAP_MS; from += 63 * TIMER_TICK_MS)
		for (uint64_t ahead = 1; ahead < TIMER_SLOTS; ahead += 61) {
			b = (struct probe){ 0 };
			timer_wheel_init(&wheel, from);
			set(&b, from + ahead * TIMER_TICK_MS);
			ms = timer_wait_ms(&wheel, from);
			sound = sound && ms == (int)ahead * TIMER_TICK_MS;
		}
	ok(sound, "the next busy slot is found wherever it is");
}

/* Against a plain list of due times, with random sets and clears. */
static void
random_walk(void)
{
	static struct probe probes[64];
	uint64_t due[nitems(probes)] = { 0 }; /* 0: not set */
	int wrong = 0, fired = 0;

	begin();
	srandom(1);
	for (int step = 0; step < 200000; step++) {
		size_t i = (size_t)random() % nitems(probes);

		if (random() % 4 == 0) {
			timer_clear(&wheel, &probes[i].timer);
			due[i] = 0;
		} else {
			due[i] = now_ms + (uint64_t)random() % (LAP_MS * 3);
			if (random() % 2)
				due[i] = now_ms + (uint64_t)random() % 200;
			set(&probes[i], due[i]);
		}
		now_ms += (uint64_t)random() % 40;
		timer_run(&wheel, now_ms);
		for (i = 0; i < nitems(probes); i++) {
			if (probes[i].fired) {
				wrong += due[i] == 0 || due[i] > now_ms;
				fired++;
				due[i] = 0;
			}
			wrong += probes[i].fired > 1;
			wrong += due[i] && due[i] + TIMER_TICK_MS < now_ms;
			wrong += timer_is_set(&probes[i].timer) != !!due[i];
			probes[i].fired = 0;
		}
	}
	is_int(wrong, 0, "200000 random steps, %d timers fired", fired);
	ok(fired > 10000, "enough of them");
}

int
main(void)
{
	on_time();
	moved();
	cleared();
	meddling();
	jumped();
	waiting();
	random_walk();
	return done();
}
