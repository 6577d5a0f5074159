/*
 * What the files of a stream share among themselves; others include
 * h2_stream.h.  h2_stream.c has its life, h2_stream_receive.c what the client
 * sends on it, h2_stream_send.c what the client is sent.
 */
#ifndef WORKER_H2_STREAM_PARTS_H
#define WORKER_H2_STREAM_PARTS_H

#include "worker/h2_stream.h"

/* NULL: no memory.  As good as new, with its buffers. */
struct h2_stream *h2_stream_new(struct h2 *h, int32_t id);

/* As struct exchange_ops says; `ex` is of a struct h2_stream. */
enum pull h2_stream_pull(struct exchange *ex, struct span *piece, bool *last);
void h2_stream_pulled(struct exchange *ex, size_t n);
bool h2_stream_interim(struct exchange *ex, const struct http_msg *msg);
bool h2_stream_changes(struct exchange *ex, const struct http_msg *msg);
bool h2_stream_begin_head(struct exchange *ex, const struct http_msg *msg,
    enum body_end end, uint64_t length);
ssize_t h2_stream_push(
    struct exchange *ex, struct span piece, bool last, bool *sent);
bool h2_stream_gone(struct exchange *ex);

#endif
