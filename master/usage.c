/*
 * Looks in proc(5) at what the processes use: they cannot, in their roots. What
 * is not to be seen, for lack of rights or of memory, is 0.
 */
#include "master/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "master/facts.h"
#include "master/master.h"

#define FIRST_MS 1000
#define EVERY_MS 10000

/* Fields of /proc/PID/stat that come after the name, from its state on. */
enum { STAT_STATE = 3, STAT_BEGAN = 22, STAT_PAGES = 24 };

/* The line from its third field on, in text; NULL: there is none. */
static const char *
read_stat(pid_t pid, char *text, size_t size)
{
	char path[64], *name_end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	name_end = strrchr(text, ')');
	return name_end == NULL ? NULL : name_end + 2;
}

static uint64_t
field(const char *at, int number)
{
	for (int i = STAT_STATE; at != NULL && i < number; i++) {
		at = strchr(at, ' ');
		at += at != NULL;
	}
	return at == NULL ? 0 : strtoull(at, NULL, 10);
}

/* CLOCK_REALTIME milliseconds of so many ticks after the machine's start. */
static uint64_t
real_ms_of(uint64_t ticks)
{
	struct timespec up;

	clock_gettime(CLOCK_BOOTTIME, &up);
	return clock_real_ms() - (uint64_t)up.tv_sec * 1000 -
	       (uint64_t)up.tv_nsec / 1000000 +
	       ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static uint64_t
count_files(pid_t pid)
{
	char path[64];
	uint64_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (dir == NULL)
		return 0;
	for (const struct dirent *e; (e = readdir(dir)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n - (pid == getpid()); /* our own look */
}

static uint64_t
limit_of_files(pid_t pid)
{
	static const char name[] = "Max open files";
	char path[64], text[4096];
	const char *row;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/limits", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	row = strstr(text, name);
	/* the soft one comes first; "unlimited" is not known, too */
	return row == NULL ? 0 : strtoull(row + strlen(name), NULL, 10);
}

static void
look(struct node_usage *u, pid_t pid)
{
	char text[1024];
	const char *stat = read_stat(pid, text, sizeof(text));

	if (stat == NULL) {
		*u = (struct node_usage){ 0 };
		return;
	}
	if (u->pid != (uint64_t)pid) /* once: it would move with our clocks */
		u->born_ms = real_ms_of(field(stat, STAT_BEGAN));
	u->pid = (uint64_t)pid;
	u->cpu_us = clock_cpu_us_of(pid);
	u->resident = field(stat, STAT_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	u->files = count_files(pid);
	u->files_max = limit_of_files(pid);
}

static void
on_timer(struct timer *t)
{
	struct master *m = container_of(t, struct master, usage_timer);

	look(&m->usage, getpid());
	for (size_t i = 0; i < m->nchildren; i++)
		if (m->children[i].pid != 0)
			look(&m->children[i].usage, m->children[i].pid);
	facts_publish(m);
	timer_set(&m->loop.timers, t, m->loop.now_ms + EVERY_MS);
}

void
usage_start(struct master *m)
{
	m->usage_timer.fire = on_timer;
	timer_set(&m->loop.timers, &m->usage_timer, m->loop.now_ms + FIRST_MS);
}
