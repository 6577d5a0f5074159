/* Checks names of domains, and who may have them. */
#include "tools/domains_name.h"

#include <ctype.h>
#include <string.h>

#define LABEL_MAX 63

static bool
label_valid(const char *label, size_t len)
{
	if (len == 0 || len > LABEL_MAX || label[0] == '-' ||
	    label[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)label[i]) && label[i] != '-')
			return false;
	return true;
}

bool
domain_read(const char *text, char out[DOMAIN_MAX + 1])
{
	size_t len = strlen(text);
	const char *label, *dot;

	if (len > 0 && text[len - 1] == '.')
		len--;
	if (len == 0 || len > DOMAIN_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	out[len] = '\0';
	label = strncmp(out, "*.", 2) == 0 ? out + 2 : out;
	for (; (dot = strchr(label, '.')) != NULL; label = dot + 1)
		if (!label_valid(label, (size_t)(dot - label)))
			return false;
	return label_valid(label, strlen(label));
}

static bool
flag(const json_t *zone, const char *name)
{
	return json_is_true(json_object_get(zone, name));
}

const char *
zones_check(const json_t *zones)
{
	static const char *const flags[] = { "shared", "default",
		"deprecated" };
	char domain[DOMAIN_MAX + 1];
	const json_t *zone;
	size_t i;

	if (!json_is_array(zones))
		return "it is not a list of zones";
	json_array_foreach(zones, i, zone)
	{
		const char *name =
		    json_string_value(json_object_get(zone, "name"));
		const json_t *projects = json_object_get(zone, "projects");

		if (name == NULL || !domain_read(name, domain) ||
		    strcmp(name, domain) != 0 || name[0] == '*')
			return "a zone's name is no domain in lower case";
		if (projects != NULL && !json_is_array(projects))
			return "a zone's projects are no list";
		for (size_t f = 0; f < 3; f++) {
			const json_t *value = json_object_get(zone, flags[f]);

			if (value != NULL && !json_is_boolean(value))
				return "shared, default and deprecated are "
				       "true or false";
		}
	}
	return NULL;
}

static bool
is_own(const json_t *zone, const char *project)
{
	const json_t *projects = json_object_get(zone, "projects"), *one;
	size_t i;

	json_array_foreach(projects, i,
	    one) if (json_is_string(one) &&
		     strcmp(json_string_value(one), project) == 0) return true;
	return false;
}

json_t *
zones_of(const json_t *zones, const char *project)
{
	json_t *usable = json_array();
	const json_t *zone;
	size_t i;

	json_array_foreach(
	    zones, i, zone) if (flag(zone, "shared") || is_own(zone, project))
	    json_array_append_new(usable,
		json_pack("{s:O, s:b, s:b, s:b}", "name",
		    json_object_get(zone, "name"), "deprecated",
		    flag(zone, "deprecated"), "default", flag(zone, "default"),
		    "shared", flag(zone, "shared")));
	return json_pack("{s:o}", "zones", usable);
}

/* Is it the zone's own name, or below it? */
static bool
is_within(const char *domain, const char *zone)
{
	size_t len = strlen(domain), zone_len = strlen(zone);

	return len >= zone_len && strcmp(domain + len - zone_len, zone) == 0 &&
	       (len == zone_len || domain[len - zone_len - 1] == '.');
}

/* The longest zone that it is in.  NULL: none. */
static const json_t *
zone_of(const json_t *zones, const char *domain)
{
	const json_t *zone, *best = NULL;
	size_t i, best_len = 0;

	json_array_foreach(zones, i, zone)
	{
		const char *name =
		    json_string_value(json_object_get(zone, "name"));

		if (is_within(domain, name) && strlen(name) > best_len) {
			best = zone;
			best_len = strlen(name);
		}
	}
	return best;
}

const char *
zones_refuse(
    const json_t *zones, const char *project, bool admin, const char *domain)
{
	const json_t *zone = zone_of(zones, domain);
	bool own;

	if (zone == NULL)
		return "The domain is in no zone: see /zones";
	own = is_own(zone, project);
	if (!own && !flag(zone, "shared"))
		return "The zone is another project's";
	if (flag(zone, "deprecated") && !admin)
		return "The zone is deprecated";
	if (own)
		return NULL;
	if (domain[0] == '*')
		return "A shared zone has no wildcards";
	if (strcmp(domain, json_string_value(json_object_get(zone, "name"))) ==
	    0)
		return "The zone itself is nobody's";
	return NULL;
}
