/*
 * Whatever the bytes of the segment are, a reader stays inside, ends soon, and
 * hands out nothing that breaks a bound.
 *
 * Has a build of the reader of its own, in which every load is looked at.
 * Built with -DFUZZ -fsanitize=fuzzer (clang) libFuzzer supplies the bytes.
 */
#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

static void loaded(const volatile void *word);

#undef atomic_load_explicit
#define atomic_load_explicit(word, order)                                      \
	(loaded(word),                                                         \
	    __atomic_load_n((const uint64_t *)(word), __ATOMIC_RELAXED))

#include "shm/table_read.c"

#include "shm/table_write.h"
#include "t/tap.h"
#include "t/unit/shm/sample.h"

#define SIZE (64 * 1024)
#define NAMES 20
#define IMAGES 30000

/* Of one lookup, while nobody writes: each probe an entry and a blob. */
#define LOADS_MAX                                                              \
	(16 + TABLE_PROBES * (8 + ENTRY_WORDS + (uint64_t)ROUTE_BLOB_MAX / 8))

static union image {
	char bytes[SIZE];
	uint64_t words[SIZE / 8];
	struct table_header header;
} * image, good; /* the segment, and as it was made */

static struct table *t;
static uint64_t loads, loads_most;

static void
loaded(const volatile void *word)
{
	uintptr_t at = (uintptr_t)word - (uintptr_t)t->header;

	assert(at <= SIZE - 8 && at % 8 == 0);
	assert(++loads <= LOADS_MAX);
}

/* Ask for names; what is found must be a tool that could have been put. */
static unsigned
read_names(void)
{
	static struct table_copy copy;
	static struct tool got;
	static uint64_t blob[ROUTE_BLOB_MAX / 8];
	enum lookup found;
	unsigned bad = 0;
	char key[32];

	for (unsigned n = 0; n < NAMES + 4; n++) {
		loads = 0;
		found = table_read(t, sample_key(key, n), &copy, &got);
		if (loads > loads_most)
			loads_most = loads;
		if (found == LOOKUP_FOUND)
			bad += !span_eq(got.key, sample_key(key, n)) ||
			       route_encode(&got, blob, sizeof(blob)) == 0;
	}
	return bad;
}

static void
start(void)
{
	static struct sample s;
	int fd = segment_create("hostile", SIZE);
	struct table_writer *w;
	size_t size;

	if (table_format(fd) == -1 || (w = table_writer_new(fd, NULL, NULL)) == NULL)
		abort();
	for (unsigned n = 0; n < NAMES; n++)
		table_put(w, sample_tool(&s, n, 1 + n), 1 + n);
	while (table_grow_step(w))
		continue;
	table_set_ready(w);
	table_writer_free(w);
	t = table_open(fd);
	image = segment_map(fd, true, &size);
	if (t == NULL || image == NULL)
		abort();
	close(fd);
	memcpy(&good, image, SIZE);
}

#define ROOT_AT (offsetof(struct table_header, root_seq) / 8)

/* Make the checksums of the root and of all entries right again. */
static void
sum_again(void)
{
	static uint64_t blob[ROUTE_BLOB_MAX / 8];
	uint64_t *seq = &image->words[ROOT_AT], *root, *words;
	size_t len;

	root = seq + 1 + (*seq & 1) * ROOT_WORDS;
	root[ROOT_PLACE] &= ~UINT64_C(0xffffffff);
	root[ROOT_PLACE] |= root_sum(root);
	if (!root_valid(root, SIZE))
		return;
	for (uint32_t i = 0; i >> place_state(root[ROOT_PLACE]) == 0; i++) {
		seq = image->words + (place_unit(root[ROOT_PLACE]) + i) * 8;
		words = seq + 1 + (*seq & 1) * ENTRY_WORDS;
		loads = len = 0;
		if (place_state(words[ENTRY_PLACE]) == ENTRY_LIVE)
			len = blob_copy_out(
			    blob, t->header, SIZE, words[ENTRY_PLACE]);
		words[ENTRY_PLACE] &= ~UINT64_C(0xffffffff);
		words[ENTRY_PLACE] |= entry_sum(words, blob, (len + 7) / 8);
	}
}

#ifdef FUZZ

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The bytes are changes, each of one word: its place, its new value. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint64_t value;
	uint16_t at;

	if (image == NULL)
		start();
	memcpy(image, &good, SIZE);
	for (; len >= sizeof(at) + sizeof(value);
	     data += sizeof(at) + sizeof(value),
	     len -= sizeof(at) + sizeof(value)) {
		memcpy(&at, data, sizeof(at));
		memcpy(&value, data + sizeof(at), sizeof(value));
		image->words[at % (SIZE / 8)] = value;
	}
	if (len % 2 == 1)
		sum_again();
	assert(read_names() == 0);
	return 0;
}

#else

static uint32_t
dice(uint32_t sides)
{
	static uint32_t seed = 1;

	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * sides >> 32);
}

static uint64_t
strange(uint64_t was)
{
	switch (dice(6)) {
	case 0:
		return was ^ UINT64_C(1) << dice(64);
	case 1:
		return was + 1;
	case 2:
		return 0;
	case 3:
		return UINT64_MAX;
	case 4:
		return was ^ UINT64_C(1) << (32 + dice(32));
	default:
		return (uint64_t)dice(UINT32_MAX) << 32 | dice(UINT32_MAX);
	}
}

/* Change words that are not zero: of the root, of entries, of blobs. */
static void
break_some(void)
{
	uint32_t at;

	for (unsigned n = 1 + dice(8); n > 0; n--) {
		do
			at = 8 + dice(SIZE / 8 - 8);
		while (image->words[at] == 0 && dice(200) != 0);
		image->words[at] = strange(image->words[at]);
	}
	if (dice(4) != 0)
		sum_again();
}

int
main(void)
{
	unsigned bad = 0;

	start();
	is_int(read_names(), 0, "the good image");
	for (unsigned i = 0; i < IMAGES; i++) {
		memcpy(image, &good, SIZE);
		break_some();
		bad += read_names();
	}
	is_int(bad, 0, "%u bad ones: nothing out of bounds was handed out",
	    IMAGES);
	ok(loads_most <= LOADS_MAX, "at most %llu loads a lookup",
	    (unsigned long long)loads_most);
	return done();
}

#endif
