/* One connection to Redis: connect, greet, commands out, replies in, back-off.
 */
#include "registrar/redis.h"

#include <assert.h>
#include <bsd/string.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/sock.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define LASTING_MS 5000 /* up for so long: the next try may be at once */
#define READ_MAX 16384
#define LATE_READS_MAX 64 /* of these, when an answer is late */
#define WORDS_MAX 32	  /* of redis_command(), with its NULL */

struct redis_owed {
	TAILQ_ENTRY(redis_owed) entry;
	redis_answer *answer; /* NULL: nobody waits */
	size_t more;	      /* of the same kind right after it */
	void *arg;
	uint64_t due_ms;
};

static struct redis *
redis_of_timer(struct timer *t)
{
	return container_of(t, struct redis, timer);
}

static struct redis *
redis_of_io(struct ev_io *io)
{
	return container_of(io, struct redis, io);
}

static void
enter(struct redis *c, enum redis_state state)
{
	c->state = state;
	c->since_ms = clock_mono_ms();
}

/* Half of the time is chance: nodes that lost one Redis come back spread. */
static uint64_t
backoff_ms(unsigned tries)
{
	uint64_t ms = BACKOFF_MIN_MS;

	while (tries-- > 0 && ms < BACKOFF_MAX_MS)
		ms *= 2;
	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	return ms / 2 + arc4random_uniform((uint32_t)(ms / 2 + 1));
}

/* Whoever waits for the oldest reply gets this one, or NULL. */
static void
answer_oldest(struct redis *c, const redisReply *reply)
{
	struct redis_owed *owed = TAILQ_FIRST(&c->owed);

	if (owed->answer == NULL && owed->more > 0) {
		owed->more--;
		owed->due_ms = c->loop->now_ms + REDIS_ANSWER_MS;
		return;
	}
	TAILQ_REMOVE(&c->owed, owed, entry);
	if (owed->answer != NULL)
		owed->answer(owed->arg, reply);
	free(owed);
}

/* Release what the connection had; nobody is told yet. */
static void
drop(struct redis *c)
{
	ev_forget(c->loop, &c->flush);
	timer_clear(&c->loop->timers, &c->timer);
	if (c->io.fd != -1) {
		ev_del(c->loop, &c->io);
		close(c->io.fd);
		c->io.fd = -1;
	}
	redis_reader_close(&c->replies);
	buf_release(&c->out);
	c->generation++;
	enter(c, REDIS_APART);
}

void
redis_lose(struct redis *c, const char *why)
{
	struct redis_owed_list owed = TAILQ_HEAD_INITIALIZER(owed);
	bool lasted =
	    c->state == REDIS_UP && clock_mono_ms() - c->since_ms >= LASTING_MS;
	char reason[160]; /* why may belong to what is released here */

	if (c->state == REDIS_APART)
		return;
	strlcpy(reason, why, sizeof(reason)); /* cut is fine in a log line */
	drop(c);
	c->tries = lasted ? 0 : c->tries + 1;
	timer_set(
	    &c->loop->timers, &c->timer, c->since_ms + backoff_ms(c->tries));
	TAILQ_CONCAT(&owed, &c->owed, entry);
	while (!TAILQ_EMPTY(&owed)) {
		struct redis_owed *o = TAILQ_FIRST(&owed);

		TAILQ_REMOVE(&owed, o, entry);
		if (o->answer != NULL)
			o->answer(o->arg, NULL);
		free(o);
	}
	c->ops->down(c, reason);
}

/* The reply that is too large belongs to the oldest command, if to any. */
static void
refuse_reply(struct redis *c)
{
	static char text[] = REDIS_TOO_LARGE " the reply is over 4 MiB";
	const redisReply reply = {
		.type = REDIS_REPLY_ERROR,
		.str = text,
		.len = sizeof(text) - 1,
	};
	uint64_t generation = c->generation;

	if (!TAILQ_EMPTY(&c->owed))
		answer_oldest(c, &reply);
	if (c->generation == generation)
		redis_lose(c, text);
}

static bool
is_message(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
	       reply->element[0]->type == REDIS_REPLY_STRING &&
	       strcmp(reply->element[0]->str, "message") == 0;
}

static void
take_reply(struct redis *c, const redisReply *reply)
{
	if (c->ops->message != NULL && is_message(reply))
		c->ops->message(c, reply);
	else if (!TAILQ_EMPTY(&c->owed))
		answer_oldest(c, reply);
	else if (reply->type == REDIS_REPLY_ERROR)
		redis_lose(c, reply->str);
	else
		redis_lose(c, "a reply that nobody asked for");
}

