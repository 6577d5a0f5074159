/* The policy as its one writer, the registrar, sees it. */
#ifndef SHM_POLICY_WRITE_H
#define SHM_POLICY_WRITE_H

#include "shm/policy.h"

struct policy_ban {
	struct cidr network;
	uint64_t until_ms;
};

struct policy_tool {
	const char *name; /* at most POLICY_NAME_MAX bytes */
	uint64_t until_ms;
};

/* A generation; a network or a tool that stands there twice: the last one. */
struct policy_content {
	const struct policy_ban *bans; /* in any order */
	size_t nbans;
	const struct policy_tool *tools; /* in maintenance, in byte order */
	size_t ntools;
	const struct policy_rule *rules; /* in the order they are tried */
	size_t nrules;
	uint64_t site_until_ms; /* maintenance of all; 0: none */
	bool standby;
};

struct policy_writer;

/* Bytes of the segment; and lay an empty one out: -1 with errno. */
size_t policy_size(void);
int policy_format(int fd);

/*
 * Become the writer; what a predecessor published stays until policy_put().
 * The master sees to it that there is one only.  NULL with errno.
 *
 * fd   writable; borrowed for as long as the writer lives
 */
struct policy_writer *policy_writer_new(int fd);
void policy_writer_free(struct policy_writer *w);

/*
 * Publish a generation: every reader sees all of it, or all of the one before.
 * -1 with errno: ENOSPC (over a bound of policy.h, or no memory is left).
 */
int policy_put(struct policy_writer *w, const struct policy_content *content);

#endif
