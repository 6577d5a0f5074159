/*
 * Tools that register on 8282, many at a time, from 256 loopback addresses,
 * and the identds of those hosts: prints one name=value a line.
 *
 *	registration PORT IDENT_PORT RATE SECONDS [dead] [hog]
 *
 * RATE 0: as many as the registrar takes, with 256 connections at a time; else
 * so many a second, whatever becomes of those before.  dead: the identd of one
 * host more never answers to those who register from there; hog: one host more
 * opens 500 connections and says nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HOSTS 256
#define TOOLS 500
#define OPEN_MAX 256
#define HOGS 500
#define SAMPLES 2000000
#define DEAD (HOSTS + 1) /* host numbers */
#define HOG (HOSTS + 2)

enum kind { LISTENER, IDENT, CLIENT, VICTIM };

struct end {
	enum kind kind;
	int fd;
	uint64_t begun_ns;
	char got[256];
	size_t len;
};

static int epfd;
static uint16_t port, ident_port;
static unsigned opened, failed;
static uint64_t counted, slow;
static double *latency_ms; /* owned */
static bool over;

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* 127.1.0.0 and what follows. */
static struct sockaddr_in
host_addr(unsigned host, uint16_t of_port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f010000 + host),
		.sin_port = htons(of_port),
	};
}

static struct end *
watch(enum kind kind, int fd, uint32_t events)
{
	struct end *end = calloc(1, sizeof(*end));
	struct epoll_event event = { .events = events, .data.ptr = end };

	if (end == NULL || epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == -1)
		die("epoll_ctl");
	end->kind = kind;
	end->fd = fd;
	end->begun_ns = now_ns();
	return end;
}

static void
drop(struct end *end)
{
	close(end->fd);
	free(end);
}

static void
listen_for_questions(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
		.sin_port = htons(ident_port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) == -1 ||
	    listen(fd, 4096) == -1)
		die("identd");
	watch(LISTENER, fd, EPOLLIN);
}

static int
connect_from(unsigned host)
{
	struct sockaddr_in from = host_addr(host, 0);
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd == -1)
		die("socket");
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) == -1)
		die("bind");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1 &&
	    errno != EINPROGRESS)
		die("connect");
	return fd;
}

static void
begin(unsigned host, enum kind kind)
{
	watch(kind, connect_from(host), EPOLLOUT);
	opened += kind == CLIENT;
}

static void
begin_next(void)
{
	static unsigned host;

	begin(host++ % HOSTS, CLIENT);
}

/* Connected: say all of it at once. */
static void
say(struct end *end)
{
	static unsigned n;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = end };
	struct sockaddr_in self;
	socklen_t len = sizeof(self);
	char text[128], ip[INET_ADDRSTRLEN];
	int size;

	getsockname(end->fd, (struct sockaddr *)&self, &len);
	inet_ntop(AF_INET, &self.sin_addr, ip, sizeof(ip));
	size = snprintf(text, sizeof(text), "register\n.*\nhttp://%s:%u\n", ip,
	    20000 + n++ % 20000);
	if (write(end->fd, text, (size_t)size) != size)
		die("write");
	epoll_ctl(epfd, EPOLL_CTL_MOD, end->fd, &event);
}

static void
count(struct end *end)
{
	double ms = (double)(now_ns() - end->begun_ns) / 1e6;

	if (end->len == 2 && memcmp(end->got, "ok", 2) == 0) {
		if (counted < SAMPLES)
			latency_ms[counted++] = ms;
	} else if (failed++ < 5 && !over) {
		fprintf(stderr, "said: %.*s\n", (int)end->len, end->got);
	}
}

static void
client_ready(struct end *end, uint32_t events)
{
	ssize_t n;

	if (events & EPOLLOUT) {
		say(end);
		return;
	}
	n = read(end->fd, end->got + end->len, sizeof(end->got) - end->len);
	if (n > 0) {
		end->len += (size_t)n;
		return;
	}
	if (end->kind == CLIENT) {
		count(end);
		opened--;
	} else {
		slow++;
	}
	drop(end);
}

static void
accept_questions(int fd)
{
	int got;

	while ((got = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) != -1)
		watch(IDENT, got, EPOLLIN);
}

static void
answer_question(struct end *end)
{
	struct sockaddr_in self;
	socklen_t len = sizeof(self);
	unsigned theirs, ours, host;
	ssize_t n = read(end->fd, end->got, sizeof(end->got) - 1);
	char text[128];
	int size;

	if (n <= 0) {
		drop(end);
		return;
	}
	getsockname(end->fd, (struct sockaddr *)&self, &len);
	host = ntohl(self.sin_addr.s_addr) & 0xffff;
	if (host == DEAD || sscanf(end->got, "%u , %u", &theirs, &ours) != 2)
		return;
	size = snprintf(text, sizeof(text),
	    "%u , %u : USERID : UNIX : tools.t%u\r\n", theirs, ours,
	    (host * 31 + theirs) % TOOLS);
	if (write(end->fd, text, (size_t)size) != size)
		die("write");
}

static void
turn(int wait_ms)
{
	struct epoll_event events[256];
	int n = epoll_wait(epfd, events, 256, wait_ms);

	for (int i = 0; i < n; i++) {
		struct end *end = events[i].data.ptr;

		if (end->kind == LISTENER)
			accept_questions(end->fd);
		else if (end->kind == IDENT)
			answer_question(end);
		else
			client_ready(end, events[i].events);
	}
}

static int
compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double
percentile(double p)
{
	return counted == 0 ? 0
			    : latency_ms[(size_t)((double)(counted - 1) * p)];
}

static void
report(double seconds)
{
	qsort(latency_ms, counted, sizeof(*latency_ms), compare);
	printf("registrations_per_s=%.0f\n", (double)counted / seconds);
	printf("failed=%u\n", failed);
	printf("p50_ms=%.2f\np99_ms=%.2f\nmax_ms=%.2f\n", percentile(0.5),
	    percentile(0.99), percentile(1));
}

static unsigned
number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

int
main(int argc, char **argv)
{
	uint64_t begun, until, next, victims;
	struct rlimit files = { 20000, 20000 };
	bool dead = false, hog = false;
	unsigned rate;

	if (argc < 5)
		return EXIT_FAILURE;
	for (int i = 5; i < argc; i++) {
		dead = dead || strcmp(argv[i], "dead") == 0;
		hog = hog || strcmp(argv[i], "hog") == 0;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	port = (uint16_t)number(argv[1]);
	ident_port = (uint16_t)number(argv[2]);
	rate = number(argv[3]);
	latency_ms = calloc(SAMPLES, sizeof(*latency_ms));
	epfd = epoll_create1(0);
	if (latency_ms == NULL || epfd == -1)
		die("start");
	listen_for_questions();
	for (int i = 0; hog && i < HOGS; i++)
		watch(VICTIM, connect_from(HOG), EPOLLIN);
	begun = next = victims = now_ns();
	until = begun + (uint64_t)number(argv[4]) * 1000000000;
	while (now_ns() < until) {
		while (rate == 0 && opened < OPEN_MAX)
			begin_next();
		for (; rate != 0 && next <= now_ns(); next += 1000000000 / rate)
			begin_next();
		for (; dead && victims <= now_ns(); victims += 10000000)
			begin(DEAD, VICTIM);
		turn(rate == 0 ? 100 : 1);
	}
	report((double)(now_ns() - begun) / 1e9);
	return EXIT_SUCCESS;
}
