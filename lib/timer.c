/*
 * A hashed timer wheel of one level (Varghese, Lauck 1987): a timer waits in
 * the slot of its tick, for as many laps as it takes.
 *
 * A timer that is moved to a later time, as a connection's deadline is with
 * every event, stays where it is and only notes the time: the wheel puts it
 * right when it comes by.  So a timer is in the slot of its due tick or of an
 * earlier one, and a slot may hold some that are not due.
 */
#include "lib/timer.h"

#include <stddef.h>
#include <string.h>

#define WORDS (TIMER_SLOTS / 64)

void
timer_wheel_init(struct timer_wheel *w, uint64_t now_ms)
{
	memset(w, 0, sizeof(*w));
	w->tick = now_ms / TIMER_TICK_MS + 1;
}

/* The first tick that begins at due_ms or after it. */
static uint64_t
tick_of(uint64_t due_ms)
{
	return due_ms / TIMER_TICK_MS + (due_ms % TIMER_TICK_MS != 0);
}

static void
link_in(struct timer_wheel *w, struct timer *t)
{
	uint64_t tick = tick_of(t->due_ms);
	size_t at = (tick < w->tick ? w->tick : tick) % TIMER_SLOTS;

	t->link = &w->slot[at];
	t->next = w->slot[at];
	if (t->next != NULL)
		t->next->link = &t->next;
	w->slot[at] = t;
	w->busy[at / 64] |= UINT64_C(1) << at % 64;
}

static void
unlink_from(struct timer **link, struct timer *t)
{
	*link = t->next;
	if (t->next != NULL)
		t->next->link = link;
	t->link = NULL;
}

void
timer_set(struct timer_wheel *w, struct timer *t, uint64_t due_ms)
{
	if (timer_is_set(t)) {
		if (due_ms >= t->due_ms) {
			t->due_ms = due_ms;
			return;
		}
		timer_clear(w, t);
	}
	t->due_ms = due_ms;
	link_in(w, t);
}

void
timer_clear(struct timer_wheel *w, struct timer *t)
{
	struct timer **link = t->link;
	size_t at;

	if (link == NULL)
		return;
	unlink_from(link, t);

	/* the last one of a slot?  then link is the slot, not a neighbour */
	at = ((uintptr_t)link - (uintptr_t)w->slot) / sizeof(*w->slot);
	if (*link == NULL && at < TIMER_SLOTS)
		w->busy[at / 64] &= ~(UINT64_C(1) << at % 64);
}

/* How many ticks from `tick` to the next busy slot; TIMER_SLOTS: none is. */
static unsigned
next_busy(const struct timer_wheel *w, uint64_t tick)
{
	unsigned at = tick % TIMER_SLOTS, bit = at % 64;
	uint64_t before = (UINT64_C(1) << bit) - 1, word;

	for (unsigned i = 0; i <= WORDS; i++) {
		word = w->busy[(at / 64 + i) % WORDS];
		if (i == 0)
			word &= ~before;
		if (i == WORDS) /* round the wheel, to the same word */
			word &= before;
		if (word != 0)
			return i * 64 + (unsigned)__builtin_ctzll(word) - bit;
	}
	return TIMER_SLOTS;
}

int
timer_wait_ms(const struct timer_wheel *w, uint64_t now_ms)
{
	unsigned ahead = next_busy(w, w->tick);
	uint64_t at_ms = (w->tick + ahead) * TIMER_TICK_MS;

	if (ahead == TIMER_SLOTS)
		return -1;
	return at_ms > now_ms ? (int)(at_ms - now_ms) : 0;
}

/*
 * Fire what is due in a slot.  The list is taken out first: a timer set by a
 * callback is for the next run, and one cleared leaves this list.
 */
static void
run_slot(struct timer_wheel *w, size_t at)
{
	struct timer *list = w->slot[at], *t;

	w->slot[at] = NULL;
	w->busy[at / 64] &= ~(UINT64_C(1) << at % 64);
	while ((t = list) != NULL) {
		unlink_from(&list, t);
		if (tick_of(t->due_ms) < w->tick)
			t->fire(t);
		else
			link_in(w, t);
	}
}

void
timer_run(struct timer_wheel *w, uint64_t now_ms)
{
	uint64_t end = now_ms / TIMER_TICK_MS + 1, tick = w->tick;

	if (end <= tick)
		return;
	if (end - tick > TIMER_SLOTS) /* one lap sees every slot */
		tick = end - TIMER_SLOTS;
	w->tick = end; /* what a callback sets goes behind this run */

	while ((tick += next_busy(w, tick)) < end)
		run_slot(w, tick++ % TIMER_SLOTS);
}
