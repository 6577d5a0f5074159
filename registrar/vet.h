/* What may be registered: names, and where a destination may be (7.3). */
#ifndef REGISTRAR_VET_H
#define REGISTRAR_VET_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "shm/route.h"

/* Where this node is, for what may not be a destination. */
struct vet {
	const struct conf *conf; /* borrowed */
	struct ip *own;          /* owned; the addresses of this node */
	size_t nown;
};

/* Reads the addresses of this node.  -1 with errno. */
int vet_init(struct vet *vet, const struct conf *conf);
void vet_release(struct vet *vet);

/* Once more: they have changed.  -1 with errno: they are as they were. */
int vet_read_own(struct vet *vet);

/* Why a destination is refused; vet_says() has the words. */
enum vet_fault {
	VET_FINE,
	VET_SCHEME,   /* neither http:// nor https:// */
	VET_ADDRESS,  /* no IP literal */
	VET_PORT,     /* none, or none of 1 to 65535 */
	VET_REST,     /* more than a slash behind it */
	VET_LOW_PORT, /* below 1024 */
	VET_DENIED_PORT,
	VET_UNSPECIFIED,
	VET_LOOPBACK,
	VET_LINK_LOCAL,
	VET_METADATA,
	VET_MULTICAST,
	VET_RESERVED,
	VET_EMBEDDED, /* an IPv4 address inside an IPv6 one */
	VET_OWN,      /* an address of this node */
	VET_LISTENER, /* a listener of this node: a loop */
	VET_DENIED,   /* the operator lists it in backend_denied */
	VET_FOREIGN,  /* not the address that the request came from */
};

/*
 * Read a URL: http:// or https://, an IP literal (IPv6 in brackets), a port,
 * perhaps one slash; nothing else, no name, no user.  Says nothing of whether
 * one may go there.  VET_FINE: *backend is the same, binary.
 */
enum vet_fault vet_url(struct span url, struct backend *backend);

/*
 * May a tool have it as a destination?
 *
 * backend  from vet_url()
 * peer     the address its request came from; NULL: over a Unix socket
 */
enum vet_fault vet_destination(const struct vet *vet,
    const struct backend *backend, const struct ip *peer);

/*
 * May a domain proxy have it?  Whoever owns one owns no host of ours: any
 * address may be, but those that lead to us or to what is not for strangers.
 */
enum vet_fault vet_frontend(
    const struct vet *vet, const struct backend *backend);

/* One line: what is wrong and what to do.  Not for VET_FINE. */
const char *vet_says(enum vet_fault fault);

/* A tool's name: [a-z0-9][a-z0-9-]{0,62}. */
#define TOOL_NAME_MAX 63
bool vet_tool_name(struct span name);

#define FRONTEND_NAME_MAX 253 /* RFC 1035 section 2.3.4 */

/* A domain proxy's: a host name in lower case, "*." before it allowed. */
bool vet_frontend_name(struct span name);

/* The key of either in the book (shm/route.h). */
bool vet_key(const char *key);

/*
 * The tool that an account stands for: prefix, then a tool's name, as a
 * whole.  False: it is no tool's account.
 */
bool vet_account(struct span account, struct span prefix, struct span *tool);

#endif
