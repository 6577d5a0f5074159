/* Goes through the order of decisions. */
#include "route/decide.h"

#include "route/choose.h"

static void
refuse(struct decision *d, enum reason reason)
{
	d->action = ACTION_REFUSE;
	d->reason = reason;
}

bool
route_wants_tls(const struct conf *conf, const struct visitor *visitor)
{
	return !visitor->https && conf->https_redirect != REDIRECT_OFF &&
	       (visitor->safe || conf->https_redirect == REDIRECT_ALL) &&
	       conf_has_https(conf);
}

void
route_decide(struct router *router, const struct visitor *visitor,
    const struct http_target *target, struct decision *d)
{
	enum reason reason;

	d->route = NULL;
	d->retry_after = 0;
	if (span_eq(target->path, SPAN(HEALTH_PATH))) {
		d->action = ACTION_HEALTH;
		if (router->gate.policy != NULL &&
		    policy_standby(router->gate.policy))
			refuse(d, REASON_DRAINING);
		return;
	}
	if (*router->conf->acme_directory != '\0' &&
	    span_starts(target->path, SPAN(CHALLENGE_PATH))) {
		d->action = ACTION_CHALLENGE;
		d->token = span_from(target->path, sizeof(CHALLENGE_PATH) - 1);
		return;
	}
	if (route_wants_tls(router->conf, visitor)) {
		route_to_tls(router, target, d);
		return;
	}
	reason = admit_client(&router->gate, router->conf, visitor,
	    http_target_host(target), target->path, &d->retry_after);
	if (reason != REASON_NONE) {
		refuse(d, reason);
		return;
	}
	if (!table_ready(router->table)) {
		refuse(d, REASON_NOT_READY);
		return;
	}
	route_choose(router, target, d);
	if (d->action != ACTION_PROXY)
		return;
	reason = admit_to_tool(&router->gate, router->conf, visitor,
	    &router->tool, &d->retry_after);
	if (reason != REASON_NONE)
		refuse(d, reason);
}
