/* A tool's route, kept for as long as its server runs. */
#ifndef TOOLS_LEASE_H
#define TOOLS_LEASE_H

#include <stdint.h>

#include "tools/reg.h"

struct lease {
	struct reg *reg; /* borrowed */
	const char *route;
	const char *url; /* where it goes; borrowed */
	int fd;		 /* the connection that is the lease; -1: none now */
	bool offered;	 /* false: the proxy knows no leases, or none is due */
	uint64_t due_ms; /* to ping, or to ask again; CLOCK_MONOTONIC */
	unsigned pause_ms; /* before asking again */
};

/*
 * Register the route as the tool's canonical one, and lease it where the
 * proxy offers that.  reg->said says what an answer other than REG_OK means.
 */
enum reg_result lease_begin(
    struct lease *l, struct reg *reg, const char *route, const char *url);

/* The connection has something to say, or is due: see to it. */
void lease_tend(struct lease *l);

/* Milliseconds until lease_tend() is due; -1: never. */
int lease_wait_ms(const struct lease *l);

/* No new requests from now on, if that can be had. */
void lease_drain(struct lease *l);

/* It is over: unregister.  REG_OK, or what went wrong. */
enum reg_result lease_end(struct lease *l);

#endif
