/* Queues bytes in one piece of memory. */
#include "lib/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BUF_FIRST 1024 /* bytes; what an empty buffer grows to */

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_release(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

/* The size that holds `need` bytes: doubled, so that appending is linear. */
static size_t
grown(const struct buf *b, size_t need)
{
	size_t size = b->size ? b->size : BUF_FIRST;

	while (size < need)
		size = size > b->max / 2 ? b->max : size * 2;
	return size < b->max ? size : b->max;
}

static bool
grow(struct buf *b, size_t need)
{
	size_t len = buf_len(b), size = grown(b, need);
	char *data = malloc(size + 1); /* printf wants to end with a NUL */

	if (data == NULL)
		return false;
	if (b->data != NULL)
		memcpy(data, b->data + b->head, len);
	free(b->data);
	b->data = data;
	b->size = size;
	b->head = 0;
	b->tail = len;
	return true;
}

bool
buf_make_room(struct buf *b, size_t n)
{
	size_t len = buf_len(b);

	if (n > b->max - len)
		return false;
	if (len + n > b->size)
		return grow(b, len + n);
	assert(b->data != NULL); /* it has a size, so it was allocated */
	memmove(b->data, b->data + b->head, len);
	b->head = 0;
	b->tail = len;
	return true;
}

bool
buf_append(struct buf *b, const void *bytes, size_t n)
{
	if (n == 0)
		return true;
	if (!buf_reserve(b, n))
		return false;
	memcpy(b->data + b->tail, bytes, n);
	b->tail += n;
	return true;
}

bool
buf_append_span(struct buf *b, struct span s)
{
	return buf_append(b, s.ptr, s.len);
}

bool
buf_printf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->size - b->tail;
	va_list ap;
	int n;

	/* mostly it fits at once; if not, this has measured it */
	va_start(ap, fmt);
	n = b->data == NULL ? vsnprintf(NULL, 0, fmt, ap)
			    : vsnprintf(b->data + b->tail, room + 1, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n > room) {
		if (!buf_reserve(b, (size_t)n))
			return false;
		va_start(ap, fmt);
		vsnprintf(b->data + b->tail, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	if (n < 0)
		return false;
	b->tail += (size_t)n;
	return true;
}

ssize_t
buf_recv(struct buf *b, int fd, size_t want)
{
	size_t left = b->max - buf_len(b);
	ssize_t n;

	assert(want > 0); /* 0 would look like the peer's end */
	if (want > left)
		want = left;
	if (want == 0 || !buf_reserve(b, want)) {
		errno = ENOBUFS;
		return -1;
	}
	n = recv(fd, b->data + b->tail, want, 0);
	if (n > 0)
		b->tail += (size_t)n;
	return n;
}

ssize_t
buf_send(struct buf *b, int fd)
{
	struct span s = buf_span(b);
	ssize_t n = send(fd, s.ptr, s.len, MSG_NOSIGNAL);

	if (n > 0)
		buf_consume(b, (size_t)n);
	return n;
}
