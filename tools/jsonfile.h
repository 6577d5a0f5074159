/* A JSON file that somebody edits: read again when it has changed. */
#ifndef TOOLS_JSONFILE_H
#define TOOLS_JSONFILE_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>

struct jsonfile {
	const char *path; /* borrowed */
	/* borrowed text: what is wrong with it; NULL: nothing */
	const char *(*check)(const json_t *value);
	pthread_mutex_t lock;
	json_t *value;	/* owned; the last good one */
	struct stat at; /* when it was looked at last */
};

/* False: why (256 bytes) says what is wrong with it. */
bool jsonfile_open(struct jsonfile *f, const char *path,
    const char *(*check)(const json_t *value), char *why);

/*
 * What it says now, the caller's to json_decref() and not to change.  A file
 * that has become unreadable or wrong is logged once; what it said counts on.
 */
json_t *jsonfile_get(struct jsonfile *f);
void jsonfile_close(struct jsonfile *f);

#endif
