/* Answers a request ourselves: the reason's page, a redirect, a file. */
#include "worker/exchange_parts.h"

#include "lib/clock.h"
#include "worker/errpage.h"
#include "worker/process.h"
#include "worker/settings.h"
#include "worker/zone.h"

/* Make the head and body of an answer of our own.  False: no memory. */
static bool
make_answer(struct exchange *ex, struct errpage_text *text)
{
	uint64_t now = clock_real_ms() / 1000;
	struct http_msg *msg = &ex->w->msg;
	size_t ready = buf_len(&ex->page); /* a location, or a challenge */
	bool made = true;

	asked_weigh(&ex->asked);
	if (ex->redirect != 0)
		made = errpage_redirect(
		    ex->redirect, ex->asked.media, now, text, msg, &ex->page);
	else if (ex->reason != REASON_NONE)
		made = errpage_make(&(struct errpage){ .reason = ex->reason,
					.retry_after = ex->retry_after,
					.asked = &ex->asked,
					.contact = ex->w->conf->contact,
					.node = ex->w->conf->node_name,
					.templates = ex->settings->templates,
					.unix_seconds = now },
		    text, msg, &ex->page);
	else if (ex->site != NULL)
		errpage_file(ex->site->type, ex->site->content, now, text, msg);
	else
		made = errpage_health(ready > 0 ? SPAN("") : SPAN(HEALTH_TEXT),
		    now, text, msg, &ex->page);
	if (ex->site != NULL && ex->reason == REASON_NONE)
		ex->answer = ex->site->content;
	else
		ex->answer = span_from(
		    buf_span(&ex->page), ex->redirect != 0 ? ready : 0);
	return made;
}

void
exchange_begin_page(struct exchange *ex)
{
	struct http_msg *msg = &ex->w->msg;
	struct errpage_text text;
	enum body_end end = ex->is_head ? BODY_NONE : BODY_LENGTH;
	bool made = make_answer(ex, &text);

	if (made)
		zones_apply(ex->settings->zones, asked_host(&ex->asked),
		    ex->asked.https, msg);
	if (!made || !ex->ops->head(ex, msg, end, ex->answer.len)) {
		/* what is no error would be a WebSocket, to HTTP/2 */
		exchange_cut(ex,
		    made && ex->no_websocket ? REASON_METHOD : REASON_INTERNAL);
		return;
	}
	ex->log.status = msg->status;
	if (ex->is_head)
		ex->answer.len = 0;
	ex->client_ms = ex->w->loop.now_ms;
	ex->stage = STAGE_PAGE;
}

void
exchange_send_page(struct exchange *ex)
{
	size_t taken;

	exchange_push(ex, ex->answer, true, &taken);
	ex->answer = span_from(ex->answer, taken);
}
