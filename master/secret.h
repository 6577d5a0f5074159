/* Reads files that have keys in them: small ones, that nobody else can read. */
#ifndef MASTER_SECRET_H
#define MASTER_SECRET_H

#include <stddef.h>
#include <sys/stat.h>

/*
 * Read all of a file.  NULL: all is well; else what is wrong with it.
 *
 * flags O_NOFOLLOW, or 0: through links, too
 * out   room for max + 1 bytes
 * max   bytes that it may have
 * len   set
 * st    filled in; errno is kept where the file could not be opened
 */
const char *secret_read(const char *path, int flags, char *out, size_t max,
    size_t *len, struct stat *st);

/* May only its owner read it, and is that root, or who we are?  As above. */
const char *secret_check(const struct stat *st);

#endif
