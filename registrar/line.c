/* Takes a request on 8282 apart. */
#include "registrar/line.h"

#include "lib/array.h"

static const struct {
	struct span word;
	enum verb verb;
	bool destination;
} verbs[] = {
	{ { "register", 8 }, VERB_REGISTER, true },
	{ { "registerCanonical", 17 }, VERB_REGISTER_CANONICAL, true },
	{ { "unregister", 10 }, VERB_UNREGISTER, false },
	{ { "lease", 5 }, VERB_LEASE, true },
};

#define NVERBS nitems(verbs)

const char *
line_verb_name(enum verb verb)
{
	for (size_t i = 0; i < NVERBS; i++)
		if (verbs[i].verb == verb)
			return verbs[i].word.ptr;
	return "none";
}

/* Take the next line off bytes, without LF and one CR before it. */
static enum line_fault
next_line(struct span *bytes, struct span *line)
{
	const char *end;
	size_t len;

	end = bytes->len > 0 ? memchr(bytes->ptr, '\n', bytes->len) : NULL;
	len = end != NULL ? (size_t)(end - bytes->ptr) : bytes->len;
	*line = (struct span){ bytes->ptr, len };
	if (len > 0 && line->ptr[len - 1] == '\r')
		line->len--;
	if (line->len > LINE_MAX_BYTES)
		return LINE_TOO_LONG;
	if (end == NULL)
		return LINE_MORE;
	*bytes = span_from(*bytes, len + 1);
	return LINE_FINE;
}

/* The same, for a line that goes on into the stores and the log. */
static enum line_fault
next_operand(struct span *bytes, struct span *line)
{
	enum line_fault fault = next_line(bytes, line);

	for (size_t i = 0; fault == LINE_FINE && i < line->len; i++)
		if ((unsigned char)line->ptr[i] < 0x20 || line->ptr[i] == 0x7f)
			fault = LINE_CONTROL;
	return fault;
}

enum line_fault
line_parse(struct span bytes, struct line_request *request)
{
	size_t all = bytes.len, i = 0;
	struct span word;
	enum line_fault fault;

	fault = next_line(&bytes, &word);
	if (fault != LINE_FINE)
		return fault;
	while (i < NVERBS && !span_eq(word, verbs[i].word))
		i++;
	if (i == NVERBS)
		return LINE_UNKNOWN;

	*request = (struct line_request){ .verb = verbs[i].verb };
	fault = next_operand(&bytes, &request->route);
	if (fault == LINE_FINE && verbs[i].destination)
		fault = next_operand(&bytes, &request->destination);
	request->len = all - bytes.len;
	return fault;
}

enum line_fault
line_word(struct span bytes, enum word *word, size_t *len)
{
	static const struct span words[] = {
		[WORD_PING] = { "ping", 4 },
		[WORD_DRAIN] = { "drain", 5 },
	};
	size_t all = bytes.len;
	struct span line;
	enum line_fault fault = next_line(&bytes, &line);

	*word = WORD_UNKNOWN;
	for (size_t i = 0; fault == LINE_FINE && i < nitems(words); i++)
		if (span_eq(line, words[i]))
			*word = (enum word)i;
	*len = all - bytes.len;
	return fault;
}
