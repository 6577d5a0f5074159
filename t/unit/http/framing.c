/* Where a body ends is certain, or the message is refused. */
#include "http/framing.h"

#include "t/unit/http/feed.h"

#define P1  "POST / HTTP/1.1\r\nHost: a\r\n"
#define P0  "POST / HTTP/1.0\r\nHost: a\r\n"
#define R1  "HTTP/1.1 200 OK\r\n"
#define R0  "HTTP/1.0 200 OK\r\n"
#define CL  "Content-Length: "
#define TE  "Transfer-Encoding: "
#define N   "\r\n"
#define END "\r\n"

#define UNTOUCHED 77

static const struct {
	const char *rule, *what; /* section of RFC 9112 where no other is named */
	struct span head;
	enum body_end end;
	uint64_t length;
} requests[] = {
	{ "6.3", "no body", BYTES(P1 END), BODY_NONE, 0 },
	{ "6.3", "no body, 1.0", BYTES(P0 END), BODY_NONE, 0 },
	{ "6.2", "a length", BYTES(P1 CL "3" N END), BODY_LENGTH, 3 },
	{ "6.2", "a length, 1.0", BYTES(P0 CL "3" N END), BODY_LENGTH, 3 },
	{ "6.2", "length 0", BYTES(P1 CL "0" N END), BODY_LENGTH, 0 },
	{ "6.2", "leading zeros", BYTES(P1 CL "0003" N END), BODY_LENGTH, 3 },
	{ "6.2", "the largest", BYTES(P1 CL "9223372036854775807" N END), BODY_LENGTH, INT64_MAX },
	{ "6.1", "chunked", BYTES(P1 TE "chunked" N END), BODY_CHUNKED, 0 },
	{ "6.1", "Chunked", BYTES(P1 TE "ChunKed" N END), BODY_CHUNKED, 0 },
	{ "6.1", "blanks around it", BYTES(P1 TE " \tchunked \t" N END), BODY_CHUNKED, 0 },
	{ "6.3", "TE with CL", BYTES(P1 TE "chunked" N CL "3" N END), BODY_REFUSE, 0 },
	{ "6.3", "CL with TE", BYTES(P1 CL "3" N TE "chunked" N END), BODY_REFUSE, 0 },
	{ "6.3", "CL 0 with TE", BYTES(P1 CL "0" N TE "chunked" N END), BODY_REFUSE, 0 },
	{ "6.3", "CL with TE that says nothing", BYTES(P1 CL "3" N TE N END), BODY_REFUSE, 0 },
	{ "6.1", "TE in 1.0", BYTES(P0 TE "chunked" N END), BODY_REFUSE, 0 },
	{ "6.1", "TE in 1.0 with CL", BYTES(P0 TE "chunked" N CL "3" N END), BODY_REFUSE, 0 },
	{ "6.1", "TE twice", BYTES(P1 TE "chunked" N TE "chunked" N END), BODY_REFUSE, 0 },
	{ "6.1", "TE twice, one empty", BYTES(P1 TE "chunked" N TE N END), BODY_REFUSE, 0 },
	{ "6.1", "TE twice, one identity", BYTES(P1 TE "identity" N TE "chunked" N END), BODY_REFUSE, 0 },
	{ "6.1", "chunked, chunked", BYTES(P1 TE "chunked, chunked" N END), BODY_REFUSE, 0 },
	{ "6.1", "gzip, chunked", BYTES(P1 TE "gzip, chunked" N END), BODY_REFUSE, 0 },
	{ "6.1", "chunked, gzip", BYTES(P1 TE "chunked, gzip" N END), BODY_REFUSE, 0 },
	{ "6.1", "identity", BYTES(P1 TE "identity" N END), BODY_REFUSE, 0 },
	{ "6.1", "chunked, identity", BYTES(P1 TE "chunked, identity" N END), BODY_REFUSE, 0 },
	{ "6.1", "an empty TE", BYTES(P1 TE N END), BODY_REFUSE, 0 },
	{ "6.1", "xchunked", BYTES(P1 TE "xchunked" N END), BODY_REFUSE, 0 },
	{ "6.1", "chunkedx", BYTES(P1 TE "chunkedx" N END), BODY_REFUSE, 0 },
	{ "6.1", "chunk", BYTES(P1 TE "chunk" N END), BODY_REFUSE, 0 },
	{ "6.1", "chunked with a comma", BYTES(P1 TE "chunked," N END), BODY_REFUSE, 0 },
	{ "6.1", "a comma with chunked", BYTES(P1 TE ",chunked" N END), BODY_REFUSE, 0 },
	{ "6.1", "chunked;q=1", BYTES(P1 TE "chunked;q=1" N END), BODY_REFUSE, 0 },
	{ "6.1", "quoted", BYTES(P1 TE "\"chunked\"" N END), BODY_REFUSE, 0 },
	{ "6.1", "a dot behind", BYTES(P1 TE "chunked." N END), BODY_REFUSE, 0 },
	{ "6.1", "obs-text", BYTES(P1 TE "chunked\xa0" N END), BODY_REFUSE, 0 },
	{ "6.3", "two lengths", BYTES(P1 CL "3" N CL "4" N END), BODY_REFUSE, 0 },
	{ "6.3", "two equal lengths", BYTES(P1 CL "3" N CL "3" N END), BODY_REFUSE, 0 },
	{ "6.3", "in other letters", BYTES(P1 CL "3" N "content-LENGTH: 4" N END), BODY_REFUSE, 0 },
	{ "6.3", "a list of lengths", BYTES(P1 CL "3, 3" N END), BODY_REFUSE, 0 },
	{ "6.3", "a list of other lengths", BYTES(P1 CL "3,4" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "a plus", BYTES(P1 CL "+3" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "a minus", BYTES(P1 CL "-3" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "minus zero", BYTES(P1 CL "-0" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "hex", BYTES(P1 CL "0x3" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "a hex digit", BYTES(P1 CL "a" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "a point", BYTES(P1 CL "3.0" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "an exponent", BYTES(P1 CL "3e1" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "a blank inside", BYTES(P1 CL "3 3" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "a semicolon", BYTES(P1 CL "3;" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "a comma", BYTES(P1 CL "3," N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "quoted", BYTES(P1 CL "\"3\"" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "an underscore", BYTES(P1 CL "1_0" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "empty", BYTES(P1 CL N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "other digits", BYTES(P1 CL "\xd9\xa3" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "2^64", BYTES(P1 CL "18446744073709551616" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "2^64 + 3", BYTES(P1 CL "18446744073709551619" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "2^63", BYTES(P1 CL "9223372036854775808" N END), BODY_REFUSE, 0 },
	{ "9110 8.6", "forty digits", BYTES(P1 CL "9999999999999999999999999999999999999999" N END), BODY_REFUSE, 0 },
};

static const struct {
	const char *rule, *what;
	struct span head;
	enum http_method method;
	enum body_end end;
	uint64_t length;
} responses[] = {
	{ "6.3", "to the end of the connection", BYTES(R1 END), HTTP_GET, BODY_CLOSE, 0 },
	{ "6.3", "the same, 1.0", BYTES(R0 END), HTTP_GET, BODY_CLOSE, 0 },
	{ "6.2", "a length", BYTES(R1 CL "3" N END), HTTP_GET, BODY_LENGTH, 3 },
	{ "6.2", "length 0", BYTES(R1 CL "0" N END), HTTP_POST, BODY_LENGTH, 0 },
	{ "6.1", "chunked", BYTES(R1 TE "chunked" N END), HTTP_GET, BODY_CHUNKED, 0 },
	{ "6.3", "to HEAD", BYTES(R1 END), HTTP_HEAD, BODY_NONE, 0 },
	{ "6.3", "to HEAD, a length", BYTES(R1 CL "3" N END), HTTP_HEAD, BODY_NONE, 0 },
	{ "6.3", "to HEAD, chunked", BYTES(R1 TE "chunked" N END), HTTP_HEAD, BODY_NONE, 0 },
	{ "6.3", "304", BYTES("HTTP/1.1 304 x\r\n" END), HTTP_GET, BODY_NONE, 0 },
	{ "6.3", "304, a length", BYTES("HTTP/1.1 304 x\r\n" CL "3" N END), HTTP_GET, BODY_NONE, 0 },
	{ "6.3", "304, chunked", BYTES("HTTP/1.1 304 x\r\n" TE "chunked" N END), HTTP_GET, BODY_NONE, 0 },
	{ "6.3", "204", BYTES("HTTP/1.1 204 x\r\n" END), HTTP_GET, BODY_NONE, 0 },
	{ "9110 8.6", "204, length 0", BYTES("HTTP/1.1 204 x\r\n" CL "0" N END), HTTP_GET, BODY_NONE, 0 },
	{ "9110 8.6", "204, length 3", BYTES("HTTP/1.1 204 x\r\n" CL "3" N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "6.1", "204, chunked", BYTES("HTTP/1.1 204 x\r\n" TE "chunked" N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "9110 8.6", "204 to HEAD, length 3", BYTES("HTTP/1.1 204 x\r\n" CL "3" N END), HTTP_HEAD, BODY_REFUSE, 0 },
	{ "6.3", "100", BYTES("HTTP/1.1 100 x\r\n" END), HTTP_POST, BODY_NONE, 0 },
	{ "6.3", "101", BYTES("HTTP/1.1 101 x\r\n" END), HTTP_GET, BODY_NONE, 0 },
	{ "9110 8.6", "100, length 3", BYTES("HTTP/1.1 100 x\r\n" CL "3" N END), HTTP_POST, BODY_REFUSE, 0 },
	{ "6.1", "101, chunked", BYTES("HTTP/1.1 101 x\r\n" TE "chunked" N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "6.1", "103, chunked", BYTES("HTTP/1.1 103 x\r\n" TE "chunked" N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "6.3", "TE with CL", BYTES(R1 TE "chunked" N CL "3" N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "6.3", "TE with CL, to HEAD", BYTES(R1 TE "chunked" N CL "3" N END), HTTP_HEAD, BODY_REFUSE, 0 },
	{ "6.1", "TE in 1.0", BYTES(R0 TE "chunked" N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "6.1", "TE twice", BYTES(R1 TE "chunked" N TE "chunked" N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "6.1", "gzip", BYTES(R1 TE "gzip" N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "6.1", "gzip, chunked", BYTES(R1 TE "gzip, chunked" N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "6.1", "identity", BYTES(R1 TE "identity" N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "6.3", "two lengths", BYTES(R1 CL "3" N CL "4" N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "6.3", "two equal lengths", BYTES(R1 CL "3" N CL "3" N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "6.3", "two lengths, 304", BYTES("HTTP/1.1 304 x\r\n" CL "3" N CL "4" N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "9110 8.6", "a sign", BYTES(R1 CL "+3" N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "9110 8.6", "hex", BYTES(R1 CL "0x3" N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "9110 8.6", "empty", BYTES(R1 CL N END), HTTP_GET, BODY_REFUSE, 0 },
	{ "9110 8.6", "2^64", BYTES(R1 CL "18446744073709551616" N END), HTTP_GET, BODY_REFUSE, 0 },
};

static const struct {
	const char *what;
	struct span head;
	bool keep;
} connections[] = {
	{ "1.1", BYTES(P1 END), true },
	{ "1.1, close", BYTES(P1 "Connection: close" N END), false },
	{ "1.1, Close", BYTES(P1 "Connection: Close" N END), false },
	{ "1.1, close among others", BYTES(P1 "Connection: a , close,b" N END), false },
	{ "1.1, close in the second field", BYTES(P1 "Connection: a" N "Connection: close" N END), false },
	{ "1.1, keep-alive and close", BYTES(P1 "Connection: keep-alive, close" N END), false },
	{ "1.1, closed is not close", BYTES(P1 "Connection: closed" N END), true },
	{ "1.1, close is named by another field", BYTES(P1 "Proxy-Connection: close" N END), true },
	{ "1.0", BYTES(P0 END), false },
	{ "1.0, keep-alive", BYTES(P0 "Connection: Keep-Alive" N END), true },
	{ "1.0, keep-alive and close", BYTES(P0 "Connection: keep-alive, close" N END), false },
	{ "1.0, the field Keep-Alive", BYTES(P0 "Keep-Alive: timeout=5" N END), false },
};

static void
test_requests(void)
{
	for (size_t i = 0; i < nitems(requests); i++) {
		uint64_t length = UNTOUCHED;

		is_int(feed_whole(http_parse_request, requests[i].head, &usual),
		    HTTP_FINE, "%s: is parsed", requests[i].what);
		is_int(http_request_body(&feed_msg, &length), requests[i].end,
		    "request: %s (%s)", requests[i].what, requests[i].rule);
		if (requests[i].end == BODY_LENGTH)
			ok(length == requests[i].length, "so many bytes");
	}
}

static void
test_responses(void)
{
	for (size_t i = 0; i < nitems(responses); i++) {
		uint64_t length = UNTOUCHED;

		is_int(feed_whole(http_parse_response, responses[i].head,
		    &usual), HTTP_FINE, "%s: is parsed", responses[i].what);
		is_int(http_response_body(&feed_msg, responses[i].method,
		    &length), responses[i].end, "response: %s (%s)",
		    responses[i].what, responses[i].rule);
		if (responses[i].end == BODY_LENGTH)
			ok(length == responses[i].length, "so many bytes");
	}
}

int
main(void)
{
	test_requests();
	test_responses();
	for (size_t i = 0; i < nitems(connections); i++) {
		feed_whole(http_parse_request, connections[i].head, &usual);
		is_int(http_keep_alive(&feed_msg), connections[i].keep,
		    "kept (9.3)? %s", connections[i].what);
	}
	return done();
}
