/*
 * portgrabber(1): take a free port, register it, and become a command that
 * gets the port as its last argument.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/account.h"
#include "tools/own_address.h"

#define ROUTE ".*"
#define PATIENCE_MS 15000
#define WHY_MAX 256

static void
register_port(uint16_t port)
{
	char url[OWN_URL_MAX];
	struct reg reg;
	struct ip ip;

	if (!reg_init(&reg, NULL))
		errx(1, "whom to register with? %s", reg.said);
	if (reg.host[0] == '\0')
		return; /* the platform's kill switch */
	if (!own_address(&reg, NULL, &ip))
		errx(1, "no own address: %s", reg.said);
	reg.patience_ms = PATIENCE_MS;
	own_url(&ip, port, url);
	switch (reg_say(&reg, "register", ROUTE, url)) {
	case REG_OK:
	case REG_OFF:
		return;
	default:
		errx(1, "%s does not register %s: %s", reg.host, url, reg.said);
	}
}

int
main(int argc, char **argv)
{
	struct account account;
	char port[6], why[WHY_MAX];
	uint16_t number;

	if (argc < 3) {
		fputs(
		    "usage: portgrabber TOOL COMMAND [ARGUMENT ...]\n", stderr);
		return 2;
	}
	if (!account_of_uid(&account, getuid(), why))
		errx(1, "%s", why);
	if (strcmp(account.tool, argv[1]) != 0)
		errx(1, "you are the tool %s, not %s", account.tool, argv[1]);
	number = own_free_port();
	if (number == 0)
		err(1, "no free port");
	register_port(number);
	snprintf(port, sizeof(port), "%u", number);
	/* the words move down by two; the port comes where the NULL was */
	memmove(argv, argv + 2, (size_t)(argc - 2) * sizeof(*argv));
	argv[argc - 2] = port;
	argv[argc - 1] = NULL;
	execvp(argv[0], argv);
	err(127, "cannot run %s", argv[0]);
}
