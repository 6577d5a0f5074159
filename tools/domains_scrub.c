/* Reads which addresses live, and parts backends by it. */
#include "tools/domains_scrub.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/buf.h"
#include "tools/child.h"
#include "tools/domains.h"

#define LIVE_MAX (4 * 1024 * 1024) /* bytes */
#define HOOK_MS 30000

static bool
read_file(const char *path, struct buf *out, char *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	while (fd != -1 && buf_reserve(out, 4096) &&
	       (n = read(fd, out->data + out->tail, 4096)) > 0)
		out->tail += (size_t)n;
	if (n != 0)
		snprintf(why, DOMAINS_WHY_MAX, "%.200s: %s", path,
		    n == -1 ? strerror(errno) : "it is too large");
	if (fd != -1)
		close(fd);
	return n == 0;
}

static bool
run_hook(const char *hook, struct buf *out, char *why)
{
	const char *argv[] = { hook, NULL };
	char said[CHILD_SAID_MAX];

	if (child_run(argv, HOOK_MS, out, said) == 0)
		return true;
	snprintf(why, DOMAINS_WHY_MAX, "%.200s: %s", hook, said);
	return false;
}

/* An address in one spelling, whichever it was written in. */
static bool
canonical(struct span text, char out[INET6_ADDRSTRLEN])
{
	struct ip ip;

	if (!ip_parse(&ip, text))
		return false;
	ip_format(&ip, out);
	return true;
}

/* An address a line; what is none is nobody's. */
static json_t *
read_lines(struct buf *text)
{
	char address[INET6_ADDRSTRLEN], *line, *at;
	json_t *live = json_object();

	if (!buf_append(text, "", 1))
		return live;
	at = text->data + text->head;
	while ((line = strsep(&at, " \t\r\n")) != NULL)
		if (canonical(span_str(line), address))
			json_object_set_new(live, address, json_true());
	return live;
}

json_t *
scrub_live(const struct domains *d, char *why)
{
	json_t *live = NULL;
	struct buf text;
	bool read;

	if (d->live_file == NULL && d->live_hook == NULL) {
		strlcpy(why, "nothing here tells which addresses live",
		    DOMAINS_WHY_MAX);
		return NULL;
	}
	buf_init(&text, LIVE_MAX);
	read = d->live_file != NULL ? read_file(d->live_file, &text, why)
				    : run_hook(d->live_hook, &text, why);
	if (read)
		live = read_lines(&text);
	buf_release(&text);
	if (live != NULL && json_object_size(live) == 0) {
		strlcpy(why, "the list of live addresses is empty",
		    DOMAINS_WHY_MAX);
		json_decref(live);
		live = NULL;
	}
	return live;
}

/* What stands between "://" and the port, without brackets. */
static struct span
host_of(const char *url)
{
	const char *at = strstr(url, "://"), *end;

	if (at == NULL)
		return (struct span){ .len = 0 };
	at += 3;
	if (*at == '[') {
		end = strchr(++at, ']');
		return (
		    struct span){ at, end == NULL ? 0 : (size_t)(end - at) };
	}
	return (struct span){ at, strcspn(at, ":/") };
}

void
scrub_split(
    const json_t *backends, const json_t *live, json_t **stay, json_t **go)
{
	char address[INET6_ADDRSTRLEN];
	const json_t *url;
	size_t i;

	*stay = json_array();
	*go = json_array();
	json_array_foreach(backends, i, url)
	{
		bool dead =
		    canonical(host_of(json_string_value(url)), address) &&
		    json_object_get(live, address) == NULL;

		json_array_append(dead ? *go : *stay, (json_t *)url);
	}
}
