/* Reads the workers' counters and writes them tool by tool. */
#include "registrar/metrics_tools.h"

#include <bsd/stdlib.h>
#include <inttypes.h>
#include <string.h>

#include "http/msg.h"
#include "http/reason.h"
#include "lib/array.h"
#include "registrar/metrics.h"
#include "registrar/process.h"
#include "registrar/publish.h"
#include "shm/counters.h"

struct counted_tool {
	const char *name; /* borrowed: of the book, or constant */
	struct counters_sum sum;
};

struct tools {
	struct counted_tool all[METRICS_TOOLS_MAX + 3];
	size_t n;
	const struct metrics_text *text;
};

/* How busy a tool is. */
struct rank {
	const char *name;
	uint32_t slot;
	uint64_t requests;
};

/* Methods without a name of their own are one. */
static const struct {
	const char *name;
	unsigned methods; /* bits of enum http_method */
} methods[] = {
	{ "GET", 1 << HTTP_GET },
	{ "HEAD", 1 << HTTP_HEAD },
	{ "POST", 1 << HTTP_POST },
	{ "PUT", 1 << HTTP_PUT },
	{ "DELETE", 1 << HTTP_DELETE },
	{ "PATCH", 1 << HTTP_PATCH },
	{ "OPTIONS", 1 << HTTP_OPTIONS },
	{ "other", 1 << HTTP_OTHER | 1 << HTTP_TRACE | 1 << HTTP_CONNECT },
};

static const char *const classes[COUNTERS_CLASSES] = { "none", "1xx", "2xx",
	"3xx", "4xx", "5xx" };

static uint64_t
requests_of(const struct counters_sum *sum)
{
	uint64_t n = 0;

	for (size_t o = 0; o < 2; o++)
		for (size_t c = 0; c < COUNTERS_CLASSES; c++)
			for (size_t m = 0; m < COUNTERS_METHODS; m++)
				n += sum->requests[o][c][m];
	return n;
}

/* Word by word: a sum is nothing but 64-bit numbers. */
static void
subtract(struct counters_sum *from, const struct counters_sum *what)
{
	uint64_t *f = (uint64_t *)from;
	const uint64_t *w = (const uint64_t *)what;

	_Static_assert(sizeof(*from) % sizeof(uint64_t) == 0, "words only");
	/* the workers go on meanwhile */
	for (size_t i = 0; i < sizeof(*from) / sizeof(*f); i++)
		f[i] -= w[i] < f[i] ? w[i] : f[i];
}

static int
busiest_first(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	return (x->requests < y->requests) - (x->requests > y->requests);
}

/* Those of the book that have counters; the caller's to free(). */
static struct rank *
rank_tools(const struct registrar *r, size_t *n)
{
	struct book *book = (struct book *)&r->book;
	struct rank *ranks = calloc(book->nnames + 1, sizeof(*ranks));
	struct counters_sum sum;
	uint32_t slot;

	*n = 0;
	if (ranks == NULL)
		return NULL;
	for (struct book_name *name = book_from(book, ""); name != NULL;
	     name = book_next(book, name)) {
		slot = publish_slot(r, name->key);
		if (slot == COUNTERS_OTHER)
			continue;
		counters_read(r->counters, slot, &sum);
		ranks[(*n)++] =
		    (struct rank){ name->key + 1, slot, requests_of(&sum) };
	}
	qsort(ranks, *n, sizeof(*ranks), busiest_first);
	return ranks;
}

static void
add_tool(
    struct tools *t, const struct registrar *r, const char *name, uint32_t slot)
{
	struct counted_tool *tool = &t->all[t->n++];

	tool->name = name;
	counters_read(r->counters, slot, &tool->sum);
}

/*
 * The busiest tools, then what is not theirs.  `_other` is all that was ever
 * counted less all that is named, so that tools that are gone stay in the sum.
 */
static bool
read_tools(const struct registrar *r, struct tools *t)
{
	struct counted_tool *other;
	size_t n;
	struct rank *ranks = rank_tools(r, &n);

	if (ranks == NULL)
		return false;
	for (size_t i = 0; i < n && i < METRICS_TOOLS_MAX; i++)
		add_tool(t, r, ranks[i].name, ranks[i].slot);
	free(ranks);
	add_tool(t, r, "_default", COUNTERS_DEFAULT);
	add_tool(t, r, "_none", COUNTERS_NONE);
	other = &t->all[t->n];
	other->name = "_other";
	counters_read_all(r->counters, &other->sum);
	for (size_t i = 0; i < t->n; i++)
		subtract(&other->sum, &t->all[i].sum);
	t->n++;
	return true;
}

