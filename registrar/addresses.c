/* Listens to the kernel for addresses that come or go (rtnetlink(7)). */
#include "registrar/addresses.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/container.h"
#include "lib/log.h"
#include "registrar/process.h"

struct addresses {
	struct ev_io io; /* owns the descriptor */
	struct registrar *r;
};

/* What it says does not matter, nor what was lost of it: something changed. */
static void
on_change(struct ev_io *io, uint32_t events)
{
	struct addresses *a = container_of(io, struct addresses, io);
	char scrap[8192];
	ssize_t n;

	(void)events;
	do
		n = recv(io->fd, scrap, sizeof(scrap), 0);
	while (n > 0 || (n == -1 && errno == ENOBUFS));
	if (vet_read_own(&a->r->vet) == -1)
		log_event(LOG_ERR, "addresses-failed", "%m");
	else
		log_event(LOG_INFO, "addresses", "own=%zu", a->r->vet.nown);
}

struct addresses *
addresses_watch(struct registrar *r)
{
	struct sockaddr_nl groups = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };
	struct addresses *a = calloc(1, sizeof(*a));
	int saved;

	if (a == NULL)
		return NULL;
	a->r = r;
	a->io.ready = on_change;
	a->io.fd = socket(
	    AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (a->io.fd != -1 &&
	    bind(a->io.fd, (struct sockaddr *)&groups, sizeof(groups)) == 0 &&
	    ev_add(&r->loop, &a->io, EPOLLIN) == 0)
		return a;
	saved = errno; /* close() may change it */
	if (a->io.fd != -1)
		close(a->io.fd);
	free(a);
	errno = saved;
	return NULL;
}

void
addresses_close(struct addresses *a)
{
	ev_del(&a->r->loop, &a->io);
	close(a->io.fd);
	free(a);
}
