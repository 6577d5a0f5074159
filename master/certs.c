/* Reads tls_directory. */
#include "master/certs.h"

#include <assert.h>
#include <bsd/string.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/bundle.h"
#include "lib/certpair.h"
#include "lib/log.h"
#include "master/secret.h"

#define PAIRS_MAX 4096
#define FILE_BYTES_MAX (256 * 1024)
#define PAIR_BYTES_MAX (2 * (FILE_BYTES_MAX + 2))

/* A pair as its files have it. */
struct cert_file {
	char *name; /* owned; of its file, without ".pem" */
	char *pem;  /* owned; a secret */
	size_t len; /* bytes of it */
	struct {
		char zone[256]; /* the first of its names, without "*." */
		enum certpair_kind kind;
		time_t not_before, not_after;
	} is;
	unsigned warned; /* of its end, so many days before; UINT_MAX: no */
};

struct certs {
	struct cert_file *files; /* owned; the default one is the first */
	size_t n;
	int fd; /* owned; a bundle of them; -1: there are none */
};

static const char suffix[] = ".pem";

static int
is_pem(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n > sizeof(suffix) - 1 &&
	       strcmp(entry->d_name + n - (sizeof(suffix) - 1), suffix) == 0;
}

void
certs_settle(struct conf *conf)
{
	struct dirent **entries;
	int n;

	if (!conf_is_default(conf, "https"))
		return;
	n = scandir(conf->tls_directory, &entries, is_pem, NULL);
	if (n <= 0)
		conf_clear(conf, "https");
	for (int i = 0; i < n; i++)
		free(entries[i]);
	if (n >= 0)
		free(entries);
}

static void
free_file(struct cert_file *f)
{
	free(f->name);
	OPENSSL_clear_free(f->pem, f->len);
}

/*
 * Append a file to out, which has room for FILE_BYTES_MAX bytes more.  NULL:
 * all is well; else what is wrong.
 */
static const char *
append_file(const char *path, char *out, size_t *len)
{
	struct stat st;
	size_t n;
	const char *wrong =
	    secret_read(path, 0, out + *len, FILE_BYTES_MAX, &n, &st);

	if (wrong == NULL && memmem(out + *len, n, "PRIVATE KEY", 11) != NULL)
		wrong = secret_check(&st);
	*len += n;
	out[(*len)++] = '\n';
	return wrong;
}

/* NAME.pem and, if it is there, NAME.key.  As append_file(). */
static const char *
read_both(const char *directory, const char *name, char *out, size_t *len)
{
	char path[4096 + 256 + 8];
	const char *wrong;

	*len = 0;
	snprintf(path, sizeof(path), "%s/%s.pem", directory, name);
	wrong = append_file(path, out, len);
	if (wrong != NULL)
		return wrong;
	snprintf(path, sizeof(path), "%s/%s.key", directory, name);
	errno = 0;
	wrong = append_file(path, out, len);
	return errno == ENOENT ? NULL : wrong;
}

static void
refuse(const struct master *m, const char *name, const char *wrong)
{
	log_event(LOG_ERR, "certificate-refused",
	    "file=%s/%s.pem reason=\"%s\"", m->conf->tls_directory, name,
	    wrong);
}

static bool
same(const struct cert_file *a, const struct cert_file *b)
{
	return strcmp(a->name, b->name) == 0 && a->len == b->len &&
	       memcmp(a->pem, b->pem, a->len) == 0;
}

/* False: no memory. */
static bool
copy(struct cert_file *to, const struct cert_file *from)
{
	*to = *from;
	to->name = strdup(from->name);
	to->pem = OPENSSL_memdup(from->pem, from->len);
	if (to->name != NULL && to->pem != NULL)
		return true;
	free_file(to);
	return false;
}

