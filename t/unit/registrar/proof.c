/*
 * registrar/proof.c: who accepts at a backend decides whether it gets requests,
 * and nobody else does (7-security.md 7.3, 1-registration.md 1.1).
 */
#include "registrar/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "registrar/process.h"
#include "registrar/publish.h"
#include "shm/segment.h"
#include "shm/table_write.h"
#include "t/tap.h"
#include "t/unit/registrar/identd.h"

#define PATIENCE_MS 30000
#define NEVER_MS 1000000000 /* the walk does not come by */
#define HOST_MAX 2	    /* proofs under way at one host */
#define LOOKS 20 /* turns of the loop in which more would be asked for */

static char directory[] = "/tmp/proof.XXXXXX";
static struct registrar r;
static struct local_tool local = { .name = "local" };
static struct cidr believed = {
	.ip = { .bytes = { 127, 0, 0, 1 }, .family = AF_INET }, .bits = 32
};
static struct conf conf = {
	.node_name = (char[]){ "a" },
	.account_prefix = (char[]){ "tools." },
	.ident_networks = &believed,
	.nident_networks = 1,
	.local_tools = &local,
	.nlocal_tools = 1,
	.routes_max = 100,
	.routes_per_tool_max = 64,
	.verify_interval_ms = NEVER_MS,
};

/* Turning the loop. */

static uint64_t until_ms;
static size_t expected; /* results */
static unsigned looks;	/* while the identd has as many as it may */
static struct timer watch;

static size_t
results(void)
{
	struct proofs_status s;

	proofs_status(r.proofs, &s);
	return s.theirs + s.strangers + s.unknown;
}

/* What is to be seen: results, or that no more than HOST_MAX are asked for. */
static bool
seen(void)
{
	if (identd.hold)
		return identd.open >= HOST_MAX && ++looks >= LOOKS;
	return results() >= expected && r.changes.open == 0;
}

static void
look(struct timer *t)
{
	uint64_t now = clock_mono_ms();

	if (now >= until_ms || seen())
		ev_stop(&r.loop);
	else
		timer_set(&r.loop.timers, t, now + 1);
}

/* Until there are so many results, and what they change is published. */
static bool
turn(size_t wanted, uint64_t most_ms)
{
	expected = wanted;
	until_ms = clock_mono_ms() + most_ms;
	watch.fire = look;
	timer_set(&r.loop.timers, &watch, clock_mono_ms());
	r.loop.stop = false;
	ev_run(&r.loop);
	return results() >= wanted;
}

/* The book. */

static struct book_route *
enter(const char *key, const char *pattern, enum origin origin, bool unproved)
{
	struct destination to = { .url = url, .unproved = unproved };

	vet_url(span_str(url), &to.backend);
	return book_set(&r.book, key, pattern, &to, 1, origin, 1);
}

static struct book_route *
route_of(const char *key)
{
	return book_find_route(book_find(&r.book, key), ".*");
}

static void
strike(const char *key)
{
	struct book_name *name = book_find(&r.book, key);

	book_strike(&r.book, name, TAILQ_FIRST(&name->routes));
}

/* Prove it once more; the destination then. */
static const struct destination *
prove(const char *key)
{
	struct book_route *route = route_of(key);

	identd.asked = 0;
	proof_again(&r, route, &route->to.at[0]);
	ok(turn(results() + 1, PATIENCE_MS), "  proved");
	return &route_of(key)->to.at[0];
}

#define USER(name) "USERID : UNIX : " name
#define NOBODY "ERROR : NO-USER"

/* One after the other, of the same backend. */
static const struct {
	const char *what;
	const char *say[SAID_MAX];
	enum proof_result result;
	bool stale;
	unsigned asked;
} answers[] = {
	{ "the tool's own account", { USER("tools.alpha") }, PROOF_THEIRS,
	    false, 1 },
	{ "another tool's", { USER("tools.beta") }, PROOF_STRANGER, true, 1 },
	{ "nobody can tell: stale it stays", { NOBODY, NOBODY, NOBODY },
	    PROOF_UNKNOWN, true, 3 },
	{ "its own again", { USER("tools.alpha") }, PROOF_THEIRS, false, 1 },
	{ "nobody can tell: no reason to withdraw it",
	    { NOBODY, NOBODY, NOBODY }, PROOF_UNKNOWN, false, 3 },
	{ "root has not accepted yet",
	    { USER("root"), USER("root"), USER("root") }, PROOF_UNKNOWN, false,
	    3 },
	{ "then it has", { USER("root"), USER("tools.alpha") }, PROOF_THEIRS,
	    false, 2 },
	{ "nobody, nobody, then a stranger",
	    { NOBODY, NOBODY, USER("www-data") }, PROOF_STRANGER, true, 3 },
	{ "its own", { USER("tools.alpha") }, PROOF_THEIRS, false, 1 },
	{ "a longer name", { USER("tools.alphabet") }, PROOF_STRANGER, true,
	    1 },
	{ "its own once more", { USER("tools.alpha") }, PROOF_THEIRS, false,
	    1 },
	{ "a name without the prefix", { USER("alpha") }, PROOF_STRANGER, true,
	    1 },
	{ "its own at last", { USER("tools.alpha") }, PROOF_THEIRS, false, 1 },
	{ "no answer is not asked for again", { NULL }, PROOF_UNKNOWN, false,
	    1 },
};

