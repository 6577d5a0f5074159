/* Descriptors 0 to 2, which whoever has started us may have closed. */
#ifndef LIB_STDFD_H
#define LIB_STDFD_H

/*
 * First of all in a program: a file or a socket that it opens must never be
 * taken for standard error, by itself or by whom it executes.  Where one of
 * them is closed, reading and writing fails as before.  Ends the program where
 * there is no /dev/null.
 */
void stdfd_open(void);

#endif
