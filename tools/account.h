/* Whose tool this is: the account behind a user (5-webservice.md, Facts). */
#ifndef TOOLS_ACCOUNT_H
#define TOOLS_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#define ACCOUNT_UID_MIN 50000 /* below are people and daemons */

struct account {
	char project[32]; /* of /etc/wmcs-project; "tools" without that file */
	char tool[64];
	char user[97]; /* "<project>.<tool>" */
	char home[256];
	uid_t uid;
	gid_t gid;
};

/*
 * Look an account up.  False: why says what it is instead.
 *
 * why   at least 256 bytes
 */
bool account_of_uid(struct account *a, uid_t uid, char *why);
bool account_of_tool(struct account *a, const char *tool, char *why);

/*
 * Whoever runs this, as if he were a tool of his own name, with $HOME: for
 * what concerns nobody but this host.
 */
bool account_of_myself(struct account *a, char *why);

/* "<home>/<name>".  False: too long, and path is empty. */
bool account_path(
    const struct account *a, const char *name, char *path, size_t size);

#endif
