/* Small YAML files that somebody else may have written: hostile until read. */
#ifndef TOOLS_YAMLFILE_H
#define TOOLS_YAMLFILE_H

#include <stdbool.h>
#include <sys/types.h>
#include <yaml.h>

#define YAMLFILE_MAX (64 * 1024) /* bytes */
#define YAMLFILE_ANYONE ((uid_t)-1)

enum yamlfile {
	YAMLFILE_READ, /* doc is the caller's to yaml_document_delete() */
	YAMLFILE_ABSENT,
	YAMLFILE_BAD, /* why says what is wrong with it */
};

/*
 * Read a file whose top is a mapping, or which is empty.
 *
 * dir    AT_FDCWD, or what path is relative to
 * owner  it must be a regular file of this user, and not a symbolic link;
 *        YAMLFILE_ANYONE: a link to any regular file will do
 * why    at least 256 bytes
 */
enum yamlfile yamlfile_read(
    yaml_document_t *doc, int dir, const char *path, uid_t owner, char *why);

/* The same from memory. */
enum yamlfile yamlfile_parse(
    yaml_document_t *doc, const char *text, size_t len, char *why);

/* The value of a key of a mapping, of two the last.  NULL: there is none. */
yaml_node_t *yamlfile_get(
    yaml_document_t *doc, const yaml_node_t *mapping, const char *key);

/* A scalar's text, terminated; NULL: node is NULL, or none. */
const char *yamlfile_text(const yaml_node_t *node);

#endif
