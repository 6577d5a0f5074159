/*
 * Catches what kills us.  A handler may call next to nothing: digits are
 * written by hand, and backtrace(3) has been called once before, so that it
 * loads nothing.
 */
#include "lib/crash.h"

#include <execinfo.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/array.h"
#include "lib/ctlmsg.h"

#define FRAMES_MAX 16
#define STACK_BYTES (64 * 1024) /* of its own: ours may be what is full */

extern const char __executable_start[]; /* by the linker */

/* A sanitizer tells more of a crash than we can. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LEFT_TO_SANITIZER true
#else
#define LEFT_TO_SANITIZER false
#endif

static const int deadly[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
static int master = -1;

static char *
put(char *to, const char *end, const char *text)
{
	while (*text != '\0' && to < end)
		*to++ = *text++;
	return to;
}

static char *
put_number(char *to, const char *end, uintptr_t n, unsigned base)
{
	char digits[2 * sizeof(n) + 8];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n > 0);
	while (at < sizeof(digits) && to < end)
		*to++ = digits[at++];
	return to;
}

static void
on_crash(int number, siginfo_t *info, void *context)
{
	struct ctlmsg m = { .type = CTL_CRASH };
	char *at = m.text;
	const char *end = m.text + sizeof(m.text) - 1;
	void *frames[FRAMES_MAX];
	int n = backtrace(frames, FRAMES_MAX);

	(void)context;
	at = put(at, end, "signal=");
	at = put_number(at, end, (uintptr_t)number, 10);
	at = put(at, end, " address=0x");
	at = put_number(at, end, (uintptr_t)info->si_addr, 16);
	at = put(at, end, " backtrace=");
	/* the first is this handler, the second the kernel's way back */
	for (int i = 2; i < n; i++) {
		at = put(at, end, i == 2 ? "0x" : ",0x");
		at = put_number(at, end,
		    (uintptr_t)frames[i] - (uintptr_t)__executable_start, 16);
	}
	ctlmsg_send(master, &m, -1);
	/* SA_RESETHAND: the same again, and this time it is the end */
	raise(number);
}

void
crash_watch(int sock)
{
	struct sigaction action = {
		.sa_sigaction = on_crash,
		.sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND),
	};
	stack_t stack = { .ss_size = STACK_BYTES };
	void *frame;

	if (LEFT_TO_SANITIZER)
		return;
	master = sock;
	backtrace(&frame, 1);
	stack.ss_sp = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL) == -1)
		action.sa_flags &= ~SA_ONSTACK;
	for (size_t i = 0; i < nitems(deadly); i++)
		sigaction(deadly[i], &action, NULL);
}