/* One tool's requests, those there were. */
static bool
write_requests(const struct tools *t, const struct counted_tool *tool)
{
	uint64_t n;

	for (size_t o = 0; o < 2; o++)
		for (size_t c = 0; c < COUNTERS_CLASSES; c++)
			for (size_t m = 0; m < nitems(methods); m++) {
				n = 0;
				for (size_t k = 0; k < COUNTERS_METHODS; k++)
					if (methods[m].methods & 1u << k)
						n +=
						    tool->sum.requests[o][c][k];
				if (n > 0 &&
				    !buf_printf(t->text->out,
					"dynproxy_http_requests_total{"
					"tool=\"%s\",code=\"%s\","
					"method=\"%s\",origin=\"%s\"} %" PRIu64
					"\n",
					tool->name, classes[c], methods[m].name,
					o == 1 ? "backend" : "proxy", n))
					return false;
			}
	return true;
}

static bool
write_errors(const struct tools *t, const struct counted_tool *tool)
{
	for (enum reason i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if (tool->sum.reasons[i] > 0 &&
		    !buf_printf(t->text->out,
			"dynproxy_errors_total{tool=\"%s\",reason=\"%s\"} "
			"%" PRIu64 "\n",
			tool->name, reason_info(i)->word, tool->sum.reasons[i]))
			return false;
	return true;
}

static bool
write_times(const struct tools *t, const struct counted_tool *tool)
{
	char labels[KEY_MAX + 8];

	snprintf(labels, sizeof(labels), "tool=\"%s\"", tool->name);
	return metrics_times(t->text, "dynproxy_http_request_duration_seconds",
	    labels, tool->sum.times, tool->sum.took_ms);
}

static bool
write_number(const struct tools *t, const char *name,
    const struct counted_tool *tool, uint64_t value)
{
	return buf_printf(t->text->out, "%s{tool=\"%s\"} %" PRIu64 "\n", name,
	    tool->name, value);
}

static bool
write_in_flight(const struct tools *t, const struct counted_tool *tool)
{
	return write_number(
	    t, "dynproxy_http_requests_in_flight", tool, tool->sum.under_way);
}

static bool
write_received(const struct tools *t, const struct counted_tool *tool)
{
	return write_number(
	    t, "dynproxy_http_request_bytes_total", tool, tool->sum.received);
}

static bool
write_sent(const struct tools *t, const struct counted_tool *tool)
{
	return write_number(
	    t, "dynproxy_http_response_bytes_total", tool, tool->sum.sent);
}

static const struct {
	const char *name, *type, *help;
	bool (*write)(const struct tools *t, const struct counted_tool *tool);
} families[] = {
	{ "dynproxy_http_requests_total", "counter",
	    "Requests answered; origin says by whom.", write_requests },
	{ "dynproxy_errors_total", "counter",
	    "Answers of the proxy's own, by reason.", write_errors },
	{ "dynproxy_http_request_duration_seconds", "histogram",
	    "From the request's head to the answer's end.", write_times },
	{ "dynproxy_http_requests_in_flight", "gauge", "Requests under way.",
	    write_in_flight },
	{ "dynproxy_http_request_bytes_total", "counter",
	    "Bytes of requests' bodies.", write_received },
	{ "dynproxy_http_response_bytes_total", "counter",
	    "Bytes of responses' bodies.", write_sent },
};

bool
metrics_tools_write(const struct registrar *r, const struct metrics_text *text)
{
	struct tools *t = calloc(1, sizeof(*t));
	bool fits = t != NULL;

	if (fits) {
		t->text = text;
		fits = read_tools(r, t);
	}
	for (size_t i = 0; fits && i < nitems(families); i++) {
		fits = metrics_head(
		    text, families[i].name, families[i].type, families[i].help);
		for (size_t k = 0; fits && k < t->n; k++)
			fits = families[i].write(t, &t->all[k]);
	}
	free(t);
	return fits;
}
