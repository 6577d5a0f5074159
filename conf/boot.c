/* Receives what the master hands to a child. */
#include "conf/boot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"

#define CONFIG_MAX (1024 * 1024) /* bytes of an effective configuration */

/*
 * Read all of a memfd.  Its file position is shared with every other child:
 * it stays alone.  NULL with errno; the caller's to free.
 */
static char *
read_all(int fd)
{
	struct stat st;
	size_t size, done = 0;
	ssize_t n;
	char *text;

	if (fstat(fd, &st) == -1)
		return NULL;
	if (st.st_size < 0 || st.st_size > CONFIG_MAX) {
		errno = EFBIG;
		return NULL;
	}
	size = (size_t)st.st_size;
	text = malloc(size + 1);
	while (text != NULL && done < size) {
		n = pread(fd, text + done, size - done, (off_t)done);
		if (n <= 0) {
			free(text);
			return NULL;
		}
		done += (size_t)n;
	}
	if (text != NULL)
		text[size] = '\0';
	return text;
}

/* NULL: all is well.  Else: what is wrong with the message. */

static const char *
take_config(struct boot *boot, int fd)
{
	char *text;

	if (boot->conf != NULL)
		return "a second configuration";
	text = fd == -1 ? NULL : read_all(fd);
	if (text == NULL)
		return "no configuration can be read";
	boot->conf = conf_read_text(text, "effective configuration", stderr);
	free(text);
	if (boot->conf == NULL)
		return "the configuration was refused";
	return NULL;
}

/* Takes the descriptor over when all is well. */
static const char *
take_segment(struct boot *boot, uint32_t which, int *fd)
{
	if (which >= SEGMENT_COUNT)
		return "a segment that is not known";
	if (*fd == -1 || boot->segment_fds[which] != -1)
		return "not one descriptor for a segment";
	boot->segment_fds[which] = *fd;
	*fd = -1;
	return NULL;
}

static bool
has_listener(const struct boot *boot, uint32_t at)
{
	for (size_t i = 0; i < boot->nlisteners; i++)
		if (boot->listeners[i].at == at)
			return true;
	return false;
}

/*
 * Takes the descriptor over when all is well.  A worker may have several of
 * an address: those of workers that are no more.
 */
