/* dynproxyctl diff: what this node's table has and another's has not. */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl_commands.h"
#include "tools/fetch.h"

#define ADMIN_PORT "8081"
#define ANSWER_MAX (512u << 20) /* bytes; 1,000,000 tools have 300 each */
#define ANSWER_MS 60000
#define NODE_MAX 300 /* bytes: a name of DNS, and a port */
#define URL_MAX (NODE_MAX + 64)

/* What a URL may have as its host.  False: it is none, which was told. */
static bool
is_node(const char *node)
{
	if (*node != '\0' && strlen(node) <= NODE_MAX &&
	    node[strcspn(node, "/?#@ ")] == '\0')
		return true;
	warnx("\"%.64s\" is no node: write an address or a name, perhaps with "
	      "a port",
	    node);
	return false;
}

/* http://NODE:8081PATH; the port may be said. */
static void
url_of(const char *node, const char *path, char url[URL_MAX])
{
	const char *end = strrchr(node, ']'); /* of an IPv6 address */
	bool port = strchr(end != NULL ? end : node, ':') != NULL;

	snprintf(url, URL_MAX, "http://%s%s%s", node,
	    port ? "" : ":" ADMIN_PORT, path);
}

/* NULL: it was told why. */
static json_t *
ask_node(const char *node, const char *path)
{
	json_t *said = NULL;
	struct buf body;
	char url[URL_MAX], why[FETCH_SAID_MAX];
	int status;

	buf_init(&body, ANSWER_MAX);
	url_of(node, path, url);
	status = fetch(
	    &(struct fetch){ .url = url, .timeout_ms = ANSWER_MS }, &body, why);
	if (status == 200 || status == 503) { /* ready, or not */
		strlcpy(why, "its answer is no JSON", sizeof(why));
		said = json_loadb(buf_span(&body).ptr, buf_len(&body), 0, NULL);
	} else if (status != -1)
		snprintf(why, sizeof(why),
		    "its answer is %d: is this host in its admin_networks?",
		    status);
	buf_release(&body);
	if (!json_is_object(said)) {
		warnx("%s: %s", node, why);
		json_decref(said);
		return NULL;
	}
	return said;
}

static bool
same(const json_t *here, const json_t *there, const char *what)
{
	const json_t *sum =
	    json_object_get(json_object_get(here, what), "checksum");

	return sum != NULL &&
	       json_equal(sum,
		   json_object_get(json_object_get(there, what), "checksum"));
}

/* Routes, a line each; sorted when they are all there. */
struct lines {
	char **at; /* owned */
	size_t n, size;
};

