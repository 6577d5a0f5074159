/* Sets nghttp2 up, and hands what it finds to connections and streams. */
#include "worker/h2_session.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "worker/h2_flood.h"
#include "worker/h2_stream.h"
#include "worker/process.h"

/* h2_guard has had enough before */
#define CONTINUATIONS_MAX 64
#define RESETS_BURST 1000
#define RESETS_RATE 100

#define ENCODER_TABLE 1024
#define FRAME_HEAD 9
#define FRAME_MAX 16384		   /* bytes of DATA that we put into one */
#define SEND_HEAD_MAX (256 * 1024) /* a response's, with room to spare */
#define NO_LIMIT                                                               \
	{                                                                      \
		NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, UINT32_MAX            \
	}

struct h2_setup {
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
};

/*
 * The library ends the connection of a client that opens a stream too many;
 * only the stream is to be refused (7-security.md 7.5).  So the library knows
 * of no limit, and the client's is put where that stands: first in our
 * SETTINGS.
 */
static void
put_streams_told(const struct h2 *h, char *frame, size_t len)
{
	static const uint8_t no_limit[] = { 0,
		NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0xff, 0xff, 0xff,
		0xff };
	uint32_t told = htonl(h->streams_told);

	assert(len >= FRAME_HEAD + sizeof(no_limit) &&
	       memcmp(frame + FRAME_HEAD, no_limit, sizeof(no_limit)) == 0);
	memcpy(frame + FRAME_HEAD + 2, &told, sizeof(told));
}

/* Frames but DATA, into h->out. */
static ssize_t
on_send(nghttp2_session *session, const uint8_t *bytes, size_t len, int flags,
    void *user)
{
	struct h2 *h = user;

	(void)session, (void)flags;
	if (buf_len(&h->out) >= H2_OUT_FULL)
		return NGHTTP2_ERR_WOULDBLOCK;
	if (!buf_append(&h->out, bytes, len))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (bytes[3] == NGHTTP2_SETTINGS && bytes[4] != NGHTTP2_FLAG_ACK)
		put_streams_told(h, h->out.data + h->out.tail - len, len);
	return (ssize_t)len;
}

/* A DATA frame: from where the exchange has it, into h->out. */
static int
on_send_data(nghttp2_session *session, nghttp2_frame *frame,
    const uint8_t *head, size_t length, nghttp2_data_source *source, void *user)
{
	struct h2_stream *st = source->ptr;
	struct h2 *h = user;
	bool cut;

	(void)session, (void)frame;
	if (h->calmed) /* st is gone, and perhaps another client's by now */
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (buf_len(&h->out) >= H2_OUT_FULL)
		return NGHTTP2_ERR_WOULDBLOCK;
	if (length > st->offer.len) /* it was ended in the meantime */
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (!buf_append(&h->out, head, FRAME_HEAD) ||
	    !buf_append(&h->out, st->offer.ptr, length))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	/* more was there to be sent: it is the window that has cut it */
	cut = length < FRAME_MAX && length < st->offer.len;
	h2_stream_sent(st, length);
	h2_flood_note(h, h2_guard_sent_data(&h->guard, cut ? length : 0));
	return 0;
}

/* Each number once, and none below (section 5.1.1). */
static bool
is_left_out(struct h2 *h, int32_t id)
{
	if (id > h->newest) {
		h->left_out[0] = h->newest + 1;
		h->left_out[1] = id - 1;
		h->newest = id;
	}
	return id >= h->left_out[0] && id <= h->left_out[1];
}

/* What the library does not look at. */
static int
on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user)
{
	if ((hd->type == NGHTTP2_PRIORITY && hd->stream_id == 0) ||
	    (hd->type == NGHTTP2_HEADERS && is_left_out(user, hd->stream_id)))
		nghttp2_session_terminate_session(
		    session, NGHTTP2_PROTOCOL_ERROR);
	return 0;
}

