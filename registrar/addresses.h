/* This node's addresses come and go: vet.h has to know. */
#ifndef REGISTRAR_ADDRESSES_H
#define REGISTRAR_ADDRESSES_H

struct addresses;
struct registrar;

/* Read them again whenever the kernel tells of a change.  NULL with errno. */
struct addresses *addresses_watch(struct registrar *r);
void addresses_close(struct addresses *addresses);

#endif
