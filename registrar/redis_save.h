/* Changes on their way to the primary: store_redis_save(). */
#ifndef REGISTRAR_REDIS_SAVE_H
#define REGISTRAR_REDIS_SAVE_H

struct store_redis;

void saving_init(struct store_redis *s);

/* The connection is gone.  Those who wait for an answer have been told. */
void saving_stop(struct store_redis *s);

#endif
