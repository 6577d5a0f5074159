/*
 * Hosts that nobody answers at, remembered for a while.  There are places for
 * so many, by a hash: of two in the same place the last one is known.
 */
#ifndef REGISTRAR_DEAD_HOSTS_H
#define REGISTRAR_DEAD_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"

#define DEAD_HOSTS 1024
#define DEAD_MS 30000 /* a host is left alone for so long */

struct dead_hosts {
	uint64_t key[2]; /* of the hash: nobody chooses whom he displaces */
	struct {
		struct ip ip;
		uint64_t until_ms; /* as the loop's now_ms */
	} at[DEAD_HOSTS];
};

void dead_hosts_init(struct dead_hosts *hosts);
void dead_hosts_add(
    struct dead_hosts *hosts, const struct ip *ip, uint64_t now_ms);
bool dead_hosts_have(
    const struct dead_hosts *hosts, const struct ip *ip, uint64_t now_ms);

#endif
