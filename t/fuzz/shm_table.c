/* Any bytes as a route table in shared memory: see t/unit/shm/hostile.c. */
#define FUZZ
#include "t/unit/shm/hostile.c"
