/* Any bytes as frames: in whatever pieces they come, they end where they end.
 */
#include <stdlib.h>

#include "http/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool kept)
{
	if (!kept)
		abort();
}

/* As the standard draws a frame; false: it is not all there. */
static bool
take_frame(const uint8_t *data, size_t size, size_t *at)
{
	size_t need = 2, extra;
	uint64_t length;

	if (size - *at < need)
		return false;
	length = data[*at + 1] & 0x7f;
	extra = length == 127 ? 8 : length == 126 ? 2 : 0;
	need += extra + (data[*at + 1] & 0x80 ? 4 : 0);
	if (size - *at < need)
		return false;
	if (extra > 0)
		length = 0;
	for (size_t i = 0; i < extra; i++)
		length = length << 8 | data[*at + 2 + i];
	if (size - *at - need < length)
		return false;
	*at += need + (size_t)length;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct websocket_frames whole = { 0 }, pieces = { 0 };
	size_t at = 0, step;

	websocket_pass(&whole, (struct span){ (const char *)data, size });
	for (size_t i = 0; i < size; i += step) {
		step = 1 + i % 7;
		if (step > size - i)
			step = size - i;
		websocket_pass(
		    &pieces, (struct span){ (const char *)data + i, step });
	}
	check(websocket_between(&whole) == websocket_between(&pieces));
	while (at < size && take_frame(data, size, &at))
		;
	check(websocket_between(&whole) == (at == size));
	return 0;
}
