/* dynproxyctl add, del, drain, undrain, believe: by the operator's word. */
#include "tools/ctl_commands.h"

int
cmd_add(const struct ctl *ctl, char **args)
{
	return ctl_ask_and_say(
	    ctl, "add", args, "%s: %s -> %s\n", args[0], args[1], args[2]);
}

int
cmd_del(const struct ctl *ctl, char **args)
{
	return ctl_ask_and_say(ctl, "del", args, "%s: %s is gone\n", args[0],
	    args[1] != NULL ? args[1] : "every route");
}

int
cmd_believe(const struct ctl *ctl, char **args)
{
	return ctl_ask_and_say(
	    ctl, "believe", args, "routes that Redis lacks are removed now\n");
}

int
cmd_drain(const struct ctl *ctl, char **args)
{
	return ctl_ask_and_say(
	    ctl, "drain", args, "%s gets no new requests\n", args[0]);
}

int
cmd_undrain(const struct ctl *ctl, char **args)
{
	return ctl_ask_and_say(
	    ctl, "undrain", args, "%s gets requests again\n", args[0]);
}
