/* One slice of the table's growth a turn, while there is more to do. */
#include "registrar/grow.h"

#include "lib/clock.h"
#include "lib/container.h"
#include "shm/table_write.h"

static void
step(struct ev_task *task)
{
	struct growth *g = container_of(task, struct growth, task);
	uint64_t begun = clock_cpu_us(), took;
	bool more = table_grow_step(g->table);

	took = clock_cpu_us() - begun;
	if (took > g->slice_max_us)
		g->slice_max_us = took;
	if (!more)
		return;
	g->slices++;
	growth_later(g);
}

void
growth_init(struct growth *g, struct ev_loop *loop, struct table_writer *table)
{
	*g = (struct growth){ .task.run = step, .loop = loop, .table = table };
}

void
growth_release(struct growth *g)
{
	ev_forget(g->loop, &g->task);
}

void
growth_later(struct growth *g)
{
	ev_later(g->loop, &g->task);
}
