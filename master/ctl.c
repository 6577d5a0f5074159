/* Answers dynproxyctl: what runs here, and the wish to stop it. */
#include "master/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/ctlexit.h"
#include "lib/ctlmsg.h"
#include "lib/log.h"
#include "lib/sock.h"
#include "master/certs.h"
#include "master/ending.h"
#include "master/listeners.h"
#include "master/master.h"
#include "master/places.h"
#include "master/reload.h"
#include "master/spawn.h"
#include "master/supervise.h"
#include "master/upgrade.h"
#include "shm/logring.h"

#define CLIENTS_MAX 16
#define CLIENT_LIFE_MS 5000   /* for one question and its answer */
#define RELOAD_LIFE_MS 120000 /* for one that changes a lot */

static const enum ctl_exit exit_codes[] = {
	[RELOAD_DONE] = CTL_DONE,
	[RELOAD_PARTLY] = CTL_PARTIAL,
	[RELOAD_REFUSED] = CTL_REFUSED,
	[RELOAD_AGAIN] = CTL_AGAIN,
};

/* How far the status was told. */
struct status_at {
	size_t child, certificate;
};

/* Who asks.  Freed by client_forget() only. */
struct ctl_client {
	LIST_ENTRY(ctl_client) entry;
	struct master *master; /* borrowed */
	struct ev_io io;       /* owns the descriptor */
	struct timer deadline;
	enum ctl_type awaits; /* the end of what it asked for; 0: nothing */
	unsigned answers; /* of the logger's until its own: USR1 may ask, too */
	struct status_at told;
};

/* Its socket is the caller's to close. */
static int
client_forget(struct ctl_client *client)
{
	struct master *m = client->master;
	int fd = client->io.fd;

	LIST_REMOVE(client, entry);
	m->nctl_clients--;
	timer_clear(&m->loop.timers, &client->deadline);
	ev_del(&m->loop, &client->io);
	free(client);
	return fd;
}

static void
client_free(struct ctl_client *client)
{
	close(client_forget(client));
}

static void
answer_end(int fd, enum ctl_exit exit_code)
{
	struct ctlmsg msg = { .type = CTL_END, .arg = exit_code };

	if (ctlmsg_send(fd, &msg, -1) == -1) /* it did not wait for us */
		log_event(LOG_DEBUG, "ctl-unanswered", "%s", strerror(errno));
}

static void
on_deadline(struct timer *t)
{
	struct ctl_client *client =
	    container_of(t, struct ctl_client, deadline);

	if (client->awaits != 0)
		answer_end(client->io.fd, CTL_AGAIN);
	client_free(client);
}

/* Text of any length, in pieces. */
static void
say(int fd, const char *text)
{
	struct ctlmsg msg = { .type = CTL_SAY };

	for (; *text != '\0'; text += strlen(msg.text)) {
		snprintf(msg.text, sizeof(msg.text), "%s", text);
		if (ctlmsg_send(fd, &msg, -1) == -1)
			return; /* as in answer_end() */
	}
}

/* Answer those who wait for the end of that. */
static void
tell(struct master *m, enum ctl_type what, enum ctl_exit exit_code,
    const char *says)
{
	struct ctl_client *client = LIST_FIRST(&m->ctl_clients), *next;

	for (; client != NULL; client = next) {
		next = LIST_NEXT(client, entry);
		if (client->awaits != what)
			continue;
		say(client->io.fd, says);
		answer_end(client->io.fd, exit_code);
		client_free(client);
	}
}

void
ctl_reopened(struct master *m, bool done)
{
	struct ctl_client *client;

	if (m->reopening > 0) /* or an image before us had asked */
		m->reopening--;
	LIST_FOREACH(client, &m->ctl_clients, entry)
	if (client->awaits == CTL_REOPEN && --client->answers == 0)
		client->awaits = CTL_REOPENED;
	tell(m, CTL_REOPENED, done ? CTL_DONE : CTL_REFUSED, "");
}

static void
reloaded(struct master *m, enum reload_end end, const char *says)
{
	tell(m, CTL_RELOAD, exit_codes[end], says);
}

