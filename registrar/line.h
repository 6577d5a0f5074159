/* The request on 8282: two or three lines (1-registration.md 1.1). */
#ifndef REGISTRAR_LINE_H
#define REGISTRAR_LINE_H

#include "lib/span.h"

#define LINE_MAX_BYTES 1024 /* of one line, without its end */
#define LINES_MAX      3
#define LINE_REQUEST_MAX (LINES_MAX * (LINE_MAX_BYTES + 2)) /* with CR LF */

enum verb {
	VERB_REGISTER,
	VERB_REGISTER_CANONICAL,
	VERB_UNREGISTER,
	VERB_LEASE,
};

/* The word of the protocol. */
const char *line_verb_name(enum verb verb);

struct line_request {
	enum verb verb;
	struct span route;       /* no control bytes, perhaps empty */
	struct span destination; /* likewise; not with VERB_UNREGISTER */
	size_t len;              /* bytes of all its lines */
};

enum line_fault {
	LINE_FINE,
	LINE_MORE,     /* not all there yet, and nothing wrong so far */
	LINE_UNKNOWN,  /* no such command */
	LINE_TOO_LONG, /* a line of more than LINE_MAX_BYTES */
	LINE_CONTROL,  /* a control byte in a line */
};

/*
 * Read a request, as far as it is there.  What follows its last line is
 * nobody's, as it always was.
 *
 * bytes    borrowed; the request's spans point into them
 * request  complete after LINE_FINE only
 */
enum line_fault line_parse(struct span bytes, struct line_request *request);

/* What is said on a connection that holds a lease. */
enum word { WORD_PING, WORD_DRAIN, WORD_UNKNOWN };

/* The next word, without its line's end; *len: bytes of the line. */
enum line_fault line_word(struct span bytes, enum word *word, size_t *len);

#endif
