/* Appends to a log file, and says once what is wrong with it. */
#include "master/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/log.h"

#define FILE_MODE 0640

void
logfile_init(
    struct logfile *f, const char *name, const char *path, uint64_t space_min)
{
	*f = (struct logfile){ name, path, space_min, .fd = -1 };
}

void
logfile_close(struct logfile *f)
{
	if (f->fd != -1)
		close(f->fd);
	f->fd = -1;
}

/* The file is fine (0), or not: tell, if that is news.  True: it is fine. */
static bool
judge(struct logfile *f, int error)
{
	int before = f->told;

	f->told = error;
	if (error == before)
		return error == 0;
	if (error == 0)
		log_event(LOG_NOTICE, "access-log-resumed", "%s", f->name);
	else if (error == ENOSPC)
		log_event(LOG_ERR, "access-log-stopped",
		    "%s: less than %llu bytes are free on its disk", f->name,
		    (unsigned long long)f->space_min);
	else
		log_event(LOG_ERR, "access-log-failed", "%s: %s", f->name,
		    strerror(error));
	return error == 0;
}

/* A regular file, and no link to one: -1 with errno. */
static int
open_regular(const char *path)
{
	int fd, saved;
	struct stat st;

	fd = open(path,
	    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    FILE_MODE);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	saved = S_ISREG(st.st_mode) ? errno : EINVAL;
	close(fd);
	errno = saved;
	return -1;
}

bool
logfile_reopen(struct logfile *f)
{
	int fd = open_regular(f->path);

	if (fd == -1)
		return judge(f, errno);
	logfile_close(f);
	f->fd = fd;
	return true;
}

bool
logfile_ready(struct logfile *f)
{
	struct statvfs disk;
	struct stat st;

	if (f->fd == -1 && !logfile_reopen(f))
		return false;
	if (fstat(f->fd, &st) == -1 || fstatvfs(f->fd, &disk) == -1)
		return judge(f, errno);
	f->inode = st.st_ino;
	f->size = (uint64_t)st.st_size;
	if (f->space_min > 0 &&
	    (uint64_t)disk.f_bavail * disk.f_frsize < f->space_min)
		return judge(f, ENOSPC);
	return true; /* whether it takes lines shows when they are written */
}

/* Of the bytes that were written, the last ones are half of a line: cut. */
static size_t
cut_back(struct logfile *f, const char *lines, size_t n)
{
	const char *end = n == 0 ? NULL : memrchr(lines, '\n', n);
	size_t whole = end == NULL ? 0 : (size_t)(end + 1 - lines);

	if (n > whole && ftruncate(f->fd, (off_t)(f->size + whole)) == -1)
		return n; /* the rest follows, or never does */
	return whole;
}

size_t
logfile_append(struct logfile *f, const char *lines, size_t n)
{
	size_t done = 0;
	ssize_t rc;

	while (done < n) {
		rc = write(f->fd, lines + done, n - done);
		if (rc == -1 && errno == EINTR)
			continue;
		if (rc == -1) {
			judge(f, errno);
			return cut_back(f, lines, done);
		}
		done += (size_t)rc;
	}
	f->size += n;
	judge(f, 0);
	return n;
}
