/* From what a session asks for to the change of routes that does it. */
#ifndef REGISTRAR_SESSION_CHANGE_H
#define REGISTRAR_SESSION_CHANGE_H

#include <stdbool.h>

struct session;

/* Do what s->request says, for s->key, unless it may not be; and answer. */
void session_submit(struct session *s);

/* Its lease is held, from now on, by this session.  False: no memory. */
bool session_hold(struct session *s);

/* No new requests to the backend of its lease; and answer. */
void session_drain(struct session *s);

#endif
