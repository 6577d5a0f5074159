/*
 * A backend, and the identd of its host, which says what a test has it say, on
 * the loop of that test.
 */
#ifndef T_UNIT_REGISTRAR_IDENTD_H
#define T_UNIT_REGISTRAR_IDENTD_H

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/container.h"
#include "lib/ev.h"

#define SAID_MAX 3

/* The backend, whose connections are taken when somebody asks about them. */
static int backend_fd;
static uint16_t backend_port;
static char url[64];

/* An identd, on the same loop. */
static struct {
	struct ev_loop *loop; /* borrowed */
	struct ev_io io;
	const char *say[SAID_MAX]; /* one answer after the other; NULL: none */
	unsigned asked, open, most;
	bool hold;	 /* it answers nobody for now */
	bool wrong_pair; /* it was asked about something else */
} identd;

struct asking {
	struct ev_io io;
	struct asking *next; /* that are held */
	unsigned theirs, ours;
};
static struct asking *held;

/* A port that is ours, at which nobody listens. */
static int
bind_at(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&at, len) == -1 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) == -1)
		exit(1);
	*port = ntohs(at.sin_port);
	return fd;
}

static int
listen_at(uint16_t *port)
{
	int fd = bind_at(port);

	if (listen(fd, 64) == -1)
		exit(1);
	return fd;
}

/*
 * Had the backend a connection from that port?  All it has are taken; who
 * connected may know of it before the backend does.
 */
static bool
accepted_from(unsigned port)
{
	static bool seen[UINT16_MAX + 1];
	struct pollfd more = { backend_fd, POLLIN, 0 };
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	int fd;

	if (port > UINT16_MAX)
		return false;
	while (
	    !seen[port] && poll(&more, 1, 5000) == 1 &&
	    (fd = accept(backend_fd, (struct sockaddr *)&from, &len)) != -1) {
		seen[ntohs(from.sin_port)] = true;
		close(fd);
		len = sizeof(from);
	}
	return seen[port];
}

static void
answer(struct asking *a)
{
	const char *say =
	    identd.say[identd.asked < SAID_MAX ? identd.asked : SAID_MAX - 1];

	identd.asked++;
	identd.open--;
	if (say != NULL)
		dprintf(a->io.fd, "%u , %u : %s\r\n", a->theirs, a->ours, say);
	ev_close(identd.loop, &a->io);
	free(a);
}

static void
asked(struct ev_io *io, uint32_t events)
{
	struct asking *a = container_of(io, struct asking, io);
	char line[64];
	ssize_t n = read(io->fd, line, sizeof(line) - 1);

	(void)events;
	line[n > 0 ? n : 0] = '\0';
	if (sscanf(line, "%u , %u", &a->theirs, &a->ours) != 2 ||
	    a->theirs != backend_port || !accepted_from(a->ours))
		identd.wrong_pair = true;
	if (identd.hold) {
		ev_mod(identd.loop, io, 0);
		a->next = held;
		held = a;
	} else {
		answer(a);
	}
}

static void
connected(struct ev_io *io, uint32_t events)
{
	struct asking *a = calloc(1, sizeof(*a));

	(void)events;
	a->io =
	    (struct ev_io){ .fd = accept(io->fd, NULL, NULL), .ready = asked };
	ev_add(identd.loop, &a->io, EPOLLIN);
	if (++identd.open > identd.most)
		identd.most = identd.open;
}

static void
release_held(void)
{
	struct asking *a;

	identd.hold = false;
	while ((a = held) != NULL) {
		held = a->next;
		answer(a);
	}
}

#endif
