/*
 * An answer of identd is believed only if every byte of it is right, and no
 * host has more than its questions under way.
 */
#include "registrar/ident.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "t/tap.h"

#define THEIRS 43210
#define OURS 8282

#define OK(text, user) SPAN(text), IDENT_FINE, user
#define NO(text, fault) SPAN(text), IDENT_##fault, NULL

static const struct {
	const char *what;
	struct span reply;
	enum ident_fault fault;
	const char *user;
} cases[] = {
	{ "as RFC 1413 shows it",
	    OK("43210 , 8282 : USERID : UNIX :tools.alpha\r\n",
		"tools.alpha") },
	{ "as oidentd says it",
	    OK("43210,8282:USERID:UNIX:tools.alpha\r\n", "tools.alpha") },
	{ "LF alone",
	    OK("43210,8282:USERID:UNIX:tools.alpha\n", "tools.alpha") },
	{ "blanks before the user go",
	    OK("43210, 8282 : USERID : UNIX :  tools.alpha\r\n",
		"tools.alpha") },
	{ "blanks behind it stay",
	    OK("43210, 8282 : USERID : UNIX : tools.alpha \r\n",
		"tools.alpha ") },
	{ "tabs are blanks",
	    OK("\t43210\t,\t8282\t:\tUSERID\t:\tUNIX\t:\ttools.alpha\r\n",
		"tools.alpha") },
	{ "a charset", OK("43210,8282:USERID:UNIX,US-ASCII:tools.alpha\r\n",
			   "tools.alpha") },
	{ "system OTHER",
	    OK("43210,8282:USERID:OTHER:tools.alpha\r\n", "tools.alpha") },
	{ "colons in the user stay",
	    OK("43210,8282:USERID:UNIX:tools.alpha:x\r\n", "tools.alpha:x") },
	{ "a colon alone is a user", OK("43210,8282:USERID:UNIX::\r\n", ":") },
	{ "zeros before a port",
	    OK("43210,08282:USERID:UNIX:root\r\n", "root") },

	{ "ERROR : NO-USER", NO("43210,8282:ERROR:NO-USER\r\n", ERROR) },
	{ "ERROR : HIDDEN-USER",
	    NO("43210 , 8282 : ERROR : HIDDEN-USER\r\n", ERROR) },
	{ "ERROR : INVALID-PORT",
	    NO("43210,8282:ERROR:INVALID-PORT\r\n", ERROR) },
	{ "ERROR : UNKNOWN-ERROR",
	    NO("43210,8282:ERROR:UNKNOWN-ERROR\r\n", ERROR) },
	{ "ERROR : X1", NO("43210,8282:ERROR:X1\r\n", ERROR) },
	{ "ERROR with a user behind it",
	    NO("43210,8282:ERROR:UNIX:tools.alpha\r\n", ERROR) },
	{ "ERROR for 0,0", NO("0,0:ERROR:UNKNOWN-ERROR\r\n", OTHER_PORTS) },

	{ "the ports the other way round",
	    NO("8282,43210:USERID:UNIX:tools.alpha\r\n", OTHER_PORTS) },
	{ "another port of theirs",
	    NO("43211,8282:USERID:UNIX:tools.alpha\r\n", OTHER_PORTS) },
	{ "another port of ours",
	    NO("43210,8283:USERID:UNIX:tools.alpha\r\n", OTHER_PORTS) },
	{ "a port modulo 65536",
	    NO("43210,73818:USERID:UNIX:tools.alpha\r\n", OTHER_PORTS) },
	{ "six digits",
	    NO("043210,8282:USERID:UNIX:tools.alpha\r\n", MALFORMED) },
	{ "a sign", NO("+43210,8282:USERID:UNIX:tools.alpha\r\n", MALFORMED) },
	{ "a port in hex",
	    NO("0xa8ca,8282:USERID:UNIX:tools.alpha\r\n", MALFORMED) },
	{ "a blank in a port",
	    NO("432 10,8282:USERID:UNIX:tools.alpha\r\n", MALFORMED) },
	{ "one port", NO("43210:USERID:UNIX:tools.alpha\r\n", MALFORMED) },
	{ "three ports",
	    NO("43210,8282,1:USERID:UNIX:tools.alpha\r\n", MALFORMED) },
	{ "no ports", NO(",:USERID:UNIX:tools.alpha\r\n", MALFORMED) },
	{ "ports with a colon",
	    NO("43210:8282:USERID:UNIX:tools.alpha\r\n", MALFORMED) },

	{ "a colon too many before the type",
	    NO("43210,8282::USERID:UNIX:tools.alpha\r\n", MALFORMED) },
	{ "no system", NO("43210,8282:USERID:tools.alpha\r\n", MALFORMED) },
	{ "an empty system",
	    NO("43210,8282:USERID::tools.alpha\r\n", MALFORMED) },
	{ "no user", NO("43210,8282:USERID:UNIX:\r\n", MALFORMED) },
	{ "a blank user", NO("43210,8282:USERID:UNIX:  \r\n", MALFORMED) },
	{ "the type in small letters",
	    NO("43210,8282:userid:UNIX:tools.alpha\r\n", MALFORMED) },
	{ "another type",
	    NO("43210,8282:USER:UNIX:tools.alpha\r\n", MALFORMED) },
	{ "type and more",
	    NO("43210,8282:USERID2:UNIX:tools.alpha\r\n", MALFORMED) },
	{ "ports alone", NO("43210,8282\r\n", MALFORMED) },
	{ "ports and a colon", NO("43210,8282:\r\n", MALFORMED) },
	{ "a type alone", NO("43210,8282:USERID\r\n", MALFORMED) },

	{ "nothing", NO("", MALFORMED) },
	{ "an empty line", NO("\r\n", MALFORMED) },
	{ "no end: it may have been cut",
	    NO("43210,8282:USERID:UNIX:tools.alpha", MALFORMED) },
	{ "CR alone", NO("43210,8282:USERID:UNIX:tools.alpha\r", MALFORMED) },
	{ "a second line", NO("43210,8282:USERID:UNIX:tools.alpha\r\n"
			      "43210,8282:USERID:UNIX:tools.beta\r\n",
			       MALFORMED) },
	{ "an empty second line",
	    NO("43210,8282:USERID:UNIX:tools.alpha\r\n\r\n", MALFORMED) },
	{ "a byte behind the end",
	    NO("43210,8282:USERID:UNIX:tools.alpha\r\nx", MALFORMED) },
	{ "an empty line first",
	    NO("\r\n43210,8282:USERID:UNIX:tools.alpha\r\n", MALFORMED) },
	{ "a CR within",
	    NO("43210,8282:USERID:UNIX:tools.\ralpha\r\n", MALFORMED) },
	{ "two CR", NO("43210,8282:USERID:UNIX:tools.alpha\r\r\n", MALFORMED) },
	{ "NUL in the user",
	    NO("43210,8282:USERID:UNIX:tools.alpha\0x\r\n", MALFORMED) },
	{ "NUL at the end",
	    NO("43210,8282:USERID:UNIX:tools.alpha\r\n\0", MALFORMED) },
	{ "NUL first", NO("\0"
			  "43210,8282:USERID:UNIX:tools.alpha\r\n",
			   MALFORMED) },
	{ "an escape in the user",
	    NO("43210,8282:USERID:UNIX:tools.\x1b[2J\r\n", MALFORMED) },
	{ "DEL in the user",
	    NO("43210,8282:USERID:UNIX:tools.\x7f\r\n", MALFORMED) },
	{ "UTF-8 in the user",
	    NO("43210,8282:USERID:UNIX:tools.\xc3\xa4\r\n", MALFORMED) },
	{ "Latin-1 in the user",
	    NO("43210,8282:USERID:UNIX:tools.\xe4\r\n", MALFORMED) },
	{ "HTTP", NO("HTTP/1.1 400 Bad Request\r\n", MALFORMED) },
	{ "SSH", NO("SSH-2.0-OpenSSH_9.2p1\r\n", MALFORMED) },
};

