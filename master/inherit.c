/* Writes and reads what goes from one image of the master to the next. */
#include "master/inherit.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "master/listeners.h"
#include "master/places.h"
#include "master/supervise.h"

#define VERSION "2"
#define LINE_MAX_BYTES 4096
#define NUMBERS_MAX 8

/* What a line's numbers are; those that are descriptors as bits. */
static const struct {
	const char *word;
	unsigned numbers, descriptors;
} lines[] = {
	{ "master", 2, 0 }, /* generation, places */
	{ "exe", 1, 1 }, { "asker", 1, 1 }, { "config", 1, 1 },
	{ "presence", 1, 1 }, { "lookup", 2, 3 }, { "wake", 2, 3 },
	{ "slots", 1, 0 }, { "listener", 2, 1 },
	{ "segment", 3, 6 }, /* which, writable, read-only */
	{ "child", 7, 2 },   /* pid, ctl, role, slot, ring, generation, state */
};

enum line {
	LINE_MASTER,
	LINE_EXE,
	LINE_ASKER,
	LINE_CONFIG,
	LINE_PRESENCE,
	LINE_LOOKUP,
	LINE_WAKE,
	LINE_SLOTS,
	LINE_LISTENER,
	LINE_SEGMENT,
	LINE_CHILD,
	LINE_COUNT
};

static void
write_children(const struct master *m, FILE *out)
{
	for (size_t i = 0; i < m->nchildren; i++) {
		const struct child *c = &m->children[i];

		if (c->pid != 0)
			fprintf(out, "child %d %d %u %u %u %u %u\n",
			    (int)c->pid, c->ctl.fd, (unsigned)c->role, c->slot,
			    c->ring, c->generation, (unsigned)c->state);
	}
}

int
inherit_write(const struct master *m, int asker,
    const struct segment_fds *segments, unsigned n)
{
	int fd = memfd_create("dynproxy-state", MFD_CLOEXEC);
	FILE *out = fd == -1 ? NULL : fdopen(dup(fd), "w");

	if (out == NULL)
		return -1;
	fprintf(out, "dynproxy %s %s\n", VERSION, m->conf_path);
	fprintf(out, "master %u %u\n", m->generation, m->places);
	fprintf(out, "exe %d\nasker %d\nconfig %d\npresence %d\n", m->exe_fd,
	    asker, m->config_fd[ROLE_REGISTRAR], m->presence);
	fprintf(out, "lookup %d %d\nwake %d %d\n", m->lookup[0], m->lookup[1],
	    m->log_wake[0], m->log_wake[1]);
	fprintf(out, "slots %u\n", m->listeners->slots);
	for (size_t i = 0; i < m->listeners->n; i++)
		fprintf(out, "listener %d %u\n", m->listeners->list[i].fd,
		    m->listeners->list[i].named);
	for (unsigned i = 0; i < n; i++)
		if (segments[i].writable != -1)
			fprintf(out, "segment %u %d %d\n", i,
			    segments[i].writable, segments[i].readonly);
	write_children(m, out);
	if (fclose(out) == 0)
		return fd;
	close(fd);
	return -1;
}

/* One line: what it is, and its numbers; LINE_COUNT: it is none of ours. */
static enum line
read_line(const char *text, int n[NUMBERS_MAX])
{
	char word[16];
	int used = 0;

	if (sscanf(text, "%15s%n", word, &used) != 1)
		return LINE_COUNT;
	for (enum line line = 0; line < LINE_COUNT; line++) {
		const char *at = text + used;
		char *end;

		if (strcmp(lines[line].word, word) != 0)
			continue;
		for (unsigned i = 0; i < lines[line].numbers; i++) {
			n[i] = (int)strtol(at, &end, 10);
			if (end == at)
				return LINE_COUNT;
			at = end;
		}
		return line;
	}
	return LINE_COUNT;
}

static FILE *
open_text(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *in = copy == -1 ? NULL : fdopen(copy, "r");

	if (in != NULL)
		rewind(in);
	return in;
}

bool
inherit_keep_open(int state_fd, bool open)
{
	int n[NUMBERS_MAX], flags = open ? 0 : FD_CLOEXEC;
	FILE *in = open_text(state_fd);
	char text[LINE_MAX_BYTES];
	bool done = in != NULL && fcntl(state_fd, F_SETFD, flags) == 0;

	while (done && fgets(text, sizeof(text), in) != NULL) {
		enum line line = read_line(text, n);

		for (unsigned i = 0;
		     line != LINE_COUNT && i < lines[line].numbers; i++)
			if (lines[line].descriptors & 1u << i && n[i] != -1 &&
			    fcntl(n[i], F_SETFD, flags) == -1)
				done = false;
	}
	if (in != NULL)
		fclose(in);
	return done;
}

