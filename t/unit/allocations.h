/*
 * Counts what a test's program allocates, and may refuse it; include it in one
 * file of it.
 */
#ifndef T_UNIT_ALLOCATIONS_H
#define T_UNIT_ALLOCATIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* volatile: to a compiler no malloc(3) changes what is ours */
static volatile unsigned allocations;
static volatile unsigned granted = UINT_MAX; /* so many, then there is none */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

/* sanitizer/allocator_interface.h: their malloc is not to be replaced */
int __sanitizer_install_malloc_and_free_hooks(
    void (*malloc_hook)(const volatile void *, size_t),
    void (*free_hook)(const volatile void *));

static void
count_malloc(const volatile void *p, size_t size)
{
	(void)p;
	(void)size;
	allocations++;
}

static void
count_free(const volatile void *p)
{
	(void)p;
}

static void
count_allocations(void)
{
	granted = UINT_MAX; /* theirs refuses nothing */
	__sanitizer_install_malloc_and_free_hooks(count_malloc, count_free);
}

#else

/* glibc manual, "Replacing malloc": the rest of libc calls these, too. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

static bool
is_granted(void)
{
	allocations++;
	return granted == UINT_MAX || (granted > 0 && granted-- > 0);
}

void *
malloc(size_t size)
{
	return is_granted() ? __libc_malloc(size) : NULL;
}

void *
calloc(size_t n, size_t size)
{
	return is_granted() ? __libc_calloc(n, size) : NULL;
}

void *
realloc(void *p, size_t size)
{
	return is_granted() ? __libc_realloc(p, size) : NULL;
}

static void
count_allocations(void)
{
}

#endif

#endif
