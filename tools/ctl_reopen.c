/* dynproxyctl reopen: a new log file, after the old one was renamed. */
#include "tools/ctl_commands.h"

#include <err.h>

int
cmd_reopen(const struct ctl *ctl, char **args)
{
	int status = ctl_ask_master(ctl, CTL_REOPEN, NULL, NULL);

	(void)args;
	if (status == CTL_DONE)
		ctl_say_done(ctl, "reopen", "a new access log has begun");
	else if (status == CTL_REFUSED)
		warnx("the new file could not be opened, and the old one is "
		      "used: dynproxyd's log says why");
	else if (status == CTL_AGAIN)
		warnx("the logger did not answer: try again");
	return status;
}