static bool
add_child(struct inherited *in, const int n[NUMBERS_MAX])
{
	struct child *more = reallocarray(
	    in->children, in->nchildren + 1, sizeof(*in->children));

	if (more == NULL || n[2] < 0 || n[2] >= ROLE_COUNT)
		return false;
	in->children = more;
	more[in->nchildren++] = (struct child){ .pid = n[0],
		.ctl.fd = n[1],
		.role = (enum role)n[2],
		.slot = (unsigned)n[3],
		.ring = (unsigned)n[4],
		.generation = (unsigned)n[5],
		.state = (enum child_state)n[6] };
	return true;
}

/* False: it makes no sense. */
static bool
take_line(struct master *m, struct inherited *in, enum line line,
    const int n[NUMBERS_MAX])
{
	switch (line) {
	case LINE_MASTER:
		m->generation = (unsigned)n[0];
		m->places = (unsigned)n[1];
		return n[0] == 0 || n[0] == 1;
	case LINE_EXE:
		in->exe_fd = n[0];
		return true;
	case LINE_ASKER:
		in->asker = n[0];
		return true;
	case LINE_CONFIG:
		in->config_fd = n[0];
		return true;
	case LINE_PRESENCE:
		in->presence = n[0];
		return true;
	case LINE_LOOKUP:
		memcpy(m->lookup, n, sizeof(m->lookup));
		return true;
	case LINE_WAKE:
		memcpy(m->log_wake, n, sizeof(m->log_wake));
		return true;
	case LINE_SLOTS:
		in->listeners->slots = (unsigned)n[0];
		return n[0] > 0;
	case LINE_LISTENER:
		return n[0] == -1 || listeners_add_take(in->listeners, n[0],
					 (unsigned)n[1]) == 0;
	case LINE_SEGMENT:
		if (n[0] < 0 || n[0] >= SEGMENTS_MAX)
			return false;
		in->segments[n[0]] = (struct segment_fds){ n[1], n[2] };
		return true;
	case LINE_CHILD:
		return add_child(in, n);
	default:
		return false;
	}
}

/* False after saying what is wrong. */
static bool
read_lines(struct master *m, struct inherited *in, FILE *text, FILE *err)
{
	char line[LINE_MAX_BYTES], path[LINE_MAX_BYTES], version[16];
	int n[NUMBERS_MAX] = { 0 };

	if (fgets(line, sizeof(line), text) == NULL ||
	    sscanf(line, "dynproxy %15s %4095[^\n]", version, path) != 2 ||
	    strcmp(version, VERSION) != 0) {
		fputs("what the running master leaves is of another version: "
		      "restart instead\n",
		    err);
		return false;
	}
	free(m->conf_path);
	m->conf_path = strdup(path);
	while (fgets(line, sizeof(line), text) != NULL)
		if (!take_line(m, in, read_line(line, n), n)) {
			fprintf(err,
			    "what the running master leaves makes no "
			    "sense: %s",
			    line);
			return false;
		}
	return m->conf_path != NULL;
}

static struct conf *
read_conf(int fd, FILE *err)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return conf_read_file(path, err);
}

struct inherited *
inherit_read_take(struct master *m, int fd, FILE *err)
{
	struct inherited *in = calloc(1, sizeof(*in));
	FILE *text = open_text(fd);
	bool good = false;

	if (in != NULL) {
		in->state_fd = fd;
		in->exe_fd = in->asker = in->config_fd = in->presence = -1;
		for (unsigned i = 0; i < SEGMENTS_MAX; i++)
			in->segments[i] = (struct segment_fds){ -1, -1 };
		in->listeners = calloc(1, sizeof(*in->listeners));
	}
	if (in != NULL && in->listeners != NULL && text != NULL)
		good = read_lines(m, in, text, err);
	if (text != NULL)
		fclose(text);
	if (good)
		m->conf = read_conf(in->config_fd, err);
	if (good && m->conf != NULL) {
		listeners_fit(in->listeners, m->conf);
		return in;
	}
	inherit_free(in);
	return NULL;
}

int
inherit_children(struct master *m, const struct inherited *in)
{
	for (size_t i = 0; i < in->nchildren; i++) {
		const struct child *from = &in->children[i];
		struct child *c;

		if (from->role == ROLE_WORKER &&
		    (from->generation > 1 || from->slot >= m->places)) {
			errno = EPROTO;
			return -1;
		}
		c = from->role == ROLE_WORKER
			? places_worker(m, from->generation, from->slot)
			: places_child(m, from->role);
		if (supervise_adopt(c, from->pid, from->ctl.fd, from->state) ==
		    -1)
			return -1;
	}
	return 0;
}

void
inherit_free(struct inherited *in)
{
	if (in == NULL)
		return;
	listeners_free(in->listeners, in->listeners); /* paths stay */
	if (in->state_fd != -1)
		close(in->state_fd);
	if (in->exe_fd != -1)
		close(in->exe_fd);
	if (in->config_fd != -1)
		close(in->config_fd);
	free(in->children);
	free(in);
}
