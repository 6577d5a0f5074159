/* tool, top, unknown, node: what there is to be seen, as the status page has
 * it. */
#include "registrar/ctl_command.h"
#include "registrar/tell.h"

void
ctl_tool(struct ctl *ctl)
{
	struct registrar *r = ctl->client.r;
	char key[TOOL_NAME_MAX + 2];
	struct book_name *name;
	json_t *told;

	if (!ctl_tool_key(ctl, ctl->args[0], key))
		return;
	name = book_find(&r->book, key);
	told = name != NULL ? tell_tool(r, name) : tell_gone(r, ctl->args[0]);
	if (told != NULL)
		ctl_succeed_take(ctl, told);
	else
		ctl_find_tool(ctl, ctl->args[0], key); /* says that it is not */
}

void
ctl_unknown(struct ctl *ctl)
{
	ctl_succeed_take(ctl, tell_unknown(ctl->client.r));
}

void
ctl_node(struct ctl *ctl)
{
	ctl_succeed_take(ctl, tell_node(ctl->client.r));
}

void
ctl_top(struct ctl *ctl)
{
	struct registrar *r = ctl->client.r;
	enum tell_order order = TELL_BY_RATE;
	json_t *all;

	if (ctl->args[0] != NULL)
		order = tell_order_of(ctl->args[0]);
	if (order == TELL_ORDERS) {
		ctl_fail(ctl, CTL_USAGE, "\"%.32s\": write rate, errors or ms",
		    ctl->args[0]);
		return;
	}
	all = tell_node(r);
	json_object_update_new(all, tell_tools(r, "", order, TELL_TOOLS_MAX));
	ctl_succeed_take(ctl, all);
}
