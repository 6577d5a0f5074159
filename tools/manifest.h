/* ~/service.manifest and service.template: what a tool wants to run. */
#ifndef TOOLS_MANIFEST_H
#define TOOLS_MANIFEST_H

#include "tools/account.h"
#include "tools/yamlfile.h"

#define MANIFEST_NAME "service.manifest"
#define MANIFEST_ARGS_MAX 64
#define MANIFEST_RELEASE_DEFAULT "buster" /* the same as none */

/* Its keys; others are kept as they are. */
#define MANIFEST_BACKEND "backend"
#define MANIFEST_TYPE "web"
#define MANIFEST_RELEASE "release"
#define MANIFEST_MEMORY "mem"
#define MANIFEST_CPU "cpu"
#define MANIFEST_REPLICAS "replicas"
#define MANIFEST_ARGS "web::extra_args"

struct manifest {
	yaml_document_t doc; /* owned while held; its top is a mapping */
	bool held;
};

/*
 * Read the manifest of an account; without one it is empty.  False: why (256
 * bytes) says what is wrong, with the file's name.
 *
 * dir   the home directory's descriptor, or AT_FDCWD for a->home itself
 */
bool manifest_read(
    struct manifest *m, const struct account *a, int dir, char *why);

/*
 * Read the one service.template of an account, from its home directory or
 * where its code is; more than one is an error.
 *
 * path   the file instead (--template); NULL: look for it
 */
bool manifest_read_template(
    struct manifest *m, const struct account *a, const char *path, char *why);

/* A manifest that was saved is released already; once more does no harm. */
void manifest_release(struct manifest *m);

/* The text of a key; NULL: it is not there, or is no text. */
const char *manifest_get(struct manifest *m, const char *key);

/*
 * The words of a key that is a list, or one text: as many as there are, at
 * most MANIFEST_ARGS_MAX; they live as long as the manifest.
 */
size_t manifest_list(
    struct manifest *m, const char *key, const char *words[MANIFEST_ARGS_MAX]);

/* False: no memory. */
bool manifest_set(struct manifest *m, const char *key, const char *text);
bool manifest_set_list(
    struct manifest *m, const char *key, const char *const words[], size_t n);
void manifest_remove(struct manifest *m, const char *key);

/*
 * Write it, through service.manifest~ (created: two writers cannot meet) and
 * rename(2).  The manifest is released.  False: why.
 */
bool manifest_save(struct manifest *m, const struct account *a, char *why);

#endif
