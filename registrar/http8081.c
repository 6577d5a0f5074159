/* A small HTTP server: one request a connection, a few paths. */
#include "registrar/http8081.h"

#include "http/negotiate.h"
#include "http/parse.h"
#include "http/serialize.h"
#include "lib/array.h"
#include "lib/clock.h"
#include "lib/container.h"
#include "registrar/listing.h"
#include "registrar/metrics.h"
#include "registrar/process.h"
#include "registrar/ready.h"
#include "registrar/status_api.h"
#include "registrar/status_page.h"
#include "registrar/tell.h"

#define OPEN_MAX 64	 /* connections */
#define LOCAL_PLACES 16	 /* of them, for this host only */
#define REQUEST_MAX 8192 /* bytes */
#define REQUEST_MS 5000

static const struct http_limits limits = {
	.line = 4096, .head = REQUEST_MAX - 1, .field = 4096, .fields = 64
};

struct http8081 {
	struct client client;
	size_t scanned;	  /* bytes of the request */
	listing_put *put; /* of /list; NULL: the answer is complete */
	struct listing listing;
	struct buf text; /* owned; a long answer, what is left of it */
};

/* What a request says that a page may depend on. */
struct asked {
	struct span query;
	struct span accept; /* empty: it is not there */
	bool head_only;
};

static struct http8081 *
of(struct client *c)
{
	return container_of(c, struct http8081, client);
}

/* Everything of a head but its end; length < 0: until the connection ends. */
static void
put_head(struct client *c, unsigned status, struct span type, int64_t length)
{
	char date[HTTP_DATE_LEN + 1];

	http_date(date, (int64_t)(clock_real_ms() / 1000));
	http_put_status_line(&c->out, status, http_status_phrase(status));
	http_put_field(&c->out, SPAN("Date"), span_str(date));
	http_put_field(&c->out, SPAN("Content-Type"), type);
	if (length >= 0)
		http_put_length(&c->out, (uint64_t)length);
	http_put_field(&c->out, SPAN("Connection"), SPAN("close"));
}

static void
answer(struct client *c, unsigned status, bool head_only, const char *text)
{
	put_head(c, status, SPAN("text/plain; charset=utf-8"),
	    (int64_t)strlen(text));
	if (status == 405)
		http_put_field(&c->out, SPAN("Allow"), SPAN("GET, HEAD"));
	http_put_end(&c->out);
	if (!head_only)
		buf_append_span(&c->out, span_str(text));
	client_answer(c);
}

/* A long one, from h->text. */
static void
answer_text(struct client *c, unsigned status, bool head_only, struct span type)
{
	struct buf *text = &of(c)->text;

	put_head(c, status, type, (int64_t)buf_len(text));
	http_put_field(&c->out, SPAN("Cache-Control"), SPAN("no-store"));
	http_put_end(&c->out);
	if (head_only)
		buf_release(text);
	client_answer(c);
}

/* NULL: no memory. */
static void
answer_json_take(
    struct client *c, unsigned status, bool head_only, json_t *value)
{
	struct buf *text = &of(c)->text;

	buf_init(text, METRICS_MAX);
	if (!listing_put_json_take(text, value) || !buf_printf(text, "\n")) {
		buf_release(text);
		answer(c, 500, head_only, "no memory\n");
		return;
	}
	answer_text(c, status, head_only, SPAN("application/json"));
}

/* /list */

static bool
put_name(const struct listing *l, struct buf *b, const struct book_name *name)
{
	return buf_printf(b, l->some ? "," : "") &&
	       listing_put_json_take(b, json_string(name->key + 1)) &&
	       buf_printf(b, ":");
}

/* Whoever reads /list starts a tool again that is not there. */
static bool
serves(const struct book_name *name)
{
	const struct book_route *route;

	TAILQ_FOREACH(route, &name->routes, entry)
	{
		for (size_t i = 0; i < route->to.n; i++)
			if (!route->to.at[i].stale)
				return true;
	}
	return false;
}

static bool
put_short(const struct listing *l, struct buf *b, const struct book_name *name)
{
	return put_name(l, b, name) && buf_printf(b, "{\"status\":\"active\"}");
}

static bool
put_full(const struct listing *l, struct buf *b, const struct book_name *name)
{
	const struct listed_tool tool = tell_listed(l->r, name);
	const struct book_route *route;
	bool fits = put_name(l, b, name) &&
		    buf_printf(b, "{\"status\":\"active\",\"canonical\":%s,",
			name->canonical ? "true" : "false") &&
		    listing_put_use(b, &tool) &&
		    buf_append_span(b, SPAN("\"routes\":[")),
	     first = true;

	TAILQ_FOREACH(route, &name->routes, entry)
	{
		for (size_t i = 0; fits && i < route->to.n; i++) {
			fits =
			    (first || buf_append_span(b, SPAN(","))) &&
			    listing_put_route(b, NULL, route, &route->to.at[i]);
			first = false;
		}
	}
	return fits && buf_append_span(b, SPAN("]}"));
}

