/* The only functions that read a clock, wait by it, or write its time. */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stdint.h>
#include <sys/types.h>

/* CLOCK_MONOTONIC in milliseconds: for every timer and deadline. */
uint64_t clock_mono_ms(void);

/* The same in microseconds: for how long something took. */
uint64_t clock_mono_us(void);

/* CLOCK_REALTIME in milliseconds: for stamps that people and stores read. */
uint64_t clock_real_ms(void);

/* Such a stamp as "2026-11-22T16:00:00Z"; empty: no year of four digits. */
#define CLOCK_UTC_SIZE (sizeof("2026-11-22T16:00:00Z"))
const char *clock_format_utc(uint64_t real_ms, char text[CLOCK_UTC_SIZE]);

/* What this thread has used of its processor, in microseconds. */
uint64_t clock_cpu_us(void);

/* The same of a whole process; 0: it is gone. */
uint64_t clock_cpu_us_of(pid_t pid);

/* Wait so long, or until a signal came: not in an event loop. */
void clock_sleep_ms(unsigned ms);

#endif
