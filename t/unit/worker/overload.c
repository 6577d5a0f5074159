/* The ladder of 7-security.md 7.5: which load leads from which step to which.
 */
#include "worker/overload.h"

#include "lib/array.h"
#include "t/tap.h"

static const struct {
	const char *what;
	enum overload_step now;
	struct load load;
	enum overload_step next;
} cases[] = {
	{ "nothing to do", OVERLOAD_CALM, { 0, 0, 0 }, OVERLOAD_CALM },
	{ "just calm", OVERLOAD_CALM, { 799, 799, 799 }, OVERLOAD_CALM },
	{ "80 % of the heap", OVERLOAD_CALM, { 800, 0, 0 }, OVERLOAD_BUSY },
	{ "80 % of the files", OVERLOAD_CALM, { 0, 800, 0 }, OVERLOAD_BUSY },
	{ "80 % late", OVERLOAD_CALM, { 0, 0, 800 }, OVERLOAD_BUSY },
	{ "the worst counts", OVERLOAD_CALM, { 810, 960, 910 }, OVERLOAD_FULL },
	{ "just busy", OVERLOAD_BUSY, { 899, 0, 0 }, OVERLOAD_BUSY },
	{ "90 %", OVERLOAD_BUSY, { 900, 0, 0 }, OVERLOAD_TIGHT },
	{ "just tight", OVERLOAD_TIGHT, { 0, 949, 0 }, OVERLOAD_TIGHT },
	{ "95 %", OVERLOAD_TIGHT, { 0, 950, 0 }, OVERLOAD_FULL },
	{ "just full", OVERLOAD_FULL, { 0, 979, 0 }, OVERLOAD_FULL },
	{ "98 %", OVERLOAD_FULL, { 0, 980, 0 }, OVERLOAD_SHED },
	{ "all at once", OVERLOAD_CALM, { 0, 0, 10000 }, OVERLOAD_SHED },
	{ "no further", OVERLOAD_SHED, { 10000, 0, 0 }, OVERLOAD_SHED },
	{ "kept below 98 %", OVERLOAD_SHED, { 960, 0, 0 }, OVERLOAD_SHED },
	{ "left at 96 %", OVERLOAD_SHED, { 959, 0, 0 }, OVERLOAD_FULL },
	{ "kept below 95 %", OVERLOAD_FULL, { 0, 930, 0 }, OVERLOAD_FULL },
	{ "left at 93 %", OVERLOAD_FULL, { 0, 929, 0 }, OVERLOAD_TIGHT },
	{ "left at 88 %", OVERLOAD_TIGHT, { 0, 0, 879 }, OVERLOAD_BUSY },
	{ "kept below 80 %", OVERLOAD_BUSY, { 780, 0, 0 }, OVERLOAD_BUSY },
	{ "left at 78 %", OVERLOAD_BUSY, { 779, 0, 0 }, OVERLOAD_CALM },
	{ "all the way down", OVERLOAD_SHED, { 1, 2, 3 }, OVERLOAD_CALM },
};

int
main(void)
{
	struct overload o = { .step = OVERLOAD_CALM };

	for (size_t i = 0; i < nitems(cases); i++)
		is_int(overload_next(cases[i].now, &cases[i].load),
		    cases[i].next, "%s", cases[i].what);
	is_int(overload_streams(&o, 100), 100, "all streams while it is calm");
	o.step = OVERLOAD_BUSY;
	is_int(overload_streams(&o, 100), 32, "few when it is not");
	is_int(overload_streams(&o, 10), 10, "or as few as there are anyway");
	return done();
}
