/* status, list, explain: what the registrar has, and what follows from it. */
#include <errno.h>
#include <unistd.h>

#include "lib/ctlline.h"
#include "registrar/ctl_command.h"
#include "registrar/explain.h"
#include "registrar/publish.h"
#include "registrar/store.h"
#include "registrar/tell.h"
#include "shm/counters.h"

/* null: it is not known yet. */
static json_t *
address(const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	return addr->len == 0 ? json_null()
			      : json_string(addr_format(addr, text));
}

static json_t *
redis_status(const struct registrar *r)
{
	struct store_redis_status status;

	if (r->redis == NULL)
		return json_null();
	store_redis_status(r->redis, &status);
	return json_pack("{s:b, s:o, s:o, s:o, s:I, s:I, s:I, s:I}",
	    "connected", (int)status.connected, "primary",
	    address(status.primary), "reading", address(status.reading),
	    "synced", listing_time(status.synced_ms), "lag_seconds",
	    (json_int_t)status.lag_s, "unsaved", (json_int_t)status.unsaved,
	    "refused", (json_int_t)status.refused, "held",
	    (json_int_t)status.held);
}

static json_t *
table_status(const struct registrar *r)
{
	struct publish_status status;

	publish_status(r, &status);
	return json_pack("{s:I, s:o, s:I, s:I, s:I, s:I, s:I}", "generation",
	    (json_int_t)status.generation, "checksum",
	    listing_checksum(r->book.checksum), "names",
	    (json_int_t)status.names, "entries", (json_int_t)status.entries,
	    "damaged", (json_int_t)status.damaged, "slices",
	    (json_int_t)status.slices, "slice_max_us",
	    (json_int_t)status.slice_max_us);
}

/* Of a code, what backends answered and what we did, by any method. */
static json_t *
counted_requests(const struct counters_sum *sum, bool by_backend)
{
	static const char *const classes[COUNTERS_CLASSES] = { "none", "1xx",
		"2xx", "3xx", "4xx", "5xx" };
	json_t *value = json_object();

	for (size_t i = 0; i < COUNTERS_CLASSES; i++) {
		uint64_t n = 0;

		for (size_t m = 0; m < COUNTERS_METHODS; m++)
			n += sum->requests[by_backend][i][m];
		if (n > 0)
			json_object_set_new(
			    value, classes[i], json_integer((json_int_t)n));
	}
	return value;
}

/* What all workers have answered since the daemon's start. */
static json_t *
counted_status(const struct registrar *r)
{
	struct counters_sum sum;

	counters_read_all(r->counters, &sum);
	return json_pack("{s:o, s:o, s:I, s:I, s:I}", "backend",
	    counted_requests(&sum, true), "proxy",
	    counted_requests(&sum, false), "under_way",
	    (json_int_t)sum.under_way, "received", (json_int_t)sum.received,
	    "sent", (json_int_t)sum.sent);
}

void
ctl_status(struct ctl *ctl)
{
	const struct registrar *r = ctl->client.r;

	ctl_succeed_take(ctl,
	    json_pack(
		"{s:s, s:i, s:o, s:I, s:I, s:I, s:I, s:o, s:{s:I, s:I}, s:o,"
		" s:o}",
		"role", "registrar", "pid", (int)getpid(), "started",
		listing_time(r->started_ms), "names",
		(json_int_t)r->book.nnames, "routes",
		(json_int_t)r->book.nroutes, "registrations",
		(json_int_t)r->clients.open[LISTEN_REGISTRATION], "leases",
		(json_int_t)r->leases.held, "table", table_status(r), "sqlite",
		"saved", (json_int_t)r->changes.saved, "failed",
		(json_int_t)r->changes.failed, "redis", redis_status(r),
		"counted", counted_status(r)));
}

/* Each on a line of its own: dynproxyctl reads them one by one. */
static bool
put_routes(const struct listing *l, struct buf *b, const struct book_name *name)
{
	const struct listed_tool tool = tell_listed(l->r, name);
	bool first = !l->some;
	const struct book_route *route;

	TAILQ_FOREACH(route, &name->routes, entry)
	{
		for (size_t i = 0; i < route->to.n; i++) {
			if (!buf_append_span(
				b, first ? SPAN("\n") : SPAN(",\n")) ||
			    !listing_put_route(
				b, &tool, route, &route->to.at[i]))
				return false;
			first = false;
		}
	}
	return true;
}

bool
ctl_list_more(struct ctl *ctl)
{
	struct client *c = &ctl->client;

	return listing_more(&ctl->listing, &c->r->book, &c->out, put_routes);
}

/* Of one tool, whose routes are few. */
static void
list_tool(struct ctl *ctl, const struct book_name *name)
{
	const struct listing l = { .r = ctl->client.r };
	struct buf *out = &ctl->client.out;

	if (buf_printf(out, CTLLINE_LIST_BEGIN) && put_routes(&l, out, name))
		buf_printf(out, "\n" CTLLINE_LIST_END "\n");
	client_answer(&ctl->client);
}

void
ctl_list(struct ctl *ctl)
{
	char key[TOOL_NAME_MAX + 2];
	struct book_name *name;

	if (ctl->args[0] == NULL) {
		ctl_begin_list(ctl, LISTS_ROUTES);
		return;
	}
	name = ctl_find_tool(ctl, ctl->args[0], key);
	if (name != NULL)
		list_tool(ctl, name);
}

void
ctl_explain(struct ctl *ctl)
{
	struct registrar *r = ctl->client.r;
	const struct explain_question question = { .url = ctl->args[0],
		.client = ctl->args[1],
		.agent = ctl->args[2] };
	char why[256];
	json_t *answer;

	answer = explain_live(r, &question, why);
	if (answer != NULL)
		ctl_succeed_take(ctl, answer);
	else
		ctl_fail(ctl, CTL_USAGE, "%s", why);
}
