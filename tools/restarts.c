/* Keeps the history of restarts in a small text file. */
#include "tools/restarts.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

static bool
append(struct restarts *r, const char *tool, int64_t when_s)
{
	struct restart *all = reallocarray(r->all, r->n + 1, sizeof(*r->all));

	if (all == NULL)
		return false;
	r->all = all;
	all[r->n].when_s = when_s;
	strlcpy(all[r->n].tool, tool, sizeof(all[r->n].tool));
	r->n++;
	return true;
}

bool
restarts_read(struct restarts *r, const char *path, int64_t now_s)
{
	char line[128], tool[64];
	int64_t when_s;
	bool read = true;
	FILE *f;

	*r = (struct restarts){ .path = path };
	f = fopen(path, "re");
	if (f == NULL)
		return errno == ENOENT;
	while (read && fgets(line, sizeof(line), f) != NULL)
		/* a clock that was set back makes nobody wait for ever */
		if (sscanf(line, "%" SCNd64 " %63s", &when_s, tool) == 2 &&
		    when_s > now_s - RESTARTS_WINDOW_S && when_s <= now_s)
			read = append(r, tool, when_s);
	read = !ferror(f) && read;
	fclose(f);
	if (!read)
		restarts_release(r);
	return read;
}

void
restarts_release(struct restarts *r)
{
	free(r->all);
	r->all = NULL;
	r->n = 0;
}

size_t
restarts_count(const struct restarts *r, const char *tool, int64_t *last_s)
{
	size_t count = 0;

	*last_s = 0;
	for (size_t i = 0; i < r->n; i++) {
		if (strcmp(r->all[i].tool, tool) != 0)
			continue;
		count++;
		if (r->all[i].when_s > *last_s)
			*last_s = r->all[i].when_s;
	}
	return count;
}

/* All or nothing: a file beside takes its place. */
static bool
save(const struct restarts *r)
{
	char beside[4096];
	bool written;
	FILE *f;

	snprintf(beside, sizeof(beside), "%s~", r->path);
	f = fopen(beside, "we");
	if (f == NULL)
		return false;
	for (size_t i = 0; i < r->n; i++)
		fprintf(
		    f, "%" PRId64 " %s\n", r->all[i].when_s, r->all[i].tool);
	written = fflush(f) == 0 && fsync(fileno(f)) == 0;
	written = fclose(f) == 0 && written;
	return written && rename(beside, r->path) == 0;
}

bool
restarts_add(struct restarts *r, const char *tool, int64_t now_s)
{
	if (!append(r, tool, now_s))
		return false;
	if (save(r))
		return true;
	r->n--;
	return false;
}
