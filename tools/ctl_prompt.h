/* dynproxyctl without a command: one line after the other. */
#ifndef TOOLS_CTL_PROMPT_H
#define TOOLS_CTL_PROMPT_H

#include "tools/ctl_client.h"

/*
 * Read commands from the terminal, with history and editing (editline(7)),
 * until quit or the end; run() is called with the words of each.  Returns an
 * exit code: that of the last one.
 */
int ctl_prompt(const struct ctl *ctl,
    int (*run)(const struct ctl *ctl, int argc, char **argv));

#endif
