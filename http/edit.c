/* Keeps the index of a message's fields while they change. */
#include "http/edit.h"

#include <assert.h>

#include "http/fields.h"
#include "http/serialize.h"

#define FIELDS (HTTP_FIELDS_MAX + HTTP_FIELDS_OURS)

static void
put(struct http_msg *msg, const struct http_field *f)
{
	if (f->id != FIELD_OTHER && msg->count[f->id]++ == 0)
		msg->first[f->id] = (uint16_t)msg->nfields;
	msg->field[msg->nfields++] = *f;
}

void
http_msg_begin(struct http_msg *msg, unsigned status)
{
	msg->status = status;
	msg->reason = http_status_phrase(status);
	msg->major = msg->minor = 1;
	msg->nfields = 0;
	memset(msg->count, 0, sizeof(msg->count));
}

void
http_msg_add(struct http_msg *msg, struct span name, struct span value)
{
	struct http_field f = { name, value, http_field_lookup(name), true };

	assert(msg->nfields < FIELDS);
	put(msg, &f);
}

void
http_msg_drop(struct http_msg *msg,
    bool (*is_one)(const struct http_msg *msg, const struct http_field *f,
	const void *user),
    const void *user)
{
	bool drop[FIELDS];
	size_t n = msg->nfields, dropped = 0;

	/* all are asked about before one moves: the answers look at msg */
	for (size_t i = 0; i < n; i++)
		dropped += drop[i] = is_one(msg, &msg->field[i], user);
	if (dropped == 0)
		return;
	msg->nfields = 0;
	memset(msg->count, 0, sizeof(msg->count));
	for (size_t i = 0; i < n; i++)
		if (!drop[i])
			put(msg, &msg->field[i]);
}
