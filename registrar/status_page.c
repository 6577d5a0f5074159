/* Finds the files that the linker has put into the binary. */
#include "registrar/status_page.h"

#include "lib/array.h"

/* the linker's names: ld -r -b binary */
#define FILE(name)                                                             \
	extern const char _binary_##name##_start[], _binary_##name##_end[]
FILE(index_html);
FILE(status_css);
FILE(status_js);
#undef FILE

#define AT(name) _binary_##name##_start, _binary_##name##_end

static const struct {
	struct span path, type;
	const char *start, *end;
} files[] = {
	{ { "/", 1 }, { "text/html; charset=utf-8", 24 }, AT(index_html) },
	{ { "/status.css", 11 }, { "text/css; charset=utf-8", 23 },
	    AT(status_css) },
	{ { "/status.js", 10 }, { "text/javascript; charset=utf-8", 30 },
	    AT(status_js) },
};

bool
status_page_file(struct span path, struct status_file *file)
{
	for (size_t i = 0; i < nitems(files); i++)
		if (span_eq(path, files[i].path)) {
			*file = (struct status_file){ files[i].type,
				{ files[i].start,
				    (size_t)(files[i].end - files[i].start) } };
			return true;
		}
	return false;
}
