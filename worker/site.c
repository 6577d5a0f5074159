/* Maps the site's files, and knows their paths. */
#include "worker/site.h"

#include <sys/mman.h>
#include <sys/stat.h>

static const struct {
	struct span path, type;
} places[SITE_FILE_COUNT] = {
	[SITE_FAVICON] = { { "/favicon.ico", 12 }, { "image/x-icon", 12 } },
	[SITE_ROBOTS] = { { "/robots.txt", 11 },
	    { "text/plain; charset=utf-8", 25 } },
	[SITE_BACKEND_CA] = { { "", 0 }, { "", 0 } }, /* nobody's to get */
	[SITE_ERRORS] = { { "", 0 }, { "", 0 } },     /* nor are these */
};

int
site_open(struct site *site, const struct boot *boot)
{
	struct stat st;
	void *map;

	*site = (struct site){ 0 };
	for (unsigned i = 0; i < SITE_FILE_COUNT; i++) {
		site->files[i].type = places[i].type;
		if (boot->site_fds[i] == -1)
			continue;
		if (fstat(boot->site_fds[i], &st) == -1)
			return -1;
		if (st.st_size == 0)
			continue;
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED,
		    boot->site_fds[i], 0);
		if (map == MAP_FAILED)
			return -1;
		site->files[i].content =
		    (struct span){ map, (size_t)st.st_size };
	}
	return 0;
}

void
site_close(struct site *site)
{
	for (unsigned i = 0; i < SITE_FILE_COUNT; i++)
		if (site->files[i].content.len > 0)
			munmap((void *)site->files[i].content.ptr,
			    site->files[i].content.len);
}

const struct site_file *
site_find(const struct site *site, struct span path)
{
	for (unsigned i = 0; i < SITE_FILE_COUNT; i++)
		if (span_eq(path, places[i].path))
			return site->files[i].content.len > 0 ? &site->files[i]
							      : NULL;
	return NULL;
}
