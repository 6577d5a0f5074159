/*
 * The control socket: one line of JSON in, one out; of routes, registrations
 * and requests each is on a line of its own (4-operations.md 4.2).  A list that
 * could not be written to its end has none (lib/ctlline.h).
 *
 *	{"v":1,"cmd":"list","args":["alpha"]}
 *	{"v":1,"exit":0,"data":...}
 *	{"v":1,"exit":1,"error":"what is wrong and what to do"}
 */
#ifndef REGISTRAR_CTL_H
#define REGISTRAR_CTL_H

#include "registrar/client.h"

extern const struct client_kind ctl_kind;

#endif
