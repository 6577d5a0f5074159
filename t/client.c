/*
 * Clients of a proxy for the tests, many at once: quick, slow, idle and large
 * ones.  It says "ready" when all have begun, and what came of it when its
 * standard input ends, or when there is no more to do.
 *
 *	client MODE PORT HOST COUNT [PATH]
 *
 *	load       COUNT connections, each with one request after the other
 *	slow-head  heads that come byte by byte
 *	slow-body  so do bodies
 *	slow-read  answers are read byte by byte
 *	idle       one request each, and then nothing
 *	wait       a request each, whose answer nobody reads
 *	upload     a body of COUNT bytes, one connection
 *	download   the same from PATH
 */
#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/array.h"
#include "t/client.h"

#define PIECE (256 * 1024)

static struct sockaddr_in to = { .sin_family = AF_INET };
static const char *host, *path;
char request[REQUEST_MAX];
size_t request_len;
unsigned long long count;
unsigned long long done, failed, closed;

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void
make_request(const char *method, const char *fields)
{
	int n = snprintf(request, sizeof(request),
	    "%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method, path, host, fields);

	request_len = (size_t)n;
}

int
open_one(bool small)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1, size = 4096;

	if (fd == -1)
		err(1, "socket");
	if (small)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		err(1, "connect");
	return fd;
}

/* So many, not connected yet. */
static struct client *
make_all(void)
{
	struct client *all = calloc(count, sizeof(*all));

	if (all == NULL)
		err(1, "memory");
	return all;
}

struct client *
open_all(bool small, int gap_ms)
{
	struct client *all = make_all();

	for (size_t i = 0; i < count; i++) {
		all[i].fd = open_one(small);
		poll(NULL, 0, gap_ms);
	}
	return all;
}

void
close_all(struct client *all)
{
	for (size_t i = 0; i < count; i++)
		close(all[i].fd);
	free(all);
}

void
say_ready(void)
{
	puts("ready");
	fflush(stdout);
}

bool
is_over(int wait_ms)
{
	struct pollfd p = { STDIN_FILENO, POLLIN, 0 };

	return poll(&p, 1, wait_ms) == 1;
}

/* Whether it arrives, reading finds out. */
static void
ask(struct client *c)
{
	c->have = 0;
	c->begun_us = now_us();
	send(c->fd, request, request_len, MSG_NOSIGNAL);
}

/* How long is the answer at hand?  0: not all there. */
static size_t
answer_len(const struct client *c)
{
	const char *end = memmem(c->in, c->have, "\r\n\r\n", 4);
	const char *length;

	if (end == NULL)
		return 0;
	length = memmem(c->in, (size_t)(end - c->in), "Content-Length: ", 16);
	return (size_t)(end - c->in) + 4 +
	       (length != NULL ? strtoull(length + 16, NULL, 10) : 0);
}

/* Wait for all of it.  False: the connection has ended. */
static bool
receive_answer(struct client *c)
{
	ssize_t n;

	while (answer_len(c) == 0 || c->have < answer_len(c)) {
		n = recv(c->fd, c->in + c->have, IN_MAX - c->have, 0);
		if (n <= 0)
			return false;
		c->have += (size_t)n;
	}
	return true;
}

static bool
is_good(const struct client *c)
{
	return c->have > 13 && strncmp(c->in, "HTTP/1.1 200 ", 13) == 0;
}

/* --- quick ones ----------------------------------------------------------- */

static uint32_t *latency_us;
static size_t nlatency, latency_room;

static void
note_latency(uint64_t us)
{
	if (nlatency == latency_room) {
		latency_room = latency_room * 2 + 65536;
		latency_us =
		    reallocarray(latency_us, latency_room, sizeof(*latency_us));
		if (latency_us == NULL)
			err(1, "memory");
	}
	latency_us[nlatency++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static int
by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint32_t
percentile(double p)
{
	return nlatency == 0 ? 0 : latency_us[(size_t)(p * (nlatency - 1))];
}

#define CLOSE "\r\nConnection: close\r\n"

static void
open_again(int epoll, struct client *c)
{
	struct epoll_event e = { EPOLLIN, { .ptr = c } };

	closed++;
	close(c->fd);
	c->fd = open_one(false);
	epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e);
	ask(c);
}

static void
quick_ready(int epoll, struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->have, IN_MAX - c->have, 0);
	size_t len;

	if (n <= 0) {
		failed++;
		open_again(epoll, c);
		return;
	}
	c->have += (size_t)n;
	len = answer_len(c);
	if (len == 0 || c->have < len)
		return;
	done++;
	if (c->have != len || !is_good(c))
		failed++;
	note_latency(now_us() - c->begun_us);
	/* a busy worker may say that this was the last one */
	if (memmem(c->in, len, CLOSE, sizeof(CLOSE) - 1) != NULL)
		open_again(epoll, c);
	else
		ask(c);
}

