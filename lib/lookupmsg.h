/*
 * Questions and answers of fixed size between the registrar and the lookup
 * process: over a SOCK_SEQPACKET socket, one a message.  The end that reads
 * believes neither: lookupmsg.c checks every bound.
 */
#ifndef LIB_LOOKUPMSG_H
#define LIB_LOOKUPMSG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"

#define LOOKUP_NAME_SIZE 256   /* of a host name, with the NUL */
#define LOOKUP_ADDRESSES_MAX 16 /* of one name */

enum lookup_kind {
	LOOKUP_HOST,	/* the addresses of a name */
	LOOKUP_ACCOUNT, /* the name of a user's account */
	LOOKUP_KINDS
};

struct lookup_question {
	uint32_t id, kind; /* come back with the answer */
	uint32_t uid;	   /* LOOKUP_ACCOUNT */
	char name[LOOKUP_NAME_SIZE]; /* LOOKUP_HOST */
};

struct lookup_answer {
	uint32_t id, kind;
	uint32_t n; /* addresses; 0: there are none, or it failed */
	struct ip ips[LOOKUP_ADDRESSES_MAX];
	char name[LOOKUP_NAME_SIZE]; /* of an account; empty: there is none */
	char why[64]; /* it failed: in words */
};

/* Never wait; false with errno (EAGAIN: the other end is behind). */
bool lookup_ask(int sock, const struct lookup_question *q);
bool lookup_reply(int sock, const struct lookup_answer *a);

/* As recv(2): 1: one was read, 0: the other end is gone, -1: errno. */
int lookup_read_question(int sock, struct lookup_question *q);
int lookup_read_answer(int sock, struct lookup_answer *a);

#endif
