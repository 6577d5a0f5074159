/* A lease that is lost is asked for again, whenever that was. */
#include "tools/lease.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "t/tap.h"

#define URL "http://127.0.0.1:5000"
#define PAUSE_MS 500 /* before it is asked for once more */

/* What a proxy does with each connection: answer, and keep it or close it. */
struct step {
	const char *command; /* that it must hear */
	const char *answer;  /* NULL: close without one */
	bool keep;
};

struct proxy {
	char path[64];
	int fd;
	const struct step *steps;
	size_t n;
	int kept;	    /* -1: none */
	const char *missed; /* a command that did not come; NULL: none */
	pthread_t thread;
};

static void *
serve(void *arg)
{
	struct proxy *p = arg;
	char request[1024];

	for (size_t i = 0; i < p->n; i++) {
		int fd = accept(p->fd, NULL, NULL);
		ssize_t n = read(fd, request, sizeof(request) - 1);

		request[n > 0 ? n : 0] = '\0';
		request[strcspn(request, "\n")] = '\0';
		if (strcmp(request, p->steps[i].command) != 0)
			p->missed = p->steps[i].command;
		if (p->steps[i].answer != NULL)
			dprintf(fd, "%s\n", p->steps[i].answer);
		if (p->steps[i].keep)
			p->kept = fd;
		else
			close(fd);
	}
	return NULL;
}

static void
listen_at(struct proxy *p)
{
	struct addr a;

	snprintf(p->path, sizeof(p->path), "/tmp/lease-%d.sock", getpid());
	unlink(p->path);
	addr_parse(&a, p->path);
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(p->fd, &a.u.sa, a.len) == -1 || listen(p->fd, 8) == -1)
		ok(false, "a proxy listens");
}

static void
begin(struct proxy *p, const struct step *steps, size_t n)
{
	*p = (struct proxy){ .steps = steps, .n = n, .kept = -1 };
	listen_at(p);
	pthread_create(&p->thread, NULL, serve, p);
}

/* It goes away, and with it the connection that it has kept. */
static void
end(struct proxy *p)
{
	pthread_join(p->thread, NULL);
	ok(p->missed == NULL, "it heard %s",
	    p->missed != NULL ? p->missed : "what it should");
	if (p->kept != -1)
		close(p->kept);
	close(p->fd);
	unlink(p->path);
}

static const struct {
	const char *what;
	struct step steps[4];
	size_t n;
	enum reg_result result;
	bool held, due;
} cases[] = {
	{ "it refuses", { { "registerCanonical", "fail: no", false } }, 1,
	    REG_REFUSED, false, false },
	{ "the original",
	    { { "registerCanonical", "ok", false },
		{ "lease", "fail", false } },
	    2, REG_OK, false, false },
	{ "too many ask",
	    { { "registerCanonical", "ok", false },
		{ "lease", "fail: your host connects too often", false } },
	    2, REG_OK, false, true },
	{ "ours",
	    { { "registerCanonical", "ok", false }, { "lease", "ok", true } },
	    2, REG_OK, true, true },
	{ "it starts anew meanwhile",
	    { { "registerCanonical", NULL, false },
		{ "registerCanonical", "ok", false }, { "lease", NULL, false },
		{ "lease", "ok", true } },
	    4, REG_OK, true, true },
};

static void
test_begin(void)
{
	struct proxy p;
	struct lease l;
	struct reg reg;

	for (size_t i = 0; i < nitems(cases); i++) {
		begin(&p, cases[i].steps, cases[i].n);
		reg_init(&reg, p.path);
		is_int(lease_begin(&l, &reg, ".*", URL), cases[i].result, "%s",
		    cases[i].what);
		is_int(l.fd != -1, cases[i].held, "%s: is it held?",
		    cases[i].what);
		is_int(lease_wait_ms(&l) != -1, cases[i].due,
		    "%s: is it due some time?", cases[i].what);
		end(&p);
		if (l.fd != -1)
			close(l.fd);
	}
}

static void
test_lost(void)
{
	static const struct step once[] = {
		{ "registerCanonical", "ok", false }, { "lease", "ok", true }
	};
	static const struct step again[] = { { "lease", "ok", true } };
	uint64_t until_ms = clock_mono_ms() + 10000, lost_ms;
	struct proxy p;
	struct lease l;
	struct reg reg;

	begin(&p, once, nitems(once));
	reg_init(&reg, p.path);
	lease_begin(&l, &reg, ".*", URL);
	lease_tend(&l);
	ok(l.fd != -1, "a lease is held");
	end(&p);
	lost_ms = clock_mono_ms();
	lease_tend(&l);
	ok(l.fd == -1, "the proxy ends: it is lost");
	ok(l.due_ms >= lost_ms + PAUSE_MS,
	    "was asked for in vain, and will be again");
	begin(&p, again, nitems(again));
	while (l.fd == -1 && clock_mono_ms() < until_ms) {
		poll(NULL, 0, lease_wait_ms(&l));
		lease_tend(&l);
	}
	ok(l.fd != -1, "a new proxy: it is held again");
	end(&p);
	lease_end(&l);
}

int
main(void)
{
	test_begin();
	test_lost();
	return done();
}
