/* Reads the site's files. */
#include "master/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/log.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* All of a file, by way of a buffer that is larger than any may be. */
static ssize_t
read_file(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "re");
	ssize_t n = -1;

	if (f == NULL)
		return -1;
	n = (ssize_t)fread(out, 1, size, f);
	if (ferror(f))
		n = -1;
	fclose(f);
	return n;
}

/* -1 with errno; the caller's to close. */
static int
sealed_memfd(const char *bytes, size_t n)
{
	int fd = memfd_create("dynproxy-site", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return -1;
	if (write(fd, bytes, n) == (ssize_t)n &&
	    fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	close(fd);
	return -1;
}

static int
load(const char *path)
{
	static char bytes[SITE_FILE_MAX + 1];
	ssize_t n = read_file(path, bytes, sizeof(bytes));

	if (n > SITE_FILE_MAX) {
		errno = EFBIG;
		return -1;
	}
	return n == -1 ? -1 : sealed_memfd(bytes, (size_t)n);
}

int
site_load(struct master *m)
{
	const char *paths[SITE_FILE_COUNT] = {
		[SITE_FAVICON] = m->conf->favicon_file,
		[SITE_ROBOTS] = m->conf->robots_file,
		[SITE_BACKEND_CA] = m->conf->backend_ca,
	};

	for (unsigned i = 0; i < SITE_FILE_COUNT; i++) {
		if (*paths[i] == '\0')
			continue;
		m->site_fds[i] = load(paths[i]);
		if (m->site_fds[i] == -1) {
			log_event(LOG_CRIT, "fatal", "%s: %s", paths[i],
			    strerror(errno));
			return -1;
		}
	}
	return 0;
}

void
site_release(struct master *m)
{
	for (unsigned i = 0; i < SITE_FILE_COUNT; i++)
		if (m->site_fds[i] != -1)
			close(m->site_fds[i]);
}
