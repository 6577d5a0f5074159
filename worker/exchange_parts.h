/*
 * What the files of an exchange share among themselves; others include
 * exchange.h.  exchange.c runs it, exchange_begin.c decides what is to be
 * done, exchange_send.c and exchange_relay.c move bytes, exchange_answer.c says
 * what we say.
 */
#ifndef WORKER_EXCHANGE_PARTS_H
#define WORKER_EXCHANGE_PARTS_H

#include "worker/exchange.h"

/* Answer ourselves if nothing was said yet, else cut. */
void exchange_fail(struct exchange *ex, enum reason reason);

/* The client must not see a clean end. */
void exchange_cut(struct exchange *ex, enum reason reason);

/* It is none of those any more that its tool has under way. */
void exchange_leave_tool(struct exchange *ex);

void exchange_end_compression(struct exchange *ex);

/* Give a pipe of ex back, ex->up or ex->down; NULL there: nothing. */
void exchange_put_pipe(struct exchange *ex, struct splice_pipe **pipe);

/* Count bytes as moved in this turn; false: enough. */
bool exchange_spend(struct exchange *ex, size_t n);

/* Send what is at hand of the request, head and body, to the backend. */
void exchange_send_request(struct exchange *ex);

/*
 * Read the response's head, in STAGE_HEAD, and begin its body.  True: the
 * request is to be sent again, on another connection.
 */
bool exchange_read_head(struct exchange *ex);

/* Move what is at hand of the response's body, in STAGE_BODY. */
void exchange_relay(struct exchange *ex);

/* Push a piece to the client; true: it has gone, and more can follow. */
bool exchange_push(
    struct exchange *ex, struct span piece, bool last, size_t *taken);

/* STAGE_ANSWER: make the answer and begin to send it; STAGE_PAGE: go on. */
void exchange_begin_page(struct exchange *ex);
void exchange_send_page(struct exchange *ex);

#endif
