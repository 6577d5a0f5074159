/* Understands a request. */
#include "worker/request.h"

#include "worker/trusted.h"

enum reason
request_understand(const struct conf *conf, struct ip *client,
    struct exchange_request *r, struct http_target *target)
{
	struct trusted said = { .client = *client, .proto = r->proto };

	trusted_believe(conf, r->msg, &said);
	*client = said.client;
	r->proto = said.proto;
	r->forwarded_host = said.host;
	r->target = target;
	return http_target_reason(http_target(r->msg, target));
}
