/* A backend's nonsense is not passed on, each by its rule. */
#include "t/unit/http/feed.h"

#define LINE "HTTP/1.1 200 OK\r\n"
#define END  "\r\n"

#define TEN "0123456789"
#define FIVE_FIELDS "a:b\r\na:b\r\na:b\r\na:b\r\na:b\r\n"

static const struct http_limits small = { 40, 200, 60, 10 };

static const struct {
	const char *rule; /* RFC and section, or what of ours */
	const char *what;
	struct span bytes;
	enum http_fault fault;
} cases[] = {
	/* the version */
	{ "9112 2.3", "HTTP/0.9: a bare body", BYTES("<html>"), HTTP_BAD },
	{ "9112 2.3", "an empty line first", BYTES("\r\n" LINE END), HTTP_BAD },
	{ "9112 2.3", "an LF first", BYTES("\n" LINE END), HTTP_BAD },
	{ "9112 2.3", "a blank first", BYTES(" " LINE END), HTTP_BAD },
	{ "9112 2.3", "a NUL first", BYTES("\0" LINE END), HTTP_BAD },
	{ "9112 2.3", "small letters", BYTES("http/1.1 200 OK\r\n" END), HTTP_BAD },
	{ "9112 2.3", "another protocol", BYTES("ICY 200 OK\r\n" END), HTTP_BAD },
	{ "9112 2.3", "RTSP", BYTES("RTSP/1.0 200 OK\r\n" END), HTTP_BAD },
	{ "9112 2.3", "an SSH server", BYTES("SSH-2.0-OpenSSH_9.2\r\n"), HTTP_BAD },
	{ "9112 2.3", "an SMTP server", BYTES("220 mail ready\r\n"), HTTP_BAD },
	{ "9112 2.3", "a TLS alert", BYTES("\x15\x03\x01\x00\x02\x02\x0a"), HTTP_BAD },
	{ "9112 2.3", "a request", BYTES("GET / HTTP/1.1\r\n" END), HTTP_BAD },
	{ "9112 2.3", "a CGI answer", BYTES("Status: 200 OK\r\n" END), HTTP_BAD },
	{ "9112 2.3", "no minor", BYTES("HTTP/1 200 OK\r\n" END), HTTP_BAD },
	{ "9112 2.3", "two digits after the point", BYTES("HTTP/1.10 200 OK\r\n" END), HTTP_BAD },
	{ "9112 2.3", "two digits before the point", BYTES("HTTP/01.1 200 OK\r\n" END), HTTP_BAD },
	{ "9112 2.3", "no digits", BYTES("HTTP 200 OK\r\n" END), HTTP_BAD },
	{ "9112 2.3", "HTTP/2.0", BYTES("HTTP/2.0 200 OK\r\n" END), HTTP_BAD_VERSION },
	{ "9112 2.3", "HTTP/2 as curl prints it", BYTES("HTTP/2 200\r\n" END), HTTP_BAD },
	{ "9112 2.3", "HTTP/1.2", BYTES("HTTP/1.2 200 OK\r\n" END), HTTP_BAD_VERSION },
	{ "9112 2.3", "HTTP/0.9 with a line", BYTES("HTTP/0.9 200 OK\r\n" END), HTTP_BAD_VERSION },
	{ "9113 3.4", "HTTP/2 frames", BYTES("\0\0\x12\x04\0\0\0\0\0"), HTTP_BAD },

	/* the status */
	{ "9112 4", "two blanks before the status", BYTES("HTTP/1.1  200 OK\r\n" END), HTTP_BAD },
	{ "9112 4", "a tab before the status", BYTES("HTTP/1.1\t200 OK\r\n" END), HTTP_BAD },
	{ "9112 4", "no status", BYTES("HTTP/1.1\r\n" END), HTTP_BAD },
	{ "9112 4", "an empty status", BYTES("HTTP/1.1 \r\n" END), HTTP_BAD },
	{ "9112 4", "a word for the status", BYTES("HTTP/1.1 OK\r\n" END), HTTP_BAD },
	{ "9112 4", "one digit", BYTES("HTTP/1.1 2 OK\r\n" END), HTTP_BAD },
	{ "9112 4", "two digits", BYTES("HTTP/1.1 20 OK\r\n" END), HTTP_BAD },
	{ "9112 4", "four digits", BYTES("HTTP/1.1 2000 OK\r\n" END), HTTP_BAD },
	{ "9112 4", "four digits, the first 0", BYTES("HTTP/1.1 0200 OK\r\n" END), HTTP_BAD },
	{ "9112 4", "a sign", BYTES("HTTP/1.1 +20 OK\r\n" END), HTTP_BAD },
	{ "9112 4", "a minus", BYTES("HTTP/1.1 -20 OK\r\n" END), HTTP_BAD },
	{ "9112 4", "a hex digit", BYTES("HTTP/1.1 2a0 OK\r\n" END), HTTP_BAD },
	{ "9112 4", "a point", BYTES("HTTP/1.1 404.1 Not\r\n" END), HTTP_BAD },
	{ "9112 4", "a letter after it", BYTES("HTTP/1.1 200OK\r\n" END), HTTP_BAD },
	{ "9112 4", "a tab after it", BYTES("HTTP/1.1 200\tOK\r\n" END), HTTP_BAD },
	{ "9112 4", "a NUL after it", BYTES("HTTP/1.1 200\0OK\r\n" END), HTTP_BAD },
	{ "9110 15", "status 000", BYTES("HTTP/1.1 000 OK\r\n" END), HTTP_BAD },
	{ "9110 15", "status 099", BYTES("HTTP/1.1 099 OK\r\n" END), HTTP_BAD },
	{ "9110 15", "status 600", BYTES("HTTP/1.1 600 OK\r\n" END), HTTP_BAD },
	{ "9110 15", "status 999", BYTES("HTTP/1.1 999 OK\r\n" END), HTTP_BAD },

	/* the reason */
	{ "9112 4", "a NUL in the reason", BYTES("HTTP/1.1 200 O\0K\r\n" END), HTTP_BAD },
	{ "9112 4", "a bare CR in the reason", BYTES("HTTP/1.1 200 O\rK\r\n" END), HTTP_BAD },
	{ "9112 4", "an ESC in the reason", BYTES("HTTP/1.1 200 \x1b[1m\r\n" END), HTTP_BAD },
	{ "9112 4", "a DEL in the reason", BYTES("HTTP/1.1 200 \x7f\r\n" END), HTTP_BAD },
	{ "9112 4", "a VT in the reason", BYTES("HTTP/1.1 200 \v\r\n" END), HTTP_BAD },
	{ "9112 2.2", "line ends with LF", BYTES("HTTP/1.1 200 OK\n" END), HTTP_BAD },
	{ "9112 2.2", "line ends with CR", BYTES("HTTP/1.1 200 OK\rX: 1\r\n" END), HTTP_BAD },
	{ "9112 2.2", "status, then LF", BYTES("HTTP/1.1 200\n" END), HTTP_BAD },
	{ "9112 2.2", "line ends with CR CR LF", BYTES("HTTP/1.1 200 OK\r\r\n" END), HTTP_BAD },

	/* fields */
	{ "9112 5.1", "a blank before the colon", BYTES(LINE "Content-Length : 5\r\n" END), HTTP_BAD },
	{ "9112 5.1", "a tab before the colon", BYTES(LINE "Transfer-Encoding\t: chunked\r\n" END), HTTP_BAD },
	{ "9112 5.1", "a blank in the name", BYTES(LINE "Content Length: 5\r\n" END), HTTP_BAD },
	{ "9112 5", "an empty name", BYTES(LINE ": 5\r\n" END), HTTP_BAD },
	{ "9112 5", "no colon", BYTES(LINE "Content-Length\r\n" END), HTTP_BAD },
	{ "9112 5", "a second status line", BYTES(LINE LINE END), HTTP_BAD },
	{ "9112 5", "a NUL in the name", BYTES(LINE "Content-\0Length: 5\r\n" END), HTTP_BAD },
	{ "9112 5", "a high byte in the name", BYTES(LINE "Cont\xe9nt-Length: 5\r\n" END), HTTP_BAD },
	{ "9112 5", "a body where fields are due", BYTES(LINE "<html></html>\r\n" END), HTTP_BAD },
	{ "9112 5.2", "a folded value", BYTES(LINE "X: 1\r\n 2\r\n" END), HTTP_BAD },
	{ "9112 5.2", "folded with a tab", BYTES(LINE "X: 1\r\n\t2\r\n" END), HTTP_BAD },
	{ "9112 2.2", "a blank before the first field", BYTES(LINE " X: 1\r\n" END), HTTP_BAD },
	{ "9110 5.5", "a NUL in a value", BYTES(LINE "Location: /\0\r\n" END), HTTP_BAD },
	{ "9110 5.5", "a bare CR in a value", BYTES(LINE "Location: /\rSet-Cookie: a=b\r\n" END), HTTP_BAD },
	{ "9110 5.5", "a bare LF in a value", BYTES(LINE "Location: /\nSet-Cookie: a=b\r\n" END), HTTP_BAD },
	{ "9110 5.5", "BEL in a value", BYTES(LINE "X: \a\r\n" END), HTTP_BAD },
	{ "9110 5.5", "VT in a value", BYTES(LINE "Transfer-Encoding: \vchunked\r\n" END), HTTP_BAD },
	{ "9110 5.5", "DEL in a value", BYTES(LINE "X: \x7f\r\n" END), HTTP_BAD },
	{ "9112 2.2", "a field ends with LF", BYTES(LINE "X: 1\n" END), HTTP_BAD },
	{ "9112 2.2", "the empty line is LF", BYTES(LINE "X: 1\r\n\n"), HTTP_BAD },
	{ "9112 2.2", "the empty line is CR and a byte", BYTES(LINE "X: 1\r\n\rx"), HTTP_BAD },
	{ "9112 2.2", "all lines end with LF", BYTES("HTTP/1.1 200 OK\nX: 1\n\n"), HTTP_BAD },

	/* limits (7-security.md 7.5) */
	{ "7.5, 9112 4", "a reason without end", BYTES("HTTP/1.1 200 " TEN TEN "12345678"), HTTP_HEAD_TOO_LARGE },
	{ "7.5, 9112 4", "a status line of 41 bytes", BYTES("HTTP/1.1 200 " TEN TEN "12345678\r\n" END), HTTP_HEAD_TOO_LARGE },
	{ "7.5, 9110 5.4", "a value without end", BYTES(LINE "X:" TEN TEN TEN TEN TEN "123456789"), HTTP_HEAD_TOO_LARGE },
	{ "7.5, 9110 5.4", "a name without end", BYTES(LINE "X" TEN TEN TEN TEN TEN TEN), HTTP_HEAD_TOO_LARGE },
	{ "7.5, 9110 5.4", "11 fields", BYTES(LINE FIVE_FIELDS FIVE_FIELDS "a:b\r\n" END), HTTP_HEAD_TOO_LARGE },
	{ "7.5, 9110 5.4", "200 bytes and no end", BYTES(LINE "a: " TEN TEN TEN TEN TEN "\r\nb: " TEN TEN TEN TEN TEN "\r\nc: " TEN TEN TEN TEN TEN "123456\r\nd: 123456\r\n\r"), HTTP_HEAD_TOO_LARGE },
};

int
main(void)
{
	for (size_t i = 0; i < nitems(cases); i++) {
		enum http_fault got = feed_whole(http_parse_response,
		    cases[i].bytes, &small);
		bool same = feed_agrees(http_parse_response, cases[i].bytes,
		    &small);

		ok(got == cases[i].fault && same, "%s (%s): %s", cases[i].what,
		    cases[i].rule, fault_name(got));
	}
	return done();
}