static bool
more(struct client *c)
{
	struct http8081 *h = of(c);

	struct span piece = buf_span(&h->text);

	if (piece.len > CLIENT_PIECE)
		piece.len = CLIENT_PIECE;
	if (piece.len > 0 && buf_append_span(&c->out, piece)) {
		buf_consume(&h->text, piece.len);
		return true;
	}
	if (h->put == NULL)
		return false;
	if (listing_more(&h->listing, &c->r->book, &c->out, h->put))
		return true;
	h->put = NULL;
	/* no tool may seem to be gone because there was no memory to name it */
	return !h->listing.broken && buf_printf(&c->out, "}\n");
}

/* What is not for all of admin_networks is for this host. */
static bool
is_loopback(const struct client *c)
{
	struct cidr loopback;
	struct ip ip;

	return !addr_ip(&c->peer, &ip) ||
	       (cidr_parse(
		    &loopback, ip.family == AF_INET ? "127.0.0.0/8" : "::1") &&
		   cidr_contains(&loopback, &ip));
}

static bool
query_has(struct span query, struct span what)
{
	const char *end;
	size_t len;

	while (query.len > 0) {
		end = memchr(query.ptr, '&', query.len);
		len = end != NULL ? (size_t)(end - query.ptr) : query.len;
		if (span_eq((struct span){ query.ptr, len }, what))
			return true;
		query = span_from(query, end != NULL ? len + 1 : len);
	}
	return false;
}

static void
get_list(struct client *c, const struct asked *asked)
{
	put_head(c, 200, SPAN("application/json"), -1);
	http_put_end(&c->out);
	if (!asked->head_only) {
		buf_printf(&c->out, "{");
		of(c)->listing.r = c->r;
		of(c)->put = put_full;
		if (!query_has(asked->query, SPAN("full=1"))) {
			of(c)->put = put_short;
			of(c)->listing.wanted = serves;
		}
	}
	client_answer(c);
}

static void
get_health(struct client *c, const struct asked *asked)
{
	answer(c, 200, asked->head_only, "ok\n");
}

static void
get_ready(struct client *c, const struct asked *asked)
{
	const char *why = ready_why_not(c->r);
	char text[64];

	if (query_has(asked->query, SPAN("verbose"))) {
		answer_json_take(c, why == NULL ? 200 : 503, asked->head_only,
		    ready_tell(c->r));
		return;
	}
	snprintf(text, sizeof(text), "%s\n", why == NULL ? "ready" : why);
	answer(c, why == NULL ? 200 : 503, asked->head_only, text);
}

static void
get_metrics(struct client *c, const struct asked *asked)
{
	struct buf *out = &of(c)->text;
	const struct metrics_text text = { out,
		http_negotiate_metrics(asked->accept) == MEDIA_OPENMETRICS };

	buf_init(out, METRICS_MAX);
	if (!metrics_write(c->r, &text)) {
		buf_release(out);
		answer(c, 500, asked->head_only, "no memory\n");
		return;
	}
	answer_text(c, 200, asked->head_only,
	    text.open ? SPAN("application/openmetrics-text; version=1.0.0; "
			     "charset=utf-8")
		      : SPAN("text/plain; version=0.0.4; charset=utf-8"));
}

static const struct {
	struct span path;
	bool local; /* for this host only */
	void (*get)(struct client *c, const struct asked *asked);
} pages[] = {
	{ { "/list", 5 }, false, get_list },
	{ { "/healthz", 8 }, false, get_health },
	{ { "/readyz", 7 }, false, get_ready },
	{ { "/metrics", 8 }, true, get_metrics },
};

/* The status page. */

/*
 * A site that has its own name lead to this address (DNS rebinding) would
 * have a browser of this host read it all: the name must be a local one.
 */
static bool
is_local_name(const struct http_msg *msg)
{
	struct addr addr;
	struct ip ip;
	char host[128];

	for (size_t i = 0; i < msg->nfields; i++) {
		struct span value = msg->field[i].value;

		if (!span_eq_nocase(msg->field[i].name, SPAN("Host")))
			continue;
		snprintf(host, sizeof(host), "%.*s", SPAN_ARG(value));
		if (addr_parse(&addr, host))
			return true;
		host[strcspn(host, ":")] = '\0';
		return strcmp(host, "localhost") == 0 ||
		       ip_parse(&ip, span_str(host));
	}
	return false;
}

