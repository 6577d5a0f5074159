/* The commands of webservice(1). */
#ifndef TOOLS_WEBSERVICE_COMMANDS_H
#define TOOLS_WEBSERVICE_COMMANDS_H

#include "tools/manifest.h"
#include "tools/service.h"

#define WEBSERVICE_WHY_MAX 256

struct webservice {
	struct account account;
	struct manifest manifest, template;
	struct service service;
	const struct backend *backend;
	const char *backend_option, *type_option, *template_option;
	const char *args[MANIFEST_ARGS_MAX];
	bool follow;
};

/* Each says what it did, and returns an exit status. */
int webservice_start(struct webservice *w);
int webservice_stop(struct webservice *w);
int webservice_restart(struct webservice *w);
int webservice_status(struct webservice *w);
int webservice_logs(struct webservice *w);

#endif
