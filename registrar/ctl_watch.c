/* watch: events of this process, to whoever wants to see them happen. */
#include "registrar/ctl_command.h"

#include "lib/clock.h"

#define BEHIND_MAX (CLIENT_ANSWER_MAX / 2) /* bytes; then it is let go */

/* No event may come of this: it would come here. */
static void
on_event(void *arg, const char *line)
{
	struct registrar *r = arg;
	struct ctl *ctl;
	json_t *value;

	LIST_FOREACH(ctl, &r->watchers, watcher)
	{
		struct client *c = &ctl->client;

		if (!c->stays || (ctl->args[0] != NULL &&
				     !events_concern(line, ctl->args[0])))
			continue;
		if (buf_len(&c->out) > BEHIND_MAX) {
			client_end(c);
			continue;
		}
		value = events_tell(clock_real_ms(), line);
		if (!listing_put_json_take(&c->out, value) ||
		    !buf_printf(&c->out, "\n"))
			client_end(c);
		else
			client_answer(c);
	}
}

void
ctl_watch(struct ctl *ctl)
{
	struct registrar *r = ctl->client.r;
	char key[TOOL_NAME_MAX + 2];

	if (ctl->args[0] != NULL && !ctl_tool_key(ctl, ctl->args[0], key))
		return;
	ctl->watches = true;
	ctl->client.stays = ctl->client.patient = true;
	LIST_INSERT_HEAD(&r->watchers, ctl, watcher);
	events_watch(r->events, on_event, r);
	ctl_succeed_take(ctl, json_object());
}

void
ctl_watch_end(struct ctl *ctl)
{
	struct registrar *r = ctl->client.r;

	if (!ctl->watches)
		return;
	LIST_REMOVE(ctl, watcher);
	if (LIST_EMPTY(&r->watchers))
		events_watch(r->events, NULL, NULL);
}
