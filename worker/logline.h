/*
 * The line that the access log gets for an exchange.  The request's head is
 * gone by the time its response was sent, so what the line says of it is kept
 * here, as it came, one part after the other; it is escaped when the line is
 * written.  No clock, no system call.
 */
#ifndef WORKER_LOGLINE_H
#define WORKER_LOGLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "http/msg.h"
#include "http/reason.h"
#include "lib/addr.h"
#include "lib/buf.h"
#include "shm/route.h"

struct ssl_st;

enum logline_part {
	LINE_HOST,    /* normalised */
	LINE_USER,    /* of Basic authentication */
	LINE_REQUEST, /* the line, as far as it came */
	LINE_REFERER,
	LINE_AGENT,
	LINE_TOOL,
	LINE_ROUTE,
	LINE_ID,
	LINE_TRACE, /* a traceparent */
	LINE_TLS,   /* version, cipher and the name asked for */
	LINE_PARTS
};

/* Bytes of host, tool, route, ids, TLS: beside the head. */
#define LOGLINE_PARTS_ROOM 2560

#define LOGLINE_TRIES_MAX (ROUTE_BACKENDS_MAX + 1) /* one of them twice */

struct logline {
	bool open; /* there is a request that has no line yet */
	struct ip client;
	struct span protocol;			  /* static: "h1", "h2" */
	struct buf kept;			  /* owned */
	uint32_t at[LINE_PARTS], len[LINE_PARTS]; /* in `kept`; 0: none */

	unsigned status;    /* sent, or about to be; 0: none */
	bool answered;	    /* some of it has reached the client's socket */
	bool from_backend;  /* the answer is */
	enum reason reason; /* why it was not, or was cut */
	uint64_t received, sent; /* bytes of the bodies */

	/* CLOCK_MONOTONIC milliseconds; 0: it did not come to that */
	uint64_t begun_ms, tried_ms, connected_ms, first_ms;

	unsigned ntries; /* backends, in the order they were tried */
	struct {
		struct ip ip;
		uint16_t port;
	} tries[LOGLINE_TRIES_MAX];
};

/* max: bytes of heads that are kept; what is longer is cut. */
void logline_init(struct logline *line, size_t head_max);
void logline_release(struct logline *line);

/* Whose request it is, and how it came. */
struct logline_client {
	const struct ip *ip;	  /* borrowed */
	const struct ssl_st *ssl; /* borrowed; NULL: cleartext */
	struct span protocol;	  /* static: "h1", "h2" */
};

/* A request has come. */
void logline_begin(
    struct logline *line, const struct logline_client *client, uint64_t now_ms);

/* Say a part of it; each once. */
void logline_say(
    struct logline *line, enum logline_part part, struct span text);

/* What a head tells, once it is parsed: user, request, referer, agent. */
void logline_say_head(struct logline *line, const struct http_msg *msg);

/* Of one that could not be parsed, the first line, as far as it came. */
void logline_say_bytes(struct logline *line, struct span bytes);

/* What was agreed on when it came by TLS; nothing in cleartext. */
void logline_say_tls(struct logline *line, const struct ssl_st *ssl);

/* A backend is tried. */
void logline_try(
    struct logline *line, const struct backend *backend, uint64_t now_ms);

/* A part of it; empty: it was not said. */
struct span logline_part(const struct logline *line, enum logline_part part);

/* What is the same in many lines. */
struct logline_style {
	enum access_log_format format;
	enum access_log_address address;
	struct span time; /* 22/Nov/2026:10:00:00 +0000; JSON: RFC 3339 */
	struct span node; /* this machine's name */
	unsigned worker;
	uint64_t now_ms; /* CLOCK_MONOTONIC */
};

/* The client's address as the setting wants it; false: not at all. */
bool logline_client_ip(
    const struct logline *line, enum access_log_address how, struct ip *ip);

/* Bytes that the line of any head takes at most. */
size_t logline_max(size_t head_max);

/*
 * Write the line, with its newline: printable ASCII only.
 *
 * vhosts   as nginx's log_format: $host $remote_addr - $remote_user
 *          [$time_local] "$request" $status $body_bytes_sent "$http_referer"
 *          "$http_user_agent" (backend $upstream_addr).  `"`, `\` and what is
 *          no printable ASCII is \xHH, and so is, other than nginx's, a
 *          blank in a user's name, which would end it; nothing is `-`.
 * json     one object (field/conventions.md section 3), RFC 8259.  UTF-8 and
 *          other bytes above 0x7f are \uHHHH: the character, or the byte.
 *
 * out      at least logline_max() bytes
 * Returns  bytes
 */
size_t logline_write(
    const struct logline *line, const struct logline_style *style, char *out);

#endif
