/* Reads and judges files that have keys in them. */
#include "master/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const char *
secret_read(const char *path, int flags, char *out, size_t max, size_t *len,
    struct stat *st)
{
	int saved, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
	ssize_t got = 1;

	*len = 0;
	if (fd == -1)
		return strerror(errno);
	if (fstat(fd, st) == -1 || !S_ISREG(st->st_mode)) {
		close(fd);
		errno = EINVAL;
		return "it is no file";
	}
	while (got > 0 && *len <= max) {
		got = read(fd, out + *len, max + 1 - *len);
		*len += got > 0 ? (size_t)got : 0;
	}
	saved = got == -1 ? errno : EFBIG;
	close(fd);
	errno = saved;
	if (got == -1)
		return strerror(errno);
	return *len > max ? "it is too large" : NULL;
}

const char *
secret_check(const struct stat *st)
{
	if (st->st_mode & 077)
		return "others may read the key in it: chmod 600";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "the key in it is another user's: chown root";
	return NULL;
}
