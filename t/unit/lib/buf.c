/* A buffer keeps every byte in order, and never grows beyond its bound. */
#include "lib/buf.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/tap.h"

static void
queue(void)
{
	struct buf b;

	buf_init(&b, 4096);
	ok(b.data == NULL && buf_len(&b) == 0, "a new one holds no memory");
	ok(buf_append(&b, NULL, 0), "appending nothing");
	ok(buf_append(&b, "hello ", 6) && buf_append_span(&b, SPAN("world")),
	    "append");
	is_int((long long)b.size, 1024, "the first growth is to 1 KiB");
	is_span(buf_span(&b), "hello world", "in order");
	buf_consume(&b, 6);
	is_span(buf_span(&b), "world", "consume the head");
	buf_consume(&b, 5);
	ok(b.head == 0 && b.tail == 0, "empty: starts at the front again");
	buf_release(&b);
	ok(b.data == NULL && b.size == 0 && b.max == 4096, "released");
	ok(buf_append(&b, "x", 1), "and usable again");
	buf_release(&b);
}

static void
bound(void)
{
	char bytes[1500] = { 0 };
	struct buf b;

	buf_init(&b, 3000);
	ok(buf_append(&b, bytes, 1025), "1025 bytes");
	is_int((long long)b.size, 2048, "growth doubles");
	ok(buf_append(&b, bytes, 1500), "2525 bytes");
	is_int((long long)b.size, 3000, "but not beyond the bound");
	ok(!buf_append(&b, bytes, 476), "one byte too many is refused");
	is_int((long long)buf_len(&b), 2525, "and nothing of it is kept");
	ok(!buf_reserve(&b, SIZE_MAX), "a length that would wrap is refused");
	ok(buf_append(&b, bytes, 475), "full to the last byte");
	ok(!buf_append(&b, bytes, 1), "full is full");

	buf_consume(&b, 2999);
	b.data[b.head] = '!';
	ok(buf_append(&b, "abc", 3), "room at the head is used");
	is_span(buf_span(&b), "!abc", "by moving what is there");
	is_int((long long)b.size, 3000, "without growing");
	buf_release(&b);
}

static void
print(void)
{
	struct buf b;

	buf_init(&b, 1030);
	ok(buf_printf(&b, "%s-%d", "a", 7), "printf into an empty buffer");
	is_span(buf_span(&b), "a-7", "what it printed");
	ok(buf_printf(&b, "%s", ""), "printf of nothing");
	ok(buf_printf(&b, "%1021d", 1), "up to the first growth, exactly");
	is_int((long long)b.size, 1024, "the NUL takes no room");
	ok(buf_printf(&b, "%s", "bcdefg"), "up to the bound, exactly");
	is_span(span_from(buf_span(&b), 1023), "1bcdefg", "all of it");
	ok(!buf_printf(&b, "x"), "beyond it is refused");
	is_int((long long)buf_len(&b), 1030, "and leaves the buffer alone");
	buf_release(&b);
}

static void
sockets(void)
{
	struct buf in, out;
	int fd[2];

	ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0,
	    "a pair of sockets");
	buf_init(&out, 64);
	buf_init(&in, 8);
	buf_append(&out, "0123456789", 10);
	is_int(buf_send(&out, fd[0]), 10, "send takes all");
	is_int((long long)buf_len(&out), 0, "and consumes it");
	is_int(buf_recv(&in, fd[1], 3), 3, "recv takes no more than wanted");
	is_int(buf_recv(&in, fd[1], 100), 5, "nor more than the bound");
	is_span(buf_span(&in), "01234567", "what came");
	errno = 0;
	ok(buf_recv(&in, fd[1], 1) == -1 && errno == ENOBUFS, "ENOBUFS: full");
	buf_consume(&in, 1);
	is_int(buf_recv(&in, fd[1], 100), 1, "one byte of room, one byte");
	is_span(buf_span(&in), "12345678", "in order");
	buf_consume(&in, 8);
	is_int(buf_recv(&in, fd[1], 100), 1, "the last one");
	ok(buf_recv(&in, fd[1], 1) == -1 && errno == EAGAIN, "EAGAIN: none");
	close(fd[0]);
	is_int(buf_recv(&in, fd[1], 1), 0, "0: the peer's end");
	buf_append(&out, "x", 1);
	ok(buf_send(&out, fd[1]) == -1 && errno == EPIPE,
	    "EPIPE, and no signal");
	is_span(buf_span(&out), "x", "what was not sent stays");
	close(fd[1]);
	buf_release(&in);
	buf_release(&out);
}

int
main(void)
{
	queue();
	bound();
	print();
	sockets();
	return done();
}
