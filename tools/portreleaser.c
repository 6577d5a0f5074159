/*
 * portreleaser(1): unregister the tool whose user this is.  For the grid's
 * epilog, which runs however the job has ended.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "lib/stdfd.h"
#include "tools/reg.h"

#define PATIENCE_MS 10000

int
main(int argc, char **argv)
{
	struct reg reg;

	stdfd_open();
	if (argc > 1) {
		bool help = strcmp(argv[1], "--help") == 0;

		fputs("usage: portreleaser\n", help ? stdout : stderr);
		return help ? 0 : 2;
	}
	if (!reg_init(&reg, NULL))
		errx(1, "whom to tell? %s", reg.said);
	reg.patience_ms = PATIENCE_MS;
	switch (reg_say(&reg, "unregister", REG_ROUTE, NULL)) {
	case REG_OK:
	case REG_OFF:
		return 0;
	default:
		errx(1, "%s does not unregister this tool: %s", reg.host,
		    reg.said);
	}
}