static void
try_answers(void)
{
	enter("talpha", ".*", ORIGIN_TOOL, false);
	for (size_t i = 0; i < nitems(answers); i++) {
		const struct destination *d;

		memcpy(identd.say, answers[i].say, sizeof(identd.say));
		d = prove("talpha");
		is_int(d->proof, answers[i].result, "%s", answers[i].what);
		is_int(d->stale, answers[i].stale, "  stale or not");
		is_int(identd.asked, answers[i].asked, "  questions");
	}
	ok(!identd.wrong_pair, "the pair asked for is that of a connection of "
			       "ours, at the backend");
	strike("talpha");
}

static size_t
waiting(void)
{
	struct proofs_status s;

	proofs_status(r.proofs, &s);
	return s.waiting;
}

/* All proofs that wait are forgotten, and what is known of hosts. */
static void
begin_anew(void)
{
	if (r.proofs != NULL)
		proofs_close(r.proofs);
	r.proofs = proofs_open(&r);
	identd.asked = identd.most = 0;
}

/* Without an identd there is nobody to ask, for half a minute. */
static void
try_dead_host(void)
{
	begin_anew();
	identd.say[0] = NULL;
	enter("talpha", ".*", ORIGIN_TOOL, false);
	prove("talpha");
	enter("tbeta", ".*", ORIGIN_TOOL, false);
	proof_soon(&r, "tbeta", ".*");
	is_int(waiting(), 0, "a host without an identd is left alone");
	r.loop.now_ms += 31000;
	proof_soon(&r, "tbeta", ".*");
	is_int(waiting(), 1, "but not for ever");
	r.loop.now_ms -= 31000;
	strike("talpha");
	strike("tbeta");
}

/* Nothing listens there: nobody is asked whose it is. */
static void
try_refused(void)
{
	char before[sizeof(url)];
	uint16_t port;
	int fd = bind_at(&port);
	const struct destination *d;

	begin_anew();
	memcpy(before, url, sizeof(url));
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
	enter("talpha", ".*", ORIGIN_TOOL, false);
	d = prove("talpha");
	is_int(d->proof, PROOF_UNKNOWN, "nothing listens there: unknown");
	ok(!d->stale, "  no reason to withdraw it");
	is_int(identd.asked, 0, "  nobody is asked");
	memcpy(url, before, sizeof(url));
	strike("talpha");
	close(fd);
}

/* verify = require: no requests before it is proved, and three rounds. */
static void
try_require(void)
{
	const struct destination *d;

	begin_anew();
	conf.verify = VERIFY_REQUIRE;
	for (size_t i = 0; i < SAID_MAX; i++)
		identd.say[i] = NOBODY;
	enter("talpha", ".*", ORIGIN_TOOL, true);
	for (unsigned round = 1; round < 3; round++) {
		d = prove("talpha");
		ok(d->unproved && !d->stale,
		    "required, round %u: unproved it stays", round);
	}
	d = prove("talpha");
	ok(d->stale, "  after the third it is withdrawn");
	identd.say[0] = USER("tools.alpha");
	d = prove("talpha");
	ok(!d->stale && !d->unproved, "  proved, it gets requests");
	strike("talpha");
	conf.verify = VERIFY_IF_POSSIBLE;
}

/* Which of them are proved at all. */
static const struct {
	const char *what, *key;
	enum origin origin;
	enum verify verify;
	size_t networks; /* whose identds are believed */
	size_t proofs;
} kinds[] = {
	{ "a tool's", "talpha", ORIGIN_TOOL, VERIFY_IF_POSSIBLE, 1, 1 },
	{ "one from Redis", "talpha", ORIGIN_REDIS, VERIFY_IF_POSSIBLE, 1, 1 },
	{ "an operator's word needs no proof", "talpha", ORIGIN_OPERATOR,
	    VERIFY_IF_POSSIBLE, 1, 0 },
	{ "no proofs are wanted", "talpha", ORIGIN_TOOL, VERIFY_OFF, 1, 0 },
	{ "an identd that is not believed", "talpha", ORIGIN_TOOL,
	    VERIFY_IF_POSSIBLE, 0, 0 },
	{ "a local tool has no account", "tlocal", ORIGIN_TOOL,
	    VERIFY_IF_POSSIBLE, 1, 0 },
	{ "nor has a domain", "fexample.org", ORIGIN_TOOL, VERIFY_IF_POSSIBLE,
	    1, 0 },
};

