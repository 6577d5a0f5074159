/* Takes what a reply needs from a budget before hiredis may allocate it. */
#include "registrar/redis_reader.h"

#include <string.h>

#define REDIS_LINE_MAX 65536 /* a status or a length; searched each time */

/*
 * hiredis allocates what a length says before its bytes have come, so each
 * piece of a reply is taken from one budget first.
 */
static bool
within_budget(const redisReadTask *task, size_t bytes)
{
	struct redis_reader *r = task->privdata;

	if (task->parent == NULL)
		r->bytes = 0;
	bytes += sizeof(redisReply);
	if (bytes > REDIS_REPLY_MAX - r->bytes) {
		r->too_large = true;
		return false;
	}
	r->bytes += bytes;
	return true;
}

static void *
make_string(const redisReadTask *task, char *text, size_t len)
{
	const struct redis_reader *r = task->privdata;

	if (!within_budget(task, len + 1))
		return NULL;
	return r->plain->createString(task, text, len);
}

static void *
make_array(const redisReadTask *task, int elements)
{
	const struct redis_reader *r = task->privdata;

	if (!within_budget(task, (size_t)elements * sizeof(redisReply *)))
		return NULL;
	return r->plain->createArray(task, elements);
}

static void *
make_integer(const redisReadTask *task, long long value)
{
	const struct redis_reader *r = task->privdata;

	if (!within_budget(task, 0))
		return NULL;
	return r->plain->createInteger(task, value);
}

static void *
make_nil(const redisReadTask *task)
{
	const struct redis_reader *r = task->privdata;

	return within_budget(task, 0) ? r->plain->createNil(task) : NULL;
}

bool
redis_reader_open(struct redis_reader *r)
{
	redisReader *reader = redisReaderCreate();

	if (reader == NULL)
		return false;
	*r = (struct redis_reader){
		.reader = reader,
		.plain = reader->fn,
		.make = {
			.createString = make_string,
			.createArray = make_array,
			.createInteger = make_integer,
			.createNil = make_nil,
			.freeObject = reader->fn->freeObject,
		},
	};
	reader->fn = &r->make;
	reader->privdata = r;
	return true;
}

void
redis_reader_close(struct redis_reader *r)
{
	if (r->reader != NULL)
		redisReaderFree(r->reader);
	r->reader = NULL;
}

/* A fault is kept in the reader, and comes with the next reply. */
void
redis_reader_feed(struct redis_reader *r, const char *bytes, size_t len)
{
	redisReaderFeed(r->reader, bytes, len);
}

/* Is what waits in the reader more than an honest reply ever is? */
static bool
is_endless(const redisReader *reader)
{
	size_t len = reader->len - reader->pos;

	return len > REDIS_REPLY_MAX ||
	       (len > REDIS_LINE_MAX && memchr(reader->buf + reader->pos, '\n',
					    REDIS_LINE_MAX) == NULL);
}

enum reply_got
redis_reader_next(struct redis_reader *r, redisReply **reply)
{
	void *whole = NULL;

	if (redisReaderGetReply(r->reader, &whole) != REDIS_OK)
		return r->too_large ? REPLY_TOO_LARGE : REPLY_BROKEN;
	*reply = whole;
	if (whole != NULL)
		return REPLY_WHOLE;
	return is_endless(r->reader) ? REPLY_TOO_LARGE : REPLY_PART;
}

const char *
redis_reader_fault(const struct redis_reader *r)
{
	return r->reader->errstr;
}
