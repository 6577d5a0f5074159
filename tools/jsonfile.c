/* Reads a JSON file, and again when its time, size or inode has changed. */
#include "tools/jsonfile.h"

#include <errno.h>

#include "lib/log.h"

static bool
read_file(struct jsonfile *f, char *why)
{
	json_error_t error;
	json_t *value = json_load_file(f->path, JSON_REJECT_DUPLICATES, &error);
	const char *wrong = value == NULL ? error.text : f->check(value);

	if (wrong == NULL) {
		json_decref(f->value);
		f->value = value;
		return true;
	}
	snprintf(why, 256, "%.100s: %.140s", f->path, wrong);
	json_decref(value);
	return false;
}

bool
jsonfile_open(struct jsonfile *f, const char *path,
    const char *(*check)(const json_t *value), char *why)
{
	*f = (struct jsonfile){ .path = path, .check = check };
	pthread_mutex_init(&f->lock, NULL);
	if (stat(path, &f->at) == -1) {
		snprintf(why, 256, "%.100s: %s", path, strerror(errno));
		return false;
	}
	return read_file(f, why);
}

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

json_t *
jsonfile_get(struct jsonfile *f)
{
	struct stat now = { .st_size = -1 };
	char why[256];
	json_t *value;

	pthread_mutex_lock(&f->lock);
	if (stat(f->path, &now) == -1)
		snprintf(why, sizeof(why), "%.100s: it is gone", f->path);
	if (!same(&now, &f->at)) {
		f->at = now;
		if (now.st_size == -1 || !read_file(f, why))
			log_event(LOG_ERR, "file-refused",
			    "what it said before counts on: %s", why);
	}
	value = json_incref(f->value);
	pthread_mutex_unlock(&f->lock);
	return value;
}

void
jsonfile_close(struct jsonfile *f)
{
	json_decref(f->value);
	pthread_mutex_destroy(&f->lock);
}
