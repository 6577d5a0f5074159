/* How often each tool was started again, remembered on disk. */
#ifndef TOOLS_RESTARTS_H
#define TOOLS_RESTARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESTARTS_MAX 3 /* of a tool in a window */
#define RESTARTS_WINDOW_S 3600

struct restarts {
	const char *path; /* borrowed; "<unix seconds> <tool>" a line */
	struct restart {
		int64_t when_s; /* unix time */
		char tool[64];
	} * all; /* owned; of the last window */
	size_t n;
};

/*
 * Read what is remembered; a file that is not there is empty.  False with
 * errno: it cannot be read, and so nobody may be started again.
 */
bool restarts_read(struct restarts *r, const char *path, int64_t now_s);
void restarts_release(struct restarts *r);

/* How often it was started in the window, and when last (0: never). */
size_t restarts_count(
    const struct restarts *r, const char *tool, int64_t *last_s);

/*
 * Remember one more, on disk too before this returns.  False with errno: it
 * is not there, and must not be done.
 */
bool restarts_add(struct restarts *r, const char *tool, int64_t now_s);

#endif
