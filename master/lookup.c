/*
 * Asks the resolver, one name after the other, and whose accounts are whose.
 * It may block here: nobody waits for it, the registrar least of all, which has
 * other things to do (3-processes.md).  It sees neither the table nor a client.
 */
#include "master/lookup.h"

#include <bsd/string.h>
#include <errno.h>
#include <netdb.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/boot.h"
#include "lib/array.h"
#include "lib/container.h"
#include "lib/ctlmsg.h"
#include "lib/ev.h"
#include "lib/log.h"
#include "lib/lookupmsg.h"

/* A deadline for each name: two rounds of 2 s over the name servers. */
#define ACCOUNT_MAX 16384 /* bytes of an entry of passwd(5), and more */
#define RESOLVER_OPTIONS "timeout:2 attempts:2"

/* The resolver's modules do what they like, but this. */
static const char *const forbidden[] = { "execve", "execveat", "chmod",
	"fchmod", "fchmodat", "chown", "fchown", "fchownat", "lchown", "chroot",
	"setuid", "setgid", "setresuid", "setresgid", "setgroups", "mknod",
	"mknodat" };

struct lookup {
	struct ev_loop loop;
	struct boot boot;
	struct ev_io master;	/* CTL_FD */
	struct ev_io registrar; /* borrows boot's socket */
};

bool
lookup_needed(const struct conf *conf)
{
	for (size_t i = 0; i < conf->ndefault_backends; i++)
		if (conf->default_backends[i].ip.family == AF_UNSPEC)
			return true;
	return conf_has_accounts(conf);
}

/* Take the IP of a sockaddr; false: it has none. */
static bool
take_ip(const struct addrinfo *found, struct ip *ip)
{
	struct addr addr = { .len = found->ai_addrlen };

	if (found->ai_addrlen > sizeof(addr.u))
		return false;
	memcpy(&addr.u, found->ai_addr, found->ai_addrlen);
	return addr_ip(&addr, ip);
}

static void
look_up_host(const char *name, struct lookup_answer *a)
{
	const struct addrinfo want = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found, *at;
	int error = getaddrinfo(name, NULL, &want, &found);

	if (error != 0) {
		snprintf(a->why, sizeof(a->why), "%s",
		    error == EAI_SYSTEM ? strerror(errno)
					: gai_strerror(error));
		return;
	}
	for (at = found; at != NULL && a->n < LOOKUP_ADDRESSES_MAX;
	     at = at->ai_next)
		if (take_ip(at, &a->ips[a->n]))
			a->n++;
	freeaddrinfo(found);
}

static void
look_up_account(uid_t uid, struct lookup_answer *a)
{
	static char text[ACCOUNT_MAX];
	struct passwd entry, *found;
	int error = getpwuid_r(uid, &entry, text, sizeof(text), &found);

	if (found != NULL &&
	    strlcpy(a->name, entry.pw_name, sizeof(a->name)) >= sizeof(a->name))
		*a->name = '\0'; /* it is no name that anybody asks for */
	if (error != 0 && error != ENOENT && error != ESRCH)
		snprintf(a->why, sizeof(a->why), "%s", strerror(error));
}

static void
on_question(struct ev_io *io, uint32_t events)
{
	struct lookup_question q;
	struct lookup_answer a = { .n = 0 };

	(void)events;
	if (lookup_read_question(io->fd, &q) != 1)
		return; /* the master holds the other end, too: never its end */
	a.id = q.id;
	a.kind = q.kind;
	if (q.kind == LOOKUP_ACCOUNT)
		look_up_account((uid_t)q.uid, &a);
	else
		look_up_host(q.name, &a);
	if (!lookup_reply(io->fd, &a))
		log_event(
		    LOG_WARNING, "lookup-unanswered", "name=%s: %m", q.name);
}

/* Told to end, or the master is gone. */
static void
on_master(struct ev_io *io, uint32_t events)
{
	struct lookup *l = container_of(io, struct lookup, master);
	struct ctlmsg m;
	int got = ctlmsg_recv(io->fd, &m, NULL);

	(void)events;
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got != 1 || m.type == CTL_DRAIN)
		ev_stop(&l->loop);
}

int
lookup_main(void)
{
	static struct lookup lookup;
	struct lookup *l = &lookup;
	struct ctlmsg ready = { .type = CTL_READY };
	int status = EXIT_FAILURE;

	signal(SIGPIPE, SIG_IGN);
	log_open(LOG_TO_STDERR, "lookup", LOG_INFO);
	setenv("RES_OPTIONS", RESOLVER_OPTIONS, 1);
	if (boot_receive(&l->boot, CTL_FD) == -1 || ev_init(&l->loop) == -1)
		return EXIT_FAILURE;
	log_open((enum log_sink)l->boot.conf->log_sink, "lookup",
	    l->boot.conf->log_priority);
	if (boot_enter_sandbox(&l->boot,
		(struct sandbox){ .whole_tree = true, .umask = 077 }) == -1)
		return EXIT_FAILURE;
	l->master = (struct ev_io){ .fd = CTL_FD, .ready = on_master };
	l->registrar =
	    (struct ev_io){ .fd = l->boot.lookup, .ready = on_question };
	if (ev_add(&l->loop, &l->master, EPOLLIN) == 0 &&
	    ev_add(&l->loop, &l->registrar, EPOLLIN) == 0 &&
	    boot_forbid_calls(l->boot.conf, forbidden, nitems(forbidden)) ==
		0 &&
	    ctlmsg_send(CTL_FD, &ready, -1) == 0) {
		ev_run(&l->loop);
		status = EXIT_SUCCESS;
	} else {
		log_event(LOG_ERR, "lookup-start", "%m");
	}
	ev_release(&l->loop);
	boot_release(&l->boot);
	return status;
}
