/* Which of our own forms of an answer a client likes best. */
#ifndef HTTP_NEGOTIATE_H
#define HTTP_NEGOTIATE_H

#include "lib/span.h"

enum media { MEDIA_TEXT, MEDIA_HTML, MEDIA_JSON };

/*
 * By Accept (RFC 9110 section 12.5.1).  The best weight wins, then what was
 * named more exactly, then what came first; an empty, absent or wholly
 * unacceptable one gets text.  JSON is application/json or problem+json.
 */
enum media http_negotiate_media(struct span accept);

#endif