/* Lines of the access log since the start: numbers, whoever wrote them. */
static void
add_log_counts(const struct master *m, char *text, size_t size)
{
	size_t n = strlen(text);
	struct logring_counts counts;
	struct logring_reader r;

	if (logring_reader_open(&r, m->segments[SEGMENT_LOG_RINGS].readonly,
		m->segments[SEGMENT_LOG_MARKS].readonly, false) == -1)
		return;
	logring_counts(&r, &counts);
	logring_reader_close(&r);
	snprintf(text + n, size - n, ", lines written=%llu dropped=%llu",
	    (unsigned long long)counts.written,
	    (unsigned long long)counts.dropped);
}

/* "worker 0 ready since 2026-11-22T10:00:00Z"; of an orphan nobody knows. */
static struct ctlmsg
tell_child(const struct child *child)
{
	struct ctlmsg msg = { .type = CTL_STATUS,
		.arg = child->slot,
		.value = (uint64_t)child->pid };
	char name[CHILD_NAME_MAX], when[CLOCK_UTC_SIZE];
	bool known = child->since_ms != 0;

	snprintf(msg.text, sizeof(msg.text), "%s %s%s%s",
	    child_name(child, name), child_state_name(child->state),
	    known ? " since " : "",
	    known ? clock_format_utc(child->since_ms, when) : "");
	if (child->role == ROLE_LOGGER)
		add_log_counts(child->master, msg.text, sizeof(msg.text));
	return msg;
}

static struct ctlmsg
tell_certificate(const struct cert_fact *fact)
{
	struct ctlmsg msg = { .type = CTL_CERTIFICATE,
		.value = (uint64_t)fact->not_after };

	snprintf(msg.text, sizeof(msg.text), "%s", fact->name);
	return msg;
}

/* The next message, which is the end when there is nothing more to tell. */
static struct ctlmsg
next_of_status(const struct master *m, struct status_at *at)
{
	struct cert_fact fact;

	while (at->child < m->nchildren) {
		const struct child *child = &m->children[at->child++];

		if (child->state != CHILD_OFF)
			return tell_child(child);
	}
	if (certs_next(m, &at->certificate, &fact))
		return tell_certificate(&fact);
	return (struct ctlmsg){ .type = CTL_END };
}

/*
 * All of the status, or as much as its socket takes: there may be thousands of
 * certificates.  True: the rest is told when it has read some.
 */
static bool
tell_status(struct ctl_client *client)
{
	struct master *m = client->master;
	struct status_at next;
	struct ctlmsg msg;

	do {
		next = client->told;
		msg = next_of_status(m, &next);
		if (ctlmsg_send(client->io.fd, &msg, -1) == -1)
			return errno == EAGAIN &&
			       ev_mod(&m->loop, &client->io, EPOLLOUT) == 0;
		client->told = next;
	} while (msg.type != CTL_END);
	return false;
}

/* Its answer comes at the end, or at once when another is under way. */
static void
ask_for(struct ctl_client *client, enum ctl_type what, struct ev_task *task)
{
	struct master *m = client->master;

	if (m->reload != NULL || m->upgrade != NULL) {
		say(client->io.fd,
		    "another reload or upgrade is under way: try again\n");
		answer_end(client->io.fd, CTL_AGAIN);
		return;
	}
	client->awaits = what;
	timer_set(&m->loop.timers, &client->deadline,
	    m->loop.now_ms + RELOAD_LIFE_MS);
	ev_later(&m->loop, task);
}

static void
upgrade_ended(struct master *m, enum reload_end end, const char *says)
{
	tell(m, CTL_UPGRADE, exit_codes[end], says);
}

/* In the next image somebody else answers. */
static void
begin_upgrade(struct ev_task *task)
{
	struct master *m = container_of(task, struct master, upgrade_asked);
	struct ctl_client *client;

	LIST_FOREACH(client, &m->ctl_clients, entry)
	if (client->awaits == CTL_UPGRADE)
		break;
	if (client != NULL)
		upgrade_begin(m, client->io.fd, upgrade_ended);
}

void
ctl_answer_take(int fd, enum reload_end end, const char *says)
{
	say(fd, says);
	answer_end(fd, exit_codes[end]);
	close(fd);
}

static void
begin_reload(struct ev_task *task)
{
	reload_begin(container_of(task, struct master, reload_asked), reloaded);
}