/* Long answers, up to the bounds and beyond. */
static const struct {
	const char *what;
	size_t user; /* bytes of the name */
	enum ident_fault fault;
} lengths[] = {
	{ "512 bytes of user", 512, IDENT_FINE },
	{ "513 bytes of user", 513, IDENT_MALFORMED },
	{ "1001 bytes", 976, IDENT_TOO_LONG },
	{ "1 MiB", 1 << 20, IDENT_TOO_LONG },
};

static void
try_length(size_t i)
{
	static const char front[] = "43210,8282:USERID:UNIX:";
	size_t len = sizeof(front) - 1 + lengths[i].user + 2;
	char *reply = malloc(len);
	struct span user;

	memcpy(reply, front, sizeof(front) - 1);
	memset(reply + sizeof(front) - 1, 'a', lengths[i].user);
	memcpy(reply + len - 2, "\r\n", 2);
	is_int(ident_parse((struct span){ reply, len }, THEIRS, OURS, &user),
	    lengths[i].fault, "%s", lengths[i].what);
	free(reply);
}

/* Hosts and their questions; identds that say nothing. */

#define NHOSTS 16 /* with as many as one may have: more than all together */
#define NQUERIES 10
#define NASKED (NHOSTS * NQUERIES - 2 * IDENT_HOST_MAX) /* to the end */

