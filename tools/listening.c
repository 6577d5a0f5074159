/* Reads /proc to find out on which port a server listens. */
#include "tools/listening.h"

#include <bsd/stdlib.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

#include "lib/sock.h"

#define ANCESTORS_MAX 16 /* between a server and whom we have started */
#define CONNECT_MS 1000
#define STATE_LISTEN 0x0a /* of /proc/net/tcp */

/* The parent of a process; 0: it is gone. */
static pid_t
parent_of(pid_t pid)
{
	char path[32], line[512];
	const char *end = NULL;
	int parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	/* the name before ")" may hold anything */
	if (fgets(line, sizeof(line), f) != NULL)
		end = strrchr(line, ')');
	if (end == NULL || sscanf(end, ") %*c %d", &parent) != 1)
		parent = 0;
	fclose(f);
	return parent;
}

static bool
descends(pid_t pid, pid_t from)
{
	for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
		if (pid == from)
			return true;
		pid = parent_of(pid);
	}
	return false;
}

/* Does the process have this socket? */
static bool
holds_socket(pid_t pid, uint64_t inode)
{
	char path[64], link[64], wanted[64];
	struct dirent *e;
	bool found = false;
	ssize_t n;
	DIR *dir;

	snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (dir == NULL)
		return false;
	while (!found && (e = readdir(dir)) != NULL) {
		n = readlinkat(dirfd(dir), e->d_name, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		found = strcmp(link, wanted) == 0;
	}
	closedir(dir);
	return found;
}

static bool
is_held_by(uint64_t inode, pid_t from)
{
	struct dirent *e;
	bool found = false;
	DIR *dir = opendir("/proc");
	pid_t pid;

	if (dir == NULL)
		return false;
	while (!found && (e = readdir(dir)) != NULL) {
		pid = isdigit((unsigned char)e->d_name[0])
			  ? (pid_t)strtol(e->d_name, NULL, 10)
			  : 0;
		found =
		    pid > 0 && descends(pid, from) && holds_socket(pid, inode);
	}
	closedir(dir);
	return found;
}

/* 127.0.0.0/8 and ::1, as /proc/net/tcp{,6} write them. */
static bool
is_loopback(const char *address)
{
	return strlen(address) == 8
		   ? strcmp(address + 6, "7F") == 0
		   : strcmp(address, "00000000000000000000000001000000") == 0;
}

static bool
search(const char *table, pid_t pid, uint16_t *port, bool *loopback)
{
	char line[512], address[33];
	unsigned number, state, uid;
	uint64_t inode;
	bool found = false;
	FILE *f = fopen(table, "re");

	if (f == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		/* of our own only: to look for a socket's owner is slow */
		if (sscanf(line,
			" %*d: %32[0-9A-F]:%x %*s %x %*s %*s %*s %u %*d "
			"%" SCNu64,
			address, &number, &state, &uid, &inode) != 5 ||
		    state != STATE_LISTEN || uid != getuid() ||
		    !is_held_by(inode, pid))
			continue;
		*port = (uint16_t)number;
		*loopback = is_loopback(address);
		found = !*loopback;
	}
	fclose(f);
	return found;
}

bool
listening_port(pid_t pid, uint16_t *port, bool *loopback)
{
	*loopback = false;
	return search("/proc/self/net/tcp", pid, port, loopback) ||
	       search("/proc/self/net/tcp6", pid, port, loopback);
}

int
listening_try(const struct addr *a)
{
	struct pollfd p = { .events = POLLOUT };
	int fault = ETIMEDOUT;

	p.fd = sock_connect(a, NULL);
	if (p.fd == -1)
		return errno;
	if (poll(&p, 1, CONNECT_MS) == 1)
		fault = sock_error(p.fd);
	if (fault == 0 && sock_is_with_itself(p.fd)) {
		fault = ECONNREFUSED;
		sock_reset_on_close(p.fd); /* or the port were taken a while */
	}
	close(p.fd);
	return fault;
}

bool
listening_answers(const struct ip *ip, uint16_t port)
{
	struct addr a;

	addr_set(&a, ip, port);
	return listening_try(&a) == 0;
}
