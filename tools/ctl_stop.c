/* dynproxyctl stop: end dynproxyd, and wait until it has ended. */
#include "tools/ctl_commands.h"

#include <err.h>
#include <string.h>

/* drain_timeout is the master's to keep */
#define STOP_WAIT_MS (7ull * 86400 * 1000)

int
cmd_stop(const struct ctl *ctl, char **args)
{
	struct ctl patient = *ctl;
	bool now = args[0] != NULL;
	int status;

	if (now && strcmp(args[0], "--now") != 0) {
		warnx("usage: dynproxyctl stop [--now]");
		return CTL_USAGE;
	}
	if (patient.wait_ms == 0)
		patient.wait_ms = STOP_WAIT_MS;
	status =
	    ctl_ask_master(&patient, now ? CTL_STOP_NOW : CTL_STOP, NULL, NULL);
	if (status == CTL_DONE)
		ctl_say_done(ctl, "stop", "dynproxyd has ended");
	return status;
}