/* Its answer comes with the end, however long that takes. */
static void
stop(struct ctl_client *client, bool graceful)
{
	struct master *m = client->master;

	log_event(
	    LOG_NOTICE, "stop-asked", "graceful=%s", graceful ? "yes" : "no");
	client->awaits = CTL_STOP;
	timer_clear(&m->loop.timers, &client->deadline);
	if (graceful)
		ending_drain(m);
	else
		ending_begin(m);
}

static void
await_reopened(struct ctl_client *client)
{
	client->awaits = CTL_REOPEN;
	client->answers = client->master->reopening;
}

static void
answer(struct ctl_client *client, const struct ctlmsg *question)
{
	struct master *m = client->master;
	int fd = client->io.fd;

	switch (question->type) {
	case CTL_STATUS:
		client->awaits = tell_status(client) ? CTL_STATUS : 0;
		break;
	case CTL_STOP:
	case CTL_STOP_NOW:
		stop(client, question->type == CTL_STOP);
		break;
	case CTL_REOPEN:
		if (m->conf->access_log[0] == '\0')
			answer_end(fd, CTL_DONE);
		else if (supervise_reopen(m))
			await_reopened(client);
		else
			answer_end(fd, CTL_AGAIN);
		break;
	case CTL_RELOAD:
		ask_for(client, CTL_RELOAD, &m->reload_asked);
		break;
	case CTL_UPGRADE:
		ask_for(client, CTL_UPGRADE, &m->upgrade_asked);
		break;
	default:
		answer_end(fd, CTL_USAGE);
	}
}

/* One question, one answer, and out. */
static void
on_question(struct ev_io *io, uint32_t events)
{
	struct ctl_client *client = container_of(io, struct ctl_client, io);
	struct ctlmsg question;
	int got;

	(void)events;
	if (client->awaits == CTL_STATUS) { /* the rest of it */
		if (!tell_status(client))
			client_free(client);
		return;
	}
	got = ctlmsg_recv(io->fd, &question, NULL);
	if (got == -1 && errno == EAGAIN)
		return;
	if (got == 1)
		answer(client, &question);
	if (got != 1 || client->awaits == 0)
		client_free(client);
}

static bool
may_ask(int fd)
{
	uid_t uid;

	return sock_peer_uid(fd, &uid) == 0 && sock_uid_commands(uid);
}

static void
on_client(struct ev_io *io, uint32_t events)
{
	struct master *m = container_of(io, struct master, ctl);
	struct ctl_client *client = NULL;
	struct addr peer;
	int fd = sock_accept(io->fd, &peer);

	(void)events;
	if (fd == -1)
		return; /* it went away; or no descriptors: it waits */
	if (may_ask(fd) && m->nctl_clients < CLIENTS_MAX)
		client = calloc(1, sizeof(*client));
	if (client == NULL) {
		close(fd);
		return;
	}
	client->master = m;
	client->io = (struct ev_io){ fd, on_question };
	client->deadline.fire = on_deadline;
	if (ev_add(&m->loop, &client->io, EPOLLIN) == -1) {
		close(fd);
		free(client);
		return;
	}
	timer_set(&m->loop.timers, &client->deadline,
	    m->loop.now_ms + CLIENT_LIFE_MS);
	LIST_INSERT_HEAD(&m->ctl_clients, client, entry);
	m->nctl_clients++;
}

int
ctl_listen(struct master *m)
{
	if (m->ctl.fd != -1)
		ev_del(&m->loop, &m->ctl);
	m->ctl = (struct ev_io){ -1, on_client };
	for (size_t i = 0; i < m->conf->nlisteners; i++)
		if (m->conf->listeners[i].kind == LISTEN_MASTER)
			m->ctl.fd = listener_fd(m->listeners, i, 0);
	return m->ctl.fd == -1 ? 0 : ev_add(&m->loop, &m->ctl, EPOLLIN);
}

int
ctl_open(struct master *m)
{
	m->reload_asked.run = begin_reload;
	m->upgrade_asked.run = begin_upgrade;
	m->ctl.fd = -1;
	return ctl_listen(m);
}

void
ctl_close(struct master *m)
{
	struct ctl_client *client;

	while ((client = LIST_FIRST(&m->ctl_clients)) != NULL)
		if (client->awaits == CTL_STOP)
			answer_end(client_forget(client), CTL_DONE);
		else
			client_free(client);
}