/* False: nothing has come, or the connection is lost. */
static bool
receive(struct redis *c)
{
	uint64_t generation = c->generation;
	char bytes[READ_MAX];
	ssize_t n = read(c->io.fd, bytes, sizeof(bytes));
	enum reply_got got;
	redisReply *reply;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		redis_lose(c, n == 0 ? "closed by Redis" : strerror(errno));
		return false;
	}
	redis_reader_feed(&c->replies, bytes, (size_t)n);
	while ((got = redis_reader_next(&c->replies, &reply)) == REPLY_WHOLE) {
		take_reply(c, reply);
		freeReplyObject(reply);
		if (c->generation != generation)
			return false;
	}
	if (got == REPLY_TOO_LARGE)
		refuse_reply(c);
	else if (got == REPLY_BROKEN)
		redis_lose(c, redis_reader_fault(&c->replies));
	return c->generation == generation;
}

static void
flush(struct redis *c)
{
	while (buf_len(&c->out) > 0) {
		ssize_t n = buf_send(&c->out, c->io.fd);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			break;
		if (n == -1) {
			redis_lose(c, strerror(errno));
			return;
		}
	}
	if (ev_mod(c->loop, &c->io,
		buf_len(&c->out) > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN) == -1)
		redis_lose(c, strerror(errno));
}

static void
flush_later(struct ev_task *task)
{
	flush(container_of(task, struct redis, flush));
}

/* "$<n>\r\n": a length, by hand since each word has one. */
static bool
append_length(struct buf *out, char kind, size_t n)
{
	char text[24], *at = text + sizeof(text);

	*--at = '\n';
	*--at = '\r';
	do
		*--at = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	*--at = kind;
	return buf_append(out, at, (size_t)(text + sizeof(text) - at));
}

static bool
append_word(struct buf *out, const char *word)
{
	size_t len = strlen(word);

	return append_length(out, '$', len) && buf_append(out, word, len) &&
	       buf_append(out, "\r\n", 2);
}

/* All of a command or nothing of it is put into the buffer. */
static bool
append_command(struct buf *out, const char *const words[], size_t n)
{
	size_t before = buf_len(out);
	bool fits = append_length(out, '*', n);

	for (size_t i = 0; fits && i < n; i++)
		fits = append_word(out, words[i]);
	if (!fits)
		out->tail = out->head + before;
	return fits;
}

static bool
command(struct redis *c, redis_answer *answer, void *arg,
    const char *const words[], size_t n)
{
	struct redis_owed *owed = TAILQ_LAST(&c->owed, redis_owed_list);

	/* a transaction has hundreds of these */
	if (answer == NULL && owed != NULL && owed->answer == NULL) {
		if (!append_command(&c->out, words, n))
			return false;
		owed->more++;
		ev_later(c->loop, &c->flush); /* those before may have gone */
		return true;
	}
	owed = calloc(1, sizeof(*owed));
	if (owed == NULL)
		return false;
	if (!append_command(&c->out, words, n)) {
		free(owed);
		return false;
	}
	owed->answer = answer;
	owed->arg = arg;
	owed->due_ms = clock_mono_ms() + REDIS_ANSWER_MS;
	if (TAILQ_EMPTY(&c->owed))
		timer_set(&c->loop->timers, &c->timer, owed->due_ms);
	TAILQ_INSERT_TAIL(&c->owed, owed, entry);
	ev_later(c->loop, &c->flush);
	return true;
}

/* The words of a command up to its NULL.  Returns how many. */
static size_t
collect(const char *words[WORDS_MAX], va_list ap)
{
	size_t n = 0;

	while ((words[n] = va_arg(ap, const char *)) != NULL) {
		n++;
		assert(n < WORDS_MAX);
	}
	return n;
}

bool
redis_command(struct redis *c, redis_answer *answer, void *arg, ...)
{
	const char *words[WORDS_MAX];
	va_list ap;
	size_t n;

	va_start(ap, arg);
	n = collect(words, ap);
	va_end(ap);
	return c->state == REDIS_UP && command(c, answer, arg, words, n);
}

/* As redis_command(), before the connection is up. */
static bool
greet_with(struct redis *c, redis_answer *answer, ...)
{
	const char *words[WORDS_MAX];
	va_list ap;
	size_t n;

	va_start(ap, answer);
	n = collect(words, ap);
	va_end(ap);
	return command(c, answer, c, words, n);
}

static void
authenticated(void *arg, const redisReply *reply)
{
	struct redis *c = arg;

	if (reply != NULL && reply->type != REDIS_REPLY_STATUS)
		redis_lose(c, redis_error(reply, "no answer to AUTH"));
}

