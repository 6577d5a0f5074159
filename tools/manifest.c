/* Reads, changes and writes service manifests. */
#include "tools/manifest.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/array.h"

#define WHY_MAX 256
#define VERSION "4" /* of the format */

#define HEADER                                                                 \
	"# This file is used by Toolforge infrastructure.\n"                   \
	"# Please do not edit manually at this time.\n"

/* Where a service.template may lie, below the home directory. */
static const char *const template_places[] = { "service.template",
	"www/python/src/service.template", "www/js/service.template",
	"public_html/service.template" };

static yaml_node_t *
top(struct manifest *m)
{
	return yaml_document_get_root_node(&m->doc);
}

static bool
begin_empty(struct manifest *m, char *why)
{
	m->held = yamlfile_parse(&m->doc, "", 0, why) == YAMLFILE_READ;
	return m->held;
}

/* Put the name of the file before what is wrong with it. */
static bool
fails(char *why, const char *path)
{
	char wrong[WHY_MAX];

	strlcpy(wrong, why, sizeof(wrong));
	snprintf(why, WHY_MAX, "%.100s: %.150s", path, wrong);
	return false;
}

bool
manifest_read(struct manifest *m, const struct account *a, int dir, char *why)
{
	char path[sizeof(a->home) + sizeof(MANIFEST_NAME) + 1];

	if (dir != AT_FDCWD)
		strlcpy(path, MANIFEST_NAME, sizeof(path));
	else
		account_path(a, MANIFEST_NAME, path, sizeof(path));
	switch (yamlfile_read(&m->doc, dir, path, a->uid, why)) {
	case YAMLFILE_READ:
		m->held = true;
		return true;
	case YAMLFILE_ABSENT:
		return begin_empty(m, why);
	default:
		return fails(why, path);
	}
}

/* Whether one more was found; false with *failed: it cannot be used. */
static bool
read_one_template(struct manifest *m, const char *path, bool *failed, char *why)
{
	switch (yamlfile_read(&m->doc, AT_FDCWD, path, YAMLFILE_ANYONE, why)) {
	case YAMLFILE_READ:
		m->held = true;
		return true;
	case YAMLFILE_ABSENT:
		return false;
	default:
		*failed = true;
		return fails(why, path);
	}
}

bool
manifest_read_template(
    struct manifest *m, const struct account *a, const char *path, char *why)
{
	char place[sizeof(a->home) + 64], first[sizeof(a->home) + 64] = "";
	bool failed = false;

	if (path != NULL) {
		if (read_one_template(m, path, &failed, why))
			return true;
		return failed ? false : fails(why, path);
	}
	for (size_t i = 0; i < nitems(template_places); i++) {
		if (!account_path(
			a, template_places[i], place, sizeof(place)) ||
		    access(place, F_OK) == -1)
			continue;
		if (first[0] != '\0') {
			snprintf(why, WHY_MAX,
			    "there are two templates: remove %.100s or %.100s",
			    first, place);
			return false;
		}
		strlcpy(first, place, sizeof(first));
	}
	if (first[0] == '\0')
		return begin_empty(m, why);
	return read_one_template(m, first, &failed, why) ||
	       (!failed && begin_empty(m, why));
}

void
manifest_release(struct manifest *m)
{
	if (m->held)
		yaml_document_delete(&m->doc);
	m->held = false;
}

const char *
manifest_get(struct manifest *m, const char *key)
{
	return yamlfile_text(yamlfile_get(&m->doc, top(m), key));
}

size_t
manifest_list(
    struct manifest *m, const char *key, const char *words[MANIFEST_ARGS_MAX])
{
	yaml_node_t *node = yamlfile_get(&m->doc, top(m), key);
	const char *text;
	size_t n = 0;

	if (node == NULL)
		return 0;
	if (node->type != YAML_SEQUENCE_NODE) {
		words[0] = yamlfile_text(node);
		return words[0] != NULL;
	}
	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top && n < MANIFEST_ARGS_MAX; i++) {
		text = yamlfile_text(yaml_document_get_node(&m->doc, *i));
		if (text != NULL)
			words[n++] = text;
	}
	return n;
}

/*
 * A word that other readers would take for a number, a date, a truth value,
 * nothing or a sign of their own (YAML 1.1) is quoted, so that it stays a word.
 */
static bool
reads_as_text(const char *word)
{
	static const char *const others[] = { "true", "false", "yes", "no",
		"on", "off", "null", "y", "n", "~", ".inf", "+.inf", "-.inf",
		".nan", "=", "<<" };

	for (size_t i = 0; i < nitems(others); i++)
		if (strcasecmp(word, others[i]) == 0)
			return false;
	return strspn(word, "+-.0123456789") == 0
		   ? *word != '\0'
		   : word[strspn(
			 word, "+-.0123456789_: \tabcdefxABCDEFXTtZz")] != '\0';
}

static int
add_word(struct manifest *m, const char *word)
{
	return yaml_document_add_scalar(&m->doc, NULL,
	    (const unsigned char *)word, (int)strlen(word),
	    reads_as_text(word) ? YAML_PLAIN_SCALAR_STYLE
				: YAML_SINGLE_QUOTED_SCALAR_STYLE);
}

