/* Makes the segments of 3-processes.md and says who may write which. */
#include "master/segments.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "master/fdstore.h"
#include "shm/counters.h"
#include "shm/errors.h"
#include "shm/health.h"
#include "shm/limits.h"
#include "shm/logring.h"
#include "shm/node.h"
#include "shm/policy_write.h"
#include "shm/requests.h"
#include "shm/segment.h"
#include "shm/table_write.h"
#include "shm/ticket_keys.h"

#define TO(role) (1u << ROLE_##role)
#define RINGS_OF(m) (2 * (m)->places) /* for two generations */

static size_t
table_size(const struct master *m)
{
	return m->conf->table_size;
}

static size_t
log_rings_size(const struct master *m)
{
	return logring_rings_size(RINGS_OF(m));
}

static size_t
log_marks_size(const struct master *m)
{
	return logring_marks_size(RINGS_OF(m));
}

/* All zero is how they begin. */
static int
format_nothing(int fd)
{
	(void)fd;
	return 0;
}

static size_t
policy_bytes(const struct master *m)
{
	(void)m;
	return policy_size();
}

static size_t
limits_bytes(const struct master *m)
{
	return limits_size(RINGS_OF(m));
}

static size_t
counters_bytes(const struct master *m)
{
	return counters_size(RINGS_OF(m));
}

static size_t
health_bytes(const struct master *m)
{
	(void)m;
	return health_size();
}

static size_t
ticket_keys_bytes(const struct master *m)
{
	(void)m;
	return ticket_keys_size();
}

static size_t
node_bytes(const struct master *m)
{
	(void)m;
	return node_size();
}

static size_t
errors_bytes(const struct master *m)
{
	return errors_size(RINGS_OF(m));
}

static size_t
requests_bytes(const struct master *m)
{
	return requests_size(RINGS_OF(m));
}

static const struct {
	const char *name;
	size_t (*size)(const struct master *m);
	int (*format)(int fd);
	unsigned writers, readers; /* roles, as bits */
} segments[SEGMENT_COUNT] = {
	[SEGMENT_TABLE] = { "dynproxy-table", table_size, table_format,
	    TO(REGISTRAR), TO(WORKER) },
	[SEGMENT_LOG_RINGS] = { "dynproxy-log-rings", log_rings_size,
	    format_nothing, TO(WORKER), TO(LOGGER) | TO(REGISTRAR) },
	[SEGMENT_LOG_MARKS] = { "dynproxy-log-marks", log_marks_size,
	    format_nothing, TO(LOGGER), TO(WORKER) | TO(REGISTRAR) },
	[SEGMENT_POLICY] = { "dynproxy-policy", policy_bytes, policy_format,
	    TO(REGISTRAR), TO(WORKER) },
	[SEGMENT_LIMITS] = { "dynproxy-limits", limits_bytes, limits_format,
	    TO(WORKER), 0 },
	[SEGMENT_HEALTH] = { "dynproxy-health", health_bytes, health_format,
	    TO(WORKER), 0 },
	[SEGMENT_TICKET_KEYS] = { "dynproxy-ticket-keys", ticket_keys_bytes,
	    ticket_keys_format, 0, TO(WORKER) },
	[SEGMENT_COUNTERS] = { "dynproxy-counters", counters_bytes,
	    counters_format, TO(WORKER), TO(REGISTRAR) },
	[SEGMENT_NODE] = { "dynproxy-node", node_bytes, node_format, 0,
	    TO(REGISTRAR) },
	[SEGMENT_ERRORS] = { "dynproxy-errors", errors_bytes, format_nothing,
	    TO(WORKER), TO(REGISTRAR) },
	[SEGMENT_REQUESTS] = { "dynproxy-requests", requests_bytes,
	    requests_format, TO(WORKER), TO(REGISTRAR) },
	[SEGMENT_UNKNOWN] = { "dynproxy-unknown", errors_bytes, format_nothing,
	    TO(WORKER), TO(REGISTRAR) },
};

static int
make(struct segment_fds *fds, enum ctl_segment which, const struct master *m)
{
	fds->writable =
	    segment_create(segments[which].name, segments[which].size(m));
	if (fds->writable == -1 || segments[which].format(fds->writable) == -1)
		return -1;
	fds->readonly = segment_reopen_readonly(fds->writable);
	return fds->readonly == -1 ? -1 : 0;
}

static bool
is_there(const struct segment_fds *fds)
{
	return fds->writable > 0;
}

