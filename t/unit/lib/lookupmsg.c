/* What goes between registrar and lookup comes whole and checked, or not. */
#include "lib/lookupmsg.h"

#include <errno.h>
#include <unistd.h>

#include "t/tap.h"

static int pair[2];

static void
test_round(void)
{
	struct lookup_question q = { .id = 7, .name = "a.example" }, got_q;
	struct lookup_answer a = { .id = 7, .n = 2 }, got_a;

	ip_parse(&a.ips[0], SPAN("192.0.2.1"));
	ip_parse(&a.ips[1], SPAN("2001:db8::1"));
	is_int(lookup_read_question(pair[1], &got_q), -1, "nothing yet");
	is_int(errno, EAGAIN, "  is no fault");
	ok(lookup_ask(pair[0], &q), "a question");
	is_int(lookup_read_question(pair[1], &got_q), 1, "arrives");
	is_str(got_q.name, "a.example", "  with its name");
	ok(lookup_reply(pair[1], &a), "an answer");
	is_int(lookup_read_answer(pair[0], &got_a), 1, "arrives");
	is_int(got_a.id, 7, "  with the question's number");
	is_int(got_a.n, 2, "  and addresses");
	ok(ip_eq(&got_a.ips[1], &a.ips[1]), "  as they were");
}

static void
make_many(struct lookup_answer *a)
{
	a->n = LOOKUP_ADDRESSES_MAX + 1;
}

static void
make_family(struct lookup_answer *a)
{
	a->n = 1;
	a->ips[0].family = AF_UNIX;
}

static void
make_endless(struct lookup_answer *a)
{
	memset(a->why, 'x', sizeof(a->why));
}

static void
make_kind(struct lookup_answer *a)
{
	a->kind = LOOKUP_KINDS;
}

static void
make_long(struct lookup_answer *a)
{
	a->kind = LOOKUP_ACCOUNT;
	memset(a->name, 'x', sizeof(a->name));
}

static const struct {
	const char *what;
	void (*make)(struct lookup_answer *a);
} broken[] = {
	{ "too many addresses", make_many },
	{ "an address of no family", make_family },
	{ "words without an end", make_endless },
	{ "an answer of no kind", make_kind },
	{ "an account's name without an end", make_long },
};

static void
test_broken(void)
{
	struct lookup_question q = { .id = 1 };
	struct lookup_answer a;

	for (size_t i = 0; i < nitems(broken); i++) {
		a = (struct lookup_answer){ .id = 1 };
		broken[i].make(&a);
		ok(lookup_reply(pair[1], &a), "%s", broken[i].what);
		is_int(lookup_read_answer(pair[0], &a), -1, "  are refused");
		is_int(errno, EBADMSG, "  as no answer");
	}
	memset(q.name, 'x', sizeof(q.name));
	ok(lookup_ask(pair[0], &q), "a name without an end");
	is_int(lookup_read_question(pair[1], &q), -1, "  is refused");
	q = (struct lookup_question){ .id = 1, .kind = LOOKUP_KINDS };
	ok(lookup_ask(pair[0], &q), "a question of no kind");
	is_int(lookup_read_question(pair[1], &q), -1, "  is refused");
	ok(write(pair[0], "abc", 3) == 3, "a short message");
	is_int(lookup_read_question(pair[1], &q), -1, "  is refused");
	is_int(errno, EBADMSG, "  as no question");
}

static void
test_full(void)
{
	struct lookup_question q = { .id = 1 };
	int n = 0;

	while (n < 100000 && lookup_ask(pair[0], &q))
		n++;
	ok(n > 0 && n < 100000 && errno == EAGAIN,
	    "nobody waits for an end that is behind");
	while (lookup_read_question(pair[1], &q) == 1)
		n--;
	is_int(n, 0, "and it finds all of them later");
	close(pair[1]);
	ok(!lookup_ask(pair[0], &q), "to nobody nothing is said");
	is_int(lookup_read_question(pair[0], &q), 0, "and the end is one");
}

int
main(void)
{
	if (!ok(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0, "a pair"))
		return done();
	test_round();
	test_broken();
	test_full();
	return done();
}
