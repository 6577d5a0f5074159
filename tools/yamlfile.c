/* Reads small YAML files with libyaml, bounded in every way. */
#include "tools/yamlfile.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define WHY_MAX 256
#define DEPTH_MAX 64 /* of lists in lists; libyaml's time is its square */

static enum yamlfile
bad(char *why, const char *what)
{
	strlcpy(why, what, WHY_MAX);
	return YAMLFILE_BAD;
}

static bool
refuses(const yaml_parser_t *parser, char *why)
{
	snprintf(why, WHY_MAX, "line %zu: %s", parser->problem_mark.line + 1,
	    parser->problem != NULL ? parser->problem : "no memory");
	return false;
}

/* A document, and nothing behind it: when it is written that would be lost. */
static bool
load(yaml_parser_t *parser, yaml_document_t *doc, char *why)
{
	yaml_document_t next;
	bool more;

	if (!yaml_parser_load(parser, doc))
		return refuses(parser, why);
	if (!yaml_parser_load(parser, &next)) {
		yaml_document_delete(doc);
		return refuses(parser, why);
	}
	more = yaml_document_get_root_node(&next) != NULL;
	yaml_document_delete(&next);
	if (more) {
		yaml_document_delete(doc);
		strlcpy(why, "it has more than one document", WHY_MAX);
	}
	return !more;
}

/* What cannot be parsed is left to load(), which says why. */
static bool
is_too_deep(const char *text, size_t len)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool ended = false;
	int depth = 0;

	if (!yaml_parser_initialize(&parser))
		return false;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (!ended && depth <= DEPTH_MAX &&
	       yaml_parser_parse(&parser, &event)) {
		depth += event.type == YAML_SEQUENCE_START_EVENT ||
			 event.type == YAML_MAPPING_START_EVENT;
		depth -= event.type == YAML_SEQUENCE_END_EVENT ||
			 event.type == YAML_MAPPING_END_EVENT;
		ended = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return depth > DEPTH_MAX;
}

enum yamlfile
yamlfile_parse(yaml_document_t *doc, const char *text, size_t len, char *why)
{
	yaml_parser_t parser;
	yaml_node_t *root;
	bool read;

	if (is_too_deep(text, len))
		return bad(why, "it is nested too deeply");
	if (!yaml_parser_initialize(&parser))
		return bad(why, "no memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	read = load(&parser, doc, why);
	yaml_parser_delete(&parser);
	if (!read)
		return YAMLFILE_BAD;
	root = yaml_document_get_root_node(doc);
	if (root == NULL) { /* an empty file says nothing, and that is fine */
		yaml_document_delete(doc);
		if (yaml_document_initialize(doc, NULL, NULL, NULL, 1, 1) &&
		    yaml_document_add_mapping(
			doc, NULL, YAML_BLOCK_MAPPING_STYLE) != 0)
			return YAMLFILE_READ;
		return bad(why, "no memory");
	}
	if (root->type == YAML_MAPPING_NODE)
		return YAMLFILE_READ;
	yaml_document_delete(doc);
	return bad(why, "it is no list of \"key: value\" lines");
}

/* -1: why, or errno ENOENT. */
static int
open_checked(int dir, const char *path, uid_t owner, char *why)
{
	int nofollow = owner == YAMLFILE_ANYONE ? 0 : O_NOFOLLOW;
	/* what is no file must not make us wait */
	int fd =
	    openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | nofollow);
	struct stat st;

	if (fd == -1) {
		strlcpy(why,
		    errno == ELOOP ? "it is a symbolic link" : strerror(errno),
		    WHY_MAX);
		return -1;
	}
	if (fstat(fd, &st) == -1)
		strlcpy(why, strerror(errno), WHY_MAX);
	else if (!S_ISREG(st.st_mode))
		strlcpy(why, "it is not a regular file", WHY_MAX);
	else if (owner != YAMLFILE_ANYONE && st.st_uid != owner)
		snprintf(why, WHY_MAX, "it belongs to user %u, not to %u",
		    st.st_uid, owner);
	else if (st.st_size > YAMLFILE_MAX)
		snprintf(
		    why, WHY_MAX, "it has more than %d bytes", YAMLFILE_MAX);
	else
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

enum yamlfile
yamlfile_read(
    yaml_document_t *doc, int dir, const char *path, uid_t owner, char *why)
{
	char *text;
	ssize_t n;
	size_t len = 0;
	enum yamlfile result;
	int fd = open_checked(dir, path, owner, why);

	if (fd == -1)
		return errno == ENOENT ? YAMLFILE_ABSENT : YAMLFILE_BAD;
	text = malloc(YAMLFILE_MAX);
	if (text == NULL) {
		close(fd);
		return bad(why, "no memory");
	}
	while ((n = read(fd, text + len, YAMLFILE_MAX - len)) > 0)
		len += (size_t)n;
	result = n == -1 ? bad(why, strerror(errno))
			 : yamlfile_parse(doc, text, len, why);
	free(text);
	close(fd);
	return result;
}

yaml_node_t *
yamlfile_get(yaml_document_t *doc, const yaml_node_t *mapping, const char *key)
{
	yaml_node_t *value = NULL;
	const char *text;

	if (mapping == NULL || mapping->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start;
	     p < mapping->data.mapping.pairs.top; p++) {
		text = yamlfile_text(yaml_document_get_node(doc, p->key));
		if (text != NULL && strcmp(text, key) == 0)
			value = yaml_document_get_node(doc, p->value);
	}
	return value;
}

const char *
yamlfile_text(const yaml_node_t *node)
{
	const char *text;

	if (node == NULL || node->type != YAML_SCALAR_NODE)
		return NULL;
	text = (const char *)node->data.scalar.value;
	/* libyaml terminates it; a NUL inside would hide the rest */
	return strlen(text) == node->data.scalar.length ? text : NULL;
}
