/* From a member to the struct that it is embedded in. */
#ifndef LIB_CONTAINER_H
#define LIB_CONTAINER_H

#include <stddef.h>

#define container_of(member, type, name) \
	((type *)(void *)((char *)(member) - offsetof(type, name)))

#endif
