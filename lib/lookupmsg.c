/* Sends and checks what the registrar and lookup tell each other. */
#include "lib/lookupmsg.h"

#include <errno.h>
#include <string.h>

static bool
put(int sock, const void *message, size_t size)
{
	return send(sock, message, size, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	       (ssize_t)size;
}

static int
get(int sock, void *message, size_t size)
{
	/* MSG_TRUNC: the length as it was sent */
	ssize_t n = recv(sock, message, size, MSG_DONTWAIT | MSG_TRUNC);

	if (n <= 0)
		return (int)n;
	if ((size_t)n == size)
		return 1;
	errno = EBADMSG;
	return -1;
}

bool
lookup_ask(int sock, const struct lookup_question *q)
{
	return put(sock, q, sizeof(*q));
}

bool
lookup_reply(int sock, const struct lookup_answer *a)
{
	return put(sock, a, sizeof(*a));
}

int
lookup_read_question(int sock, struct lookup_question *q)
{
	int got = get(sock, q, sizeof(*q));

	if (got != 1 || (q->kind < LOOKUP_KINDS &&
			    memchr(q->name, '\0', sizeof(q->name)) != NULL))
		return got;
	errno = EBADMSG;
	return -1;
}

static bool
answer_valid(const struct lookup_answer *a)
{
	if (a->kind >= LOOKUP_KINDS || a->n > LOOKUP_ADDRESSES_MAX ||
	    memchr(a->name, '\0', sizeof(a->name)) == NULL ||
	    memchr(a->why, '\0', sizeof(a->why)) == NULL)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->ips[i].family != AF_INET && a->ips[i].family != AF_INET6)
			return false;
	return true;
}

int
lookup_read_answer(int sock, struct lookup_answer *a)
{
	int got = get(sock, a, sizeof(*a));

	if (got != 1 || answer_valid(a))
		return got;
	errno = EBADMSG;
	return -1;
}
