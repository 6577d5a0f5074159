/* A child starts only with all it needs, each thing once, and checked. */
#include "conf/boot.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/ctlmsg.h"
#include "t/tap.h"

enum thing { NOTHING, CONFIG, BAD_CONFIG, TABLE, LISTENER, NO_LISTENER };

struct step {
	enum ctl_type type; /* 0: the end of the steps */
	uint32_t arg;
	enum thing thing;
};

#define HAVE_CONFIG { CTL_CONFIG, 0, CONFIG }
#define HAVE_TABLE { CTL_SEGMENT, SEGMENT_TABLE, TABLE }
#define START { CTL_START, 3, NOTHING }

/* What is refused has all else that it takes to start. */
static const struct {
	const char *what;
	int rc;
	struct step steps[8];
} cases[] = {
	{ "everything", 0,
	    { HAVE_CONFIG, HAVE_TABLE, { CTL_LISTENER, 1, LISTENER },
		{ CTL_LOG_WAKE, 0, TABLE }, START } },
	{ "no listener", 0, { HAVE_TABLE, HAVE_CONFIG, START } },
	{ "a master that goes away", -1, { HAVE_CONFIG, HAVE_TABLE } },
	{ "no table: not every role has it", 0, { HAVE_CONFIG, START } },
	{ "no configuration", -1, { HAVE_TABLE, START } },
	{ "a configuration without a descriptor", -1,
	    { { CTL_CONFIG, 0, NOTHING }, HAVE_CONFIG, HAVE_TABLE, START } },
	{ "a configuration that is refused", -1,
	    { { CTL_CONFIG, 0, BAD_CONFIG }, HAVE_TABLE, START } },
	{ "two configurations", -1,
	    { HAVE_CONFIG, HAVE_CONFIG, HAVE_TABLE, START } },
	{ "two tables", -1, { HAVE_CONFIG, HAVE_TABLE, HAVE_TABLE, START } },
	{ "two ways to wake the logger", -1,
	    { HAVE_CONFIG, { CTL_LOG_WAKE, 0, TABLE },
		{ CTL_LOG_WAKE, 0, TABLE }, START } },
	{ "none to wake it", -1,
	    { HAVE_CONFIG, { CTL_LOG_WAKE, 0, NOTHING }, START } },
	{ "certificates", 0,
	    { HAVE_CONFIG, { CTL_CERTIFICATES, 0, TABLE }, START } },
	{ "two sets of them", -1,
	    { HAVE_CONFIG, { CTL_CERTIFICATES, 0, TABLE },
		{ CTL_CERTIFICATES, 0, TABLE }, START } },
	{ "a segment that is not known", -1,
	    { HAVE_CONFIG, HAVE_TABLE, { CTL_SEGMENT, SEGMENT_COUNT, TABLE },
		START } },
	{ "a listener before the configuration", -1,
	    { { CTL_LISTENER, 0, LISTENER }, HAVE_CONFIG, HAVE_TABLE, START } },
	{ "a listener out of range", -1,
	    { HAVE_CONFIG, HAVE_TABLE, { CTL_LISTENER, 5, LISTENER }, START } },
	{ "a listener for clients twice: of two workers", 0,
	    { HAVE_CONFIG, HAVE_TABLE, { CTL_LISTENER, 0, LISTENER },
		{ CTL_LISTENER, 0, LISTENER }, START } },
	{ "another listener twice", -1,
	    { HAVE_CONFIG, HAVE_TABLE, { CTL_LISTENER, 2, LISTENER },
		{ CTL_LISTENER, 2, LISTENER }, START } },
	{ "a listener that does not listen", -1,
	    { HAVE_CONFIG, HAVE_TABLE, { CTL_LISTENER, 0, NO_LISTENER },
		START } },
	{ "a message for somebody else", -1,
	    { HAVE_CONFIG, HAVE_TABLE, { CTL_READY, 0, NOTHING }, START } },
};

static int
memfd(const char *text)
{
	int fd = memfd_create("t", MFD_CLOEXEC);

	if (write(fd, text, strlen(text)) == -1)
		diag("write");
	return fd;
}

/* The kernel finds it a name. */
static int
unix_socket(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&un, sizeof(un.sun_family)) == -1)
		diag("bind");
	return fd;
}

static int
make(enum thing thing)
{
	int fd;

	switch (thing) {
	case CONFIG: /* five listeners */
		return memfd("web_domain = localhost\nadmin = {}\n");
	case BAD_CONFIG:
		return memfd("workers = 0\n");
	case TABLE:
		return memfd("");
	case LISTENER:
		fd = unix_socket();
		return listen(fd, 1) == 0 ? fd : -1;
	case NO_LISTENER:
		return unix_socket();
	default:
		return -1;
	}
}

static int
open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
run(size_t i)
{
	int before = open_descriptors();
	struct boot boot;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return;
	for (const struct step *s = cases[i].steps; s->type != 0; s++) {
		struct ctlmsg m = { .type = s->type, .arg = s->arg };
		int fd = make(s->thing);

		if (ctlmsg_send(pair[0], &m, fd) == -1)
			diag("send");
		if (fd != -1)
			close(fd);
	}
	close(pair[0]);
	is_int(boot_receive(&boot, pair[1]), cases[i].rc, "%s", cases[i].what);
	if (i == 0) {
		is_int(boot.slot, 3, "the slot is known");
		ok(boot.segment_fds[SEGMENT_TABLE] != -1, "the table is there");
		ok(boot.log_wake != -1, "and what wakes the logger");
		is_int((intmax_t)boot.nlisteners, 1, "a listener");
		is_int((intmax_t)boot.listeners[0].at, 1, "that is ours");
	}
	boot_release(&boot);
	close(pair[1]);
	is_int(open_descriptors(), before, "no descriptor is left open");
}

int
main(void)
{
	for (size_t i = 0; i < nitems(cases); i++)
		run(i);
	return done();
}
