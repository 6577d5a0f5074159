/* Any Accept: one of our forms, and never one that it forbids by name. */
#include <stdint.h>
#include <stdlib.h>

#include "http/negotiate.h"
#include "lib/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum media
choose(struct span before, struct span accept)
{
	struct buf b;
	enum media media;

	buf_init(&b, before.len + accept.len + 1);
	if (!buf_append_span(&b, before) || !buf_append_span(&b, accept))
		abort();
	media = http_negotiate_media(buf_span(&b));
	buf_release(&b);
	return media;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span accept = { (const char *)data, size };
	enum media media = choose(SPAN(""), accept);

	if (media != MEDIA_TEXT && media != MEDIA_HTML && media != MEDIA_JSON)
		abort();
	/* what stands first, by its own name and full weight, is never beaten
	 */
	if (choose(SPAN("text/html,"), accept) != MEDIA_HTML)
		abort();
	return 0;
}
