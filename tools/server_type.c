/* The table of server types, and those that are a line or two. */
#include "tools/server_type.h"

#include <bsd/string.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <unistd.h>

#include "lib/array.h"

#define GENERIC_QUEUE "webgrid-generic"
#define LIGHTTPD_QUEUE "webgrid-lighttpd"
#define UWSGI "/usr/bin/uwsgi"
#define UWSGI_WORKERS "4"
#define TOMCAT_STARTER "/usr/bin/deprecated-tomcat-starter"

bool
server_command_add(struct server_command *c, const char *fmt, ...)
{
	size_t room = sizeof(c->text) - c->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(c->text + c->used, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room || c->argc == SERVER_ARGS_MAX)
		return false;
	c->argv[c->argc++] = c->text + c->used;
	c->argv[c->argc] = NULL;
	c->used += (size_t)n + 1;
	return true;
}

static bool
too_long(char *why)
{
	strlcpy(why, "the command is too long", SERVER_WHY_MAX);
	return false;
}

/* The caller's words, which end the command. */
static bool
add_args(const struct server_request *r, struct server_command *c, char *why)
{
	if (r->nargs > SERVER_ARGS_MAX - c->argc)
		return too_long(why);
	for (size_t i = 0; i < r->nargs; i++)
		c->argv[c->argc++] = r->args[i];
	c->argv[c->argc] = NULL;
	return true;
}

/* Is there such a file or directory in the home directory? */
static bool
has(const struct account *a, const char *name)
{
	char path[sizeof(a->home) + 128];

	return account_path(a, name, path, sizeof(path)) &&
	       access(path, F_OK) == 0;
}

static bool
needs(const struct account *a, const char *name, const char *what, char *why)
{
	if (has(a, name))
		return true;
	snprintf(
	    why, SERVER_WHY_MAX, "there is no ~/%s: put %s there", name, what);
	return false;
}

static bool
check_nothing(const struct account *a, char *why)
{
	(void)a;
	(void)why;
	return true;
}

static bool
generic_command(
    const struct server_request *r, struct server_command *c, char *why)
{
	return add_args(r, c, why);
}

/* The start script of the application; the caller's to free(); NULL: why. */
static char *
node_start_script(const struct account *a, char *why)
{
	char path[sizeof(a->home) + 128], *script = NULL;
	const char *start;
	json_error_t error;
	json_t *package;

	if (!needs(a, "www/js/package.json", "your Node.js application", why))
		return NULL;
	account_path(a, "www/js/package.json", path, sizeof(path));
	package = json_load_file(path, 0, &error);
	if (package == NULL)
		snprintf(why, SERVER_WHY_MAX,
		    "~/www/js/package.json, line %d: %.150s", error.line,
		    error.text);
	else if (json_unpack(
		     package, "{s:{s:s}}", "scripts", "start", &start) == 0)
		script = strdup(start);
	else
		strlcpy(why,
		    "~/www/js/package.json has no start script: add "
		    "\"scripts\": { \"start\": \"node server.js\" }",
		    SERVER_WHY_MAX);
	json_decref(package);
	return script;
}

static bool
node_check(const struct account *a, char *why)
{
	char *script = node_start_script(a, why);

	free(script);
	return script != NULL;
}

static bool
node_command(
    const struct server_request *r, struct server_command *c, char *why)
{
	char *script = node_start_script(r->account, why);
	bool fits;

	if (script == NULL)
		return false;
	snprintf(
	    c->directory, sizeof(c->directory), "%s/www/js", r->account->home);
	/* npm would stay between us and the server, and pass no signals on */
	fits = server_command_add(c, "/bin/sh") &&
	       server_command_add(c, "-c") &&
	       server_command_add(
		   c, "PATH=$PWD/node_modules/.bin:$PATH; exec %s", script);
	free(script);
	return fits || too_long(why);
}

static bool
python_check(const struct account *a, char *why)
{
	return needs(a, "www/python/src/app.py",
	    "your WSGI application, called app,", why);
}

