/* Puts together what the book, the counters and the workers know. */
#include "registrar/tell.h"

#include <bsd/stdlib.h>
#include <string.h>

#include "http/reason.h"
#include "registrar/process.h"
#include "registrar/publish.h"
#include "registrar/ready.h"

#define ERRORS_TOLD 20 /* of a tool */
#define EVENTS_TOLD 20

/* Where a tool stands among the others. */
struct rank {
	const struct book_name *name;
	uint32_t slot;
	double weight;	   /* by the order that is asked for, */
	uint32_t requests; /* and then in the last minute */
};

enum tell_order
tell_order_of(const char *word)
{
	static const char *const words[] = { [TELL_BY_RATE] = "rate",
		[TELL_BY_ERRORS] = "errors",
		[TELL_BY_MS] = "ms" };
	enum tell_order i = TELL_BY_RATE;

	while (i < TELL_ORDERS && strcmp(words[i], word) != 0)
		i++;
	return i;
}

static int
heaviest_first(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	if (x->requests != y->requests)
		return x->requests < y->requests ? 1 : -1;
	return strcmp(x->name->key, y->name->key);
}

static struct rank
rank_of(const struct registrar *r, const struct book_name *name,
    enum tell_order order)
{
	struct rank rank = { .name = name, .slot = publish_slot(r, name->key) };
	struct history_point last = { 0 };

	if (rank.slot != COUNTERS_OTHER)
		last = history_minute(r->history, rank.slot);
	rank.requests = last.requests;
	if (order == TELL_BY_ERRORS && last.requests > 0)
		rank.weight = (double)last.errors / last.requests;
	else if (order == TELL_BY_MS)
		rank.weight = last.took_ms;
	return rank;
}

/* Those whose name has the part; the caller's to free().  NULL: no memory. */
static struct rank *
rank_tools(const struct registrar *r, const char *part, enum tell_order order,
    size_t *n)
{
	struct book *book = (struct book *)&r->book;
	struct rank *ranks =
	    reallocarray(NULL, book->nnames + 1, sizeof(*ranks));

	*n = 0;
	if (ranks == NULL)
		return NULL;
	for (struct book_name *name = book_from(book, ""); name != NULL;
	     name = book_next(book, name))
		if (name->key[0] == KEY_TOOL &&
		    strstr(name->key + 1, part) != NULL)
			ranks[(*n)++] = rank_of(r, name, order);
	qsort(ranks, *n, sizeof(*ranks), heaviest_first);
	return ranks;
}

/* What its backends have in common. */
struct backends {
	size_t n, stale, drained;
	const char *lease;
	uint64_t since_ms, proved_ms;
};

static void
look_at(const struct book_name *name, struct backends *all)
{
	const struct book_route *route;

	*all = (struct backends){ 0 };
	TAILQ_FOREACH(route, &name->routes, entry)
	{
		for (size_t i = 0; i < route->to.n; i++) {
			const struct destination *to = &route->to.at[i];
			uint64_t since_ms =
			    to->since_ms != 0 ? to->since_ms : route->since_ms;

			all->n++;
			all->stale += to->stale;
			all->drained += to->drained;
			if (to->lease != NULL)
				all->lease = to->lease;
			if (to->proved_ms > all->proved_ms)
				all->proved_ms = to->proved_ms;
			if (all->since_ms == 0 || since_ms < all->since_ms)
				all->since_ms = since_ms;
		}
	}
}

/* In a word. */
static const char *
state_of(const struct registrar *r, const struct book_name *name, uint32_t slot,
    const struct backends *all)
{
	static const char *const words[] = {
		[HISTORY_SILENT] = "quiet",
		[HISTORY_GOOD] = "good",
		[HISTORY_BAD] = "errors",
		[HISTORY_DOWN] = "down",
	};

	if (policy_in_maintenance(r, name->key + 1))
		return "maintenance";
	if (all->stale == all->n)
		return "stale";
	return all->drained == all->n ? "drained"
				      : words[history_health(r->history, slot)];
}

