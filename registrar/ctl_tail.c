/*
 * tail: the access log as it is written, out of the workers' rings.  The
 * logger does not notice: whoever is too slow here misses lines, is told how
 * many, and holds nobody up.
 */
#include <bsd/stdlib.h>

#include "lib/container.h"
#include "registrar/ctl_command.h"
#include "route/host.h"

#define LOOK_MS 200
#define BEHIND_MAX                                                             \
	(CLIENT_ANSWER_MAX / 2) /* bytes not taken: lines are missed */

struct tail {
	struct registrar *r; /* borrowed */
	struct timer look;
	char *bytes;   /* owned; LOGRING_BYTES */
	uint64_t at[]; /* by slot: how far each ring was read */
};

/* Is it the tool's own?  Another domain may begin with its name, too. */
static bool
is_tools_host(const struct conf *conf, struct span host, const char *tool)
{
	struct host is;

	host_classify(conf, host, &is);
	return is.kind == HOST_TOOL && span_eq(is.tool, span_str(tool));
}

/*
 * Is the line about the tool?  Its format is the site's: the first word is
 * the host, or it is JSON.
 */
static bool
concerns(const struct conf *conf, struct span line, const char *tool)
{
	const char *blank = memchr(line.ptr, ' ', line.len);
	char text[TOOL_NAME_MAX + 16];

	if (blank != NULL &&
	    is_tools_host(conf,
		(struct span){ line.ptr, (size_t)(blank - line.ptr) }, tool))
		return true;
	snprintf(text, sizeof(text), "\"tool\":\"%s\"", tool);
	return line.len > 0 && line.ptr[0] == '{' &&
	       memmem(line.ptr, line.len, text, strlen(text)) != NULL;
}

static void
put(struct ctl *ctl, struct span line)
{
	struct client *c = &ctl->client;
	json_t *value;

	if (ctl->args[0] != NULL && !concerns(c->r->conf, line, ctl->args[0]))
		return;
	if (buf_len(&c->out) > BEHIND_MAX) {
		ctl->missed++;
		return;
	}
	value = json_pack("{s:s%, s:I}", "line", line.ptr, line.len, "missed",
	    (json_int_t)ctl->missed);
	if (!listing_put_json_take(&c->out, value) ||
	    !buf_printf(&c->out, "\n"))
		client_end(c);
	else
		client_answer(c);
	ctl->missed = 0;
}

static void
put_all(struct registrar *r, struct span bytes)
{
	const char *end;
	struct span line;
	struct ctl *ctl;

	while (bytes.len > 0 &&
	       (end = memchr(bytes.ptr, '\n', bytes.len)) != NULL) {
		line = (struct span){ bytes.ptr, (size_t)(end - bytes.ptr) };
		LIST_FOREACH(ctl, &r->tailers, tailer)
		put(ctl, line);
		bytes = span_from(bytes, line.len + 1);
	}
}

static void
look(struct timer *timer)
{
	struct tail *t = container_of(timer, struct tail, look);
	size_t n;

	for (unsigned i = 0; i < t->r->log.slots; i++) {
		n = logring_follow(&t->r->log, i, &t->at[i], t->bytes);
		put_all(t->r, (struct span){ t->bytes, n });
	}
	timer_set(&t->r->loop.timers, &t->look, t->r->loop.now_ms + LOOK_MS);
}

/* From now on.  NULL: no memory. */
static struct tail *
tail_new(struct registrar *r)
{
	struct tail *t =
	    calloc(1, sizeof(*t) + r->log.slots * sizeof(t->at[0]));

	if (t == NULL)
		return NULL;
	t->bytes = malloc(LOGRING_BYTES);
	if (t->bytes == NULL) {
		free(t);
		return NULL;
	}
	t->r = r;
	t->look.fire = look;
	for (unsigned i = 0; i < r->log.slots; i++)
		t->at[i] = logring_head(&r->log, i);
	timer_set(&r->loop.timers, &t->look, r->loop.now_ms + LOOK_MS);
	return t;
}

void
ctl_tail(struct ctl *ctl)
{
	struct registrar *r = ctl->client.r;
	char key[TOOL_NAME_MAX + 2];

	if (ctl->args[0] != NULL && !ctl_tool_key(ctl, ctl->args[0], key))
		return;
	if (r->conf->access_log[0] == '\0') {
		ctl_fail(ctl, CTL_REFUSED,
		    "no access log is kept: set access_log in dynproxy.conf");
		return;
	}
	if (r->tail == NULL)
		r->tail = tail_new(r);
	if (r->tail == NULL) {
		ctl_fail(ctl, CTL_REFUSED, "no memory: try again later");
		return;
	}
	ctl->tails = true;
	ctl->client.stays = ctl->client.patient = true;
	LIST_INSERT_HEAD(&r->tailers, ctl, tailer);
	ctl_succeed_take(ctl, json_object());
}

void
ctl_tail_end(struct ctl *ctl)
{
	struct registrar *r = ctl->client.r;

	if (!ctl->tails)
		return;
	LIST_REMOVE(ctl, tailer);
	if (!LIST_EMPTY(&r->tailers))
		return;
	timer_clear(&r->loop.timers, &r->tail->look);
	free(r->tail->bytes);
	free(r->tail);
	r->tail = NULL;
}
