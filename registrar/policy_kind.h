/* What the operators' policy is made of, and how each part is written. */
#ifndef REGISTRAR_POLICY_KIND_H
#define REGISTRAR_POLICY_KIND_H

#include <stdbool.h>
#include <stddef.h>

#include "shm/policy.h"

enum policy_kind {
	POLICY_BAN,	   /* subject: "10.0.0.0/8" */
	POLICY_RULE_AGENT, /* a regular expression */
	POLICY_RULE_REFERER,
	POLICY_MAINTENANCE,  /* a tool's name; empty: the site */
	POLICY_REGISTRATION, /* off: what tools are told */
	POLICY_STANDBY,	     /* this node; its subject is empty */
	/* what no operator says (policy_forget.c) */
	POLICY_FORGOTTEN, /* subject: a kind's name */
	POLICY_TOLD,	  /* this node; its subject is empty */
	POLICY_KINDS
};
#define POLICY_SPOKEN POLICY_FORGOTTEN /* kinds below: by operators */

#define POLICY_SUBJECT_MAX POLICY_RULE_MAX /* bytes */

struct policy_kind_info {
	const char *name;   /* "ban": here, in SQLite, in JSON */
	const char *plural; /* "bans", of which there are at most */
	size_t max;
	bool shared; /* it is of all nodes, not of this one */
	/* Bring a subject into its one form.  False: why it is none. */
	bool (*check)(const char *text, char subject[POLICY_SUBJECT_MAX + 1],
	    char *why, size_t why_size);
};

/* kind is less than POLICY_KINDS. */
const struct policy_kind_info *policy_kind_info(enum policy_kind kind);

/* The kind of that name.  False: there is none. */
bool policy_kind_of(const char *name, enum policy_kind *kind);

#endif
