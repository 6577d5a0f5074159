/* status, list: what the registrar has. */
#include <unistd.h>

#include "registrar/ctl_command.h"
#include "registrar/publish.h"
#include "registrar/store.h"

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
	return json_pack("{s:b, s:o, s:o, s:o, s:I, s:I, s:I}", "connected",
	    (int)status.connected, "primary", address(status.primary),
	    "reading", address(status.reading), "synced",
	    listing_time(status.synced_ms), "unsaved",
	    (json_int_t)status.unsaved, "refused",
	    (json_int_t)status.refused, "held", (json_int_t)status.held);
}

static json_t *
table_status(const struct registrar *r)
{
	struct publish_status status;

	publish_status(r, &status);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "names",
	    (json_int_t)status.names, "entries", (json_int_t)status.entries,
	    "damaged", (json_int_t)status.damaged, "slices",
	    (json_int_t)status.slices, "slice_max_us",
	    (json_int_t)status.slice_max_us);
}

void
ctl_status(struct ctl *ctl)
{
	const struct registrar *r = ctl->client.r;

	ctl_succeed_take(ctl,
	    json_pack("{s:s, s:i, s:o, s:I, s:I, s:I, s:I, s:o, s:{s:I, s:I}, s:o}",
		"role", "registrar", "pid", (int)getpid(), "started",
		listing_time(r->started_ms), "names",
		(json_int_t)r->book.nnames, "routes",
		(json_int_t)r->book.nroutes, "registrations",
		(json_int_t)r->clients.open[LISTEN_REGISTRATION], "leases",
		(json_int_t)r->leases.held, "table",
		table_status(r), "sqlite", "saved",
		(json_int_t)r->changes.saved, "failed",
		(json_int_t)r->changes.failed, "redis", redis_status(r)));
}

static bool
put_route(struct buf *b, const struct book_name *name,
    const struct book_route *route, bool first)
{
	json_t *value;

	for (size_t i = 0; i < route->to.n; i++) {
		value = json_pack("{s:s, s:b}", "tool", name->key + 1,
		    "canonical", (int)name->canonical);
		if (value != NULL)
			json_object_update_missing_new(
			    value, listing_route(route, &route->to.at[i]));
		if (!buf_printf(b, first ? "" : ",") ||
		    !listing_put_json_take(b, value))
			return false;
		first = false;
	}
	return true;
}

static bool
put_routes(struct buf *b, const struct book_name *name, bool first)
{
	const struct book_route *route;

	TAILQ_FOREACH(route, &name->routes, entry)
	{
		if (!put_route(b, name, route, first))
			return false;
		first = false;
	}
	return true;
}

bool
ctl_list_more(struct ctl *ctl)
{
	struct client *c = &ctl->client;

	return listing_more(&ctl->listing, &c->r->book, &c->out, put_routes);
}

void
ctl_list(struct ctl *ctl)
{
	struct buf *out = &ctl->client.out;
	char key[TOOL_NAME_MAX + 2];
	struct book_name *name = NULL;

	if (ctl->args[0] != NULL) {
		name = ctl_find_tool(ctl, ctl->args[0], key);
		if (name == NULL)
			return;
	}
	buf_printf(out, "{\"v\":1,\"exit\":0,\"data\":[");
	if (name != NULL) {
		put_routes(out, name, true);
		buf_printf(out, "]}\n");
	} else {
		ctl->lists = LISTS_ROUTES;
	}
	client_answer(&ctl->client);
}
