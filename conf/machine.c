/* Asks the machine for the settings that are "auto". */
#include "conf/machine.h"

#include <ctype.h>
#include <netdb.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/value.h"

#define WORKERS_MAX 256

void
machine_workers(char out[MACHINE_TEXT_MAX])
{
	cpu_set_t set;
	int n = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	snprintf(
	    out, MACHINE_TEXT_MAX, "%d", n < WORKERS_MAX ? n : WORKERS_MAX);
}

/* The name that the resolver gives this host, as hostname --fqdn does. */
static void
full_name(char *out, size_t size)
{
	struct addrinfo want = { .ai_flags = AI_CANONNAME };
	struct addrinfo *found;

	if (gethostname(out, size) == -1)
		out[0] = '\0';
	out[size - 1] = '\0';
	if (strchr(out, '.') != NULL ||
	    getaddrinfo(out, NULL, &want, &found) != 0)
		return;
	if (found->ai_canonname != NULL)
		snprintf(out, size, "%s", found->ai_canonname);
	freeaddrinfo(found);
}

void
machine_web_domain(char out[MACHINE_TEXT_MAX])
{
	char name[MACHINE_TEXT_MAX];
	char *dot;

	full_name(name, sizeof(name));
	for (char *p = name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	dot = strchr(name, '.');
	snprintf(out, MACHINE_TEXT_MAX, "%s",
	    dot != NULL && host_name_valid(dot + 1) ? dot + 1 : "localhost");
}

void
machine_node_name(char out[MACHINE_TEXT_MAX])
{
	if (gethostname(out, MACHINE_TEXT_MAX) == -1)
		out[0] = '\0';
	out[MACHINE_TEXT_MAX - 1] = '\0';
	if (!node_name_valid(out))
		snprintf(out, MACHINE_TEXT_MAX, "node");
}

void
machine_account_prefix(char out[MACHINE_TEXT_MAX])
{
	char project[64] = "";
	FILE *f = fopen(MACHINE_PROJECT_FILE, "re");

	if (f != NULL) {
		if (fgets(project, sizeof(project), f) != NULL)
			project[strcspn(project, " \t\r\n")] = '\0';
		fclose(f);
	}
	snprintf(out, MACHINE_TEXT_MAX, "%s.",
	    tool_name_valid(project) ? project : "tools");
}

#ifdef SANITIZED
#define SANITIZED_BUILD true
#else
#define SANITIZED_BUILD false
#endif

/* They look around in ways that a sandbox ends; valgrind says it is here. */
void
machine_sandbox(char out[MACHINE_TEXT_MAX])
{
	const char *preload = getenv("LD_PRELOAD");
	bool watched = preload != NULL && strstr(preload, "vgpreload") != NULL;

	snprintf(out, MACHINE_TEXT_MAX, "%s",
	    SANITIZED_BUILD || watched ? "off" : "on");
}
