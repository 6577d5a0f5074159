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

static const struct {
	const char *what;
	int rc;
	struct step steps[8];
} cases[] = {
	{ "everything", 0,
	    { { CTL_CONFIG, 0, CONFIG }, { CTL_SEGMENT, SEGMENT_TABLE, TABLE },
		{ CTL_LISTENER, 1, LISTENER }, { CTL_START, 3, NOTHING } } },
	{ "no listener", 0,
	    { { CTL_SEGMENT, SEGMENT_TABLE, TABLE }, { CTL_CONFIG, 0, CONFIG },
		{ CTL_START, 0, NOTHING } } },
	{ "a master that goes away", -1, { { CTL_CONFIG, 0, CONFIG } } },
	{ "no table", -1,
	    { { CTL_CONFIG, 0, CONFIG }, { CTL_START, 0, NOTHING } } },
	{ "no configuration", -1,
	    { { CTL_SEGMENT, SEGMENT_TABLE, TABLE },
		{ CTL_START, 0, NOTHING } } },
	{ "a configuration without a descriptor", -1,
	    { { CTL_CONFIG, 0, NOTHING } } },
	{ "a configuration that is refused", -1,
	    { { CTL_CONFIG, 0, BAD_CONFIG } } },
	{ "two configurations", -1,
	    { { CTL_CONFIG, 0, CONFIG }, { CTL_CONFIG, 0, CONFIG } } },
	{ "two tables", -1,
	    { { CTL_SEGMENT, SEGMENT_TABLE, TABLE },
		{ CTL_SEGMENT, SEGMENT_TABLE, TABLE } } },
	{ "a segment that is not known", -1,
	    { { CTL_SEGMENT, SEGMENT_COUNT, TABLE } } },
	{ "a listener before the configuration", -1,
	    { { CTL_LISTENER, 0, LISTENER } } },
	{ "a listener out of range", -1,
	    { { CTL_CONFIG, 0, CONFIG }, { CTL_LISTENER, 4, LISTENER } } },
	{ "a listener twice", -1,
	    { { CTL_CONFIG, 0, CONFIG }, { CTL_LISTENER, 0, LISTENER },
		{ CTL_LISTENER, 0, LISTENER } } },
	{ "a listener that does not listen", -1,
	    { { CTL_CONFIG, 0, CONFIG }, { CTL_LISTENER, 0, NO_LISTENER } } },
	{ "a message for somebody else", -1, { { CTL_READY, 0, NOTHING } } },
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
	case CONFIG: /* four listeners */
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
		is_int(boot.listener_fds[0], -1, "a listener not ours");
		ok(boot.listener_fds[1] != -1, "and one that is");
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
