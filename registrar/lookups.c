/* Asks the lookup process; who is told late is not told at all. */
#include "registrar/lookups.h"

#include <bsd/string.h>
#include <errno.h>

#include "lib/container.h"
#include "lib/log.h"

#define TELL_MS 60000 /* one that fails now and then is told of once */

/* Told once, until it works again; why NULL: it does. */
static void
note(struct lookups *l, const char *why)
{
	uint64_t now = l->loop->now_ms;

	if (why == NULL && l->failing)
		log_event(LOG_NOTICE, "accounts-work", "again");
	if (why == NULL)
		l->failing = false;
	if (why == NULL || l->failing || now < l->quiet_ms)
		return;
	log_event(LOG_WARNING, "accounts-failed", "%s", why);
	l->failing = true;
	l->quiet_ms = now + TELL_MS;
}

static void
finish(struct account_query *q, enum ident_fault fault, const char *user)
{
	lookups_cancel_account(q);
	q->done(q, fault, span_str(user));
}

/* Nobody has asked: it came too late. */
static void
take_account(struct lookups *l, const struct lookup_answer *a)
{
	struct account_query *q;

	TAILQ_FOREACH(q, &l->asked, entry)
	if (q->id == a->id)
		break;
	if (q == NULL)
		return;
	note(l, *a->why != '\0' ? a->why : NULL);
	finish(q, *a->why != '\0' ? IDENT_UNREACHABLE : IDENT_FINE, a->name);
}

static void
answered(struct ev_io *io, uint32_t events)
{
	struct lookups *l = container_of(io, struct lookups, io);
	struct lookup_answer a;
	int got = lookup_read_answer(io->fd, &a);

	(void)events;
	if (got == -1 && errno == EAGAIN)
		return;
	if (got == 0) { /* the master, which holds the other end, is gone */
		ev_del(l->loop, io);
		return;
	}
	if (got != 1 || (a.kind == LOOKUP_HOST && l->host == NULL))
		log_event(LOG_ERR, "lookup-confused", "an answer to nothing");
	else if (a.kind == LOOKUP_HOST)
		l->host(l->arg, &a);
	else
		take_account(l, &a);
}

static void
expire(struct timer *timer)
{
	struct account_query *q =
	    container_of(timer, struct account_query, timer);

	note(q->lookups, "no answer in time");
	finish(q, IDENT_TIMEOUT, "");
}

int
lookups_open(struct lookups *l, struct ev_loop *loop, int sock)
{
	*l = (struct lookups){ .io = { sock, answered }, .loop = loop };
	TAILQ_INIT(&l->asked);
	return sock == -1 ? 0 : ev_add(loop, &l->io, EPOLLIN);
}

void
lookups_close(struct lookups *l)
{
	if (l->loop != NULL && l->io.fd != -1)
		ev_del(l->loop, &l->io);
}

bool
lookups_ask_host(struct lookups *l, uint32_t id, const char *name)
{
	struct lookup_question q = { .id = id, .kind = LOOKUP_HOST };

	strlcpy(q.name, name, sizeof(q.name));
	return l->io.fd != -1 && lookup_ask(l->io.fd, &q);
}

void
lookups_ask_account(
    struct lookups *l, struct account_query *q, uid_t uid, uint64_t timeout_ms)
{
	struct lookup_question said = {
		.id = ++l->last_id, .kind = LOOKUP_ACCOUNT, .uid = uid
	};

	q->lookups = l;
	q->id = said.id;
	q->timer.fire = expire;
	TAILQ_INSERT_TAIL(&l->asked, q, entry);
	if (l->io.fd == -1 || !lookup_ask(l->io.fd, &said))
		timeout_ms = 0;
	timer_set(&l->loop->timers, &q->timer, l->loop->now_ms + timeout_ms);
}

void
lookups_cancel_account(struct account_query *q)
{
	if (q->lookups == NULL)
		return;
	timer_clear(&q->lookups->loop->timers, &q->timer);
	TAILQ_REMOVE(&q->lookups->asked, q, entry);
	q->lookups = NULL;
}
