/* siphash() gives the values its authors published: key 00..0f, input 00..n. */
#include "lib/siphash.h"

#include "t/tap.h"

static const struct {
	size_t len;
	uint64_t hash;
} cases[] = {
	/* the whole-word and the odd lengths, as in vectors.h of the authors */
	{ 0, 0x726fdb47dd0e0e31 },
	{ 1, 0x74f839c593dc67fd },
	{ 2, 0x0d6c8009d9a94f5a },
	{ 3, 0x85676696d7fb7e2d },
	{ 4, 0xcf2794e0277187b7 },
	{ 5, 0x18765564cd99a68d },
	{ 6, 0xcbc9466e58fee3ce },
	{ 7, 0xab0200f58b01d137 },
	{ 8, 0x93f5f5799a932462 },
	{ 9, 0x9e0082df0ba9e4b0 },
	{ 10, 0x7a5dbbc594ddb9f3 },
	{ 11, 0xf4b32f46226bada7 },
	{ 12, 0x751e8fbc860ee5fb },
	{ 15, 0xa129ca6149be45e5 }, /* the example of the paper, appendix A */
	{ 63, 0x958a324ceb064572 },
};

int
main(void)
{
	static const uint64_t key[2] = {
		0x0706050403020100,
		0x0f0e0d0c0b0a0908,
	};
	unsigned char input[64], shifted[65];

	for (size_t i = 0; i < sizeof(input); i++)
		shifted[i + 1] = input[i] = (unsigned char)i;

	for (size_t i = 0; i < nitems(cases); i++)
		is_int((long long)siphash(key, input, cases[i].len),
		    (long long)cases[i].hash, "%zu bytes", cases[i].len);

	is_int((long long)siphash(key, shifted + 1, 63),
	    (long long)siphash(key, input, 63), "at an odd address");
	ok(siphash((uint64_t[]){ key[0] ^ 1, key[1] }, input, 8) !=
		siphash(key, input, 8),
	    "another key, another hash");
	return done();
}