static void
run_load(void)
{
	struct client *all;
	struct epoll_event events[64];
	int epoll = epoll_create1(0), n;
	uint64_t begin = now_us();

	make_request("GET", "");
	all = open_all(false, 0);
	for (size_t i = 0; i < count; i++) {
		struct epoll_event e = { EPOLLIN, { .ptr = &all[i] } };

		all[i].in = malloc(IN_MAX);
		epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &e);
		ask(&all[i]);
	}
	say_ready();
	while (!is_over(0)) {
		n = epoll_wait(epoll, events, 64, 100);
		for (int i = 0; i < n; i++)
			quick_ready(epoll, events[i].data.ptr);
	}
	qsort(latency_us, nlatency, sizeof(*latency_us), by_size);
	printf("seconds=%.1f p50_us=%u p99_us=%u p999_us=%u max_us=%u\n",
	    (double)(now_us() - begin) / 1e6, percentile(0.5), percentile(0.99),
	    percentile(0.999), percentile(1));
	for (size_t i = 0; i < count; i++)
		free(all[i].in);
	close_all(all);
	free(latency_us);
}

/* --- idle ones ------------------------------------------------------------ */

/* One request; with its answer, if that is read. */
static void
one_request(struct client *c, bool read)
{
	static char in[IN_MAX];

	c->in = in;
	ask(c);
	if (read && !receive_answer(c)) {
		failed++;
		return;
	}
	done++;
	if (read && !is_good(c))
		failed++;
}

static void
run_still(bool read)
{
	struct client *all = make_all();

	make_request("GET", "");
	for (size_t i = 0; i < count; i++) {
		all[i].fd = open_one(!read);
		one_request(&all[i], read);
	}
	say_ready();
	while (!is_over(-1))
		;
	for (size_t i = 0; i < count; i++) {
		char c;

		if (recv(all[i].fd, &c, 1, MSG_DONTWAIT) == 0)
			closed++;
	}
	close_all(all);
}

static void
run_idle(void)
{
	run_still(true);
}

static void
run_wait(void)
{
	run_still(false);
}

/* --- large ones ----------------------------------------------------------- */

static void
run_upload(void)
{
	static char piece[PIECE];
	struct client c = { .in = malloc(IN_MAX) };
	unsigned long long left = count;
	char fields[64];
	ssize_t n;

	snprintf(fields, sizeof(fields), "Content-Length: %llu\r\n", count);
	make_request("POST", fields);
	c.fd = open_one(false);
	ask(&c);
	say_ready();
	while (left > 0) {
		n = send(
		    c.fd, piece, left < PIECE ? left : PIECE, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		left -= (unsigned long long)n;
	}
	done = receive_answer(&c) && left == 0 && is_good(&c);
	failed = !done;
	free(c.in);
}

static void
run_download(void)
{
	static char piece[PIECE];
	unsigned long long got = 0;
	struct client c = { 0 };
	ssize_t n;

	make_request("GET", "Connection: close\r\n");
	c.fd = open_one(false);
	ask(&c);
	say_ready();
	while ((n = recv(c.fd, piece, sizeof(piece), 0)) > 0)
		got += (unsigned long long)n;
	done = got > count; /* the head comes with it */
	failed = !done;
}

static const struct {
	const char *name;
	void (*run)(void);
} modes[] = {
	{ "load", run_load },
	{ "slow-head", run_slow_head },
	{ "slow-body", run_slow_body },
	{ "slow-read", run_slow_read },
	{ "idle", run_idle },
	{ "wait", run_wait },
	{ "upload", run_upload },
	{ "download", run_download },
};

int
main(int argc, char **argv)
{
	if (argc < 5 || argc > 6)
		errx(2, "usage: client mode port host count [path]");
	to.sin_port = htons((uint16_t)strtonum(argv[2], 1, 65535, NULL));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	host = argv[3];
	count = (unsigned long long)strtonum(argv[4], 1, INT64_MAX, NULL);
	path = argc == 6 ? argv[5] : "/";
	for (size_t i = 0; i < nitems(modes); i++) {
		if (strcmp(argv[1], modes[i].name) != 0)
			continue;
		modes[i].run();
		printf("requests=%llu failures=%llu closed=%llu\n", done,
		    failed, closed);
		return 0;
	}
	errx(2, "%s: no such mode", argv[1]);
}
