/* Reads acme_directory. */
#include "master/challenges.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bundle.h"
#include "master/secret.h"

#define CHALLENGES_MAX 64
#define CHALLENGE_BYTES_MAX 1024
#define TOKEN_MAX 128

/* A token is base64url (RFC 8555 section 8.3). */
static int
is_token(const struct dirent *entry)
{
	const char *c = entry->d_name;

	while (isalnum((unsigned char)*c) || *c == '-' || *c == '_')
		c++;
	return *c == '\0' && c - entry->d_name <= TOKEN_MAX;
}

/*
 * Those that can be read, at most CHALLENGES_MAX; returns how many.  One that
 * is empty is only begun: an event follows when it is written.  Who writes
 * there may read less than we: his links to other files are none.
 */
static size_t
read_all(const char *directory, struct dirent **entries, size_t n,
    char bytes[][CHALLENGE_BYTES_MAX + 1], struct bundle_piece *pieces)
{
	char path[4096 + 256 + 2];
	struct stat st;
	size_t len, kept = 0;

	for (size_t i = 0; i < n && kept < CHALLENGES_MAX; i++) {
		const char *name = entries[i]->d_name;

		snprintf(path, sizeof(path), "%s/%s", directory, name);
		if (secret_read(path, O_NOFOLLOW, bytes[kept],
			CHALLENGE_BYTES_MAX, &len, &st) != NULL ||
		    len == 0 || st.st_nlink != 1)
			continue;
		pieces[kept] = (struct bundle_piece){ span_str(name),
			{ bytes[kept], len } };
		kept++;
	}
	return kept;
}

int
challenges_read(struct master *m)
{
	static char bytes[CHALLENGES_MAX][CHALLENGE_BYTES_MAX + 1];
	struct bundle_piece pieces[CHALLENGES_MAX];
	struct dirent **entries;
	int n, fd;

	if (*m->conf->acme_directory == '\0')
		return 0;
	n = scandir(m->conf->acme_directory, &entries, is_token, alphasort);
	if (n == -1)
		return -1;
	fd = bundle_seal("dynproxy-challenges", pieces,
	    read_all(
		m->conf->acme_directory, entries, (size_t)n, bytes, pieces));
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	if (fd == -1)
		return -1;
	challenges_release(m);
	m->challenges = fd;
	return 0;
}

void
challenges_release(struct master *m)
{
	if (m->challenges != -1)
		close(m->challenges);
	m->challenges = -1;
}
