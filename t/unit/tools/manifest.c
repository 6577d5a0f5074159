/* A manifest keeps what we do not know, and words stay words. */
#include "tools/manifest.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/tap.h"

static char home[] = "/tmp/manifest.XXXXXX";
static struct account account;

static void
write_manifest(const char *text)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/service.manifest", home);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
}

/* What the file says after its three lines of comment. */
static const char *
written(void)
{
	static char text[1024];
	char path[64];
	size_t n;
	FILE *f;
	char *at = text;

	snprintf(path, sizeof(path), "%s/service.manifest", home);
	f = fopen(path, "r");
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	for (int i = 0; i < 3; i++)
		at = strchr(at, '\n') + 1;
	return at;
}

static const struct {
	const char *what, *text, *why; /* part of it */
} bad[] = {
	{ "no mapping", "- a\n", "no list of" },
	{ "a scalar", "hello\n", "no list of" },
	{ "not closed", "web: [\n", "line 2" },
	{ "a tab", "web:\n\tx: 1\n", "line 2" },
	{ "an unknown anchor", "web: *x\n", "line 1" },
	{ "binary", "web: \001\n", "line 1" },
	{ "no UTF-8", "web: \xff\n", "line 1" },
	{ "a brace too many", "{a: {b: }}}\n", "line 1" },
	{ "two documents", "web: nodejs\n---\nweb: php\n",
	    "more than one document" },
	{ "lists in lists",
	    "web: "
	    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
	    "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
	    "\n",
	    "nested too deeply" },
};

static void
test_bad(void)
{
	struct manifest m;
	char why[256];

	for (size_t i = 0; i < nitems(bad); i++) {
		write_manifest(bad[i].text);
		why[0] = '\0';
		ok(!manifest_read(&m, &account, AT_FDCWD, why), "%s is refused",
		    bad[i].what);
		ok(strstr(why, bad[i].why) != NULL, "%s: %s", bad[i].what, why);
	}
}

static void
test_change(void)
{
	static const char *const args[] = { "python3", "-m", "http.server",
		"8000", "yes", "a b", "", "1Gi", "0x1f", "2001-01-01",
		"2001-01-01 10:00:00", "2001-01-01t10:00:00z", "-.inf", "=",
		"<<" };
	const char *words[MANIFEST_ARGS_MAX];
	struct manifest m;
	char why[256];
	size_t n;

	write_manifest("unknown: {a: [1, 2]}\nweb: nodejs\nbackend: x\n");
	ok(manifest_read(&m, &account, AT_FDCWD, why), "it is read");
	is_str(manifest_get(&m, "web"), "nodejs", "a key");
	ok(manifest_get(&m, "unknown") == NULL, "what is no text is none");
	manifest_remove(&m, "backend");
	manifest_remove(&m, "nothing");
	ok(manifest_set(&m, "web", "generic") &&
		manifest_set_list(&m, MANIFEST_ARGS, args, nitems(args)),
	    "it is changed");
	ok(manifest_save(&m, &account, why), "and saved");
	is_str(written(),
	    "unknown: {a: [1, 2]}\nversion: 4\nweb: generic\n"
	    "web::extra_args:\n- python3\n- -m\n- http.server\n- '8000'\n"
	    "- 'yes'\n- a b\n- ''\n- 1Gi\n- '0x1f'\n- '2001-01-01'\n"
	    "- '2001-01-01 10:00:00'\n- '2001-01-01t10:00:00z'\n"
	    "- '-.inf'\n- '='\n- '<<'\n",
	    "as it should be");
	ok(manifest_read(&m, &account, AT_FDCWD, why), "it reads back");
	n = manifest_list(&m, MANIFEST_ARGS, words);
	is_int((long long)n, nitems(args), "all words");
	for (size_t i = 0; i < n; i++)
		is_str(words[i], args[i], "word %zu", i);
	manifest_release(&m);
}

/* What is odd, but YAML, is read, and written again. */
static void
test_odd(void)
{
	static const char *const odd[] = { "a: &x [1, *x]\nweb: nodejs\n",
		"a: &x {b: *x}\nc: *x\nweb: nodejs\n",
		"? [1, 2]\n: 3\n!!str web: nodejs\n",
		"<<: {web: generic}\nweb: nodejs\n",
		"web: php\nweb: nodejs\n" };
	struct manifest m;
	char why[256];

	for (size_t i = 0; i < nitems(odd); i++) {
		write_manifest(odd[i]);
		ok(manifest_read(&m, &account, AT_FDCWD, why), "odd %zu", i);
		is_str(manifest_get(&m, "web"), "nodejs", "is read");
		ok(manifest_set(&m, "web", "generic") &&
			manifest_save(&m, &account, why),
		    "and changed");
		ok(manifest_read(&m, &account, AT_FDCWD, why), "and read");
		is_str(manifest_get(&m, "web"), "generic", "again");
		manifest_remove(&m, "web");
		ok(manifest_get(&m, "web") == NULL, "until it is removed");
		manifest_release(&m);
	}
}

static void
test_beside(void)
{
	char beside[64], why[256];
	struct manifest m;
	int fd;

	snprintf(beside, sizeof(beside), "%s/service.manifest~", home);
	fd = open(beside, O_CREAT | O_WRONLY, 0600);
	close(fd);
	ok(manifest_read(&m, &account, AT_FDCWD, why) &&
		!manifest_save(&m, &account, why),
	    "while another writes, we do not");
	ok(strstr(why, "remove") != NULL, "and say what to do: %s", why);
	unlink(beside);
}

int
main(void)
{
	char path[64];

	snprintf(account.home, sizeof(account.home), "%s", mkdtemp(home));
	account.uid = getuid();
	test_bad();
	test_change();
	test_odd();
	test_beside();
	snprintf(path, sizeof(path), "%s/service.manifest", home);
	unlink(path);
	rmdir(home);
	return done();
}
