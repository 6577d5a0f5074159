/* Writes the pages. */
#include "worker/errpage.h"

#include <assert.h>
#include <stdio.h>

#include "http/fields.h"
#include "http/serialize.h"

#define NEVER_KEPT SPAN("no-store")

/* A redirect that was a mistake is not to last for ever. */
#define KEPT_AN_HOUR SPAN("max-age=3600")

static const struct {
	struct span type;
	const char *format; /* status, phrase, word, sentence, whose trouble */
} forms[] = {
	[MEDIA_TEXT] = { SPAN("text/plain; charset=utf-8"),
	    "%1$u %2$s (%3$s)\n%4$s\n%5$s\n" },
	[MEDIA_HTML] = { SPAN("text/html; charset=utf-8"),
	    "<!DOCTYPE html>\n"
	    "<html lang=\"en\">\n"
	    "<head>\n"
	    "<meta name=\"viewport\" content=\"width=device-width\">\n"
	    "<title>%1$u %2$s</title>\n"
	    "<style>body{font:1.1em/1.5 sans-serif;max-width:36em;"
	    "margin:4em auto;padding:0 1em}code{color:#666}</style>\n"
	    "</head>\n"
	    "<body>\n"
	    "<h1>%2$s</h1>\n"
	    "<p>%4$s</p>\n"
	    "<p>%5$s</p>\n"
	    "<p><code>%1$u %3$s</code></p>\n"
	    "</body>\n"
	    "</html>\n" },
	[MEDIA_JSON] = { SPAN("application/problem+json"),
	    "{\"type\":\"about:blank\",\"title\":\"%2$s\",\"status\":%1$u,"
	    "\"detail\":\"%4$s %5$s\",\"reason\":\"%3$s\"}\n" },
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

static const char *const whose[] = {
	[VOICE_CLIENT] = "The request cannot be served as it was sent.",
	[VOICE_TOOL] = "The trouble is with this tool: its maintainers can "
		       "mend it.",
	[VOICE_PLATFORM] = "The trouble is with this service, not with the "
			   "tool. Please try again soon.",
	[VOICE_NOBODY] = "Nobody has this name, or nothing answers under this "
			 "path.",
};

static void
add(struct http_msg *msg, struct span name, struct span value)
{
	enum http_field_id id = http_field_lookup(name);

	if (id != FIELD_OTHER && msg->count[id]++ == 0)
		msg->first[id] = (uint16_t)msg->nfields;
	msg->field[msg->nfields++] = (struct http_field){ name, value, id };
}

/* A head without anything but what every answer of ours has. */
static void
begin(struct http_msg *msg, unsigned status, struct span type,
    struct span cache, uint64_t unix_seconds, struct errpage_text *text)
{
	msg->status = status;
	msg->reason = http_status_phrase(status);
	msg->minor = 1;
	msg->nfields = 0;
	memset(msg->count, 0, sizeof(msg->count));

	http_date(text->date, (int64_t)unix_seconds);
	add(msg, SPAN("Date"), span_str(text->date));
	add(msg, SPAN("Content-Type"), type);
	add(msg, SPAN("Cache-Control"), cache);
}

static void
end(struct http_msg *msg, size_t length, struct errpage_text *text)
{
	snprintf(text->length, sizeof(text->length), "%zu", length);
	add(msg, SPAN("Content-Length"), span_str(text->length));
}

bool
errpage_make(enum reason reason, unsigned retry_after, enum media media,
    uint64_t unix_seconds, struct errpage_text *text, struct http_msg *msg,
    struct buf *page)
{
	const struct reason_info *info = reason_info(reason);

	assert(info->status >= 400);
	begin(msg, info->status, forms[media].type, NEVER_KEPT, unix_seconds,
	    text);
	add(msg, SPAN("X-Dynproxy-Error"), span_str(info->word));
	if (retry_after == 0)
		retry_after = info->retry_after;
	if (retry_after > 0) {
		snprintf(text->retry_after, sizeof(text->retry_after), "%u",
		    retry_after);
		add(msg, SPAN("Retry-After"), span_str(text->retry_after));
	}
	/* every word in a page is our own: nothing needs escaping */
	if (!buf_printf(page, forms[media].format, info->status,
		msg->reason.ptr, info->word, info->says, whose[info->voice]))
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
	struct span type = media == MEDIA_JSON ? SPAN("application/json")
					       : forms[media].type;

	begin(msg, status, type, permanent ? KEPT_AN_HOUR : NEVER_KEPT,
	    unix_seconds, text);
	if (!buf_printf(page, moved[media], status, msg->reason.ptr))
		return false;
	add(msg, SPAN("Location"),
	    (struct span){ buf_span(page).ptr, location });
	end(msg, buf_len(page) - location, text);
	return true;
}