/* What every uwsgi gets. */
static bool
uwsgi_begin(const struct server_request *r, struct server_command *c)
{
	return server_command_add(c, UWSGI) &&
	       server_command_add(c, "--http-socket") &&
	       server_command_add(c, ":%u", r->port) &&
	       server_command_add(c, "--logto") &&
	       server_command_add(c, "%s/uwsgi.log", r->account->home) &&
	       server_command_add(c, "--workers") &&
	       server_command_add(c, UWSGI_WORKERS) &&
	       server_command_add(c, "--die-on-term") &&
	       server_command_add(c, "--strict") &&
	       server_command_add(c, "--master");
}

/* The application is at the root of its own host, and at /<tool> as once. */
static bool
python_command(
    const struct server_request *r, struct server_command *c, char *why)
{
	const char *home = r->account->home, *tool = r->account->tool;
	bool fits =
	    uwsgi_begin(r, c) && server_command_add(c, "--plugin") &&
	    server_command_add(c, "python,python3") &&
	    server_command_add(c, "--chdir") &&
	    server_command_add(c, "%s/www/python/src", home) &&
	    server_command_add(c, "--callable") &&
	    server_command_add(c, "app") &&
	    server_command_add(c, "--manage-script-name") &&
	    server_command_add(c, "--mount") &&
	    server_command_add(c, "/=%s/www/python/src/app.py", home) &&
	    server_command_add(c, "--mount") &&
	    server_command_add(c, "/%s=%s/www/python/src/app.py", tool, home);

	if (fits && has(r->account, "www/python/venv"))
		fits = server_command_add(c, "--venv") &&
		       server_command_add(c, "%s/www/python/venv", home);
	if (fits && has(r->account, "www/python/uwsgi.ini"))
		fits = server_command_add(c, "--ini") &&
		       server_command_add(c, "%s/www/python/uwsgi.ini", home);
	return fits || too_long(why);
}

static bool
uwsgi_check(const struct account *a, char *why)
{
	return needs(a, "uwsgi.ini", "your uWSGI configuration", why);
}

static bool
uwsgi_command(
    const struct server_request *r, struct server_command *c, char *why)
{
	return (uwsgi_begin(r, c) && server_command_add(c, "--ini") &&
		   server_command_add(c, "%s/uwsgi.ini", r->account->home)) ||
	       too_long(why);
}

static bool
tomcat_check(const struct account *a, char *why)
{
	(void)a;
	if (access(TOMCAT_STARTER, X_OK) == 0)
		return true;
	strlcpy(why,
	    "this site has no " TOMCAT_STARTER ": ask its administrators, or "
	    "use the type generic",
	    SERVER_WHY_MAX);
	return false;
}

static bool
tomcat_command(
    const struct server_request *r, struct server_command *c, char *why)
{
	return (server_command_add(c, TOMCAT_STARTER) &&
		   server_command_add(c, "%s", r->account->tool)) ||
	       too_long(why);
}

static const struct server_type types[] = {
	{ "generic", GENERIC_QUEUE, false, true, check_nothing,
	    generic_command },
	{ "lighttpd", LIGHTTPD_QUEUE, false, false, server_lighttpd_check,
	    server_lighttpd_php_command },
	{ "lighttpd-plain", LIGHTTPD_QUEUE, false, false, server_lighttpd_check,
	    server_lighttpd_command },
	{ "nodejs", GENERIC_QUEUE, false, false, node_check, node_command },
	{ "tomcat", GENERIC_QUEUE, true, false, tomcat_check, tomcat_command },
	{ "uwsgi-plain", GENERIC_QUEUE, false, false, uwsgi_check,
	    uwsgi_command },
	{ "uwsgi-python", GENERIC_QUEUE, false, false, python_check,
	    python_command },
};

const struct server_type *
server_type_find(const char *name)
{
	for (size_t i = 0; i < nitems(types); i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

const char *
server_type_names(char *text, size_t size)
{
	text[0] = '\0';
	for (size_t i = 0; i < nitems(types); i++) {
		if (i > 0)
			strlcat(text, ", ", size);
		strlcat(text, types[i].name, size);
	}
	return text;
}
