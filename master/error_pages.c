/* Reads error_directory. */
#include "master/error_pages.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/error_file.h"
#include "http/template.h"
#include "lib/bundle.h"
#include "lib/log.h"
#include "master/site.h"

#define FILES_MAX 256
#define LANGUAGES_MAX 32

/* The reading under way. */
struct pages {
	const char *directory;		       /* borrowed */
	struct bundle_piece pieces[FILES_MAX]; /* owned, names and bytes */
	size_t n, nlanguages;
};

static bool read_directory(struct pages *p, const char *language);

static bool
fail(const struct pages *p, const char *name, const char *why)
{
	log_event(LOG_CRIT, "fatal", "%s/%s: %s", p->directory, name, why);
	return false;
}

/* A copy of both, in the list. */
static bool
keep(struct pages *p, const char *name, struct span bytes)
{
	struct bundle_piece *piece = &p->pieces[p->n];
	char *text = malloc(bytes.len + 1), *copy = strdup(name);

	if (text == NULL || copy == NULL) {
		free(text);
		free(copy);
		return fail(p, name, strerror(ENOMEM));
	}
	memcpy(text, bytes.ptr, bytes.len);
	piece->name = span_str(copy);
	piece->bytes.ptr = text;
	piece->bytes.len = bytes.len;
	p->n++;
	return true;
}

/*
 * Why it is not JSON when its variables have values that need escaping; NULL:
 * it is.
 */
static const char *
why_no_json(struct span text)
{
	struct span values[TEMPLATE_VARIABLES];
	json_error_t error = { .line = 0 };
	json_t *value = NULL;
	bool memory;
	struct buf out;

	for (size_t i = 0; i < TEMPLATE_VARIABLES; i++)
		values[i] = SPAN("a \"quoted\" \\");
	values[TEMPLATE_STATUS] = SPAN("404"); /* may stand as a number, */
	values[TEMPLATE_ASK] = SPAN(" Ask");   /* and this is escaped before */
	buf_init(&out, 4 * TEMPLATE_MAX);
	memory = template_expand(text, MEDIA_JSON, values, &out);
	if (memory)
		value =
		    json_loadb(buf_span(&out).ptr, buf_len(&out), 0, &error);
	buf_release(&out);
	json_decref(value);
	if (value != NULL)
		return NULL;
	if (!memory || json_error_code(&error) == json_error_out_of_memory)
		return strerror(ENOMEM);
	return "no JSON, once its variables have values: put texts "
	       "between quotes, and no comma after the last member";
}

static bool
read_page(struct pages *p, const char *path, const char *name)
{
	char bytes[TEMPLATE_MAX + 1];
	struct template_fault fault;
	const char *wrong = NULL;
	struct error_file file;
	ssize_t n;

	if (!error_file_parse(span_str(name), &file))
		return fail(p, name,
		    "no error is called so: write a reason, a status, client, "
		    "tool, platform, nobody or any");
	if (p->n == FILES_MAX)
		return fail(p, name, "more than 256 files");
	n = site_read(path, bytes, sizeof(bytes));
	if (n == -1)
		return fail(p, name, strerror(errno));
	if (!template_check((struct span){ bytes, (size_t)n }, &fault)) {
		log_event(LOG_CRIT, "fatal", "%s:%u: %s", path, fault.line,
		    fault.what);
		return false;
	}
	if (file.media == MEDIA_JSON)
		wrong = why_no_json((struct span){ bytes, (size_t)n });
	if (wrong != NULL)
		return fail(p, name, wrong);
	return keep(p, name, (struct span){ bytes, (size_t)n });
}

static bool
read_language(struct pages *p, const char *name)
{
	if (!error_file_language(span_str(name)))
		return fail(p, name, "no language: write one as de or pt-BR");
	if (++p->nlanguages > LANGUAGES_MAX)
		return fail(p, name, "more than 32 languages");
	return read_directory(p, name);
}

/* Hidden files, and what is neither template nor directory, are not ours. */
static bool
read_entry(struct pages *p, const char *language, const char *entry)
{
	bool inside = *language != '\0';
	char name[2 * 256 + 2], path[4096 + sizeof(name) + 1];
	enum media media;
	struct stat st;

	if (*entry == '.')
		return true;
	snprintf(
	    name, sizeof(name), "%s%s%s", language, inside ? "/" : "", entry);
	snprintf(path, sizeof(path), "%s/%s", p->directory, name);
	if (stat(path, &st) == -1)
		return fail(p, name, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return inside || read_language(p, name);
	return !S_ISREG(st.st_mode) ||
	       !error_file_form(span_str(entry), &media) ||
	       read_page(p, path, name);
}

/* language: a directory there; "": itself. */
static bool
read_directory(struct pages *p, const char *language)
{
	char path[4096 + 256 + 2];
	struct dirent **entries;
	bool good = true;
	int n;

	snprintf(path, sizeof(path), "%s/%s", p->directory, language);
	n = scandir(path, &entries, NULL, alphasort);
	if (n == -1)
		return (errno == ENOENT && *language == '\0') ||
		       fail(p, language, strerror(errno));
	for (int i = 0; i < n; i++) {
		good = good && read_entry(p, language, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return good;
}

bool
error_pages_load(const struct conf *conf, int *fd)
{
	struct pages p = { .directory = conf->error_directory };
	bool good = *p.directory == '\0' || read_directory(&p, "");

	*fd = -1;
	if (good && p.n > 0) {
		*fd = bundle_seal("dynproxy-errors", p.pieces, p.n);
		good = *fd != -1 || fail(&p, "", strerror(errno));
	}
	for (size_t i = 0; i < p.n; i++) {
		free((void *)p.pieces[i].name.ptr);
		free((void *)p.pieces[i].bytes.ptr);
	}
	return good;
}

bool
error_pages_check(const struct conf *conf)
{
	int fd;
	bool good = error_pages_load(conf, &fd);

	if (fd != -1)
		close(fd);
	return good;
}
