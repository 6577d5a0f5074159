/*
 * The operator's error pages, which workers cannot open: read and checked
 * when a configuration is, and handed over sealed (dynproxy-errors(7)).
 */
#ifndef MASTER_ERROR_PAGES_H
#define MASTER_ERROR_PAGES_H

#include "conf/conf.h"

/*
 * A bundle of the files of error_directory, by http/error_file.h; -1 when
 * there is none.  False: it was logged which cannot be used, and why.
 *
 * fd  set; the caller's to close
 */
bool error_pages_load(const struct conf *conf, int *fd);

/* Can all be used that are there?  As above. */
bool error_pages_check(const struct conf *conf);

#endif
