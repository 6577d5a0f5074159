/* What a setting called "auto" is on this machine: read by the master only. */
#ifndef CONF_MACHINE_H
#define CONF_MACHINE_H

#include <stddef.h>

#define MACHINE_TEXT_MAX 256 /* a value; with the NUL */
#define MACHINE_PROJECT_FILE "/etc/wmcs-project"

/* The cores that we may run on, at most 256. */
void machine_workers(char out[MACHINE_TEXT_MAX]);

/* The host's domain; "localhost" when it has none. */
void machine_web_domain(char out[MACHINE_TEXT_MAX]);

/* The host's own name, as far as it may be a node's; "node" otherwise. */
void machine_node_name(char out[MACHINE_TEXT_MAX]);

/* The project of /etc/wmcs-project and a dot; "tools." without that file. */
void machine_account_prefix(char out[MACHINE_TEXT_MAX]);

/* "off" in a build with sanitizers and under valgrind(1), else "on". */
void machine_sandbox(char out[MACHINE_TEXT_MAX]);

#endif