static void
greeted(void *arg, const redisReply *reply)
{
	struct redis *c = arg;

	if (reply == NULL)
		return;
	if (reply->type == REDIS_REPLY_STATUS &&
	    strcmp(reply->str, "PONG") == 0) {
		enter(c, REDIS_UP);
		c->ops->up(c);
	} else {
		redis_lose(
		    c, redis_error(reply, "not a Redis: no answer to PING"));
	}
}

static bool
authenticate(struct redis *c)
{
	if (*c->password == '\0')
		return true;
	if (*c->user == '\0')
		return greet_with(c, authenticated, "AUTH", c->password, NULL);
	return greet_with(c, authenticated, "AUTH", c->user, c->password, NULL);
}

static void
greet(struct redis *c)
{
	int error = sock_error(c->io.fd);

	if (error != 0) {
		redis_lose(c, strerror(error));
		return;
	}
	enter(c, REDIS_GREETING);
	if (!authenticate(c) || !greet_with(c, greeted, "PING", NULL))
		redis_lose(c, "out of memory");
}

static void
connection_ready(struct ev_io *io, uint32_t events)
{
	struct redis *c = redis_of_io(io);
	uint64_t generation = c->generation;

	if (c->state == REDIS_CONNECTING) {
		greet(c);
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		receive(c);
	if (c->generation == generation && events & EPOLLOUT)
		flush(c);
}

static void
try_connect(struct redis *c)
{
	enter(c, REDIS_CONNECTING);
	timer_set(&c->loop->timers, &c->timer, c->since_ms + REDIS_ANSWER_MS);
	if (c->addr->len == 0) {
		redis_lose(c, "it is not known where it is");
		return;
	}
	c->io.fd = sock_connect(c->addr, NULL);
	if (c->io.fd == -1 || !redis_reader_open(&c->replies)) {
		redis_lose(c, strerror(errno));
		return;
	}
	if (c->addr->u.sa.sa_family != AF_UNIX)
		sock_nodelay(c->io.fd); /* slower without, not wrong */
	if (ev_add(c->loop, &c->io, EPOLLIN | EPOLLOUT) == -1)
		redis_lose(c, strerror(errno));
}

static bool
is_overdue(const struct redis *c)
{
	const struct redis_owed *oldest = TAILQ_FIRST(&c->owed);

	return oldest != NULL && oldest->due_ms <= clock_mono_ms();
}

/*
 * Has the oldest command waited too long?  Not when its answer has come and was
 * not read, since we are late: that much is read first.  Nothing owed: ask for
 * a sign.
 */
static void
look(struct redis *c)
{
	uint64_t generation = c->generation;
	unsigned reads = 0;

	while (is_overdue(c) && reads++ < LATE_READS_MAX && receive(c))
		;
	if (c->generation != generation)
		return;
	if (is_overdue(c))
		redis_lose(c, "no answer within a second");
	else if (!TAILQ_EMPTY(&c->owed))
		timer_set(
		    &c->loop->timers, &c->timer, TAILQ_FIRST(&c->owed)->due_ms);
	else if (!redis_command(c, NULL, NULL, "PING", NULL))
		redis_lose(c, "out of memory");
}

static void
fired(struct timer *t)
{
	struct redis *c = redis_of_timer(t);

	switch (c->state) {
	case REDIS_APART:
		try_connect(c);
		break;
	case REDIS_CONNECTING:
		redis_lose(c, "no connection within a second");
		break;
	case REDIS_GREETING:
	case REDIS_UP:
		look(c);
		break;
	}
}

void
redis_open(struct redis *c, struct ev_loop *loop, const struct addr *addr,
    const char *user, const char *password, const struct redis_ops *ops,
    void *owner)
{
	*c = (struct redis){
		.io = { .fd = -1, .ready = connection_ready },
		.loop = loop,
		.addr = addr,
		.user = user,
		.password = password,
		.ops = ops,
		.owner = owner,
		.timer = { .fire = fired },
		.flush = { .run = flush_later },
		.state = REDIS_APART,
	};
	buf_init(&c->out, REDIS_OUT_MAX);
	TAILQ_INIT(&c->owed);
	timer_set(&loop->timers, &c->timer, clock_mono_ms());
}

void
redis_moved(struct redis *c)
{
	redis_lose(c, "it is elsewhere now");
	c->tries = 0;
	timer_set(&c->loop->timers, &c->timer, clock_mono_ms());
}

void
redis_close(struct redis *c)
{
	drop(c);
	while (!TAILQ_EMPTY(&c->owed))
		answer_oldest(c, NULL);
}

bool
redis_is_error(const redisReply *reply, const char *kind)
{
	size_t len = strlen(kind);

	return reply->type == REDIS_REPLY_ERROR &&
	       strncmp(reply->str, kind, len) == 0 &&
	       (reply->str[len] == ' ' || reply->str[len] == '\0');
}
