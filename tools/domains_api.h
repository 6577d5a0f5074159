/* The requests of the domain API: one table for serving and describing them. */
#ifndef TOOLS_DOMAINS_API_H
#define TOOLS_DOMAINS_API_H

#include "tools/domains.h"
#include "tools/domains_http.h"
#include "tools/domains_name.h"

/* A request on its way through the API. */
struct api {
	struct domains *d;
	const struct http_request *request;
	struct http_answer *answer;
	struct auth_who who;
	char project[AUTH_NAME_MAX]; /* of the path; empty: it has none */
	char domain[DOMAIN_MAX + 2]; /* of the path, as written; or empty */
	json_t *body;		     /* owned; of PUT and POST with one */
};

struct api_endpoint {
	const char *method;
	const char *path;    /* {project} and {domain} stand for a segment */
	enum auth_role role; /* at least; ROLE_NONE: anybody */
	bool changes;	     /* refused when read-only */
	bool body;	     /* {"domain", "backends"} */
	const char *summary;
	const char *statuses; /* that it may have, beside those of all */
	void (*run)(struct api *api);
};

extern const struct api_endpoint api_endpoints[];
extern const size_t api_nendpoints;

/* Serve one request: struct http_server's. */
void api_serve(
    void *arg, const struct http_request *request, struct http_answer *answer);

/* An answer that says what is wrong. */
void api_fail(struct api *api, unsigned status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* domains_openapi.c: the description of the table. */
void api_describe(struct api *api);

/* domains_mapping.c: what the requests do. */
void api_list(struct api *api);
void api_create(struct api *api);
void api_get(struct api *api);
void api_update(struct api *api);
void api_delete(struct api *api);
void api_zones(struct api *api);
void api_scrub(struct api *api);

#endif
