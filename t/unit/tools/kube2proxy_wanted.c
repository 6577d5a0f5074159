/* What Services and EndpointSlices ask for (kube2proxy(8)). */
#include "tools/kube2proxy_wanted.h"

#include <stdlib.h>
#include <string.h>

#include "t/tap.h"

#define LABEL "path"

/* JSON with ' for ". */
static json_t *
read_json(const char *text)
{
	char *copy = strdup(text);
	json_t *value;

	for (char *c = copy; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	value = json_loads(copy, JSON_DECODE_ANY, NULL);
	free(copy);
	return value;
}

static const struct {
	const char *what, *object;
	const char *mark, *route, *url, *port; /* mark NULL: nothing */
} services[] = {
	{ "a cluster IP",
	    "{'metadata':{'namespace':'n','name':'a'},'spec':"
	    "{'clusterIP':'10.0.0.1','ports':[{'port':80}]}}",
	    "n/a/.*", "a .*", "http://10.0.0.1:80", "" },
	{ "a path, the last of two ports",
	    "{'metadata':{'namespace':'n','name':'a','labels':{'path':'p'}},"
	    "'spec':{'clusterIP':'10.0.0.1','ports':[{'port':80,'name':'x'},"
	    "{'port':81,'name':'y'}]}}",
	    "n/a/p.*", "a /p.*", "http://10.0.0.1:81", "y" },
	{ "IPv6",
	    "{'metadata':{'namespace':'n','name':'a'},'spec':"
	    "{'clusterIP':'fd00::1','ports':[{'port':80}]}}",
	    "n/a/.*", "a .*", "http://[fd00::1]:80", "" },
	{ "headless",
	    "{'metadata':{'namespace':'n','name':'a'},'spec':"
	    "{'clusterIP':'None','ports':[{'port':80}]}}",
	    "n/a/.*", "a .*", "", "" },
	{ "no port",
	    "{'metadata':{'namespace':'n','name':'a'},'spec':"
	    "{'clusterIP':'10.0.0.1'}}",
	    "n/a/.*", "a .*", "", "" },
	{ "a port that is none",
	    "{'metadata':{'namespace':'n','name':'a'},'spec':"
	    "{'clusterIP':'10.0.0.1','ports':[{'port':65536}]}}",
	    "n/a/.*", "a .*", "", "" },
	{ "no name", "{'metadata':{'namespace':'n'},'spec':{}}", NULL, NULL,
	    NULL, NULL },
	{ "a name of another kind",
	    "{'metadata':{'namespace':'n','name':1},'spec':{}}", NULL, NULL,
	    NULL, NULL },
	{ "no object", "[]", NULL, NULL, NULL, NULL },
	{ "a name that is too long",
	    "{'metadata':{'namespace':'n','name':"
	    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "'},'spec':{}}",
	    NULL, NULL, NULL, NULL },
};

static const char *
text(const json_t *of, const char *key)
{
	return json_string_value(json_object_get(of, key));
}

static void
test_services(void)
{
	for (size_t i = 0; i < nitems(services); i++) {
		const char *what = services[i].what;
		json_t *object = read_json(services[i].object);
		json_t *service = kube_service(object, LABEL);

		is_str(text(service, "mark"), services[i].mark, "%s: its mark",
		    what);
		is_str(text(service, "route"), services[i].route,
		    "%s: its route", what);
		is_str(text(service, "url"), services[i].url, "%s: its backend",
		    what);
		is_str(text(service, "port"), services[i].port, "%s: its port",
		    what);
		json_decref(service);
		json_decref(object);
	}
}

#define SLICE(ports, endpoints)                                                \
	"{'metadata':{'namespace':'n','name':'s','labels':"                    \
	"{'kubernetes.io/service-name':'a'}},'ports':" ports                   \
	",'endpoints':" endpoints "}"

static const struct {
	const char *what, *object;
	const char *urls; /* of port 'x'; NULL: nobody's slice */
} slices[] = {
	{ "ready, and not told",
	    SLICE("[{'name':'x','port':1}]",
		"[{'addresses':['10.0.0.1'],'conditions':{'ready':true}},"
		"{'addresses':['10.0.0.2'],'conditions':{}},"
		"{'addresses':['10.0.0.3'],'conditions':{'ready':null}},"
		"{'addresses':['10.0.0.4']}]"),
	    "http://10.0.0.1:1 http://10.0.0.2:1 http://10.0.0.3:1 "
	    "http://10.0.0.4:1" },
	{ "not ready, though it serves",
	    SLICE("[{'name':'x','port':1}]",
		"[{'addresses':['10.0.0.1'],'conditions':{'ready':false,"
		"'serving':true,'terminating':true}}]"),
	    "" },
	{ "the first of its addresses",
	    SLICE("[{'name':'x','port':1}]",
		"[{'addresses':['10.0.0.1','10.0.0.2']}]"),
	    "http://10.0.0.1:1" },
	{ "another port",
	    SLICE("[{'name':'y','port':1}]", "[{'addresses':['10.0.0.1']}]"),
	    "" },
	{ "every port", SLICE("[{'name':'x'}]", "[{'addresses':['10.0.0.1']}]"),
	    "" },
	{ "names, and what is none",
	    SLICE("[{'name':'x','port':1}]",
		"[{'addresses':['a.test']},{'addresses':[]},"
		"{'addresses':[1]},{},7]"),
	    "" },
	{ "no endpoints", SLICE("[{'name':'x','port':1}]", "null"), "" },
	{ "nobody's",
	    "{'metadata':{'namespace':'n','name':'s'},'ports':[],"
	    "'endpoints':[]}",
	    NULL },
};

static void
test_slices(void)
{
	for (size_t i = 0; i < nitems(slices); i++) {
		json_t *object = read_json(slices[i].object);
		json_t *slice = kube_slice(object);
		char *urls = kube_join_urls(
		    json_object_get(json_object_get(slice, "urls"), "x"));

		is_str(slice == NULL ? NULL : urls, slices[i].urls, "%s",
		    slices[i].what);
		free(urls);
		json_decref(slice);
		json_decref(object);
	}
}

/* Without slices: NULL. */
static void
is_wanted(const char *of_services, const char *of_slices, const char *want,
    const char *what)
{
	json_t *some = read_json(of_services), *parts = NULL;
	json_t *wanted = read_json(want), *got;
	struct kube_wanted w;
	char *said;

	if (of_slices != NULL)
		parts = read_json(of_slices);
	kube_wanted_init(&w, some, parts);
	got = json_pack("{s:O, s:O}", "routes", w.routes, "marks", w.marks);
	said = json_dumps(got, JSON_SORT_KEYS);
	if (!ok(json_equal(got, wanted), "%s", what))
		diag("%s", said);
	free(said);
	json_decref(got);
	json_decref(wanted);
	json_decref(parts);
	json_decref(some);
	kube_wanted_release(&w);
}

#define A                                                                      \
	"{'mark':'n/a/.*','route':'a "                                         \
	".*','url':'http://10.0.0.1:1','port':'x'}"
#define B                                                                      \
	"{'mark':'m/a/.*','route':'a "                                         \
	".*','url':'http://10.0.0.2:1','port':'x'}"
#define NONE "{'mark':'n/c/.*','route':'c .*','url':'','port':'x'}"

static void
test_wanted(void)
{
	is_wanted("{'n/a':" A ",'n/c':" NONE "}", NULL,
	    "{'routes':{'a .*':'http://10.0.0.1:1'},'marks':{'n/a/.*':true}}",
	    "cluster IPs; without one there is no route and no mark");
	is_wanted("{'n/a':" A ",'m/a':" B "}", NULL,
	    "{'routes':{'a .*':'http://10.0.0.2:1'},"
	    "'marks':{'n/a/.*':true,'m/a/.*':true}}",
	    "two of one route: the first namespace has it");
	is_wanted("{'m/a':" B ",'n/a':" A "}", NULL,
	    "{'routes':{'a .*':'http://10.0.0.2:1'},"
	    "'marks':{'n/a/.*':true,'m/a/.*':true}}",
	    "the same the other way round");
	is_wanted("{'n/a':" A "}",
	    "{'n/1':{'service':'n/a','urls':{'x':['http://10.1.0.2:1',"
	    "'http://10.1.0.1:1'],'y':['http://10.9.0.1:1']}},"
	    "'n/2':{'service':'n/a','urls':{'x':['http://10.1.0.1:1',"
	    "'http://10.1.0.3:1']}},"
	    "'m/1':{'service':'m/a','urls':{'x':['http://10.8.0.1:1']}}}",
	    "{'routes':{'a .*':'http://10.1.0.1:1 http://10.1.0.2:1 "
	    "http://10.1.0.3:1'},'marks':{'n/a/.*':true}}",
	    "of all slices, each once, in order");
	is_wanted("{'n/a':" A "}", "{}", "{'routes':{},'marks':{}}",
	    "no slice, no route");
}

static const struct {
	const char *mark, *route;
} marks[] = {
	{ "n/a/.*", "a .*" },
	{ "n/a/p.*", "a /p.*" },
	{ "n/a", NULL },
	{ "", NULL },
};

int
main(void)
{
	char route[KUBE_ROUTE_MAX];

	test_services();
	test_slices();
	test_wanted();
	for (size_t i = 0; i < nitems(marks); i++)
		is_str(kube_route_of_mark(marks[i].mark, route) ? route : NULL,
		    marks[i].route, "the route of \"%s\"", marks[i].mark);
	return done();
}
