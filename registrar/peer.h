/*
 * Who has registrations open: a host, or a local user on the Unix socket.
 * No one of them may take what the others need.
 */
#ifndef REGISTRAR_PEER_H
#define REGISTRAR_PEER_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdbool.h>

#include "lib/addr.h"

struct ident_query;

/* There is one as long as it has a connection open. */
struct peer {
	RB_ENTRY(peer) entry;
	struct ip id;  /* or AF_UNIX with a uid in its first bytes */
	unsigned open; /* connections, */
	unsigned leases; /* of them those that hold one, */
	unsigned proofs; /* and those that are ours (proof.c) */

	/* ident.c only: the questions to this host */
	unsigned asking;                          /* under way */
	TAILQ_HEAD(, ident_query) waiting;        /* for their turn */
	TAILQ_ENTRY(peer) turn;                   /* among the hosts */
	bool queued;                              /* is it there? */
};

struct peers {
	RB_HEAD(peer_tree, peer) tree;
};

void peers_init(struct peers *peers);

/* The name of a local user in this book. */
struct ip peer_user(uid_t uid);

/* Count a connection in; NULL: no memory.  For peer_drop(). */
struct peer *peer_hold(struct peers *peers, const struct ip *id);

/* Count it out again; none of its questions is left. */
void peer_drop(struct peers *peers, struct peer *peer);

#endif
