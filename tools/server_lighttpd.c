/* lighttpd: a configuration of ours, and the tool's own behind it. */
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/server_type.h"

#define LIGHTTPD "/usr/sbin/lighttpd"
#define OWN_CONF ".lighttpd.conf"
#define STATE_DIR ".webservice" /* in the home directory; ours alone */

/* %1$s home, %2$u port */
static const char basic_conf[] =
    "server.modules = ( \"mod_setenv\", \"mod_access\", \"mod_accesslog\",\n"
    "    \"mod_alias\", \"mod_deflate\", \"mod_redirect\", \"mod_rewrite\",\n"
    "    \"mod_fastcgi\", \"mod_cgi\" )\n"
    "server.port = %2$u\n"
    "server.document-root = \"%1$s/public_html\"\n"
    "server.errorlog = \"%1$s/error.log\"\n"
    "server.breakagelog = \"%1$s/error.log\"\n"
    "server.max-connections = 300\n"
    "server.follow-symlink = \"enable\"\n"
    "dir-listing.activate = \"disable\"\n"
    "index-file.names = ( \"index.php\", \"index.html\", \"index.htm\" )\n"
    "url.access-deny = ( \"~\", \".inc\" )\n"
    "static-file.exclude-extensions = ( \".php\", \".pl\", \".fcgi\" )\n"
    "cgi.assign = ( \".pl\" => \"/usr/bin/perl\","
    " \".py\" => \"/usr/bin/python3\" )\n"
    "include_shell"
    " \"/usr/share/lighttpd/create-mime.conf.pl\"\n";

static const char php_conf[] =
    "fastcgi.server += ( \".php\" => ((\n"
    "    \"bin-path\" => \"/usr/bin/php-cgi\",\n"
    "    \"socket\" => \"%1$s/" STATE_DIR "/php.socket\",\n"
    "    \"max-procs\" => 2,\n"
    "    \"bin-environment\" => ( \"PHP_FCGI_CHILDREN\" => \"2\",\n"
    "        \"PHP_FCGI_MAX_REQUESTS\" => \"500\" ),\n"
    "    \"bin-copy-environment\" => ( \"PATH\", \"SHELL\", \"USER\" ),\n"
    "    \"broken-scriptfilename\" => \"enable\"\n"
    ")))\n";

bool
server_lighttpd_check(const struct account *a, char *why)
{
	char html[sizeof(a->home) + 32], conf[sizeof(a->home) + 32];

	account_path(a, "public_html", html, sizeof(html));
	account_path(a, OWN_CONF, conf, sizeof(conf));
	if (access(html, F_OK) == 0 || access(conf, F_OK) == 0)
		return true;
	strlcpy(why,
	    "there is neither ~/public_html nor ~/" OWN_CONF
	    ": put your pages into ~/public_html",
	    SERVER_WHY_MAX);
	return false;
}

/* The tool's own settings end the file. */
static bool
append_own(FILE *to, const struct account *a)
{
	char path[sizeof(a->home) + 32], bytes[4096];
	FILE *own;
	size_t n;
	bool read;

	account_path(a, OWN_CONF, path, sizeof(path));
	own = fopen(path, "re");
	if (own == NULL)
		return errno == ENOENT;
	while ((n = fread(bytes, 1, sizeof(bytes), own)) > 0)
		fwrite(bytes, 1, n, to);
	read = !ferror(own);
	fclose(own);
	return read;
}

static bool
write_conf(const struct server_request *r, const char *path, bool php)
{
	const struct account *a = r->account;
	FILE *f = fopen(path, "we");
	bool written;

	if (f == NULL)
		return false;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	fprintf(f, basic_conf, a->home, r->port);
	if (php)
		fprintf(f, php_conf, a->home);
#pragma GCC diagnostic pop
	written = append_own(f, a) && !ferror(f);
	return fclose(f) == 0 && written;
}

static bool
make_command(const struct server_request *r, struct server_command *c, bool php,
    char *why)
{
	const struct account *a = r->account;
	char path[sizeof(a->home) + 64];

	account_path(a, STATE_DIR, path, sizeof(path));
	if ((mkdir(path, 0700) == -1 && errno != EEXIST) ||
	    !account_path(a, STATE_DIR "/lighttpd.conf", path, sizeof(path)) ||
	    !write_conf(r, path, php)) {
		snprintf(
		    why, SERVER_WHY_MAX, "%.150s: %s", path, strerror(errno));
		return false;
	}
	return server_command_add(c, LIGHTTPD) && server_command_add(c, "-f") &&
	       server_command_add(c, "%s", path) && server_command_add(c, "-D");
}

bool
server_lighttpd_command(
    const struct server_request *r, struct server_command *c, char *why)
{
	return make_command(r, c, false, why);
}

bool
server_lighttpd_php_command(
    const struct server_request *r, struct server_command *c, char *why)
{
	return make_command(r, c, true, why);
}
