/* The history of restarts outlives the monitor, and forgets after an hour. */
#include "tools/restarts.h"

#include <unistd.h>

#include "t/tap.h"

#define NOW 1800000000

int
main(void)
{
	char path[] = "/tmp/restarts.XXXXXX";
	struct restarts r;
	int64_t last;
	FILE *f = fdopen(mkstemp(path), "w");

	fprintf(f, "%d old\n%d alpha\nrubbish\n%d alpha\n%d future\n",
	    NOW - RESTARTS_WINDOW_S, NOW - 100, NOW - 50, NOW + 10);
	fclose(f);
	ok(restarts_read(&r, path, NOW), "a history is read");
	is_int((long long)restarts_count(&r, "alpha", &last), 2, "alpha");
	is_int(last, NOW - 50, "its last");
	is_int((long long)restarts_count(&r, "old", &last), 0,
	    "an hour ago is forgotten");
	is_int((long long)restarts_count(&r, "future", &last), 0,
	    "what a clock said that was set back counts for nothing");
	ok(restarts_add(&r, "beta", NOW), "one more");
	restarts_release(&r);

	ok(restarts_read(&r, path, NOW + 1), "another process reads it");
	is_int(
	    (long long)restarts_count(&r, "beta", &last), 1, "and knows of it");
	restarts_release(&r);
	unlink(path);
	ok(restarts_read(&r, path, NOW) && r.n == 0, "no file: no history");
	r.path = "/nonexistent/restarts";
	ok(!restarts_add(&r, "beta", NOW) && r.n == 0,
	    "what cannot be remembered has not been");
	restarts_release(&r);
	ok(!restarts_read(&r, "/", NOW), "what cannot be read is no history");
	return done();
}
