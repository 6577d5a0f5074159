/*
 * Which name has which counters (shm/counters.h): given when it is published,
 * kept as long as it is in the table, over restarts of the registrar too.
 */
#ifndef REGISTRAR_SLOTS_H
#define REGISTRAR_SLOTS_H

#include <stdint.h>

struct slots;

/* NULL: no memory. */
struct slots *slots_new(void);
void slots_free(struct slots *slots);

/* The name's slot; 0: it has none. */
uint32_t slots_find(const struct slots *slots, const char *key);

/* The same, and it gets one if there is one left. */
uint32_t slots_take(struct slots *slots, const char *key);

/* The one in use at an index, from 1 to COUNTERS_TOOLS - 1; 0: nobody's. */
uint32_t slots_at(const struct slots *slots, uint32_t index);

/* Whose that is; NULL: nobody's. */
const char *slots_key_at(const struct slots *slots, uint32_t index);

/* It had this one under a predecessor: it has it again, if nobody else has. */
void slots_adopt(struct slots *slots, const char *key, uint32_t slot);

/* The name is gone; its slot is given to another as late as possible. */
void slots_drop(struct slots *slots, const char *key);

#endif
