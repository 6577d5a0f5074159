/* Writes the pages. */
#include "worker/errpage.h"

#include <assert.h>
#include <bsd/string.h>

#include "http/edit.h"
#include "http/serialize.h"

#define NEVER_KEPT SPAN("no-store")

/* A redirect that was a mistake is not to last for ever. */
#define KEPT_AN_HOUR SPAN("max-age=3600")
#define KEPT_A_DAY SPAN("max-age=86400")

/* %1 status, 2 phrase, 3 word, 4 sentence, 5 headline, 6 whose trouble it is,
 * 7 whom to ask, 8 host, 9 request, 10 time */
static const char text_form[] = "%1$u %2$s (%3$s)\n\n%5$s.\n%4$s\n%6$s\n%7$s\n"
				"host: %8$s\nrequest: %9$s\ntime: %10$s\n";

static const char html_form[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, "
    "initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<title>%1$u %2$s</title>\n"
    "<style>\n"
    ":root{--back:#f6f6f7;--card:#fff;--text:#202122;--soft:#5b6067;"
    "--line:#dcdee1;--link:#2a4fb8}\n"
    "@media(prefers-color-scheme:dark){:root{--back:#131416;--card:#1d1f22;"
    "--text:#eaecf0;--soft:#a2a9b1;--line:#36393e;--link:#9db5ff}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;"
    "padding:1rem;background:var(--back);color:var(--text);"
    "font:1.0625rem/1.55 system-ui,sans-serif}\n"
    "main{width:100%%;max-width:38rem;padding:clamp(1.25rem,5vw,2.5rem);"
    "background:var(--card);border:1px solid var(--line);"
    "border-radius:.75rem;overflow-wrap:anywhere}\n"
    ".status{margin:0;color:var(--soft);letter-spacing:.02em}\n"
    "h1{margin:.15em 0 .6em;font-size:clamp(1.5rem,5vw,2rem);"
    "line-height:1.2}\n"
    "p{margin:0 0 .8em}\n"
    "a{color:var(--link)}\n"
    "dl{display:grid;grid-template-columns:auto 1fr;gap:.2em 1.2em;"
    "margin:1.6em 0 0;padding-top:1.2em;border-top:1px solid var(--line);"
    "font-size:.875rem}\n"
    "dt{color:var(--soft)}\n"
    "dd{margin:0;font-family:ui-monospace,monospace}\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<main>\n"
    "<p class=\"status\">%1$u %2$s</p>\n"
    "<h1>%5$s</h1>\n"
    "<p>%4$s</p>\n"
    "<p>%6$s%7$s</p>\n"
    "<dl>\n"
    "<dt>Reason</dt><dd>%3$s</dd>\n"
    "<dt>Host</dt><dd>%8$s</dd>\n"
    "<dt>Request</dt><dd>%9$s</dd>\n"
    "<dt>Time</dt><dd>%10$s</dd>\n"
    "</dl>\n"
    "</main>\n"
    "</body>\n"
    "</html>\n";

/* RFC 9457 */
static const char json_form[] =
    "{\"type\":\"about:blank\",\"title\":\"%2$s\",\"status\":%1$u,"
    "\"detail\":\"%5$s. %4$s %6$s%7$s\",\"reason\":\"%3$s\",\"host\":\"%8$s\","
    "\"request\":\"%9$s\",\"time\":\"%10$s\"}\n";

static const struct {
	struct span type;
	const char *page;
} forms[] = {
	[MEDIA_TEXT] = { { "text/plain; charset=utf-8", 25 }, text_form },
	[MEDIA_HTML] = { { "text/html; charset=utf-8", 24 }, html_form },
	[MEDIA_JSON] = { { "application/problem+json", 24 }, json_form },
};

/* A location is the client's words: it is in the head, never in a page. */
static const char *const moved[] = {
	[MEDIA_TEXT] = "%1$u %2$s\nThis page has another address.\n",
	[MEDIA_HTML] = "<!DOCTYPE html>\n"
		       "<html lang=\"en\">\n"
		       "<head><title>%1$u %2$s</title></head>\n"
		       "<body><p>This page has another address.</p></body>\n"
		       "</html>\n",
	[MEDIA_JSON] = "{\"title\":\"%2$s\",\"status\":%1$u}\n",
};

static const struct {
	const char *headline, *whose;
} voices[] = {
	[VOICE_CLIENT] = { "This request cannot be served",
	    "It cannot be served as it was sent." },
	[VOICE_TOOL] = { "This tool is in trouble",
	    "The trouble is with the tool, not with the service that hosts "
	    "it: the tool's maintainers can mend it." },
	[VOICE_PLATFORM] = { "This service is in trouble",
	    "The trouble is with the service, not with the tool. Please try "
	    "again soon." },
	[VOICE_NOBODY] = { "Nobody has this name",
	    "There is no such site, or nothing answers under this path." },
};

/* Texts of strangers, escaped for one form. */
struct escaped {
	char ask[3072], host[6 * HOST_NAME_MAX_DNS], id[REQUEST_ID_MAX + 1];
	char time[24];
};

static const char *
html_escape(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

static const char *
json_escape(char c)
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	default:
		return NULL;
	}
}

