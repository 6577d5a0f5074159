/* Gives up rights: user, capabilities, files, limits. */
#include "lib/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Of version 1, all there are; and renaming between directories, of 2. */
#define LANDLOCK_1 ((1ULL << 13) - 1)
#define LANDLOCK_2 (LANDLOCK_1 | LANDLOCK_ACCESS_FS_REFER)
#define IN_DIRECTORY                                                           \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |        \
	    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |        \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE)

int
sandbox_landlock(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return version < 0 ? 0 : (int)version;
}

/*
 * An empty directory that is gone from the tree: nothing can be put there.
 * -1 with errno.
 */
static int
enter_nowhere(void)
{
	char path[] = "/tmp/dynproxy.XXXXXX";
	int rc;

	if (mkdtemp(path) == NULL)
		return -1;
	rc = chdir(path);
	return rmdir(path) == -1 ? -1 : rc;
}

/* -1 with errno. */
static int
enter_directory(const struct sandbox *s)
{
	int rc = s->directory == NULL ? enter_nowhere() : chdir(s->directory);

	return rc == -1 ? -1 : chroot(".");
}

/* -1 with errno. */
static int
become(const struct sandbox_user *user)
{
	if (setgroups(0, NULL) == -1 ||
	    setresgid(user->gid, user->gid, user->gid) == -1)
		return -1;
	return setresuid(user->uid, user->uid, user->uid);
}

/* -1 with errno. */
static int
drop_capabilities(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	/* the bounding set stays: no_new_privs makes it worthless */
	return capng_apply(CAPNG_SELECT_CAPS) == 0 ? 0 : -1;
}

/* Files are what is in directory, or none.  -1 with errno. */
static int
restrict_files(const char *directory)
{
	struct landlock_ruleset_attr all = {
		.handled_access_fs =
		    sandbox_landlock() >= 2 ? LANDLOCK_2 : LANDLOCK_1,
	};
	struct landlock_path_beneath_attr beneath = {
		.allowed_access = IN_DIRECTORY,
		.parent_fd = -1,
	};
	int rules, saved;
	long rc = 0;

	rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (rules == -1)
		return -1;
	if (directory != NULL) {
		beneath.parent_fd =
		    open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
		rc = beneath.parent_fd == -1
			 ? -1
			 : syscall(SYS_landlock_add_rule, rules,
			       LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	}
	if (rc == 0)
		rc = syscall(SYS_landlock_restrict_self, rules, 0);
	saved = errno; /* close() may change it */
	if (beneath.parent_fd != -1)
		close(beneath.parent_fd);
	close(rules);
	errno = saved;
	return (int)rc;
}

/* Lower both, never raise.  -1 with errno. */
static int
limit(int resource, rlim_t most)
{
	struct rlimit now;

	if (getrlimit((enum __rlimit_resource)resource, &now) == -1)
		return -1;
	if (now.rlim_max > most)
		now.rlim_max = most;
	if (now.rlim_cur > now.rlim_max)
		now.rlim_cur = now.rlim_max;
	return setrlimit((enum __rlimit_resource)resource, &now);
}

/* -1 with errno. */
static int
set_limits(const struct sandbox *s)
{
	if (limit(RLIMIT_CORE, 0) == -1 ||
	    (s->files > 0 && limit(RLIMIT_NOFILE, s->files) == -1))
		return -1;
	return s->no_children ? limit(RLIMIT_NPROC, 0) : 0;
}

/* Nothing is won by execve(2), and nobody looks into our memory. */
static int
lock_up(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

const char *
sandbox_enter(const struct sandbox *s)
{
	bool other = s->user.uid != SANDBOX_NOBODY;
	const char *inside = other && s->directory != NULL ? "/" : s->directory;

	/* named, the C library does not look for its file again */
	setenv("TZ", ":/etc/localtime", 0);
	tzset();
	umask(s->umask);
	if (other && !s->whole_tree && enter_directory(s) == -1)
		return "chroot";
	if (set_limits(s) == -1)
		return "limits";
	if (other && become(&s->user) == -1)
		return "user";
	if (drop_capabilities() == -1)
		return "capabilities";
	if (lock_up() == -1)
		return "no_new_privs";
	if (!s->whole_tree && sandbox_landlock() > 0 &&
	    restrict_files(inside) == -1)
		return "Landlock";
	return NULL;
}

/* What we have of caps, and could pass on, stays so. */
static void
select_capabilities(const int *caps)
{
	bool inherited[CAP_LAST_CAP + 1] = { false };
	bool ours[CAP_LAST_CAP + 1] = { false };

	capng_get_caps_process();
	for (const int *cap = caps; *cap != -1; cap++) {
		ours[*cap] =
		    capng_have_capability(CAPNG_PERMITTED, (unsigned)*cap);
		inherited[*cap] =
		    capng_have_capability(CAPNG_INHERITABLE, (unsigned)*cap);
	}
	capng_clear(CAPNG_SELECT_BOTH);
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		unsigned kinds =
		    CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET;

		if (inherited[cap])
			kinds |= CAPNG_INHERITABLE;
		if (ours[cap])
			capng_update(
			    CAPNG_ADD, (capng_type_t)kinds, (unsigned)cap);
	}
}

const char *
sandbox_keep(const int *caps)
{
	bool bounds;

	umask(S_IWGRP | S_IWOTH);
	if (limit(RLIMIT_CORE, 0) == -1)
		return "limits";
	capng_get_caps_process();
	bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	select_capabilities(caps);
	if (capng_apply(bounds ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) != 0)
		return "capabilities";
	return lock_up() == -1 ? "no_new_privs" : NULL;
}
