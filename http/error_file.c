/* Reads the names of error pages. */
#include "http/error_file.h"

#include "lib/array.h"

#define LANGUAGE_MAX 35 /* bytes: RFC 5646 section 4.4.1 */

static const struct span endings[] = {
	[MEDIA_TEXT] = { ".txt", 4 },
	[MEDIA_HTML] = { ".html", 5 },
	[MEDIA_JSON] = { ".json", 5 },
};

static const struct span voices[] = {
	[VOICE_CLIENT] = { "client", 6 },
	[VOICE_TOOL] = { "tool", 4 },
	[VOICE_PLATFORM] = { "platform", 8 },
	[VOICE_NOBODY] = { "nobody", 6 },
};

bool
error_file_form(struct span name, enum media *media)
{
	for (size_t m = 0; m < nitems(endings); m++)
		if (name.len > endings[m].len &&
		    span_eq(span_from(name, name.len - endings[m].len),
			endings[m])) {
			*media = (enum media)m;
			return true;
		}
	return false;
}

static bool
is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

bool
error_file_language(struct span name)
{
	size_t subtag = 0; /* its length so far */
	bool first = true;

	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (c == '-' && subtag > (first ? 1 : 0)) {
			subtag = 0;
			first = false;
		} else if (is_letter(c) || (!first && c >= '0' && c <= '9')) {
			subtag++;
		} else {
			return false;
		}
		if (subtag > 8)
			return false;
	}
	return name.len <= LANGUAGE_MAX && subtag > (first ? 1 : 0);
}

/* Three digits; else 0. */
static unsigned
status_of(struct span name)
{
	unsigned status = 0;

	for (size_t i = 0; i < name.len; i++) {
		if (name.len != 3 || name.ptr[i] < '0' || name.ptr[i] > '9')
			return 0;
		status = status * 10 + (unsigned)(name.ptr[i] - '0');
	}
	return status;
}

/* Without language and form.  ERROR_NONE: it is none. */
static enum error_scope
scope_of(struct span name, unsigned *which)
{
	unsigned status = status_of(name);

	*which = 0;
	if (span_eq(name, SPAN("any")))
		return ERROR_ANY;
	for (unsigned v = 0; v < nitems(voices); v++)
		if (span_eq(name, voices[v])) {
			*which = v;
			return ERROR_VOICE;
		}
	for (unsigned r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		const struct reason_info *info = reason_info((enum reason)r);

		*which = status;
		if (info->status == status)
			return ERROR_STATUS;
		*which = r;
		if (span_eq(name, span_str(info->word)))
			return ERROR_REASON;
	}
	return ERROR_NONE;
}

bool
error_file_parse(struct span path, struct error_file *file)
{
	const char *slash = memchr(path.ptr, '/', path.len);
	struct span name = path;

	*file = (struct error_file){ .scope = ERROR_NONE };
	if (slash != NULL) {
		file->language =
		    (struct span){ path.ptr, (size_t)(slash - path.ptr) };
		name = span_from(path, file->language.len + 1);
		if (!error_file_language(file->language))
			return false;
	}
	if (!error_file_form(name, &file->media))
		return false;
	name.len -= endings[file->media].len;
	file->scope = scope_of(name, &file->which);
	return file->scope != ERROR_NONE;
}

bool
error_file_is_for(const struct error_file *file, enum reason reason)
{
	const struct reason_info *info = reason_info(reason);

	switch (file->scope) {
	case ERROR_ANY:
		return true;
	case ERROR_VOICE:
		return file->which == info->voice;
	case ERROR_STATUS:
		return file->which == info->status;
	case ERROR_REASON:
		return file->which == reason;
	case ERROR_NONE:
		break;
	}
	return false;
}
