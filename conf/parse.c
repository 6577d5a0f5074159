/*
 * Reads configuration files.  libconfuse knows the syntax and the line; every
 * value is text to it, and read by the directive's type as soon as it is met,
 * so that a fault of a value ends nothing and all of them are told.
 */
#include "conf/conf.h"

#include <confuse.h>
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/check.h"
#include "conf/directives.h"
#include "conf/setting.h"
#include "lib/array.h"

#define INCLUDE_DEPTH_MAX 10

/*
 * The reading under way.  libconfuse hands nothing of ours to its callbacks,
 * and its lexer allows one reading at a time anyhow.
 */
static struct reading {
	struct conf *conf;
	FILE *err;
	unsigned faults;
	unsigned depth; /* of include() */
} * reading;

static void __attribute__((format(printf, 3, 0)))
vfault(const char *file, int line, const char *fmt, va_list ap)
{
	fprintf(reading->err, "%s:%d: ", file, line);
	vfprintf(reading->err, fmt, ap);
	putc('\n', reading->err);
	reading->faults++;
}

static void __attribute__((format(printf, 2, 3)))
fault(const cfg_t *cfg, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfault(cfg->filename, cfg->line, fmt, ap);
	va_end(ap);
}

static void
fault_unknown(const cfg_t *cfg, const char *name)
{
	const struct directive *nearest = directive_nearest(name);

	if (nearest != NULL)
		fault(cfg, "unknown setting \"%s\": did you mean \"%s\", %s?",
		    name, nearest->name, nearest->help);
	else
		fault(cfg,
		    "unknown setting \"%s\": dynproxy.conf(5) lists them all",
		    name);
}

/* What libconfuse says when it knows no such option; the test holds it to it.
 */
#define UNKNOWN_OPTION "no such option '%s'"

/* libconfuse tells what is wrong; this is what to write instead. */
static const struct {
	const char *fmt, *instead;
} advice[] = {
	{ "missing equal sign after option '%s'", "write name = value" },
	{ "attempt to append to non-list option '%s'",
	    "it has one value: write =" },
	{ "premature end of file",
	    "a quote or a brace is open, or a value is missing" },
	{ "unexpected token '%s'",
	    "write name = value or name = {a, b}, with quotes around "
	    "what is more than letters, digits and . : / -" },
};

static void
syntax_fault(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[512];

	if (reading == NULL) /* while it takes our defaults in */
		return;
	if (strcmp(fmt, UNKNOWN_OPTION) == 0) {
		fault_unknown(cfg, va_arg(ap, const char *));
		return;
	}
	vsnprintf(text, sizeof(text), fmt, ap);
	for (size_t i = 0; i < nitems(advice); i++)
		if (strcmp(fmt, advice[i].fmt) == 0) {
			fault(cfg, "%s: %s", text, advice[i].instead);
			return;
		}
	fault(cfg, "%s", text);
}

/*
 * The first value of a setting takes the place of the default; but with +=
 * the default stays, which libconfuse, knowing it, tells by its count.
 */
static bool
begin_setting(const cfg_t *cfg, const cfg_opt_t *opt, const struct directive *d)
{
	struct conf_origin *origin = &reading->conf->origins[d - directives];
	bool first = !d->type->list || opt->nvalues == 1;
	char why[DIRECTIVE_WHY_MAX];

	if (origin->file != NULL) {
		if (first)
			fault(cfg, "%s is set twice: before on %s:%u", d->name,
			    origin->file, origin->line);
		return !first;
	}
	origin->file = strdup(cfg->filename);
	origin->line = (unsigned)cfg->line;
	if (first) {
		d->type->clear(reading->conf, d);
		return true;
	}
	if (!directive_preset(reading->conf, d, why))
		fault(cfg, "%s", why);
	return true;
}

/* libconfuse's callback for a value; it keeps *result for itself. */
static int
take_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const struct directive *d = directive_find(opt->name);
	char why[DIRECTIVE_WHY_MAX];

	*(const char **)result = value;
	if (reading == NULL) /* while it takes our defaults in */
		return 0;
	if (begin_setting(cfg, opt, d) &&
	    !directive_set(reading->conf, d, value, why))
		fault(cfg, "%s", why);
	return 0;
}

/* The lexer ends the process over what it cannot read, as a directory. */
static FILE *
open_file(const char *path)
{
	FILE *f = fopen(path, "re");
	struct stat st;

	if (f == NULL)
		return NULL;
	if (fstat(fileno(f), &st) == 0 && !S_ISDIR(st.st_mode))
		return f;
	fclose(f);
	errno = EISDIR;
	return NULL;
}

/* Parse a stream inside, or outside, of another; name is copied. */
static bool
parse_stream(cfg_t *cfg, FILE *f, const char *name)
{
	char *outer = cfg->filename;
	int line = cfg->line;
	bool good;

	cfg->filename = strdup(name);
	good = cfg->filename != NULL && cfg_parse_fp(cfg, f) == CFG_SUCCESS;
	free(cfg->filename);
	cfg->filename = outer;
	cfg->line = line;
	return good;
}

static int
include_file(cfg_t *cfg, const char *path)
{
	FILE *f = open_file(path);
	bool good;

	if (f == NULL) {
		fault(cfg, "include: %s: %s", path, strerror(errno));
		return 0;
	}
	good = parse_stream(cfg, f, path);
	fclose(f);
	return good ? 0 : -1;
}

