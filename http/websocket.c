/* Counts the bytes of frames. */
#include "http/websocket.h"

#define MASKED 0x80 /* of the second byte */
#define LENGTH 0x7f
#define LENGTH_16 126
#define LENGTH_64 127

const struct span websocket_going_away = { "\x88\x02\x03\xe9", 4 };

/* Bytes of the length behind the second byte. */
static unsigned
more_length(unsigned char second)
{
	unsigned length = second & LENGTH;

	return length == LENGTH_64 ? 8 : length == LENGTH_16 ? 2 : 0;
}

/* One byte of a head. */
static void
take(struct websocket_frames *f, unsigned char byte)
{
	unsigned length = byte & LENGTH;

	f->have++;
	if (f->have == 2) {
		f->second = byte;
		f->length = length < LENGTH_16 ? length : 0;
		f->need =
		    (uint8_t)(2 + more_length(byte) + (byte & MASKED ? 4 : 0));
	} else if (f->have > 2 && f->have <= 2 + more_length(f->second)) {
		f->length = f->length << 8 | byte;
	}
	if (f->have < 2 || f->have < f->need)
		return;
	f->left = f->length;
	f->have = 0;
}

void
websocket_pass(struct websocket_frames *f, struct span bytes)
{
	while (bytes.len > 0) {
		size_t n = 1;

		if (f->left == 0)
			take(f, (unsigned char)*bytes.ptr);
		else {
			n = f->left < bytes.len ? (size_t)f->left : bytes.len;
			f->left -= n;
		}
		bytes.ptr += n;
		bytes.len -= n;
	}
}

bool
websocket_between(const struct websocket_frames *f)
{
	return f->left == 0 && f->have == 0;
}
