/*
 * The closed list of reasons for answers of our own: the same word stands in
 * X-Dynproxy-Error, the log, the metric, the page and dynproxy-errors(7).
 */
#ifndef HTTP_REASON_H
#define HTTP_REASON_H

enum reason {
	REASON_NONE, /* the answer is the backend's */

	/* the request */
	REASON_NO_HOST,
	REASON_BAD_REQUEST,
	REASON_BAD_VERSION,
	REASON_BANNED,
	REASON_BLOCKED_AGENT,
	REASON_BLOCKED_REFERER,
	REASON_NO_AGENT,
	REASON_NO_ROUTE,
	REASON_METHOD,
	REASON_TIMEOUT_CLIENT,
	REASON_BODY_TOO_LARGE,
	REASON_TARGET_TOO_LONG,
	REASON_HEADER_TOO_LARGE,
	REASON_LIMIT_CLIENT,
	REASON_CLIENT_GONE, /* log only */

	/* the tool's backend */
	REASON_BACKEND_CLOSED,
	REASON_BACKEND_CLOSED_REUSED,
	REASON_BACKEND_BAD_RESPONSE,
	REASON_BACKEND_TLS,
	REASON_DEFAULT_BACKEND_DOWN, /* a configured one, nobody's tool */
	REASON_TOOL_MAINTENANCE,
	REASON_TOOL_STARTING,
	REASON_TOOL_STOPPED,
	REASON_STALE_ROUTE,
	REASON_BACKEND_REFUSED,
	REASON_BACKEND_UNREACHABLE,
	REASON_BACKEND_TIMEOUT_CONNECT,
	REASON_BACKEND_TIMEOUT_FIRST_BYTE,
	REASON_BACKEND_TIMEOUT_IDLE,

	/* ourselves */
	REASON_NOT_READY,
	REASON_MAINTENANCE,
	REASON_LIMIT_TOOL,
	REASON_LIMIT_NODE,
	REASON_DRAINING,
	REASON_LOOP,
	REASON_INTERNAL,

	/* the request; here, as counters outlive a program with fewer */
	REASON_MISDIRECTED,

	REASON_COUNT
};

/* Whose trouble it is: the page says so. */
enum voice { VOICE_CLIENT, VOICE_TOOL, VOICE_PLATFORM, VOICE_NOBODY };

struct reason_info {
	const char *word; /* "no-route" */
	unsigned status;  /* of the answer */
	enum voice voice;
	const char *says;     /* one sentence for the page */
	unsigned retry_after; /* seconds; 0: no such header */
};

/* reason is less than REASON_COUNT. */
const struct reason_info *reason_info(enum reason reason);

#endif