/* Counted here: many may come before the first reset is sent. */
static int
refuse(struct h2 *h, int32_t id)
{
	nghttp2_submit_rst_stream(
	    h->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
	h2_flood_note(h, h2_guard_provoked(&h->guard, h->w->loop.now_ms));
	return h->flood == FLOOD_NONE ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
				      : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int
on_begin_headers(
    nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2 *h = user;

	(void)session;
	if (frame->headers.cat == NGHTTP2_HCAT_REQUEST &&
	    h->streams >= h->streams_max)
		return refuse(h, frame->hd.stream_id);
	h2_head_begin(&h->head, &h->w->request_limits);
	h->in_head = true;
	h->since_ms = h->w->loop.now_ms;
	return 0;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t name_len, const uint8_t *value,
    size_t value_len, uint8_t flags, void *user)
{
	struct h2 *h = user;

	(void)session, (void)frame, (void)flags;
	if (h2_head_add(&h->head, &h->w->request_limits,
		(struct span){ (const char *)name, name_len },
		(struct span){ (const char *)value, value_len }))
		return 0;
	h2_flood_note(h, FLOOD_HEADER_LIST);
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static struct h2_stream *
stream_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

static void
reset(nghttp2_session *session, int32_t id, uint32_t code)
{
	struct h2_stream *st = stream_of(session, id);

	if (st != NULL)
		h2_stream_reset(st, code);
	else
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, code);
}

static void
end_headers(struct h2 *h, const nghttp2_frame *frame)
{
	bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	struct h2_stream *st = stream_of(h->session, frame->hd.stream_id);
	uint32_t code = 0;

	if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
		h->requests++;
		code = h2_stream_begin(h, frame->hd.stream_id, ended);
	} else if (st != NULL &&
		   (!ended || !h2_stream_trailers(st) || !h2_stream_end(st))) {
		code = NGHTTP2_PROTOCOL_ERROR;
	}
	if (code != 0)
		reset(h->session, frame->hd.stream_id, code);
	h2_head_release(&h->head);
	h->in_head = false;
	h->since_ms = h->w->loop.now_ms;
}

/* A window has grown: of one stream, or of all. */
static void
window_grown(struct h2 *h, int32_t id)
{
	struct h2_stream *st;

	if (id != 0) {
		st = stream_of(h->session, id);
		if (st != NULL)
			h2_stream_window(st);
		return;
	}
	TAILQ_FOREACH(st, &h->open, of_h2)
	h2_stream_window(st);
}

/* It goes by what it was told (section 6.5.3). */
static void
limit_acknowledged(struct h2 *h)
{
	h->telling = false;
	h->streams_max = h->streams_told;
	h2_session_limit(h);
}

static void
settings_came(struct h2 *h, bool ack)
{
	if (ack)
		limit_acknowledged(h);
	if (h->in_head) { /* the first: the preface is complete */
		h->in_head = false;
		h->since_ms = h->w->loop.now_ms;
	}
	window_grown(h, 0);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2 *h = user;
	struct h2_stream *st;

	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		end_headers(h, frame);
		break;
	case NGHTTP2_DATA:
		st = stream_of(session, frame->hd.stream_id);
		if (st != NULL && frame->hd.flags & NGHTTP2_FLAG_END_STREAM &&
		    !h2_stream_end(st))
			h2_stream_reset(st, NGHTTP2_PROTOCOL_ERROR);
		break;
	case NGHTTP2_SETTINGS:
		settings_came(h, frame->hd.flags & NGHTTP2_FLAG_ACK);
		break;
	case NGHTTP2_WINDOW_UPDATE:
		window_grown(h, frame->hd.stream_id);
		break;
	case NGHTTP2_PING:
		/* it answers the one sent behind the first GOAWAY */
		if (frame->hd.flags & NGHTTP2_FLAG_ACK && h->ending)
			h2_end(h);
		break;
	default:
		break;
	}
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id,
    const uint8_t *bytes, size_t len, void *user)
{
	struct h2_stream *st = stream_of(session, id);

	(void)flags, (void)user;
	if (st == NULL)
		nghttp2_session_consume_connection(session, len);
	else if (!h2_stream_data(st, bytes, len))
		h2_stream_reset(st, NGHTTP2_PROTOCOL_ERROR);
	return 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
	struct h2_stream *st = stream_of(session, id);

	(void)code, (void)user;
	if (st != NULL)
		h2_stream_closed(st);
	return 0;
}

