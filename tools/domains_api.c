/* Finds the endpoint of a request, and checks what holds for all of them. */
#include "tools/domains_api.h"

#include <bsd/string.h>
#include <stdarg.h>

#include "lib/array.h"

#define MAPPING "/v1/{project}/mapping"

const struct api_endpoint api_endpoints[] = {
	{ "GET", "/v1/openapi.json", ROLE_NONE, false, false,
	    "This description", "", api_describe },
	{ "GET", MAPPING, ROLE_READER, false, false,
	    "All domains of a project, with their backends", "400", api_list },
	{ "PUT", MAPPING, ROLE_MEMBER, true, true,
	    "Create a domain, or add backends to it", "400 411 413 415",
	    api_create },
	{ "GET", MAPPING "/{domain}", ROLE_READER, false, false,
	    "One domain with its backends", "400", api_get },
	{ "POST", MAPPING "/{domain}", ROLE_MEMBER, true, true,
	    "Replace the backends of a domain, or rename it", "400 411 413 415",
	    api_update },
	{ "DELETE", MAPPING "/{domain}", ROLE_MEMBER, true, false,
	    "Delete a domain", "400", api_delete },
	{ "GET", "/v1/{project}/zones", ROLE_READER, false, false,
	    "The zones that a project may use", "", api_zones },
	{ "PUT", "/v1/{project}/scrub_mapping", ROLE_MEMBER, true, false,
	    "Remove backends whose address is in no live instance", "400",
	    api_scrub },
};
const size_t api_nendpoints = nitems(api_endpoints);

void
api_fail(struct api *api, unsigned status, const char *fmt, ...)
{
	char text[DOMAINS_WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_decref(api->answer->body);
	api->answer->status = status;
	api->answer->body = json_pack("{s:s}", "error", text);
}

/* Paths. */

/* The next segment, without slashes.  False: there is none. */
static bool
next_segment(struct span *path, struct span *segment)
{
	const char *end;

	if (path->len == 0 || path->ptr[0] != '/')
		return false;
	*path = span_from(*path, 1);
	end = path->len > 0 ? memchr(path->ptr, '/', path->len) : NULL;
	*segment = (struct span){ path->ptr,
		end != NULL ? (size_t)(end - path->ptr) : path->len };
	*path = span_from(*path, segment->len);
	return true;
}

/* Letters, digits and ".-_", and "*" or its "%2A".  False: anything else. */
static bool
copy_segment(struct span s, char *out, size_t size)
{
	size_t n = 0;

	if (s.len >= 3 && s.ptr[0] == '%' && s.ptr[1] == '2' &&
	    (s.ptr[2] | 0x20) == 'a') {
		out[n++] = '*';
		s = span_from(s, 3);
	}
	for (size_t i = 0; i < s.len; i++, n++) {
		if (n + 1 >= size ||
		    !memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw"
			    "xyz0123456789.-_*",
			s.ptr[i], 66))
			return false;
		out[n] = s.ptr[i];
	}
	out[n] = '\0';
	return n > 0;
}

/* Does the path have this form?  Then its parts are in *api. */
static bool
path_is(struct api *api, const char *form)
{
	struct span path = api->request->path, want = span_str(form), a, b;

	while (next_segment(&want, &a)) {
		if (!next_segment(&path, &b))
			return false;
		if (span_eq(a, SPAN("{project}"))) {
			if (!copy_segment(
				b, api->project, sizeof(api->project)))
				return false;
		} else if (span_eq(a, SPAN("{domain}"))) {
			if (!copy_segment(b, api->domain, sizeof(api->domain)))
				return false;
		} else if (!span_eq(a, b)) {
			return false;
		}
	}
	return path.len == 0;
}

