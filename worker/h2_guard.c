/* Counts frames, and says when it is enough. */
#include "worker/h2_guard.h"

#include <assert.h>
#include <string.h>

#define PREFACE_LEN 24
#define HEAD_LEN 9

#define CONTINUATIONS_MAX 8   /* of one header block */
#define EMPTY_MAX 1	      /* DATA frames in a row */
#define PRIORITIES_STREAM 100 /* that a stream lets come */
#define PRIORITIES_MAX 1000   /* that may be saved up */
#define UPDATES_BEGIN 100
#define UPDATES_STREAM 10 /* that a stream lets come, or DATA we sent */
#define UPDATES_MAX 1000
#define DRIBBLE 256	 /* bytes: no window is so small */
#define DRIBBLES_MAX 100 /* more than others that we sent */

enum frame_type {
	FRAME_DATA,
	FRAME_HEADERS,
	FRAME_PRIORITY,
	FRAME_RST_STREAM,
	FRAME_SETTINGS,
	FRAME_PUSH_PROMISE,
	FRAME_PING,
	FRAME_GOAWAY,
	FRAME_WINDOW_UPDATE,
	FRAME_CONTINUATION,
	FRAME_PRIORITY_UPDATE = 0x10, /* RFC 9218 */
};

enum { FLAG_END_STREAM = 1, FLAG_PADDED = 8 };

/* 7-security.md 7.5 */
static const struct rate {
	unsigned burst, second;
} rates[FLOOD_COUNT] = {
	[FLOOD_RESET] = { 200, 33 },
	[FLOOD_PROVOKED] = { 100, 10 },
	[FLOOD_PING] = { 10, 10 },
	[FLOOD_SETTINGS] = { 5, 5 },
	[FLOOD_UNKNOWN] = { 100, 10 },
};

const char *
h2_flood_name(enum h2_flood flood)
{
	static const char *const names[FLOOD_COUNT] = {
		[FLOOD_NONE] = "none",
		[FLOOD_RESET] = "reset",
		[FLOOD_PROVOKED] = "provoked-reset",
		[FLOOD_CONTINUATION] = "continuation",
		[FLOOD_PING] = "ping",
		[FLOOD_SETTINGS] = "settings",
		[FLOOD_PRIORITY] = "priority",
		[FLOOD_EMPTY_DATA] = "empty-data",
		[FLOOD_WINDOW_UPDATE] = "window-update",
		[FLOOD_DRIBBLE] = "dribble",
		[FLOOD_UNKNOWN] = "unknown-frame",
		[FLOOD_HEADER_LIST] = "header-list",
		[FLOOD_QUEUE] = "queue",
	};

	assert(flood < FLOOD_COUNT);
	return names[flood];
}

void
h2_guard_init(struct h2_guard *g)
{
	*g = (struct h2_guard){ .priorities = PRIORITIES_STREAM,
		.updates = UPDATES_BEGIN,
		.dribbles = DRIBBLES_MAX,
		.want = HEAD_LEN,
		.skip = PREFACE_LEN };
}

/* One more: each takes its share of a second to be forgotten. */
static enum h2_flood
count(struct h2_bucket *b, enum h2_flood kind, uint64_t now_ms)
{
	const struct rate *rate = &rates[kind];
	uint64_t each = 1000 / rate->second;

	if (b->full_ms < now_ms)
		b->full_ms = now_ms;
	b->full_ms += each;
	return b->full_ms - now_ms > each * rate->burst ? kind : FLOOD_NONE;
}

static void
allow(uint32_t *credit, uint32_t more, uint32_t max)
{
	*credit = *credit + more < max ? *credit + more : max;
}

static enum h2_flood
spend(uint32_t *credit, enum h2_flood kind)
{
	if (*credit == 0)
		return kind;
	--*credit;
	return FLOOD_NONE;
}

static uint32_t
length_of(const struct h2_guard *g)
{
	return (uint32_t)g->head[0] << 16 | (uint32_t)g->head[1] << 8 |
	       g->head[2];
}

