/*
 * The system calls that a process may still make: any other ends it at once
 * (seccomp(2)), or, in a development build, is told before.  HACKING.md says
 * how to find the one that is missing in a list.
 */
#ifndef LIB_SYSCALLS_H
#define LIB_SYSCALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A call that is allowed, with these arguments or with any. */
struct syscall_rule {
	const char *name;
	struct {
		uint32_t mask, value; /* of argument at; mask 0: whatever */
		unsigned at;	      /* from 0 */
	} when[2];
	int error; /* not 0: it is not made, and fails with this errno */
};

/* CALL("x"), CALL("fcntl", IS(1, F_GETFL)) */
#define CALL(call, ...)                                                        \
	{                                                                      \
		.name = (call), .when = { __VA_ARGS__ }                        \
	}

/* Argument at is, or its bits in mask are, value. */
#define IS(arg, is)                                                            \
	{                                                                      \
		.mask = UINT32_MAX, .value = (uint32_t)(is), .at = (arg)       \
	}
#define BITS(arg, bits, is)                                                    \
	{                                                                      \
		.mask = (uint32_t)(bits), .value = (uint32_t)(is), .at = (arg) \
	}

/*
 * Allow what every process with an event loop needs, and rules, in all of our
 * threads, for good.  -1 with errno.
 */
int syscalls_allow(const struct syscall_rule *rules, size_t n);

/*
 * The other way round, for who must do things that nobody can list: every call
 * but those that no process of ours ever makes, and names.
 */
int syscalls_forbid(const char *const *names, size_t n);

/* Does this kernel have it? */
bool syscalls_limited(void);

#endif
