/*
 * The configured default backends, in the table as addresses: where requests
 * go that no route is for (2-http.md 2.1, step 6).
 */
#ifndef REGISTRAR_DEFAULT_BACKEND_H
#define REGISTRAR_DEFAULT_BACKEND_H

struct default_backends;
struct registrar;

/*
 * Publish them; what the table had before stays until there is something
 * better.  Names are asked of the lookup process, now and every minute.  NULL
 * with errno.  Ended by default_backends_close().
 */
struct default_backends *default_backends_open(struct registrar *r);
void default_backends_close(struct default_backends *d);

#endif
