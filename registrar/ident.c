/* A client of identd: asks asynchronously, reads the answer strictly. */
#include "registrar/ident.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "lib/container.h"
#include "lib/sock.h"

static const char *const fault_names[] = {
	[IDENT_FINE] = "fine",
	[IDENT_UNREACHABLE] = "unreachable",
	[IDENT_TIMEOUT] = "timeout",
	[IDENT_TOO_LONG] = "too-long",
	[IDENT_MALFORMED] = "malformed",
	[IDENT_OTHER_PORTS] = "other-ports",
	[IDENT_ERROR] = "error",
};

const char *
ident_fault_name(enum ident_fault fault)
{
	return fault_names[fault];
}

/* The answer, taken apart from its front. */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
skip_blanks(struct span *s)
{
	while (s->len > 0 && is_blank(*s->ptr))
		*s = span_from(*s, 1);
}

/* One to five digits, with blanks around them. */
static bool
take_port(struct span *s, unsigned *port)
{
	size_t digits = 0;

	*port = 0;
	skip_blanks(s);
	while (s->len > 0 && *s->ptr >= '0' && *s->ptr <= '9') {
		if (++digits > 5)
			return false;
		*port = *port * 10 + (unsigned)(*s->ptr - '0');
		*s = span_from(*s, 1);
	}
	skip_blanks(s);
	return digits > 0;
}

static bool
take_char(struct span *s, char c)
{
	if (s->len == 0 || *s->ptr != c)
		return false;
	*s = span_from(*s, 1);
	return true;
}

/* What stands before the next colon, without blanks around it. */
static bool
take_word(struct span *s, struct span *word)
{
	const char *colon = s->len > 0 ? memchr(s->ptr, ':', s->len) : NULL;

	if (colon == NULL)
		return false;
	*word = (struct span){ s->ptr, (size_t)(colon - s->ptr) };
	*s = span_from(*s, word->len + 1);
	skip_blanks(word);
	while (word->len > 0 && is_blank(word->ptr[word->len - 1]))
		word->len--;
	return word->len > 0;
}

/* The one line, without its end.  Its bytes are printable ASCII and blanks. */
static bool
take_line(struct span reply, struct span *line)
{
	*line = reply;
	if (line->len == 0 || line->ptr[--line->len] != '\n')
		return false;
	if (line->len > 0 && line->ptr[line->len - 1] == '\r')
		line->len--;
	for (size_t i = 0; i < line->len; i++)
		if (!is_blank(line->ptr[i]) &&
		    (line->ptr[i] < 0x21 || line->ptr[i] > 0x7e))
			return false;
	return true;
}

enum ident_fault
ident_parse(
    struct span reply, uint16_t theirs, uint16_t ours, struct span *user)
{
	struct span line, type, opsys;
	unsigned port[2];

	if (reply.len > IDENT_REPLY_MAX)
		return IDENT_TOO_LONG;
	if (!take_line(reply, &line) || !take_port(&line, &port[0]) ||
	    !take_char(&line, ',') || !take_port(&line, &port[1]) ||
	    !take_char(&line, ':'))
		return IDENT_MALFORMED;
	if (port[0] != theirs || port[1] != ours)
		return IDENT_OTHER_PORTS;
	if (!take_word(&line, &type))
		return IDENT_MALFORMED;
	if (span_eq(type, SPAN("ERROR")))
		return IDENT_ERROR;
	if (!span_eq(type, SPAN("USERID")) || !take_word(&line, &opsys))
		return IDENT_MALFORMED;

	skip_blanks(&line); /* those in front only: the rest is the name */
	if (line.len == 0 || line.len > IDENT_USER_MAX)
		return IDENT_MALFORMED;
	*user = line;
	return IDENT_FINE;
}

/* The hosts take turns, so that nobody waits for another host's identd. */

/*
 * Questions under way that one host may have: the more there are of all, the
 * fewer, so that dead hosts, each with as many as it may, leave others a place.
 */
static unsigned
host_max(const struct ident *ident)
{
	if (ident->asking < IDENT_ASK_MAX / 2)
		return IDENT_HOST_MAX;
	return ident->asking < IDENT_ASK_MAX * 3 / 4 ? IDENT_HOST_MAX / 2 : 1;
}

/* A host with a question to send, and fewer under way than it may ever have. */
static void
queue_host(struct ident *ident, struct peer *peer)
{
	if (peer->queued || TAILQ_EMPTY(&peer->waiting) ||
	    peer->asking >= IDENT_HOST_MAX)
		return;
	TAILQ_INSERT_TAIL(&ident->turns, peer, turn);
	peer->queued = true;
	ev_later(ident->loop, &ident->pump);
}

static void
unqueue_host(struct ident *ident, struct peer *peer)
{
	TAILQ_REMOVE(&ident->turns, peer, turn);
	peer->queued = false;
}

/* Take a question out, wherever it is. */
static void
forget(struct ident_query *q)
{
	struct ident *ident = q->ident;

	timer_clear(&ident->loop->timers, &q->timer);
	if (q->io.fd != -1) {
		ev_close(ident->loop, &q->io);
		ident->asking--;
		q->peer->asking--;
		queue_host(ident, q->peer);
		if (!TAILQ_EMPTY(&ident->turns))
			ev_later(ident->loop, &ident->pump);
	} else {
		TAILQ_REMOVE(&q->peer->waiting, q, entry);
		if (TAILQ_EMPTY(&q->peer->waiting) && q->peer->queued)
			unqueue_host(ident, q->peer);
	}
	q->ident = NULL;
}

