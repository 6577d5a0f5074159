/* The logger process: lines from the workers' rings into the access log. */
#ifndef MASTER_LOGGER_H
#define MASTER_LOGGER_H

/* Run it; returns the exit status.  The master's socket is at CTL_FD. */
int logger_main(void);

#endif
