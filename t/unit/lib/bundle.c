/* Pieces come back as they were sealed, and nothing can be changed. */
#include "lib/bundle.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/array.h"
#include "t/tap.h"

static void
test_pieces(void)
{
	static const struct bundle_piece in[] = {
		{ { "a", 1 }, { "alpha", 5 } },
		{ { "", 0 }, { "", 0 } },
		{ { "c", 1 }, { "\0\n", 2 } },
	};
	int fd = bundle_seal("t", in, nitems(in));
	struct bundle_piece out;
	struct bundle b;
	size_t at = 0, n = 0;

	ok(bundle_open(&b, fd), "it opens");
	for (; bundle_next(&b, &at, &out); n++)
		ok(span_eq(out.name, in[n].name) &&
			span_eq(out.bytes, in[n].bytes),
		    "piece %zu", n);
	is_int((long long)n, nitems(in), "all of them");
	bundle_close(&b);
	ok(write(fd, "x", 1) == -1 && errno == EPERM, "nobody can write");
	ok(ftruncate(fd, 0) == -1 && errno == EPERM, "nor cut");
	close(fd);
}

/* Whatever is in it, reading stays inside. */
static void
test_damage(void)
{
	char bytes[64] = { 1, 0, 0, 0, 1, 0, 0, 0, 'a', 'b', -1, -1, -1, -1 };
	struct bundle_piece out;
	struct bundle b;
	int fd;

	for (size_t n = 0; n <= sizeof(bytes); n++) {
		size_t at = 0, pieces = 0;

		fd = sealed_memfd("t", (struct span){ bytes, n });
		if (!bundle_open(&b, fd))
			break;
		while (bundle_next(&b, &at, &out))
			pieces++;
		is_int((long long)pieces, n >= 10, "of %zu bytes", n);
		bundle_close(&b);
		close(fd);
	}
	fd = memfd_create("t", MFD_CLOEXEC);
	ok(!bundle_open(&b, fd) && (errno == EPROTO || errno == EPERM),
	    "what is not sealed is not read");
	close(fd);
}

int
main(void)
{
	test_pieces();
	test_damage();
	return done();
}
