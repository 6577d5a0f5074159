/*
 * The canonical store of domain proxies: an SQLite file with the original's
 * tables (project, route, backend), and one of ours: what has yet to be told
 * to the registrar, and to the DNS.  Any thread may call.
 */
#ifndef TOOLS_DOMAINS_STORE_H
#define TOOLS_DOMAINS_STORE_H

#include <jansson.h>
#include <stdbool.h>

struct store;

/* What has to be told of a domain that was changed. */
enum store_pending { PENDING_REGISTRAR, PENDING_DNS };

/* NULL: it was logged why. */
struct store *store_open(const char *path);
void store_close(struct store *s);

/*
 * {"project", "domain", "backends"}; NULL: no such domain.  *ok is false when
 * the file could not be read.
 */
json_t *store_read(struct store *s, const char *domain, bool *ok);

/* All of a project, or of all (NULL), in the order of their names; NULL: the
 * file could not be read. */
json_t *store_list(struct store *s, const char *project);

/* Has there ever been a domain of it? */
bool store_has_project(struct store *s, const char *project);

/* One domain as it shall be. */
struct store_edit {
	const char *domain;
	const char *project;	/* with backends */
	const json_t *backends; /* URLs; NULL: the domain goes */
};

/*
 * Make all edits, or none, on disk when it returns; the domains are then
 * pending for the registrar.  False: it was logged why.
 */
bool store_write(struct store *s, const struct store_edit *edits, size_t n);

/* Domains that are pending; NULL: the file could not be read. */
json_t *store_pending(struct store *s, enum store_pending who);
bool store_settled(struct store *s, enum store_pending who, const char *domain);

/* The registrar has taken it: now it is pending for the DNS. */
bool store_made(struct store *s, const char *domain);

#endif