static void
note(struct cert_file *f, const struct certpair *pair)
{
	const char *zone = pair->names[0];

	if (strncmp(zone, "*.", 2) == 0)
		zone += 2;
	strlcpy(f->is.zone, zone, sizeof(f->is.zone));
	f->is.kind = pair->kind;
	f->is.not_before = pair->not_before;
	f->is.not_after = pair->not_after;
}

/* Fill f in from the bytes of its files.  NULL, or what is wrong with them. */
static const char *
understand(struct cert_file *f, const struct cert_file *old)
{
	struct certpair pair;
	const char *wrong;
	time_t now = time(NULL);

	if (old != NULL && same(f, old)) {
		f->is = old->is;
		f->warned = old->warned;
		return NULL;
	}
	wrong = certpair_parse(&pair, (struct span){ f->pem, f->len });
	if (wrong != NULL)
		return wrong;
	note(f, &pair);
	if (old != NULL && pair.not_after <= now)
		wrong = "it has expired";
	else if (old != NULL && pair.not_before > now)
		wrong = "it is not valid yet";
	certpair_release(&pair);
	return wrong;
}

/*
 * Read a pair.  What is wrong with it was logged, and *bad tells; then old is
 * what there still is.  False: nothing.
 */
static bool
load(const struct master *m, const char *name, const struct cert_file *old,
    struct cert_file *f, bool *bad)
{
	char *bytes = OPENSSL_malloc(PAIR_BYTES_MAX);
	const char *wrong = "no memory";
	size_t len = 0;

	*f = (struct cert_file){ .name = strdup(name), .warned = UINT_MAX };
	if (bytes != NULL && f->name != NULL)
		wrong = read_both(m->conf->tls_directory, name, bytes, &len);
	if (wrong == NULL) {
		f->pem = OPENSSL_memdup(bytes, len);
		f->len = len;
		wrong = f->pem == NULL ? "no memory" : understand(f, old);
	}
	OPENSSL_clear_free(bytes, PAIR_BYTES_MAX);
	*bad = wrong != NULL;
	if (wrong == NULL)
		return true;
	refuse(m, name, wrong);
	free_file(f);
	return old != NULL && copy(f, old);
}

/* The name of a file without its suffix; in place. */
static const char *
base(struct dirent *entry)
{
	entry->d_name[strlen(entry->d_name) - (sizeof(suffix) - 1)] = '\0';
	return entry->d_name;
}

static const struct cert_file *
find(const struct certs *certs, const char *name)
{
	for (size_t i = 0; certs != NULL && i < certs->n; i++)
		if (strcmp(certs->files[i].name, name) == 0)
			return &certs->files[i];
	return NULL;
}

/* Returns how many were refused; -1 with errno. */
static int
load_all(const struct master *m, const struct certs *old, struct certs *certs)
{
	struct dirent **entries;
	int n = scandir(m->conf->tls_directory, &entries, is_pem, alphasort);
	int refused = 0;
	bool bad;

	if (n == -1)
		return -1;
	certs->files = calloc((size_t)n + 1, sizeof(*certs->files));
	for (int i = 0; i < n; i++) {
		const char *name = base(entries[i]);

		if (certs->files != NULL && certs->n < PAIRS_MAX) {
			if (load(m, name, find(old, name),
				&certs->files[certs->n], &bad))
				certs->n++;
			refused += bad;
		}
		free(entries[i]);
	}
	free(entries);
	return certs->files == NULL ? -1 : refused;
}

/* tls_default comes first.  False: it is not there. */
static bool
order(const struct conf *conf, struct certs *certs)
{
	const struct cert_file *found;
	struct cert_file first;
	size_t at;

	if (*conf->tls_default == '\0')
		return certs->n > 0;
	found = find(certs, conf->tls_default);
	if (found == NULL)
		return false;
	first = *found;
	at = (size_t)(found - certs->files);
	memmove(certs->files + 1, certs->files, at * sizeof(first));
	certs->files[0] = first;
	return true;
}

