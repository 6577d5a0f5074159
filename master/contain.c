/* Finds the users that children become, and hands their files over. */
#include "master/contain.h"

#include <bsd/stdlib.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/log.h"
#include "lib/sandbox.h"
#include "lib/syscalls.h"
#include "master/master.h"

#define LOG_FILE_MODE 0640

/*
 * Ports, users and roots of children, their ends, descriptors for them; and
 * the directories that belong to them.
 */
static const int kept[] = { CAP_NET_BIND_SERVICE, CAP_SETUID, CAP_SETGID,
	CAP_KILL, CAP_SYS_CHROOT, CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_SYS_RESOURCE,
	-1 };

static const struct {
	const char *setting;
	size_t at; /* of its value in struct conf */
} users[ROLE_COUNT] = {
	[ROLE_WORKER] = { "user_worker", offsetof(struct conf, user_worker) },
	[ROLE_REGISTRAR] = { "user_registrar",
	    offsetof(struct conf, user_registrar) },
	[ROLE_LOGGER] = { "user_logger", offsetof(struct conf, user_logger) },
	[ROLE_LOOKUP] = { "user_lookup", offsetof(struct conf, user_lookup) },
};

/* A name with its group, or a number that is both.  False: neither, or root. */
static bool
find_user(const char *text, struct sandbox_user *user)
{
	const struct passwd *known;
	const char *wrong;
	long long number = strtonum(text, 1, INT32_MAX, &wrong);

	if (wrong == NULL) {
		*user = (struct sandbox_user){ (uid_t)number, (gid_t)number };
		return true;
	}
	known = getpwnam(text);
	if (known == NULL || known->pw_uid == 0)
		return false;
	*user = (struct sandbox_user){ known->pw_uid, known->pw_gid };
	return true;
}

int
contain_users(struct master *m)
{
	bool others = m->conf->sandbox && geteuid() == 0;

	for (unsigned i = 0; i < ROLE_COUNT; i++) {
		const char *name =
		    *(char *const *)((const char *)m->conf + users[i].at);

		m->users[i].uid = SANDBOX_NOBODY;
		if (!others || find_user(name, &m->users[i]))
			continue;
		log_event(LOG_CRIT, "fatal",
		    "%s: there is no user %s (or it is root): make one, or "
		    "name another",
		    users[i].setting, name);
		return -1;
	}
	return 0;
}

/* What a look at the log should not miss. */
static void
tell_missing(bool root)
{
	static const char *const what[] = {
		"own users and root directories (not started as root)",
		"Landlock (not in this kernel)",
		"seccomp (not in this kernel)",
	};
	const bool there[nitems(what)] = { root, sandbox_landlock() > 0,
		syscalls_limited() };
	char missing[256] = "";

	for (size_t i = 0; i < nitems(what); i++)
		if (!there[i])
			snprintf(missing + strlen(missing),
			    sizeof(missing) - strlen(missing), "%s%s",
			    missing[0] == '\0' ? "" : ", ", what[i]);
	if (missing[0] == '\0')
		log_event(LOG_INFO, "contained", "complete=yes");
	else
		log_event(LOG_NOTICE, "contained", "complete=no missing=\"%s\"",
		    missing);
}

/* NULL, or the step that failed, with errno. */
static const char *
give_up(const struct master *m)
{
	const char *failed = sandbox_keep(kept);

	if (failed == NULL && m->inherited == NULL && syscalls_limited() &&
	    syscalls_forbid(NULL, 0) == -1)
		failed = "seccomp";
	return failed;
}

const char *
contain_begin(struct master *m)
{
	const char *failed;

	if (!m->conf->sandbox) {
		log_event(LOG_WARNING, "contained",
		    "complete=no missing=\"everything%s (sandbox = off)\"",
		    m->contained ? " in children" : "");
		return NULL;
	}
	failed = m->contained ? NULL : give_up(m);
	if (failed != NULL)
		return failed;
	m->contained = true;
	tell_missing(geteuid() == 0);
	return NULL;
}

/* Who gives to whom. */
struct transfer {
	uid_t from; /* the user before, or root */
	const struct sandbox_user *to;
};

