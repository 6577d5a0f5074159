/*
 * The two halves of dynproxy-import(8).  Each prints lines of a
 * dynproxy.conf(5) to standard output, or ends the program with a message. What
 * is read is a stranger's: none of it becomes a line that was not meant.
 */
#ifndef TOOLS_IMPORT_H
#define TOOLS_IMPORT_H

/* Settings of the original's puppet: its keys are those of hiera. */
void import_yaml(const char *path);

/*
 * Routes of the original: they stay where they are, so what is printed is how
 * to reach them, how many there are, and which of them will not be taken.
 *
 * address   as dynproxy.conf(5) has it
 * password  a file with it in its first line; NULL: there is none
 */
void import_redis(const char *address, const char *password);

/* Print a text between double quotes, as dynproxy.conf(5) reads it. */
void import_quote(const char *text);

/* Print a text of a stranger's in a comment: it stays on its line. */
void import_plain(const char *text);

#endif
