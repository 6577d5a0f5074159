/* Puts the rules together for each zone, and applies them. */
#include "worker/zone.h"

#include <assert.h>
#include <stdlib.h>

#include "http/edit.h"
#include "http/fields.h"

static_assert(ZONE_RULES_MAX < HTTP_FIELDS_OURS - 8, "there is room for them");

struct rule {
	enum header_action action;
	struct span name, value; /* borrowed from the configuration */
};

struct ruleset {
	struct rule rules[ZONE_RULES_MAX]; /* one for a name */
	size_t n;
	uint64_t lengths; /* of their names, as bits: most fields have others */
};

struct zone {
	struct span name; /* borrowed; empty: of all that have no other */
	struct ruleset plain, tls;
};

struct zones {
	struct zone *zone; /* owned; the longest names first, the empty last */
	size_t n;
};

static uint64_t
length_bit(struct span name)
{
	return UINT64_C(1) << (name.len < 63 ? name.len : 63);
}

/* A later rule for the same name takes the place of the earlier. */
static void
add_rule(struct ruleset *set, enum header_action action, struct span name,
    struct span value)
{
	size_t at = 0;

	while (at < set->n && !span_eq_nocase(set->rules[at].name, name))
		at++;
	assert(at < ZONE_RULES_MAX);
	set->rules[at] = (struct rule){ action, name, value };
	set->lengths |= length_bit(name);
	if (at == set->n)
		set->n++;
}

/* Is host the zone, or below it? */
static bool
covers(struct span zone, struct span host)
{
	size_t before;

	if (zone.len == 0)
		return true;
	if (host.len < zone.len)
		return false;
	before = host.len - zone.len;
	return span_eq(span_from(host, before), zone) &&
	       (before == 0 || host.ptr[before - 1] == '.');
}

/* Rules of wider zones first: they give way to the narrower. */
static void
add_rules(struct ruleset *set, const struct conf *conf, struct span zone)
{
	for (size_t len = 0; len <= zone.len; len++)
		for (size_t i = 0; i < conf->nresponse_headers; i++) {
			const struct response_header *h =
			    &conf->response_headers[i];
			struct span name = span_str(h->zone);

			if (name.len == len && covers(name, zone))
				add_rule(set, h->action, span_str(h->name),
				    span_str(h->value));
		}
}

/* RFC 6797 section 7.2: without TLS it must not be sent. */
static void
fill(struct zone *zone, const struct conf *conf)
{
	const struct span hsts = SPAN("Strict-Transport-Security");

	if (*conf->csp_report_only != '\0') {
		struct span name = SPAN("Content-Security-Policy-Report-Only");
		struct span value = span_str(conf->csp_report_only);

		add_rule(&zone->tls, HEADER_DEFAULT, name, value);
		add_rule(&zone->plain, HEADER_DEFAULT, name, value);
	}
	if (*conf->hsts != '\0')
		add_rule(&zone->tls, HEADER_SET, hsts, span_str(conf->hsts));
	add_rules(&zone->tls, conf, zone->name);
	add_rules(&zone->plain, conf, zone->name);
	add_rule(&zone->plain, HEADER_REMOVE, hsts, SPAN(""));
}

static int
longest_first(const void *a, const void *b)
{
	size_t x = ((const struct zone *)a)->name.len;
	size_t y = ((const struct zone *)b)->name.len;

	return x < y ? 1 : x > y ? -1 : 0;
}

static bool
is_known(const struct zones *zones, struct span name)
{
	for (size_t i = 0; i < zones->n; i++)
		if (span_eq(zones->zone[i].name, name))
			return true;
	return false;
}

static void
add_zone(struct zones *zones, const struct conf *conf, struct span name)
{
	struct zone *zone = &zones->zone[zones->n];

	if (is_known(zones, name))
		return;
	zones->n++;
	zone->name = name;
	fill(zone, conf);
}

struct zones *
zones_new(const struct conf *conf)
{
	struct zones *zones = calloc(1, sizeof(*zones));

	if (zones != NULL)
		zones->zone =
		    calloc(conf->nresponse_headers + 1, sizeof(*zones->zone));
	if (zones == NULL || zones->zone == NULL) {
		free(zones);
		return NULL;
	}
	add_zone(zones, conf, SPAN(""));
	for (size_t i = 0; i < conf->nresponse_headers; i++)
		add_zone(zones, conf, span_str(conf->response_headers[i].zone));
	qsort(zones->zone, zones->n, sizeof(*zones->zone), longest_first);
	return zones;
}

void
zones_free(struct zones *zones)
{
	if (zones == NULL)
		return;
	free(zones->zone);
	free(zones);
}

static const struct ruleset *
find(const struct zones *zones, struct span host, bool https)
{
	const struct zone *zone = zones->zone;

	while (!covers(zone->name, host)) /* the last one covers all */
		zone++;
	return https ? &zone->tls : &zone->plain;
}

/* What the rules have found in a response. */
struct applying {
	const struct ruleset *set;
	bool has[ZONE_RULES_MAX]; /* the backend sent it: no default */
};

/* Is a received field in the way of a rule? */
static bool
in_the_way(const struct http_msg *msg, const struct http_field *f,
    const struct applying *a, size_t *rule)
{
	size_t i = 0;

	if ((a->set->lengths & length_bit(f->name)) == 0)
		return false;
	while (i < a->set->n && !span_eq_nocase(a->set->rules[i].name, f->name))
		i++;
	*rule = i;
	return i < a->set->n && !http_field_is_hop(msg, f);
}

static bool
is_dropped(
    const struct http_msg *msg, const struct http_field *f, const void *user)
{
	const struct applying *a = user;
	size_t rule;

	return in_the_way(msg, f, a, &rule) &&
	       a->set->rules[rule].action != HEADER_DEFAULT;
}

void
zones_apply(const struct zones *zones, struct span host, bool https,
    struct http_msg *msg)
{
	struct applying a = { .set = find(zones, host, https) };
	bool drops = false;
	size_t rule;

	for (size_t i = 0; i < msg->nfields; i++)
		if (in_the_way(msg, &msg->field[i], &a, &rule)) {
			a.has[rule] = true;
			drops |= a.set->rules[rule].action != HEADER_DEFAULT;
		}
	if (drops)
		http_msg_drop(msg, is_dropped, &a);
	for (size_t i = 0; i < a.set->n; i++) {
		const struct rule *r = &a.set->rules[i];

		if (r->action == HEADER_SET ||
		    (r->action == HEADER_DEFAULT && !a.has[i]))
			http_msg_add(msg, r->name, r->value);
	}
}
