/*
 * Registration, from the tool's side: one connection, a few lines, one
 * answer; again and again with pauses while the proxy cannot be reached.
 */
#include "tools/reg.h"

#include <assert.h>
#include <bsd/string.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/sock.h"
#include "tools/oneline.h"

#define CONNECT_MS 3000
#define ANSWER_MS 6000 /* ident may take 2 s and the stores 2 s more */
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 2000

/* Take "host", "host:port" or "[ipv6]:port" apart. */
static bool
split_host(struct reg *reg, const char *proxy)
{
	const char *end = proxy + strlen(proxy), *colon = strchr(proxy, ':');
	size_t len;

	strlcpy(reg->port, REG_PORT, sizeof(reg->port));
	if (proxy[0] == '[') {
		end = strchr(++proxy, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		colon = end[1] == ':' ? end + 1 : NULL;
	} else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		end = colon;
	} else {
		colon = NULL; /* an IPv6 address as it is */
	}
	len = end - proxy;
	if (len == 0 || len >= sizeof(reg->host))
		return false;
	memcpy(reg->host, proxy, len);
	reg->host[len] = '\0';
	return colon == NULL ||
	       (colon[1] != '\0' && strlcpy(reg->port, colon + 1,
					sizeof(reg->port)) < sizeof(reg->port));
}

bool
reg_init(struct reg *reg, const char *proxy)
{
	char line[sizeof(reg->host)];

	memset(reg, 0, sizeof(*reg));
	if (proxy == NULL)
		proxy = getenv("DYNPROXY_PROXY");
	if (proxy == NULL) {
		if (!oneline_read(REG_ACTIVE_PROXY, line, sizeof(line))) {
			snprintf(reg->said, sizeof(reg->said),
			    REG_ACTIVE_PROXY ": %s (or say --proxy)",
			    strerror(errno));
			return false;
		}
		reg->by_file = true;
		if (line[0] == '\0')
			return true;
		proxy = line;
	}
	if (proxy[0] == '/' ? strlcpy(reg->host, proxy, sizeof(reg->host)) <
				  sizeof(((struct sockaddr_un *)0)->sun_path)
			    : split_host(reg, proxy))
		return true;
	snprintf(reg->said, sizeof(reg->said),
	    "\"%.128s\" is no HOST, HOST:PORT or /path/to/socket", proxy);
	return false;
}

void
reg_look_again(struct reg *reg)
{
	struct reg now;

	if (!reg->by_file || !reg_init(&now, NULL))
		return;
	strlcpy(reg->host, now.host, sizeof(reg->host));
	strlcpy(reg->port, now.port, sizeof(reg->port));
}

