/* Takes a connection through its states, whatever is spoken on it. */
#include "registrar/client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/container.h"
#include "lib/log.h"
#include "registrar/process.h"

#define RECEIVE_MAX 4096     /* bytes taken by one recv(2) */
#define ANSWER_MS 30000	     /* a reader may take for an answer */
#define LINGER_MS 2000	     /* to read the last of it */
#define LINGER_MAX (1 << 20) /* bytes thrown away meanwhile */
#define FULL_LOG_MS 60000    /* that there is no room: once in so long */

static enum client_state
step_request(struct client *c)
{
	ssize_t n;

	while (!c->complete && !c->answered && !c->ended && !c->expired) {
		n = buf_recv(&c->in, c->io.fd, RECEIVE_MAX);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return CLIENT_REQUEST;
		if (n == -1)
			return CLIENT_CLOSED;
		c->ended = n == 0;
		c->kind->received(c);
	}
	if (c->expired && !c->answered)
		c->kind->expired(c);
	if (c->answered || c->expired)
		return CLIENT_ANSWER;
	return c->complete ? CLIENT_WORK : CLIENT_CLOSED;
}

static enum client_state
step_work(struct client *c)
{
	if (c->hung_up)
		return CLIENT_CLOSED;
	if (c->expired && !c->answered)
		c->kind->expired(c);
	return c->answered || c->expired ? CLIENT_ANSWER : CLIENT_WORK;
}

static enum client_state
step_answer(struct client *c)
{
	if (c->hung_up || c->expired)
		return CLIENT_CLOSED;
	while (buf_len(&c->out) > 0)
		if (buf_send(&c->out, c->io.fd) == -1)
			return errno == EAGAIN || errno == EINTR
				   ? CLIENT_ANSWER
				   : CLIENT_CLOSED;
	/* one piece in a turn of the loop: the others want theirs, too */
	if (c->kind->more != NULL && c->kind->more(c))
		return CLIENT_ANSWER;
	if (c->stays) {
		c->answered = c->complete = false;
		return CLIENT_STAY;
	}
	shutdown(c->io.fd, SHUT_WR);
	return CLIENT_LINGER;
}

static enum client_state
step_stay(struct client *c)
{
	ssize_t n;

	while (c->stays && !c->hung_up) {
		if (!c->kind->said(c))
			break;
		if (c->answered)
			return CLIENT_ANSWER;
		if (c->complete)
			return CLIENT_WORK;
		n = buf_recv(&c->in, c->io.fd, RECEIVE_MAX);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return CLIENT_STAY;
		if (n <= 0)
			break;
	}
	return CLIENT_CLOSED;
}

/* Closing with bytes unread would reset the answer away (RFC 9112 9.6). */
static enum client_state
step_linger(struct client *c)
{
	char scrap[RECEIVE_MAX];
	ssize_t n;

	while (!c->expired && c->drained < LINGER_MAX) {
		n = recv(c->io.fd, scrap, sizeof(scrap), 0);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return CLIENT_LINGER;
		if (n <= 0)
			break;
		c->drained += (uint64_t)n;
	}
	return CLIENT_CLOSED;
}

#define TO(state) (1u << CLIENT_##state)

static const struct {
	enum client_state (*step)(struct client *c); /* same back: wait */
	uint32_t events;
	unsigned next; /* what may follow */
} states[CLIENT_STATES] = {
	[CLIENT_REQUEST] = { step_request, EPOLLIN,
	    TO(WORK) | TO(ANSWER) | TO(CLOSED) },
	[CLIENT_WORK] = { step_work, 0, TO(ANSWER) | TO(CLOSED) },
	[CLIENT_ANSWER] = { step_answer, EPOLLOUT,
	    TO(STAY) | TO(LINGER) | TO(CLOSED) },
	[CLIENT_STAY] = { step_stay, EPOLLIN,
	    TO(WORK) | TO(ANSWER) | TO(CLOSED) },
	[CLIENT_LINGER] = { step_linger, EPOLLIN, TO(CLOSED) },
	[CLIENT_CLOSED] = { NULL, 0, 0 },
};

static uint64_t
state_ms(const struct client *c)
{
	switch (c->state) {
	case CLIENT_REQUEST:
		return c->request_ms;
	case CLIENT_WORK:
		return c->work_ms;
	case CLIENT_ANSWER:
		return c->patient ? 0 : ANSWER_MS;
	case CLIENT_STAY:
		return 0; /* the kernel finds out when nobody is there */
	default:
		return LINGER_MS;
	}
}

static void
set_deadline(struct client *c, uint64_t ms)
{
	struct ev_loop *loop = &c->r->loop;

	timer_clear(&loop->timers, &c->timer);
	if (ms > 0)
		timer_set(&loop->timers, &c->timer, loop->now_ms + ms);
}

static void
free_client(struct client *c)
{
	struct registrar *r = c->r;

	c->kind->closed(c);
	timer_clear(&r->loop.timers, &c->timer);
	ev_forget(&r->loop, &c->task);
	ev_close(&r->loop, &c->io);
	LIST_REMOVE(c, entry);
	r->clients.open[c->kind->listener]--;
	buf_release(&c->in);
	buf_release(&c->out);
	free(c);
}

/*
 * Watch for what its state waits for.  What it does not wait for may go on
 * being watched until that disturbs: mostly the next state waits for it again.
 */