static void
lines_add(struct lines *lines, const char *tool, const json_t *route)
{
	const char *pattern =
	    json_string_value(json_object_get(route, "pattern"));
	const char *to =
	    json_string_value(json_object_get(route, "destination"));

	if (lines->n == lines->size) {
		lines->size = lines->size * 2 + 1024;
		lines->at =
		    reallocarray(lines->at, lines->size, sizeof(*lines->at));
		if (lines->at == NULL)
			err(CTL_REFUSED, NULL);
	}
	if (asprintf(&lines->at[lines->n++], "%s %s %s",
		tool != NULL ? tool : "-", pattern != NULL ? pattern : "-",
		to != NULL ? to : "-") == -1)
		err(CTL_REFUSED, NULL);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
lines_sort(struct lines *lines)
{
	if (lines->n > 0)
		qsort(lines->at, lines->n, sizeof(*lines->at), compare);
}

static void
lines_release(struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		free(lines->at[i]);
	free(lines->at);
}

static void
lines_of_here(struct lines *lines, const json_t *routes)
{
	const json_t *route;
	size_t i;

	json_array_foreach(routes, i, route) lines_add(
	    lines, json_string_value(json_object_get(route, "tool")), route);
	lines_sort(lines);
}

static void
lines_of_there(struct lines *lines, json_t *tools)
{
	const char *tool;
	const json_t *entry, *route;
	size_t i;

	json_object_foreach(tools, tool, entry)
	    json_array_foreach(json_object_get(entry, "routes"), i, route)
		lines_add(lines, tool, route);
	lines_sort(lines);
}

/* What the other node says may come to stand on a terminal. */
static void
add_line(json_t *lines, char *line)
{
	ctl_mask(line);
	json_array_append_new(lines, json_string(line));
}

/* Walk both: what only one of them has.  Their lines are masked then. */
static json_t *
differences(const struct lines *here, const struct lines *there)
{
	json_t *only_here = json_array(), *only_there = json_array();
	size_t i = 0, j = 0;
	int order;

	while (i < here->n || j < there->n) {
		if (i == here->n)
			order = 1;
		else if (j == there->n)
			order = -1;
		else
			order = strcmp(here->at[i], there->at[j]);
		if (order < 0)
			add_line(only_here, here->at[i]);
		else if (order > 0)
			add_line(only_there, there->at[j]);
		i += order <= 0;
		j += order >= 0;
	}
	return json_pack(
	    "{s:o, s:o}", "only_here", only_here, "only_there", only_there);
}

/* The routes of both.  NULL: it was told why. */
static json_t *
compare_routes(const struct ctl *ctl, const char *node, int *status)
{
	struct lines here = { .n = 0 }, there = { .n = 0 };
	json_t *ours = NULL, *theirs, *found = NULL;
	char *none[] = { NULL };

	*status = ctl_ask(ctl, "list", none, &ours);
	if (*status != CTL_DONE)
		return NULL;
	theirs = ask_node(node, "/list?full=1");
	if (theirs != NULL) {
		lines_of_here(&here, ours);
		lines_of_there(&there, theirs);
		found = differences(&here, &there);
		lines_release(&here);
		lines_release(&there);
	} else {
		*status = CTL_UNREACHABLE;
	}
	json_decref(theirs);
	json_decref(ours);
	return found;
}

static void
print_lines(const json_t *found, const char *which, char mark)
{
	const json_t *line;
	size_t i;

	json_array_foreach(json_object_get(found, which), i, line)
	    printf("%c %s\n", mark, json_string_value(line));
}

/* Differences of the table are shown; what else differs is named. */
static void
print(const struct ctl *ctl, const json_t *found)
{
	bool routes = json_is_true(json_object_get(found, "same_routes"));
	bool policy = json_is_true(json_object_get(found, "same_policy"));

	if (ctl->json) {
		ctl_print_json(found);
		return;
	}
	print_lines(found, "only_here", '<');
	print_lines(found, "only_there", '>');
	if (!routes &&
	    json_array_size(json_object_get(found, "only_here")) == 0 &&
	    json_array_size(json_object_get(found, "only_there")) == 0)
		puts("the tools' routes are the same by now, or domain proxies "
		     "differ");
	if (!policy)
		puts("bans, blocks or maintenance differ");
	if (routes && policy && !ctl->quiet)
		puts("both have the same");
}

int
cmd_diff(const struct ctl *ctl, char **args)
{
	json_t *here, *there, *found;
	char *none[] = { NULL };
	bool routes, policy;
	int status;

	if (!is_node(args[0]))
		return CTL_USAGE;
	status = ctl_ask(ctl, "node", none, &here);
	if (status != CTL_DONE)
		return status;
	there = ask_node(args[0], "/readyz?verbose");
	if (there == NULL) {
		json_decref(here);
		return CTL_UNREACHABLE;
	}
	routes = same(here, there, "table");
	policy = same(here, there, "policy");
	json_decref(here);
	json_decref(there);
	found = routes ? json_object() : compare_routes(ctl, args[0], &status);
	if (found == NULL)
		return status;
	json_object_set_new(found, "same_routes", json_boolean(routes));
	json_object_set_new(found, "same_policy", json_boolean(policy));
	print(ctl, found);
	json_decref(found);
	return routes && policy ? CTL_DONE : CTL_REFUSED;
}
