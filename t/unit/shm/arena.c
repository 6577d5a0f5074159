/* Units are never handed out twice, always found again, and backed in time. */
#include "shm/arena.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/segment.h"
#include "t/tap.h"

#define SIZE (4 * 1024 * 1024)
#define ROOM 4096
#define UNITS (SIZE / 64)
#define LONG (16 * ARENA_CHUNK)

static int fd;
static struct arena a;
static bool taken[UNITS]; /* what we think */

static uint32_t
dice(uint32_t sides)
{
	static uint32_t seed = 7;

	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * sides >> 32);
}

/* Note units as taken or given; false: they were so already, or outside. */
static bool
note(uint32_t unit, uint32_t n, bool value)
{
	bool good = unit >= ROOM / 64 && unit + n <= UNITS;

	for (uint32_t i = unit; good && i < unit + n; i++) {
		good = taken[i] != value;
		taken[i] = value;
	}
	return good;
}

static long
bytes_backed(void)
{
	struct stat st;

	fstat(fd, &st);
	return (long)st.st_blocks * 512;
}

/* Take and give pieces of many sizes, as blobs come and go. */
static void
comings_and_goings(void)
{
	static struct {
		uint32_t unit, n;
	} piece[2000];
	unsigned bad = 0, refused = 0, i;

	for (unsigned round = 0; round < 200000; round++) {
		i = dice(nitems(piece));
		if (piece[i].unit != 0) {
			bad += !note(piece[i].unit, piece[i].n, false);
			arena_give(&a, piece[i].unit, piece[i].n);
			piece[i].unit = 0;
			continue;
		}
		piece[i].n = 1 + dice(dice(10) == 0 ? 1000 : 4);
		piece[i].unit = arena_take(&a, piece[i].n);
		if (piece[i].unit == 0)
			refused += errno == ENOSPC;
		else
			bad += !note(piece[i].unit, piece[i].n, true);
	}
	is_int(bad, 0, "no unit was taken twice");
	ok(refused > 0, "%u times there was no room", refused);
	for (i = 0; i < nitems(piece); i++)
		if (piece[i].unit != 0)
			arena_give(&a, piece[i].unit, piece[i].n);
}

static void
backing(void)
{
	long before = bytes_backed(), with;
	uint32_t unit = arena_take(&a, LONG), one;

	ok(unit != 0, "all was free again: a long piece");
	is_int(arena_back(&a, unit, LONG), 0, "backed");
	with = bytes_backed();
	ok(with - before >= LONG * 64, "the kernel has reserved it");
	arena_give(&a, unit, LONG);
	one = arena_take(&a, 1);
	arena_back(&a, one, 1);
	arena_trim(&a, unit, LONG);
	ok(with - bytes_backed() >= (LONG - 3 * ARENA_CHUNK) * 64,
	    "given back, but for the chunk in use");
	is_int(arena_back(&a, unit, LONG), 0, "backed again");
	ok(bytes_backed() >= with, "in full");
	arena_give(&a, one, 1);
}

static void
recovery(void)
{
	struct arena b;
	size_t size;
	char *map = segment_map(fd, true, &size);

	map[ROOM - 1] = 'h';
	arena_back(&a, ARENA_CHUNK, 4 * ARENA_CHUNK);
	is_int(arena_init(&b, fd, map, SIZE, ROOM), 0, "a new map");
	ok(arena_claim(&b, 2000, 10), "claimed");
	ok(!arena_claim(&b, 2009, 1), "not twice");
	ok(arena_claim(&b, 1200, 800), "up to it");
	arena_trim_all(&b);
	is_int(bytes_backed(), 2 * ARENA_CHUNK_BYTES + ROOM,
	    "only what was claimed stays backed, and the header");
	is_int(map[ROOM - 1], 'h', "which keeps its bytes");
	is_int(arena_take(&b, 1), ROOM / 64, "what was not is free");
	segment_unmap(map, size);
	arena_release(&b);
}

/* How many KiB of a mapping are there as huge pages: smaps of proc(5). */
static long
huge_kib(const void *map)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[256], start[24];
	bool here = false;
	long kib = -1;

	snprintf(start, sizeof(start), "%lx-", (unsigned long)map);
	while (f != NULL && kib == -1 && fgets(line, sizeof(line), f) != NULL) {
		here = here || strncmp(line, start, strlen(start)) == 0;
		if (here)
			sscanf(line, "ShmemPmdMapped: %ld", &kib);
	}
	if (f != NULL)
		fclose(f);
	return kib;
}

/* Whether the kernel gives huge pages is its business; all else must hold. */
static void
huge_pages(void)
{
	uint32_t unit = SEGMENT_HUGE / 64, rest = UNITS - unit;
	struct arena b;
	size_t size;
	char *map = segment_map(fd, true, &size);

	ok((uintptr_t)map % SEGMENT_HUGE == 0, "mapped where they may be");
	arena_init(&b, fd, map, SIZE, ROOM);
	b.huge = true;
	arena_trim_all(&b);
	arena_claim(&b, unit, rest);
	memset(b.backed, 0, SIZE / ARENA_CHUNK_BYTES / 8);
	is_int(arena_back(&b, unit, 1), 0, "one unit is backed");
	diag("as one of %ld KiB huge", huge_kib(map));
	is_int(arena_back(&b, unit, rest), 0, "then the others");
	ok(bytes_backed() >= (long)SEGMENT_HUGE, "the kernel has them all");
	memset(map + SEGMENT_HUGE, 'x', SEGMENT_HUGE);
	arena_give(&b, unit, rest);
	arena_take(&b, 1);
	arena_trim(&b, unit + ARENA_CHUNK, ARENA_CHUNK);
	is_int(map[SEGMENT_HUGE + ARENA_CHUNK_BYTES], 0, "a part is given back");
	is_int(map[SEGMENT_HUGE + 2 * ARENA_CHUNK_BYTES], 'x', "not the next");
	is_int(map[SEGMENT_HUGE + ARENA_CHUNK_BYTES - 1], 'x', "nor the last");
	segment_unmap(map, size);
	arena_release(&b);
}

int
main(void)
{
	size_t size;
	void *map;

	fd = segment_create("arena", SIZE);
	map = segment_map(fd, true, &size);
	is_int(arena_init(&a, fd, map, SIZE, ROOM), 0, "a map");
	comings_and_goings();
	backing();
	recovery();
	huge_pages();
	arena_release(&a);
	segment_unmap(map, size);
	close(fd);
	return done();
}