/* -1 with errno. */
static int
seal(struct certs *certs)
{
	struct bundle_piece *pieces;

	assert(certs->n > 0); /* order() has seen one */
	pieces = calloc(certs->n, sizeof(*pieces));
	if (pieces == NULL)
		return -1;
	for (size_t i = 0; i < certs->n; i++)
		pieces[i] = (struct bundle_piece){
			span_str(certs->files[i].name),
			{ certs->files[i].pem, certs->files[i].len },
		};
	certs->fd = bundle_seal("dynproxy-certificates", pieces, certs->n);
	free(pieces);
	return certs->fd == -1 ? -1 : 0;
}

static void
free_certs(struct certs *certs)
{
	if (certs == NULL)
		return;
	for (size_t i = 0; i < certs->n; i++)
		free_file(&certs->files[i]);
	free(certs->files);
	if (certs->fd != -1)
		close(certs->fd);
	free(certs);
}

/*
 * All there are now, ready to be handed over.  NULL: it was logged why none
 * can be.
 * priority  of that line
 * refused   how many were
 */
static struct certs *
read_certs(const struct master *m, int priority, int *refused)
{
	const char *directory = m->conf->tls_directory;
	struct certs *certs = calloc(1, sizeof(*certs));

	if (certs == NULL)
		return NULL;
	certs->fd = -1;
	*refused = load_all(m, m->certs, certs);
	if (*refused == -1)
		log_event(priority, "certificates-failed",
		    "tls_directory %s: %s", directory, strerror(errno));
	else if (!order(m->conf, certs))
		log_event(priority, "certificates-failed",
		    "https: there is no usable %s.pem in %s",
		    *m->conf->tls_default == '\0' ? "*" : m->conf->tls_default,
		    directory);
	else if (seal(certs) == -1)
		log_event(
		    priority, "certificates-failed", "%s", strerror(errno));
	else
		return certs;
	free_certs(certs);
	return NULL;
}

bool
certs_check(struct conf *conf)
{
	const struct master m = { .conf = conf };
	struct certs *certs;
	int refused;

	if (!conf_has_https(conf))
		return true;
	certs = read_certs(&m, LOG_ERR, &refused);
	free_certs(certs);
	return certs != NULL && refused == 0;
}

int
certs_load(struct master *m)
{
	int refused;

	if (!conf_has_https(m->conf))
		return 0;
	m->certs = read_certs(m, LOG_CRIT, &refused);
	return m->certs == NULL ? -1 : 0;
}

static bool
all_same(const struct certs *a, const struct certs *b)
{
	if (a == NULL || a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!same(&a->files[i], &b->files[i]))
			return false;
	return true;
}

int
certs_reread(struct master *m, bool *changed)
{
	struct certs *now;
	int refused;

	*changed = false;
	if (!conf_has_https(m->conf))
		return 0;
	now = read_certs(m, LOG_ERR, &refused);
	if (now == NULL)
		return -1;
	*changed = !all_same(m->certs, now);
	if (*changed) {
		free_certs(m->certs);
		m->certs = now;
	} else {
		free_certs(now);
	}
	return refused == 0 ? 0 : -1;
}

void
certs_release(struct master *m)
{
	free_certs(m->certs);
	m->certs = NULL;
}

int
certs_fd(const struct master *m)
{
	return m->certs == NULL ? -1 : m->certs->fd;
}

bool
certs_next(const struct master *m, size_t *at, struct cert_fact *fact)
{
	static const char *const types[] = {
		[CERTPAIR_RSA] = "rsa",
		[CERTPAIR_EC] = "ecdsa",
		[CERTPAIR_EDWARDS] = "eddsa",
	};
	struct cert_file *f;

	if (m->certs == NULL || *at >= m->certs->n)
		return false;
	f = &m->certs->files[(*at)++];
	*fact = (struct cert_fact){ f->name, f->is.zone, types[f->is.kind],
		f->is.not_before, f->is.not_after, &f->warned };
	return true;
}
