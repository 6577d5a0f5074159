/* What the requests of the domain API do. */
#include <bsd/string.h>

#include "tools/domains_api.h"
#include "tools/domains_scrub.h"

#define BACKENDS_MAX 16	    /* of one domain, as the proxy has it */
#define BACKEND_URL_MAX 255 /* bytes; the column has 256 */

static void
not_now(struct api *api, const char *why)
{
	api->answer->header = "Retry-After: 5";
	api_fail(api, 503, "%s", why);
}

static void
store_away(struct api *api)
{
	not_now(api, "The store cannot be read");
}

/* A mapping as clients have it, without its project. */
static json_t *
shown(const json_t *mapping)
{
	return json_pack("{s:O, s:O}", "domain",
	    json_object_get(mapping, "domain"), "backends",
	    json_object_get(mapping, "backends"));
}

static bool
is_of(const json_t *mapping, const char *project)
{
	return strcmp(json_string_value(json_object_get(mapping, "project")),
		   project) == 0;
}

void
api_list(struct api *api)
{
	json_t *all = store_list(api->d->store, api->project), *routes, *one;
	size_t i;

	if (all == NULL) {
		store_away(api);
		return;
	}
	if (json_array_size(all) == 0 &&
	    !store_has_project(api->d->store, api->project)) {
		api_fail(api, 400, "No such project");
		json_decref(all);
		return;
	}
	routes = json_array();
	json_array_foreach(all, i, one)
	    json_array_append_new(routes, shown(one));
	api->answer->body =
	    json_pack("{s:s, s:o}", "project", api->project, "routes", routes);
	json_decref(all);
}

void
api_zones(struct api *api)
{
	json_t *zones = jsonfile_get(&api->d->zones);

	api->answer->body = zones_of(zones, api->project);
	json_decref(zones);
}

/*
 * The domain of the path, if it is the project's; its lock is held, when
 * `lock` says so.  NULL: it was answered.
 */
static json_t *
find_mapping(struct api *api, char domain[DOMAIN_MAX + 1])
{
	json_t *mapping = NULL;
	bool ok = true;

	if (domain_read(api->domain, domain))
		mapping = store_read(api->d->store, domain, &ok);
	if (!ok) {
		store_away(api);
	} else if (mapping == NULL || !is_of(mapping, api->project)) {
		api_fail(api, 400,
		    store_has_project(api->d->store, api->project)
			? "No such domain"
			: "No such project");
		json_decref(mapping);
		mapping = NULL;
	}
	return mapping;
}

void
api_get(struct api *api)
{
	char domain[DOMAIN_MAX + 1];
	json_t *mapping = find_mapping(api, domain);

	if (mapping != NULL)
		api->answer->body = shown(mapping);
	json_decref(mapping);
}

/* Bodies: {"domain", "backends"}. */

/* NULL: it is one for the proxy to judge. */
static const char *
backend_wrong(const json_t *url)
{
	const char *text = json_string_value(url);

	if (text == NULL || strlen(text) > BACKEND_URL_MAX)
		return "A backend is a URL of at most 255 bytes";
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~')
			return "A backend is a URL";
	return NULL;
}

/* Add those that are not there yet.  False: it was answered. */
static bool
add_backends(struct api *api, json_t *to, const json_t *from)
{
	const json_t *url, *there;
	const char *wrong;
	size_t i, j;

	json_array_foreach(from, i, url)
	{
		bool has = false;

		wrong = backend_wrong(url);
		if (wrong != NULL) {
			api_fail(api, 400, "%s", wrong);
			return false;
		}
		json_array_foreach(to, j, there) has =
		    has || json_equal(url, there);
		if (!has)
			json_array_append(to, (json_t *)url);
	}
	if (json_array_size(to) > 0 && json_array_size(to) <= BACKENDS_MAX)
		return true;
	api_fail(api, 400, "A domain has 1 to %d backends", BACKENDS_MAX);
	return false;
}

/* The body's parts.  False: it was answered. */
static bool
read_mapping(struct api *api, char domain[DOMAIN_MAX + 1], json_t **backends)
{
	const char *text;

	if (json_unpack(api->body, "{s:s, s:o}", "domain", &text, "backends",
		backends) == -1 ||
	    !json_is_array(*backends)) {
		api_fail(api, 400,
		    "Valid JSON but invalid format. "
		    "Needs domain string and backends array");
		return false;
	}
	if (!domain_read(text, domain)) {
		api_fail(api, 400, "Invalid domain");
		return false;
	}
	return true;
}

/* A new one: is it free, and may they have it?  False: it was answered. */
static bool
may_have(struct api *api, const char *domain)
{
	json_t *zones = jsonfile_get(&api->d->zones), *there;
	const char *wrong = zones_refuse(
	    zones, api->project, api->who.role == ROLE_ADMIN, domain);
	bool ok;

	json_decref(zones);
	there = store_read(api->d->store, domain, &ok);
	if (!ok)
		store_away(api);
	else if (there != NULL)
		api_fail(api, 403, "The domain is taken");
	else if (wrong != NULL)
		api_fail(api, 403, "%s", wrong);
	json_decref(there);
	return ok && there == NULL && wrong == NULL;
}

