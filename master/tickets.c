/* Rotates the keys of session tickets. */
#include "master/tickets.h"

#include <bsd/string.h>
#include <errno.h>

#include "lib/container.h"
#include "lib/log.h"
#include "master/master.h"
#include "master/secret.h"
#include "shm/ticket_keys.h"

static void
wait_for_next(struct master *m)
{
	uint64_t due_ms = m->loop.now_ms + m->conf->tls_ticket_rotation_ms;

	/* a reload brings it forward, and never puts it off */
	if (!timer_is_set(&m->rotation) || due_ms < m->rotation.due_ms)
		timer_set(&m->loop.timers, &m->rotation, due_ms);
}

static void
on_rotation(struct timer *t)
{
	struct master *m = container_of(t, struct master, rotation);

	ticket_keys_rotate(m->ticket_keys);
	log_event(LOG_INFO, "ticket-keys-rotated", "next_ms=%llu",
	    (unsigned long long)m->conf->tls_ticket_rotation_ms);
	wait_for_next(m);
}

/* NULL: all is well; else what is wrong. */
static const char *
read_keys(const char *path, struct ticket_keys *keys)
{
	char bytes[sizeof(keys->key) + 1];
	const char *wrong;
	struct stat st;
	size_t len;

	wrong = secret_read(path, 0, bytes, sizeof(keys->key), &len, &st);
	if (wrong == NULL)
		wrong = secret_check(&st);
	if (wrong == NULL && (len == 0 || len % sizeof(struct ticket_key) != 0))
		wrong = "it has not one, two or three keys of 80 bytes";
	if (wrong == NULL) {
		keys->n = len / sizeof(struct ticket_key);
		memcpy(keys->key, bytes, len);
	}
	explicit_bzero(bytes, sizeof(bytes));
	return wrong;
}

int
tickets_reload(struct master *m)
{
	const char *path = m->conf->tls_ticket_key_file, *wrong;
	struct ticket_keys keys = { 0 };

	if (m->ticket_keys == NULL)
		return 0;
	if (*path == '\0') {
		wait_for_next(m);
		return 0;
	}
	timer_clear(&m->loop.timers, &m->rotation);
	wrong = read_keys(path, &keys);
	if (wrong == NULL) {
		ticket_keys_write(m->ticket_keys, &keys);
		log_event(LOG_INFO, "ticket-keys-read", "file=%s keys=%llu",
		    path, (unsigned long long)keys.n);
	} else {
		log_event(LOG_ERR, "ticket-keys-refused",
		    "file=%s reason=\"%s\"", path, wrong);
	}
	explicit_bzero(&keys, sizeof(keys));
	return wrong == NULL ? 0 : -1;
}

int
tickets_start(struct master *m)
{
	if (!conf_has_https(m->conf))
		return 0;
	m->ticket_keys =
	    ticket_keys_open(m->segments[SEGMENT_TICKET_KEYS].writable, true);
	if (m->ticket_keys == NULL) {
		log_event(LOG_CRIT, "fatal", "ticket keys: %m");
		return -1;
	}
	m->rotation.fire = on_rotation;
	return tickets_reload(m);
}

void
tickets_stop(struct master *m)
{
	if (m->ticket_keys != NULL)
		ticket_keys_close(m->ticket_keys);
	m->ticket_keys = NULL;
}
