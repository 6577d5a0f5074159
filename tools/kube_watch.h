/*
 * Follows the objects of one kind in all namespaces: lists them, watches from
 * there, and lists them again when the watch cannot go on.
 */
#ifndef TOOLS_KUBE_WATCH_H
#define TOOLS_KUBE_WATCH_H

#include "tools/kube.h"

struct kube_watch {
	const struct kube *kube; /* borrowed, like the next */
	const char *selector;	 /* of labels; not encoded */
	enum kube_kind kind;

	/* these are all; then one after the other what became of them */
	void (*listed)(void *user, const json_t *objects);
	void (*changed)(void *user, const json_t *object, bool is_there);
	void *user;

	/* kube_watch.c only */
	char version[64]; /* resourceVersion, from which to watch */
	struct buf line;  /* of the watch, as far as it is there */
	bool again;	  /* list again: the watch is of no use any more */
};

/* For ever. */
void kube_watch_run(struct kube_watch *w) __attribute__((noreturn));

#endif
