/* Locks bytes, each for somebody, by open file descriptions (fcntl(2)). */
#include "lib/presence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define NAME "presence"

static struct flock
range(enum presence first, unsigned n, short type)
{
	return (struct flock){ .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)first,
		.l_len = (off_t)n };
}

int
presence_open(const char *directory)
{
	int at = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC), fd, saved;

	if (at == -1)
		return -1;
	fd = openat(at, NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	saved = errno; /* close() may change it */
	close(at);
	errno = saved;
	return fd;
}

int
presence_claim(int fd, enum presence who)
{
	struct flock lock = range(who, 1, F_WRLCK);

	return fcntl(fd, F_OFD_SETLK, &lock);
}

bool
presence_of(int fd, enum presence who)
{
	return presence_of_any(fd, who, 1);
}

bool
presence_of_any(int fd, enum presence first, unsigned n)
{
	struct flock lock = range(first, n, F_WRLCK);

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
