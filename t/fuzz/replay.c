/*
 * Gives a harness every input of its corpus, those that once were findings
 * too: t/fuzz/http_parse.c is given the files of t/fuzz/corpus/http_parse.
 */
#include <bsd/stdlib.h>
#include <dirent.h>
#include <stdint.h>

#include "t/tap.h"

#define INPUT_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(INPUT_MAX), *exact;
	size_t n;

	if (file == NULL || bytes == NULL)
		return false;
	n = fread(bytes, 1, INPUT_MAX, file);
	exact = malloc(n + (n == 0)); /* a sanitizer sees its end */
	memcpy(exact, bytes, n);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	free(bytes);
	fclose(file);
	return true;
}

static int
is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int
main(int argc, char **argv)
{
	const char *name = getprogname(), *dot = strrchr(name, '.');
	char path[1024];
	struct dirent **entries;
	int n;

	(void)argv;
	ok(argc == 1, "it takes no arguments");
	snprintf(path, sizeof(path), "t/fuzz/corpus/%.*s",
	    dot != NULL ? (int)(dot - name) : (int)strlen(name), name);
	n = scandir(path, &entries, is_input, alphasort);
	ok(n > 0, "%s: %d inputs", path, n);
	for (int i = 0; i < n; i++) {
		char input[2048];

		snprintf(
		    input, sizeof(input), "%s/%s", path, entries[i]->d_name);
		ok(replay(input), "%s", entries[i]->d_name);
		free(entries[i]);
	}
	if (n > 0)
		free(entries);
	return done();
}
