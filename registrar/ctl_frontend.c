/*
 * frontends, frontend-set, frontend-del: domain proxies, whose owners speak to
 * dynproxy-domains(8).  All backends of one come at once, or none does.
 */
#include <bsd/string.h>

#include "registrar/ctl_command.h"

/* The domain's key.  False: it is none, and was refused. */
static bool
frontend_key(struct ctl *ctl, const char *domain, char key[KEY_MAX])
{
	size_t len = strlen(domain);

	if (!vet_frontend_name(span_str(domain)) || len + 2 > KEY_MAX) {
		ctl_fail(ctl, CTL_USAGE,
		    "\"%.64s\" is no domain: write it in lower case", domain);
		return false;
	}
	key[0] = KEY_FRONTEND;
	memcpy(key + 1, domain, len + 1);
	return true;
}

static bool
vet_all(struct ctl *ctl, const struct destination *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum vet_fault fault =
		    vet_frontend(&ctl->client.r->vet, &to[i].backend);

		if (fault == VET_FINE)
			continue;
		ctl_fail(ctl, CTL_USAGE, "%s", vet_says(fault));
		return false;
	}
	return true;
}

/* The domain, and its URLs with blanks between. */
void
ctl_frontend_set(struct ctl *ctl)
{
	struct destination to[CTL_URLS_MAX];
	char key[KEY_MAX], *urls;
	size_t n;

	if (!frontend_key(ctl, ctl->args[0], key))
		return;
	urls = strdup(ctl->args[1]);
	if (urls == NULL) {
		ctl_no_memory(ctl);
		return;
	}
	n = ctl_read_urls(ctl, urls, to);
	if (n > 0 && vet_all(ctl, to, n)) {
		if (ctl_add_change(
			ctl, CHANGE_SET, key, FRONTEND_PATTERN, to, n))
			ctl_submit(ctl);
		else
			ctl_no_memory(ctl);
	}
	free(urls);
}

/* Gone afterwards, whether it was there or not. */
void
ctl_frontend_del(struct ctl *ctl)
{
	char key[KEY_MAX];

	if (!frontend_key(ctl, ctl->args[0], key))
		return;
	if (ctl_add_change(ctl, CHANGE_STRIKE, key, FRONTEND_PATTERN, NULL, 0))
		ctl_submit(ctl);
	else
		ctl_no_memory(ctl);
}

static bool
put_frontend(
    const struct listing *l, struct buf *b, const struct book_name *name)
{
	const struct book_route *route = TAILQ_FIRST(&name->routes);
	json_t *urls = json_array();

	for (size_t i = 0; i < route->to.n; i++)
		json_array_append_new(urls, listing_text(route->to.at[i].url));
	return buf_printf(b, l->some ? "," : "") &&
	       listing_put_json_take(b, json_pack("{s:s, s:o}", "domain",
					    name->key + 1, "backends", urls));
}

bool
ctl_frontends_more(struct ctl *ctl)
{
	struct client *c = &ctl->client;

	return listing_more(&ctl->listing, &c->r->book, &c->out, put_frontend);
}

void
ctl_frontends(struct ctl *ctl)
{
	ctl->listing.frontends = true;
	ctl_begin_list(ctl, LISTS_FRONTENDS);
}
