/*
 * dynproxy-import(8): reads a running original, which is its Redis and the
 * settings of its puppet, and prints a dynproxy.conf(5) for the same site. What
 * has no place there is told in comments: nothing is left out in silence.
 */
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/stdfd.h"
#include "tools/import.h"

static void
usage(FILE *out)
{
	fputs("usage: dynproxy-import [--redis ADDRESS] [--password FILE] "
	      "[YAML ...]\n",
	    out);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "redis", required_argument, NULL, 'r' },
		{ "password", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *redis = NULL, *password = NULL;
	int option;

	stdfd_open();
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option) {
		case 'r':
			redis = optarg;
			break;
		case 'p':
			password = optarg;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	if (redis == NULL && optind == argc) {
		usage(stderr);
		return 2;
	}
	puts("# Made by dynproxy-import: look through it, then try dynproxyd "
	     "-t.");
	for (int i = optind; i < argc; i++)
		import_yaml(argv[i]);
	if (redis != NULL)
		import_redis(redis, password);
	if (fflush(stdout) == EOF || ferror(stdout))
		err(1, "standard output");
	return 0;
}
