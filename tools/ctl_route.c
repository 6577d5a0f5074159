/* dynproxyctl add, del, drain, undrain, believe: by the operator's word. */
#include "tools/ctl_commands.h"

int
cmd_add(const struct ctl *ctl, char **args)
{
	json_t *data;
	int status = ctl_ask(ctl, "add", args, &data);

	if (status != CTL_DONE)
		return status;
	if (ctl->json)
		ctl_print_json(data);
	else if (!ctl->quiet)
		printf("%s: %s -> %s\n", args[0], args[1], args[2]);
	json_decref(data);
	return CTL_DONE;
}

int
cmd_del(const struct ctl *ctl, char **args)
{
	json_t *data;
	int status = ctl_ask(ctl, "del", args, &data);

	if (status != CTL_DONE)
		return status;
	if (ctl->json)
		ctl_print_json(data);
	else if (!ctl->quiet)
		printf("%s: %s is gone\n", args[0],
		    args[1] != NULL ? args[1] : "every route");
	json_decref(data);
	return CTL_DONE;
}

int
cmd_believe(const struct ctl *ctl, char **args)
{
	json_t *data;
	int status = ctl_ask(ctl, "believe", args, &data);

	if (status != CTL_DONE)
		return status;
	if (ctl->json)
		ctl_print_json(data);
	else if (!ctl->quiet)
		printf("routes that Redis lacks are removed now\n");
	json_decref(data);
	return CTL_DONE;
}

static int
mark(const struct ctl *ctl, const char *cmd, char **args, const char *done)
{
	json_t *data;
	int status = ctl_ask(ctl, cmd, args, &data);

	if (status != CTL_DONE)
		return status;
	if (ctl->json)
		ctl_print_json(data);
	else if (!ctl->quiet)
		printf("%s %s\n", args[0], done);
	json_decref(data);
	return CTL_DONE;
}

int
cmd_drain(const struct ctl *ctl, char **args)
{
	return mark(ctl, "drain", args, "gets no new requests");
}

int
cmd_undrain(const struct ctl *ctl, char **args)
{
	return mark(ctl, "undrain", args, "gets requests again");
}
