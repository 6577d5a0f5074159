/*
 * An empty file works; a fault names file:line and what to write instead; all
 * faults of values are told.
 */
#include "t/unit/conf/read.h"

#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *what, *text;
	const char *said; /* NULL: taken */
} cases[] = {
	{ "an empty file", "", NULL },
	{ "comments and blank lines", "# a\n\n  # b\n", NULL },
	{ "a value", "ident_timeout = 1500ms\n", NULL },
	{ "a list, over lines", "http = {\"*:80\",\n \"[::1]:81\"}\n", NULL },
	{ "a list of one", "http = \"*:80\"\n", NULL },
	{ "an empty list", "admin_networks = {}\n", NULL },
	{ "a list added to", "admin_networks += {\"10.1.2.3\"}\n", NULL },
	{ "no Redis", "redis = none\n", NULL },
	{ "no place for its state", "state_directory = off\n",
	    "f:1: state_directory: \"off\" is no absolute path: write "
	    "\"/a/path\"\n" },

	{ "an unknown setting", "\nwrokers = 2\n",
	    "f:2: unknown setting \"wrokers\": did you mean \"workers\", "
	    "processes that serve clients?\n" },
	{ "a setting like nothing", "colour = blue\n",
	    "f:1: unknown setting \"colour\": "
	    "dynproxy.conf(5) lists them all\n" },
	{ "a duration without a unit", "ident_timeout = 2\n",
	    "f:1: ident_timeout: \"2\" is no duration: "
	    "write 2s, 500ms, 5m, 1h or 1d\n" },
	{ "a size without a unit", "request_line_max = 8192\n",
	    "f:1: request_line_max: \"8192\" is no size: "
	    "write 512b, 8k, 128m or 1g\n" },
	{ "above the hard maximum", "keepalive_timeout = 10m\n",
	    "f:1: keepalive_timeout: \"10m\" is above the hard maximum: "
	    "write at most 5m\n" },
	{ "below the minimum", "workers = 0\n",
	    "f:1: workers: \"0\" is too small: write at least 1\n" },
	{ "neither a number nor auto", "workers = many\n",
	    "f:1: workers: \"many\" is no number: "
	    "write a whole number, as in 100, or auto\n" },
	{ "a word that is none", "store_down = wait\n",
	    "f:1: store_down: \"wait\" is no word known here: "
	    "write accept or refuse\n" },
	{ "a password in a file that is not there",
	    "redis_password = \"file:/none\"\n",
	    "f:1: redis_password: \"file:/none\" is no text of the right "
	    "length, or file of one: write at most 512 bytes, or "
	    "\"file:/a/path\"\n" },
	{ "sentinels and the primary itself",
	    "redis = \"127.0.0.1:1\"\nredis_sentinels = \"127.0.0.1:2\"\n",
	    "f:1: redis: the sentinels say where it is: write either redis "
	    "or redis_sentinels\n" },
	{ "a replica of nothing", "redis_replica = \"127.0.0.1:1\"\n",
	    "f:1: redis_replica: it is a replica of nothing: write redis or "
	    "redis_sentinels, too\n" },
	{ "a user without a password", "redis_user = \"a\"\n",
	    "f:1: redis_user: it needs a password: write redis_password\n" },
	{ "a port too high", "ident_port = 65536\n",
	    "f:1: ident_port: \"65536\" is above the hard maximum: "
	    "write at most 65535\n" },
	{ "a network with host bits", "backend_networks = \"10.1.0.0/8\"\n",
	    "f:1: backend_networks: \"10.1.0.0/8\" is no network: "
	    "write 10.0.0.0/8, fc00::/7 or one address, host bits zero\n" },
	{ "a star without quotes", "http = *:80\n",
	    "f:1: http: \":80\" is no TCP address: write \"*:80\", "
	    "\"127.0.0.1:80\" or \"[::1]:80\", in quotes\n" },
	{ "HTTP on a path", "http = \"/run/http.sock\"\n",
	    "f:1: http: \"/run/http.sock\" is no TCP address: write \"*:80\", "
	    "\"127.0.0.1:80\" or \"[::1]:80\", in quotes\n" },
	{ "a control socket on TCP", "control_socket = \"*:80\"\n",
	    "f:1: control_socket: \"*:80\" is no path of a Unix socket: "
	    "write an absolute path of at most 107 bytes\n" },
	{ "a relative path", "state_directory = state\n",
	    "f:1: state_directory: \"state\" is no absolute path: "
	    "write \"/a/path\"\n" },
	{ "a domain in capitals", "web_domain = Toolforge.org\n",
	    "f:1: web_domain: \"Toolforge.org\" is no host name: "
	    "write a-z, 0-9, - and dots, as in toolforge.org, or auto\n" },
	{ "a tool name that is none", "local_tools = {\"1000:A\"}\n",
	    "f:1: local_tools: \"1000:A\" is no local tool: "
	    "write \"UID:NAME\", as in \"1000:hello\"\n" },
	{ "a header rule without a verb", "response_headers = 'X-A: b'\n",
	    "f:1: response_headers: \"X-A: b\" is no header rule: write \"set "
	    "NAME: VALUE\", \"default NAME: VALUE\" or \"remove NAME\", "
	    "perhaps behind \"for ZONE \"\n" },
	{ "a header without a value", "response_headers = 'set X-A'\n",
	    "f:1: response_headers: \"set X-A\" is no header rule: write \"set "
	    "NAME: VALUE\", \"default NAME: VALUE\" or \"remove NAME\", "
	    "perhaps behind \"for ZONE \"\n" },
	{ "a header whose value is empty", "response_headers = 'set X-A:'\n",
	    "f:1: response_headers: \"set X-A:\" is no header rule: write "
	    "\"set "
	    "NAME: VALUE\", \"default NAME: VALUE\" or \"remove NAME\", "
	    "perhaps behind \"for ZONE \"\n" },
	{ "a removed header with a value",
	    "response_headers = 'remove X-A: b'\n",
	    "f:1: response_headers: \"remove X-A: b\" is no header rule: write "
	    "\"set "
	    "NAME: VALUE\", \"default NAME: VALUE\" or \"remove NAME\", "
	    "perhaps behind \"for ZONE \"\n" },
	{ "a header with a blank in its name",
	    "response_headers = 'set X A: b'\n",
	    "f:1: response_headers: \"set X A: b\" is no header rule: write "
	    "\"set "
	    "NAME: VALUE\", \"default NAME: VALUE\" or \"remove NAME\", "
	    "perhaps behind \"for ZONE \"\n" },
	{ "a header that says how long a message is",
	    "response_headers = 'remove Content-Length'\n",
	    "f:1: response_headers: \"remove Content-Length\" is no header "
	    "rule: write \"set "
	    "NAME: VALUE\", \"default NAME: VALUE\" or \"remove NAME\", "
	    "perhaps behind \"for ZONE \"\n" },
	{ "a header rule for no zone",
	    "response_headers = 'for a_b set X-A: b'\n",
	    "f:1: response_headers: \"for a_b set X-A: b\" is no header rule: "
	    "write \"set "
	    "NAME: VALUE\", \"default NAME: VALUE\" or \"remove NAME\", "
	    "perhaps behind \"for ZONE \"\n" },
	{ "a header rule for a zone only",
	    "response_headers = 'for a.example'\n",
	    "f:1: response_headers: \"for a.example\" is no header rule: write "
	    "\"set "
	    "NAME: VALUE\", \"default NAME: VALUE\" or \"remove NAME\", "
	    "perhaps behind \"for ZONE \"\n" },
	{ "a value with a line in it", "hsts = \"a\\nb\"\n",
	    "f:1: hsts: \"a\nb\" is no field value: "
	    "write printable text, or \"\" for none\n" },
	{ "a prefix of nothing", "account_prefix = \"\"\n",
	    "f:1: account_prefix: \"\" is no text of the right length: "
	    "write 1 to 64 bytes, or auto\n" },
	{ "a setting given twice", "workers = 1\nworkers = 2\n",
	    "f:2: workers is set twice: before on f:1\n" },
	{ "two faults", "workers = x\nident_port = y\n",
	    "f:1: workers: \"x\" is no number: "
	    "write a whole number, as in 100, or auto\n"
	    "f:2: ident_port: \"y\" is no port: "
	    "write a number from 1 to 65535\n" },
	{ "a list's second value", "http = {\"*:80\",\n 81}\n",
	    "f:2: http: \"81\" is no TCP address: write \"*:80\", "
	    "\"127.0.0.1:80\" or \"[::1]:80\", in quotes\n" },

	{ "redirects", "redirects = {\"a_b.c d.e\", \"*.a *.b  308\"}\n",
	    NULL },
	{ "a redirect of one name", "redirects = \"a.b\"\n",
	    "f:1: redirects: \"a.b\" is no redirect: write \"FROM TO\" or "
	    "\"*.FROM *.TO\", both host names, and perhaps 301, 302, 307 or "
	    "308\n" },
	{ "half a star", "redirects = \"*.a b\"\n",
	    "f:1: redirects: \"*.a b\" is no redirect: write \"FROM TO\" or "
	    "\"*.FROM *.TO\", both host names, and perhaps 301, 302, 307 or "
	    "308\n" },
	{ "another status", "redirects = \"a b 303\"\n",
	    "f:1: redirects: \"a b 303\" is no redirect: write \"FROM TO\" or "
	    "\"*.FROM *.TO\", both host names, and perhaps 301, 302, 307 or "
	    "308\n" },
	{ "redirects in a circle", "redirects = {\"a b\", \"b a\"}\n",
	    "f:1: redirects: \"a\" is redirected to \"b\", which is "
	    "redirected: write where that ends\n"
	    "f:1: redirects: \"b\" is redirected to \"a\", which is "
	    "redirected: write where that ends\n" },
	{ "default backends",
	    "default_backend = {\"http://10.0.0.1:80\", "
	    "\"https://[fd00::1]:443/\", \"http://a.example:8080\"}\n",
	    NULL },
	{ "a default backend without a port",
	    "default_backend = \"http://10.0.0.1\"\n",
	    "f:1: default_backend: \"http://10.0.0.1\" is no default backend: "
	    "write \"http://10.0.0.1:8080\", \"http://[fd00::1]:8080\" or "
	    "\"http://a.example:8080\"\n" },
	{ "one with a path", "default_backend = \"http://10.0.0.1:80/a\"\n",
	    "f:1: default_backend: \"http://10.0.0.1:80/a\" is no default "
	    "backend: write \"http://10.0.0.1:8080\", "
	    "\"http://[fd00::1]:8080\" or \"http://a.example:8080\"\n" },
	{ "an admin tool that is none", "admin_tool = \"A\"\n",
	    "f:1: admin_tool: \"A\" is no tool's name: write a-z, 0-9 and -, "
	    "or \"\" for none\n" },

	{ "no equal sign", "workers 2\n",
	    "f:1: missing equal sign after option 'workers': "
	    "write name = value\n" },
	{ "a list for one value", "workers = {1}\n",
	    "f:1: unexpected token '{': write name = value or name = {a, b}, "
	    "with quotes around what is more than letters, digits "
	    "and . : / -\n" },
	{ "an open quote", "redis_password = \"abc\n",
	    "f:2: premature end of file: "
	    "a quote or a brace is open, or a value is missing\n" },
	{ "after an open quote, another text", "workers = 3\n", NULL },
	{ "adding to a single value", "workers += 2\n",
	    "f:1: attempt to append to non-list option 'workers': "
	    "it has one value: write =\n" },
	{ "a file to include that is not there", "include(\"/nowhere/a\")\n",
	    "f:1: include: /nowhere/a: No such file or directory\n" },
	{ "a pattern that matches nothing", "include(\"/nowhere/*\")\n", NULL },
	{ "a directory to include", "include(\"/\")\n",
	    "f:1: include: /: Is a directory\n" },

	{ "no HTTP listener", "http = {}\n",
	    "f: http: clients need an address: write http = \"*:80\"\n" },
	{ "one address, two uses", "http = \"*:80\"\nadmin = \"*:80\"\n",
	    "f:2: admin: \"*:80\" is taken by http: write another\n" },
	{ "no web domain", "web_domain = {}\n",
	    "f: web_domain: tools need a domain: write one, "
	    "as in web_domain = toolforge.org\n" },
	{ "a web domain twice", "web_domain = {a.b,\n a.b}\n",
	    "f:1: web_domain: \"a.b\" stands there twice: write it once\n" },
	{ "a user with two tools", "local_tools = {\"1:a\", \"1:b\"}\n",
	    "f:1: local_tools: uid 1 has two tools: write one\n" },
	{ "a line longer than the head",
	    "request_head_max = 4k\nrequest_field_max = 2k\n",
	    "f: request_line_max: is above request_head_max: "
	    "the line is a part of it\n" },
};

