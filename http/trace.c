/* Reads and writes the fields of a trace. */
#include "http/trace.h"

#include <endian.h>

#include "http/chars.h"
#include "lib/siphash.h"

#define MEMBERS_MAX 32	  /* of a tracestate, section 3.3.1.1 */
#define STATE_KEY_MAX 256 /* bytes */
#define STATE_VALUE_MAX 256

static uint64_t
next(struct trace_source *source)
{
	uint64_t count = source->count++;

	return siphash(source->key, &count, sizeof(count));
}

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* Eight digits at a time: one in each byte of a word, then all to letters. */
static void
put_hex_half(char out[8], uint32_t n)
{
	uint64_t digits = n;

	digits = (digits | digits << 16) & UINT64_C(0x0000ffff0000ffff);
	digits = (digits | digits << 8) & UINT64_C(0x00ff00ff00ff00ff);
	digits = (digits | digits << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	digits +=
	    '0' * EACH_BYTE +
	    (((digits + 6 * EACH_BYTE) >> 4) & EACH_BYTE) * ('a' - '0' - 10);
	digits = htobe64(digits);
	memcpy(out, &digits, sizeof(digits));
}

static void
put_hex(char out[16], uint64_t n)
{
	put_hex_half(out, (uint32_t)(n >> 32));
	put_hex_half(out + 8, (uint32_t)n);
}

static bool
is_id_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool
request_id_valid(struct span id)
{
	if (id.len < 8 || id.len > REQUEST_ID_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (!is_id_char(id.ptr[i]))
			return false;
	return true;
}

size_t
request_id_make(struct trace_source *source, char *out)
{
	put_hex(out, next(source));
	put_hex(out + 16, next(source));
	return REQUEST_ID_LEN;
}

/* Lower case only, section 3.2. */
static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Are these digits, and not all of them zero? */
static bool
is_hex_id(const char *p, size_t digits)
{
	int any = 0, value;

	for (size_t i = 0; i < digits; i++) {
		value = hex_value(p[i]);
		if (value == -1)
			return false;
		any |= value;
	}
	return any != 0;
}

/*
 * version "-" trace-id "-" parent-id "-" trace-flags; a later version may have
 * more behind a dash (section 3.2.4).
 */
static bool
parent_valid(struct span s)
{
	bool later;

	if (s.len < TRACE_PARENT_LEN || hex_value(s.ptr[0]) == -1 ||
	    hex_value(s.ptr[1]) == -1 || (s.ptr[0] == 'f' && s.ptr[1] == 'f'))
		return false;
	later = s.ptr[0] != '0' || s.ptr[1] != '0';
	if (s.len > TRACE_PARENT_LEN &&
	    (!later || s.ptr[TRACE_PARENT_LEN] != '-'))
		return false;
	return s.ptr[2] == '-' && is_hex_id(s.ptr + 3, 32) &&
	       s.ptr[35] == '-' && is_hex_id(s.ptr + 36, 16) &&
	       s.ptr[52] == '-' && hex_value(s.ptr[53]) != -1 &&
	       hex_value(s.ptr[54]) != -1;
}

bool
trace_parent(struct trace_source *source, struct span received, const char *id,
    char out[TRACE_PARENT_LEN])
{
	bool goes_on = parent_valid(received);
	/* what this version does not know is zero: sampled and random stay */
	int flags = goes_on ? hex_value(received.ptr[54]) & 3 : 0;
	uint64_t span = next(source);

	memcpy(out, "00-", 3);
	if (goes_on) {
		memcpy(out + 3, received.ptr + 3, 32);
	} else if (id != NULL) {
		memcpy(out + 3, id, REQUEST_ID_LEN);
	} else {
		/* one in 2^128 is all zero, and invalid: nobody is hurt */
		request_id_make(source, out + 3);
	}
	out[35] = '-';
	put_hex(out + 36, span != 0 ? span : 1);
	memcpy(out + 52, "-0", 2);
	out[54] = (char)('0' + flags);
	return goes_on;
}

static bool
is_key_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-' || c == '*' || c == '/' || c == '@';
}

/* key=value, section 3.3.1.3; the value was checked as any field's was. */
static bool
member_valid(struct span member)
{
	const char *equals = memchr(member.ptr, '=', member.len);
	size_t key = equals != NULL ? (size_t)(equals - member.ptr) : 0;
	struct span value;

	if (key == 0 || key > STATE_KEY_MAX)
		return false;
	for (size_t i = 0; i < key; i++)
		if (!is_key_char(member.ptr[i]))
			return false;
	value = span_from(member, key + 1);
	return value.len > 0 && value.len <= STATE_VALUE_MAX &&
	       memchr(value.ptr, '=', value.len) == NULL;
}

bool
trace_state_valid(struct span state)
{
	struct span member;
	size_t n = 0;

	while (state.len > 0) {
		const char *comma = memchr(state.ptr, ',', state.len);
		size_t len =
		    comma != NULL ? (size_t)(comma - state.ptr) : state.len;

		member = char_trim((struct span){ state.ptr, len });
		state = span_from(state, comma != NULL ? len + 1 : len);
		if (member.len == 0)
			continue;
		if (!member_valid(member) || ++n > MEMBERS_MAX)
			return false;
	}
	return n > 0;
}
