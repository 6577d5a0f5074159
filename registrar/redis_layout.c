/* Names and replies of the original's layout, each checked as a stranger's. */
#include "registrar/redis_layout.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "registrar/vet.h"
#include "route/pattern.h"

#define ENTRIES_MAX (2 * ROUTES_MAX) /* looked at, of one name */

/* Without printf: three for each name that is read. */
static const char *
join(const char *prefix, const char *key, char out[REDIS_KEY_MAX])
{
	size_t len = strlen(prefix);

	memcpy(out, prefix, len);
	strlcpy(out + len, key + 1, REDIS_KEY_MAX - len);
	return out;
}

const char *
redis_routes_key(const char *key, char out[REDIS_KEY_MAX])
{
	return join(*key == KEY_TOOL ? "prefix:" : "frontend:", key, out);
}

const char *
redis_redirect_key(const char *key, char out[REDIS_KEY_MAX])
{
	return join("redirect:", key, out);
}

const char *
redis_records_key(const char *key, char out[REDIS_KEY_MAX])
{
	return join(*key == KEY_TOOL ? "dynproxy:route:" : "dynproxy:frontend:",
	    key, out);
}

bool
redis_key_parse(struct span redis_key, char key[KEY_MAX])
{
	static const struct {
		struct span prefix;
		enum key_kind kind;
		bool (*valid)(struct span name);
	} kinds[] = {
		{ { "prefix:", 7 }, KEY_TOOL, vet_tool_name },
		{ { "redirect:", 9 }, KEY_TOOL, vet_tool_name },
		{ { "frontend:", 9 }, KEY_FRONTEND, vet_frontend_name },
	};

	for (size_t i = 0; i < nitems(kinds); i++) {
		struct span name;

		if (!span_starts(redis_key, kinds[i].prefix))
			continue;
		name = span_from(redis_key, kinds[i].prefix.len);
		if (!kinds[i].valid(name) || name.len + 2 > KEY_MAX)
			return false;
		key[0] = (char)kinds[i].kind;
		memcpy(key + 1, name.ptr, name.len);
		key[1 + name.len] = '\0';
		return true;
	}
	return false;
}

static bool
is_text(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_STRING &&
	       strlen(reply->str) == reply->len;
}

static void
refuse(struct redis_view *view, const char *why)
{
	view->refused++;
	view->why = why;
}

/* One destination into the view; false: it was refused. */
static bool
read_destination(struct redis_view *view, const redisReply *text)
{
	struct destination *to = &view->destinations[view->ndestinations];
	enum vet_fault fault;

	*to = (struct destination){ .url = text->str };
	fault = is_text(text) ? vet_url(span_str(text->str), &to->backend)
			      : VET_ADDRESS;

	if (fault != VET_FINE) {
		refuse(view, vet_says(fault));
		return false;
	}
	view->ndestinations++;
	return true;
}

static void
add_route(struct redis_view *view, const char *pattern,
    const struct destination *to, size_t nto)
{
	view->routes[view->nroutes++] =
	    (struct foreign_route){ .pattern = pattern, .to = to, .nto = nto };
}

/*
 * The destinations of a record, whose text they end, behind those of the view;
 * 0: one is malformed, or they are too many.
 */
static size_t
read_recorded(struct redis_view *view, char *text)
{
	struct destination *first = &view->destinations[view->ndestinations];
	size_t n = 0;
	char *stored;

	while ((stored = strsep(&text, " ")) != NULL) {
		if (n == ROUTE_BACKENDS_MAX ||
		    !destination_restore(&first[n], stored) ||
		    vet_url(span_str(first[n].url), &first[n].backend) !=
			VET_FINE)
			return 0;
		n++;
	}
	qsort(first, n, sizeof(*first), destination_order);
	return n;
}

static void
keep(struct redis_view *view, const char *pattern)
{
	if (view->nkept < ROUTES_MAX)
		view->kept[view->nkept++] = pattern;
}

/* What no tool may have, the original cannot give it either. */
static bool
is_allowed(struct redis_view *view, const struct destination *to)
{
	enum vet_fault fault =
	    vet_destination(view->vet, &to->backend, &to->backend.ip);

	if (fault != VET_FINE)
		refuse(view, vet_says(fault));
	return fault == VET_FINE;
}

/*
 * A route with one destination, and what its record says beside.  Another
 * destination than those of the record came later, from who knows no records:
 * it replaces them.
 */
static void
add_recorded(
    struct redis_view *view, const char *pattern, const struct destination *to)
{
	const struct redis_record *record = redis_view_record(view, pattern);
	struct destinations all = {
		.at = &view->destinations[view->ndestinations],
	};

	if (record != NULL)
		all.n = read_recorded(view, record->destinations);
	if (destinations_has(&all, to->url)) {
		add_route(view, pattern, all.at, all.n);
		view->ndestinations += all.n;
	} else if (is_allowed(view, to)) {
		add_route(view, pattern, to, 1);
	} else {
		view->ndestinations--; /* its room is another route's */
		keep(view, pattern);
		return;
	}
	if (record != NULL)
		view->routes[view->nroutes - 1].version = record->version;
}

