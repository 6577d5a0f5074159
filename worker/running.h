/*
 * Tells others which requests have been under way here for more than a moment,
 * the oldest first: once a second, so that one that is over by then costs
 * nothing.
 */
#ifndef WORKER_RUNNING_H
#define WORKER_RUNNING_H

struct worker;

/* From now on, for as long as the loop runs. */
void running_start(struct worker *w);

#endif
