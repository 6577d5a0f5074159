/*
 * dynproxy-domains(8): what its parts share.  A request goes down: domains_http
 * reads it, domains_api decides, domains_auth says who asks, domains_name what
 * he may have; domains_change brings it to the store and the registrar.
 */
#ifndef TOOLS_DOMAINS_H
#define TOOLS_DOMAINS_H

#include "tools/ctl_client.h"
#include "tools/domains_auth.h"
#include "tools/domains_change.h"
#include "tools/domains_dns.h"
#include "tools/domains_store.h"
#include "tools/jsonfile.h"

#define DOMAINS_WHY_MAX CTL_SAID_MAX

struct domains {
	struct ctl registrar;	 /* whom to tell */
	struct store *store;	 /* owned */
	struct jsonfile zones;
	struct auth auth;
	struct changer changer;
	struct dns dns;
	const char *live_file;	 /* addresses of live instances; NULL: none */
	const char *live_hook;	 /* or a command that lists them */
	bool read_only;
};

#endif