static bool
add_pair(struct manifest *m, const char *key, int value)
{
	/* adding nodes may move them all: the top is found by its number */
	int name = value == 0 ? 0 : add_word(m, key);

	manifest_remove(m, key);
	return name != 0 &&
	       yaml_document_append_mapping_pair(&m->doc, 1, name, value);
}

bool
manifest_set(struct manifest *m, const char *key, const char *text)
{
	return add_pair(m, key, add_word(m, text));
}

bool
manifest_set_list(
    struct manifest *m, const char *key, const char *const words[], size_t n)
{
	int list = yaml_document_add_sequence(
	    &m->doc, NULL, YAML_BLOCK_SEQUENCE_STYLE);
	int word;

	for (size_t i = 0; i < n && list != 0; i++) {
		word = add_word(m, words[i]);
		if (word == 0 ||
		    !yaml_document_append_sequence_item(&m->doc, list, word))
			list = 0;
	}
	return add_pair(m, key, list);
}

void
manifest_remove(struct manifest *m, const char *key)
{
	yaml_node_t *map = top(m);
	const char *text;

	yaml_node_pair_t *kept = map->data.mapping.pairs.start;

	/* it may be there more than once */
	for (yaml_node_pair_t *p = kept; p < map->data.mapping.pairs.top; p++) {
		text = yamlfile_text(yaml_document_get_node(&m->doc, p->key));
		if (text == NULL || strcmp(text, key) != 0)
			*kept++ = *p;
	}
	map->data.mapping.pairs.top = kept;
}

/* The version is a number: it is not quoted. */
static bool
set_version(struct manifest *m)
{
	return add_pair(m, "version",
	    yaml_document_add_scalar(&m->doc, NULL,
		(const unsigned char *)VERSION, sizeof(VERSION) - 1,
		YAML_PLAIN_SCALAR_STYLE));
}

/* qsort_r(3): by the keys' bytes, as the original writes them. */
static int
by_key(const void *a, const void *b, void *arg)
{
	const yaml_node_pair_t *x = a, *y = b;
	const char *left = yamlfile_text(yaml_document_get_node(arg, x->key));
	const char *right = yamlfile_text(yaml_document_get_node(arg, y->key));

	return strcmp(left != NULL ? left : "", right != NULL ? right : "");
}

static bool
write_document(struct manifest *m, FILE *f)
{
	time_t now = time(NULL);
	char date[64];
	yaml_node_t *map = top(m);
	yaml_emitter_t emitter;
	struct tm tm;
	bool written;

	qsort_r(map->data.mapping.pairs.start,
	    (size_t)(map->data.mapping.pairs.top -
		     map->data.mapping.pairs.start),
	    sizeof(yaml_node_pair_t), by_key, &m->doc);
	strftime(date, sizeof(date), "%a %b %e %T %Y", localtime_r(&now, &tm));
	fprintf(f, HEADER "# %s\n", date);
	if (!yaml_emitter_initialize(&emitter)) {
		manifest_release(m);
		return false;
	}
	yaml_emitter_set_output_file(&emitter, f);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, -1);
	m->doc.start_implicit = m->doc.end_implicit = 1;
	m->held = false; /* the document is the emitter's from here on */
	written = yaml_emitter_open(&emitter) &&
		  yaml_emitter_dump(&emitter, &m->doc) &&
		  yaml_emitter_close(&emitter);
	yaml_emitter_delete(&emitter);
	return written;
}

/* Write it to the file beside; it is removed again when that fails. */
static bool
write_beside(struct manifest *m, const char *path, int fd, char *why)
{
	FILE *f = fdopen(fd, "w");
	bool written;

	if (f == NULL) {
		close(fd);
		manifest_release(m);
		written = false;
	} else {
		written = write_document(m, f);
		written = fflush(f) == 0 && fsync(fd) == 0 && written;
		written = fclose(f) == 0 && written;
	}
	if (written)
		return true;
	snprintf(why, WHY_MAX, "%.150s: %s", path,
	    errno != 0 ? strerror(errno) : "cannot write it");
	unlink(path);
	return false;
}

bool
manifest_save(struct manifest *m, const struct account *a, char *why)
{
	char path[sizeof(a->home) + 32], beside[sizeof(a->home) + 32];
	bool saved;
	int fd;

	account_path(a, MANIFEST_NAME, path, sizeof(path));
	account_path(a, MANIFEST_NAME "~", beside, sizeof(beside));
	errno = 0;
	fd = set_version(m)
		 ? open(beside, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644)
		 : -1;
	if (fd == -1) {
		if (errno == EEXIST)
			snprintf(why, WHY_MAX,
			    "another webservice is writing the manifest; if "
			    "none is, remove %.120s",
			    beside);
		else
			snprintf(why, WHY_MAX, "%.150s: %s", beside,
			    strerror(errno));
		manifest_release(m);
		return false;
	}
	saved = write_beside(m, beside, fd, why);
	if (saved && rename(beside, path) == -1) {
		snprintf(why, WHY_MAX, "%.150s: %s", path, strerror(errno));
		unlink(beside);
		saved = false;
	}
	return saved;
}
