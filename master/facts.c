/* Tells the registrar, in shared memory, what only the master knows. */
#include "master/facts.h"

#include <bsd/string.h>
#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "master/certs.h"
#include "master/master.h"
#include "master/places.h"
#include "master/spawn.h"
#include "shm/node.h"

static void
add_process(struct node *node, const struct child *child)
{
	struct node_process *p = &node->process[node->nprocesses++];
	char name[CHILD_NAME_MAX];

	*p = (struct node_process){ .pid = (uint64_t)child->pid,
		.since_ms = child->since_ms,
		.place = child->ring };

	memcpy(p->restarts, child->restarts, sizeof(p->restarts));
	if (child->usage.pid == (uint64_t)child->pid)
		p->usage = child->usage;
	strlcpy(p->name, child_name(child, name), sizeof(p->name));
	strlcpy(p->state, child_state_name(child->state), sizeof(p->state));
}

static void
add_certificate(struct node *node, const struct cert_fact *fact)
{
	struct node_certificate *c = &node->certificate[node->ncertificates++];

	*c = (struct node_certificate){
		.not_before = (uint64_t)fact->not_before,
		.not_after = (uint64_t)fact->not_after,
	};
	strlcpy(c->name, fact->name, sizeof(c->name));
	strlcpy(c->zone, fact->zone, sizeof(c->zone));
	strlcpy(c->type, fact->type, sizeof(c->type));
}

void
facts_publish(struct master *m)
{
	static struct node node; /* large; the master has one thread */
	struct node_segment *s =
	    node_open(m->segments[SEGMENT_NODE].writable, true);
	struct cert_fact fact;

	if (s == NULL) {
		log_event(LOG_ERR, "facts-failed", "%s", strerror(errno));
		return;
	}
	node.draining = m->phase == PHASE_DRAINING || m->phase == PHASE_ENDING;
	node.configured_ms = m->configured_ms;
	node.reload_refused = m->reload_refused;
	node.tls_reloads = m->tls_reloads;
	node.tls_refused = m->tls_refused;
	node.master = m->usage;
	node.nprocesses = node.ncertificates = 0;
	for (size_t i = 0;
	     i < m->nchildren && node.nprocesses < NODE_PROCESSES_MAX; i++)
		if (m->children[i].state != CHILD_OFF)
			add_process(&node, &m->children[i]);
	for (size_t at = 0; node.ncertificates < NODE_CERTIFICATES_MAX &&
			    certs_next(m, &at, &fact);)
		add_certificate(&node, &fact);
	node_write(s, &node);
	node_close(s);
}
