/* Reads the options that a table names. */
#include "tools/options.h"

#include <assert.h>
#include <getopt.h>
#include <stdlib.h>

#define OPTIONS_MAX 32

int
options_read(int argc, char **argv, const struct option_row *rows,
    void (*usage)(FILE *out), int mistaken)
{
	struct option options[OPTIONS_MAX] = { { .name = NULL } };
	int n = 0, found, index;

	for (; rows[n].name != NULL; n++) {
		assert(n < OPTIONS_MAX - 2); /* help, and the end */
		options[n].name = rows[n].name;
		options[n].has_arg =
		    rows[n].text != NULL ? required_argument : no_argument;
	}
	options[n].name = "help";
	while ((found = getopt_long(argc, argv, "+", options, &index)) != -1) {
		if (found == '?') {
			usage(stderr);
			exit(mistaken);
		}
		if (index == n) {
			usage(stdout);
			exit(0);
		}
		if (rows[index].text != NULL)
			*rows[index].text = optarg;
		else if (rows[index].flag != NULL)
			*rows[index].flag = true;
	}
	return optind;
}
