/* Where a frame ends is known, however its bytes come in (RFC 6455 5.2). */
#include "http/websocket.h"

#include "t/tap.h"

#define BYTES(literal) { (literal), sizeof(literal) - 1 }

#define LONG_126 "\x82\x7e\x00\x7e"
#define X62 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X63 X62 "x"

static const struct {
	const char *what;
	struct span bytes;
	bool between;
} cases[] = {
	{ "nothing", BYTES(""), true },
	{ "half a head", BYTES("\x81"), false },
	{ "a head", BYTES("\x81\x02"), false },
	{ "half a payload", BYTES("\x81\x02h"), false },
	{ "a frame", BYTES("\x81\x02hi"), true },
	{ "an empty one", BYTES("\x89\x00"), true },
	{ "two", BYTES("\x81\x02hi\x89\x00"), true },
	{ "one and a half", BYTES("\x81\x02hi\x81\x02h"), false },
	{ "masked, without its key", BYTES("\x81\x80"), false },
	{ "masked and empty", BYTES("\x81\x80" "abcd"), true },
	{ "masked", BYTES("\x81\x81" "abcdx"), true },
	{ "16 bits of length, one of them there", BYTES("\x82\x7e\x00"), false },
	{ "126 bytes, none of them there", BYTES(LONG_126), false },
	{ "126 bytes but one", BYTES(LONG_126 X63 X62), false },
	{ "126 bytes", BYTES(LONG_126 X63 X63), true },
	{ "64 bits of length", BYTES("\x82\x7f\0\0\0\0\0\0\0\x01x"), true },
	{ "very long", BYTES("\x82\x7f\x7f\0\0\0\0\0\0\x01x"), false },
	{ "our last one", BYTES("\x88\x02\x03\xe9"), true },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct websocket_frames whole = { 0 }, bytewise = { 0 };
		struct span bytes = cases[i].bytes;

		websocket_pass(&whole, bytes);
		for (size_t at = 0; at < bytes.len; at++)
			websocket_pass(
			    &bytewise, (struct span){ bytes.ptr + at, 1 });
		ok(websocket_between(&whole) == cases[i].between, "%s",
		    cases[i].what);
		ok(websocket_between(&bytewise) == cases[i].between,
		    "%s, byte by byte", cases[i].what);
	}
	return done();
}
