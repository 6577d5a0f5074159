/* Moves bytes from socket to socket through pipes. */
#include "worker/splice.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "worker/stream.h"

#define PIPES_MAX 256 /* at a time; two descriptors each, 64 KiB or more */
#define SPARES_MAX 16
#define PIPE_SIZE (256 * 1024)
#define FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK)

static struct splice_pipe *
open_pipe(void)
{
	struct splice_pipe *p = calloc(1, sizeof(*p));
	int ends[2];

	if (p == NULL || pipe2(ends, O_NONBLOCK | O_CLOEXEC) == -1) {
		free(p);
		return NULL;
	}
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE); /* else it is a small one */
	p->out = ends[0];
	p->in = ends[1];
	return p;
}

static void
close_pipe(struct splice_pipe *p)
{
	close(p->in);
	close(p->out);
	free(p);
}

struct splice_pipe *
splice_get(struct splice_pipes *pipes)
{
	struct splice_pipe *p = pipes->spare;

	if (p != NULL) {
		pipes->spare = p->next;
		pipes->nspare--;
		return p;
	}
	if (pipes->n == PIPES_MAX || (p = open_pipe()) == NULL)
		return NULL;
	pipes->n++;
	return p;
}

void
splice_put(struct splice_pipes *pipes, struct splice_pipe *p)
{
	if (p->held > 0 || pipes->nspare == SPARES_MAX) {
		close_pipe(p);
		pipes->n--;
		return;
	}
	p->next = pipes->spare;
	pipes->spare = p;
	pipes->nspare++;
}

void
splice_release(struct splice_pipes *pipes)
{
	struct splice_pipe *p;

	while ((p = pipes->spare) != NULL) {
		pipes->spare = p->next;
		close_pipe(p);
	}
	*pipes = (struct splice_pipes){ .spare = NULL };
}

/* That less came than was asked for says nothing: the pipe may be full. */
ssize_t
splice_fill(struct splice_pipe *p, struct stream *from, size_t want)
{
	ssize_t n;

	assert(p->held == 0 && from->ssl == NULL);
	if (!from->readable) {
		errno = EAGAIN;
		return -1;
	}
	n = splice(from->io.fd, NULL, p->in, NULL,
	    want < PIPE_SIZE ? want : PIPE_SIZE, FLAGS);
	if (n == -1 && errno == EAGAIN)
		from->readable = false;
	if (n > 0)
		p->held = (size_t)n;
	return n;
}

ssize_t
splice_drain(struct splice_pipe *p, struct stream *to)
{
	ssize_t n;

	assert(to->ssl == NULL);
	if (!to->writable) {
		errno = EAGAIN;
		return -1;
	}
	n = splice(p->out, NULL, to->io.fd, NULL, p->held, FLAGS);
	if (n == -1 && errno == EAGAIN)
		to->writable = false;
	if (n > 0)
		p->held -= (size_t)n;
	return n;
}
