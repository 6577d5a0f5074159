/* Sends and receives the messages of fixed size, with their descriptors. */
#include "lib/ctlmsg.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* What one descriptor takes; the padding has room for a second. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int
ctlmsg_send(int sock, const struct ctlmsg *m, int fd)
{
	union control control = { .bytes = { 0 } };
	struct iovec iov = { (void *)m, sizeof(*m) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;

	if (fd != -1) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	n = TEMP_FAILURE_RETRY(sendmsg(sock, &msg, MSG_NOSIGNAL));
	return n == -1 ? -1 : 0;
}

/* Take the descriptor.  False: there was more than one, and all are closed. */
static bool
take_fd(struct msghdr *msg, int *fd)
{
	bool one = true;
	int more;

	*fd = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	     c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; CMSG_LEN(at) < c->cmsg_len;
		     at += sizeof(int)) {
			memcpy(&more, CMSG_DATA(c) + at, sizeof(more));
			if (*fd == -1) {
				*fd = more;
			} else {
				close(more);
				one = false;
			}
		}
	}
	if (!one) {
		close(*fd);
		*fd = -1;
	}
	return one;
}

int
ctlmsg_recv(int sock, struct ctlmsg *m, int *fd)
{
	union control control;
	/* cppcheck-suppress ctuuninitvar ; it is what is filled in here */
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	bool good;
	int passed;
	ssize_t n;

	if (fd != NULL)
		*fd = -1;
	n = TEMP_FAILURE_RETRY(recvmsg(sock, &msg, MSG_CMSG_CLOEXEC));
	if (n == -1) /* reset: it died with our messages unread */
		return errno == ECONNRESET ? 0 : -1;

	good = take_fd(&msg, &passed) && n == sizeof(*m) &&
	       !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
	if (good && fd != NULL)
		*fd = passed;
	else if (passed != -1)
		close(passed);
	if (good) {
		m->text[sizeof(m->text) - 1] = '\0';
		return 1;
	}
	if (n == 0)
		return 0;
	errno = EBADMSG;
	return -1;
}
