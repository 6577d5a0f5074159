/*
 * How a question to one of the control sockets ended; dynproxyctl exits with
 * it (dynproxyctl(8), EXIT STATUS).
 */
#ifndef LIB_CTLEXIT_H
#define LIB_CTLEXIT_H

enum ctl_exit {
	CTL_DONE,
	CTL_REFUSED, /* or not found */
	CTL_USAGE,
	CTL_UNREACHABLE, /* no daemon behind the socket: is never an answer */
	CTL_DENIED,	 /* not permitted */
	CTL_PARTIAL,	 /* one half of the answer, some of the changes */
	CTL_AGAIN = 75,	 /* not now (EX_TEMPFAIL) */
};

#endif