static void
drop(const struct segment_fds *fds)
{
	if (is_there(fds))
		close(fds->writable);
	if (fds->readonly > 0)
		close(fds->readonly);
}

/* As large as a new one, and of the same kind, where it says which it is? */
static bool
fits(const struct segment_fds *old, const struct segment_fds *new)
{
	struct segment_kind is = { 0, 0 }, wanted = { 0, 0 };
	struct stat a, b;

	return fstat(old->writable, &a) == 0 && fstat(new->writable, &b) == 0 &&
	       a.st_size == b.st_size &&
	       pread(old->writable, &is, sizeof(is), 0) == sizeof(is) &&
	       pread(new->writable, &wanted, sizeof(wanted), 0) ==
		   sizeof(wanted) &&
	       (wanted.magic == 0 || memcmp(&is, &wanted, sizeof(is)) == 0);
}

/* A new one, or the one there is.  -1 with errno. */
static int
settle(struct segment_fds *fds, enum ctl_segment which, const struct master *m)
{
	struct segment_fds new = { -1, -1 };

	if (make(&new, which, m) == -1) {
		drop(&new);
		return -1;
	}
	if (is_there(fds) && fits(fds, &new)) {
		drop(&new);
		return 0;
	}
	*fds = new;
	return 0;
}

bool
segments_check(const struct master *m, FILE *err)
{
	bool good = true;

	for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
		struct segment_fds fds = m->segments[i];

		if (settle(&fds, i, m) == 0 &&
		    (i == SEGMENT_TABLE || !is_there(&m->segments[i]) ||
			fds.writable == m->segments[i].writable))
			continue;
		fprintf(err, "%s has another layout in it: restart instead\n",
		    segments[i].name);
		good = false;
	}
	return good;
}

/* Not by our name for it: it may be of a program that knows more of them. */
static void
have_not_kept(const struct segment_fds *fds)
{
	char name[SEGMENT_NAME_SIZE];

	if (segment_made_as(fds->writable, name))
		fdstore_remove(name);
}

void
segments_drop(
    const struct master *m, const struct segment_fds *before, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!is_there(&before[i]) ||
		    (i < SEGMENT_COUNT &&
			before[i].writable == m->segments[i].writable))
			continue;
		have_not_kept(&before[i]);
		drop(&before[i]);
	}
}

int
segments_make(struct master *m)
{
	struct segment_fds before[SEGMENT_COUNT];

	memcpy(before, m->segments, sizeof(before));
	for (unsigned i = 0; i < SEGMENT_COUNT; i++)
		if (settle(&m->segments[i], i, m) == -1) {
			log_event(LOG_CRIT, "fatal", "%s: %s", segments[i].name,
			    strerror(errno));
			return -1;
		}
	if (m->handed)
		segments_drop(m, before, SEGMENT_COUNT);
	return 0;
}

const char *
segment_name(enum ctl_segment which)
{
	return segments[which].name;
}

int
segment_take(struct master *m, const char *name, int fd)
{
	for (unsigned i = 0; i < SEGMENT_COUNT; i++)
		if (strcmp(segments[i].name, name) == 0) {
			drop(&m->segments[i]); /* one of before, stored late */
			m->segments[i] = (struct segment_fds){ fd,
				segment_reopen_readonly(fd) };
			return 0;
		}
	return -1;
}

void
segments_release(struct master *m)
{
	for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
		drop(&m->segments[i]);
		m->segments[i] = (struct segment_fds){ -1, -1 };
	}
}

int
segment_fd(const struct master *m, enum ctl_segment which, enum role role)
{
	if (segments[which].writers & 1u << role)
		return m->segments[which].writable;
	if (segments[which].readers & 1u << role)
		return m->segments[which].readonly;
	return -1;
}

void
segments_forget_worker(const struct master *m, unsigned ring)
{
	if (limits_forget(m->segments[SEGMENT_LIMITS].writable, ring) == -1)
		log_event(LOG_ERR, "limits-failed", "ring %u: %s", ring,
		    strerror(errno));
	if (counters_forget(m->segments[SEGMENT_COUNTERS].writable, ring) == -1)
		log_event(LOG_ERR, "counters-failed", "ring %u: %s", ring,
		    strerror(errno));
	if (requests_forget(m->segments[SEGMENT_REQUESTS].writable, ring) == -1)
		log_event(LOG_ERR, "requests-failed", "ring %u: %s", ring,
		    strerror(errno));
}
