/*
 * Linked into a dynproxyd for tests: the n-th allocation from now fails, once,
 * and the clock on the wall is wrong.  A process that has the role X (the
 * master: "-F") maps the file "PROGRAM.X", when it is there, before it enters
 * its sandbox.  The test writes n, a number of eight bytes, to its beginning,
 * and reads there how many are still to come; the next eight are the seconds
 * by which the clock is ahead.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t align, size_t size);

static _Atomic(uint64_t) *left; /* NULL: never */
static _Atomic(int64_t) *ahead; /* NULL: it is right */

static void __attribute__((constructor)) find_file(void)
{
	char command[64] = "", program[512] = "", path[600];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	void *at;

	/* "dynproxyd:" NUL "worker" NUL */
	if (fd == -1 || read(fd, command, sizeof(command) - 1) == -1 ||
	    readlink("/proc/self/exe", program, sizeof(program) - 1) == -1)
		return;
	close(fd);
	snprintf(path, sizeof(path), "%s.%s", program,
	    command + strlen(command) + 1);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd == -1)
		return;
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return;
	left = at;
	ahead = (_Atomic(int64_t) *)at + 1;
}

static bool
fails(void)
{
	uint64_t n = left == NULL ? 0 : atomic_load(left);

	if (n == 0 || !atomic_compare_exchange_strong(left, &n, n - 1) || n > 1)
		return false;
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *
aligned_alloc(size_t align, size_t size)
{
	return fails() ? NULL : __libc_memalign(align, size);
}

int
posix_memalign(void **out, size_t align, size_t size)
{
	if (fails())
		return ENOMEM;
	*out = __libc_memalign(align, size);
	return *out == NULL ? ENOMEM : 0;
}

/* CLOCK_MONOTONIC is right, as on a machine whose clock is set. */
int
clock_gettime(clockid_t clock, struct timespec *now)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, now);

	if (rc == 0 && clock == CLOCK_REALTIME && ahead != NULL)
		now->tv_sec += atomic_load(ahead);
	return rc;
}

time_t
time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
