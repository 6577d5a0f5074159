/*
 * Any page, any value of its variables, any file name: what is no template is
 * told by line, and no value brings markup into a page.
 */
#include <stdlib.h>
#include <string.h>

#include "http/error_file.h"
#include "http/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool kept)
{
	if (!kept)
		abort();
}

/* In a string of JSON: nothing ends it. */
static void
check_json(struct span escaped)
{
	for (size_t i = 0; i < escaped.len; i++) {
		check((unsigned char)escaped.ptr[i] >= ' ' &&
		      escaped.ptr[i] != '"');
		if (escaped.ptr[i] == '\\')
			check(++i < escaped.len);
	}
}

static void
check_escape(enum media media, struct span value)
{
	struct buf out;

	buf_init(&out, 6 * value.len + 1);
	check(template_escape(media, value, &out));
	for (size_t i = 0; media == MEDIA_HTML && i < buf_len(&out); i++)
		check(strchr("<>\"'", buf_span(&out).ptr[i]) == NULL ||
		      buf_span(&out).ptr[i] == '\0');
	if (media == MEDIA_JSON)
		check_json(buf_span(&out));
	buf_release(&out);
}

static void
check_page(enum media media, struct span value, struct span page)
{
	struct span values[TEMPLATE_VARIABLES];
	struct template_fault fault = { 0 };
	struct buf out;

	if (!template_check(page, &fault)) {
		check(fault.line > 0 && fault.what[0] != '\0');
		return;
	}
	check(page.len <= TEMPLATE_MAX);
	for (size_t i = 0; i < TEMPLATE_VARIABLES; i++)
		values[i] = i == TEMPLATE_ASK ? (struct span){ "", 0 } : value;
	buf_init(&out, 8192);
	template_expand(page, media, values, &out);
	check(buf_len(&out) <= 8192);
	buf_release(&out);
}

/* The form, a value on a line of its own, and the page, or the file's name. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum media forms[] = { MEDIA_HTML, MEDIA_TEXT,
		MEDIA_JSON };
	struct span bytes = { (const char *)data, size }, value;
	struct error_file file;
	enum media media;
	const char *lf;

	if (size == 0)
		return 0;
	media = forms[data[0] % 3];
	bytes = span_from(bytes, 1);
	lf = bytes.len > 0 ? memchr(bytes.ptr, '\n', bytes.len) : NULL;
	value = (struct span){ bytes.ptr,
		lf != NULL ? (size_t)(lf - bytes.ptr) : bytes.len };
	check_escape(media, value);
	if (error_file_parse(value, &file))
		check(file.scope != ERROR_NONE);
	if (lf != NULL)
		check_page(media, value, span_from(bytes, value.len + 1));
	return 0;
}
