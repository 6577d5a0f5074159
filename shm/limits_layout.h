/*
 * The segment of limits, as the files that count in it see it.
 */
#ifndef SHM_LIMITS_LAYOUT_H
#define SHM_LIMITS_LAYOUT_H

#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/siphash.h"
#include "shm/limits.h"
#include "shm/segment.h"

#define LIMITS_MAGIC UINT64_C(0x336d696c70796e64) /* "dnyplim3" */

/* Buckets of rates: one line of the cache a set. */
#define SETS 32768
#define WAYS 8

/* Addresses that have connections, of each worker: the same. */
#define ADDRESS_SETS 8192
#define ADDRESS_WAYS 16

typedef _Atomic uint64_t bucket;

/* 16 bits of an address's hash, and how many connections it has; 0: unused */
typedef _Atomic uint32_t address;

struct slab {
	alignas(64) address addresses[ADDRESS_SETS][ADDRESS_WAYS];
};

struct limits_segment {
	/* constant after limits_format() */
	struct segment_kind kind;
	uint64_t key[2]; /* random */

	/* slabs that somebody has had; it only grows */
	_Atomic uint32_t used;

	alignas(64) bucket buckets[SETS][WAYS];
	struct slab slabs[]; /* by worker */
};

#define LIMITS_ABI ((uint64_t)SETS << 32 | (uint64_t)WAYS << 24 | ADDRESS_SETS)

/* How often something may happen. */
struct rate {
	uint64_t interval_us; /* 0: no limit */
	uint64_t burst_us;    /* of a whole burst */
	uint64_t window_us;   /* and of those that may wait */
	uint64_t owed_us;     /* and of what they may be charged */
};

struct limits {
	struct limits_segment *segment; /* the mapping */
	size_t bytes;			/* of the mapping */
	size_t nslabs, own;
	uint64_t key[2];
	struct rate requests, handshakes;
	uint32_t connections; /* of an address; 0: no limit */
};

/* Clients, of which one has a whole /64 of IPv6. */
static inline uint64_t
hash_client(const struct limits *l, const struct ip *ip)
{
	uint8_t bytes[9];

	bytes[0] = ip->family == AF_INET ? 4 : 6;
	memcpy(bytes + 1, ip->bytes, 8);
	return siphash(l->key, bytes, sizeof(bytes));
}

#endif
