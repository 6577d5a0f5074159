/* The types that settings have: how each is read, kept in struct conf, written. */
#ifndef CONF_TYPE_H
#define CONF_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "conf/conf.h"

struct directive;

enum set_result {
	SET_DONE,
	SET_MALFORMED,
	SET_BELOW, /* the directive's minimum */
	SET_ABOVE, /* its hard maximum */
	SET_NO_MEMORY,
};

struct type {
	const char *what;  /* "duration", as in "is no duration" */
	const char *write; /* what to write instead */
	bool list;
	bool quoted; /* written in quotes */

	/* Read one value and store it, at the end of a list. */
	enum set_result (*set)(
	    struct conf *, const struct directive *, const char *text);

	/* Have no value any more.  Nothing, or nothing left: harmless. */
	void (*clear)(struct conf *, const struct directive *);

	/* Values there are, and each of them as set() reads it. */
	size_t (*count)(const struct conf *, const struct directive *);
	void (*print)(const struct conf *, const struct directive *, size_t at,
	    FILE *out);

	/* A number as it is written; NULL: the type has no numbers. */
	const char *(*format)(uint64_t number, char *out);
};

extern const struct type type_count, type_port, type_duration, type_size;
extern const struct type type_choice; /* one of directive->choices */
extern const struct type type_string; /* min and max bound its length */
extern const struct type type_secret; /* the same, or "file:" and a path */
extern const struct type type_path;
extern const struct type type_address; /* "none", or one of addr_parse() */
extern const struct type type_addresses; /* of addr_parse() */
extern const struct type type_hosts, type_networks, type_local_tools;
extern const struct type type_redirects, type_default_backends;
extern const struct type type_response_headers, type_header_value;

/* Text that libconfuse reads back as it is, between double quotes. */
void type_print_text(const char *text, FILE *out);

/* Kept in conf->listeners, with directive->kind. */
extern const struct type type_tcp_listeners, type_listeners, type_unix_listener;
bool type_is_listener(const struct type *type);

#endif
