/*
 * What a process gives up before it meets strangers (7-security.md 7.6).  Each
 * step is for good, and passes on to what it starts.
 */
#ifndef LIB_SANDBOX_H
#define LIB_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#define SANDBOX_NOBODY ((uid_t)-1) /* no other user: stay who you are */

struct sandbox_user {
	uid_t uid; /* or SANDBOX_NOBODY */
	gid_t gid;
};

struct sandbox {
	struct sandbox_user user;
	/*
	 * The only directory whose files it may use, and its root directory
	 * from now on if it has another user; NULL: none at all.
	 */
	const char *directory;
	bool whole_tree;  /* every file, as its user may: no other root */
	bool no_children; /* neither processes nor threads */
	rlim_t files;	  /* descriptors at most; 0: as many as before */
	mode_t umask;
};

/*
 * Other user, no groups, no capabilities, other root directory, limits, no
 * core dump, no way to win anything back by execve(2).  Call it before a
 * second thread is there.  NULL, or the step that failed, with errno: the
 * process must not go on.
 */
const char *sandbox_enter(const struct sandbox *s);

/*
 * The same for who goes on as the same user to start others: of the
 * capabilities that it has, only these are left.  NULL, or the step that
 * failed, with errno.
 * caps     CAP_*, ending with -1
 */
const char *sandbox_keep(const int *caps);

/* Version of Landlock's interface; 0: this kernel has none. */
int sandbox_landlock(void);

#endif
