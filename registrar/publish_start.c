/*
 * Makes the table, as a predecessor left it, what the book is: a slice a turn
 * of the loop, so that nobody who registers has to wait for a million names.
 */
#include <string.h>

#include "lib/container.h"
#include "registrar/loading.h"
#include "registrar/process.h"
#include "registrar/publish.h"
#include "registrar/publisher.h"

#define SLICE 256 /* entries, or names, of a turn: half a millisecond */

static bool
is_same(struct publisher *p, const struct tool *a, const struct tool *b)
{
	size_t len = route_encode(a, p->blob[0], sizeof(p->blob[0]));

	return len > 0 &&
	       route_encode(b, p->blob[1], sizeof(p->blob[1])) == len &&
	       memcmp(p->blob[0], p->blob[1], len) == 0;
}

/* It stays as a predecessor left it until it is published anew. */
static bool
is_wanted_default(const struct publisher *p, const char *key)
{
	return *key == KEY_DEFAULT && p->r->conf->ndefault_backends > 0;
}

/* The book has not got it: stopped for a while yet, or not at all. */
static void
compare_absent(struct publisher *p, const char *key, enum tool_state state)
{
	struct tombstone *t;

	if (is_wanted_default(p, key) || tombstones_has(&p->tombstones, key))
		return;
	t = state == TOOL_STOPPED ? tombstone_new(key) : NULL;
	if (t != NULL)
		tombstones_add_take(&p->tombstones, t);
	else
		publisher_withdraw(p, key);
}

static void
compare(void *arg, const struct tool *tool)
{
	struct publisher *p = arg;
	struct book_name *name;
	char key[KEY_MAX + 1];

	memcpy(key, tool->key.ptr, tool->key.len); /* route_decode() checked */
	key[tool->key.len] = '\0';
	name = book_find(&p->r->book, key);
	if (name == NULL)
		compare_absent(p, key, tool->state);
	else if (is_same(p, publisher_build(p, key, name, NULL), tool))
		name->version = tool->version;
}

/* What the table has not, or has otherwise.  False: those were all. */
static bool
publish_missing(struct publisher *p, size_t most)
{
	struct registrar *r = p->r;
	struct book_name *name = book_from(&r->book, p->at);

	for (size_t seen = 0; name != NULL && seen < most;
	     name = book_next(&r->book, name)) {
		if (name->version == 0)
			publisher_publish(
			    p, name->key, name, change_version(&r->changes));
		loading_tell(++seen);
	}
	if (name != NULL)
		memcpy(p->at, name->key, strlen(name->key) + 1);
	return name != NULL;
}

static bool
go_on(struct publisher *p, size_t most)
{
	if (p->walked)
		return publish_missing(p, most);
	p->walked = !table_walk(p->r->table, &p->walk, most, compare, p);
	return true;
}

static void
slice(struct ev_task *task)
{
	struct publisher *p = container_of(task, struct publisher, start);

	if (go_on(p, SLICE))
		ev_later(&p->r->loop, task);
}

void
publish_all(struct registrar *r)
{
	struct publisher *p = r->publisher;

	p->start.run = slice;
	if (table_was_ready(r->table)) {
		ev_later(&r->loop, &p->start);
		return;
	}
	table_reserve(r->table, r->book.nnames);
	while (go_on(p, SIZE_MAX))
		continue;
}

void
publish_start_release(struct publisher *p)
{
	ev_forget(&p->r->loop, &p->start);
}
