/* One HTTP request by libcurl, bounded in time and size. */
#ifndef TOOLS_FETCH_H
#define TOOLS_FETCH_H

#include "lib/buf.h"

#define FETCH_SAID_MAX 256

/* What libcurl is to present and to trust; texts are the caller's. */
struct fetch_tls {
	const char *ca_file;
	const char *cert_file, *key_file;
	struct span ca_pem, cert_pem, key_pem; /* instead of the files */
};

struct fetch {
	const char *method; /* NULL: GET */
	const char *url;
	const char *bearer;	     /* NULL: no Authorization */
	const char *const *headers;  /* lines, NULL-terminated; NULL: none */
	const char *body;	     /* JSON; NULL: none */
	unsigned timeout_ms;	     /* for all of it; 0: none */
	const struct fetch_tls *tls; /* NULL: as the system has it */
	/*
	 * Gets the body as it comes; false ends it.  NULL: it is appended to
	 * answer, up to the bound of the buffer.
	 */
	bool (*take)(void *user, struct span bytes);
	void *user;
};

/*
 * Returns the status of the answer; -1: said (FETCH_SAID_MAX bytes) tells why
 * there is none, or why it is not complete.
 */
int fetch(const struct fetch *f, struct buf *answer, char *said);

#endif