/* NULL: it was answered, with 404 or 405. */
static const struct api_endpoint *
find_endpoint(struct api *api)
{
	struct span method = api->request->head->method_text;
	char *allow = api->answer->header_text;
	size_t size = sizeof(api->answer->header_text);
	const struct api_endpoint *e;
	bool known = false;

	if (api->request->head->method == HTTP_HEAD)
		method = SPAN("GET");
	strlcpy(allow, "Allow: ", size);
	for (e = api_endpoints; e < api_endpoints + api_nendpoints; e++) {
		if (!path_is(api, e->path))
			continue;
		if (span_eq(method, span_str(e->method)))
			return e;
		if (known)
			strlcat(allow, ", ", size);
		strlcat(allow, e->method, size);
		known = true;
	}
	if (known) {
		api->answer->header = allow;
		api_fail(api, 405, "This method is not for this path");
	} else {
		api_fail(api, 404, "No such path: see /v1/openapi.json");
	}
	return NULL;
}

/* Who asks. */

/* "Authorization: Bearer X", or "X-Auth-Token: X" as OpenStack's clients. */
static struct span
find_token(const struct http_msg *head)
{
	const struct http_field *f = http_msg_field(head, FIELD_AUTHORIZATION);
	const struct span scheme = SPAN("Bearer ");

	if (f != NULL && f->value.len > scheme.len &&
	    span_starts_nocase(f->value, scheme))
		return span_from(f->value, scheme.len);
	for (size_t i = 0; i < head->nfields; i++)
		if (span_eq_nocase(head->field[i].name, SPAN("X-Auth-Token")))
			return head->field[i].value;
	return (struct span){ .len = 0 };
}

static enum auth_result
check_token(struct api *api)
{
	struct span s = find_token(api->request->head);
	char token[AUTH_TOKEN_MAX];

	if (s.len == 0 || s.len >= sizeof(token))
		return AUTH_UNKNOWN;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
			return AUTH_UNKNOWN;
	memcpy(token, s.ptr, s.len);
	token[s.len] = '\0';
	return api->d->auth.check(&api->d->auth, token, &api->who);
}

/* May he do this?  False: it was answered. */
static bool
admit(struct api *api, const struct api_endpoint *e)
{
	enum auth_result result =
	    e->role == ROLE_NONE ? AUTH_KNOWN : check_token(api);

	if (result == AUTH_UNAVAILABLE) {
		api->answer->header = "Retry-After: 5";
		api_fail(api, 503, "Nobody can tell whose the token is");
	} else if (result == AUTH_UNKNOWN) {
		api->answer->header = "WWW-Authenticate: Bearer";
		api_fail(api, 401, "A token is needed, and this is none");
	} else if (api->who.role < e->role) {
		api_fail(api, 403, "Your role does not allow it");
	} else if (e->role != ROLE_NONE && api->who.role != ROLE_ADMIN &&
		   strcmp(api->who.project, api->project) != 0 &&
		   strcmp(api->who.project_id, api->project) != 0) {
		api_fail(api, 403, "The token is another project's");
	} else if (e->changes && api->d->read_only) {
		api_fail(api, 403, "Nothing can be changed here: read-only");
	} else {
		return true;
	}
	return false;
}

/* Bodies. */

static bool
is_json(const struct http_msg *head)
{
	const struct http_field *f = http_msg_field(head, FIELD_CONTENT_TYPE);
	struct span type = SPAN("application/json");

	return f == NULL ||
	       (span_starts_nocase(f->value, type) &&
		   (f->value.len == type.len ||
		       strchr("; \t", f->value.ptr[type.len]) != NULL));
}

/* False: it was answered. */
static bool
read_body(struct api *api)
{
	const struct http_request *r = api->request;

	if (r->no_length)
		api_fail(api, 411, "Say Content-Length");
	else if (r->too_large)
		api_fail(api, 413, "The body is over %d bytes", HTTP_BODY_MAX);
	else if (!is_json(r->head))
		api_fail(api, 415, "The body has to be application/json");
	else {
		api->body = json_loadb(
		    r->body.ptr, r->body.len, JSON_REJECT_DUPLICATES, NULL);
		if (api->body != NULL)
			return true;
		api_fail(api, 400, "The body is no valid JSON");
	}
	return false;
}

void
api_serve(
    void *arg, const struct http_request *request, struct http_answer *answer)
{
	struct api api = { .d = arg, .request = request, .answer = answer };
	const struct api_endpoint *e = find_endpoint(&api);

	if (e != NULL && admit(&api, e) && (!e->body || read_body(&api)))
		e->run(&api);
	json_decref(api.body);
}
