/*
 * A tenant's pattern (the first line) and a path: what may be registered can
 * be matched, and ends soon.
 */
#include <stdlib.h>

#include "route/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct route route;
	const char *lf = size > 0 ? memchr(data, '\n', size) : NULL;
	struct span pattern = { (const char *)data, size }, path;
	uint64_t work = PATTERN_WORK;
	char why[128];

	if (lf == NULL)
		return 0;
	pattern.len = (size_t)(lf - pattern.ptr);
	path = (struct span){ lf + 1, size - pattern.len - 1 };
	if (!pattern_valid(pattern, why, sizeof(why)))
		return 0;
	route.kind = pattern_kind(pattern, &route.text);
	pattern_match(&route, path, &work);
	return 0;
}
