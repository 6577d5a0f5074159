/* Reads the one word that a small file holds. */
#include "tools/oneline.h"

bool
oneline_read(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t len;

	if (f == NULL)
		return false;
	if (fgets(line, (int)size, f) == NULL)
		line[0] = '\0';
	fclose(f);
	len = strcspn(line, " \t\r\n");
	/* one that goes on would be another word */
	line[len == size - 1 ? 0 : len] = '\0';
	return true;
}
