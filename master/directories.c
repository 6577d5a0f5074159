/* Makes the directories that a configuration names. */
#include "master/directories.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "master/master.h"

/*
 * /run is empty after a boot: make what is missing, one level of it, for
 * owner.
 */
static int
make_directory(const char *path, mode_t mode, const struct sandbox_user *owner)
{
	if (mkdir(path, mode) == 0) {
		if (owner->uid == SANDBOX_NOBODY ||
		    chown(path, owner->uid, owner->gid) == 0)
			return 0;
	} else if (errno == EEXIST) {
		return 0;
	}
	log_event(LOG_CRIT, "fatal", "directory %s: %s", path, strerror(errno));
	return -1;
}

static int
make_directory_of(const char *file, const struct sandbox_user *owner)
{
	char *copy = strdup(file);
	int rc = copy == NULL ? -1 : make_directory(dirname(copy), 0755, owner);

	free(copy);
	return rc;
}

int
directories_make(const struct master *m)
{
	const struct sandbox_user nobody = { .uid = SANDBOX_NOBODY };
	const struct conf *conf = m->conf;

	for (size_t i = 0; i < conf->nlisteners; i++) {
		const struct addr *a = &conf->listeners[i].addr;

		if (a->u.sa.sa_family == AF_UNIX &&
		    make_directory_of(a->u.un.sun_path, &nobody) == -1)
			return -1;
	}
	if (!m->foreground && make_directory_of(conf->pid_file, &nobody) == -1)
		return -1;
	if (conf->access_log[0] != '\0' &&
	    make_directory_of(conf->access_log, &m->users[ROLE_LOGGER]) == -1)
		return -1;
	return make_directory(
	    conf->state_directory, 0700, &m->users[ROLE_REGISTRAR]);
}
