/* What INFO replication says, by primaries, replicas and whatever else. */
#include "registrar/redis_replication.h"

#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "registrar/redis_reader.h"
#include "t/tap.h"

#define PRIMARY                                                                \
	"# Replication\r\nrole:master\r\nconnected_slaves:2\r\n"               \
	"slave0:ip=10.0.0.2,port=6379,state=online,offset=42,lag=1\r\n"        \
	"slave1:ip=10.0.0.3,port=6379,state=online,offset=7,lag=9\r\n"         \
	"master_replid:abc\r\nmaster_replid2:def\r\nlag=77\r\n"

static const struct {
	const char *what, *info;
	uint64_t lag_s;
	const char *replid, *replid2;
	bool cut_off;
} cases[] = {
	{ "a primary: its slowest replica", PRIMARY, 9, "abc", "def", false },
	{ "a primary without one",
	    "# Replication\r\nrole:master\r\nmaster_replid:abc\r\n", 0, "abc",
	    "", false },
	{ "a replica",
	    "\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:4\r\n", 4,
	    "", "", false },
	{ "a replica that is cut off",
	    "\r\nmaster_link_status:down\r\nmaster_last_io_seconds_ago:-1\r\n"
	    "master_link_down_since_seconds:30\r\n",
	    30, "", "", true },
	{ "a number that cannot be",
	    "\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:-1\r\n", 0,
	    "", "", false },
	{ "a replica without a lag",
	    "\nslave0:ip=10.0.0.2\r\nother:x,lag=3\r\n", 0, "", "", false },
	{ "an id that is too long",
	    "\nmaster_replid:"
	    "0123456789012345678901234567890123456789012345678901234\r\n",
	    0, "", "", false },
	{ "nothing", "", 0, "", "", false },
	{ "no end", "\nslave0:lag=", 0, "", "", false },
};

/* Each line is looked at once, or this would take for ever. */
static void
test_many_lines(void)
{
	static const char line[] = "\nslave";
	size_t len = sizeof(line) - 1, n = REDIS_REPLY_MAX / len;
	char *info = malloc(n * len + 1);
	struct replication_info said;

	for (size_t i = 0; i < n; i++)
		memcpy(info + i * len, line, len);
	info[n * len] = '\0';
	replication_parse(info, &said);
	is_int(said.lag_s, 0, "as many replicas as a reply has room for");
	free(info);
}

int
main(void)
{
	struct replication_info info;

	for (size_t i = 0; i < nitems(cases); i++) {
		replication_parse(cases[i].info, &info);
		is_int(info.lag_s, cases[i].lag_s, "%s", cases[i].what);
		ok(!info.never, "and it knows how late it is");
		is_str(info.replid, cases[i].replid, "whose data");
		is_str(info.replid2, cases[i].replid2, "and before");
		ok(info.cut_off == cases[i].cut_off, "and whether more comes");
	}
	replication_parse("\r\nmaster_link_status:down\r\n"
			  "master_link_down_since_seconds:-1\r\n",
	    &info);
	ok(info.never, "a replica that never had a primary");
	test_many_lines();
	return done();
}