/* Append text as the form has it.  False: it does not fit. */
static bool
escape(enum media media, char *out, size_t size, struct span text)
{
	size_t n = strlen(out);

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		char plain[2] = { (unsigned char)c < ' ' ? ' ' : c, '\0' };
		const char *as = media == MEDIA_HTML   ? html_escape(c)
				 : media == MEDIA_JSON ? json_escape(c)
						       : NULL;

		n += strlcpy(out + n, as != NULL ? as : plain, size - n);
		if (n >= size)
			return false;
	}
	return true;
}

#define CONTACT_MAX 640 /* bytes, with the tool's name put in */

/* {tool} becomes the tool's name.  False: there is none, or no room. */
static bool
put_tool_in(const char *contact, struct span tool, char out[CONTACT_MAX])
{
	static const char mark[] = "{tool}";
	const char *at;
	size_t n = 0;

	while ((at = strstr(contact, mark)) != NULL) {
		int added = snprintf(out + n, CONTACT_MAX - n, "%.*s%.*s",
		    (int)(at - contact), contact, SPAN_ARG(tool));

		n += (size_t)added;
		if (tool.len == 0 || n >= CONTACT_MAX)
			return false;
		contact = at + sizeof(mark) - 1;
	}
	return strlcpy(out + n, contact, CONTACT_MAX - n) < CONTACT_MAX - n;
}

static bool
is_address(const char *text)
{
	return strncmp(text, "https://", 8) == 0 ||
	       strncmp(text, "http://", 7) == 0 ||
	       strncmp(text, "mailto:", 7) == 0;
}

/* " Ask: ...": in a page an address is a link. */
static void
say_whom_to_ask(const struct errpage *e, char *out, size_t size)
{
	enum media media = e->asked->media;
	char contact[CONTACT_MAX];
	const char *end;
	bool link, fits;

	if (reason_info(e->reason)->voice != VOICE_TOOL ||
	    *e->contact == '\0' ||
	    !put_tool_in(e->contact, asked_tool(e->asked), contact))
		return;
	link = media == MEDIA_HTML && is_address(contact);
	strlcpy(out, media == MEDIA_TEXT ? "Ask: " : " Ask: ", size);
	if (link)
		strlcat(out, "<a href=\"", size);
	fits = escape(media, out, size, span_str(contact));
	if (link) {
		strlcat(out, "\">", size);
		fits = escape(media, out, size, span_str(contact)) && fits;
	}
	end = link ? "</a>" : media == MEDIA_TEXT ? "\n" : "";
	if (!fits || strlcat(out, end, size) >= size)
		out[0] = '\0';
}

static void
say_what_is_known(const struct errpage *e, struct escaped *x)
{
	time_t seconds = (time_t)e->unix_seconds;
	enum media media = e->asked->media;
	struct span host = asked_host(e->asked);
	struct tm tm;

	*x = (struct escaped){ .ask = "" };
	say_whom_to_ask(e, x->ask, sizeof(x->ask));
	escape(
	    media, x->host, sizeof(x->host), host.len > 0 ? host : SPAN("-"));
	escape(media, x->id, sizeof(x->id), asked_id(e->asked));
	if (gmtime_r(&seconds, &tm) != NULL)
		strftime(x->time, sizeof(x->time), "%FT%TZ", &tm);
}