static void
try_kinds(void)
{
	for (size_t i = 0; i < nitems(kinds); i++) {
		begin_anew();
		conf.verify = kinds[i].verify;
		conf.nident_networks = kinds[i].networks;
		enter(kinds[i].key, ".*", kinds[i].origin, false);
		proof_soon(&r, kinds[i].key, ".*");
		is_int(waiting(), kinds[i].proofs, "%s", kinds[i].what);
		strike(kinds[i].key);
	}
	conf.verify = VERIFY_IF_POSSIBLE;
	conf.nident_networks = 1;
}

/* Who registers again what was proved is not asked about again. */
static void
try_soon(void)
{
	struct book_route *route;

	begin_anew();
	route = enter("talpha", ".*", ORIGIN_TOOL, false);
	proof_soon(&r, "talpha", ".*");
	proof_soon(&r, "talpha", ".*");
	is_int(waiting(), 1, "registered twice, it waits once");

	begin_anew();
	route->to.at[0].proof = PROOF_THEIRS;
	proof_soon(&r, "talpha", ".*");
	is_int(waiting(), 0, "proved already");
	proof_soon(&r, "talpha", "/other");
	proof_soon(&r, "tbeta", ".*");
	is_int(waiting(), 0, "and what is not there is not proved");
	strike("talpha");
}

/* However many are due, a host is asked a few at a time; and all in the end. */
static void
try_many(void)
{
	char pattern[16];

	begin_anew();
	identd.hold = true;
	identd.say[0] = identd.say[1] = identd.say[2] = USER("tools.alpha");
	for (unsigned i = 0; i < 6; i++) {
		snprintf(pattern, sizeof(pattern), "/%u", i);
		enter("talpha", pattern, ORIGIN_TOOL, false);
		proof_soon(&r, "talpha", pattern);
	}
	turn(0, PATIENCE_MS);
	is_int(identd.most, HOST_MAX, "a host has a few at a time");
	release_held();
	ok(turn(6, PATIENCE_MS), "all in the end");
	is_int(identd.most, HOST_MAX, "still a few at a time");
	while (book_find(&r.book, "talpha") != NULL)
		strike("talpha");
}

/* Nobody registers anything: the walk proves all, again and again. */
static void
try_walk(void)
{
	begin_anew();
	conf.verify_interval_ms = 200;
	enter("talpha", ".*", ORIGIN_TOOL, false);
	enter("tbeta", ".*", ORIGIN_TOOL, false);
	ok(turn(6, PATIENCE_MS), "each is proved time and again");
	is_int(route_of("talpha")->to.at[0].proof, PROOF_THEIRS, "its own");
	ok(route_of("tbeta")->to.at[0].stale, "and who has another's port");
	conf.verify_interval_ms = NEVER_MS;
}

static void
found(struct registrar *unused, const struct stored_route *route)
{
	(void)unused;
	(void)route;
}

static void
found_policy(struct registrar *unused, const struct stored_policy *stored)
{
	(void)unused;
	(void)stored;
}

static void
found_unsaved(struct registrar *unused, const struct stored_unsaved *stored)
{
	(void)unused;
	(void)stored;
}

static bool
open_all(void)
{
	int table = segment_create("test", 16u << 20);
	uint16_t port;

	identd.loop = &r.loop;
	identd.io =
	    (struct ev_io){ .fd = listen_at(&port), .ready = connected };
	backend_fd = listen_at(&backend_port);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", backend_port);
	r.conf = &conf;
	r.boot.segment_fds[SEGMENT_TABLE] = table;
	changes_init(&r.changes);
	peers_init(&r.peers);
	leases_init(&r.leases);
	if (table_format(table) == -1 || !book_init(&r.book) ||
	    ev_init(&r.loop) == -1 || publish_open(&r) == -1 ||
	    ev_add(&r.loop, &identd.io, EPOLLIN) == -1)
		return false;
	publish_ready(&r);
	ident_init(&r.ident, &r.loop, port, PATIENCE_MS);
	r.io = store_io_open(&r, directory, found, found_policy, found_unsaved);
	begin_anew();
	return r.io != NULL && r.proofs != NULL;
}

static void
close_all(void)
{
	char file[sizeof(directory) + 32];

	proofs_close(r.proofs);
	store_io_close(r.io);
	changes_release(&r.changes);
	leases_release(&r);
	publish_close(&r);
	book_release(&r.book);
	ev_close(&r.loop, &identd.io);
	ev_release(&r.loop);
	close(backend_fd);
	close(r.boot.segment_fds[SEGMENT_TABLE]);
	snprintf(file, sizeof(file), "%s/routes.sqlite", directory);
	unlink(file);
	rmdir(directory);
}

int
main(void)
{
	log_open(LOG_TO_STDERR, "proof.t", LOG_ALERT);
	if (!ok(mkdtemp(directory) != NULL && open_all(), "a registrar"))
		return done();
	try_answers();
	try_dead_host();
	try_refused();
	try_require();
	try_kinds();
	try_soon();
	try_many();
	try_walk();
	close_all();
	return done();
}