struct listed_tool
tell_listed(const struct registrar *r, const struct book_name *name)
{
	uint32_t slot = publish_slot(r, name->key);
	struct backends all;

	look_at(name, &all);
	return (struct listed_tool){ name, state_of(r, name, slot, &all),
		history_hit_ms(r->history, slot) };
}

static json_t *
series(const struct registrar *r, uint32_t slot)
{
	struct history_point points[HISTORY_POINTS];
	json_t *requests = json_array(), *errors = json_array(),
	       *ms = json_array();

	history_points(r->history, slot, points);
	for (size_t i = 0; i < HISTORY_POINTS; i++) {
		json_array_append_new(
		    requests, json_integer(points[i].requests));
		json_array_append_new(errors, json_integer(points[i].errors));
		json_array_append_new(ms, json_integer(points[i].took_ms));
	}
	return json_pack("{s:i, s:o, s:o, s:o}", "seconds", HISTORY_MS / 1000,
	    "requests", requests, "errors", errors, "ms", ms);
}

static json_t *
summary(const struct registrar *r, const struct book_name *name, uint32_t slot)
{
	struct history_point minute = history_minute(r->history, slot);
	struct counters_sum sum;
	struct backends all;

	look_at(name, &all);
	counters_read(r->counters, slot, &sum);
	return json_pack("{s:s, s:s, s:o, s:f, s:f, s:i, s:I, s:i, s:i, s:s?,"
			 " s:o, s:o, s:o}",
	    "name", name->key + 1, "state", state_of(r, name, slot, &all),
	    "hit", listing_time(history_hit_ms(r->history, slot)), "rate",
	    history_rate(r->history, slot), "errors",
	    minute.requests > 0 ? (double)minute.errors / minute.requests : 0.0,
	    "ms", (int)minute.took_ms, "under_way", (json_int_t)sum.under_way,
	    "backends", (int)all.n, "stale", (int)all.stale, "lease", all.lease,
	    "since", listing_time(all.since_ms), "proved",
	    listing_time(all.proved_ms), "series", series(r, slot));
}

json_t *
tell_tools(const struct registrar *r, const char *part, enum tell_order order,
    size_t max)
{
	size_t n;
	struct rank *ranks = rank_tools(r, part, order, &n);
	json_t *tools = json_array();

	for (size_t i = 0; ranks != NULL && i < n && i < max; i++)
		json_array_append_new(
		    tools, summary(r, ranks[i].name, ranks[i].slot));
	free(ranks);
	return json_pack("{s:I, s:o}", "total", (json_int_t)n, "tools", tools);
}

static json_t *
last_errors(const struct registrar *r, uint32_t slot)
{
	struct error_note notes[ERRORS_TOLD];
	size_t n = slot == COUNTERS_OTHER
		       ? 0
		       : errors_read(&r->errors, slot, notes, ERRORS_TOLD);
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(all,
		    json_pack("{s:o, s:i, s:s, s:s, s:s, s:I}", "time",
			listing_time(notes[i].at_ms), "status",
			(int)notes[i].status, "reason",
			notes[i].reason < REASON_COUNT
			    ? reason_info((enum reason)notes[i].reason)->word
			    : "-",
			"request", notes[i].request, "backend",
			notes[i].backend, "ms", (json_int_t)notes[i].took_ms));
	return all;
}

