/* A table of hosts by their hash, in which the last one of a place counts. */
#include "registrar/dead_hosts.h"

#include <bsd/stdlib.h>

#include "lib/siphash.h"

static size_t
place(const struct dead_hosts *hosts, const struct ip *ip)
{
	return siphash(hosts->key, ip, sizeof(*ip)) % DEAD_HOSTS;
}

void
dead_hosts_init(struct dead_hosts *hosts)
{
	*hosts = (struct dead_hosts){ .key = { 0 } };
	arc4random_buf(hosts->key, sizeof(hosts->key));
}

void
dead_hosts_add(struct dead_hosts *hosts, const struct ip *ip, uint64_t now_ms)
{
	size_t at = place(hosts, ip);

	hosts->at[at].ip = *ip;
	hosts->at[at].until_ms = now_ms + DEAD_MS;
}

bool
dead_hosts_have(
    const struct dead_hosts *hosts, const struct ip *ip, uint64_t now_ms)
{
	size_t at = place(hosts, ip);

	return ip_eq(&hosts->at[at].ip, ip) && hosts->at[at].until_ms > now_ms;
}