static struct ev_loop loop;
static struct peers peers;
static unsigned ended;

/* A host that has questions. */
struct host {
	struct peer *peer;
	struct ident_query queries[NQUERIES];
};

static void
over(struct ident_query *q, enum ident_fault fault, struct span user)
{
	(void)q;
	(void)user;
	is_int(fault, IDENT_TIMEOUT, "a silent identd");
	if (++ended == NASKED)
		ev_stop(&loop);
}

/* 127.0.1.<n> has them now. */
static void
ask(struct ident *ident, struct host *host, unsigned n, size_t questions)
{
	struct addr here, there;
	char text[32];
	struct ip ip;

	snprintf(text, sizeof(text), "127.0.1.%u:40000", n);
	addr_parse(&here, "127.0.0.1:8282");
	addr_parse(&there, text);
	addr_ip(&there, &ip);
	host->peer = peer_hold(&peers, &ip);
	for (size_t i = 0; i < questions; i++) {
		host->queries[i].done = over;
		ident_ask(ident, &host->queries[i], host->peer, &here, &there);
	}
}

/* What the loop would do at the end of this turn. */
static void
turn(void)
{
	struct ev_task *task;

	while ((task = loop.tasks) != NULL) {
		ev_forget(&loop, task);
		task->run(task);
	}
}

/* No host has more than its questions under way, and none waits for others. */
static void
hosts_take_turns(uint16_t port)
{
	static struct host hosts[NHOSTS], late;
	struct ident ident;

	ident_init(&ident, &loop, port, 300);
	ask(&ident, &hosts[0], 0, NQUERIES);
	ask(&ident, &hosts[1], 1, NQUERIES);
	turn();
	for (size_t i = 0; i < 2; i++)
		is_int(hosts[i].peer->asking, IDENT_HOST_MAX,
		    "host %zu is asked as much as one may be", i);
	for (unsigned i = 2; i < NHOSTS; i++)
		ask(&ident, &hosts[i], i, NQUERIES);
	turn();
	for (size_t i = 0; i < NHOSTS; i++)
		ok(hosts[i].peer->asking > 0, "host %zu has its turn", i);

	ask(&ident, &late, NHOSTS, 1);
	turn();
	is_int(late.peer->asking, 1, "one more host finds a place at once");
	ident_cancel(&late.queries[0]);
	is_int(late.peer->asking, 0, "and gives it back");
	peer_drop(&peers, late.peer);

	for (size_t i = 0; i < 2 * IDENT_HOST_MAX; i++)
		ident_cancel(&hosts[2 + i].queries[0]);
	turn();
	ok(ident.asking >= IDENT_ASK_MAX / 2,
	    "what others give back is taken, too");

	ev_run(&loop);
	is_int(ident.asking, 0, "all have ended");
	is_int(ended, NASKED, "each of them");
	for (size_t i = 0; i < NHOSTS; i++)
		peer_drop(&peers, hosts[i].peer);
}

/* An identd that says nothing, on all addresses. */
static void
try_hosts(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	socklen_t len = sizeof(any);
	int identd = socket(AF_INET, SOCK_STREAM, 0);

	peers_init(&peers);
	ok(ev_init(&loop) == 0 &&
		bind(identd, (struct sockaddr *)&any, len) == 0 &&
		listen(identd, 256) == 0 &&
		getsockname(identd, (struct sockaddr *)&any, &len) == 0,
	    "an identd");
	hosts_take_turns(ntohs(any.sin_port));
	ev_release(&loop);
	close(identd);
}

int
main(void)
{
	for (size_t i = 0; i < nitems(cases); i++) {
		struct span reply = cases[i].reply, user = { NULL, 0 };
		char *copy = malloc(reply.len + 1);

		memcpy(copy, reply.ptr, reply.len);
		is_int(ident_parse((struct span){ copy, reply.len }, THEIRS,
			   OURS, &user),
		    cases[i].fault, "%s", cases[i].what);
		if (cases[i].user != NULL)
			is_span(user, cases[i].user, "%s: user", cases[i].what);
		free(copy);
	}
	for (size_t i = 0; i < nitems(lengths); i++)
		try_length(i);
	try_hosts();
	return done();
}
