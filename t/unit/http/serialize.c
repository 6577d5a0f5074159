/* A head is written as RFC 9112 wants it, or not at all. */
#include "http/serialize.h"

#include <time.h>

#include "t/tap.h"

static void
test_heads(void)
{
	struct buf b;

	buf_init(&b, 1024);
	ok(http_put_request_line(&b, SPAN("GET"), SPAN("/a?b")) &&
	    http_put_field(&b, SPAN("Host"), SPAN("a.org")) &&
	    http_put_field(&b, SPAN("X"), SPAN("")) && http_put_end(&b),
	    "a request");
	is_span(buf_span(&b), "GET /a?b HTTP/1.1\r\nHost: a.org\r\nX: \r\n\r\n",
	    "its bytes");
	buf_release(&b);
	buf_init(&b, 1024);
	ok(http_put_status_line(&b, 404, SPAN("Not Found")) &&
	    http_put_length(&b, 0) && http_put_length(&b, UINT64_MAX) &&
	    http_put_status_line(&b, 599, (struct span){ NULL, 0 }),
	    "a response");
	is_span(buf_span(&b), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"
	    "Content-Length: 18446744073709551615\r\nHTTP/1.1 599 \r\n",
	    "its bytes");
	buf_release(&b);
}

/* All of a line, or nothing of it. */
static void
test_bound(void)
{
	struct buf b;

	buf_init(&b, 18);
	ok(!http_put_request_line(&b, SPAN("GET"), SPAN("/12345")) &&
	    !http_put_status_line(&b, 200, SPAN("12345")) &&
	    !http_put_field(&b, SPAN("Name"), SPAN("01234567890")) &&
	    !http_put_length(&b, 1000), "the bound is kept");
	is_int((long long)buf_len(&b), 0, "nothing was put");
	ok(http_put_field(&b, SPAN("Name"), SPAN("0123456789")),
	    "as much as there is room for");
	ok(!http_put_end(&b), "full");
	buf_release(&b);
}

static void
test_phrases(void)
{
	is_span(http_status_phrase(200), "OK", "200");
	is_span(http_status_phrase(431), "Request Header Fields Too Large",
	    "431");
	is_span(http_status_phrase(511), "Network Authentication Required",
	    "511");
	for (unsigned status = 0; status < 1000; status += 37)
		ok(http_status_phrase(status).len < 40, "%u is safe", status);
	is_span(http_status_phrase(99), "", "99 has none");
	is_span(http_status_phrase(599), "", "599 has none");
}

static const struct {
	int64_t seconds;
	const char *date;
} dates[] = {
	{ 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
	{ 784111777, "Sun, 06 Nov 1994 08:49:37 GMT" }, /* RFC 9110 5.6.7 */
	{ 951782399, "Mon, 28 Feb 2000 23:59:59 GMT" },
	{ 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
	{ 4107542399, "Sun, 28 Feb 2100 23:59:59 GMT" },
	{ 4107542400, "Mon, 01 Mar 2100 00:00:00 GMT" },
	{ 253402300799, "Fri, 31 Dec 9999 23:59:59 GMT" },
	{ 253402300800, "Fri, 31 Dec 9999 23:59:59 GMT" },
	{ INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT" },
	{ -1, "Thu, 01 Jan 1970 00:00:00 GMT" },
	{ INT64_MIN, "Thu, 01 Jan 1970 00:00:00 GMT" },
};

static void
test_dates(void)
{
	char got[HTTP_DATE_LEN + 1], want[64];
	size_t wrong = 0;
	struct tm tm;

	for (size_t i = 0; i < nitems(dates); i++) {
		http_date(got, dates[i].seconds);
		is_str(got, dates[i].date, "%s", dates[i].date);
	}
	/* every day of 8030 years, at another second each */
	for (int64_t day = 0; day < 2932897; day++) {
		time_t t = (time_t)(day * 86400 + day % 86400);

		http_date(got, t);
		gmtime_r(&t, &tm);
		strftime(want, sizeof(want), "%a, %d %b %Y %T GMT", &tm);
		wrong += strcmp(got, want) != 0;
	}
	is_int((long long)wrong, 0, "every day as strftime(3) writes it");
}

int
main(void)
{
	test_heads();
	test_bound();
	test_phrases();
	test_dates();
	return done();
}
