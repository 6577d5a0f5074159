/* Requests on which two parsers could disagree are refused, each by its rule. */
#include "t/unit/http/feed.h"

#define HOST "Host: a\r\n"
#define LINE "GET / HTTP/1.1\r\n"
#define END  "\r\n"

#define TEN "0123456789"
#define FIVE_FIELDS "a:b\r\na:b\r\na:b\r\na:b\r\na:b\r\n"

/* Small ones, so that the cases can be read: 40 + 100 bytes, 60, 10 fields. */
static const struct http_limits small = { 40, 200, 60, 10 };

static const struct {
	const char *rule; /* RFC and section, or what of ours */
	const char *what;
	struct span bytes;
	enum http_fault fault;
} cases[] = {
	/* the request line */
	{ "9112 2.2", "two empty lines first", BYTES("\r\n\r\n" LINE HOST END), HTTP_BAD },
	{ "9112 2.2", "an LF first", BYTES("\n" LINE HOST END), HTTP_BAD },
	{ "9112 2.2", "a CR first", BYTES("\r" LINE HOST END), HTTP_BAD },
	{ "9112 2.2", "CR CR LF first", BYTES("\r\r\n" LINE HOST END), HTTP_BAD },
	{ "9112 2.2", "a blank line with a blank", BYTES(" \r\n" LINE HOST END), HTTP_BAD },
	{ "9112 2.2", "line ends with LF", BYTES("GET / HTTP/1.1\n" HOST END), HTTP_BAD },
	{ "9112 2.2", "line ends with CR", BYTES("GET / HTTP/1.1\r" HOST END), HTTP_BAD },
	{ "9112 2.2", "line ends with CR CR LF", BYTES("GET / HTTP/1.1\r\r\n" HOST END), HTTP_BAD },
	{ "9112 2.2", "line ends with LF CR", BYTES("GET / HTTP/1.1\n\r" HOST END), HTTP_BAD },
	{ "9112 2.2", "line ends with NEL", BYTES("GET / HTTP/1.1\x85" HOST END), HTTP_BAD },
	{ "9112 3", "a blank before the method", BYTES(" " LINE HOST END), HTTP_BAD },
	{ "9112 3", "two blanks after the method", BYTES("GET  / HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3", "a tab after the method", BYTES("GET\t/ HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3", "a VT after the method", BYTES("GET\v/ HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3", "an FF after the method", BYTES("GET\f/ HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3", "a CR after the method", BYTES("GET\r/ HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3", "a no-break space after the method", BYTES("GET\xa0/ HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3", "two blanks after the target", BYTES("GET /  HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3", "a tab after the target", BYTES("GET /\tHTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3", "a blank after the version", BYTES("GET / HTTP/1.1 \r\n" HOST END), HTTP_BAD },
	{ "9112 3", "a tab after the version", BYTES("GET / HTTP/1.1\t\r\n" HOST END), HTTP_BAD },
	{ "9112 3", "a word after the version", BYTES("GET / HTTP/1.1 x\r\n" HOST END), HTTP_BAD },
	{ "9112 3", "no version: HTTP/0.9", BYTES("GET /\r\n"), HTTP_BAD },
	{ "9112 3", "no version but a blank", BYTES("GET / \r\n"), HTTP_BAD },
	{ "9112 3", "no target", BYTES("GET HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3", "an empty target", BYTES("GET  HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3", "a method alone", BYTES("GET\r\n" END), HTTP_BAD },
	{ "9112 3", "a target in two words", BYTES("GET /a b HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3", "only the words in another order", BYTES("/ GET HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3", "a status line", BYTES("HTTP/1.1 200 OK\r\n" END), HTTP_BAD },
	{ "9112 3", "a NUL first", BYTES("\0" LINE HOST END), HTTP_BAD },
	{ "9112 3", "a byte order mark first", BYTES("\xef\xbb\xbf" LINE HOST END), HTTP_BAD },
	{ "9112 3", "a TLS client hello", BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), HTTP_BAD },
	{ "9112 3", "an SSH client", BYTES("SSH-2.0-OpenSSH_9.2\r\n"), HTTP_BAD },
	{ "9112 3", "a PROXY line nobody asked for", BYTES("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n"), HTTP_BAD },
	{ "9112 3", "a PROXY v2 block nobody asked for", BYTES("\r\n\r\n\0\r\nQUIT\n"), HTTP_BAD },
	{ "9112 3", "a colon in the method", BYTES("GET: / HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9110 5.6.2", "a slash in the method", BYTES("G/T / HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9110 5.6.2", "a quoted method", BYTES("\"GET\" / HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9110 5.6.2", "a NUL in the method", BYTES("GE\0T / HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9110 5.6.2", "a high byte in the method", BYTES("G\xcbT / HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9110 5.6.2", "braces in the method", BYTES("{GET} / HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "7-security.md", "a method of 33 bytes", BYTES("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456 / HTTP/1.1\r\n"), HTTP_BAD },
	{ "7-security.md", "a method without end", BYTES("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456"), HTTP_BAD },

	/* the target's bytes */
	{ "9112 3.2", "a fragment", BYTES("GET /a#b HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3.2", "a NUL in the target", BYTES("GET /a\0b HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3.2", "a CR in the target", BYTES("GET /a\rb HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3.2", "an LF in the target", BYTES("GET /a\nb HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3.2", "a tab in the target", BYTES("GET /a\tb HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3.2", "an ESC in the target", BYTES("GET /\x1b[2J HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3.2", "a DEL in the target", BYTES("GET /a\x7f HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3.2", "raw UTF-8 in the target", BYTES("GET /\xc3\xa9 HTTP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 3.2", "a raw 0xff in the target", BYTES("GET /\xff HTTP/1.1\r\n" HOST END), HTTP_BAD },

	/* the version */
	{ "9112 2.3", "in small letters", BYTES("GET / http/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 2.3", "in mixed letters", BYTES("GET / Http/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 2.3", "another protocol", BYTES("GET / ICAP/1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 2.3", "no digits", BYTES("GET / HTTP/\r\n" HOST END), HTTP_BAD },
	{ "9112 2.3", "no minor", BYTES("GET / HTTP/1\r\n" HOST END), HTTP_BAD },
	{ "9112 2.3", "a point and no minor", BYTES("GET / HTTP/1.\r\n" HOST END), HTTP_BAD },
	{ "9112 2.3", "two digits after the point", BYTES("GET / HTTP/1.10\r\n" HOST END), HTTP_BAD },
	{ "9112 2.3", "two digits before the point", BYTES("GET / HTTP/01.1\r\n" HOST END), HTTP_BAD },
	{ "9112 2.3", "a comma for the point", BYTES("GET / HTTP/1,1\r\n" HOST END), HTTP_BAD },
	{ "9112 2.3", "a sign", BYTES("GET / HTTP/+1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 2.3", "a hex digit", BYTES("GET / HTTP/1.a\r\n" HOST END), HTTP_BAD },
	{ "9112 2.3", "a blank inside", BYTES("GET / HTTP/ 1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 2.3", "a blank before the slash", BYTES("GET / HTTP /1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 2.3", "a second slash", BYTES("GET / HTTP//1.1\r\n" HOST END), HTTP_BAD },
	{ "9112 2.3", "HTTP/2.0", BYTES("GET / HTTP/2.0\r\n" HOST END), HTTP_BAD_VERSION },
	{ "9113 3.4", "the preface of HTTP/2", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), HTTP_BAD_VERSION },
	{ "9112 2.3", "HTTP/1.2", BYTES("GET / HTTP/1.2\r\n" HOST END), HTTP_BAD_VERSION },
	{ "9112 2.3", "HTTP/1.9", BYTES("GET / HTTP/1.9\r\n" HOST END), HTTP_BAD_VERSION },
	{ "9112 2.3", "HTTP/0.9", BYTES("GET / HTTP/0.9\r\n" HOST END), HTTP_BAD_VERSION },
	{ "9112 2.3", "HTTP/3.0", BYTES("GET / HTTP/3.0\r\n" HOST END), HTTP_BAD_VERSION },

	/* field names */
	{ "9112 5.1", "a blank before the colon", BYTES(LINE "Host : a\r\n" END), HTTP_BAD },
	{ "9112 5.1", "a tab before the colon", BYTES(LINE "Host\t: a\r\n" END), HTTP_BAD },
	{ "9112 5.1", "a blank in Content-Length", BYTES(LINE HOST "Content-Length : 5\r\n" END), HTTP_BAD },
	{ "9112 5.1", "a tab in Transfer-Encoding", BYTES(LINE HOST "Transfer-Encoding\t: chunked\r\n" END), HTTP_BAD },
	{ "9112 5.1", "a blank in the name", BYTES(LINE "Ho st: a\r\n" END), HTTP_BAD },
	{ "9112 5", "an empty name", BYTES(LINE HOST ": a\r\n" END), HTTP_BAD },
	{ "9112 5", "no colon", BYTES(LINE HOST "Content-Length\r\n" END), HTTP_BAD },
	{ "9112 5", "a colon alone", BYTES(LINE HOST ":\r\n" END), HTTP_BAD },
	{ "9112 5", "an equals sign for the colon", BYTES(LINE HOST "X=1\r\n" END), HTTP_BAD },
	{ "9112 5", "a NUL before the colon", BYTES(LINE HOST "X\0: 1\r\n" END), HTTP_BAD },
	{ "9112 5", "a VT before the colon", BYTES(LINE HOST "X\v: 1\r\n" END), HTTP_BAD },
	{ "9112 5", "a CR before the colon", BYTES(LINE HOST "X\r: 1\r\n" END), HTTP_BAD },
	{ "9112 5", "an LF before the colon", BYTES(LINE HOST "X\n: 1\r\n" END), HTTP_BAD },
	{ "9112 5", "a high byte in the name", BYTES(LINE HOST "X\xc3\xa9: 1\r\n" END), HTTP_BAD },
	{ "9112 5", "a no-break space after the name", BYTES(LINE HOST "Content-Length\xa0: 1\r\n" END), HTTP_BAD },
	{ "9112 5", "a DEL in the name", BYTES(LINE HOST "X\x7f: 1\r\n" END), HTTP_BAD },
	{ "9112 5", "a quote in the name", BYTES(LINE HOST "\"X\": 1\r\n" END), HTTP_BAD },
	{ "9112 5", "a slash in the name", BYTES(LINE HOST "X/Y: 1\r\n" END), HTTP_BAD },
	{ "9112 5", "a bracket in the name", BYTES(LINE HOST "X[0]: 1\r\n" END), HTTP_BAD },
	{ "9112 5", "a comma in the name", BYTES(LINE HOST "X,Y: 1\r\n" END), HTTP_BAD },
	{ "9112 5", "a semicolon in the name", BYTES(LINE HOST "X;Y: 1\r\n" END), HTTP_BAD },
	{ "9112 5", "an at sign in the name", BYTES(LINE HOST "X@Y: 1\r\n" END), HTTP_BAD },
	{ "9112 5", "a second request line", BYTES(LINE LINE HOST END), HTTP_BAD },

	/* folding */
	{ "9112 5.2", "a folded value", BYTES(LINE HOST "X: 1\r\n 2\r\n" END), HTTP_BAD },
	{ "9112 5.2", "folded with a tab", BYTES(LINE HOST "X: 1\r\n\t2\r\n" END), HTTP_BAD },
	{ "9112 5.2", "a folded empty line", BYTES(LINE HOST "X: 1\r\n \r\n" END), HTTP_BAD },
	{ "9112 5.2", "folded Transfer-Encoding", BYTES(LINE HOST "Transfer-Encoding:\r\n chunked\r\n" END), HTTP_BAD },
	{ "9112 5.2", "folded before the colon", BYTES(LINE HOST "X\r\n : 1\r\n" END), HTTP_BAD },
	{ "9112 2.2", "a blank before the first field", BYTES(LINE " Host: a\r\n" END), HTTP_BAD },
	{ "9112 2.2", "a tab before the first field", BYTES(LINE "\tHost: a\r\n" END), HTTP_BAD },

	/* values */
	{ "9110 5.5", "a NUL in a value", BYTES(LINE HOST "X: a\0b\r\n" END), HTTP_BAD },
	{ "9110 5.5", "a NUL after Content-Length", BYTES(LINE HOST "Content-Length: 5\0\r\n" END), HTTP_BAD },
	{ "9110 5.5", "a bare CR in a value", BYTES(LINE HOST "X: a\rb\r\n" END), HTTP_BAD },
	{ "9110 5.5", "a field behind a bare CR", BYTES(LINE HOST "X: a\rContent-Length: 5\r\n" END), HTTP_BAD },
	{ "9110 5.5", "a field behind a bare LF", BYTES(LINE HOST "X: a\nContent-Length: 5\r\n" END), HTTP_BAD },
	{ "9110 5.5", "SOH in a value", BYTES(LINE HOST "X: \x01\r\n" END), HTTP_BAD },
	{ "9110 5.5", "BS in a value", BYTES(LINE HOST "X: \b\r\n" END), HTTP_BAD },
	{ "9110 5.5", "VT before a value", BYTES(LINE HOST "Transfer-Encoding: \vchunked\r\n" END), HTTP_BAD },
	{ "9110 5.5", "FF before a value", BYTES(LINE HOST "Transfer-Encoding: \fchunked\r\n" END), HTTP_BAD },
	{ "9110 5.5", "FS in a value", BYTES(LINE HOST "X: \x1c\r\n" END), HTTP_BAD },
	{ "9110 5.5", "ESC in a value", BYTES(LINE HOST "X: \x1b[1m\r\n" END), HTTP_BAD },
	{ "9110 5.5", "US in a value", BYTES(LINE HOST "X: \x1f\r\n" END), HTTP_BAD },
	{ "9110 5.5", "DEL in a value", BYTES(LINE HOST "X: \x7f\r\n" END), HTTP_BAD },

	/* the end */
	{ "9112 2.2", "a field ends with LF", BYTES(LINE "Host: a\n" END), HTTP_BAD },
	{ "9112 2.2", "a field ends with CR", BYTES(LINE "Host: a\r" END), HTTP_BAD },
	{ "9112 2.2", "a field ends with CR CR LF", BYTES(LINE "Host: a\r\r\n" END), HTTP_BAD },
	{ "9112 2.2", "the empty line is LF", BYTES(LINE HOST "\n"), HTTP_BAD },
	{ "9112 2.2", "the empty line is CR CR LF", BYTES(LINE HOST "\r\r\n"), HTTP_BAD },
	{ "9112 2.2", "the empty line is CR and a byte", BYTES(LINE HOST "\rx"), HTTP_BAD },
	{ "9112 2.2", "all lines end with LF", BYTES("GET / HTTP/1.1\nHost: a\n\n"), HTTP_BAD },
	{ "9112 2.2", "all lines end with CR", BYTES("GET / HTTP/1.1\rHost: a\r\r"), HTTP_BAD },

	/* limits (7-security.md 7.5), as soon as they are certain */
	{ "7.5, 9112 3", "a request line of 41 bytes", BYTES("GET /" TEN TEN "1234567 HTTP/1.1\r\n"), HTTP_TARGET_TOO_LONG },
	{ "7.5, 9112 3", "a target without end", BYTES("GET /" TEN TEN TEN "123456"), HTTP_TARGET_TOO_LONG },
	{ "7.5, 9110 5.4", "a field of 61 bytes", BYTES(LINE "X: " TEN TEN TEN TEN TEN "12345678\r\n"), HTTP_HEAD_TOO_LARGE },
	{ "7.5, 9110 5.4", "a field of 61 blanks", BYTES(LINE "X:                                                           \r\n"), HTTP_HEAD_TOO_LARGE },
	{ "7.5, 9110 5.4", "a value without end", BYTES(LINE "X:" TEN TEN TEN TEN TEN "123456789"), HTTP_HEAD_TOO_LARGE },
	{ "7.5, 9110 5.4", "a name without end", BYTES(LINE "X" TEN TEN TEN TEN TEN TEN), HTTP_HEAD_TOO_LARGE },
	{ "7.5, 9110 5.4", "11 fields", BYTES(LINE FIVE_FIELDS FIVE_FIELDS "a:b\r\n" END), HTTP_HEAD_TOO_LARGE },
	{ "7.5, 9110 5.4", "the first byte of field 11", BYTES(LINE FIVE_FIELDS FIVE_FIELDS "a"), HTTP_HEAD_TOO_LARGE },
	{ "7.5, 9110 5.4", "a head of 201 bytes", BYTES(LINE "a: " TEN TEN TEN TEN TEN "\r\nb: " TEN TEN TEN TEN TEN "\r\nc: " TEN TEN TEN TEN TEN "1234567890123\r\n" END), HTTP_HEAD_TOO_LARGE },
	{ "7.5, 9110 5.4", "200 bytes and no end", BYTES(LINE "a: " TEN TEN TEN TEN TEN "\r\nb: " TEN TEN TEN TEN TEN "\r\nc: " TEN TEN TEN TEN TEN "123456\r\nd: 1234567\r\n\r"), HTTP_HEAD_TOO_LARGE },
	{ "7.5, 9110 7.6.1", "33 connection options", BYTES(LINE "Connection: a,b,c,d,e,f,g,h,i,j,k\r\nConnection: a,b,c,d,e,f,g,h,i,j,k\r\nConnection: a,b,c,d,e,f,g,h,i,j,k\r\n" END), HTTP_HEAD_TOO_LARGE },
	{ "7.5, 9110 7.6.1", "33 empty connection options", BYTES(LINE "Connection: ,,,,,,,,,,,,,,,,\r\nConnection: ,,,,,,,,,,,,,,,\r\n" END), HTTP_HEAD_TOO_LARGE },
	{ "9112 5", "what is wrong first counts", BYTES(LINE "X\x01" TEN TEN TEN TEN TEN TEN), HTTP_BAD },
};

int
main(void)
{
	for (size_t i = 0; i < nitems(cases); i++) {
		enum http_fault got = feed_whole(http_parse_request,
		    cases[i].bytes, &small);
		bool same = feed_agrees(http_parse_request, cases[i].bytes,
		    &small);

		ok(got == cases[i].fault && same, "%s (%s): %s", cases[i].what,
		    cases[i].rule, fault_name(got));
	}
	return done();
}
