/* Links into a dynproxyd whose children may be as slow as valgrind(1) is. */
#include "master/ending.h"

#define TIMES 10

void __real_ending_watch(struct master *m, uint64_t within_ms);
void __wrap_ending_watch(struct master *m, uint64_t within_ms);

void
__wrap_ending_watch(struct master *m, uint64_t within_ms)
{
	__real_ending_watch(m, TIMES * within_ms);
}
