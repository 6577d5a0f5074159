/* Makes sealed memfds, and reads those that have several pieces. */
#include "lib/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Before each piece: how long its name is, and how long its bytes are. */
struct header {
	uint32_t name, bytes;
};

static bool
write_all(int fd, const void *bytes, size_t n)
{
	const char *from = bytes;
	ssize_t done;

	for (; n > 0; n -= (size_t)done, from += done) {
		done = write(fd, from, n);
		if (done <= 0)
			return false;
	}
	return true;
}

static int
make(const char *name)
{
	return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

/* The descriptor, sealed; or -1 with errno, closed. */
static int
seal(int fd, bool written)
{
	int saved;

	if (written && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	saved = errno; /* close() may change it */
	close(fd);
	errno = saved;
	return -1;
}

int
sealed_memfd(const char *name, struct span bytes)
{
	int fd = make(name);

	return fd == -1 ? -1 : seal(fd, write_all(fd, bytes.ptr, bytes.len));
}

int
bundle_seal(const char *name, const struct bundle_piece *pieces, size_t n)
{
	int fd = make(name);
	bool written = true;

	if (fd == -1)
		return -1;
	for (size_t i = 0; written && i < n; i++) {
		const struct bundle_piece *p = &pieces[i];
		struct header h = { (uint32_t)p->name.len,
			(uint32_t)p->bytes.len };

		written = write_all(fd, &h, sizeof(h)) &&
			  write_all(fd, p->name.ptr, p->name.len) &&
			  write_all(fd, p->bytes.ptr, p->bytes.len);
	}
	return seal(fd, written);
}

bool
bundle_open(struct bundle *b, int fd)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);
	void *map;

	*b = (struct bundle){ 0 };
	if (seals == -1 || fstat(fd, &st) == -1)
		return false;
	if ((seals & SEALS) != SEALS) {
		errno = EPROTO;
		return false;
	}
	if (st.st_size == 0)
		return true;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return false;
	*b = (struct bundle){ map, (size_t)st.st_size };
	return true;
}

void
bundle_close(struct bundle *b)
{
	if (b->map != NULL)
		munmap((void *)b->map, b->size);
	*b = (struct bundle){ 0 };
}

bool
bundle_next(const struct bundle *b, size_t *at, struct bundle_piece *piece)
{
	struct header h;

	if (b->size - *at < sizeof(h))
		return false;
	memcpy(&h, b->map + *at, sizeof(h));
	if ((uint64_t)h.name + h.bytes > b->size - *at - sizeof(h))
		return false;
	*at += sizeof(h);
	piece->name = (struct span){ b->map + *at, h.name };
	piece->bytes = (struct span){ b->map + *at + h.name, h.bytes };
	*at += (size_t)h.name + h.bytes;
	return true;
}
