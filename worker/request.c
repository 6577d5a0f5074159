/* Understands a request. */
#include "worker/request.h"

#include "worker/process.h"
#include "worker/tls.h"
#include "worker/trusted.h"

/* A proxy in front of us has its clients' requests on connections of its own.
 */
static bool
is_misdirected(const struct worker *w, const struct stream *stream,
    const struct ip *peer, struct span host)
{
	return stream->ssl != NULL &&
	       tls_misdirects(w->tls, stream->ssl, host) &&
	       !trusted_is(w->conf, peer);
}

enum reason
request_understand(const struct worker *w, const struct stream *stream,
    struct ip *client, struct exchange_request *r, struct http_target *target)
{
	struct trusted said = {
		.client = *client, .proto = r->proto, .port = r->port
	};
	enum reason reason;

	trusted_believe(w->conf, r->msg, &said);
	reason = http_target_reason(http_target(r->msg, target));
	if (reason == REASON_NONE &&
	    is_misdirected(w, stream, client, http_target_host(target)))
		reason = REASON_MISDIRECTED;
	*client = said.client;
	r->proto = said.proto;
	r->forwarded_host = said.host;
	r->port = said.port;
	r->target = target;
	return reason;
}