/* Make it so, and answer. */
static bool
make(struct api *api, const struct store_edit *edits, size_t n)
{
	char why[DOMAINS_WHY_MAX];

	switch (change_make(api->d, edits, n, api->who.user, why)) {
	case CHANGE_MADE:
		return true;
	case CHANGE_NOT_ALLOWED:
		api_fail(api, 400, "%s", why);
		break;
	case CHANGE_NOT_NOW:
		not_now(api, why);
		break;
	}
	return false;
}

static void
make_and_show(struct api *api, const struct store_edit *edits, size_t n)
{
	if (make(api, edits, n))
		api->answer->body = json_pack("{s:s, s:O}", "domain",
		    edits->domain, "backends", (json_t *)edits->backends);
}

/* PUT, with the domain's lock held. */
static void
create(struct api *api, const char *domain, const json_t *more)
{
	struct store_edit edit = { .domain = domain, .project = api->project };
	bool ok;
	json_t *was = store_read(api->d->store, domain, &ok);
	json_t *backends = json_array();

	if (!ok) {
		store_away(api);
	} else if (was != NULL && !is_of(was, api->project)) {
		api_fail(api, 403, "The domain is another project's");
	} else if (was != NULL || may_have(api, domain)) {
		json_array_extend(backends, json_object_get(was, "backends"));
		edit.backends = backends;
		if (add_backends(api, backends, more))
			make_and_show(api, &edit, 1);
	}
	json_decref(backends);
	json_decref(was);
}

void
api_create(struct api *api)
{
	char domain[DOMAIN_MAX + 1];
	const char *const locked[] = { domain };
	json_t *backends;

	if (!read_mapping(api, domain, &backends))
		return;
	changer_lock(api->d, locked, 1);
	create(api, domain, backends);
	changer_unlock(api->d, locked, 1);
}

/* POST, with the locks of the old name and the new held. */
static void
update(struct api *api, const char *to, const json_t *wanted)
{
	char domain[DOMAIN_MAX + 1];
	json_t *was = find_mapping(api, domain);
	json_t *backends = json_array();
	/* the new name is there before the old one goes */
	struct store_edit edits[2] = {
		{ .domain = to, .project = api->project, .backends = backends },
		{ .domain = domain },
	};
	bool renamed = was != NULL && strcmp(domain, to) != 0;

	if (was != NULL && (!renamed || may_have(api, to)) &&
	    add_backends(api, backends, wanted))
		make_and_show(api, edits, renamed ? 2 : 1);
	json_decref(backends);
	json_decref(was);
}

void
api_update(struct api *api)
{
	char old[DOMAIN_MAX + 1], new[DOMAIN_MAX + 1];
	const char *const locked[] = { old, new };
	json_t *backends;

	if (!read_mapping(api, new, &backends))
		return;
	if (!domain_read(api->domain, old))
		strlcpy(old, new, sizeof(old));
	changer_lock(api->d, locked, 2);
	update(api, new, backends);
	changer_unlock(api->d, locked, 2);
}

/* DELETE, with the lock held. */
static void delete (struct api *api)
{
	char domain[DOMAIN_MAX + 1];
	struct store_edit edit = { .domain = domain };
	json_t *mapping = find_mapping(api, domain);

	if (mapping != NULL && make(api, &edit, 1))
		api->answer->body = json_pack("{s:s}", "deleted", domain);
	json_decref(mapping);
}

void
api_delete(struct api *api)
{
	char domain[DOMAIN_MAX + 1];
	const char *const locked[] = { domain };

	if (!domain_read(api->domain, domain)) {
		api_fail(api, 400, "No such domain");
		return;
	}
	changer_lock(api->d, locked, 1);
	delete (api);
	changer_unlock(api->d, locked, 1);
}

/* One domain without its dead backends; removed: those.  False: answered. */
static bool
scrub_domain(
    struct api *api, const char *domain, const json_t *live, json_t *removed)
{
	struct store_edit edit = { .domain = domain, .project = api->project };
	json_t *mapping, *stay, *go;
	bool ok;

	mapping = store_read(api->d->store, domain, &ok);
	if (!ok)
		store_away(api);
	if (mapping == NULL || !is_of(mapping, api->project)) {
		json_decref(mapping);
		return ok; /* gone meanwhile */
	}
	scrub_split(json_object_get(mapping, "backends"), live, &stay, &go);
	if (json_array_size(stay) > 0)
		edit.backends = stay;
	if (json_array_size(go) > 0) {
		ok = make(api, &edit, 1);
		if (ok)
			json_array_append_new(
			    removed, json_pack("{s:s, s:O}", "domain", domain,
					 "backends", go));
	}
	json_decref(stay);
	json_decref(go);
	json_decref(mapping);
	return ok;
}

void
api_scrub(struct api *api)
{
	char why[DOMAINS_WHY_MAX];
	json_t *live = scrub_live(api->d, why), *all, *one;
	json_t *removed = json_array();
	bool goes_on = live != NULL;
	size_t i;

	all = store_list(api->d->store, api->project);
	if (!goes_on)
		not_now(api, why);
	else if (all == NULL)
		store_away(api);
	json_array_foreach(all, i, one)
	{
		const char *domain =
		    json_string_value(json_object_get(one, "domain"));

		changer_lock(api->d, &domain, 1);
		goes_on = goes_on && scrub_domain(api, domain, live, removed);
		changer_unlock(api->d, &domain, 1);
	}
	if (goes_on && all != NULL)
		api->answer->body = json_pack("{s:O}", "removed", removed);
	json_decref(removed);
	json_decref(all);
	json_decref(live);
}