static void
answer_file(struct client *c, bool head_only, const struct status_file *file)
{
	put_head(c, 200, file->type, (int64_t)file->bytes.len);
	http_put_field(&c->out, SPAN("Cache-Control"), SPAN("no-cache"));
	http_put_field(
	    &c->out, SPAN("Content-Security-Policy"), SPAN(STATUS_PAGE_POLICY));
	http_put_field(
	    &c->out, SPAN("X-Content-Type-Options"), SPAN("nosniff"));
	http_put_field(&c->out, SPAN("Referrer-Policy"), SPAN("no-referrer"));
	http_put_end(&c->out);
	if (!head_only)
		buf_append_span(&c->out, file->bytes);
	client_answer(c);
}

/* False: it is none of it. */
static bool
serve_status(struct client *c, const struct http_msg *msg, struct span path,
    struct span query)
{
	bool head_only = msg->method == HTTP_HEAD;
	struct status_file file;
	bool is_file = status_page_file(path, &file);
	unsigned status;
	json_t *value;

	if (!is_file && (path.len < 5 || memcmp(path.ptr, "/api/", 5) != 0))
		return false;
	if (!is_loopback(c) || !is_local_name(msg)) {
		answer(c, 403, head_only, "from this host only\n");
	} else if (msg->method != HTTP_GET && !head_only) {
		answer(c, 405, false, "GET or HEAD only\n");
	} else if (is_file) {
		answer_file(c, head_only, &file);
	} else {
		value = status_api(c->r, path, query, &status);
		answer_json_take(c, status, head_only, value);
	}
	return true;
}

static void
serve(struct client *c, const struct http_msg *msg)
{
	struct asked asked = { .head_only = msg->method == HTTP_HEAD };
	const struct http_field *accept = http_msg_field(msg, FIELD_ACCEPT);
	struct span path = msg->target;
	const char *mark = memchr(path.ptr, '?', path.len);

	if (mark != NULL) {
		path.len = (size_t)(mark - path.ptr);
		asked.query = span_from(msg->target, path.len + 1);
	}
	if (accept != NULL)
		asked.accept = accept->value;
	for (size_t i = 0; i < nitems(pages); i++) {
		if (!span_eq(path, pages[i].path))
			continue;
		if (pages[i].local && !is_loopback(c))
			answer(
			    c, 403, asked.head_only, "from this host only\n");
		else if (msg->method == HTTP_GET || asked.head_only)
			pages[i].get(c, &asked);
		else
			answer(c, 405, false, "GET or HEAD only\n");
		return;
	}
	if (!serve_status(c, msg, path, asked.query))
		answer(c, 404, asked.head_only, "Page not found");
}

static void
received(struct client *c)
{
	static struct http_msg msg; /* large, and needed no longer than here */
	struct span bytes = buf_span(&c->in);

	switch (http_parse_request(
	    bytes.ptr, bytes.len, &of(c)->scanned, &limits, &msg)) {
	case HTTP_FINE:
		serve(c, &msg);
		break;
	case HTTP_MORE:
		break;
	case HTTP_TARGET_TOO_LONG:
		answer(c, 414, false, "the target is too long\n");
		break;
	case HTTP_HEAD_TOO_LARGE:
		answer(c, 431, false, "the head is too large\n");
		break;
	default:
		answer(c, 400, false, "no HTTP/1 request\n");
	}
}

static void
expired(struct client *c)
{
	answer(c, 408, false, "the request took too long\n");
}

static bool
may_ask(const struct client *c)
{
	const struct conf *conf = c->r->conf;
	struct ip ip;

	if (!addr_ip(&c->peer, &ip))
		return true; /* a Unix socket: its mode has decided */
	for (size_t i = 0; i < conf->nadmin_networks; i++)
		if (cidr_contains(&conf->admin_networks[i], &ip))
			return true;
	return false;
}

#define SAY_DENIED                                                             \
	"HTTP/1.1 403 Forbidden\r\n"                                           \
	"Content-Type: text/plain; charset=utf-8\r\n"                          \
	"Content-Length: 22\r\nConnection: close\r\n\r\n"                      \
	"not from this address\n"
#define SAY_FULL                                                               \
	"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"            \
	"Connection: close\r\n\r\n"

/*
 * Who may not ask does not get a place for silence; and who may, from hosts
 * where anybody's jobs run, not the places of this one, whose keepalived would
 * move the address.
 */
static const char *
opened(struct client *c)
{
	c->request_ms = c->work_ms = REQUEST_MS;
	if (!may_ask(c))
		return SAY_DENIED;
	if (c->r->clients.open[LISTEN_ADMIN] > OPEN_MAX - LOCAL_PLACES &&
	    !is_loopback(c))
		return SAY_FULL;
	return NULL;
}

static void
closed(struct client *c)
{
	buf_release(&of(c)->text);
}

const struct client_kind http8081_kind = {
	.listener = LISTEN_ADMIN,
	.size = sizeof(struct http8081),
	.request_max = REQUEST_MAX,
	.open_max = OPEN_MAX,
	.full = SAY_FULL,
	.opened = opened,
	.received = received,
	.expired = expired,
	.more = more,
	.closed = closed,
};
