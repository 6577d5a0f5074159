/* Whom a tool registers with, as --proxy and /etc/active-proxy say it. */
#include "tools/reg.h"

#include "t/tap.h"

static const struct {
	const char *proxy, *host, *port; /* host NULL: refused */
} cases[] = {
	{ "proxy", "proxy", "8282" },
	{ "proxy.example.test:1234", "proxy.example.test", "1234" },
	{ "10.0.0.1", "10.0.0.1", "8282" },
	{ "10.0.0.1:1234", "10.0.0.1", "1234" },
	{ "[fd00::1]", "fd00::1", "8282" },
	{ "[fd00::1]:1234", "fd00::1", "1234" },
	{ "fd00::1", "fd00::1", "8282" },
	{ "/run/register.sock", "/run/register.sock", "" },
	{ "", NULL, NULL },
	{ ":8282", NULL, NULL },
	{ "proxy:", NULL, NULL },
	{ "proxy:123456", NULL, NULL },
	{ "[fd00::1", NULL, NULL },
	{ "[fd00::1]x", NULL, NULL },
	{ "[]:1", NULL, NULL },
};

int
main(void)
{
	char path[200];
	struct reg reg;
	struct ip ip;

	for (size_t i = 0; i < nitems(cases); i++) {
		bool good = reg_init(&reg, cases[i].proxy);

		ok(good == (cases[i].host != NULL), "\"%s\" is %s",
		    cases[i].proxy, cases[i].host ? "taken" : "refused");
		if (!good || cases[i].host == NULL)
			continue;
		is_str(reg.host, cases[i].host, "its host");
		is_str(reg.port, cases[i].port, "its port");
	}
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	ok(!reg_init(&reg, path), "a path longer than a socket's");

	ok(reg_init(&reg, "127.0.0.1:8282") && reg_source(&reg, &ip) &&
		ip.family == AF_INET && ip.bytes[0] == 127,
	    "towards loopback we come from loopback");
	ok(reg_init(&reg, "/nonexistent/register.sock"), "no socket there");
	is_int(reg_say(&reg, "register", ".*", "http://127.0.0.1:5000"),
	    REG_UNREACHABLE, "is no proxy to reach");
	is_str(reg.said, "No such file or directory", "and says why");
	return done();
}
