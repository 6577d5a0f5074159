/* The table of reasons: field/conventions.md section 10, in its words. */
#include "http/reason.h"

#include <assert.h>

static const struct reason_info reasons[REASON_COUNT] = {
	[REASON_NONE] = { "-", 0, VOICE_NOBODY, "", 0 },

	[REASON_NO_HOST] = { "no-host", 400, VOICE_CLIENT,
	    "The request does not say, in one valid Host field, which site it "
	    "is for.",
	    0 },
	[REASON_BAD_REQUEST] = { "bad-request", 400, VOICE_CLIENT,
	    "The request is not valid HTTP, or could be read in two ways.", 0 },
	[REASON_BAD_VERSION] = { "bad-version", 400, VOICE_CLIENT,
	    "The request is in a version of HTTP that is not spoken here.", 0 },
	[REASON_BANNED] = { "banned", 403, VOICE_CLIENT,
	    "Requests from this address are not served, after too many that "
	    "did harm.",
	    0 },
	[REASON_BLOCKED_AGENT] = { "blocked-agent", 403, VOICE_CLIENT,
	    "Requests of this program (its User-Agent) are not served, after "
	    "too many that did harm.",
	    0 },
	[REASON_BLOCKED_REFERER] = { "blocked-referer", 403, VOICE_CLIENT,
	    "Requests that come by way of this site (its Referer) are not "
	    "served.",
	    0 },
	[REASON_NO_AGENT] = { "no-agent", 403, VOICE_CLIENT,
	    "The request does not say which program sent it: a User-Agent "
	    "with a way to reach its author is asked for here.",
	    0 },
	[REASON_NO_ROUTE] = { "no-route", 404, VOICE_NOBODY,
	    "No web service has this name.", 0 },
	[REASON_METHOD] = { "method", 405, VOICE_CLIENT,
	    "This method cannot be used here.", 0 },
	[REASON_TIMEOUT_CLIENT] = { "timeout-client", 408, VOICE_CLIENT,
	    "The request took too long to arrive.", 0 },
	[REASON_BODY_TOO_LARGE] = { "body-too-large", 413, VOICE_CLIENT,
	    "The request's body is larger than what is accepted here.", 0 },
	[REASON_TARGET_TOO_LONG] = { "target-too-long", 414, VOICE_CLIENT,
	    "The request's address is longer than what is accepted here.", 0 },
	[REASON_HEADER_TOO_LARGE] = { "header-too-large", 431, VOICE_CLIENT,
	    "The request's header fields are too large or too many; deleting "
	    "this site's cookies may help.",
	    0 },
	[REASON_LIMIT_CLIENT] = { "limit-client", 429, VOICE_CLIENT,
	    "Too many requests came from this address in a short time.", 1 },
	[REASON_CLIENT_GONE] = { "client-gone", 499, VOICE_CLIENT,
	    "The client closed the connection before the answer was complete.",
	    0 },

	[REASON_BACKEND_CLOSED] = { "backend-closed", 502, VOICE_TOOL,
	    "This tool's web service closed the connection without a complete "
	    "answer.",
	    0 },
	[REASON_BACKEND_CLOSED_REUSED] = { "backend-closed-reused", 502,
	    VOICE_TOOL,
	    "This tool's web service closed a connection that was in use, and "
	    "the request could not safely be sent again.",
	    0 },
	[REASON_BACKEND_BAD_RESPONSE] = { "backend-bad-response", 502,
	    VOICE_TOOL,
	    "This tool's web service gave an answer that is not valid HTTP.",
	    0 },
	[REASON_BACKEND_TLS] = { "backend-tls", 502, VOICE_TOOL,
	    "No TLS connection to this tool's web service could be made.", 0 },
	[REASON_DEFAULT_BACKEND_DOWN] = { "default-backend-down", 502,
	    VOICE_PLATFORM,
	    "No tool of this proxy has this address, and the service behind "
	    "it that might does not answer.",
	    0 },
	[REASON_TOOL_MAINTENANCE] = { "tool-maintenance", 503, VOICE_TOOL,
	    "This tool is in maintenance.", 300 },
	[REASON_TOOL_STARTING] = { "tool-starting", 503, VOICE_TOOL,
	    "This tool's web service is starting.", 5 },
	[REASON_TOOL_STOPPED] = { "tool-stopped", 503, VOICE_TOOL,
	    "This tool's web service is not running.", 60 },
	[REASON_STALE_ROUTE] = { "stale-route", 503, VOICE_TOOL,
	    "This tool's web service is gone, and another program has its "
	    "place: starting it again helps.",
	    60 },
	[REASON_BACKEND_REFUSED] = { "backend-refused", 503, VOICE_TOOL,
	    "This tool's web service is registered but does not accept "
	    "connections.",
	    10 },
	[REASON_BACKEND_UNREACHABLE] = { "backend-unreachable", 503, VOICE_TOOL,
	    "The machine of this tool's web service cannot be reached.", 10 },
	[REASON_BACKEND_TIMEOUT_CONNECT] = { "backend-timeout-connect", 503,
	    VOICE_TOOL,
	    "This tool's web service took too long to accept a connection.",
	    10 },
	[REASON_BACKEND_TIMEOUT_FIRST_BYTE] = { "backend-timeout-first-byte",
	    504, VOICE_TOOL,
	    "This tool's web service took too long to begin its answer.", 0 },
	[REASON_BACKEND_TIMEOUT_IDLE] = { "backend-timeout-idle", 504,
	    VOICE_TOOL,
	    "This tool's web service stopped in the middle of its answer.", 0 },

	[REASON_NOT_READY] = { "not-ready", 503, VOICE_PLATFORM,
	    "This proxy has just started and does not know its tools yet.", 5 },
	[REASON_MAINTENANCE] = { "maintenance", 503, VOICE_PLATFORM,
	    "This site is in maintenance.", 300 },
	[REASON_LIMIT_TOOL] = { "limit-tool", 503, VOICE_TOOL,
	    "This tool has as many requests under way as it may have.", 2 },
	[REASON_LIMIT_NODE] = { "limit-node", 503, VOICE_PLATFORM,
	    "This proxy has more to do than it can.", 5 },
	[REASON_DRAINING] = { "draining", 503, VOICE_PLATFORM,
	    "This proxy is being stopped; another try reaches its successor.",
	    1 },
	[REASON_LOOP] = { "loop", 508, VOICE_TOOL,
	    "The request came through this proxy before: this tool sends it "
	    "back.",
	    0 },
	[REASON_INTERNAL] = { "internal", 500, VOICE_PLATFORM,
	    "Something went wrong inside this proxy.", 0 },

	[REASON_MISDIRECTED] = { "misdirected", 421, VOICE_CLIENT,
	    "The connection was made for another site, whose certificate is "
	    "not this one's.",
	    0 },
};

const struct reason_info *
reason_info(enum reason reason)
{
	assert(reason < REASON_COUNT);
	return &reasons[reason];
}
