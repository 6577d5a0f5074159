/* The registrar: who serves which name; the only writer of the route table. */
#ifndef REGISTRAR_REGISTRAR_H
#define REGISTRAR_REGISTRAR_H

/*
 * Be the registrar until the master says otherwise: entered in a process made
 * for it, with its socket to the master at CTL_FD.  Returns the exit status.
 */
int registrar_main(void);

#endif
