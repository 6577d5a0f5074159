/* A registration as it goes through session*.c, and how it is answered. */
#ifndef REGISTRAR_SESSION_ANSWER_H
#define REGISTRAR_SESSION_ANSWER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/addr.h"
#include "registrar/change.h"
#include "registrar/client.h"
#include "registrar/ident.h"
#include "registrar/lease.h"
#include "registrar/line.h"
#include "registrar/lookups.h"
#include "registrar/peer.h"
#include "registrar/vet.h"

/* The answers that are fixed, byte for byte. */
#define SAY_OK "ok"
#define SAY_LEASED "ok\n"
#define SAY_UNKNOWN "fail"
#define SAY_IDENT                                                              \
	"Identd authentication failed. Please contact an administrator"
#define SAY_NO_TOOL "This service available only to tool accounts"

enum identity {
	IDENTITY_ASKED, /* nobody knows yet */
	IDENTITY_TOOL,
	IDENTITY_NO_TOOL,
	IDENTITY_FAILED,
	IDENTITY_NO_USER, /* on the Unix socket: no entry in local_tools */
};

struct session {
	struct client client;
	struct peer *peer; /* held; NULL: not counted */
	bool local;	   /* on the Unix socket */
	uid_t uid;	   /* there */
	uint64_t since_ms; /* it is connected */
	struct ip ip;	   /* of the host, elsewhere */
	struct ident_query query;
	struct account_query account; /* of a local one */
	struct change *change; /* borrowed; while it is under way */
	struct lease_holder holder;
	bool leased; /* it is counted so at its host */
	enum identity identity;
	enum ident_fault ident_fault;
	char key[TOOL_NAME_MAX + 2]; /* with IDENTITY_TOOL */
	enum line_fault fault;
	struct line_request request; /* points into client.in */
	const char *last; /* command that was understood; NULL: none yet */
};

void session_answer(struct session *s, const char *text);

/* Refuse for a reason of the last row of table 1.1. */
void session_refuse(struct session *s, const char *why);

/* The request was done, or refused: how many, and after how long. */
void session_count(const struct session *s, bool done);

/* It is refused with what is in client.out: count and log that. */
void session_note_refusal(struct session *s);

#endif
