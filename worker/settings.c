/* Keeps a configuration for as long as somebody goes by it. */
#include "worker/settings.h"

#include <errno.h>
#include <stdlib.h>

#include "worker/templates.h"
#include "worker/zone.h"

struct settings *
settings_new_take(struct boot *boot)
{
	struct settings *s = calloc(1, sizeof(*s));
	int saved;

	if (s == NULL)
		return NULL;
	s->users = 1;
	s->conf = boot->conf;
	boot->conf = NULL;
	s->zones = zones_new(s->conf);
	if (s->zones != NULL && site_open(&s->site, boot) == 0) {
		s->templates =
		    templates_new(site_content(&s->site, SITE_ERRORS));
		if (s->templates != NULL)
			return s;
		errno = ENOMEM;
	}
	saved = s->zones == NULL ? ENOMEM : errno;
	settings_drop(s);
	errno = saved;
	return NULL;
}

struct settings *
settings_hold(struct settings *s)
{
	s->users++;
	return s;
}

void
settings_drop(struct settings *s)
{
	if (s == NULL || --s->users > 0)
		return;
	templates_free(s->templates);
	site_close(&s->site);
	zones_free(s->zones);
	conf_free(s->conf);
	free(s);
}