static void
watch(struct client *c, bool disturbed)
{
	uint32_t wanted = states[c->state].events;

	if ((wanted & ~c->watched) == 0 && !disturbed)
		return;
	if (wanted != c->watched)
		ev_mod(&c->r->loop, &c->io, wanted);
	c->watched = wanted;
}

/* Run a client until it has to wait or is gone: every event ends here. */
static void
run(struct client *c, bool disturbed)
{
	enum client_state next;

	while ((next = states[c->state].step(c)) != c->state) {
		assert(states[c->state].next & 1u << next);
		if (next == CLIENT_CLOSED) {
			free_client(c);
			return;
		}
		c->state = next;
		c->expired = false;
		set_deadline(c, state_ms(c));
	}
	watch(c, disturbed);
}

static void
on_ready(struct ev_io *io, uint32_t events)
{
	struct client *c = container_of(io, struct client, io);

	if (events & (EPOLLHUP | EPOLLERR))
		c->hung_up = true;
	run(c, (events & (EPOLLIN | EPOLLOUT) & ~states[c->state].events) != 0);
}

static void
on_timer(struct timer *timer)
{
	struct client *c = container_of(timer, struct client, timer);

	c->expired = true;
	run(c, false);
}

static void
on_task(struct ev_task *task)
{
	run(container_of(task, struct client, task), false);
}

/*
 * One too many: tell it without keeping anything of it.  What it has sent is
 * taken out, or closing would reset the answer away.
 */
static void
turn_away(int fd, const char *why)
{
	char scrap[RECEIVE_MAX];

	if (recv(fd, scrap, sizeof(scrap), 0) == 0)
		return;
	send(fd, why, strlen(why), MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
}

static struct client *
new_client(struct registrar *r, const struct client_kind *kind, int fd,
    const struct addr *peer)
{
	struct client *c = calloc(1, kind->size);

	if (c == NULL)
		return NULL;
	c->io = (struct ev_io){ .fd = fd, .ready = on_ready };
	c->timer.fire = on_timer;
	c->task.run = on_task;
	c->r = r;
	c->kind = kind;
	c->peer = *peer;
	c->number = r->clients.opened++;
	buf_init(&c->in, kind->request_max);
	buf_init(&c->out, CLIENT_ANSWER_MAX);
	c->watched = states[c->state].events;
	if (ev_add(&r->loop, &c->io, c->watched) == -1) {
		free(c);
		return NULL;
	}
	LIST_INSERT_HEAD(&r->clients.list, c, entry);
	r->clients.open[kind->listener]++;
	return c;
}

/* Is there a place for one more, with this descriptor? */
static bool
has_room(struct registrar *r, const struct client_kind *kind, int fd)
{
	struct clients *clients = &r->clients;
	unsigned open = clients->open[kind->listener];
	uint64_t now = r->loop.now_ms;

	if (kind->open_max > 0)
		return open < kind->open_max;
	if (fd < clients->fd_end)
		return true;
	if (clients->full_ms == 0 || now - clients->full_ms >= FULL_LOG_MS) {
		log_event(LOG_WARNING, "registrations-full",
		    "open=%u: the descriptors left are for others", open);
		clients->full_ms = now;
	}
	return false;
}

void
client_open_take(struct registrar *r, const struct client_kind *kind, int fd,
    const struct addr *peer)
{
	struct client *c = NULL;
	const char *why;

	if (has_room(r, kind, fd))
		c = new_client(r, kind, fd, peer);
	if (c == NULL) {
		turn_away(fd, kind->full);
		close(fd);
		return;
	}
	why = kind->opened(c);
	if (why != NULL) {
		turn_away(fd, why);
		free_client(c);
		return;
	}
	set_deadline(c, state_ms(c));
}

void
client_work(struct client *c)
{
	c->complete = true;
}

void
client_work_within(struct client *c, uint64_t ms)
{
	c->work_ms = ms;
	if (c->state == CLIENT_WORK)
		set_deadline(c, ms);
}

void
client_answer(struct client *c)
{
	c->answered = true;
	ev_later(&c->r->loop, &c->task);
}

void
client_end(struct client *c)
{
	c->stays = false;
	if (c->patient && c->state == CLIENT_ANSWER)
		set_deadline(c, ANSWER_MS); /* who does not read has had his time */
	ev_later(&c->r->loop, &c->task);
}

void
clients_init(struct clients *clients)
{
	struct rlimit limit = { .rlim_cur = 1024 };

	*clients = (struct clients){ .opened = 0 };
	getrlimit(RLIMIT_NOFILE, &limit);
	clients->fd_end = (int)(limit.rlim_cur / 8 * 7);
}

void
clients_end_stays(struct clients *clients)
{
	struct client *c, *next;

	for (c = LIST_FIRST(&clients->list); c != NULL; c = next) {
		next = LIST_NEXT(c, entry);
		if (c->state == CLIENT_STAY || c->patient)
			free_client(c);
	}
}

unsigned
clients_open(const struct clients *clients)
{
	unsigned open = 0;

	for (size_t i = 0; i <= LISTEN_MASTER; i++)
		open += clients->open[i];
	return open;
}

void
clients_close(struct clients *clients)
{
	while (!LIST_EMPTY(&clients->list))
		free_client(LIST_FIRST(&clients->list));
}
