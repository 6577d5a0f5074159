/* Reads the page's questions and has them answered. */
#include "registrar/status_api.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/array.h"
#include "registrar/explain.h"
#include "registrar/process.h"
#include "registrar/tell.h"

#define VALUE_MAX 2048

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* application/x-www-form-urlencoded.  False: malformed, or too long. */
static bool
decode(struct span text, char out[VALUE_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i] == '+' ? ' ' : text.ptr[i];

		if (c == '%') {
			if (i + 2 >= text.len || hex(text.ptr[i + 1]) == -1 ||
			    hex(text.ptr[i + 2]) == -1)
				return false;
			c = (char)(hex(text.ptr[i + 1]) * 16 +
				   hex(text.ptr[i + 2]));
			i += 2;
		}
		if (c == '\0' || n == VALUE_MAX - 1)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return true;
}

/* A question: the value of its parameter, and the order of what it asks for. */
struct asked_api {
	char value[VALUE_MAX];
	enum tell_order order;
};

/* Its parameter, "name=..."; empty: it is not there. */
static bool
parameter(struct span query, struct span name, char out[VALUE_MAX])
{
	out[0] = '\0';
	if (query.len == 0)
		return true;
	return span_starts(query, name) &&
	       decode(span_from(query, name.len), out);
}

static json_t *
fail(unsigned *status, unsigned code, const char *error)
{
	*status = code;
	return json_pack("{s:s}", "error", error);
}

/* Take "&by=..." off the end.  False: there is no such order. */
static bool
take_order(struct span *query, enum tell_order *order)
{
	static const struct span by = SPAN("&by=");
	const char *at = NULL;
	char word[16] = "";

	if (query->len > 0)
		at = memmem(query->ptr, query->len, by.ptr, by.len);
	if (at == NULL)
		return true;
	snprintf(word, sizeof(word), "%.*s",
	    (int)(query->ptr + query->len - at - (ptrdiff_t)by.len),
	    at + by.len);
	query->len = (size_t)(at - query->ptr);
	*order = tell_order_of(word);
	return *order != TELL_ORDERS;
}

static json_t *
ask_node(struct registrar *r, const struct asked_api *q, unsigned *status)
{
	(void)q;
	(void)status;
	return tell_node(r);
}

static json_t *
ask_tools(struct registrar *r, const struct asked_api *q, unsigned *status)
{
	(void)status;
	return tell_tools(r, q->value, q->order, TELL_TOOLS_MAX);
}

static json_t *
ask_tool(struct registrar *r, const struct asked_api *q, unsigned *status)
{
	char key[KEY_MAX + 1] = { KEY_TOOL };
	const struct book_name *name;
	json_t *told = NULL;

	if (vet_tool_name(span_str(q->value))) {
		memcpy(key + 1, q->value, strlen(q->value) + 1);
		name = book_find(&r->book, key);
		told =
		    name != NULL ? tell_tool(r, name) : tell_gone(r, q->value);
	}
	return told != NULL ? told : fail(status, 404, "no tool has this name");
}

static json_t *
ask_explain(struct registrar *r, const struct asked_api *q, unsigned *status)
{
	char why[256];
	json_t *answer = explain_live(r,
	    &(struct explain_question){
		.url = q->value, .client = "", .agent = "" },
	    why);

	return answer != NULL ? answer : fail(status, 400, why);
}

static const struct {
	struct span path, parameter;
	json_t *(*ask)(
	    struct registrar *r, const struct asked_api *q, unsigned *status);
	bool ordered; /* "&by=..." may follow */
} questions[] = {
	{ { "/api/node", 9 }, { "", 0 }, ask_node, false },
	{ { "/api/tools", 10 }, { "q=", 2 }, ask_tools, true },
	{ { "/api/tool", 9 }, { "name=", 5 }, ask_tool, false },
	{ { "/api/explain", 12 }, { "url=", 4 }, ask_explain, false },
};

json_t *
status_api(
    struct registrar *r, struct span path, struct span query, unsigned *status)
{
	struct asked_api q;

	*status = 200;
	for (size_t i = 0; i < nitems(questions); i++) {
		if (!span_eq(path, questions[i].path))
			continue;
		q.order = TELL_BY_RATE;
		if ((questions[i].ordered && !take_order(&query, &q.order)) ||
		    !parameter(query, questions[i].parameter, q.value))
			return fail(status, 400, "malformed");
		return questions[i].ask(r, &q, status);
	}
	return fail(status, 404, "no such question");
}
