/* Under which address and port the proxy finds a server of this host. */
#ifndef TOOLS_OWN_ADDRESS_H
#define TOOLS_OWN_ADDRESS_H

#include "tools/reg.h"

#define OWN_URL_MAX 80

/* A port on which nobody listens now; 0 with errno: there is none. */
uint16_t own_free_port(void);

/*
 * Our own address: as given, else what this host's name resolves to, unless
 * that is loopback; else the one from which we talk to the proxy.
 * False: reg->said says why there is none.
 */
bool own_address(struct reg *reg, const char *given, struct ip *ip);

/* "http://<ip>:<port>"; returns url. */
const char *own_url(const struct ip *ip, uint16_t port, char url[OWN_URL_MAX]);

#endif
