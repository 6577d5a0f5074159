/* What a request's head says of whom it is for, and from whom, however it came.
 */
#ifndef WORKER_REQUEST_H
#define WORKER_REQUEST_H

#include "conf/conf.h"
#include "worker/exchange.h"

/*
 * client  in: the peer; out: who it is, if that is a proxy we trust
 * r       its msg is set, and proto, as the connection says it; that may be
 *         changed, target and forwarded_host are set here
 * target  filled
 * Returns REASON_NONE, or why it is refused
 */
enum reason request_understand(const struct conf *conf, struct ip *client,
    struct exchange_request *r, struct http_target *target);

#endif
