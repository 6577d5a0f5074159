/* TAP for the unit tests: say what is promised, print whether it is kept. */
#ifndef T_TAP_H
#define T_TAP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/array.h"
#include "lib/span.h"

/* Each prints one line, and a diagnosis when it fails; returns success. */
bool ok(bool pass, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool is_int(long long got, long long want, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool is_str(const char *got, const char *want, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool is_span(struct span got, const char *want, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A line of explanation. */
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Print the plan.  0 if all were ok, and at least one was. */
int done(void);

#endif