static void
finish(struct ident_query *q, enum ident_fault fault, struct span user)
{
	struct ident *ident = q->ident;
	uint64_t ms = ident->loop->now_ms - q->asked_ms;

	ident->ended[fault]++;
	ident->times[counters_time_slot(ms)]++;
	ident->took_ms += ms;
	forget(q);
	q->done(q, fault, user);
}

static void
fail(struct ident_query *q, enum ident_fault fault)
{
	finish(q, fault, (struct span){ NULL, 0 });
}

static void
expire(struct timer *timer)
{
	fail(container_of(timer, struct ident_query, timer), IDENT_TIMEOUT);
}

/* Connected, or not: send the question; it fits into an empty socket. */
static bool
send_question(struct ident_query *q)
{
	char text[32];
	int len;

	len = snprintf(text, sizeof(text), "%u , %u\r\n", q->theirs, q->ours);
	q->sent = send(q->io.fd, text, (size_t)len, MSG_NOSIGNAL) == len;
	return q->sent;
}

/*
 * Take in what is there.  False: not all of the answer yet.  All that has
 * come by the end of the first line is judged, so a second line is seen.
 */
static bool
receive_answer(struct ident_query *q, enum ident_fault *fault)
{
	ssize_t n;

	*fault = IDENT_FINE;
	while (q->len < sizeof(q->reply)) {
		n = recv(
		    q->io.fd, q->reply + q->len, sizeof(q->reply) - q->len, 0);
		if (n > 0) {
			q->len = (uint16_t)(q->len + n);
			continue;
		}
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return memchr(q->reply, '\n', q->len) != NULL;
		if (q->len == 0)
			*fault = IDENT_UNREACHABLE;
		return true;
	}
	*fault = IDENT_TOO_LONG;
	return true;
}

static void
on_ready(struct ev_io *io, uint32_t events)
{
	struct ident_query *q = container_of(io, struct ident_query, io);
	struct span user = { NULL, 0 };
	enum ident_fault fault;

	if (!q->sent && !send_question(q)) {
		fail(q, IDENT_UNREACHABLE);
		return;
	}
	if ((events & ~(uint32_t)EPOLLOUT) == 0 || !receive_answer(q, &fault))
		return;
	if (fault == IDENT_FINE)
		fault = ident_parse((struct span){ q->reply, q->len },
		    q->theirs, q->ours, &user);
	finish(q, fault, user);
}

/* Its turn has come.  False: this host cannot be reached at all. */
static bool
start(struct ident *ident, struct ident_query *q)
{
	int fd = sock_connect(&q->to, &q->from);

	if (fd == -1)
		return false;
	q->io = (struct ev_io){ .fd = fd, .ready = on_ready };
	if (ev_add(ident->loop, &q->io, EPOLLIN | EPOLLOUT | EPOLLET) == -1) {
		close(fd);
		q->io.fd = -1;
		return false;
	}
	TAILQ_REMOVE(&q->peer->waiting, q, entry);
	ident->asking++;
	q->peer->asking++;
	return true;
}

/* The first that may have one more now; those before it have some already. */
static struct peer *
next_host(const struct ident *ident)
{
	unsigned max = host_max(ident);
	struct peer *peer = TAILQ_FIRST(&ident->turns);

	while (peer != NULL && peer->asking >= max)
		peer = TAILQ_NEXT(peer, turn);
	return peer;
}

/* Send as many questions as may be under way, one a host and round. */
static void
pump(struct ev_task *task)
{
	struct ident *ident = container_of(task, struct ident, pump);
	struct ident_query *q;
	struct peer *peer;

	while (ident->asking < IDENT_ASK_MAX &&
	       (peer = next_host(ident)) != NULL) {
		q = TAILQ_FIRST(&peer->waiting);
		if (!start(ident, q)) {
			fail(q, IDENT_UNREACHABLE);
			continue;
		}
		unqueue_host(ident, peer);
		queue_host(ident, peer);
	}
}

bool
ident_believed(const struct conf *conf, const struct ip *host)
{
	for (size_t i = 0; i < conf->nident_networks; i++)
		if (cidr_contains(&conf->ident_networks[i], host))
			return true;
	return false;
}

void
ident_init(struct ident *ident, struct ev_loop *loop, uint16_t port,
    uint64_t timeout_ms)
{
	*ident = (struct ident){ .loop = loop,
		.port = port,
		.timeout_ms = timeout_ms,
		.pump.run = pump };
	TAILQ_INIT(&ident->turns);
}

void
ident_ask(struct ident *ident, struct ident_query *q, struct peer *peer,
    const struct addr *local, const struct addr *remote)
{
	struct ip here, there;
	bool ips = addr_ip(local, &here) && addr_ip(remote, &there);

	assert(ips);
	q->ident = ident;
	q->peer = peer;
	q->io.fd = -1;
	q->theirs = addr_port(remote);
	q->ours = addr_port(local);
	q->len = 0;
	q->sent = false;
	q->asked_ms = ident->loop->now_ms;
	addr_set(&q->from, &here, 0);
	addr_set(&q->to, &there, ident->port);
	q->timer.fire = expire;
	timer_set(&ident->loop->timers, &q->timer,
	    ident->loop->now_ms + ident->timeout_ms);
	TAILQ_INSERT_TAIL(&peer->waiting, q, entry);
	queue_host(ident, peer);
}

void
ident_cancel(struct ident_query *q)
{
	if (q->ident != NULL)
		forget(q);
}
