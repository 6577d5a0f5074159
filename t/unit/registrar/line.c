/* Requests on 8282 are read as the original's clients send them, or refused. */
#include "registrar/line.h"

#include <stdlib.h>

#include "t/tap.h"

#define A256                                                                  \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"     \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"     \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"     \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A1024 A256 A256 A256 A256
#define URL "http://192.0.2.1:8000"

static const struct {
	const char *what;
	struct span bytes;
	enum line_fault fault;
	enum verb verb;
	const char *route, *destination;
} cases[] = {
	{ "register", SPAN("register\n.*\n" URL "\n"), LINE_FINE,
	    VERB_REGISTER, ".*", URL },
	{ "registerCanonical", SPAN("registerCanonical\n/x\n" URL "\n"),
	    LINE_FINE, VERB_REGISTER_CANONICAL, "/x", URL },
	{ "unregister", SPAN("unregister\n.*\n"), LINE_FINE, VERB_UNREGISTER,
	    ".*", "" },
	{ "CR LF", SPAN("register\r\n.*\r\n" URL "\r\n"), LINE_FINE,
	    VERB_REGISTER, ".*", URL },
	{ "line ends mixed", SPAN("unregister\r\n.*\n"), LINE_FINE,
	    VERB_UNREGISTER, ".*", "" },
	{ "what follows is nobody's", SPAN("unregister\n.*\nregister\n\0\n"),
	    LINE_FINE, VERB_UNREGISTER, ".*", "" },
	{ "an empty route is a line", SPAN("unregister\n\n"), LINE_FINE,
	    VERB_UNREGISTER, "", "" },
	{ "blanks belong to the line", SPAN("unregister\n /a b \n"), LINE_FINE,
	    VERB_UNREGISTER, " /a b ", "" },
	{ "bytes above 0x7f pass", SPAN("unregister\n/\xc3\xa4\n"), LINE_FINE,
	    VERB_UNREGISTER, "/\xc3\xa4", "" },
	{ "1024 bytes", SPAN("unregister\n" A1024 "\n"), LINE_FINE,
	    VERB_UNREGISTER, A1024, "" },
	{ "1024 bytes and CR", SPAN("unregister\n" A1024 "\r\n"), LINE_FINE,
	    VERB_UNREGISTER, A1024, "" },

	{ "nothing yet", { NULL, 0 }, LINE_MORE, 0, NULL, NULL },
	{ "half a word", SPAN("regis"), LINE_MORE, 0, NULL, NULL },
	{ "no end of the line", SPAN("register"), LINE_MORE, 0, NULL, NULL },
	{ "a CR is no end", SPAN("register\r.*\r" URL "\r"), LINE_MORE, 0,
	    NULL, NULL },
	{ "no route", SPAN("register\n"), LINE_MORE, 0, NULL, NULL },
	{ "no destination", SPAN("register\n.*\n"), LINE_MORE, 0, NULL, NULL },
	{ "half a destination", SPAN("register\n.*\n" URL), LINE_MORE, 0, NULL,
	    NULL },
	{ "1024 bytes so far", SPAN("unregister\n" A1024), LINE_MORE, 0, NULL,
	    NULL },

	{ "another word", SPAN("hello\n"), LINE_UNKNOWN, 0, NULL, NULL },
	{ "an empty word", SPAN("\n.*\n" URL "\n"), LINE_UNKNOWN, 0, NULL,
	    NULL },
	{ "a word in capitals", SPAN("REGISTER\n"), LINE_UNKNOWN, 0, NULL,
	    NULL },
	{ "a blank before the word", SPAN(" register\n"), LINE_UNKNOWN, 0,
	    NULL, NULL },
	{ "a blank after the word", SPAN("register \n"), LINE_UNKNOWN, 0, NULL,
	    NULL },
	{ "a longer word", SPAN("registered\n"), LINE_UNKNOWN, 0, NULL, NULL },
	{ "two CR", SPAN("register\r\r\n"), LINE_UNKNOWN, 0, NULL, NULL },
	{ "NUL in the word", SPAN("regi\0ster\n"), LINE_UNKNOWN, 0, NULL,
	    NULL },
	{ "HTTP", SPAN("GET / HTTP/1.1\r\n\r\n"), LINE_UNKNOWN, 0, NULL, NULL },
	{ "TLS", SPAN("\x16\x03\x01\x02\n\x01"), LINE_UNKNOWN, 0, NULL, NULL },

	{ "NUL in the route", SPAN("unregister\n/\0\n"), LINE_CONTROL, 0, NULL,
	    NULL },
	{ "TAB in the route", SPAN("unregister\n/\t\n"), LINE_CONTROL, 0, NULL,
	    NULL },
	{ "CR in the route", SPAN("unregister\n/\rx\n"), LINE_CONTROL, 0, NULL,
	    NULL },
	{ "ESC in the route", SPAN("unregister\n/\x1b[2J\n"), LINE_CONTROL, 0,
	    NULL, NULL },
	{ "DEL in the route", SPAN("unregister\n/\x7f\n"), LINE_CONTROL, 0,
	    NULL, NULL },
	{ "NUL in the destination", SPAN("register\n.*\nhttp://\0\n"),
	    LINE_CONTROL, 0, NULL, NULL },

	{ "1025 bytes", SPAN("unregister\n" A1024 "a\n"), LINE_TOO_LONG, 0,
	    NULL, NULL },
	{ "1025 bytes without an end", SPAN("unregister\n" A1024 "a"),
	    LINE_TOO_LONG, 0, NULL, NULL },
	{ "a word of 1025 bytes", SPAN(A1024 "a"), LINE_TOO_LONG, 0, NULL,
	    NULL },
	{ "a destination of 1025 bytes", SPAN("register\n.*\n" A1024 "a\n"),
	    LINE_TOO_LONG, 0, NULL, NULL },
};

