/* Asks OpenStack's Keystone whose a token is (its API v3). */
#include <bsd/string.h>

#include "lib/log.h"
#include "tools/domains_auth.h"
#include "tools/oneline.h"

#define ANSWER_MAX (256 * 1024)
#define ANSWER_MS 5000

/* False: it does not fit, or is not there. */
static bool
copy_name(char out[AUTH_NAME_MAX], const json_t *from, const char *key)
{
	const char *text = json_string_value(json_object_get(from, key));

	return text != NULL &&
	       strlcpy(out, text, AUTH_NAME_MAX) < AUTH_NAME_MAX;
}

/* {"token": {"user": {"name"}, "project": {"id", "name"}, "roles": [...]}} */
static enum auth_result
read_token(const json_t *answer, struct auth_who *who)
{
	const json_t *token = json_object_get(answer, "token");
	const json_t *project = json_object_get(token, "project"), *role;
	const char *name;
	size_t i;

	if (!json_is_object(token))
		return AUTH_UNAVAILABLE;
	/* a token that is scoped to no project is good for none */
	if (!copy_name(who->user, json_object_get(token, "user"), "name") ||
	    !copy_name(who->project, project, "name") ||
	    !copy_name(who->project_id, project, "id"))
		return AUTH_UNKNOWN;
	who->role = ROLE_NONE;
	json_array_foreach(json_object_get(token, "roles"), i, role)
	{
		name = json_string_value(json_object_get(role, "name"));
		if (name != NULL && auth_role_of(name) > who->role)
			who->role = auth_role_of(name);
	}
	return AUTH_KNOWN;
}

static int
ask(const struct auth *auth, const char *token, struct buf *answer, char *said)
{
	char url[1024], own[AUTH_TOKEN_MAX];
	char ours[AUTH_TOKEN_MAX + 32], theirs[AUTH_TOKEN_MAX + 32];
	const char *const headers[] = { ours, theirs, NULL };
	int n = snprintf(url, sizeof(url), "%s/v3/auth/tokens", auth->url);

	if (n < 0 || (size_t)n >= sizeof(url) ||
	    !oneline_read(auth->token_file, own, sizeof(own)) ||
	    own[0] == '\0') {
		strlcpy(said, "our own token cannot be read", FETCH_SAID_MAX);
		return -1;
	}
	snprintf(ours, sizeof(ours), "X-Auth-Token: %s", own);
	snprintf(theirs, sizeof(theirs), "X-Subject-Token: %s", token);
	return fetch(&(struct fetch){ .url = url,
			 .headers = headers,
			 .timeout_ms = ANSWER_MS,
			 .tls = &auth->tls },
	    answer, said);
}

static enum auth_result
check_keystone(struct auth *auth, const char *token, struct auth_who *who)
{
	enum auth_result result = AUTH_UNAVAILABLE;
	char said[FETCH_SAID_MAX];
	json_t *answer;
	struct buf body;
	int status;

	buf_init(&body, ANSWER_MAX);
	status = ask(auth, token, &body, said);
	if (status == 404) {
		result = AUTH_UNKNOWN;
	} else if (status == 200) {
		answer =
		    json_loadb(buf_span(&body).ptr, buf_len(&body), 0, NULL);
		result = read_token(answer, who);
		json_decref(answer);
	}
	if (result == AUTH_UNAVAILABLE)
		log_event(LOG_ERR, "keystone-failed", "status=%d: %s", status,
		    status == -1 ? said : "an answer that is none");
	buf_release(&body);
	return result;
}

void
auth_by_keystone(struct auth *auth, const char *url, const char *token_file,
    const char *ca_file)
{
	auth->check = check_keystone;
	auth->url = url;
	auth->token_file = token_file;
	auth->tls = (struct fetch_tls){ .ca_file = ca_file };
}
