/* dynproxyctl reload: waits for the end, and tells how it came out. */
#include "tools/ctl_commands.h"

static void
print_piece(void *arg, const struct ctlmsg *piece)
{
	(void)arg;
	if (piece->type == CTL_SAY)
		fputs(piece->text, stderr);
}

int
cmd_reload(const struct ctl *ctl, char **args)
{
	struct ctl patient = *ctl;

	(void)args;
	patient.wait_s = CTL_RELOAD_WAIT_S;
	return ctl_ask_master(&patient, CTL_RELOAD, print_piece, NULL);
}
