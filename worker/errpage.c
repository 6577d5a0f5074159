/* Writes the pages. */
#include "worker/errpage.h"

#include <assert.h>
#include <bsd/string.h>

#include "http/edit.h"
#include "http/serialize.h"
#include "http/template.h"
#include "lib/clock.h"

#define NEVER_KEPT SPAN("no-store")

/* A redirect that was a mistake is not to last for ever. */
#define KEPT_AN_HOUR SPAN("max-age=3600")
#define KEPT_A_DAY SPAN("max-age=86400")

/* our own pages: the linker's names for what is in conf/errors/ */
extern const char _binary_any_txt_start[], _binary_any_txt_end[];
extern const char _binary_any_html_start[], _binary_any_html_end[];
extern const char _binary_any_json_start[], _binary_any_json_end[];

static const struct {
	struct span type;
	const char *page, *end;
} forms[] = {
	[MEDIA_TEXT] = { { "text/plain; charset=utf-8", 25 },
	    _binary_any_txt_start, _binary_any_txt_end },
	[MEDIA_HTML] = { { "text/html; charset=utf-8", 24 },
	    _binary_any_html_start, _binary_any_html_end },
	/* RFC 9457 */
	[MEDIA_JSON] = { { "application/problem+json", 24 },
	    _binary_any_json_start, _binary_any_json_end },
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

#define CONTACT_MAX 640 /* bytes, with the tool's name put in */
#define ASK_MAX 3072	/* bytes: with it our own pages are not too long */

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

/* Whom a page names, with the tool's name put in; empty: nobody. */
static struct span
find_contact(const struct errpage *e, char out[CONTACT_MAX])
{
	if (reason_info(e->reason)->voice != VOICE_TOOL ||
	    *e->contact == '\0' ||
	    !put_tool_in(e->contact, asked_tool(e->asked), out))
		return SPAN("");
	return span_str(out);
}

/* " Ask: ...": in a page an address is a link.  False: no room. */
static bool
say_whom_to_ask(const char *contact, enum media media, struct buf *out)
{
	bool link = media == MEDIA_HTML && is_address(contact);
	struct span escaped = span_str(contact);

	if (media == MEDIA_TEXT)
		return buf_printf(out, "Ask: %s\n", contact);
	return buf_append_span(out, SPAN(" Ask: ")) &&
	       (!link || (buf_append_span(out, SPAN("<a href=\"")) &&
			     template_escape(media, escaped, out) &&
			     buf_append_span(out, SPAN("\">")))) &&
	       template_escape(media, escaped, out) &&
	       (!link || buf_append_span(out, SPAN("</a>")));
}

/* Append a page that is no longer than one may be, or nothing. */
static bool
put_page(struct span text, enum media media,
    const struct span values[TEMPLATE_VARIABLES], struct buf *page)
{
	if (template_expand(text, media, values, page) &&
	    buf_len(page) <= ERRPAGE_MAX)
		return true;
	buf_consume(page, buf_len(page));
	return false;
}

/* The operator's page, or ours. */
static bool
make_page(const struct errpage *e, const struct span values[TEMPLATE_VARIABLES],
    struct http_msg *msg, struct buf *page)
{
	enum media media = e->asked->media;
	const struct template *own =
	    templates_find(e->templates, e->reason, media, e->asked->language);
	struct span ours = { forms[media].page,
		(size_t)(forms[media].end - forms[media].page) };

	if (own == NULL || !put_page(own->text, media, values, page))
		return put_page(ours, media, values, page);
	if (own->language.len > 0)
		http_msg_add(msg, SPAN("Content-Language"), own->language);
	return true;
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
	struct span host = asked_host(e->asked), contact;
	char status[12], time[CLOCK_UTC_SIZE], to_ask[CONTACT_MAX];
	struct buf ask;
	bool made;

	begin_error(e, text, msg);
	snprintf(status, sizeof(status), "%u", info->status);
	contact = find_contact(e, to_ask);
	buf_init(&ask, ASK_MAX);
	if (contact.len > 0 &&
	    !say_whom_to_ask(contact.ptr, e->asked->media, &ask))
		buf_consume(&ask, buf_len(&ask));
	made = make_page(e,
	    (const struct span[TEMPLATE_VARIABLES]){
		[TEMPLATE_STATUS] = span_str(status),
		[TEMPLATE_PHRASE] = msg->reason,
		[TEMPLATE_REASON] = span_str(info->word),
		[TEMPLATE_HEADLINE] = span_str(voices[info->voice].headline),
		[TEMPLATE_MEANING] = span_str(info->says),
		[TEMPLATE_WHOSE] = span_str(voices[info->voice].whose),
		[TEMPLATE_CONTACT] = contact,
		[TEMPLATE_ASK] = buf_span(&ask),
		[TEMPLATE_TOOL] = asked_tool(e->asked),
		/* nothing of a host that is not ours is said again */
		[TEMPLATE_HOST] = host.len > 0 && e->reason != REASON_NO_HOST
				      ? host
				      : SPAN("-"),
		[TEMPLATE_REQUEST] = asked_id(e->asked),
		[TEMPLATE_NODE] = span_str(e->node),
		[TEMPLATE_TIME] =
		    span_str(clock_format_utc(e->unix_seconds * 1000, time)),
	    },
	    msg, page);
	buf_release(&ask);
	if (made)
		end(msg, buf_len(page), text);
	return made;
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
