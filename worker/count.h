/* Counts responses in this worker's slab. */
#ifndef WORKER_COUNT_H
#define WORKER_COUNT_H

struct exchange;

/* An exchange is over: once for each that has begun, else nothing. */
void count_response(const struct exchange *ex);

#endif
