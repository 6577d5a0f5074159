/* Reads the site's files. */
#include "master/site.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bundle.h"
#include "lib/log.h"
#include "master/error_pages.h"

ssize_t
site_read(const char *path, char *out, size_t size)
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

static int
load(const char *path)
{
	static char bytes[SITE_FILE_MAX + 1];
	ssize_t n = site_read(path, bytes, sizeof(bytes));

	if (n > SITE_FILE_MAX) {
		errno = EFBIG;
		return -1;
	}
	return n == -1 ? -1
		       : sealed_memfd("dynproxy-site",
			     (struct span){ bytes, (size_t)n });
}

int
site_load(struct master *m)
{
	const char *paths[SITE_ERRORS] = {
		[SITE_FAVICON] = m->conf->favicon_file,
		[SITE_ROBOTS] = m->conf->robots_file,
		[SITE_BACKEND_CA] = m->conf->backend_ca,
	};

	for (unsigned i = 0; i < SITE_ERRORS; i++) {
		if (*paths[i] == '\0')
			continue;
		m->site_fds[i] = load(paths[i]);
		if (m->site_fds[i] == -1) {
			log_event(LOG_CRIT, "fatal", "%s: %s", paths[i],
			    strerror(errno));
			return -1;
		}
	}
	return error_pages_load(m->conf, &m->site_fds[SITE_ERRORS]) ? 0 : -1;
}

void
site_release(struct master *m)
{
	for (unsigned i = 0; i < SITE_FILE_COUNT; i++)
		if (m->site_fds[i] != -1)
			close(m->site_fds[i]);
}

bool
site_file_same(int a, int b)
{
	struct stat sa, sb;
	bool same = false;
	void *one, *other;

	if (a == -1 || b == -1)
		return a == b;
	if (fstat(a, &sa) == -1 || fstat(b, &sb) == -1 ||
	    sa.st_size != sb.st_size)
		return false;
	if (sa.st_size == 0)
		return true;
	one = mmap(NULL, (size_t)sa.st_size, PROT_READ, MAP_SHARED, a, 0);
	other = mmap(NULL, (size_t)sb.st_size, PROT_READ, MAP_SHARED, b, 0);
	if (one != MAP_FAILED && other != MAP_FAILED)
		same = memcmp(one, other, (size_t)sa.st_size) == 0;
	if (one != MAP_FAILED)
		munmap(one, (size_t)sa.st_size);
	if (other != MAP_FAILED)
		munmap(other, (size_t)sb.st_size);
	return same;
}
