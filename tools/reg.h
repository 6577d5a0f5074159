/* Registration, from the tool's side of port 8282 (1-registration.md 1.1). */
#ifndef TOOLS_REG_H
#define TOOLS_REG_H

#include <signal.h>
#include <stdbool.h>

#include "lib/addr.h"

#define REG_ACTIVE_PROXY "/etc/active-proxy"
#define REG_PORT "8282"
#define REG_ROUTE ".*" /* what servers are registered for: all requests */

enum reg_result {
	REG_OK,		 /* the proxy said ok, */
	REG_OFF,	 /* or nobody is to be asked */
	REG_REFUSED,	 /* it said something else: see said */
	REG_UNREACHABLE, /* it said nothing, as often as we asked */
	REG_STOPPED,	 /* a signal ended the wait for it */
};

struct reg {
	char host[256];	 /* host name, or the path of a Unix socket; empty:
			    registration is switched off */
	char port[6];	 /* empty with a Unix socket */
	char said[256];	 /* the proxy's answer, or why there is none */
	int patience_ms; /* how long an unreachable proxy is asked again */
	sigset_t stops;	 /* blocked signals that end the wait for it */
	bool by_file;	 /* host and port are those of REG_ACTIVE_PROXY */
};

/*
 * Find out whom to ask.
 *
 * proxy   "host", "host:port", "[ipv6]:port" or an absolute path; NULL:
 *         $DYNPROXY_PROXY, or the one line of /etc/active-proxy, where an
 *         empty file is the kill switch of the platform
 * False: there is no telling; said says why.
 */
bool reg_init(struct reg *reg, const char *proxy);

/* Where it is the file that says whom to ask: it may name another by now. */
void reg_look_again(struct reg *reg);

/*
 * Say `command` (register, registerCanonical, unregister) for a route.
 * destination   URL; NULL for unregister
 */
enum reg_result reg_say(struct reg *reg, const char *command, const char *route,
    const char *destination);

/*
 * Hold a lease for a route: it lives as long as the connection, *fd, which is
 * the caller's to close after REG_OK.  A proxy that knows no leases refuses.
 */
enum reg_result reg_lease(
    struct reg *reg, const char *route, const char *destination, int *fd);

/* Say "ping" or "drain" on it; anything but REG_OK: it is lost. */
enum reg_result reg_lease_say(struct reg *reg, int fd, const char *word);

/* Our own address as the proxy will see it.  False: no way to reach it. */
bool reg_source(struct reg *reg, struct ip *ip);

#endif
