/* A tool's last errors, of all workers, the newest first; others' are not. */
#include "shm/errors.h"

#include <stdio.h>
#include <string.h>

#include "shm/segment.h"
#include "t/tap.h"

static void
put(struct errors_writer *w, uint32_t slot, uint64_t at_ms, const char *request)
{
	struct error_note note = { .at_ms = at_ms, .slot = slot };

	snprintf(note.request, sizeof(note.request), "%s", request);
	errors_put(w, &note);
}

int
main(void)
{
	int fd = segment_create("t", errors_size(2));
	struct errors_writer one, two, none;
	struct errors_reader r;
	struct error_note got[8];

	is_int(errors_writer_open(&one, fd, 0), 0, "a worker");
	is_int(errors_writer_open(&two, fd, 1), 0, "and another");
	is_int(errors_writer_open(&none, fd, 2), -1, "for whom there is room");
	is_int(errors_reader_open(&r, segment_reopen_readonly(fd)), 0, "reader");
	is_int(errors_read(&r, 5, got, 8), 0, "no errors");
	put(&one, 5, 10, "GET /a");
	put(&two, 5, 30, "GET /c");
	put(&one, 6, 15, "GET /other");
	put(&one, 5, 20, "GET /b\n\x01");
	is_int(errors_read(&r, 5, got, 8), 3, "three of the tool");
	is_str(got[0].request, "GET /c", "the newest first");
	is_str(got[1].request, "GET /b??", "printable");
	is_str(got[2].request, "GET /a", "the oldest last");
	is_int(errors_read(&r, 5, got, 2), 2, "as many as asked for");
	for (unsigned i = 0; i < 3 * ERRORS_KEPT; i++)
		put(&one, 6, 100 + i, "GET /flood");
	is_int(errors_read(&r, 5, got, 8), 1, "a flood of another's errors");
	is_int(errors_read(&r, 6, got, 8), 8, "which are there");
	is_int((int)got[0].at_ms, 100 + 3 * ERRORS_KEPT - 1, "the newest");
	errors_reader_close(&r);
	errors_writer_close(&one);
	errors_writer_close(&two);
	return done();
}