/* From memory of exactly its size: a byte read beyond it would be seen. */
static enum line_fault
parse(struct span bytes, struct line_request *request, char **copy)
{
	*copy = malloc(bytes.len + (bytes.len == 0));
	if (bytes.len > 0)
		memcpy(*copy, bytes.ptr, bytes.len);
	return line_parse((struct span){ *copy, bytes.len }, request);
}

/* Byte by byte it is the same as at once, and the buffer suffices. */
static void
try_in_parts(void)
{
	struct span all = SPAN("registerCanonical\r\n.*\r\n" URL "\r\n");
	struct line_request request;
	size_t more = 0;
	char *copy;

	for (size_t len = 0; len < all.len; len++) {
		more += parse((struct span){ all.ptr, len }, &request,
		            &copy) == LINE_MORE;
		free(copy);
	}
	is_int(more, all.len, "each part asks for more");
	is_int(line_parse(all, &request), LINE_FINE, "the whole does not");
}

/* A full buffer never waits for more: a session always comes to an end. */
static void
try_full(void)
{
	static const struct span ways[] = { SPAN(""), SPAN("register\n"),
		SPAN("register\n" A1024 "\r\n") };
	char bytes[LINE_REQUEST_MAX];
	struct line_request request;

	for (size_t i = 0; i < nitems(ways); i++) {
		memset(bytes, 'a', sizeof(bytes));
		memcpy(bytes, ways[i].ptr, ways[i].len);
		is_int(line_parse((struct span){ bytes, sizeof(bytes) },
		           &request),
		    LINE_TOO_LONG, "a full buffer is decided, %zu", i);
	}
}

int
main(void)
{
	struct line_request r;
	char *copy;

	for (size_t i = 0; i < nitems(cases); i++) {
		is_int(parse(cases[i].bytes, &r, &copy), cases[i].fault, "%s",
		    cases[i].what);
		if (cases[i].fault == LINE_FINE) {
			is_int(r.verb, cases[i].verb, "%s: verb",
			    cases[i].what);
			is_span(r.route, cases[i].route, "%s: route",
			    cases[i].what);
			is_span(r.destination, cases[i].destination,
			    "%s: destination", cases[i].what);
		}
		free(copy);
	}
	try_in_parts();
	try_full();
	return done();
}
