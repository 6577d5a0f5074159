/* A segment of limits, and who is limited, for the tests of both its files. */
#ifndef T_UNIT_SHM_LIMITS_H
#define T_UNIT_SHM_LIMITS_H

#include "shm/limits.h"

#include <string.h>
#include <unistd.h>

#include "shm/segment.h"
#include "t/tap.h"

#define WORKERS 2

static int fd = -1; /* of the segment */

static inline struct ip
client(uint32_t n)
{
	struct ip ip = { .family = AF_INET };

	memcpy(ip.bytes, &n, sizeof(n));
	return ip;
}

/* In a segment of its own, as its first worker. */
static inline struct limits *
fresh(const struct limits_set *s)
{
	if (fd != -1)
		close(fd);
	fd = segment_create("limits", limits_size(WORKERS));
	if (fd == -1 || limits_format(fd) == -1)
		return NULL;
	return limits_open(fd, 0, s);
}

#endif
