/* The other side of a connection to Redis, which says what a test has it say. */
#ifndef T_UNIT_REGISTRAR_A_REDIS_H
#define T_UNIT_REGISTRAR_A_REDIS_H

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/addr.h"

static inline int
listen_at(struct addr *at)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*at = (struct addr){ .len = sizeof(at->u.in) };
	at->u.in.sin_family = AF_INET;
	at->u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 || bind(fd, &at->u.sa, at->len) == -1 ||
	    listen(fd, 8) == -1 || getsockname(fd, &at->u.sa, &at->len) == -1)
		exit(1);
	return fd;
}

static inline void
say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) == -1)
		exit(1);
}

#endif