static const char *
take_listener(struct boot *boot, uint32_t at, int *fd)
{
	int listens = 0;
	socklen_t len = sizeof(listens);
	struct boot_listener *more;

	if (boot->conf == NULL || at >= boot->conf->nlisteners)
		return "a listener that is not configured";
	if (*fd == -1 || (!listener_is_web(boot->conf->listeners[at].kind) &&
			     has_listener(boot, at)))
		return "not one socket for a listener";
	if (getsockopt(*fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == -1 ||
	    !listens)
		return "a listener that does not listen";
	more =
	    reallocarray(boot->listeners, boot->nlisteners + 1, sizeof(*more));
	if (more == NULL)
		return "no memory";
	more[boot->nlisteners++] = (struct boot_listener){ at, *fd };
	boot->listeners = more;
	*fd = -1;
	return NULL;
}

/* What there is one of; takes the descriptor over when all is well. */
static const char *
take_only(int *to, int *fd, const char *wrong)
{
	if (*fd == -1 || *to != -1)
		return wrong;
	*to = *fd;
	*fd = -1;
	return NULL;
}

/* Takes the descriptor over when all is well. */
static const char *
take_site_file(struct boot *boot, uint32_t which, int *fd)
{
	if (which >= SITE_FILE_COUNT)
		return "a file that is not known";
	if (*fd == -1 || boot->site_fds[which] != -1)
		return "not one descriptor for a file";
	boot->site_fds[which] = *fd;
	*fd = -1;
	return NULL;
}

const char *
boot_take(struct boot *boot, const struct ctlmsg *m, int *fd)
{
	switch (m->type) {
	case CTL_CONFIG:
		return take_config(boot, *fd);
	case CTL_USER:
		boot->user = (struct sandbox_user){ m->arg, (gid_t)m->value };
		return NULL;
	case CTL_LOOKUP:
		return take_only(
		    &boot->lookup, fd, "not one socket for lookups");
	case CTL_SEGMENT:
		return take_segment(boot, m->arg, fd);
	case CTL_LISTENER:
		return take_listener(boot, m->arg, fd);
	case CTL_LOG_WAKE:
		return take_only(&boot->log_wake, fd,
		    "not one descriptor to wake the logger");
	case CTL_CHALLENGES:
		return take_only(
		    &boot->challenges, fd, "not one descriptor of challenges");
	case CTL_CERTIFICATES:
		return take_only(&boot->certificates, fd,
		    "not one descriptor of certificates");
	case CTL_PRESENCE:
		return take_only(
		    &boot->presence, fd, "not one descriptor of presence");
	case CTL_SITE_FILE:
		return take_site_file(boot, m->arg, fd);
	case CTL_START:
		boot->slot = m->arg;
		boot->number = (unsigned)m->value;
		return boot->conf == NULL
			   ? "the start before everything is there"
			   : NULL;
	default:
		return "an unknown message";
	}
}

void
boot_init(struct boot *boot)
{
	*boot = (struct boot){ .user.uid = SANDBOX_NOBODY,
		.lookup = -1,
		.log_wake = -1,
		.challenges = -1,
		.presence = -1,
		.certificates = -1 };
	for (size_t i = 0; i < SEGMENT_COUNT; i++)
		boot->segment_fds[i] = -1;
	for (size_t i = 0; i < SITE_FILE_COUNT; i++)
		boot->site_fds[i] = -1;
}

int
boot_receive(struct boot *boot, int sock)
{
	const char *wrong = NULL;
	struct ctlmsg m = { .type = 0 };
	int fd, got;

	boot_init(boot);
	while (wrong == NULL && m.type != CTL_START) {
		got = ctlmsg_recv(sock, &m, &fd);
		if (got == 1)
			wrong = boot_take(boot, &m, &fd);
		else
			wrong =
			    got == 0 ? "the master is gone" : strerror(errno);
		if (fd != -1)
			close(fd);
	}
	if (wrong == NULL)
		return 0;
	log_event(LOG_ERR, "boot-failed",
	    "reason=\"%s\": only the master starts this process", wrong);
	boot_release(boot);
	return -1;
}

void
boot_release(struct boot *boot)
{
	for (size_t i = 0; i < boot->nlisteners; i++)
		if (boot->listeners[i].fd != -1)
			close(boot->listeners[i].fd);
	free(boot->listeners);
	if (boot->lookup != -1)
		close(boot->lookup);
	if (boot->log_wake != -1)
		close(boot->log_wake);
	if (boot->presence != -1)
		close(boot->presence);
	if (boot->challenges != -1)
		close(boot->challenges);
	if (boot->certificates != -1)
		close(boot->certificates);
	for (size_t i = 0; i < SEGMENT_COUNT; i++)
		if (boot->segment_fds[i] != -1)
			close(boot->segment_fds[i]);
	for (size_t i = 0; i < SITE_FILE_COUNT; i++)
		if (boot->site_fds[i] != -1)
			close(boot->site_fds[i]);
	conf_free(boot->conf);
	boot_init(boot);
}

int
boot_enter_sandbox(const struct boot *boot, struct sandbox s)
{
	const char *failed;

	s.user = boot->user;
	failed = boot->conf->sandbox ? sandbox_enter(&s) : NULL;
	if (failed == NULL)
		return 0;
	log_event(LOG_ERR, "sandbox-failed", "%s: %m", failed);
	return -1;
}

/* Is there anything to do? */
static bool
limits_calls(const struct conf *conf)
{
	return conf->sandbox && syscalls_limited();
}

/* -1, and it is told, when the kernel said no. */
static int
limited_calls(int rc)
{
	if (rc == -1)
		log_event(LOG_ERR, "sandbox-failed", "seccomp: %m");
	return rc;
}

int
boot_allow_calls(
    const struct conf *conf, const struct syscall_rule *rules, size_t n)
{
	return limits_calls(conf) ? limited_calls(syscalls_allow(rules, n)) : 0;
}

int
boot_forbid_calls(const struct conf *conf, const char *const *names, size_t n)
{
	return limits_calls(conf) ? limited_calls(syscalls_forbid(names, n))
				  : 0;
}

const char *
boot_inside(const struct boot *boot, const char *directory)
{
	return boot->user.uid == SANDBOX_NOBODY ? directory : "/";
}