/* Is it one regular expression more than a name may have? */
static bool
too_many_regexes(struct redis_view *view, const char *pattern)
{
	struct span text;

	return pattern_kind(span_str(pattern), &text) == ROUTE_REGEX &&
	       view->nregexes++ >= PATTERN_REGEXES_MAX;
}

/* One route of a tool into the view, or a count of what was refused. */
static void
read_route(struct redis_view *view, const redisReply *pattern,
    const redisReply *destination)
{
	const struct destination *to = &view->destinations[view->ndestinations];

	if (view->nroutes == ROUTES_MAX)
		refuse(view, "more routes than a name may have");
	else if (!is_text(pattern))
		refuse(view, "a NUL in a route");
	else if (!pattern_valid(span_str(pattern->str), view->why_text,
		     sizeof(view->why_text)))
		refuse(view, view->why_text);
	else if (too_many_regexes(view, pattern->str))
		refuse(view, "more regular expressions than a name may have");
	else if (read_destination(view, destination))
		add_recorded(view, pattern->str, to);
	else
		keep(view, pattern->str);
}

static void
read_backend(struct redis_view *view, const redisReply *destination)
{
	if (view->ndestinations == ROUTES_MAX)
		refuse(view, "more backends than can be looked at");
	else
		read_destination(view, destination);
}

/*
 * What the record says of these that are still there: who adds one to the set
 * need not know of records.
 */
static void
mark_recorded(struct redis_view *view, const struct redis_record *record,
    struct destination *all, size_t n)
{
	const struct destinations recorded = {
		.at = &view->destinations[view->ndestinations],
		.n = read_recorded(view, record->destinations),
	};
	const struct destination *same;

	for (size_t i = 0; i < n; i++) {
		same = destinations_find(&recorded, all[i].url);
		if (same != NULL)
			all[i] = *same;
	}
}

/*
 * A frontend's backends are one route.  Redis gives them in no order, so that
 * these that are too many are the last in ours.
 */
static void
end_backends(struct redis_view *view)
{
	const struct redis_record *record =
	    redis_view_record(view, FRONTEND_PATTERN);
	struct destination *all = view->destinations;
	size_t n = view->ndestinations;

	qsort(all, n, sizeof(*all), destination_order);
	if (n > ROUTE_BACKENDS_MAX) {
		refuse(view, "more backends than a route may have");
		view->refused += n - ROUTE_BACKENDS_MAX - 1;
		n = ROUTE_BACKENDS_MAX;
	}
	if (n == 0) {
		if (view->exists)
			keep(view, FRONTEND_PATTERN);
		return;
	}
	add_route(view, FRONTEND_PATTERN, all, n);
	if (record == NULL)
		return;
	mark_recorded(view, record, all, n);
	view->routes[0].version = record->version;
}

bool
redis_view_read(
    struct redis_view *view, const char *key, const redisReply *reply)
{
	size_t step = *key == KEY_FRONTEND ? 1 : 2, entries;

	view->nroutes = view->nkept = view->refused = 0;
	view->ndestinations = view->nregexes = 0;
	view->why = "";
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements % step != 0)
		return false;
	entries = reply->elements / step;
	view->exists = entries > 0;
	for (size_t i = 0; i < entries && i < ENTRIES_MAX; i++) {
		redisReply *const *entry = &reply->element[i * step];

		if (step == 1)
			read_backend(view, entry[0]);
		else
			read_route(view, entry[0], entry[1]);
	}
	if (step == 1)
		end_backends(view);
	if (entries > ENTRIES_MAX) {
		refuse(view, "more entries than a name may have");
		view->refused += entries - ENTRIES_MAX - 1;
	}
	return true;
}

void
redis_view_records(struct redis_view *view, const redisReply *reply)
{
	uint64_t now = clock_real_ms();

	view->nrecords = 0;
	if (reply->type != REDIS_REPLY_ARRAY)
		return;
	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		struct redis_record *record = &view->records[view->nrecords];

		if (view->nrecords == RECORDS_MAX)
			return;
		if (!is_text(reply->element[i]) ||
		    !is_text(reply->element[i + 1]) ||
		    !redis_record_read(record, reply->element[i + 1]->str, now))
			continue;
		record->pattern = reply->element[i]->str;
		view->nrecords++;
	}
}

const struct redis_record *
redis_view_record(const struct redis_view *view, const char *pattern)
{
	for (size_t i = 0; i < view->nrecords; i++)
		if (strcmp(view->records[i].pattern, pattern) == 0)
			return &view->records[i];
	return NULL;
}

const struct foreign_route *
redis_view_find(const struct redis_view *view, const char *pattern)
{
	for (size_t i = 0; i < view->nroutes; i++)
		if (strcmp(view->routes[i].pattern, pattern) == 0)
			return &view->routes[i];
	return NULL;
}

bool
redis_view_kept(const struct redis_view *view, const char *pattern)
{
	for (size_t i = 0; i < view->nkept; i++)
		if (strcmp(view->kept[i], pattern) == 0)
			return true;
	return false;
}
