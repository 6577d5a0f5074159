/* The slow ones of t/client.c: a byte now and then. */
#include "t/client.h"

#include <bsd/string.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_MS 250 /* one does something */
#define GAP_MS 1    /* between their beginnings */
#define SLOW_BODY 400
#define SLOW_HEAD 300

static size_t at_once; /* bytes of the request that are sent so */

static void
slow_again(struct client *c, bool small)
{
	closed++;
	close(c->fd);
	*c = (struct client){ .fd = open_one(small) };
}

/* One byte of what it has to say; false: the connection has ended. */
static bool
slow_send(struct client *c)
{
	size_t n = c->sent < at_once ? at_once - c->sent : 1;
	ssize_t sent;

	if (c->sent == request_len)
		return true;
	sent = send(c->fd, request + c->sent, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent > 0)
		c->sent += (size_t)sent;
	return sent > 0 || errno == EAGAIN;
}

/* What was received before a reset can still be read: is there one? */
static bool
is_reset(int fd)
{
	struct pollfd p = { fd, 0, 0 };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0;
}

/* All that is there, or one byte of it. */
static bool
slow_recv(struct client *c, bool bytewise)
{
	static char waste[IN_MAX];
	ssize_t n = is_reset(c->fd) ? 0
				    : recv(c->fd, waste, bytewise ? 1 : IN_MAX,
					  MSG_DONTWAIT);

	if (n == 0 || (n == -1 && errno != EAGAIN))
		return false;
	if (n > 0 && !bytewise) { /* short answers: it has come whole */
		done++;
		c->sent = 0;
	}
	return true;
}

static void
run_slow(bool bytewise)
{
	struct client *all = open_all(bytewise, GAP_MS);

	/* one after the other also at first, when much is sent at once */
	for (size_t i = 0; i < count; i++) {
		slow_send(&all[i]);
		poll(NULL, 0, GAP_MS);
	}
	say_ready();
	while (!is_over(TICK_MS))
		for (size_t i = 0; i < count; i++)
			if (!slow_send(&all[i]) ||
			    !slow_recv(&all[i], bytewise))
				slow_again(&all[i], bytewise);
	close_all(all);
}

void
run_slow_head(void)
{
	char fields[SLOW_HEAD + 16];

	memset(fields, 'a', sizeof(fields));
	memcpy(fields, "X: ", 3);
	strlcpy(fields + SLOW_HEAD, "\r\n", 16);
	make_request("GET", fields);
	at_once = 1;
	run_slow(false);
}

void
run_slow_body(void)
{
	char fields[64];

	snprintf(fields, sizeof(fields), "Content-Length: %d\r\n", SLOW_BODY);
	make_request("POST", fields);
	at_once = request_len;
	memset(request + request_len, 'b', SLOW_BODY);
	request_len += SLOW_BODY;
	run_slow(false);
}

void
run_slow_read(void)
{
	make_request("GET", "");
	at_once = request_len;
	run_slow(true);
}