/* Every address of the proxy, for the caller to freeaddrinfo(); or NULL. */
static struct addrinfo *
resolve(struct reg *reg, int socktype)
{
	struct addrinfo hints = { .ai_socktype = socktype };
	struct addrinfo *found = NULL;
	int rc = getaddrinfo(reg->host, reg->port, &hints, &found);

	if (rc == 0)
		return found;
	snprintf(reg->said, sizeof(reg->said), "%.128s: %s", reg->host,
	    rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
	return NULL;
}

/* Wait for a descriptor until the deadline; errno is ETIMEDOUT after it. */
static bool
wait_for(int fd, short events, uint64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now_ms = clock_mono_ms();
	int n;

	n = now_ms < deadline_ms ? poll(&p, 1, (int)(deadline_ms - now_ms)) : 0;
	if (n == 0)
		errno = ETIMEDOUT;
	return n == 1;
}

/* A connected, non-blocking socket, or -1 with errno. */
static int
connect_addr(const struct addr *a)
{
	int fd = sock_connect(a, NULL);
	int error;

	if (fd == -1)
		return -1;
	error = wait_for(fd, POLLOUT, clock_mono_ms() + CONNECT_MS)
		    ? sock_error(fd)
		    : errno;
	if (error == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

static int
connect_proxy(struct reg *reg)
{
	struct addrinfo *found, *ai;
	struct addr a = { .len = 0 };
	int fd = -1;

	if (reg->port[0] == '\0') {
		if (addr_parse(&a, reg->host))
			fd = connect_addr(&a);
	} else {
		found = resolve(reg, SOCK_STREAM);
		if (found == NULL)
			return -1;
		for (ai = found; ai != NULL && fd == -1; ai = ai->ai_next) {
			assert(ai->ai_addrlen <= sizeof(a.u));
			memcpy(&a.u, ai->ai_addr, ai->ai_addrlen);
			a.len = ai->ai_addrlen;
			fd = connect_addr(&a);
		}
		freeaddrinfo(found);
	}
	if (fd == -1)
		snprintf(reg->said, sizeof(reg->said), "%s", strerror(errno));
	return fd;
}

/* Read the answer: one line, which ends where the connection does, too. */
static size_t
read_answer(struct reg *reg, int fd)
{
	uint64_t deadline_ms = clock_mono_ms() + ANSWER_MS;
	size_t len = 0;
	ssize_t n;

	while (
	    len < sizeof(reg->said) - 1 && wait_for(fd, POLLIN, deadline_ms)) {
		n = recv(fd, reg->said + len, sizeof(reg->said) - 1 - len, 0);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		len += n;
		if (memchr(reg->said, '\n', len) != NULL)
			break;
	}
	reg->said[len] = '\0';
	reg->said[strcspn(reg->said, "\r\n")] = '\0';
	return len;
}

/* Say a few lines on a connection and read the answer. */
static enum reg_result
converse(struct reg *reg, int fd, const char *request, size_t len)
{
	/* a few lines into an empty socket: taken whole or not at all */
	if (send(fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		snprintf(reg->said, sizeof(reg->said), "%s", strerror(errno));
	else if (read_answer(reg, fd) == 0)
		strlcpy(reg->said, "it closed without an answer",
		    sizeof(reg->said));
	else
		return strcmp(reg->said, "ok") == 0 ? REG_OK : REG_REFUSED;
	return REG_UNREACHABLE;
}

/* One attempt; keep, if it is not NULL, gets the connection after an ok. */
static enum reg_result
say_once(struct reg *reg, const char *request, size_t len, int *keep)
{
	enum reg_result result;
	int fd = connect_proxy(reg);

	if (fd == -1)
		return REG_UNREACHABLE;
	result = converse(reg, fd, request, len);
	if (result == REG_OK && keep != NULL)
		*keep = fd;
	else
		close(fd);
	return result;
}

/* False: one of the stop signals came; it stays pending for its owner. */
static bool
pause_ms(const struct reg *reg, unsigned ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L };
	siginfo_t info;

	if (sigtimedwait(&reg->stops, &info, &ts) == -1)
		return true;
	raise(info.si_signo);
	return false;
}

static enum reg_result
say(struct reg *reg, const char *command, const char *route,
    const char *destination, int *keep)
{
	uint64_t give_up_ms = clock_mono_ms() + reg->patience_ms;
	unsigned wait_ms = PAUSE_MIN_MS;
	enum reg_result result;
	char request[1024];
	int len;

	if (reg->host[0] == '\0')
		return REG_OFF;
	len = snprintf(request, sizeof(request), "%s\n%s\n%s%s", command, route,
	    destination != NULL ? destination : "",
	    destination != NULL ? "\n" : "");
	if (len < 0 || len >= (int)sizeof(request)) {
		strlcpy(reg->said, "the route is too long", sizeof(reg->said));
		return REG_REFUSED;
	}
	while (
	    (result = say_once(reg, request, len, keep)) == REG_UNREACHABLE &&
	    clock_mono_ms() + wait_ms < give_up_ms) {
		if (!pause_ms(reg, wait_ms))
			return REG_STOPPED;
		wait_ms =
		    wait_ms * 2 < PAUSE_MAX_MS ? wait_ms * 2 : PAUSE_MAX_MS;
	}
	return result;
}

enum reg_result
reg_say(struct reg *reg, const char *command, const char *route,
    const char *destination)
{
	return say(reg, command, route, destination, NULL);
}

enum reg_result
reg_lease(struct reg *reg, const char *route, const char *destination, int *fd)
{
	return say(reg, "lease", route, destination, fd);
}

enum reg_result
reg_lease_say(struct reg *reg, int fd, const char *word)
{
	char line[16];
	int len = snprintf(line, sizeof(line), "%s\n", word);

	return converse(reg, fd, line, (size_t)len);
}

bool
reg_source(struct reg *reg, struct ip *ip)
{
	struct addr self = { .len = sizeof(self.u) };
	struct addrinfo *found;
	bool known = false;
	int fd;

	if (reg->port[0] == '\0')
		return ip_parse(ip, SPAN("127.0.0.1"));
	found = resolve(reg, SOCK_DGRAM);
	if (found == NULL)
		return false;
	/* connecting a datagram socket chooses a route and sends nothing */
	fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd != -1) {
		known = connect(fd, found->ai_addr, found->ai_addrlen) == 0 &&
			getsockname(fd, &self.u.sa, &self.len) == 0 &&
			addr_ip(&self, ip);
		if (!known)
			snprintf(reg->said, sizeof(reg->said), "%s",
			    strerror(errno));
		close(fd);
	}
	freeaddrinfo(found);
	return known;
}
