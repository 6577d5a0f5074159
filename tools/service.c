/* What the backends of webservice(1) share. */
#include "tools/service.h"

#include <bsd/string.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG "error.log"
#define SHOWN_LINES 5
#define SHOWN_BYTES 2048

bool
service_tail_log(const struct service *s, bool follow)
{
	char path[512];
	const char *argv[] = { "tail", "-n", "50", follow ? "-F" : path,
		follow ? path : NULL, NULL };

	account_path(s->account, LOG, path, sizeof(path));
	if (access(path, R_OK) == -1) {
		warn("%s: nothing was logged there yet", path);
		return false;
	}
	execvp(argv[0], (char **)argv);
	warn("cannot run tail");
	return false;
}

off_t
service_log_size(const struct service *s)
{
	char path[512];
	struct stat st;

	account_path(s->account, LOG, path, sizeof(path));
	return stat(path, &st) == 0 ? st.st_size : 0;
}

/* The end of the log, behind `from`; its length. */
static size_t
read_log_end(const struct service *s, off_t from, char *text, size_t size)
{
	off_t end = service_log_size(s);
	char path[512];
	ssize_t n;
	int fd;

	if (end - from > (off_t)size)
		from = end - (off_t)size;
	account_path(s->account, LOG, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return 0;
	n = pread(fd, text, size, from);
	close(fd);
	return n > 0 ? (size_t)n : 0;
}

bool
service_show_log(const struct service *s, off_t from)
{
	char text[SHOWN_BYTES + 1], *rest, *line;
	size_t len = read_log_end(s, from, text, SHOWN_BYTES);
	size_t at, lines = 0;

	text[len] = '\0';
	/* back to the end of the line before; the last end does not count */
	for (at = len; at > 0; at--)
		if (text[at - 1] == '\n' && at < len && ++lines == SHOWN_LINES)
			break;
	rest = text + at;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0')
			fprintf(stderr, "    %s\n", line);
	return len > 0;
}

const char *
service_domain(void)
{
	const char *domain = getenv("WEBSERVICE_DOMAIN");

	return domain != NULL ? domain : "toolforge.org";
}

void
service_runner_path(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		slash[1] = '\0';
		if (strlcat(path, SERVICE_RUNNER, size) < size &&
		    access(path, X_OK) == 0)
			return;
	}
	strlcpy(path, "/usr/bin/" SERVICE_RUNNER, size);
}
