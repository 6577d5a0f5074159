/* Three libraries behind one interface. */
#include "worker/compress.h"

#include <assert.h>
#include <brotli/encode.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "lib/array.h"

#define SPARES_MAX 8 /* of each coding, kept for the next body */

/* Measured on sources: 71, 156 and 169 KiB, and 20 to 40 per cent are left. */
#define GZIP_LEVEL 4
#define GZIP_WINDOW_BITS 13
#define GZIP_HEADER 16 /* added to the bits: not a bare deflate stream */
#define GZIP_MEMORY 6
#define BROTLI_QUALITY 1
#define BROTLI_WINDOW_BITS 16
#define ZSTD_LEVEL 1
#define ZSTD_WINDOW_BITS 14
#define ZSTD_HASH_BITS 13

struct compressor {
	enum coding coding;
	union {
		z_stream gzip;
		BrotliEncoderState *brotli;
		ZSTD_CCtx *zstd;
	} u;
	bool busy, ended;
	bool dirty;		 /* something was taken since the last flush */
	enum compress op;	 /* that it is busy with */
	struct compressor *next; /* while spare */
	size_t head, tail;	 /* of what waits in out */
	char out[COMPRESS_OUT];
};

enum step {
	STEP_DONE, /* the operation is complete */
	STEP_MORE, /* call again, when out is empty */
	STEP_FAILED,
};

/* Room in out, and what of the piece is left. */
struct work {
	const char *in;
	size_t in_len;
	char *out;
	size_t room;
};

static bool
gzip_new(struct compressor *c)
{
	return deflateInit2(&c->u.gzip, GZIP_LEVEL, Z_DEFLATED,
		   GZIP_WINDOW_BITS + GZIP_HEADER, GZIP_MEMORY,
		   Z_DEFAULT_STRATEGY) == Z_OK;
}

static bool
gzip_again(struct compressor *c)
{
	return deflateReset(&c->u.gzip) == Z_OK;
}

static enum step
gzip_step(struct compressor *c, struct work *w, enum compress op)
{
	static const int flush[] = { [COMPRESS_MORE] = Z_NO_FLUSH,
		[COMPRESS_FLUSH] = Z_SYNC_FLUSH,
		[COMPRESS_LAST] = Z_FINISH };
	z_stream *z = &c->u.gzip;
	int result;

	z->next_in = (Bytef *)(uintptr_t)w->in;
	z->avail_in = (uInt)w->in_len;
	z->next_out = (Bytef *)w->out;
	z->avail_out = (uInt)w->room;
	result = deflate(z, flush[op]);
	w->in = (const char *)z->next_in;
	w->in_len = z->avail_in;
	w->out = (char *)z->next_out;
	w->room = z->avail_out;
	if (result == Z_STREAM_END)
		return STEP_DONE;
	/* nothing to do is no fault: a flush was complete before */
	if (result != Z_OK && result != Z_BUF_ERROR)
		return STEP_FAILED;
	return op == COMPRESS_LAST || z->avail_out == 0 ? STEP_MORE : STEP_DONE;
}

static void
gzip_free(struct compressor *c)
{
	deflateEnd(&c->u.gzip);
}

static bool
brotli_new(struct compressor *c)
{
	c->u.brotli = BrotliEncoderCreateInstance(NULL, NULL, NULL);
	return c->u.brotli != NULL &&
	       BrotliEncoderSetParameter(
		   c->u.brotli, BROTLI_PARAM_QUALITY, BROTLI_QUALITY) &&
	       BrotliEncoderSetParameter(
		   c->u.brotli, BROTLI_PARAM_LGWIN, BROTLI_WINDOW_BITS);
}

static void
brotli_free(struct compressor *c)
{
	BrotliEncoderDestroyInstance(c->u.brotli);
}

/* This library knows no beginning again. */
static bool
brotli_again(struct compressor *c)
{
	brotli_free(c);
	return brotli_new(c);
}

static enum step
brotli_step(struct compressor *c, struct work *w, enum compress op)
{
	static const BrotliEncoderOperation operations[] = {
		[COMPRESS_MORE] = BROTLI_OPERATION_PROCESS,
		[COMPRESS_FLUSH] = BROTLI_OPERATION_FLUSH,
		[COMPRESS_LAST] = BROTLI_OPERATION_FINISH,
	};
	const uint8_t *in = (const uint8_t *)w->in;
	uint8_t *out = (uint8_t *)w->out;

	if (!BrotliEncoderCompressStream(c->u.brotli, operations[op],
		&w->in_len, &in, &w->room, &out, NULL))
		return STEP_FAILED;
	w->in = (const char *)in;
	w->out = (char *)out;
	if (op == COMPRESS_LAST)
		return BrotliEncoderIsFinished(c->u.brotli) ? STEP_DONE
							    : STEP_MORE;
	return w->in_len > 0 || BrotliEncoderHasMoreOutput(c->u.brotli)
		   ? STEP_MORE
		   : STEP_DONE;
}