/* A relative path begins where the including file lies. */
static char *
include_path(const cfg_t *cfg, const char *path)
{
	const char *slash = strrchr(cfg->filename, '/');
	char *full;

	if (path[0] == '/' || slash == NULL)
		return strdup(path);
	if (asprintf(&full, "%.*s/%s", (int)(slash - cfg->filename),
		cfg->filename, path) == -1)
		return NULL;
	return full;
}

/* All files that the pattern matches, in byte order; maybe none. */
static int
include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	glob_t found = { .gl_pathc = 0 };
	char *path;
	int rc = 0;

	(void)opt;
	if (argc != 1) {
		fault(cfg, "include: write include(\"FILE\")");
		return 0;
	}
	if (reading->depth == INCLUDE_DEPTH_MAX) {
		fault(cfg, "include: %s: files include each other", argv[0]);
		return -1;
	}
	reading->depth++;
	path = include_path(cfg, argv[0]);
	if (path != NULL && glob(path, GLOB_NOMAGIC, NULL, &found) == 0)
		for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
			rc = include_file(cfg, found.gl_pathv[i]);
	globfree(&found);
	free(path);
	reading->depth--;
	return rc;
}

/* A list's default as libconfuse reads it: it only counts the values. */
static char *
list_default(const struct directive *d)
{
	char *text;

	if (asprintf(&text, "{%s%s%s}", *d->preset == '\0' ? "" : "'",
		d->preset, *d->preset == '\0' ? "" : "'") == -1)
		return NULL;
	return text;
}

/* A parser that knows our settings.  NULL: no memory. */
static cfg_t *
new_parser(void)
{
	cfg_opt_t *opts = calloc(ndirectives + 2, sizeof(*opts));
	cfg_t *cfg;

	if (opts == NULL)
		return NULL;
	for (size_t i = 0; i < ndirectives; i++) {
		const struct directive *d = &directives[i];

		if (d->type->list)
			opts[i] = (cfg_opt_t)CFG_STR_LIST_CB(
			    d->name, list_default(d), 0, take_value);
		else
			opts[i] =
			    (cfg_opt_t)CFG_STR_CB(d->name, NULL, 0, take_value);
	}
	opts[ndirectives] = (cfg_opt_t)CFG_FUNC("include", include);
	opts[ndirectives + 1] = (cfg_opt_t)CFG_END();

	cfg = cfg_init(opts, CFGF_NONE);
	for (size_t i = 0; i < ndirectives; i++)
		free(opts[i].def.parsed);
	free(opts);
	if (cfg != NULL)
		cfg_set_error_function(cfg, syntax_fault);
	return cfg;
}

/* What was not given gets its default; but {} is a value. */
static void
set_default(cfg_t *cfg, const struct directive *d, const char *name)
{
	struct conf_origin *origin = &reading->conf->origins[d - directives];
	char why[DIRECTIVE_WHY_MAX];

	if (origin->file != NULL)
		return;
	if (d->type->list && *d->preset != '\0' &&
	    cfg_size(cfg, d->name) == 0) {
		origin->file = strdup(name);
		return;
	}
	if (!directive_preset(reading->conf, d, why)) {
		fprintf(reading->err, "%s: default: %s\n", name, why);
		reading->faults++;
	}
}

static struct conf *
read_stream(FILE *f, const char *name, FILE *err, bool anyway)
{
	struct reading this = { .err = err };
	struct conf *conf = calloc(1, sizeof(*conf));
	cfg_t *cfg = new_parser();

	if (conf != NULL)
		conf->origins = calloc(ndirectives, sizeof(*conf->origins));
	if (cfg == NULL || conf == NULL || conf->origins == NULL) {
		fprintf(err, "%s: no memory\n", name);
		this.faults++;
	} else {
		this.conf = conf;
		reading = &this;
		if (!parse_stream(cfg, f, name))
			this.faults++;
		for (size_t i = 0; i < ndirectives; i++)
			set_default(cfg, &directives[i], name);
		if (this.faults == 0 && !conf_check(conf, name, err))
			this.faults++;
		reading = NULL;
	}
	if (cfg != NULL)
		cfg_free(cfg);
	if (this.faults == 0 ||
	    (anyway && cfg != NULL && conf != NULL && conf->origins != NULL))
		return conf;
	conf_free(conf);
	return NULL;
}

struct conf *
conf_read_file(const char *path, FILE *err)
{
	FILE *f = open_file(path);
	struct conf *conf;

	if (f == NULL) {
		fprintf(err, "%s: %s\n", path, strerror(errno));
		return NULL;
	}
	conf = read_stream(f, path, err, false);
	fclose(f);
	return conf;
}

struct conf *
conf_read_anyway(const char *path)
{
	FILE *f = open_file(path), *nobody = fopen("/dev/null", "w");
	struct conf *conf = NULL;

	if (f != NULL && nobody != NULL)
		conf = read_stream(f, path, nobody, true);
	if (f != NULL)
		fclose(f);
	if (nobody != NULL)
		fclose(nobody);
	return conf;
}

struct conf *
conf_read_text(const char *text, const char *name, FILE *err)
{
	FILE *f = fmemopen((void *)text, strlen(text), "r");
	struct conf *conf;

	if (f == NULL) {
		fprintf(err, "%s: %s\n", name, strerror(errno));
		return NULL;
	}
	conf = read_stream(f, name, err, false);
	fclose(f);
	return conf;
}
