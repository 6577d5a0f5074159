/* registrations: who is connected to 8282 now, and what it has said. */
#include "registrar/ctl_command.h"
#include "registrar/session.h"

/* The youngest first: the next one is older than what was written last. */
bool
ctl_registrations_more(struct ctl *ctl)
{
	struct registrar *r = ctl->client.r;
	struct buf *out = &ctl->client.out;
	const struct client *c;

	LIST_FOREACH(c, &r->clients.list, entry)
	{
		if (c->kind != &session_kind ||
		    c->number >= ctl->registrations_left)
			continue;
		if (buf_len(out) >= CLIENT_PIECE)
			return true;
		ctl->listing.broken =
		    !buf_printf(out, ctl->listing.some ? ",\n" : "\n") ||
		    !listing_put_json_take(out, session_tell(c));
		if (ctl->listing.broken)
			return false;
		ctl->listing.some = true;
		ctl->registrations_left = c->number;
	}
	return false;
}

void
ctl_registrations(struct ctl *ctl)
{
	ctl->registrations_left = UINT64_MAX;
	ctl_begin_list(ctl, LISTS_REGISTRATIONS);
}