static bool
zstd_new(struct compressor *c)
{
	static const struct {
		ZSTD_cParameter parameter;
		int value;
	} parameters[] = {
		{ ZSTD_c_compressionLevel, ZSTD_LEVEL },
		{ ZSTD_c_windowLog, ZSTD_WINDOW_BITS },
		{ ZSTD_c_hashLog, ZSTD_HASH_BITS },
	};

	c->u.zstd = ZSTD_createCCtx();
	if (c->u.zstd == NULL)
		return false;
	for (size_t i = 0; i < nitems(parameters); i++)
		if (ZSTD_isError(ZSTD_CCtx_setParameter(c->u.zstd,
			parameters[i].parameter, parameters[i].value)))
			return false;
	return true;
}

static bool
zstd_again(struct compressor *c)
{
	return !ZSTD_isError(
	    ZSTD_CCtx_reset(c->u.zstd, ZSTD_reset_session_only));
}

static enum step
zstd_step(struct compressor *c, struct work *w, enum compress op)
{
	static const ZSTD_EndDirective directives[] = {
		[COMPRESS_MORE] = ZSTD_e_continue,
		[COMPRESS_FLUSH] = ZSTD_e_flush,
		[COMPRESS_LAST] = ZSTD_e_end,
	};
	ZSTD_inBuffer in = { w->in, w->in_len, 0 };
	ZSTD_outBuffer out = { w->out, w->room, 0 };
	size_t left =
	    ZSTD_compressStream2(c->u.zstd, &out, &in, directives[op]);

	if (ZSTD_isError(left))
		return STEP_FAILED;
	w->in += in.pos;
	w->in_len -= in.pos;
	w->out += out.pos;
	w->room -= out.pos;
	if (op == COMPRESS_MORE)
		return w->in_len > 0 ? STEP_MORE : STEP_DONE;
	return left > 0 ? STEP_MORE : STEP_DONE;
}

static void
zstd_free(struct compressor *c)
{
	ZSTD_freeCCtx(c->u.zstd);
}

static const struct {
	bool (*new)(struct compressor *c);
	bool (*again)(struct compressor *c); /* for another body */
	enum step (*step)(
	    struct compressor *c, struct work *w, enum compress op);
	void (*free)(struct compressor *c);
} codings[] = {
	[CODING_ZSTD] = { zstd_new, zstd_again, zstd_step, zstd_free },
	[CODING_BROTLI] = { brotli_new, brotli_again, brotli_step,
	    brotli_free },
	[CODING_GZIP] = { gzip_new, gzip_again, gzip_step, gzip_free },
};

static void
compressor_free(struct compressor *c)
{
	codings[c->coding].free(c);
	free(c);
}

static struct compressor *
compressor_new(enum coding coding)
{
	struct compressor *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->coding = coding;
	if (codings[coding].new(c))
		return c;
	compressor_free(c);
	return NULL;
}

void
compressors_release(struct compressors *cs)
{
	struct compressor *c;

	for (enum coding coding = 0; coding < CODING_NONE; coding++)
		while ((c = cs->spare[coding]) != NULL) {
			cs->spare[coding] = c->next;
			compressor_free(c);
		}
}

struct compressor *
compress_begin(struct compressors *cs, enum coding coding)
{
	struct compressor *c = cs->spare[coding];

	if (cs->lent == COMPRESSORS_MAX)
		return NULL;
	if (c == NULL) {
		c = compressor_new(coding);
	} else {
		cs->spare[coding] = c->next;
		cs->nspare[coding]--;
		if (!codings[coding].again(c)) {
			compressor_free(c);
			c = NULL;
		}
	}
	if (c == NULL)
		return NULL;
	c->busy = c->ended = c->dirty = false;
	c->head = c->tail = 0;
	cs->lent++;
	return c;
}

void
compress_end(struct compressors *cs, struct compressor *c)
{
	cs->lent--;
	if (cs->nspare[c->coding] == SPARES_MAX) {
		compressor_free(c);
		return;
	}
	c->next = cs->spare[c->coding];
	cs->spare[c->coding] = c;
	cs->nspare[c->coding]++;
}

bool
compress_piece(
    struct compressor *c, struct span piece, enum compress op, size_t *taken)
{
	struct work w = { piece.ptr, piece.len, c->out, sizeof(c->out) };
	enum step step;

	assert(c->head == c->tail && !c->ended);
	*taken = 0;
	if (c->busy)
		op = c->op;
	else if (piece.len == 0 && op != COMPRESS_LAST &&
		 (op == COMPRESS_MORE || !c->dirty))
		return true;
	step = codings[c->coding].step(c, &w, op);
	*taken = piece.len - w.in_len;
	c->head = 0;
	c->tail = sizeof(c->out) - w.room;
	c->op = op;
	c->busy = step == STEP_MORE;
	c->dirty = step == STEP_MORE || op == COMPRESS_MORE;
	c->ended = step == STEP_DONE && op == COMPRESS_LAST;
	return step != STEP_FAILED;
}

bool
compress_busy(const struct compressor *c)
{
	return c->busy;
}

bool
compress_ended(const struct compressor *c)
{
	return c->ended;
}

struct span
compress_out(const struct compressor *c)
{
	return (struct span){ c->out + c->head, c->tail - c->head };
}

void
compress_sent(struct compressor *c, size_t n)
{
	c->head += n;
}
