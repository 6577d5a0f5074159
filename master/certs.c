/* Reads tls_directory. */
#include "master/certs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bundle.h"
#include "lib/certpair.h"
#include "lib/log.h"

#define PAIRS_MAX 4096
#define FILE_BYTES_MAX (256 * 1024)
#define PAIR_BYTES_MAX (2 * FILE_BYTES_MAX + 2)

/* A pair as its files have it. */
struct cert_file {
	char *name; /* owned; of its file, without ".pem" */
	char *pem;  /* owned; a secret */
	size_t len; /* bytes of it */
	time_t not_after;
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
 * all is well; else what is wrong, or "" with errno.
 */
static const char *
read_file(const char *path, char *out, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	size_t n = 0;
	ssize_t got = 1;

	if (fd == -1)
		return "";
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		return "it is no file";
	}
	while (got > 0 && n <= FILE_BYTES_MAX) {
		got = read(fd, out + *len + n, FILE_BYTES_MAX + 1 - n);
		n += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	if (got == -1)
		return "";
	if (n > FILE_BYTES_MAX)
		return "it is larger than 256 KiB";
	if (memmem(out + *len, n, "PRIVATE KEY", 11) != NULL) {
		if (st.st_mode & 077)
			return "others may read its private key: chmod 600";
		if (st.st_uid != 0 && st.st_uid != geteuid())
			return "its private key is another user's: chown root";
	}
	*len += n;
	out[(*len)++] = '\n';
	return NULL;
}

/* NAME.pem and, if it is there, NAME.key.  As read_file(). */
static const char *
read_both(const char *directory, const char *name, char *out, size_t *len)
{
	char path[4096 + 256 + 8];
	const char *wrong;

	*len = 0;
	snprintf(path, sizeof(path), "%s/%s.pem", directory, name);
	wrong = read_file(path, out, len);
	if (wrong != NULL)
		return wrong;
	snprintf(path, sizeof(path), "%s/%s.key", directory, name);
	wrong = read_file(path, out, len);
	return wrong != NULL && *wrong == '\0' && errno == ENOENT ? NULL
								  : wrong;
}

static void
refuse(const struct master *m, const char *name, const char *wrong)
{
	log_event(LOG_ERR, "certificate-refused",
	    "file=%s/%s.pem reason=\"%s\"", m->conf->tls_directory, name,
	    *wrong == '\0' ? strerror(errno) : wrong);
}

/* False: it was logged what is wrong with it. */
static bool
load(const struct master *m, const char *name, struct cert_file *f)
{
	char *bytes = OPENSSL_malloc(PAIR_BYTES_MAX + 2);
	const char *wrong = "no memory";
	struct certpair pair;
	size_t len = 0;

	*f = (struct cert_file){ .name = strdup(name) };
	if (bytes != NULL && f->name != NULL)
		wrong = read_both(m->conf->tls_directory, name, bytes, &len);
	if (wrong == NULL)
		wrong = certpair_parse(&pair, (struct span){ bytes, len });
	if (wrong == NULL) {
		f->not_after = pair.not_after;
		certpair_release(&pair);
		f->pem = OPENSSL_memdup(bytes, len);
		f->len = len;
		if (f->pem == NULL)
			wrong = "no memory";
	}
	OPENSSL_clear_free(bytes, PAIR_BYTES_MAX + 2);
	if (wrong == NULL)
		return true;
	refuse(m, name, wrong);
	free_file(f);
	return false;
}

/* The name of a file without its suffix; in place. */
static const char *
base(struct dirent *entry)
{
	entry->d_name[strlen(entry->d_name) - (sizeof(suffix) - 1)] = '\0';
	return entry->d_name;
}

/* -1 with errno. */
static int
load_all(struct master *m, struct certs *certs)
{
	struct dirent **entries;
	int n = scandir(m->conf->tls_directory, &entries, is_pem, alphasort);

	if (n == -1)
		return -1;
	certs->files = calloc((size_t)n + 1, sizeof(*certs->files));
	for (int i = 0; i < n; i++) {
		if (certs->files != NULL && certs->n < PAIRS_MAX &&
		    load(m, base(entries[i]), &certs->files[certs->n]))
			certs->n++;
		free(entries[i]);
	}
	free(entries);
	return certs->files == NULL ? -1 : 0;
}

/* tls_default comes first.  False: it is not there. */
static bool
order(const struct conf *conf, struct certs *certs)
{
	struct cert_file first;
	size_t at = 0;

	if (*conf->tls_default == '\0')
		return certs->n > 0;
	while (at < certs->n &&
	       strcmp(certs->files[at].name, conf->tls_default) != 0)
		at++;
	if (at == certs->n)
		return false;
	first = certs->files[at];
	memmove(certs->files + 1, certs->files, at * sizeof(first));
	certs->files[0] = first;
	return true;
}

/* -1 with errno. */
static int
seal(struct certs *certs)
{
	struct bundle_piece *pieces = calloc(certs->n, sizeof(*pieces));

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

int
certs_load(struct master *m)
{
	const char *directory = m->conf->tls_directory;

	if (!conf_has_https(m->conf))
		return 0;
	m->certs = calloc(1, sizeof(*m->certs));
	if (m->certs == NULL)
		return -1;
	m->certs->fd = -1;
	if (load_all(m, m->certs) == -1)
		log_event(LOG_CRIT, "fatal", "tls_directory %s: %s", directory,
		    strerror(errno));
	else if (!order(m->conf, m->certs))
		log_event(LOG_CRIT, "fatal", "https: no certificate %s%s in %s",
		    m->conf->tls_default,
		    *m->conf->tls_default == '\0' ? "can be used" : ".pem",
		    directory);
	else if (seal(m->certs) == -1)
		log_event(
		    LOG_CRIT, "fatal", "certificates: %s", strerror(errno));
	else
		return 0;
	return -1;
}

void
certs_release(struct master *m)
{
	struct certs *certs = m->certs;

	if (certs == NULL)
		return;
	for (size_t i = 0; i < certs->n; i++)
		free_file(&certs->files[i]);
	free(certs->files);
	if (certs->fd != -1)
		close(certs->fd);
	free(certs);
	m->certs = NULL;
}

int
certs_fd(const struct master *m)
{
	return m->certs == NULL ? -1 : m->certs->fd;
}
