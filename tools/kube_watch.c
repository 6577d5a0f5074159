/* Lists and watches objects of Kubernetes, whatever fails. */
#include "tools/kube_watch.h"

#include <bsd/string.h>
#include <stdio.h>

#include "lib/clock.h"
#include "lib/log.h"

#define WATCH_S 300 /* the server ends a watch after that */
#define WATCH_MS ((WATCH_S + 15) * 1000)
#define EVENT_MAX (4 * 1024 * 1024) /* bytes of a line */
#define BACKOFF_MS 100
#define BACKOFF_MAX_MS 30000
#define QUERY_MAX 640

/* Encode a query's value, for characters that labels may have. */
static void
encode(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text != '\0' && n + 4 < size; text++)
		if (strchr("=,/!() ", *text) != NULL)
			n += (size_t)snprintf(
			    out + n, size - n, "%%%02X", (unsigned char)*text);
		else
			out[n++] = *text;
	out[n] = '\0';
}

/* All namespaces, and what is asked of them; query is QUERY_MAX bytes. */
static struct kube_call
call_of(const struct kube_watch *w, const char *more, char *query)
{
	char selector[400];

	encode(w->selector, selector, sizeof(selector));
	snprintf(query, QUERY_MAX, "labelSelector=%s%s", selector, more);
	return (struct kube_call){
		.kind = w->kind, .namespace = "", .query = query
	};
}

/* False: it is too long to be one. */
static bool
keep_version(struct kube_watch *w, const char *version)
{
	return strlcpy(w->version, version, sizeof(w->version)) <
	       sizeof(w->version);
}

static bool
list(struct kube_watch *w)
{
	char query[QUERY_MAX], why[KUBE_WHY_MAX];
	struct kube_call call = call_of(w, "", query);
	const char *version;
	json_t *answer, *items;
	bool listed;

	if (kube_ask(w->kube, &call, &answer, why) != 200) {
		log_event(LOG_ERR, "list-failed", "%s: %s",
		    kube_kind_name(w->kind), why);
		return false;
	}
	listed = json_unpack(answer, "{s:{s:s}, s:o}", "metadata",
		     "resourceVersion", &version, "items", &items) == 0 &&
		 json_is_array(items) && keep_version(w, version);
	if (listed) {
		log_event(LOG_INFO, "listed", "%s=%zu version=%s",
		    kube_kind_name(w->kind), json_array_size(items),
		    w->version);
		w->listed(w->user, items);
	} else {
		log_event(LOG_ERR, "list-failed", "%s: it is no list",
		    kube_kind_name(w->kind));
	}
	json_decref(answer);
	return listed;
}

/* False: list again. */
static bool
apply_event(struct kube_watch *w, const json_t *event)
{
	const char *type, *version;
	const json_t *object;

	if (json_unpack((json_t *)event, "{s:s, s:o}", "type", &type, "object",
		&object) == -1 ||
	    strcmp(type, "ERROR") == 0) /* 410 Gone, mostly */
		return false;
	if (json_unpack((json_t *)object, "{s:{s:s}}", "metadata",
		"resourceVersion", &version) == -1 ||
	    !keep_version(w, version))
		return false;
	if (strcmp(type, "BOOKMARK") != 0)
		w->changed(w->user, object, strcmp(type, "DELETED") != 0);
	return true;
}

/* struct fetch's take(): events are lines. */
static bool
take(void *user, struct span bytes)
{
	struct kube_watch *w = user;
	const char *end;

	w->again = !buf_append_span(&w->line, bytes);
	while (!w->again && (end = memchr(buf_span(&w->line).ptr, '\n',
				 buf_len(&w->line))) != NULL) {
		size_t len = (size_t)(end - buf_span(&w->line).ptr);
		json_t *event =
		    json_loadb(buf_span(&w->line).ptr, len, 0, NULL);

		buf_consume(&w->line, len + 1);
		w->again = event == NULL || !apply_event(w, event);
		json_decref(event);
	}
	return !w->again;
}

/* Until the stream ends, however it does.  False: list again. */
static bool
watch(struct kube_watch *w)
{
	char query[QUERY_MAX], more[160], url[2048], said[FETCH_SAID_MAX];
	struct fetch_tls tls = kube_tls(w->kube);
	struct kube_call call;
	int status;

	snprintf(more, sizeof(more),
	    "&watch=true&allowWatchBookmarks=true"
	    "&timeoutSeconds=%d&resourceVersion=%s",
	    WATCH_S, w->version);
	call = call_of(w, more, query);
	if (!kube_url(w->kube, &call, url, sizeof(url)))
		return false;
	buf_init(&w->line, EVENT_MAX);
	w->again = false;
	status = fetch(
	    &(struct fetch){ .url = url,
		.bearer = w->kube->token[0] != '\0' ? w->kube->token : NULL,
		.timeout_ms = WATCH_MS,
		.tls = &tls,
		.take = take,
		.user = w },
	    NULL, said);
	buf_release(&w->line);
	if (status != 200)
		log_event(LOG_NOTICE, "watch-ended", "%s: status=%d: %s",
		    kube_kind_name(w->kind), status, said);
	return status == 200 && !w->again;
}

/*
 * A watch that was there for longer than we have waited for it is worth
 * another one soon; what lasts for less is waited for twice as long each time,
 * whatever it brought: a list is much to ask for.
 */
static unsigned
next_wait_ms(unsigned wait_ms, bool listed, uint64_t lasted_ms)
{
	if (lasted_ms > (listed ? wait_ms : BACKOFF_MAX_MS))
		return BACKOFF_MS;
	return wait_ms * 2 < BACKOFF_MAX_MS ? wait_ms * 2 : BACKOFF_MAX_MS;
}

void
kube_watch_run(struct kube_watch *w)
{
	unsigned wait_ms = BACKOFF_MS;
	bool listed = false;
	uint64_t began_ms;

	for (;;) {
		began_ms = clock_mono_ms();
		listed = (listed || list(w)) && watch(w);
		wait_ms =
		    next_wait_ms(wait_ms, listed, clock_mono_ms() - began_ms);
		if (wait_ms > BACKOFF_MS)
			log_event(LOG_INFO, "watch-waits", "%s: ms=%u",
			    kube_kind_name(w->kind), wait_ms);
		clock_sleep_ms(wait_ms);
	}
}
