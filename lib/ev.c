/* Turns the loop: events, then timers, then the work put off. */
#include "lib/ev.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"

int
ev_init(struct ev_loop *loop)
{
	memset(loop, 0, sizeof(*loop));
	loop->tasks_end = &loop->tasks;
	loop->now_ms = clock_mono_ms();
	timer_wheel_init(&loop->timers, loop->now_ms);
	loop->epfd = epoll_create1(EPOLL_CLOEXEC);
	return loop->epfd == -1 ? -1 : 0;
}

void
ev_release(struct ev_loop *loop)
{
	close(loop->epfd);
	loop->epfd = -1;
}

static int
control(struct ev_loop *loop, int op, struct ev_io *io, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = io };

	return epoll_ctl(loop->epfd, op, io->fd, &e);
}

int
ev_add(struct ev_loop *loop, struct ev_io *io, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, io, events);
}

int
ev_mod(struct ev_loop *loop, struct ev_io *io, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, io, events);
}

static void
forget_events(struct ev_loop *loop, const struct ev_io *io)
{
	for (int i = loop->at + 1; i < loop->nready; i++)
		if (loop->batch[i].data.ptr == io)
			loop->batch[i].data.ptr = NULL;
}

void
ev_del(struct ev_loop *loop, struct ev_io *io)
{
	int rc = control(loop, EPOLL_CTL_DEL, io, 0);

	assert(rc == 0 || errno == ENOENT); /* closed too early: our bug */
	forget_events(loop, io);
}

void
ev_close(struct ev_loop *loop, struct ev_io *io)
{
	close(io->fd);
	io->fd = -1;
	forget_events(loop, io);
}

void
ev_later(struct ev_loop *loop, struct ev_task *task)
{
	if (task->link != NULL)
		return;
	task->next = NULL;
	task->link = loop->tasks_end;
	*loop->tasks_end = task;
	loop->tasks_end = &task->next;
}

void
ev_forget(struct ev_loop *loop, struct ev_task *task)
{
	if (task->link == NULL)
		return;
	*task->link = task->next;
	if (task->next != NULL)
		task->next->link = task->link;
	if (loop->tasks_end == &task->next)
		loop->tasks_end = task->link;
	task->link = NULL;
}

/* Those queued by these wait for the next turn: no task can starve I/O. */
static void
run_tasks(struct ev_loop *loop)
{
	struct ev_task *list = loop->tasks, *task;

	loop->tasks = NULL;
	loop->tasks_end = &loop->tasks;
	if (list != NULL)
		list->link = &list;

	while ((task = list) != NULL) {
		ev_forget(loop, task);
		task->run(task);
	}
}

static void
wait_for_events(struct ev_loop *loop)
{
	int timeout = 0;

	/* from now on, not from now_ms: the last turn may have been long */
	if (loop->tasks == NULL)
		timeout = timer_wait_ms(&loop->timers, clock_mono_ms());
	if (log_waits()) {
		log_flush();
		timeout = timeout < 0 || timeout > LOG_RETRY_MS ? LOG_RETRY_MS
								: timeout;
	}
	loop->nready = epoll_wait(loop->epfd, loop->batch, EV_BATCH, timeout);
	assert(loop->nready >= 0 || errno == EINTR);
	loop->now_ms = clock_mono_ms();
}

void
ev_run(struct ev_loop *loop)
{
	while (!loop->stop) {
		wait_for_events(loop);
		for (loop->at = 0; loop->at < loop->nready; loop->at++) {
			struct epoll_event e = loop->batch[loop->at];
			struct ev_io *io = e.data.ptr;

			if (io != NULL) /* NULL: ev_del() was quicker */
				io->ready(io, e.events);
		}
		loop->nready = 0;
		timer_run(&loop->timers, loop->now_ms);
		run_tasks(loop);
	}
	loop->stop = false;
}

void
ev_stop(struct ev_loop *loop)
{
	loop->stop = true;
}
