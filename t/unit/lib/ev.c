/* The loop calls what is ready, what is due and what was put off, and no more.
 */
#include "lib/ev.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "t/tap.h"

static struct ev_loop loop;
static int calls;
static int longest_ms; /* that it was about to wait */

int
epoll_wait(int epfd, struct epoll_event *events, int most, int timeout)
{
	if (timeout > longest_ms)
		longest_ms = timeout;
	return (int)syscall(
	    SYS_epoll_pwait, epfd, events, most, timeout, NULL, 0);
}

/* A watched eventfd; peer: what its callback deletes. */
struct source {
	struct ev_io io;
	struct source *peer;
};

static struct source *
source_new(void (*ready)(struct ev_io *, uint32_t), unsigned value)
{
	struct source *s = calloc(1, sizeof(*s));

	s->io.fd = eventfd(value, EFD_NONBLOCK);
	s->io.ready = ready;
	ev_add(&loop, &s->io, EPOLLIN);
	return s;
}

static void
source_free(struct source *s)
{
	ev_del(&loop, &s->io);
	close(s->io.fd);
	free(s);
}

static void
stop_on_event(struct ev_io *io, uint32_t events)
{
	(void)io;
	calls += !!(events & EPOLLIN);
	ev_stop(&loop);
}

static void
on_time(struct timer *t)
{
	(void)t;
	ev_stop(&loop);
}

static void
events(void)
{
	struct source *s = source_new(stop_on_event, 1);
	struct timer t = { .fire = on_time };

	calls = 0;
	ev_run(&loop);
	is_int(calls, 1, "a ready descriptor is called");
	ev_run(&loop);
	is_int(calls, 2, "and the loop can run again after a stop");

	ev_mod(&loop, &s->io, 0);
	timer_set(&loop.timers, &t, clock_mono_ms() + 30);
	ev_run(&loop);
	is_int(calls, 2, "but not once it is not asked for");
	ev_del(&loop, &s->io);
	ev_del(&loop, &s->io);
	ok(ev_mod(&loop, &s->io, EPOLLIN) == -1, "deleted, twice: not watched");
	ev_add(&loop, &s->io, EPOLLIN);
	source_free(s);
}

static void
free_both(struct ev_io *io, uint32_t events)
{
	struct source *s = (struct source *)io;

	(void)events;
	calls++;
	source_free(s->peer);
	source_free(s);
	ev_stop(&loop);
}

/* Both are in one batch; whichever is called first frees both. */
static void
forgotten(void)
{
	struct source *a = source_new(free_both, 1);
	struct source *b = source_new(free_both, 1);

	a->peer = b;
	b->peer = a;
	calls = 0;
	ev_run(&loop);
	is_int(calls, 1, "an event of a freed source is forgotten");
}

struct job {
	struct ev_task task;
	struct job *other;
	char name;
};

static char order[16];

static void
note(struct ev_task *task)
{
	size_t n = strlen(order);

	order[n] = ((struct job *)task)->name;
	order[n + 1] = '\0';
}

static void
note_and_stop(struct ev_task *task)
{
	note(task);
	ev_stop(&loop);
}

static void
note_and_again(struct ev_task *task)
{
	note(task);
	if (strlen(order) < 4)
		ev_later(&loop, task);
	else
		ev_stop(&loop);
}

static void
note_and_forget(struct ev_task *task)
{
	note(task);
	ev_forget(&loop, &((struct job *)task)->other->task);
	ev_stop(&loop);
}

static void
note_event(struct ev_io *io, uint32_t events)
{
	(void)io, (void)events;
	order[strlen(order)] = '.';
}

static void
tasks(void)
{
	struct job a = { { .run = note }, NULL, 'a' };
	struct job b = { { .run = note_and_stop }, NULL, 'b' };
	struct source *s;

	ev_later(&loop, &a.task);
	ev_later(&loop, &b.task);
	ev_later(&loop, &a.task);
	ev_run(&loop);
	is_str(order, "ab", "in the order queued, each once");

	memset(order, 0, sizeof(order));
	ev_later(&loop, &b.task);
	ev_later(&loop, &a.task);
	ev_forget(&loop, &a.task);
	ev_forget(&loop, &a.task);
	ev_run(&loop);
	is_str(order, "b", "a forgotten one is not run");
	ev_later(&loop, &a.task);
	ev_forget(&loop, &a.task);
	ev_later(&loop, &b.task);
	ev_run(&loop);
	is_str(order, "bb", "one is queued behind it all the same");

	memset(order, 0, sizeof(order));
	a = (struct job){ { .run = note_and_forget }, &b, 'a' };
	ev_later(&loop, &a.task);
	ev_later(&loop, &b.task);
	ev_run(&loop);
	is_str(order, "a", "a task forgets the one after it");

	/* no timer is set: if the loop slept it would be for ever */
	memset(order, 0, sizeof(order));
	a = (struct job){ { .run = note_and_again }, NULL, 'a' };
	s = source_new(note_event, 1);
	ev_later(&loop, &a.task);
	ev_run(&loop);
	is_str(order, ".a.a", "one that queues itself lets events through");
	source_free(s);

	memset(order, 0, sizeof(order));
	ev_later(&loop, &a.task);
	ev_run(&loop);
	is_str(order, "aaaa", "and the loop does not sleep on it");
}

static void
timers(void)
{
	struct timer t = { .fire = on_time };
	uint64_t due_ms = clock_mono_ms() + 50;

	timer_set(&loop.timers, &t, due_ms);
	ev_run(&loop);
	ok(clock_mono_ms() >= due_ms, "a timer is not early");
	ok(loop.now_ms >= due_ms, "now_ms is that of this turn");
}

static uint64_t dawdled_ms;

/* A callback that takes 300 ms. */
static void
dawdle(struct ev_io *io, uint32_t events)
{
	(void)events;
	dawdled_ms = clock_mono_ms() + 300;
	ev_mod(&loop, io, 0);
	while (clock_mono_ms() < dawdled_ms)
		continue;
	longest_ms = 0;
}

static void
slow_turn(void)
{
	struct source *s = source_new(dawdle, 1);
	struct timer t = { .fire = on_time };
	uint64_t due_ms = clock_mono_ms() + 400;

	timer_set(&loop.timers, &t, due_ms);
	ev_run(&loop);
	ok(dawdled_ms + (uint64_t)longest_ms < due_ms + TIMER_TICK_MS ||
		longest_ms == 0,
	    "the time of a slow callback is not slept again");
	source_free(s);
}

static volatile sig_atomic_t signals;

static void
on_signal(int number)
{
	(void)number;
	signals = signals + 1;
}

static void
interrupted(void)
{
	struct itimerval every = { { 0, 10000 }, { 0, 10000 } };
	struct sigaction act = { .sa_handler = on_signal };
	struct timer t = { .fire = on_time };

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	timer_set(&loop.timers, &t, clock_mono_ms() + 100);
	ev_run(&loop);
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	ok(signals > 0, "a signal does not end the loop");
}

int
main(void)
{
	alarm(20); /* a loop that sleeps for ever fails the test */
	is_int(ev_init(&loop), 0, "init");
	events();
	forgotten();
	tasks();
	timers();
	slow_turn();
	interrupted();
	ev_release(&loop);
	return done();
}
