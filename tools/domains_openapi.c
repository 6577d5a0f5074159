/* Describes the table of requests as OpenAPI 3.0 has it. */
#include <ctype.h>
#include <stdlib.h>

#include "tools/domains_api.h"

#define SCHEMA_REF "#/components/schemas/Mapping"

static json_t *
answer_of(unsigned status)
{
	const char *description =
	    status == 200   ? "Done"
	    : status == 400 ? "The request, or what it names, is wrong"
	    : status == 401 ? "No valid token"
	    : status == 403 ? "It is not for this token"
	    : status == 411 ? "No Content-Length"
	    : status == 413 ? "The body is too large"
	    : status == 415 ? "The body is no JSON"
			    : "Try again later";

	return json_pack("{s:s}", "description", description);
}

static json_t *
answers_of(const struct api_endpoint *e)
{
	json_t *answers = json_pack("{s:o}", "200", answer_of(200));
	const char *at = e->statuses;
	char *end, name[8];

	for (;; at = end) {
		unsigned status = (unsigned)strtoul(at, &end, 10);

		if (end == at)
			break;
		snprintf(name, sizeof(name), "%u", status);
		json_object_set_new(answers, name, answer_of(status));
	}
	if (e->role != ROLE_NONE) {
		json_object_set_new(answers, "401", answer_of(401));
		json_object_set_new(answers, "403", answer_of(403));
		json_object_set_new(answers, "503", answer_of(503));
	}
	return answers;
}

static void
add_parameter(json_t *parameters, const char *path, const char *name)
{
	char braced[32];

	snprintf(braced, sizeof(braced), "{%s}", name);
	if (strstr(path, braced) != NULL)
		json_array_append_new(parameters,
		    json_pack("{s:s, s:s, s:b, s:{s:s}}", "name", name, "in",
			"path", "required", 1, "schema", "type", "string"));
}

static json_t *
describe(const struct api_endpoint *e)
{
	json_t *parameters = json_array();
	json_t *operation = json_pack("{s:s, s:o, s:o, s:[]}", "summary",
	    e->summary, "responses", answers_of(e), "parameters", parameters,
	    "security");

	add_parameter(parameters, e->path, "project");
	add_parameter(parameters, e->path, "domain");
	if (e->role != ROLE_NONE)
		json_array_append_new(json_object_get(operation, "security"),
		    json_pack("{s:[]}", "bearer"));
	if (e->body)
		json_object_set_new(operation, "requestBody",
		    json_pack("{s:b, s:{s:{s:{s:s}}}}", "required", 1,
			"content", "application/json", "schema", "$ref",
			SCHEMA_REF));
	return operation;
}

static json_t *
describe_paths(void)
{
	json_t *paths = json_object(), *path;
	char method[16];

	for (size_t i = 0; i < api_nendpoints; i++) {
		const struct api_endpoint *e = &api_endpoints[i];
		size_t n = 0;

		for (; e->method[n] != '\0' && n + 1 < sizeof(method); n++)
			method[n] = (char)tolower((unsigned char)e->method[n]);
		method[n] = '\0';
		path = json_object_get(paths, e->path);
		if (path == NULL) {
			path = json_object();
			json_object_set_new(paths, e->path, path);
		}
		json_object_set_new(path, method, describe(e));
	}
	return paths;
}

void
api_describe(struct api *api)
{
	json_t *schema = json_pack(
	    "{s:s, s:[s, s], s:{s:{s:s}, s:{s:s, s:{s:s}}}}", "type", "object",
	    "required", "domain", "backends", "properties", "domain", "type",
	    "string", "backends", "type", "array", "items", "type", "string");

	api->answer->body =
	    json_pack("{s:s, s:{s:s, s:s}, s:o, s:{s:{s:o}, s:{s:{s:s, s:s}}}}",
		"openapi", "3.0.3", "info", "title", "dynproxy-domains",
		"version", "1", "paths", describe_paths(), "components",
		"schemas", "Mapping", schema, "securitySchemes", "bearer",
		"type", "http", "scheme", "bearer");
}
