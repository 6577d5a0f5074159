/* Long runs end where the table says, whatever the byte and wherever it is. */
#include "http/chars.h"

#include <string.h>

#include "lib/array.h"
#include "t/tap.h"

#define RUN 70 /* several blocks, and a rest */

static const struct {
	const char *what;
	uint8_t class;
	const char *(*skip)(const char *p, const char *end);
} runs[] = {
	{ "values", CHAR_VALUE, char_skip_value },
	{ "targets", CHAR_TARGET, char_skip_target },
	{ "plain text", CHAR_PLAIN, char_skip_plain },
	{ "tokens", CHAR_TOKEN, char_skip_token },
};

/* Every byte at every place of every length, from every alignment. */
static unsigned
differences(size_t i, int byte)
{
	static char room[64 + RUN];
	unsigned n = 0;

	for (size_t align = 0; align < 32; align++)
		for (size_t place = 0; place < RUN; place++) {
			char *p = room + align;

			memset(room, 'a', sizeof(room));
			p[place] = (char)byte;
			for (size_t len = 0; len <= RUN; len += 1 + len / 24)
				n += runs[i].skip(p, p + len) !=
				     char_skip(p, p + len, runs[i].class);
		}
	return n;
}

/* Two of them in a block: the first one counts. */
static void
first_counts(size_t i)
{
	char text[RUN];
	unsigned wrong = 0;

	for (size_t a = 0; a < RUN; a++)
		for (size_t b = a; b < RUN; b++) {
			memset(text, 'a', sizeof(text));
			text[a] = text[b] = '\r';
			wrong += runs[i].skip(text, text + RUN) != text + a;
		}
	is_int(
	    wrong, 0, "%s: the first byte that does not belong", runs[i].what);
}

int
main(void)
{
	unsigned wrong;

	for (size_t i = 0; i < nitems(runs); i++) {
		wrong = 0;
		for (int byte = 0; byte < 256; byte++)
			wrong += differences(i, byte);
		is_int(wrong, 0, "%s: as the table has it", runs[i].what);
		first_counts(i);
	}
	return done();
}
