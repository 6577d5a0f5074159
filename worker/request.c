/* Understands a request. */
#include "worker/request.h"

#include "worker/trusted.h"

static enum reason
find_target(const struct http_msg *msg, struct http_target *target)
{
	switch (http_target(msg, target)) {
	case TARGET_FINE:
		return REASON_NONE;
	case TARGET_NO_HOST:
		return REASON_NO_HOST;
	case TARGET_CONNECT:
		return REASON_METHOD;
	case TARGET_BAD:
		break;
	}
	return REASON_BAD_REQUEST;
}

enum reason
request_understand(const struct conf *conf, const struct stream *stream,
    struct ip *client, struct exchange_request *r, struct http_target *target)
{
	struct trusted said = { .client = *client,
		.proto = stream->ssl != NULL ? SPAN("https") : SPAN("http") };

	trusted_believe(conf, r->msg, &said);
	*client = said.client;
	r->proto = said.proto;
	r->forwarded_host = said.host;
	r->target = target;
	return find_target(r->msg, target);
}
