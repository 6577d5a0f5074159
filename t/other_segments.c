/*
 * Links into a dynproxyd that, by what it hands on in an upgrade, does not know
 * the last of our segments, and has one that we do not know.  Who comes back to
 * it has to bring that along.
 */
#include <stdlib.h>
#include <string.h>

#include "master/inherit.h"
#include "shm/segment.h"

#define OTHER "dynproxy-other"

int __real_inherit_write(const struct master *m, int asker,
    const struct segment_fds *segments, unsigned n);
int __wrap_inherit_write(const struct master *m, int asker,
    const struct segment_fds *segments, unsigned n);
struct inherited *__real_inherit_read_take(struct master *m, int fd, FILE *err);
struct inherited *__wrap_inherit_read_take(struct master *m, int fd, FILE *err);

static struct segment_fds other = { -1, -1 };

int
__wrap_inherit_write(const struct master *m, int asker,
    const struct segment_fds *segments, unsigned n)
{
	struct segment_fds told[SEGMENT_COUNT + 1];

	(void)n;
	memcpy(told, segments, SEGMENT_COUNT * sizeof(*told));
	told[SEGMENT_COUNT - 1] = (struct segment_fds){ -1, -1 };
	if (other.writable == -1) {
		other.writable = segment_create(OTHER, 4096);
		other.readonly = segment_reopen_readonly(other.writable);
	}
	told[SEGMENT_COUNT] = other;
	return __real_inherit_write(m, asker, told, SEGMENT_COUNT + 1);
}

struct inherited *
__wrap_inherit_read_take(struct master *m, int fd, FILE *err)
{
	struct inherited *in = __real_inherit_read_take(m, fd, err);
	char name[SEGMENT_NAME_SIZE];

	if (in == NULL)
		return NULL;
	other = in->segments[SEGMENT_COUNT];
	in->segments[SEGMENT_COUNT] = (struct segment_fds){ -1, -1 };
	if (segment_made_as(other.writable, name) && strcmp(name, OTHER) == 0)
		return in;
	fputs("what was handed on did not come back\n", err);
	abort();
}
