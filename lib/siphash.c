/* SipHash-2-4: two rounds for each word of the input, four at the end. */
#include "lib/siphash.h"

#include <endian.h>
#include <string.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);

	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

static inline void
sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

uint64_t
siphash(const uint64_t key[2], const void *bytes, size_t len)
{
	struct sip s = { /* "somepseudorandomlygeneratedbytes" */
		key[0] ^ UINT64_C(0x736f6d6570736575),
		key[1] ^ UINT64_C(0x646f72616e646f6d),
		key[0] ^ UINT64_C(0x6c7967656e657261),
		key[1] ^ UINT64_C(0x7465646279746573)
	};
	const unsigned char *p = bytes;
	size_t rest = len % 8;
	uint64_t word;

	for (size_t words = len / 8; words > 0; words--, p += 8) {
		memcpy(&word, p, 8);
		sip_word(&s, le64toh(word));
	}

	word = (uint64_t)len << 56;
	while (rest-- > 0)
		word |= (uint64_t)p[rest] << 8 * rest;
	sip_word(&s, word);

	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
