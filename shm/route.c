/* A name's routes in one piece of bytes, and back: every bound both ways. */
#include "shm/route.h"

#include <assert.h>

static const uint8_t zeros[16];

static bool
key_valid(struct span key)
{
	return key.len >= 2 && key.len <= KEY_MAX &&
	       (key.ptr[0] == KEY_TOOL || key.ptr[0] == KEY_FRONTEND ||
		   span_eq(key, SPAN(KEY_DEFAULT_BACKEND)));
}

/* Whoever connects to it may trust its family and that no byte is hidden. */
static bool
backend_valid(const struct backend *b)
{
	if (b->scheme > BACKEND_HTTPS || b->port == 0 || b->pad != 0)
		return false;
	if (b->ip.family == AF_INET)
		return memcmp(b->ip.bytes + 4, zeros, 12) == 0;
	return b->ip.family == AF_INET6;
}

static bool
route_valid(const struct route *r)
{
	if ((unsigned)r->kind > ROUTE_ANY || r->text.len > ROUTE_PATTERN_MAX)
		return false;
	if ((unsigned)r->closed > ROUTE_UNPROVED ||
	    (r->nbackends == 0) != (r->closed != ROUTE_OPEN) ||
	    r->nbackends > ROUTE_BACKENDS_MAX)
		return false;
	for (size_t i = 0; i < r->nbackends; i++)
		if (!backend_valid(&r->backends[i]))
			return false;
	return true;
}

static size_t
blob_len(const struct route_head *h, size_t text_len)
{
	return sizeof(*h) + h->nbackends * sizeof(struct backend) +
	       h->nroutes * sizeof(struct route_record) + h->key_len + text_len;
}

/* Check a tool and fill the head of its blob.  False: over a bound. */
static bool
head_of(const struct tool *tool, struct route_head *h)
{
	size_t nbackends = 0, text_len = 0, len;

	if (!key_valid(tool->key) || tool->nroutes > ROUTES_MAX ||
	    (unsigned)tool->state > TOOL_QUARANTINED)
		return false;
	for (size_t i = 0; i < tool->nroutes; i++) {
		if (!route_valid(&tool->routes[i]))
			return false;
		nbackends += tool->routes[i].nbackends;
		text_len += tool->routes[i].text.len;
	}
	*h = (struct route_head){
		.counter_slot = tool->counter_slot,
		.nroutes = (uint16_t)tool->nroutes,
		.nbackends = (uint16_t)nbackends,
		.key_len = (uint16_t)tool->key.len,
		.state = (uint8_t)tool->state,
		.canonical = tool->canonical,
	};
	len = blob_len(h, text_len);
	h->len = (uint32_t)len;
	return len <= ROUTE_BLOB_MAX;
}

static char *
put(char *to, const void *from, size_t n)
{
	return n == 0 ? to : (char *)memcpy(to, from, n) + n;
}

size_t
route_encode(const struct tool *tool, void *out, size_t max)
{
	struct route_head head;
	struct route_record record;
	const struct route *r;
	char *to = out;

	if (!head_of(tool, &head) || head.len > max)
		return 0;
	to = put(to, &head, sizeof(head));
	for (size_t i = 0; i < tool->nroutes; i++) {
		r = &tool->routes[i];
		to = put(to, r->backends, r->nbackends * sizeof(*r->backends));
	}
	for (size_t i = 0; i < tool->nroutes; i++) {
		r = &tool->routes[i];
		record = (struct route_record){
			.kind = (uint8_t)(r->kind & 0xf),
			.closed = (uint8_t)(r->closed & 0xf),
			.nbackends = (uint8_t)r->nbackends,
			.text_len = (uint16_t)r->text.len,
		};
		to = put(to, &record, sizeof(record));
	}
	to = put(to, tool->key.ptr, tool->key.len);
	for (size_t i = 0; i < tool->nroutes; i++)
		to =
		    put(to, tool->routes[i].text.ptr, tool->routes[i].text.len);
	assert(to == (char *)out + head.len);
	return head.len;
}

/* Does the head's arithmetic fit in len, as far as it can know? */
static bool
head_valid(const struct route_head *h, size_t len)
{
	return h->len == len && len <= ROUTE_BLOB_MAX &&
	       h->nroutes <= ROUTES_MAX &&
	       h->nbackends <= h->nroutes * ROUTE_BACKENDS_MAX &&
	       h->state <= TOOL_QUARANTINED && h->canonical <= 1 &&
	       blob_len(h, 0) <= len;
}

bool
route_decode(const void *blob, size_t len, struct tool *tool)
{
	const struct route_head *head = blob;
	const struct route_record *record;
	const struct backend *backend;
	const char *at, *end = (const char *)blob + len;
	size_t backends_left;

	assert((uintptr_t)blob % 8 == 0);
	if (len < sizeof(*head) || !head_valid(head, len))
		return false;
	backend = (const struct backend *)(head + 1);
	backends_left = head->nbackends;
	record = (const struct route_record *)(backend + head->nbackends);
	at = (const char *)(record + head->nroutes);
	tool->key = (struct span){ at, head->key_len };
	if (!key_valid(tool->key))
		return false;
	at += head->key_len;
	for (size_t i = 0; i < head->nroutes; i++, record++) {
		struct route *r = &tool->routes[i];

		if (record->nbackends > backends_left ||
		    record->text_len > (size_t)(end - at))
			return false;
		r->kind = (enum route_kind)record->kind;
		r->closed = (enum route_closed)record->closed;
		r->text = (struct span){ at, record->text_len };
		r->backends = backend;
		r->nbackends = record->nbackends;
		if (!route_valid(r))
			return false;
		at += record->text_len;
		backend += record->nbackends;
		backends_left -= record->nbackends;
	}
	if (at != end || backends_left != 0)
		return false;
	tool->state = (enum tool_state)head->state;
	tool->canonical = head->canonical;
	tool->counter_slot = head->counter_slot;
	tool->nroutes = head->nroutes;
	return true;
}
