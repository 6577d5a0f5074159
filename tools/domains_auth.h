/* Who asks: an authenticator turns a token into a project and a role. */
#ifndef TOOLS_DOMAINS_AUTH_H
#define TOOLS_DOMAINS_AUTH_H

#include <stdbool.h>

#include "lib/span.h"
#include "tools/fetch.h"
#include "tools/jsonfile.h"

#define AUTH_NAME_MAX 128
#define AUTH_TOKEN_MAX 4096 /* bytes */

/* In order: who may do more may do less. */
enum auth_role {
	ROLE_NONE,
	ROLE_READER, /* may look at the project's domains */
	ROLE_MEMBER, /* may change them */
	ROLE_ADMIN,  /* of all projects, and in deprecated zones */
};

struct auth_who {
	char user[AUTH_NAME_MAX];    /* for the log */
	char project[AUTH_NAME_MAX]; /* its name or ID; either is good */
	char project_id[AUTH_NAME_MAX];
	enum auth_role role;
};

enum auth_result {
	AUTH_KNOWN,
	AUTH_UNKNOWN,	  /* 401 */
	AUTH_UNAVAILABLE, /* 503: nobody can tell */
};

struct auth {
	/* Ask about a token, of printable ASCII without blanks. */
	enum auth_result (*check)(
	    struct auth *auth, const char *token, struct auth_who *who);

	struct jsonfile tokens; /* of the file of tokens */

	const char *url;	/* of Keystone, without "/v3" */
	const char *token_file; /* our own token, in one line */
	struct fetch_tls tls;
};

/* "reader", "member", "admin"; others are ROLE_NONE. */
enum auth_role auth_role_of(const char *name);

/*
 * A file [{"sha256": hex, "user", "project", "role"}, ...]: the SHA-256 of a
 * token, which has to be long and random.  False: why (256 bytes).
 */
bool auth_by_file(struct auth *auth, const char *path, char *why);

/* Keystone's API v3, "GET /v3/auth/tokens". */
void auth_by_keystone(struct auth *auth, const char *url,
    const char *token_file, const char *ca_file);

#endif
