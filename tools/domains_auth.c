/* Knows tokens by their hashes in a file. */
#include "tools/domains_auth.h"

#include <bsd/string.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "lib/array.h"

#define HEX_LEN (2 * SHA256_DIGEST_LENGTH)

enum auth_role
auth_role_of(const char *name)
{
	static const struct {
		const char *name;
		enum auth_role role;
	} roles[] = {
		{ "reader", ROLE_READER },
		{ "member", ROLE_MEMBER },
		{ "admin", ROLE_ADMIN },
	};

	for (size_t i = 0; i < nitems(roles); i++)
		if (strcmp(roles[i].name, name) == 0)
			return roles[i].role;
	return ROLE_NONE;
}

static const char *
check_tokens(const json_t *tokens)
{
	const char *hash, *user, *project, *role;
	const json_t *one;
	size_t i;

	if (!json_is_array(tokens))
		return "it is not a list of tokens";
	json_array_foreach(tokens, i, one)
	{
		if (json_unpack((json_t *)one, "{s:s, s:s, s:s, s:s}", "sha256",
			&hash, "user", &user, "project", &project, "role",
			&role) == -1)
			return "a token lacks sha256, user, project or role";
		if (strlen(hash) != HEX_LEN ||
		    hash[strspn(hash, "0123456789abcdef")] != '\0')
			return "a sha256 is not 64 hexadecimal digits";
		if (auth_role_of(role) == ROLE_NONE)
			return "a role is not reader, member or admin";
		if (strlen(user) >= AUTH_NAME_MAX ||
		    strlen(project) >= AUTH_NAME_MAX)
			return "a user's or project's name is too long";
	}
	return NULL;
}

static void
hash_token(const char *token, char hex[HEX_LEN + 1])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)token, strlen(token), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* All are compared, however early it was found. */
static enum auth_result
check_file(struct auth *auth, const char *token, struct auth_who *who)
{
	json_t *tokens = jsonfile_get(&auth->tokens);
	const json_t *one, *found = NULL;
	const char *hash, *user, *project, *role;
	char hex[HEX_LEN + 1];
	size_t i;

	hash_token(token, hex);
	json_array_foreach(tokens, i, one)
	{
		hash = json_string_value(json_object_get(one, "sha256"));
		if (CRYPTO_memcmp(hash, hex, HEX_LEN) == 0)
			found = one;
	}
	if (found != NULL) {
		json_unpack((json_t *)found, "{s:s, s:s, s:s}", "user", &user,
		    "project", &project, "role", &role);
		strlcpy(who->user, user, sizeof(who->user));
		strlcpy(who->project, project, sizeof(who->project));
		strlcpy(who->project_id, project, sizeof(who->project_id));
		who->role = auth_role_of(role);
	}
	json_decref(tokens);
	return found != NULL ? AUTH_KNOWN : AUTH_UNKNOWN;
}

bool
auth_by_file(struct auth *auth, const char *path, char *why)
{
	auth->check = check_file;
	return jsonfile_open(&auth->tokens, path, check_tokens, why);
}
