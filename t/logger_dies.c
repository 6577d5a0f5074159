/*
 * Links into a dynproxyd whose logger ends between writing lines and saying so:
 * with the first ones of a file.
 */
#include <unistd.h>

#include "shm/logring.h"

void __real_logring_intend(
    struct logring_reader *r, const struct logring_intent *intent);
void __wrap_logring_intend(
    struct logring_reader *r, const struct logring_intent *intent);
void __real_logring_take(
    struct logring_reader *r, unsigned slot, size_t n, uint64_t lines);
void __wrap_logring_take(
    struct logring_reader *r, unsigned slot, size_t n, uint64_t lines);

static bool first;

void
__wrap_logring_intend(
    struct logring_reader *r, const struct logring_intent *intent)
{
	first = intent->size == 0;
	__real_logring_intend(r, intent);
}

void
__wrap_logring_take(
    struct logring_reader *r, unsigned slot, size_t n, uint64_t lines)
{
	if (first)
		_exit(9);
	__real_logring_take(r, slot, n, lines);
}
