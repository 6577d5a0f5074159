/* A trace goes on where it is valid, and begins anew where it is not. */
#include "http/trace.h"

#include "t/tap.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN_ID "00f067aa0ba902b7"
#define ZERO16 "0000000000000000"

static const struct {
	const char *what, *received, *flags; /* NULL: a new trace */
} parents[] = {
	{ "sampled", "00-" ID "-" SPAN_ID "-01", "01" },
	{ "not sampled", "00-" ID "-" SPAN_ID "-00", "00" },
	{ "a random trace id, level 2", "00-" ID "-" SPAN_ID "-03", "03" },
	{ "flags that nobody knows are cleared", "00-" ID "-" SPAN_ID "-fd",
	    "01" },
	{ "a later version", "cc-" ID "-" SPAN_ID "-01", "01" },
	{ "a later version with more", "cc-" ID "-" SPAN_ID "-01-what", "01" },
	{ "a later version with more, not parted",
	    "cc-" ID "-" SPAN_ID "-01.what", NULL },
	{ "this version with more", "00-" ID "-" SPAN_ID "-01-what", NULL },
	{ "the version that never will be", "ff-" ID "-" SPAN_ID "-01", NULL },
	{ "no version", "0x-" ID "-" SPAN_ID "-01", NULL },
	{ "capitals", "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN_ID "-01",
	    NULL },
	{ "no trace", "00-" ZERO16 ZERO16 "-" SPAN_ID "-01", NULL },
	{ "no span", "00-" ID "-" ZERO16 "-01", NULL },
	{ "a letter in the trace", "00-4bf92f3577b34da6a3ce929d0e0e473g-"
	    SPAN_ID "-01", NULL },
	{ "a letter in the span", "00-" ID "-00f067aa0ba902bx-01", NULL },
	{ "a letter in the flags", "00-" ID "-" SPAN_ID "-0g", NULL },
	{ "a dot for a dash", "00." ID "-" SPAN_ID "-01", NULL },
	{ "too short", "00-" ID "-" SPAN_ID "-0", NULL },
	{ "nothing", "", NULL },
};

static const struct {
	const char *what, *state;
	bool valid;
} states[] = {
	{ "one", "rojo=00f067aa0ba902b7", true },
	{ "two, with blanks", "rojo=1 , congo=t61rcWkgMzE", true },
	{ "of a tenant", "fw529a3039@dt=FfAxh", true },
	{ "empty members", "a=1,,b=2,", true },
	{ "nothing", "", false },
	{ "no value", "a", false },
	{ "an empty value", "a=", false },
	{ "no key", "=1", false },
	{ "a capital", "A=1", false },
	{ "two equals signs", "a=1=2", false },
	{ "33 members",
	    "a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,"
	    "a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,"
	    "a=1", false },
};

static const struct {
	const char *id;
	bool valid;
} ids[] = {
	{ "12345678", true },
	{ "A-Za-z0-9._-", true },
	{ "1234567", false },
	{ "", false },
	{ "1234 5678", false },
	{ "<script>", false },
	{ "1234567\xe9", false },
};

int
main(void)
{
	struct trace_source source = { .key = { 1, 2 } };
	char out[TRACE_PARENT_LEN + 1] = "", before[TRACE_PARENT_LEN] = "";
	char id[REQUEST_ID_MAX + 1], other[REQUEST_ID_LEN];

	for (size_t i = 0; i < nitems(parents); i++) {
		const char *flags = parents[i].flags;

		is_int(trace_parent(&source, span_str(parents[i].received),
			   NULL, out), flags != NULL, "%s", parents[i].what);
		is_int(memcmp(out + 3, ID, 32) == 0, flags != NULL,
		    "  the same trace or another");
		is_str(out + 53, flags != NULL ? flags : "00", "  its flags");
		ok(memcmp(out + 36, SPAN_ID, 16) != 0 &&
			memcmp(out + 36, before + 36, 16) != 0,
		    "  a span of our own");
		ok(trace_parent(&source, (struct span){ out, TRACE_PARENT_LEN },
		       NULL, before), "  what we wrote is valid");
	}
	for (size_t i = 0; i < nitems(states); i++)
		is_int(trace_state_valid(span_str(states[i].state)),
		    states[i].valid, "tracestate: %s", states[i].what);
	for (size_t i = 0; i < nitems(ids); i++)
		is_int(request_id_valid(span_str(ids[i].id)), ids[i].valid,
		    "id: %s", ids[i].id);
	memset(id, 'x', sizeof(id));
	ok(request_id_valid((struct span){ id, 128 }), "128 bytes");
	ok(!request_id_valid((struct span){ id, 129 }), "129 bytes");
	is_int((long long)request_id_make(&source, id), 32, "one of ours");
	request_id_make(&source, other);
	ok(request_id_valid((struct span){ id, 32 }), "is valid");
	ok(memcmp(id, other, 32) != 0, "and never the same");
	ok(!trace_parent(&source, SPAN(""), id, out) &&
		memcmp(out + 3, id, 32) == 0, "a new trace is known by it");
	ok(trace_parent(&source, (struct span){ out, TRACE_PARENT_LEN }, other,
	       before) && memcmp(before + 3, id, 32) == 0,
	    "one that goes on is not");
	return done();
}
