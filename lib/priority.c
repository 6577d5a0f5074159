/* Tells the scheduler what a process is for. */
#include "lib/priority.h"

#include <linux/sched.h>
#include <linux/sched/types.h>

#include <sys/syscall.h>
#include <unistd.h>

#define SHORT_SLICE_NS 100000 /* the least that sched(7) takes */
#define BEHIND 5	      /* nice(2): a third of an equal share */

/* Neither is worth a word when it fails: it is only slower then. */

void
priority_prompt(void)
{
	struct sched_attr attr = { .size = sizeof(attr) };

	if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) == -1 ||
	    attr.sched_policy != SCHED_NORMAL)
		return;
	attr.sched_runtime = SHORT_SLICE_NS;
	(void)syscall(SYS_sched_setattr, 0, &attr, 0);
}

void
priority_behind(void)
{
	(void)!nice(BEHIND);
}
