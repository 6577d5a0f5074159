/* The types of web servers, and what each runs (5-webservice.md, Facts). */
#ifndef TOOLS_SERVER_TYPE_H
#define TOOLS_SERVER_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/account.h"

#define SERVER_ARGS_MAX 64
#define SERVER_WHY_MAX 256

/* What is to be run; texts live in it, or are the caller's. */
struct server_command {
	char *argv[SERVER_ARGS_MAX + 1]; /* NULL-terminated */
	size_t argc;
	char directory[512]; /* where; empty: the home directory */
	char text[4096];     /* holds the words made for it */
	size_t used;	     /* of text */
};

/* For whom, and where it is to listen. */
struct server_request {
	const struct account *account; /* NULL: generic only, for no tool */
	uint16_t port;
	char *const *args; /* after the options of webservice-runner */
	size_t nargs;
};

struct server_type {
	const char *name;
	const char *queue; /* of the grid */
	bool deprecated;
	bool own_command; /* its arguments are a command, and needed */
	/* Is what it needs there?  False: why says what to do. */
	bool (*check)(const struct account *a, char *why);
	/* Make the command.  False: why. */
	bool (*command)(const struct server_request *r,
	    struct server_command *c, char *why);
};

/* NULL: there is no such type. */
const struct server_type *server_type_find(const char *name);

/* "generic, nodejs, ..." into text; returns it. */
const char *server_type_names(char *text, size_t size);

/* Add a word, made by printf(3).  False: it does not fit. */
bool server_command_add(struct server_command *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The lighttpd types (server_lighttpd.c). */
bool server_lighttpd_check(const struct account *a, char *why);
bool server_lighttpd_command(
    const struct server_request *r, struct server_command *c, char *why);
bool server_lighttpd_php_command(
    const struct server_request *r, struct server_command *c, char *why);

#endif
