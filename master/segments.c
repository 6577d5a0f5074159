/* Makes the segments of 3-processes.md and says who may write which. */
#include "master/segments.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "shm/segment.h"
#include "shm/table_write.h"

#define TO(role) (1u << ROLE_##role)

static size_t
table_size(const struct conf *conf)
{
	return conf->table_size;
}

static const struct {
	const char *name;
	size_t (*size)(const struct conf *conf);
	int (*format)(int fd);
	unsigned writers, readers; /* roles, as bits */
} segments[SEGMENT_COUNT] = {
	[SEGMENT_TABLE] = { "dynproxy-table", table_size, table_format,
	    TO(REGISTRAR), TO(WORKER) },
};

static int
make(struct segment_fds *fds, enum ctl_segment which, const struct conf *conf)
{
	fds->writable =
	    segment_create(segments[which].name, segments[which].size(conf));
	if (fds->writable == -1 || segments[which].format(fds->writable) == -1)
		return -1;
	fds->readonly = segment_reopen_readonly(fds->writable);
	return fds->readonly == -1 ? -1 : 0;
}

int
segments_make(struct master *m)
{
	for (unsigned i = 0; i < SEGMENT_COUNT; i++)
		m->segments[i] = (struct segment_fds){ -1, -1 };
	for (unsigned i = 0; i < SEGMENT_COUNT; i++)
		if (make(&m->segments[i], i, m->conf) == -1) {
			log_event(LOG_CRIT, "fatal", "%s: %s",
			    segments[i].name, strerror(errno));
			return -1;
		}
	return 0;
}

void
segments_release(struct master *m)
{
	for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
		if (m->segments[i].writable > 0)
			close(m->segments[i].writable);
		if (m->segments[i].readonly > 0)
			close(m->segments[i].readonly);
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
