/* What the backends of webservice(1) share. */
#include "tools/service.h"

#include <bsd/string.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
service_tail_log(const struct service *s, bool follow)
{
	char path[512];
	const char *argv[] = { "tail", "-n", "50", follow ? "-F" : path,
		follow ? path : NULL, NULL };

	account_path(s->account, "error.log", path, sizeof(path));
	if (access(path, R_OK) == -1) {
		warn("%s: nothing was logged there yet", path);
		return false;
	}
	execvp(argv[0], (char **)argv);
	warn("cannot run tail");
	return false;
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
