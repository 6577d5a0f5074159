/* Finds out whether a user is a tool, and which. */
#include "tools/account.h"

#include <bsd/string.h>
#include <errno.h>
#include <pwd.h>
#include <unistd.h>

#include "conf/machine.h"
#include "tools/oneline.h"

#define WHY_MAX 256

static bool
read_project(struct account *a, char *why)
{
	if (!oneline_read(
		MACHINE_PROJECT_FILE, a->project, sizeof(a->project))) {
		if (errno != ENOENT) {
			snprintf(why, WHY_MAX, MACHINE_PROJECT_FILE ": %s",
			    strerror(errno));
			return false;
		}
		strlcpy(a->project, "tools", sizeof(a->project));
	}
	if (a->project[0] != '\0')
		return true;
	strlcpy(why, MACHINE_PROJECT_FILE " names no project", WHY_MAX);
	return false;
}

static bool
set_account(struct account *a, const struct passwd *pw, char *why)
{
	size_t len = strlen(a->project);

	if (strncmp(pw->pw_name, a->project, len) != 0 ||
	    pw->pw_name[len] != '.' || pw->pw_name[len + 1] == '\0' ||
	    pw->pw_uid < ACCOUNT_UID_MIN) {
		snprintf(why, WHY_MAX,
		    "%s is no tool account: become one first (become TOOL)",
		    pw->pw_name);
		return false;
	}
	if (strlcpy(a->tool, pw->pw_name + len + 1, sizeof(a->tool)) >=
		sizeof(a->tool) ||
	    strlcpy(a->user, pw->pw_name, sizeof(a->user)) >= sizeof(a->user) ||
	    strlcpy(a->home, pw->pw_dir, sizeof(a->home)) >= sizeof(a->home)) {
		snprintf(why, WHY_MAX,
		    "the account %.64s: name or home is "
		    "too long",
		    pw->pw_name);
		return false;
	}
	a->uid = pw->pw_uid;
	a->gid = pw->pw_gid;
	return true;
}

bool
account_of_uid(struct account *a, uid_t uid, char *why)
{
	const struct passwd *pw;

	if (!read_project(a, why))
		return false;
	pw = getpwuid(uid);
	if (pw != NULL)
		return set_account(a, pw, why);
	snprintf(why, WHY_MAX, "user %u is unknown", uid);
	return false;
}

bool
account_of_tool(struct account *a, const char *tool, char *why)
{
	const struct passwd *pw;
	char user[sizeof(a->user)];

	if (!read_project(a, why))
		return false;
	snprintf(user, sizeof(user), "%s.%s", a->project, tool);
	pw = getpwnam(user);
	if (pw != NULL)
		return set_account(a, pw, why);
	snprintf(why, WHY_MAX, "there is no user %.97s", user);
	return false;
}

bool
account_of_myself(struct account *a, char *why)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *home = getenv("HOME");

	if (account_of_uid(a, getuid(), why))
		return true;
	if (pw == NULL || home == NULL) {
		snprintf(
		    why, WHY_MAX, "user %u has no name, or no $HOME", getuid());
		return false;
	}
	a->uid = pw->pw_uid;
	a->gid = pw->pw_gid;
	return strlcpy(a->tool, pw->pw_name, sizeof(a->tool)) <
		   sizeof(a->tool) &&
	       strlcpy(a->user, pw->pw_name, sizeof(a->user)) <
		   sizeof(a->user) &&
	       strlcpy(a->home, home, sizeof(a->home)) < sizeof(a->home);
}

bool
account_path(const struct account *a, const char *name, char *path, size_t size)
{
	int n = snprintf(path, size, "%s/%s", a->home, name);

	if (n >= 0 && (size_t)n < size)
		return true;
	path[0] = '\0';
	return false;
}
