/* Each piece of a head: its room reserved once, then copied. */
#include "http/serialize.h"

#include <assert.h>

#include "lib/array.h"

#define VERSION "HTTP/1.1"

/* Copied; the end of it. */
static inline char *
put(char *at, struct span s)
{
	if (s.len > 0)
		memcpy(at, s.ptr, s.len);
	return at + s.len;
}

bool
http_put_request_line(struct buf *b, struct span method, struct span target)
{
	const struct span blank = SPAN(" "), end = SPAN(" " VERSION "\r\n");
	char *at;

	if (!buf_reserve(b, method.len + blank.len + target.len + end.len))
		return false;
	at = put(b->data + b->tail, method);
	at = put(put(at, blank), target);
	b->tail = (size_t)(put(at, end) - b->data);
	return true;
}

bool
http_put_status_line(struct buf *b, unsigned status, struct span reason)
{
	char begin[] = VERSION " 000 ";
	const size_t len = sizeof(begin) - 1;
	const struct span end = SPAN("\r\n");
	char *at;

	assert(status >= 100 && status <= 999);
	begin[len - 4] = (char)('0' + status / 100);
	begin[len - 3] = (char)('0' + status / 10 % 10);
	begin[len - 2] = (char)('0' + status % 10);
	if (!buf_reserve(b, len + reason.len + end.len))
		return false;
	at = put(b->data + b->tail, (struct span){ begin, len });
	at = put(at, reason);
	b->tail = (size_t)(put(at, end) - b->data);
	return true;
}

bool
http_put_field(struct buf *b, struct span name, struct span value)
{
	const struct span colon = SPAN(": "), end = SPAN("\r\n");
	char *at;

	if (!buf_reserve(b, name.len + colon.len + value.len + end.len))
		return false;
	at = put(b->data + b->tail, name);
	at = put(put(at, colon), value);
	b->tail = (size_t)(put(at, end) - b->data);
	return true;
}

struct span
http_digits(char room[HTTP_DIGITS_MAX], uint64_t number)
{
	size_t at = HTTP_DIGITS_MAX;

	do {
		room[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return (struct span){ room + at, HTTP_DIGITS_MAX - at };
}

bool
http_put_number(struct buf *b, struct span name, uint64_t number)
{
	char room[HTTP_DIGITS_MAX];

	return http_put_field(b, name, http_digits(room, number));
}

bool
http_put_length(struct buf *b, uint64_t length)
{
	return http_put_number(b, SPAN("Content-Length"), length);
}

bool
http_put_end(struct buf *b)
{
	return buf_append(b, "\r\n", 2);
}

#define ROW(status, text) [(status)-100] = { text, sizeof(text) - 1 }

/* RFC 9110 section 15, and the registered ones that we send or often pass. */
static const struct span phrases[] = {
	ROW(100, "Continue"),
	ROW(101, "Switching Protocols"),
	ROW(103, "Early Hints"),
	ROW(200, "OK"),
	ROW(201, "Created"),
	ROW(202, "Accepted"),
	ROW(203, "Non-Authoritative Information"),
	ROW(204, "No Content"),
	ROW(205, "Reset Content"),
	ROW(206, "Partial Content"),
	ROW(300, "Multiple Choices"),
	ROW(301, "Moved Permanently"),
	ROW(302, "Found"),
	ROW(303, "See Other"),
	ROW(304, "Not Modified"),
	ROW(305, "Use Proxy"),
	ROW(307, "Temporary Redirect"),
	ROW(308, "Permanent Redirect"),
	ROW(400, "Bad Request"),
	ROW(401, "Unauthorized"),
	ROW(402, "Payment Required"),
	ROW(403, "Forbidden"),
	ROW(404, "Not Found"),
	ROW(405, "Method Not Allowed"),
	ROW(406, "Not Acceptable"),
	ROW(407, "Proxy Authentication Required"),
	ROW(408, "Request Timeout"),
	ROW(409, "Conflict"),
	ROW(410, "Gone"),
	ROW(411, "Length Required"),
	ROW(412, "Precondition Failed"),
	ROW(413, "Content Too Large"),
	ROW(414, "URI Too Long"),
	ROW(415, "Unsupported Media Type"),
	ROW(416, "Range Not Satisfiable"),
	ROW(417, "Expectation Failed"),
	ROW(421, "Misdirected Request"),
	ROW(422, "Unprocessable Content"),
	ROW(426, "Upgrade Required"),
	ROW(428, "Precondition Required"),
	ROW(429, "Too Many Requests"),
	ROW(431, "Request Header Fields Too Large"),
	ROW(451, "Unavailable For Legal Reasons"),
	ROW(500, "Internal Server Error"),
	ROW(501, "Not Implemented"),
	ROW(502, "Bad Gateway"),
	ROW(503, "Service Unavailable"),
	ROW(504, "Gateway Timeout"),
	ROW(505, "HTTP Version Not Supported"),
	ROW(508, "Loop Detected"),
	ROW(511, "Network Authentication Required"),
};

struct span
http_status_phrase(unsigned status)
{
	const size_t n = nitems(phrases);

	return status >= 100 && status - 100 < n ? phrases[status - 100]
						 : (struct span){ NULL, 0 };
}

#define DAY_SECONDS 86400
#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

struct date {
	unsigned year, month, day; /* month: 0 is March, of that year or */
};				   /* 10, 11 are January, February after it */

/*
 * The date of a day counted from 1970-01-01.  Years begin in March here, so
 * that the leap day is the last one; 400 years have 146097 days.
 */
static struct date
date_of(unsigned day)
{
	unsigned since, era, of_era, year, of_year, month;

	since = day + 719468; /* days from 0000-03-01 */
	era = since / 146097;
	of_era = since % 146097;
	year = of_era - of_era / 1460 + of_era / 36524 - of_era / 146096;
	year /= 365;
	of_year = of_era - (365 * year + year / 4 - year / 100);
	month = (5 * of_year + 2) / 153;
	return (struct date){ era * 400 + year + (month >= 10), month,
		of_year - (153 * month + 2) / 5 + 1 };
}

static void
put_digits(char *out, size_t n, unsigned value)
{
	for (; n > 0; n--, value /= 10)
		out[n - 1] = (char)('0' + value % 10);
}

void
http_date(char out[HTTP_DATE_LEN + 1], int64_t unix_seconds)
{
	static const char days[] = "ThuFriSatSunMonTueWed"; /* of 1970 */
	static const char months[] = "MarAprMayJunJulAugSepOctNovDecJanFeb";
	unsigned day, second;
	struct date date;

	if (unix_seconds < 0)
		unix_seconds = 0;
	if (unix_seconds > LAST_SECOND)
		unix_seconds = LAST_SECOND;
	day = (unsigned)(unix_seconds / DAY_SECONDS);
	second = (unsigned)(unix_seconds % DAY_SECONDS);
	date = date_of(day);
	memcpy(out, "Ddd, 00 Mmm 0000 00:00:00 GMT", HTTP_DATE_LEN + 1);
	memcpy(out, days + day % 7 * 3, 3);
	put_digits(out + 5, 2, date.day);
	memcpy(out + 8, months + date.month * 3, 3);
	put_digits(out + 12, 4, date.year);
	put_digits(out + 17, 2, second / 3600);
	put_digits(out + 20, 2, second / 60 % 60);
	put_digits(out + 23, 2, second % 60);
}