/* How often it was answered so for it, since the start. */
static json_t *
reasons(const struct registrar *r, uint32_t slot)
{
	json_t *all = json_object();
	struct counters_sum sum;

	counters_read(r->counters, slot, &sum);
	for (enum reason i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if (sum.reasons[i] > 0)
			json_object_set_new(all, reason_info(i)->word,
			    json_integer((json_int_t)sum.reasons[i]));
	return all;
}

json_t *
tell_tool(const struct registrar *r, const struct book_name *name)
{
	uint32_t slot = publish_slot(r, name->key);
	json_t *all = summary(r, name, slot), *routes = json_array();
	const struct listed_tool tool = tell_listed(r, name);
	const struct book_route *route;

	TAILQ_FOREACH(route, &name->routes, entry)
	{
		for (size_t i = 0; i < route->to.n; i++)
			json_array_append_new(routes,
			    listing_route(&tool, route, &route->to.at[i]));
	}
	json_object_set_new(all, "routes", routes);
	json_object_set_new(all, "last_errors", last_errors(r, slot));
	json_object_set_new(all, "reasons",
	    slot == COUNTERS_OTHER ? json_object() : reasons(r, slot));
	json_object_set_new(
	    all, "events", events_of(r->events, name->key + 1, EVENTS_TOLD));
	return all;
}

/* One more request for that name. */
static void
add_unknown(json_t *by_name, const struct error_note *note)
{
	json_t *n = json_object_get(
	    json_object_get(by_name, note->request), "requests");

	if (n != NULL)
		json_integer_set(n, json_integer_value(n) + 1);
	else
		json_object_set_new(by_name, note->request,
		    json_pack("{s:s, s:i, s:o}", "name", note->request,
			"requests", 1, "last", listing_time(note->at_ms)));
}

json_t *
tell_unknown(const struct registrar *r)
{
	struct error_note *notes =
	    reallocarray(NULL, ERRORS_KEPT, sizeof(*notes));
	json_t *by_name = json_object(), *all = json_array(), *one;
	const char *name;
	size_t n = 0;

	if (notes != NULL)
		n = errors_read(&r->unknown, COUNTERS_NONE, notes, ERRORS_KEPT);
	for (size_t i = 0; i < n; i++)
		add_unknown(by_name, &notes[i]);
	json_object_foreach(by_name, name, one) json_array_append(all, one);
	json_decref(by_name);
	free(notes);
	return all;
}

json_t *
tell_gone(const struct registrar *r, const char *tool)
{
	json_t *events = events_of(r->events, tool, EVENTS_TOLD);

	if (json_array_size(events) == 0) {
		json_decref(events);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:[], s:o}", "name", tool, "state", "gone",
	    "routes", "events", events);
}

/* The first of them: a page of thousands helps nobody. */
static json_t *
policy(struct registrar *r, enum policy_kind kind)
{
	struct policy_listing listing = { .kind = kind };
	struct buf text;
	struct span bytes;
	json_t *all = NULL;

	buf_init(&text, CLIENT_ANSWER_MAX);
	buf_printf(&text, "[");
	policy_list_more(r, &listing, &text);
	buf_printf(&text, "]");
	bytes = buf_span(&text);
	if (bytes.len > 0)
		all = json_loadb(bytes.ptr, bytes.len, 0, NULL);
	buf_release(&text);
	return all != NULL ? all : json_array();
}

static json_t *
ident(const struct registrar *r)
{
	uint64_t failed = 0;

	for (size_t i = IDENT_FINE + 1; i < IDENT_FAULTS; i++)
		failed += r->ident.ended[i];
	return json_pack("{s:I, s:I}", "ok",
	    (json_int_t)r->ident.ended[IDENT_FINE], "failed",
	    (json_int_t)failed);
}

json_t *
tell_node(struct registrar *r)
{
	struct history_point minute = history_minute(r->history, HISTORY_ALL);
	struct counters_sum sum;
	json_t *all = ready_tell(r);

	counters_read_all(r->counters, &sum);
	json_object_set_new(
	    all, "rate", json_real(history_rate(r->history, HISTORY_ALL)));
	json_object_set_new(all, "errors",
	    json_real(minute.requests > 0
			  ? (double)minute.errors / minute.requests
			  : 0.0));
	json_object_set_new(all, "ms", json_integer(minute.took_ms));
	json_object_set_new(
	    all, "under_way", json_integer((json_int_t)sum.under_way));
	json_object_set_new(all, "series", series(r, HISTORY_ALL));
	json_object_set_new(all, "processes", ready_processes(r));
	json_object_set_new(all, "ident", ident(r));
	json_object_set_new(
	    all, "stale_routes", json_integer((json_int_t)r->book.nstale));
	json_object_set_new(all, "bans", policy(r, POLICY_BAN));
	json_object_set_new(all, "maintenance", policy(r, POLICY_MAINTENANCE));
	json_object_set_new(
	    all, "domain", json_string(r->conf->web_domains[0]));
	json_object_set_new(all, "registration",
	    policy_registration_off(r) == NULL
		? json_null()
		: listing_text(policy_registration_off(r)));
	return all;
}
