/* Tools of which every part follows from a number and a version. */
#ifndef T_UNIT_SHM_SAMPLE_H
#define T_UNIT_SHM_SAMPLE_H

#include <stdio.h>

#include "shm/route.h"
#include "t/tap.h"

struct sample {
	struct tool tool;
	struct backend backends[ROUTE_BACKENDS_MAX];
	char key[32], text[32];
};

static inline struct span
sample_key(char out[32], unsigned n)
{
	return (struct span){ out, (size_t)snprintf(out, 32, "ttool-%u", n) };
}

static inline const struct tool *
sample_tool(struct sample *s, unsigned n, uint64_t version)
{
	struct tool *tool = &s->tool;
	struct span text = { s->text, 0 };

	for (size_t i = 0; i < nitems(s->backends); i++)
		s->backends[i] = (struct backend){
			.ip = { .bytes = { 10, (uint8_t)n, (uint8_t)version },
			    .family = AF_INET },
			.port = (uint16_t)(1 + version % 60000),
		};
	text.len = (size_t)snprintf(s->text, sizeof(s->text), "/%u/%llu", n,
	    (unsigned long long)version);
	tool->key = sample_key(s->key, n);
	tool->state = TOOL_ACTIVE;
	tool->canonical = version & 1;
	tool->counter_slot = n;
	tool->nroutes = 1 + version % 3;
	for (size_t i = 0; i < tool->nroutes; i++)
		tool->routes[i] = (struct route){
			.kind = ROUTE_PREFIX,
			.text = text,
			.backends = s->backends,
			.nbackends = 1 + (n + version) % ROUTE_BACKENDS_MAX,
		};
	return tool;
}

/* Is it that one, in every part? */
static inline bool
sample_is(const struct tool *tool, unsigned n, uint64_t version)
{
	struct sample s;
	const struct tool *want = sample_tool(&s, n, version);

	if (!span_eq(tool->key, want->key) || tool->state != want->state ||
	    tool->canonical != want->canonical || tool->counter_slot != n ||
	    tool->nroutes != want->nroutes)
		return false;
	for (size_t i = 0; i < want->nroutes; i++) {
		const struct route *x = &tool->routes[i], *y = &want->routes[i];

		if (x->kind != y->kind || !span_eq(x->text, y->text) ||
		    x->nbackends != y->nbackends ||
		    memcmp(x->backends, y->backends,
			y->nbackends * sizeof(*y->backends)) != 0)
			return false;
	}
	return true;
}

#endif
