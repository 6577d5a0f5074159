/* The options of a program, as a table: each one sets something. */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

/* --name VALUE, or --name; all pointers are the program's. */
struct option_row {
	const char *name;
	const char **text; /* gets its value; NULL: it has none, and */
	bool *flag;	   /* this becomes true; NULL: it says nothing new */
};

/*
 * Read them, up to the first word that is none.  --help, which every program
 * has, and a mistake show how to use it and end the program.
 *
 * rows      ends with one without a name
 * mistaken  the exit status then
 * Returns   which of argv is the first operand
 */
int options_read(int argc, char **argv, const struct option_row *rows,
    void (*usage)(FILE *out), int mistaken);

#endif
