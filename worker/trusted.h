/* What proxies of our own in front of us say of the client. */
#ifndef WORKER_TRUSTED_H
#define WORKER_TRUSTED_H

#include "conf/conf.h"
#include "http/msg.h"

/* Set to what the connection says, and changed to what is believed. */
struct trusted {
	struct ip client;
	struct span proto; /* "http" or "https" */
	struct span host; /* that the client asked for; empty: the Host field */
	uint16_t port;	  /* that it came to */
};

/* Is it in trusted_proxies? */
bool trusted_is(const struct conf *conf, const struct ip *ip);

/*
 * Believe X-Forwarded-For, -Proto, -Host and -Port from a peer in
 * trusted_proxies.
 * The client is the last address that is no such proxy: what stands before it
 * is its own word.
 */
void trusted_believe(
    const struct conf *conf, const struct http_msg *msg, struct trusted *t);

#endif
