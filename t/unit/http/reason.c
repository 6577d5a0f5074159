/* Every reason has a word of its own, and the status of the agreed list. */
#include "http/reason.h"

#include "http/fields.h"
#include "t/tap.h"

static const struct {
	enum reason reason;
	const char *word;
	unsigned status;
} list[] = {
	{ REASON_NO_HOST, "no-host", 400 },
	{ REASON_BAD_REQUEST, "bad-request", 400 },
	{ REASON_BAD_VERSION, "bad-version", 400 },
	{ REASON_NO_ROUTE, "no-route", 404 },
	{ REASON_METHOD, "method", 405 },
	{ REASON_TIMEOUT_CLIENT, "timeout-client", 408 },
	{ REASON_BODY_TOO_LARGE, "body-too-large", 413 },
	{ REASON_TARGET_TOO_LONG, "target-too-long", 414 },
	{ REASON_HEADER_TOO_LARGE, "header-too-large", 431 },
	{ REASON_CLIENT_GONE, "client-gone", 499 },
	{ REASON_BACKEND_CLOSED, "backend-closed", 502 },
	{ REASON_BACKEND_CLOSED_REUSED, "backend-closed-reused", 502 },
	{ REASON_BACKEND_BAD_RESPONSE, "backend-bad-response", 502 },
	{ REASON_BACKEND_TLS, "backend-tls", 502 },
	{ REASON_DEFAULT_BACKEND_DOWN, "default-backend-down", 502 },
	{ REASON_TOOL_STARTING, "tool-starting", 503 },
	{ REASON_TOOL_STOPPED, "tool-stopped", 503 },
	{ REASON_STALE_ROUTE, "stale-route", 503 },
	{ REASON_TOOL_MAINTENANCE, "tool-maintenance", 503 },
	{ REASON_MAINTENANCE, "maintenance", 503 },
	{ REASON_LIMIT_TOOL, "limit-tool", 503 },
	{ REASON_LIMIT_CLIENT, "limit-client", 429 },
	{ REASON_BANNED, "banned", 403 },
	{ REASON_BLOCKED_AGENT, "blocked-agent", 403 },
	{ REASON_BLOCKED_REFERER, "blocked-referer", 403 },
	{ REASON_NO_AGENT, "no-agent", 403 },
	{ REASON_BACKEND_REFUSED, "backend-refused", 503 },
	{ REASON_BACKEND_UNREACHABLE, "backend-unreachable", 503 },
	{ REASON_BACKEND_TIMEOUT_CONNECT, "backend-timeout-connect", 503 },
	{ REASON_BACKEND_TIMEOUT_FIRST_BYTE, "backend-timeout-first-byte",
	    504 },
	{ REASON_BACKEND_TIMEOUT_IDLE, "backend-timeout-idle", 504 },
	{ REASON_NOT_READY, "not-ready", 503 },
	{ REASON_LIMIT_NODE, "limit-node", 503 },
	{ REASON_DRAINING, "draining", 503 },
	{ REASON_LOOP, "loop", 508 },
	{ REASON_INTERNAL, "internal", 500 },
	{ REASON_MISDIRECTED, "misdirected", 421 },
};

int
main(void)
{
	is_int(nitems(list), REASON_COUNT - 1, "all of them");
	for (size_t i = 0; i < nitems(list); i++) {
		const struct reason_info *info = reason_info(list[i].reason);

		is_str(info->word, list[i].word, "%s", list[i].word);
		is_int(info->status, list[i].status, "its status");
		ok(http_is_token(span_str(info->word)), "its word is a token");
		ok(strlen(info->says) > 10, "it says something");
		is_int(info->retry_after > 0,
		    info->status == 503 || info->status == 429,
		    "503, 429 and no other ask to come again");
	}
	is_str(reason_info(REASON_NONE)->word, "-", "none, as logs write it");
	return done();
}
