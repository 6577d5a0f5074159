/*
 * portgrabber(1): take a free port, register it, and become a command that
 * gets the port as its last argument.
 */
#include <bsd/err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/stdfd.h"
#include "tools/account.h"
#include "tools/own_address.h"

#define PATIENCE_MS 15000
#define WHY_MAX 256

/* False: there is nobody to register with. */
static bool
register_port(struct reg *reg, uint16_t port)
{
	char url[OWN_URL_MAX];
	struct ip ip;

	if (!reg_init(reg, NULL))
		errx(1, "whom to register with? %s", reg->said);
	if (reg->host[0] == '\0')
		return false; /* the platform's kill switch */
	if (!own_address(reg, NULL, &ip))
		errx(1, "no own address: %s", reg->said);
	reg->patience_ms = PATIENCE_MS;
	own_url(&ip, port, url);
	if (reg_say(reg, "register", REG_ROUTE, url) == REG_OK)
		return true;
	errx(1, "%s does not register %s: %s", reg->host, url, reg->said);
}

static void
usage(FILE *out)
{
	fputs("usage: portgrabber TOOL COMMAND [ARGUMENT ...]\n", out);
}

int
main(int argc, char **argv)
{
	struct account account;
	char port[6], why[WHY_MAX];
	struct reg reg;
	uint16_t number;
	bool registered;
	int error;

	stdfd_open();
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		usage(stdout);
		return 0;
	}
	if (argc < 3) {
		usage(stderr);
		return 2;
	}
	if (!account_of_uid(&account, getuid(), why))
		errx(1, "%s", why);
	if (strcmp(account.tool, argv[1]) != 0)
		errx(1, "you are the tool %s, not %s", account.tool, argv[1]);
	number = own_free_port();
	if (number == 0)
		err(1, "no free port");
	registered = register_port(&reg, number);
	snprintf(port, sizeof(port), "%u", number);
	/* the words move down by two; the port comes where the NULL was */
	memmove(argv, argv + 2, (size_t)(argc - 2) * sizeof(*argv));
	argv[argc - 2] = port;
	argv[argc - 1] = NULL;
	execvp(argv[0], argv);
	error = errno;
	if (registered)
		reg_say(&reg, "unregister", REG_ROUTE, NULL);
	errc(127, error, "cannot run %s", argv[0]);
}
