/* The last words of a process that crashes: a fingerprint for the log. */
#ifndef LIB_CRASH_H
#define LIB_CRASH_H

/*
 * From now on a crash is told to the master before it takes its course: one
 * CTL_CRASH with `signal=11 address=0x0 backtrace=0x1a2b,0x3c4d`, places in
 * the program as addr2line(1) takes them.  Not under a sanitizer, which tells
 * more.
 *
 * sock     to the master; stays the caller's
 */
void crash_watch(int sock);

#endif