/* Nothing, or only padding, and no end. */
static bool
is_empty_data(const struct h2_guard *g)
{
	uint32_t len = length_of(g);

	if (g->head[4] & FLAG_END_STREAM)
		return false;
	return len == 0 ||
	       (g->head[4] & FLAG_PADDED && g->head[HEAD_LEN] + 1u >= len);
}

static enum h2_flood
note_data(struct h2_guard *g)
{
	if (!is_empty_data(g)) {
		g->empty = 0;
		return FLOOD_NONE;
	}
	return g->empty++ < EMPTY_MAX ? FLOOD_NONE : FLOOD_EMPTY_DATA;
}

static void
note_headers(struct h2_guard *g)
{
	g->continuations = 0;
	g->empty = 0;
	allow(&g->priorities, PRIORITIES_STREAM, PRIORITIES_MAX);
	allow(&g->updates, UPDATES_STREAM, UPDATES_MAX);
}

/* The head of a frame has come. */
static enum h2_flood
note_frame(struct h2_guard *g, uint64_t now_ms)
{
	switch (g->head[3]) {
	case FRAME_DATA:
		return note_data(g);
	case FRAME_HEADERS:
		note_headers(g);
		return FLOOD_NONE;
	case FRAME_CONTINUATION:
		return g->continuations++ < CONTINUATIONS_MAX
			   ? FLOOD_NONE
			   : FLOOD_CONTINUATION;
	case FRAME_PRIORITY:
	case FRAME_PRIORITY_UPDATE:
		return spend(&g->priorities, FLOOD_PRIORITY);
	case FRAME_WINDOW_UPDATE:
		return spend(&g->updates, FLOOD_WINDOW_UPDATE);
	case FRAME_RST_STREAM:
		return count(&g->resets, FLOOD_RESET, now_ms);
	case FRAME_SETTINGS:
		return count(&g->settings, FLOOD_SETTINGS, now_ms);
	case FRAME_PING:
		return count(&g->pings, FLOOD_PING, now_ms);
	default:
		return count(&g->unknown, FLOOD_UNKNOWN, now_ms);
	}
}

/* DATA with padding: how much of it is that?  One byte more says it. */
static bool
is_padded(const struct h2_guard *g)
{
	return g->head[3] == FRAME_DATA && g->head[4] & FLAG_PADDED &&
	       length_of(g) > 0;
}

/* Bytes of the frame that are still to come. */
static void
end_head(struct h2_guard *g)
{
	g->skip = length_of(g) - (g->want - HEAD_LEN);
	g->have = 0;
	g->want = HEAD_LEN;
}

enum h2_flood
h2_guard_received(
    struct h2_guard *g, const uint8_t *bytes, size_t len, uint64_t now_ms)
{
	enum h2_flood flood = FLOOD_NONE;
	size_t n;

	while (len > 0 && flood == FLOOD_NONE) {
		if (g->skip > 0) {
			n = g->skip < len ? g->skip : len;
			g->skip -= (uint32_t)n;
		} else {
			n = (size_t)(g->want - g->have);
			n = n < len ? n : len;
			memcpy(g->head + g->have, bytes, n);
			g->have += (uint8_t)n;
			if (g->have == HEAD_LEN && is_padded(g))
				g->want = HEAD_LEN + 1;
			if (g->have == g->want) {
				flood = note_frame(g, now_ms);
				end_head(g);
			}
		}
		bytes += n;
		len -= n;
	}
	return flood;
}

enum h2_flood
h2_guard_provoked(struct h2_guard *g, uint64_t now_ms)
{
	return count(&g->provoked, FLOOD_PROVOKED, now_ms);
}

enum h2_flood
h2_guard_sent_data(struct h2_guard *g, size_t cut)
{
	allow(&g->updates, UPDATES_STREAM, UPDATES_MAX);
	if (cut > 0 && cut < DRIBBLE)
		return spend(&g->dribbles, FLOOD_DRIBBLE);
	allow(&g->dribbles, 1, DRIBBLES_MAX);
	return FLOOD_NONE;
}
