/* Counts the connections of each host. */
#include "registrar/peer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static int
compare(const struct peer *a, const struct peer *b)
{
	if (a->id.family != b->id.family)
		return a->id.family < b->id.family ? -1 : 1;
	return memcmp(a->id.bytes, b->id.bytes, sizeof(a->id.bytes));
}

RB_GENERATE_INTERNAL(
    peer_tree, peer, entry, compare, __attribute__((unused)) static)

void
peers_init(struct peers *peers)
{
	RB_INIT(&peers->tree);
}

struct ip
peer_user(uid_t uid)
{
	struct ip id = { .family = AF_UNIX };

	memcpy(id.bytes, &uid, sizeof(uid));
	return id;
}

struct peer *
peer_hold(struct peers *peers, const struct ip *id)
{
	struct peer like = { .id = *id };
	struct peer *peer = RB_FIND(peer_tree, &peers->tree, &like);

	if (peer == NULL) {
		peer = calloc(1, sizeof(*peer));
		if (peer == NULL)
			return NULL;
		peer->id = *id;
		TAILQ_INIT(&peer->waiting);
		RB_INSERT(peer_tree, &peers->tree, peer);
	}
	peer->open++;
	return peer;
}

void
peer_drop(struct peers *peers, struct peer *peer)
{
	if (--peer->open > 0)
		return;
	assert(peer->asking == 0 && !peer->queued);
	RB_REMOVE(peer_tree, &peers->tree, peer);
	free(peer);
}
