/* Makes what a configuration asks for, as one thing that can be replaced. */
#include "master/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/log.h"
#include "master/certs.h"
#include "master/listeners.h"
#include "master/site.h"

struct conf *
setup_read(const struct master *m, FILE *err)
{
	struct conf *conf = conf_read_file(m->conf_path, err);

	if (conf == NULL)
		return NULL;
	certs_settle(conf);
	if (conf->log_sink == LOG_SINK_AUTO)
		conf->log_sink = m->foreground ? LOG_TO_STDERR : LOG_TO_SYSLOG;
	return conf;
}

/* The effective configuration as a sealed memfd.  -1 with errno. */
static int
config_memfd(const struct conf *conf)
{
	int fd = memfd_create("dynproxy-conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	FILE *out = fd == -1 ? NULL : fdopen(dup(fd), "w");
	bool written = false;

	if (out != NULL) {
		conf_dump(conf, out);
		written = fclose(out) == 0;
	}
	if (written &&
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	if (fd != -1)
		close(fd);
	return -1;
}

/* The texts for children: Redis is the registrar's business only. */
static int
make_texts(struct master *m)
{
	struct conf without_secrets = *m->conf;
	char nothing[] = "";

	without_secrets.redis_user = nothing;
	without_secrets.redis_password = nothing;
	for (unsigned i = 0; i < ROLE_COUNT; i++) {
		m->config_fd[i] = config_memfd(
		    i == ROLE_REGISTRAR ? m->conf : &without_secrets);
		if (m->config_fd[i] == -1) {
			log_event(LOG_CRIT, "fatal", "configuration: %s",
			    strerror(errno));
			return -1;
		}
	}
	return 0;
}

int
setup_make(struct master *m, const struct listeners *from)
{
	unsigned slots = m->conf->workers;
	bool changed;

	if (make_texts(m) == -1 || site_load(m) == -1 ||
	    (m->certs == NULL ? certs_load(m) : certs_reread(m, &changed)) ==
		-1)
		return -1;
	if (from != NULL && from->slots > slots)
		slots = from->slots; /* clients may wait there */
	m->listeners = listeners_new(m->conf, from, slots, m->beside);
	return m->listeners == NULL ? -1 : 0;
}

struct setup
setup_take(struct master *m)
{
	struct setup s = {
		.conf = m->conf, .listeners = m->listeners, .certs = m->certs
	};

	memcpy(s.users, m->users, sizeof(s.users));
	memcpy(s.config_fd, m->config_fd, sizeof(s.config_fd));
	memcpy(s.site_fds, m->site_fds, sizeof(s.site_fds));
	m->conf = NULL;
	m->listeners = NULL;
	m->certs = NULL;
	memset(m->config_fd, -1, sizeof(m->config_fd));
	memset(m->site_fds, -1, sizeof(m->site_fds));
	return s;
}

void
setup_put(struct master *m, const struct setup *s)
{
	m->conf = s->conf;
	m->listeners = s->listeners;
	m->certs = s->certs;
	memcpy(m->users, s->users, sizeof(m->users));
	memcpy(m->config_fd, s->config_fd, sizeof(m->config_fd));
	memcpy(m->site_fds, s->site_fds, sizeof(m->site_fds));
}

void
setup_release(struct master *m, const struct listeners *next)
{
	listeners_free(m->listeners, next);
	site_release(m);
	certs_release(m);
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (m->config_fd[i] != -1)
			close(m->config_fd[i]);
	conf_free(m->conf);
	setup_take(m);
}
