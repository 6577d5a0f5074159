/*
 * Keys of TLS session tickets (RFC 5077): made by the master, read by every
 * worker, so that a client resumes its session wherever it comes in.  Nobody
 * else maps them.
 */
#ifndef SHM_TICKET_KEYS_H
#define SHM_TICKET_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As they stand in a file that nodes share: the order is OpenSSL's and nginx's. */
struct ticket_key {
	unsigned char name[16]; /* stands in the ticket */
	unsigned char hmac[32]; /* HMAC with SHA-256 */
	unsigned char aes[32];  /* AES-256, CBC */
};

/* The first encrypts, all decrypt. */
#define TICKET_KEYS_MAX 3
struct ticket_keys {
	uint64_t n; /* at most TICKET_KEYS_MAX */
	struct ticket_key key[TICKET_KEYS_MAX];
};

struct ticket_segment; /* a mapping */

/* Bytes of the segment; and lay it out, with a first key: -1 with errno. */
size_t ticket_keys_size(void);
int ticket_keys_format(int fd);

/* Map it; the descriptor stays the caller's.  NULL with errno. */
struct ticket_segment *ticket_keys_open(int fd, bool writable);
void ticket_keys_close(struct ticket_segment *s);

/* Copy them out.  False: they are changing faster than one can read. */
bool ticket_keys_read(const struct ticket_segment *s, struct ticket_keys *out);

/* Have these keys from now on; one writer only. */
void ticket_keys_write(
    struct ticket_segment *s, const struct ticket_keys *keys);

/* A new key encrypts; the oldest is gone if there is no room for it. */
void ticket_keys_rotate(struct ticket_segment *s);

#endif