/* Regular, without another name, and this user's so far. */
static bool
is_plain(const struct stat *st, uid_t owner)
{
	return S_ISREG(st->st_mode) && st->st_nlink == 1 && st->st_uid == owner;
}

/*
 * A file of a directory whose user may put another one there at any time: what
 * is looked at is what is given.  -1 with errno.
 */
static int
give_entry(
    int dir, const char *name, uid_t owner, const struct sandbox_user *to)
{
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), saved;
	struct stat st;
	int rc = 0;

	if (fd == -1)
		return errno == ENOENT ? 0 : -1; /* it is gone */
	if (fstat(fd, &st) == 0 && is_plain(&st, owner))
		rc = fchownat(fd, "", to->uid, to->gid, AT_EMPTY_PATH);
	saved = errno; /* close() may change it */
	close(fd);
	errno = saved;
	return rc;
}

/* The files of a directory that are owner's, then itself.  -1 with errno. */
static int
give_directory(int fd, uid_t owner, const struct sandbox_user *to)
{
	DIR *dir = fdopendir(dup(fd));
	const struct dirent *file;
	int rc = 0, saved;

	if (dir == NULL)
		return -1;
	while (rc == 0 && (file = readdir(dir)) != NULL)
		rc = give_entry(fd, file->d_name, owner, to);
	saved = errno; /* closedir() may change it */
	closedir(dir);
	errno = saved;
	return rc == 0 ? fchown(fd, to->uid, to->gid) : -1;
}

/*
 * While it is root's, nobody else has put anything there.  What the role's
 * user owns already is not looked into, unless that was another one, or root,
 * until now: then what that one has made there is given.
 */
static int
hand_over_directory(const char *path, const struct transfer *t)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), saved;
	struct stat st;
	int rc = fd == -1 ? -1 : fstat(fd, &st);

	if (rc == 0 && st.st_uid == 0)
		rc = give_directory(fd, 0, t->to);
	else if (rc == 0 && t->from != t->to->uid &&
		 (st.st_uid == t->from || st.st_uid == t->to->uid))
		rc = give_directory(fd, t->from, t->to);
	saved = errno; /* close() may change it */
	if (fd != -1)
		close(fd);
	errno = saved;
	return rc;
}

/* The file alone, which is made when it is missing.  -1 with errno. */
static int
give_file(const char *path, const struct transfer *t)
{
	int fd =
	    open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		LOG_FILE_MODE);
	struct stat st;
	int rc = 0;

	if (fd == -1)
		return 0; /* no file, the logger will say so */
	if (fstat(fd, &st) == 0 && (is_plain(&st, 0) || is_plain(&st, t->from)))
		rc = fchown(fd, t->to->uid, t->to->gid);
	close(fd);
	return rc;
}

/*
 * A directory that belongs to root may be there for others too: of that, the
 * logger gets its file.  Ours are made for it (directories_make()).
 */
static int
hand_over_log(const char *path, const struct transfer *t)
{
	char *copy = strdup(path);
	const char *directory = copy == NULL ? NULL : dirname(copy);
	struct stat st;
	int rc = directory == NULL ? -1 : stat(directory, &st);

	if (rc == 0)
		rc = st.st_uid == 0 ? give_file(path, t)
				    : hand_over_directory(directory, t);
	else if (errno == ENOENT)
		rc = 0; /* no directory, the logger will say so */
	free(copy);
	return rc;
}

const char *
contain_path(const struct master *m, enum role role)
{
	if (role == ROLE_REGISTRAR)
		return m->conf->state_directory;
	if (role == ROLE_LOGGER && m->conf->access_log[0] != '\0')
		return m->conf->access_log;
	return NULL;
}

int
contain_hand_over(struct master *m, enum role role)
{
	const struct sandbox_user *before = &m->former_users[role];
	const struct transfer t = { .to = &m->users[role],
		.from = before->uid == SANDBOX_NOBODY ? 0 : before->uid };
	const char *path = contain_path(m, role);
	int rc = 0;

	if (t.to->uid == SANDBOX_NOBODY)
		return 0; /* all stays with who had it */
	if (path != NULL)
		rc = role == ROLE_LOGGER ? hand_over_log(path, &t)
					 : hand_over_directory(path, &t);
	if (rc == 0)
		m->former_users[role] = m->users[role];
	return rc;
}
