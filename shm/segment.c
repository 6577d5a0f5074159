/* Shared memory segments: memfds whose size nobody can change any more. */
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

int
segment_create(const char *name, size_t size)
{
	int fd, saved;

	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -1;
	/* A memfd is born 0777: a worker could reopen it through /proc. */
	if (fchmod(fd, S_IRUSR | S_IWUSR) == -1 ||
	    ftruncate(fd, (off_t)size) == -1 ||
	    fcntl(fd, F_ADD_SEALS, SIZE_SEALS) == -1)
		goto fail;
	return fd;

fail:
	saved = errno; /* close() may change it */
	close(fd);
	errno = saved;
	return -1;
}

bool
segment_made_as(int fd, char name[SEGMENT_NAME_SIZE])
{
	char path[32], link[128] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, link, sizeof(link) - 1) != -1 &&
	       sscanf(link, "/memfd:%63s", name) == 1;
}

int
segment_reopen_readonly(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/*
 * Map at an address where a huge page may be: only there are a segment's huge
 * pages huge in this process too.
 */
static void *
map_aligned(int fd, size_t size, int prot)
{
	size_t room = size + SEGMENT_HUGE, before;
	char *at = mmap(NULL, room, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int saved;

	if (at == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)at % SEGMENT_HUGE;
	if (mmap(at + before, size, prot, MAP_SHARED | MAP_FIXED, fd, 0) ==
	    MAP_FAILED) {
		saved = errno; /* munmap() may change it */
		munmap(at, room);
		errno = saved;
		return NULL;
	}
	if (before > 0)
		munmap(at, before);
	munmap(at + before + size, room - before - size);
	return at + before;
}

void *
segment_map(int fd, bool writable, size_t *size)
{
	struct stat st;
	void *base;
	int seals;

	/* Without these two a read may end in SIGBUS one day. */
	seals = fcntl(fd, F_GET_SEALS);
	if (seals == -1)
		return NULL;
	if ((seals & SIZE_SEALS) != SIZE_SEALS) {
		errno = EPERM;
		return NULL;
	}
	if (fstat(fd, &st) == -1)
		return NULL;
	base = map_aligned(fd, (size_t)st.st_size,
	    writable ? PROT_READ | PROT_WRITE : PROT_READ);
	if (base == NULL)
		return NULL;
	*size = (size_t)st.st_size;
	return base;
}

void *
segment_map_kind(int fd, bool writable, const struct segment_kind *kind,
    size_t at_least, size_t *size)
{
	const struct segment_kind *is = segment_map(fd, writable, size);

	if (is == NULL)
		return NULL;
	if (*size >= at_least && is->magic == kind->magic &&
	    is->abi == kind->abi)
		return (void *)is;
	segment_unmap((void *)is, *size);
	errno = EPROTO;
	return NULL;
}

void
segment_unmap(void *base, size_t size)
{
	munmap(base, size);
}

void
segment_text(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}
