/* Prints the Test Anything Protocol. */
#include "t/tap.h"

#include <stdarg.h>
#include <stdio.h>

static int run, failed;

static bool __attribute__((format(printf, 2, 0)))
report(bool pass, const char *fmt, va_list ap)
{
	printf("%sok %d - ", pass ? "" : "not ", ++run);
	vprintf(fmt, ap);
	printf("\n");
	fflush(stdout); /* the next test may abort */
	failed += !pass;
	return pass;
}

/* Report with the variable arguments of the function this stands in. */
#define REPORT(pass, fmt)                                                      \
	do {                                                                   \
		va_list ap;                                                    \
		va_start(ap, fmt);                                             \
		report((pass), (fmt), ap);                                     \
		va_end(ap);                                                    \
	} while (0)

bool
ok(bool pass, const char *fmt, ...)
{
	REPORT(pass, fmt);
	return pass;
}

bool
is_int(long long got, long long want, const char *fmt, ...)
{
	REPORT(got == want, fmt);
	if (got != want)
		diag(" got: %lld\nwant: %lld", got, want);
	return got == want;
}

bool
is_str(const char *got, const char *want, const char *fmt, ...)
{
	bool pass = got == want ||
		    (got != NULL && want != NULL && strcmp(got, want) == 0);

	REPORT(pass, fmt);
	if (!pass)
		diag(" got: %s\nwant: %s", got ? got : "(null)",
		    want ? want : "(null)");
	return pass;
}

bool
is_span(struct span got, const char *want, const char *fmt, ...)
{
	bool pass = span_eq(got, span_str(want));

	REPORT(pass, fmt);
	if (!pass)
		diag(" got: %.*s\nwant: %s", SPAN_ARG(got), want);
	return pass;
}

void
diag(const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);

	for (char *line = text, *next; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		printf("# %s\n", line);
	}
	fflush(stdout);
}

int
done(void)
{
	printf("1..%d\n", run);
	return run == 0 || failed > 0;
}
