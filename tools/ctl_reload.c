/* dynproxyctl reload, upgrade: wait for the end, and tell how it came out. */
#include "tools/ctl_commands.h"

static void
print_piece(void *arg, const struct ctlmsg *piece)
{
	(void)arg;
	if (piece->type == CTL_SAY)
		fputs(piece->text, stderr);
}

static int
wait_for(const struct ctl *ctl, enum ctl_type what, const char *name,
    const char *text)
{
	struct ctl patient = *ctl;
	int status;

	if (patient.wait_ms == 0)
		patient.wait_ms = CTL_RELOAD_WAIT_MS;
	status = ctl_ask_master(&patient, what, print_piece, NULL);
	if (status == CTL_DONE)
		ctl_say_done(ctl, name, text);
	return status;
}

int
cmd_reload(const struct ctl *ctl, char **args)
{
	(void)args;
	return wait_for(
	    ctl, CTL_RELOAD, "reload", "the configuration is in force");
}

int
cmd_upgrade(const struct ctl *ctl, char **args)
{
	(void)args;
	return wait_for(
	    ctl, CTL_UPGRADE, "upgrade", "the installed program serves");
}
