/* Changes to the fields of a message that was parsed, or is being made. */
#ifndef HTTP_EDIT_H
#define HTTP_EDIT_H

#include "http/msg.h"

/* A response without fields. */
void http_msg_begin(struct http_msg *msg, unsigned status);

/*
 * Add a field of ours at the end.  There is room for HTTP_FIELDS_OURS of them;
 * the spans have to live as long as msg is used.
 */
void http_msg_add(struct http_msg *msg, struct span name, struct span value);

/* Drop the fields for which this is true. */
void http_msg_drop(struct http_msg *msg,
    bool (*is_one)(const struct http_msg *msg, const struct http_field *f,
	const void *user),
    const void *user);

#endif
