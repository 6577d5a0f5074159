/* What the kinds of clients of t/client.c share. */
#ifndef T_CLIENT_H
#define T_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_MAX 2048
#define IN_MAX 65536

struct client {
	int fd;
	size_t sent; /* of the request */
	size_t have; /* bytes of its answer, in `in` */
	uint64_t begun_us;
	char *in; /* IN_MAX bytes; load only */
};

extern unsigned long long count;		/* as was asked for */
extern unsigned long long done, failed, closed; /* requests; connections */

/* What all of them send. */
extern char request[REQUEST_MAX];
extern size_t request_len;
void make_request(const char *method, const char *fields);

/* Connected; small: with a small buffer to receive. */
int open_one(bool small);

/* As many as count, gap_ms apart. */
struct client *open_all(bool small, int gap_ms);
void close_all(struct client *all);

/* All have begun. */
void say_ready(void);

/* Has standard input ended?  Waits so long for it. */
bool is_over(int wait_ms);

/* The modes of t/client_slow.c. */
void run_slow_head(void);
void run_slow_body(void);
void run_slow_read(void);

#endif