/* Which resets are the client's fault?  A refusal was counted, if it is. */
static bool
is_provoked(uint32_t code)
{
	return code != NGHTTP2_NO_ERROR && code != NGHTTP2_CANCEL &&
	       code != NGHTTP2_INTERNAL_ERROR && code != NGHTTP2_REFUSED_STREAM;
}

static int
on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2 *h = user;

	(void)session;
	if (frame->hd.type == NGHTTP2_RST_STREAM &&
	    is_provoked(frame->rst_stream.error_code))
		h2_flood_note(
		    h, h2_guard_provoked(&h->guard, h->w->loop.now_ms));
	return 0;
}

/* A response that is too large, say: the client must not wait for it. */
static int
on_frame_not_sent(
    nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
	struct h2_stream *st = stream_of(session, frame->hd.stream_id);

	(void)error, (void)user;
	if (frame->hd.type == NGHTTP2_HEADERS && st != NULL)
		h2_stream_reset(st, NGHTTP2_INTERNAL_ERROR);
	return 0;
}

static void
set_callbacks(nghttp2_session_callbacks *c)
{
	nghttp2_session_callbacks_set_send_callback(c, on_send);
	nghttp2_session_callbacks_set_send_data_callback(c, on_send_data);
	nghttp2_session_callbacks_set_on_begin_frame_callback(
	    c, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(
	    c, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(
	    c, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_sent);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(
	    c, on_frame_not_sent);
}

/*
 * What fields mean is for h2_head to say: one judge, and that none is dropped
 * in silence.
 */
static void
set_options(nghttp2_option *o)
{
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_option_set_no_http_messaging(o, 1);
	nghttp2_option_set_no_closed_streams(o, 1);
	nghttp2_option_set_builtin_recv_extension_type(
	    o, NGHTTP2_PRIORITY_UPDATE);
	/* of our fields, which are much the same: idle ones cost memory */
	nghttp2_option_set_max_deflate_dynamic_table_size(o, ENCODER_TABLE);
	nghttp2_option_set_max_continuations(o, CONTINUATIONS_MAX);
	nghttp2_option_set_stream_reset_rate_limit(
	    o, RESETS_BURST, RESETS_RATE);
	nghttp2_option_set_max_send_header_block_length(o, SEND_HEAD_MAX);
}

struct h2_setup *
h2_setup_new(void)
{
	struct h2_setup *s = calloc(1, sizeof(*s));

	if (s == NULL || nghttp2_option_new(&s->option) != 0 ||
	    nghttp2_session_callbacks_new(&s->callbacks) != 0) {
		if (s != NULL)
			nghttp2_option_del(s->option);
		free(s);
		return NULL;
	}
	set_callbacks(s->callbacks);
	set_options(s->option);
	return s;
}

void
h2_setup_free(struct h2_setup *s)
{
	nghttp2_session_callbacks_del(s->callbacks);
	nghttp2_option_del(s->option);
	free(s);
}

static uint32_t
streams_wanted(const struct h2 *h)
{
	return overload_streams(&h->w->overload, h->w->conf->http2_streams_max);
}

void
h2_session_limit(struct h2 *h)
{
	static const nghttp2_settings_entry limit = NO_LIMIT;
	uint32_t wanted = streams_wanted(h);

	if (h->telling || wanted == h->streams_told)
		return;
	h->streams_told = wanted;
	h->telling = true;
	nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, &limit, 1);
}

int
h2_session_open(struct h2 *h)
{
	const struct h2_setup *s = h->w->h2.setup;
	nghttp2_mem mem = h2_arena_open(&h->arena, &h->w->h2.memory);
	const nghttp2_settings_entry settings[] = {
		NO_LIMIT, /* first: see put_streams_told() */
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
		    (uint32_t)h->w->request_limits.head },
		{ NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 },
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
	};

	h->streams_told = h->streams_max = streams_wanted(h);
	h->telling = true;
	if (nghttp2_session_server_new3(
		&h->session, s->callbacks, h, s->option, &mem) != 0)
		return -1;
	if (nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
		nitems(settings)) == 0 &&
	    nghttp2_session_set_local_window_size(
		h->session, NGHTTP2_FLAG_NONE, 0, H2_CONNECTION_WINDOW) == 0)
		return 0;
	nghttp2_session_del(h->session);
	return -1;
}
