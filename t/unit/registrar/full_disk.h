/* No file may be larger: as with a full disk, EFBIG for ENOSPC. */
#ifndef T_UNIT_REGISTRAR_FULL_DISK_H
#define T_UNIT_REGISTRAR_FULL_DISK_H

#include <sys/resource.h>

/* RLIM_INFINITY: there is room again. */
static inline void
limit_files(rlim_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
}

#endif
