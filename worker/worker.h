/* A worker: one process, one event loop, requests in and answers out. */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

/*
 * Be a worker until the master says otherwise: entered in a process made for
 * it, with its socket to the master at CTL_FD.  Returns the exit status.
 */
int worker_main(void);

#endif
