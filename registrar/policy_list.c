/* What the policy is, for whoever asks. */
#include <bsd/string.h>
#include <string.h>

#include "lib/clock.h"
#include "registrar/listing.h"
#include "registrar/policy_book.h"
#include "registrar/process.h"

static struct policy_entry *
next_of(struct policy_book *p, const struct policy_listing *l)
{
	struct policy_entry *e =
	    policy_entries_from(&p->all, l->kind, l->after);

	if (e != NULL && l->begun && e->kind == l->kind &&
	    strcmp(e->subject, l->after) == 0)
		e = policy_entries_next(e);
	return e;
}

static bool
put_entry(struct buf *b, const struct policy_entry *e, bool first)
{
	return buf_printf(b, first ? "" : ",") &&
	       listing_put_json_take(
		   b, json_pack("{s:s, s:o, s:o, s:o}", "kind",
			  policy_kind_info(e->kind)->name, "subject",
			  listing_text(e->subject), "since",
			  listing_time(e->since_ms), "until",
			  listing_time(e->until_ms)));
}

size_t
policy_count(const struct registrar *r, enum policy_kind kind)
{
	return r->policy->all.holding[kind];
}

static bool
holds(const struct registrar *r, enum policy_kind kind, const char *subject)
{
	const struct policy_entry *e =
	    policy_entries_find(&r->policy->all, kind, subject);

	return e != NULL && !policy_is_over(e, clock_real_ms());
}

bool
policy_in_maintenance(const struct registrar *r, const char *tool)
{
	return holds(r, POLICY_MAINTENANCE, "") ||
	       holds(r, POLICY_MAINTENANCE, tool);
}

const char *
policy_subject_after(
    const struct registrar *r, enum policy_kind kind, const char *after)
{
	uint64_t now = clock_real_ms();
	struct policy_entry *e = policy_entries_from(
	    &r->policy->all, kind, after == NULL ? "" : after);

	for (; e != NULL && e->kind == kind; e = policy_entries_next(e))
		if (!policy_is_over(e, now) &&
		    (after == NULL || strcmp(e->subject, after) != 0))
			return e->subject;
	return NULL;
}

bool
policy_list_more(struct registrar *r, struct policy_listing *l, struct buf *b)
{
	uint64_t now = clock_real_ms();
	struct policy_entry *e;

	for (e = next_of(r->policy, l); e != NULL && e->kind == l->kind;
	     e = policy_entries_next(e)) {
		if (buf_len(b) >= CLIENT_PIECE)
			return true;
		if (policy_is_over(e, now))
			continue;
		l->broken = !put_entry(b, e, !l->some);
		if (l->broken)
			return false;
		l->some = l->begun = true;
		strlcpy(l->after, e->subject, sizeof(l->after));
	}
	return false;
}