/* A head without anything but what every answer of ours has. */
static void
begin(struct http_msg *msg, unsigned status, struct span type,
    struct span cache, uint64_t unix_seconds, struct errpage_text *text)
{
	http_msg_begin(msg, status);
	http_date(text->date, (int64_t)unix_seconds);
	http_msg_add(msg, SPAN("Date"), span_str(text->date));
	http_msg_add(msg, SPAN("Content-Type"), type);
	http_msg_add(msg, SPAN("Cache-Control"), cache);
}

static void
end(struct http_msg *msg, size_t length, struct errpage_text *text)
{
	snprintf(text->length, sizeof(text->length), "%zu", length);
	http_msg_add(msg, SPAN("Content-Length"), span_str(text->length));
}

/* The fields that an error has. */
static void
begin_error(
    const struct errpage *e, struct errpage_text *text, struct http_msg *msg)
{
	const struct reason_info *info = reason_info(e->reason);
	unsigned retry_after =
	    e->retry_after > 0 ? e->retry_after : info->retry_after;

	assert(info->status >= 400);
	begin(msg, info->status, forms[e->asked->media].type, NEVER_KEPT,
	    e->unix_seconds, text);
	http_msg_add(msg, SPAN("X-Dynproxy-Error"), span_str(info->word));
	http_msg_add(msg, SPAN("X-Content-Type-Options"), SPAN("nosniff"));
	if (e->asked->media == MEDIA_HTML)
		http_msg_add(msg, SPAN("Content-Security-Policy"),
		    SPAN("default-src 'none'; style-src 'unsafe-inline'"));
	if (info->status == 405) /* RFC 9110 section 15.5.6 */
		http_msg_add(msg, SPAN("Allow"),
		    SPAN("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
	if (retry_after > 0) {
		snprintf(text->retry_after, sizeof(text->retry_after), "%u",
		    retry_after);
		http_msg_add(
		    msg, SPAN("Retry-After"), span_str(text->retry_after));
	}
}

bool
errpage_make(const struct errpage *e, struct errpage_text *text,
    struct http_msg *msg, struct buf *page)
{
	const struct reason_info *info = reason_info(e->reason);
	struct escaped x;

	begin_error(e, text, msg);
	say_what_is_known(e, &x);
	if (!buf_printf(page, forms[e->asked->media].page, info->status,
		msg->reason.ptr, info->word, info->says,
		voices[info->voice].headline, voices[info->voice].whose, x.ask,
		x.host, x.id, x.time))
		return false;
	end(msg, buf_len(page), text);
	return true;
}

bool
errpage_health(struct span line, uint64_t unix_seconds,
    struct errpage_text *text, struct http_msg *msg, struct buf *page)
{
	begin(msg, 200, SPAN("text/plain"), NEVER_KEPT, unix_seconds, text);
	if (!buf_append_span(page, line))
		return false;
	end(msg, buf_len(page), text);
	return true;
}

bool
errpage_redirect(unsigned status, enum media media, uint64_t unix_seconds,
    struct errpage_text *text, struct http_msg *msg, struct buf *page)
{
	size_t location = buf_len(page);
	bool permanent = status == 301 || status == 308;
	struct span type =
	    media == MEDIA_JSON ? SPAN("application/json") : forms[media].type;

	begin(msg, status, type, permanent ? KEPT_AN_HOUR : NEVER_KEPT,
	    unix_seconds, text);
	if (!buf_printf(page, moved[media], status, msg->reason.ptr))
		return false;
	http_msg_add(msg, SPAN("Location"),
	    (struct span){ buf_span(page).ptr, location });
	end(msg, buf_len(page) - location, text);
	return true;
}

void
errpage_file(struct span type, struct span content, uint64_t unix_seconds,
    struct errpage_text *text, struct http_msg *msg)
{
	begin(msg, 200, type, KEPT_A_DAY, unix_seconds, text);
	end(msg, content.len, text);
}
