/* A new key encrypts, the two before it still decrypt, the third is gone. */
#include "shm/ticket_keys.h"

#include <string.h>
#include <unistd.h>

#include "shm/segment.h"
#include "t/tap.h"

static bool
same(const struct ticket_key *a, const struct ticket_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

int
main(void)
{
	int fd = segment_create("t", ticket_keys_size());
	int empty = segment_create("t", ticket_keys_size());
	struct ticket_segment *master, *worker;
	struct ticket_keys first, second, third, now;

	is_int(sizeof(struct ticket_key), 80, "as in a file of nginx");
	ok(ticket_keys_open(empty, false) == NULL, "a segment of nobody");
	is_int(ticket_keys_format(fd), 0, "one is made");
	master = ticket_keys_open(fd, true);
	worker = ticket_keys_open(segment_reopen_readonly(fd), false);
	ok(master != NULL && worker != NULL, "mapped by both");

	ok(ticket_keys_read(worker, &first) && first.n == 1, "one key");
	ticket_keys_rotate(master);
	ok(ticket_keys_read(worker, &second) && second.n == 2, "and another");
	ok(!same(&second.key[0], &first.key[0]), "which is new");
	ok(same(&second.key[1], &first.key[0]), "before the one there was");
	ticket_keys_rotate(master);
	ok(ticket_keys_read(worker, &third) && third.n == 3, "a third");
	ok(same(&third.key[2], &first.key[0]), "the first is still there");
	ticket_keys_rotate(master);
	ok(ticket_keys_read(worker, &now) && now.n == 3, "three at most");
	ok(same(&now.key[2], &second.key[0]) && same(&now.key[1], &third.key[0]),
	    "the oldest is gone");

	ticket_keys_write(master, &first);
	ok(ticket_keys_read(worker, &now) && now.n == 1 &&
		same(&now.key[0], &first.key[0]),
	    "keys of one's own");
	now.n = TICKET_KEYS_MAX + 1;
	ticket_keys_write(master, &now);
	ok(!ticket_keys_read(worker, &now), "nonsense is none");
	ticket_keys_close(master);
	ticket_keys_close(worker);
	close(fd);
	close(empty);
	return done();
}
