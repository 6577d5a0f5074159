/* What operators want in responses is there, whatever a backend sends. */
#include "worker/zone.h"

#include <stdlib.h>

#include "http/fields.h"
#include "http/parse.h"
#include "t/tap.h"

static const char settings[] =
    "web_domain = example.org\n"
    "hsts = \"max-age=1\"\n"
    "csp_report_only = \"default-src 'self'\"\n"
    "response_headers = {\"default A: for all\", \"set B: for all\",\n"
    "\"remove Server\", \"for example.org set A: for the domain\",\n"
    "\"for x.example.org remove B\", \"for x.example.org set A: first\",\n"
    "\"for x.example.org set a: second\", \n"
    "\"for plain.example.org set Strict-Transport-Security: max-age=2\"}\n";

#define CSP "Content-Security-Policy-Report-Only=default-src 'self'|"

static const struct {
	const char *what, *host, *received, *sent;
	bool https;
} cases[] = {
	{ "a default", "a.example", "Server: x\r\nC: d\r\n",
	    "C=d|" CSP "A=for all|B=for all|", false },
	{ "a backend's own wins over a default", "a.example",
	    "A: mine\r\nA: twice\r\n",
	    "A=mine|A=twice|" CSP "B=for all|", false },
	{ "but not over what is set", "a.example", "b: mine\r\nB: mine\r\n",
	    CSP "A=for all|B=for all|", false },
	{ "a zone itself", "example.org", "A: mine\r\n",
	    CSP "A=for the domain|B=for all|", false },
	{ "a name below a zone", "t.example.org", "A: mine\r\n",
	    CSP "A=for the domain|B=for all|", false },
	{ "a name that only ends like a zone", "notexample.org", "",
	    CSP "A=for all|B=for all|", false },
	{ "the narrower zone, and there the later rule", "x.example.org",
	    "B: mine\r\n", CSP "a=second|", false },
	{ "TLS", "a.example", "Strict-Transport-Security: max-age=0\r\n",
	    CSP "Strict-Transport-Security=max-age=1|A=for all|B=for all|",
	    true },
	{ "no TLS, no Strict-Transport-Security", "a.example",
	    "Strict-Transport-Security: max-age=9\r\n",
	    CSP "A=for all|B=for all|", false },
	{ "not even by a rule", "plain.example.org", "",
	    CSP "A=for the domain|B=for all|", false },
	{ "a zone's own", "plain.example.org", "",
	    CSP "Strict-Transport-Security=max-age=2|A=for the domain|"
		"B=for all|", true },
	{ "no host", "", "", CSP "A=for all|B=for all|", false },
	{ "a default that Connection names away counts as missing",
	    "a.example", "Connection: A, B\r\nA: mine\r\n",
	    CSP "A=for all|B=for all|", false },
};

static void
check(const struct zones *zones, size_t i, struct http_msg *msg)
{
	const struct http_limits limits = { 8192, 16384, 8192, 100 };
	char head[512], sent[512] = "";
	size_t scanned = 0, n = 0;

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n%s\r\n",
	    cases[i].received);
	if (!ok(http_parse_response(head, strlen(head), &scanned, &limits,
		    msg) == HTTP_FINE, "%s", cases[i].what))
		return;
	zones_apply(zones, span_str(cases[i].host), cases[i].https, msg);
	for (size_t f = 0; f < msg->nfields; f++)
		if (!http_field_is_hop(msg, &msg->field[f]))
			n += (size_t)snprintf(sent + n, sizeof(sent) - n,
			    "%.*s=%.*s|", SPAN_ARG(msg->field[f].name),
			    SPAN_ARG(msg->field[f].value));
	is_str(sent, cases[i].sent, "  is sent");
}

int
main(void)
{
	struct conf *conf = conf_read_text(settings, "settings", stderr);
	struct http_msg *msg = calloc(1, sizeof(*msg));
	struct zones *zones = zones_new(conf);

	for (size_t i = 0; i < nitems(cases); i++)
		check(zones, i, msg);
	zones_free(zones);
	free(msg);
	conf_free(conf);
	return done();
}
