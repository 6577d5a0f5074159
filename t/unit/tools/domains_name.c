/* What a domain is, and who may have it (dynproxy-domains(8)). */
#include "tools/domains_name.h"

#include <string.h>

#include "t/tap.h"

#define L63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"
#define L61 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy"

static const struct {
	const char *text, *domain; /* domain NULL: it is none */
} names[] = {
	{ "a", "a" },
	{ "www.example.org", "www.example.org" },
	{ "WWW.Example.ORG", "www.example.org" },
	{ "a.org.", "a.org" },
	{ "*.a.org", "*.a.org" },
	{ "1.2", "1.2" },
	{ "a-b.c", "a-b.c" },
	{ L63 ".org", L63 ".org" },
	{ L63 "." L63 "." L63 "." L61, L63 "." L63 "." L63 "." L61 },
	{ L63 "." L63 "." L63 "." L61 ".", L63 "." L63 "." L63 "." L61 },
	{ L63 "." L63 "." L63 "." L61 "a", NULL },
	{ L63 "a.org", NULL },
	{ "", NULL },
	{ ".", NULL },
	{ ".a", NULL },
	{ "a..b", NULL },
	{ "a..", NULL },
	{ "-a.b", NULL },
	{ "a-.b", NULL },
	{ "a.b-", NULL },
	{ "*", NULL },
	{ "*.", NULL },
	{ "*a.b", NULL },
	{ "a.*.b", NULL },
	{ "*.*.b", NULL },
	{ "a_b.c", NULL },
	{ "a b.c", NULL },
	{ "a/b.c", NULL },
	{ "a\t.c", NULL },
	{ "b\xc3\xbc"
	  "cher.de",
	    NULL },
	{ "a:80", NULL },
};

static json_t *
read_zones(void)
{
	return json_loads(
	    "[{\"name\":\"shared.org\",\"shared\":true,\"default\":true},"
	    "{\"name\":\"old.org\",\"shared\":true,\"deprecated\":true},"
	    "{\"name\":\"own.org\",\"projects\":[\"p1\",\"p3\"]},"
	    "{\"name\":\"gone.own.org\",\"projects\":[\"p1\"],"
	    "\"deprecated\":true},"
	    "{\"name\":\"sub.shared.org\",\"projects\":[\"p2\"]}]",
	    0, NULL);
}

static const struct {
	const char *domain, *project;
	bool admin, may;
} claims[] = {
	{ "a.shared.org", "p1", false, true },
	{ "a.b.shared.org", "p1", false, true },
	{ "*.shared.org", "p1", false, false },
	{ "*.a.shared.org", "p1", false, false },
	{ "shared.org", "p1", false, false },
	{ "*.shared.org", "p1", true, false },
	{ "ashared.org", "p1", false, false },
	{ "a.old.org", "p1", false, false },
	{ "a.old.org", "p1", true, true },
	{ "own.org", "p1", false, true },
	{ "a.own.org", "p1", false, true },
	{ "*.own.org", "p1", false, true },
	{ "a.own.org", "p3", false, true },
	{ "a.own.org", "p2", false, false },
	{ "*.own.org", "p2", true, false },
	{ "a.gone.own.org", "p1", false, false },
	{ "a.gone.own.org", "p1", true, true },
	{ "a.gone.own.org", "p3", true, false },
	{ "a.sub.shared.org", "p1", false, false },
	{ "*.sub.shared.org", "p2", false, true },
	{ "sub.shared.org", "p2", false, true },
	{ "a.nowhere.org", "p1", true, false },
	{ "org", "p1", true, false },
};

static const struct {
	const char *what, *text;
	bool good;
} files[] = {
	{ "none", "[]", true },
	{ "one", "[{\"name\":\"a.org\"}]", true },
	{ "no list", "{}", false },
	{ "no name", "[{}]", false },
	{ "a name that is no domain", "[{\"name\":\"a_b\"}]", false },
	{ "upper case", "[{\"name\":\"A.org\"}]", false },
	{ "a wildcard", "[{\"name\":\"*.org\"}]", false },
	{ "projects that are no list",
	    "[{\"name\":\"a.org\",\"projects\":\"p\"}]", false },
	{ "a flag that is none", "[{\"name\":\"a.org\",\"shared\":1}]", false },
	{ "the same of another",
	    "[{\"name\":\"a.org\",\"deprecated\":\"true\"}]", false },
};

static void
test_usable(const json_t *zones, const char *project, size_t n)
{
	json_t *usable = zones_of(zones, project);

	is_int((long long)json_array_size(json_object_get(usable, "zones")),
	    (long long)n, "zones of %s", project);
	json_decref(usable);
}

int
main(void)
{
	char domain[DOMAIN_MAX + 1];
	json_t *zones = read_zones();

	for (size_t i = 0; i < nitems(names); i++)
		is_str(domain_read(names[i].text, domain) ? domain : NULL,
		    names[i].domain, "the domain \"%.20s\", %zu bytes",
		    names[i].text, strlen(names[i].text));
	ok(zones_check(zones) == NULL, "the zones");
	for (size_t i = 0; i < nitems(claims); i++)
		is_int(zones_refuse(zones, claims[i].project, claims[i].admin,
			   claims[i].domain) == NULL,
		    claims[i].may, "%s%s may%s have %s",
		    claims[i].admin ? "an administrator of " : "",
		    claims[i].project, claims[i].may ? "" : " not",
		    claims[i].domain);
	test_usable(zones, "p1", 4);
	test_usable(zones, "p2", 3);
	test_usable(zones, "p4", 2);
	json_decref(zones);
	for (size_t i = 0; i < nitems(files); i++) {
		zones = json_loads(files[i].text, 0, NULL);
		is_int(zones_check(zones) == NULL, files[i].good,
		    "a file of zones: %s", files[i].what);
		json_decref(zones);
	}
	return done();
}
