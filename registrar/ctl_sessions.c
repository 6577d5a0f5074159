/* sessions: the requests that workers have had under way for a while. */
#include "registrar/ctl_command.h"
#include "shm/requests.h"

static const char *const states[REQUEST_STATES] = {
	[REQUEST_CONNECTING] = "connecting",
	[REQUEST_SENDING] = "sending",
	[REQUEST_WAITING] = "waiting",
	[REQUEST_RECEIVING] = "receiving",
	[REQUEST_BLOCKED] = "blocked",
	[REQUEST_TUNNEL] = "tunnel",
};

static json_t *
client_of(const struct request_note *note)
{
	char text[INET6_ADDRSTRLEN];

	return note->client.family == 0
		   ? json_null()
		   : json_string(ip_format(&note->client, text));
}

static json_t *
backend_of(const struct request_note *note)
{
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	if (note->backend.family == 0)
		return json_null();
	addr_set(&addr, &note->backend, note->backend_port);
	return json_string(addr_format(&addr, text));
}

static json_t *
tell(const struct request_note *note, uint32_t worker, uint64_t now_ms)
{
	return json_pack("{s:s?, s:s, s:o, s:o, s:I, s:I, s:I, s:s, s:s, s:I}",
	    "tool", note->tool[0] != '\0' ? note->tool : NULL, "url", note->url,
	    "client", client_of(note), "backend", backend_of(note), "age",
	    (json_int_t)((now_ms - note->begun_ms) / 1000), "received",
	    (json_int_t)note->received, "sent", (json_int_t)note->sent, "state",
	    states[note->state], "protocol", note->protocol, "worker",
	    (json_int_t)worker);
}

/* Those of a worker.  False: no memory, and the list is broken. */
static bool
put_slab(struct ctl *ctl, size_t slab)
{
	struct registrar *r = ctl->client.r;
	struct buf *out = &ctl->client.out;
	struct request_note notes[REQUESTS_TOLD];
	const char *tool = ctl->args[0];
	uint32_t worker;
	size_t n;

	n = requests_read(r->requests, slab, r->loop.now_ms, &worker, notes);
	for (size_t i = 0; i < n; i++) {
		if (tool != NULL && strcmp(notes[i].tool, tool) != 0)
			continue;
		if (!buf_printf(out, ctl->listing.some ? ",\n" : "\n") ||
		    !listing_put_json_take(
			out, tell(&notes[i], worker, r->loop.now_ms))) {
			ctl->listing.broken = true;
			return false;
		}
		ctl->listing.some = true;
	}
	return true;
}

bool
ctl_sessions_more(struct ctl *ctl)
{
	size_t slabs = requests_slabs(ctl->client.r->requests);

	while (ctl->slab < slabs) {
		if (buf_len(&ctl->client.out) >= CLIENT_PIECE)
			return true;
		if (!put_slab(ctl, ctl->slab++))
			return false;
	}
	return false;
}

void
ctl_sessions(struct ctl *ctl)
{
	char key[TOOL_NAME_MAX + 2];

	if (ctl->args[0] != NULL && !ctl_tool_key(ctl, ctl->args[0], key))
		return;
	ctl_begin_list(ctl, LISTS_SESSIONS);
}
