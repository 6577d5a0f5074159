/* A tool's web service, and the places where it can run (5-webservice.md). */
#ifndef TOOLS_SERVICE_H
#define TOOLS_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tools/account.h"

#define SERVICE_RUNNER "webservice-runner"

enum service_state {
	SERVICE_STOPPED,
	SERVICE_PENDING, /* it waits for its turn, or is ending */
	SERVICE_RUNNING,
	SERVICE_UNKNOWN, /* cannot be told; why has been said */
};

struct service {
	const struct account *account; /* borrowed, as all of this is */
	const char *type;
	const char *release; /* of the operating system; gridengine */
	const char *memory;  /* kubernetes; NULL: the default */
	const char *cpu;
	unsigned replicas;	 /* kubernetes; 0: the default */
	const char *const *args; /* for the server */
	size_t nargs;
};

/* Where it runs.  What goes wrong is told on standard error. */
struct backend {
	const char *name;
	const char *default_type;
	/* Is this a type that can run here, and is what it needs there? */
	bool (*check)(const struct service *s);
	bool (*start)(const struct service *s);
	bool (*stop)(const struct service *s);
	enum service_state (*state)(const struct service *s);
	/* Print its last lines, and with follow those that come. */
	bool (*logs)(const struct service *s, bool follow);
};

extern const struct backend backend_gridengine, backend_local,
    backend_kubernetes;

/* For backends whose services write ~/error.log. */
bool service_tail_log(const struct service *s, bool follow);

/* How long it is now; what comes behind that is of a new start. */
off_t service_log_size(const struct service *s);

/* Print its last lines, of what came behind `from`.  False: there is none. */
bool service_show_log(const struct service *s, off_t from);

/* Tools are <tool>.<this>: $WEBSERVICE_DOMAIN, else toolforge.org. */
const char *service_domain(void);

/* The program that runs in the job: beside our own, else /usr/bin. */
void service_runner_path(char *path, size_t size);

#endif
