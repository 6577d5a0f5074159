/* Asks malloc(3) how it is. */
#include "worker/heap.h"

#include <malloc.h>

#define TRIM_FREE ((size_t)2 * 1024 * 1024) /* less is not worth it */
#define TRIM_EVERY_MS 10000		    /* it looks at all of the heap */
#define DOUBT_MS 60000

size_t
heap_measure(struct heap *h, uint64_t now_ms)
{
	struct mallinfo2 m = mallinfo2();

	/* what was given back may have been used again between two looks */
	if (now_ms >= h->doubt_ms) {
		h->given_back = 0;
		h->doubt_ms = now_ms + DOUBT_MS;
	}
	if (m.fordblks < h->given_back)
		h->given_back = m.fordblks;
	if (m.fordblks - h->given_back >= TRIM_FREE &&
	    m.fordblks > m.uordblks && now_ms >= h->trim_again_ms) {
		malloc_trim(0);
		h->given_back = m.fordblks;
		h->trim_again_ms = now_ms + TRIM_EVERY_MS;
	}
	return m.uordblks + m.hblkhd;
}
