/* What a request's head says of whom it is for, and from whom, however it came.
 */
#ifndef WORKER_REQUEST_H
#define WORKER_REQUEST_H

#include "worker/exchange.h"

struct worker;

/*
 * stream  where it came in
 * client  in: the peer; out: who it is, if that is a proxy we trust
 * r       its msg is set, and proto and port, as the connection says them; these
 *         may be changed, target and forwarded_host are set here
 * target  filled
 * Returns REASON_NONE, or why it is refused
 */
enum reason request_understand(const struct worker *w,
    const struct stream *stream, struct ip *client, struct exchange_request *r,
    struct http_target *target);

#endif
