/* Frames that cost a client little and us much are counted, each kind. */
#include "worker/h2_guard.h"

#include <string.h>

#include "t/tap.h"

enum { DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, UPDATE,
	CONTINUATION };

struct frame {
	uint8_t type, flags, length, pad;
};

static struct h2_guard guard;

static void
begin(void)
{
	h2_guard_init(&guard);
	h2_guard_received(
	    &guard, (const uint8_t *)"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24, 1);
}

/* The frame, cut in two at that byte. */
static enum h2_flood
say(struct frame f, size_t cut, uint64_t now_ms)
{
	uint8_t bytes[9 + 255] = { 0, 0, f.length, f.type, f.flags, 0, 0, 0, 1,
		f.pad };
	size_t len = 9u + f.length;
	enum h2_flood flood;

	cut = cut < len ? cut : len;
	flood = h2_guard_received(&guard, bytes, cut, now_ms);
	if (flood != FLOOD_NONE)
		return flood;
	return h2_guard_received(&guard, bytes + cut, len - cut, now_ms);
}

static const struct {
	const char *what;
	struct frame frame, between; /* type 255: none */
	int may; /* so many, and one more is too many */
	enum h2_flood flood;
} floods[] = {
	{ "RST_STREAM", { RST, 0, 4, 0 }, { 255, 0, 0, 0 }, 200, FLOOD_RESET },
	{ "RST_STREAM of new streams", { RST, 0, 4, 0 }, { HEADERS, 5, 30, 0 }, 200, FLOOD_RESET },
	{ "CONTINUATION", { CONTINUATION, 0, 20, 0 }, { 255, 0, 0, 0 }, 8, FLOOD_CONTINUATION },
	{ "CONTINUATION, empty", { CONTINUATION, 0, 0, 0 }, { 255, 0, 0, 0 }, 8, FLOOD_CONTINUATION },
	{ "PING", { PING, 0, 8, 0 }, { 255, 0, 0, 0 }, 10, FLOOD_PING },
	{ "PING's answers", { PING, 1, 8, 0 }, { 255, 0, 0, 0 }, 10, FLOOD_PING },
	{ "SETTINGS", { SETTINGS, 0, 6, 0 }, { 255, 0, 0, 0 }, 5, FLOOD_SETTINGS },
	{ "SETTINGS, empty", { SETTINGS, 0, 0, 0 }, { 255, 0, 0, 0 }, 5, FLOOD_SETTINGS },
	{ "PRIORITY", { PRIORITY, 0, 5, 0 }, { 255, 0, 0, 0 }, 100, FLOOD_PRIORITY },
	{ "PRIORITY_UPDATE", { 0x10, 0, 6, 0 }, { 255, 0, 0, 0 }, 100, FLOOD_PRIORITY },
	{ "empty DATA", { DATA, 0, 0, 0 }, { 255, 0, 0, 0 }, 1, FLOOD_EMPTY_DATA },
	{ "DATA that is padding", { DATA, 8, 100, 99 }, { 255, 0, 0, 0 }, 1, FLOOD_EMPTY_DATA },
	{ "DATA that is a pad length", { DATA, 8, 1, 0 }, { 255, 0, 0, 0 }, 1, FLOOD_EMPTY_DATA },
	{ "WINDOW_UPDATE", { UPDATE, 0, 4, 0 }, { 255, 0, 0, 0 }, 100, FLOOD_WINDOW_UPDATE },
	{ "unknown frames", { 0xfa, 0, 9, 0 }, { 255, 0, 0, 0 }, 100, FLOOD_UNKNOWN },
	{ "unknown frames, long ones", { 0xfa, 0, 200, 0 }, { 255, 0, 0, 0 }, 100, FLOOD_UNKNOWN },
};

static void
test_floods(size_t cut)
{
	for (size_t i = 0; i < nitems(floods); i++) {
		enum h2_flood flood = FLOOD_NONE;
		int n = 0;

		begin();
		while (n < 2000 && flood == FLOOD_NONE) {
			if (floods[i].between.type != 255)
				say(floods[i].between, cut, 1000);
			flood = say(floods[i].frame, cut, 1000);
			n += flood == FLOOD_NONE;
		}
		is_str(h2_flood_name(flood), h2_flood_name(floods[i].flood),
		    "%s are a flood", floods[i].what);
		is_int(n, floods[i].may, "after so many, cut at %zu", cut);
	}
}

static void
test_calm(void)
{
	static const struct {
		const char *what;
		struct frame frame;
		uint64_t every_ms;
	} calm[] = {
		{ "33 RST_STREAM a second", { RST, 0, 4, 0 }, 31 },
		{ "10 PING a second", { PING, 0, 8, 0 }, 100 },
		{ "5 SETTINGS a second", { SETTINGS, 0, 6, 0 }, 200 },
		{ "DATA", { DATA, 0, 10, 0 }, 0 },
		{ "DATA with padding", { DATA, 8, 10, 8 }, 0 },
		{ "empty DATA that ends a stream", { DATA, 1, 0, 0 }, 0 },
		{ "HEADERS", { HEADERS, 4, 20, 0 }, 0 },
	};

	for (size_t i = 0; i < nitems(calm); i++) {
		enum h2_flood flood = FLOOD_NONE;

		begin();
		for (uint64_t n = 0; n < 5000 && flood == FLOOD_NONE; n++)
			flood = say(
			    calm[i].frame, 100, 1000 + n * calm[i].every_ms);
		is_str(h2_flood_name(flood), "none", "%s go on for ever",
		    calm[i].what);
	}
}

static void
test_mixed(void)
{
	const struct frame empty = { DATA, 0, 0, 0 }, full = { DATA, 0, 1, 0 },
			   block = { HEADERS, 0, 9, 0 },
			   more = { CONTINUATION, 0, 9, 0 },
			   ping = { PING, 0, 8, 0 };

	begin();
	say(empty, 9, 1);
	say(full, 9, 1);
	is_int(say(empty, 9, 1), FLOOD_NONE, "empty DATA, but not in a row");
	say(ping, 9, 1);
	is_int(say(empty, 9, 1), FLOOD_EMPTY_DATA, "a PING is no DATA");

	begin();
	for (int i = 0; i < 8; i++)
		say(more, 9, 1);
	say(block, 9, 1);
	is_int(say(more, 9, 1), FLOOD_NONE, "each block has its own");
}

static void
test_ours(void)
{
	enum h2_flood flood = FLOOD_NONE;
	const struct frame update = { UPDATE, 0, 4, 0 };
	int n;

	begin();
	for (n = 0; n < 200 && flood == FLOOD_NONE; n++)
		flood = h2_guard_provoked(&guard, 1000);
	is_int(flood, FLOOD_PROVOKED, "resets we are provoked to send");
	is_int(n, 101, "after 100");

	begin();
	flood = FLOOD_NONE;
	for (n = 0; n < 100000 && flood == FLOOD_NONE; n++) {
		if (n % 10 == 0)
			flood = h2_guard_sent_data(&guard, 0);
		if (flood == FLOOD_NONE)
			flood = say(update, 9, 1000);
	}
	is_int(flood, FLOOD_NONE, "10 WINDOW_UPDATE for each DATA");

	begin();
	flood = FLOOD_NONE;
	for (n = 0; n < 1000 && flood == FLOOD_NONE; n++)
		flood = h2_guard_sent_data(&guard, 1);
	is_int(flood, FLOOD_DRIBBLE, "windows of one byte");
	is_int(n, 101, "after 100");
	begin();
	flood = FLOOD_NONE;
	for (n = 0; n < 10000 && flood == FLOOD_NONE; n++)
		flood = h2_guard_sent_data(&guard, n % 4 == 0 ? 1 : 0);
	is_int(flood, FLOOD_NONE, "but what is left of a window is small");
}

int
main(void)
{
	test_floods(264);
	test_floods(0);
	test_floods(1);
	test_floods(9);
	test_floods(10);
	test_calm();
	test_mixed();
	test_ours();
	return done();
}
