/* SipHash-2-4 (Aumasson, Bernstein 2012): a hash strangers cannot steer. */
#ifndef LIB_SIPHASH_H
#define LIB_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(const uint64_t key[2], const void *bytes, size_t len);

#endif
