/*
 * Running requests: each worker's own, whole or not at all; whatever is in the
 * memory, a reader gets texts, and states that there are.
 */
#include "shm/requests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/segment.h"
#include "t/tap.h"

#define WORKERS 2
#define IMAGES 300
#define NOW 100000

static struct request_note got[REQUESTS_TOLD];
static uint32_t number;

static void
put(struct requests *r, uint64_t begun_ms, const char *url)
{
	struct request_note note = { .begun_ms = begun_ms,
		.state = REQUEST_TUNNEL };

	snprintf(note.url, sizeof(note.url), "%s", url);
	requests_put(r, &note);
}

static size_t
read_at(const struct requests *r, size_t slab, uint64_t now_ms)
{
	return requests_read(r, slab, now_ms, &number, got);
}

static void
tell_and_read(int fd, const struct requests *reader)
{
	struct requests *w = requests_open(fd, 1);

	is_int(read_at(reader, 1, NOW), 0, "nobody has told anything");
	requests_begin(w);
	put(w, 10, "http://a/");
	put(w, 20, "http://b/\n\x01\xff");
	is_int(read_at(reader, 1, NOW), 0, "half of it is nothing");
	requests_end(w, 77, NOW);
	is_int(read_at(reader, 1, NOW), 2, "two are told");
	is_int(number, 77, "the worker's number");
	is_str(got[0].url, "http://a/", "in their order");
	is_str(got[1].url, "http://b/???", "printable");
	is_int(got[1].state, REQUEST_TUNNEL, "what is done");
	is_int(read_at(reader, 0, NOW), 0, "another worker has none");
	requests_begin(w);
	put(w, 30, "http://c/");
	is_int(read_at(reader, 1, NOW), 2, "as before, until all is told");
	requests_close(w); /* it dies here */
	is_str(got[0].url, "http://a/", "  the same");
	is_int(read_at(reader, 1, NOW + REQUESTS_STALE_MS), 2, "still true");
	is_int(read_at(reader, 1, NOW + REQUESTS_STALE_MS + 1), 0, "stale");
	w = requests_open(fd, 1);
	requests_begin(w);
	requests_end(w, 78, NOW);
	is_int(read_at(reader, 1, NOW), 0, "its successor has none");
	requests_begin(w);
	for (unsigned i = 0; i < REQUESTS_TOLD; i++)
		put(w, i, "http://many/");
	is_int(requests_put(w, &got[0]), 0, "there is room for so many");
	requests_end(w, 78, NOW);
	is_int(read_at(reader, 1, NOW), REQUESTS_TOLD, "which are told");
	is_int(requests_forget(fd, 1), 0, "it is dead");
	is_int(read_at(reader, 1, NOW), 0, "and forgotten");
	is_int(requests_forget(fd, WORKERS), -1, "one that never was");
	requests_close(w);
}

static bool
is_text(const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	for (size_t i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return n < size;
}

static bool
is_family(const struct ip *ip)
{
	return ip->family == 0 || ip->family == AF_INET ||
	       ip->family == AF_INET6;
}

static bool
is_sane(const struct request_note *note)
{
	return note->begun_ms <= NOW && note->state < REQUEST_STATES &&
	       note->received <= INT64_MAX && note->sent <= INT64_MAX &&
	       is_family(&note->client) && is_family(&note->backend) &&
	       is_text(note->protocol, sizeof(note->protocol)) &&
	       is_text(note->tool, sizeof(note->tool)) &&
	       is_text(note->url, sizeof(note->url));
}

/* All that is not the segment's kind is noise, but it was told just now. */
static void
read_noise(int fd, const struct requests *reader)
{
	size_t bytes, told = 0, bad = 0,
		      slab = requests_size(1) - requests_size(0);
	uint64_t *words = segment_map(fd, true, &bytes), random = 1;
	size_t kind = requests_size(0) / sizeof(*words);

	for (int image = 0; image < IMAGES; image++) {
		for (size_t i = kind; i < bytes / sizeof(*words); i++)
			words[i] = random =
			    random * UINT64_C(6364136223846793005) + 1;
		for (size_t i = 0; i < WORKERS; i++) {
			words[kind + i * slab / sizeof(*words)] = NOW;
			size_t n = read_at(reader, i, NOW);

			told += n;
			for (size_t at = 0; at < n; at++)
				bad += !is_sane(&got[at]);
		}
	}
	is_int((int)told, IMAGES * WORKERS * REQUESTS_TOLD, "noise is read");
	is_int((int)bad, 0, "and made harmless");
	words[1]++;
	is_int(requests_open_readonly(fd) == NULL && errno == EPROTO, 1,
	    "another build's is refused");
	segment_unmap(words, bytes);
}

int
main(void)
{
	int fd = segment_create("t", requests_size(WORKERS));
	struct requests *reader;

	is_int(requests_format(fd), 0, "a segment");
	reader = requests_open_readonly(fd);
	is_int((int)requests_slabs(reader), WORKERS, "a slab a worker");
	is_int(requests_open(fd, WORKERS) == NULL && errno == EPROTO, 1,
	    "and no more");
	tell_and_read(fd, reader);
	read_noise(fd, reader);
	requests_close(reader);
	close(fd);
	return done();
}
