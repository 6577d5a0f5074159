/*
 * DNS records: a command is told what became of a domain, and told again until
 * it succeeds.
 */
#ifndef TOOLS_DOMAINS_DNS_H
#define TOOLS_DOMAINS_DNS_H

#include <pthread.h>
#include <stdbool.h>

struct domains;

struct dns {
	const char *hook; /* borrowed; NULL: nobody is told */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool pending, stops;
	pthread_t thread;
	bool runs;
};

/* Without a hook there is nothing to start.  False: no thread. */
bool dns_start(struct domains *d);
void dns_stop(struct domains *d);

/* A domain is pending in the store. */
void dns_wake(struct domains *d);

#endif
