/* Sorts the operator's error pages by what they are for. */
#include "worker/templates.h"

#include <assert.h>
#include <stdlib.h>

#include "http/error_file.h"
#include "lib/bundle.h"

#define LANGUAGES_MAX 255 /* the master allows less */

struct templates {
	size_t nlanguages;
	struct span languages[LANGUAGES_MAX];

	/* of each language, from 1; 0 is what has none */
	struct by_reason {
		struct template of[REASON_COUNT][MEDIA_JSON + 1];
		enum error_scope scope[REASON_COUNT][MEDIA_JSON + 1];
	} by[];
};

/* The place of a language; nlanguages: it is not there. */
static size_t
place_of(const struct span *languages, size_t n, struct span language)
{
	size_t i = 0;

	while (i < n && !span_eq_nocase(languages[i], language))
		i++;
	return i;
}

/* Collect the languages; returns how many there are. */
static size_t
collect(const struct bundle *files, struct span languages[LANGUAGES_MAX])
{
	struct bundle_piece piece;
	struct error_file file;
	size_t at = 0, n = 0;

	while (n < LANGUAGES_MAX && bundle_next(files, &at, &piece))
		if (error_file_parse(piece.name, &file) &&
		    file.language.len > 0 &&
		    place_of(languages, n, file.language) == n)
			languages[n++] = file.language;
	return n;
}

/* For each reason that no file before was more exactly for. */
static void
sort_in(struct by_reason *by, const struct error_file *file, struct span text)
{
	for (unsigned r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		if (!error_file_is_for(file, (enum reason)r) ||
		    by->scope[r][file->media] >= file->scope)
			continue;
		by->scope[r][file->media] = file->scope;
		by->of[r][file->media] =
		    (struct template){ text, file->language };
	}
}

struct templates *
templates_new(struct span files)
{
	const struct bundle bundle = { files.ptr, files.len };
	struct span languages[LANGUAGES_MAX];
	size_t n = collect(&bundle, languages), at = 0, place;
	struct templates *t = calloc(1, sizeof(*t) + (n + 1) * sizeof(*t->by));
	struct bundle_piece piece;
	struct error_file file;

	if (t == NULL)
		return NULL;
	t->nlanguages = n;
	memcpy(t->languages, languages, n * sizeof(*languages));
	while (bundle_next(&bundle, &at, &piece)) {
		if (!error_file_parse(piece.name, &file))
			continue;
		place = place_of(languages, n, file.language);
		if (file.language.len == 0)
			sort_in(&t->by[0], &file, piece.bytes);
		else if (place < n)
			sort_in(&t->by[place + 1], &file, piece.bytes);
	}
	return t;
}

void
templates_free(struct templates *t)
{
	free(t);
}

unsigned
templates_language(const struct templates *t, const struct http_msg *request)
{
	const struct http_field *f =
	    http_msg_field(request, FIELD_ACCEPT_LANGUAGE);

	if (t->nlanguages == 0 || f == NULL)
		return 0;
	return (unsigned)http_negotiate_language(
	    f->value, t->languages, t->nlanguages);
}

const struct template *
templates_find(const struct templates *t, enum reason reason, enum media media,
    unsigned language)
{
	assert(language <= t->nlanguages);
	if (t->by[language].scope[reason][media] == ERROR_NONE)
		language = 0;
	return t->by[language].scope[reason][media] == ERROR_NONE
		   ? NULL
		   : &t->by[language].of[reason][media];
}
