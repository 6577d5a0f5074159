/* Counts responses in this worker's slab. */
#ifndef WORKER_COUNT_H
#define WORKER_COUNT_H

struct exchange;
struct http_target;
struct worker;

/* An exchange is over: once for each that has begun, else nothing. */
void count_response(const struct exchange *ex);

/* A request was for a name that nobody has: remember which. */
void count_unknown(struct worker *w, const struct http_target *target);

#endif