static void
test_cases(void)
{
	for (size_t i = 0; i < nitems(cases); i++) {
		const char *want = cases[i].said != NULL ? cases[i].said : "";
		struct conf *conf = read_text(cases[i].text);

		is_str(said, want, "%s: what is said", cases[i].what);
		is_int(conf != NULL, cases[i].said == NULL, "%s: is %s",
		    cases[i].what, cases[i].said ? "refused" : "taken");
		conf_free(conf);
	}
}

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
}

static void
test_include(void)
{
	static const char *const names[] = { "main", "conf.d/a.conf",
		"conf.d/b.conf", "loop" };
	char dir[] = "/tmp/dynproxy-conf-XXXXXX";
	char path[128], want[512];
	size_t size;
	struct conf *conf;
	FILE *err;

	if (mkdtemp(dir) == NULL)
		return;
	snprintf(path, sizeof(path), "%s/conf.d", dir);
	mkdir(path, 0700);
	write_file(dir, "main",
	    "workers = 2\ninclude(\"conf.d/*.conf\")\n"
	    "ident_port = 114\n");
	write_file(dir, "conf.d/a.conf", "connections_max = 9\n");
	write_file(dir, "conf.d/b.conf", "web_domain = b.example\n");
	write_file(dir, "loop", "\ninclude(\"loop\")\n");
	snprintf(path, sizeof(path), "%s/main", dir);
	conf = conf_read_file(path, stderr);
	ok(conf != NULL && conf->connections_max == 9 &&
		strcmp(conf->web_domains[0], "b.example") == 0 &&
		conf->ident_port == 114,
	    "included files stand beside the one that includes them");
	conf_free(conf);

	write_file(dir, "conf.d/b.conf", "\nworkers = 3\nworkers : 4\n");
	free(said);
	err = open_memstream(&said, &size);
	ok(conf_read_file(path, err) == NULL, "a fault in an included file");
	fclose(err);
	snprintf(want, sizeof(want),
	    "%s/conf.d/b.conf:2: workers is set twice: before on %s:1\n"
	    "%s/conf.d/b.conf:3: missing equal sign after option 'workers': "
	    "write name = value\n",
	    dir, path, dir);
	is_str(said, want, "names that file");

	snprintf(path, sizeof(path), "%s/loop", dir);
	free(said);
	err = open_memstream(&said, &size);
	ok(conf_read_file(path, err) == NULL, "a file that includes itself");
	fclose(err);
	snprintf(want, sizeof(want),
	    "%s:2: include: loop: files include each other\n", path);
	is_str(said, want, "is told so");

	for (size_t i = 0; i < nitems(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/conf.d", dir);
	rmdir(path);
	rmdir(dir);
}

static void
test_files(void)
{
	size_t size;
	FILE *err;

	free(said);
	err = open_memstream(&said, &size);
	ok(conf_read_file("/nowhere/x", err) == NULL,
	    "a file that is not there");
	ok(conf_read_file("/", err) == NULL, "a directory");
	fclose(err);
	is_str(said,
	    "/nowhere/x: No such file or directory\n/: Is a directory\n",
	    "both are told");
}

int
main(void)
{
	test_cases();
	test_include();
	test_files();
	free(said);
	return done();
}
