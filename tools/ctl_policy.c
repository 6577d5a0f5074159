/* dynproxyctl ban, block, maintenance: who is not let in, and until when. */
#include "lib/array.h"
#include "tools/ctl_commands.h"

#include <err.h>
#include <inttypes.h>
#include <stdint.h>
#include <time.h>

#include "conf/value.h"
#include "lib/clock.h"

/* How an end may be written; the last one is today's, or tomorrow's. */
static const struct {
	const char *format;
	bool utc;
} times[] = {
	{ "%Y-%m-%dT%H:%M:%SZ", true },
	{ "%Y-%m-%dT%H:%MZ", true },
	{ "%Y-%m-%dT%H:%M:%S", false },
	{ "%Y-%m-%dT%H:%M", false },
	{ "%Y-%m-%d %H:%M:%S", false },
	{ "%Y-%m-%d %H:%M", false },
	{ "%H:%M", false },
};

#define NTIMES nitems(times)

const struct ctl_column ctl_columns_policy[] = {
	{ .name = "kind", .asked = true },
	{ .name = "subject", .none = "the site" },
	{ .name = "since" },
	{ .name = "until", .none = "for ever" },
	{ .name = NULL },
};

const struct ctl_column ctl_columns_blocks[] = {
	{ .name = "kind" },
	{ .name = "subject" },
	{ .name = "since" },
	{ .name = "until", .none = "for ever" },
	{ .name = NULL },
};

/* Unix time in milliseconds.  False: it is no time. */
static bool
time_parse(uint64_t *ms, const char *text, uint64_t now_ms)
{
	time_t now = (time_t)(now_ms / 1000), then;
	struct tm today, tm;
	const char *end;

	localtime_r(&now, &today);
	today.tm_sec = 0;
	today.tm_isdst = -1;
	for (size_t i = 0; i < NTIMES; i++) {
		tm = today;
		end = strptime(text, times[i].format, &tm);
		if (end == NULL || *end != '\0')
			continue;
		then = times[i].utc ? timegm(&tm) : mktime(&tm);
		if (then <= now && i == NTIMES - 1) {
			tm.tm_mday++;
			then = mktime(&tm);
		}
		*ms = (uint64_t)then * 1000;
		return then > 0;
	}
	return false;
}

/*
 * Take `--for duration` or `--until time` off the operands.  False: what
 * stands there is neither, which was told.
 *
 * until  Unix time in milliseconds, as text; 0: for ever
 */
static bool
take_end(char **args, char until[24])
{
	uint64_t now = clock_real_ms(), ms = 0;
	bool is_for, good;

	snprintf(until, 24, "0");
	while (*args != NULL && strncmp(*args, "--", 2) != 0)
		args++;
	if (*args == NULL)
		return true;
	is_for = strcmp(*args, "--for") == 0;
	if ((!is_for && strcmp(*args, "--until") != 0) || args[1] == NULL ||
	    args[2] != NULL) {
		warnx("%s: write --for and a duration, or --until and a time, "
		      "at the end",
		    *args);
		return false;
	}
	good = is_for ? duration_parse(&ms, args[1])
		      : time_parse(&ms, args[1], now);
	if (good && is_for)
		good = !__builtin_add_overflow(ms, now, &ms);
	if (!good)
		warnx(is_for ? "\"%s\" is no duration: write 90m, 12h, 7d"
			     : "\"%s\" is no time: write 2026-11-22T18:00Z, "
			       "2026-11-22 18:00 or 18:00",
		    args[1]);
	snprintf(until, 24, "%" PRIu64, ms);
	*args = NULL;
	return good;
}

static const char *
name_of(const char *subject)
{
	return *subject == '\0' ? "the site" : subject;
}

static int
set(const struct ctl *ctl, char *kind, char *subject, char *until,
    const char *done)
{
	char *args[] = { kind, subject, until, NULL };

	return ctl_ask_and_say(
	    ctl, "policy-set", args, "%s %s\n", name_of(subject), done);
}

static int
strike(const struct ctl *ctl, char *kind, char *subject, const char *done)
{
	char *args[] = { kind, subject, NULL };

	return ctl_ask_and_say(
	    ctl, "policy-strike", args, "%s %s\n", name_of(subject), done);
}

/* All entries of these kinds, a NULL at the end. */
static int
list(const struct ctl *ctl, char **kinds, const struct ctl_column *columns)
{
	json_t *all = json_array(), *some;
	int status = CTL_DONE;

	for (; status == CTL_DONE && *kinds != NULL; kinds++) {
		char *args[] = { *kinds, NULL };

		status = ctl_ask(ctl, "policy", args, &some);
		if (status == CTL_DONE) {
			json_array_extend(all, some);
			json_decref(some);
		}
	}
	if (status == CTL_DONE)
		return ctl_show_take(ctl, columns, all);
	json_decref(all);
	return status;
}

int
cmd_bans(const struct ctl *ctl, char **args)
{
	static char ban[] = "ban";
	char *kinds[] = { ban, NULL };

	(void)args;
	return list(ctl, kinds, ctl_columns_policy);
}

int
cmd_ban(const struct ctl *ctl, char **args)
{
	static char ban[] = "ban";
	char until[24];

	if (!take_end(args, until))
		return CTL_USAGE;
	if (args[0] == NULL || args[1] != NULL) {
		warnx("ban: write one network");
		return CTL_USAGE;
	}
	return set(ctl, ban, args[0], until, "is banned");
}

int
cmd_unban(const struct ctl *ctl, char **args)
{
	static char ban[] = "ban";

	return strike(ctl, ban, args[0], "is banned no more");
}

static bool
is_field(const char *name)
{
	if (strcmp(name, "agent") == 0 || strcmp(name, "referer") == 0)
		return true;
	warnx("\"%s\": write agent or referer", name);
	return false;
}

int
cmd_blocks(const struct ctl *ctl, char **args)
{
	static char agent[] = "agent", referer[] = "referer";
	char *kinds[] = { agent, referer, NULL };

	(void)args;
	return list(ctl, kinds, ctl_columns_blocks);
}

int
cmd_block(const struct ctl *ctl, char **args)
{
	char until[24];

	/* a pattern may begin with anything */
	if (!is_field(args[0]) || !take_end(args + 2, until))
		return CTL_USAGE;
	if (args[2] != NULL) {
		warnx("block: write one pattern, in quotes");
		return CTL_USAGE;
	}
	return set(ctl, args[0], args[1], until, "is blocked");
}

int
cmd_unblock(const struct ctl *ctl, char **args)
{
	if (!is_field(args[0]))
		return CTL_USAGE;
	return strike(ctl, args[0], args[1], "is blocked no more");
}

int
cmd_maintenance(const struct ctl *ctl, char **args)
{
	static char maintenance[] = "maintenance", site[] = "";
	char *kinds[] = { maintenance, NULL };
	char until[24], *tool = site;
	bool ends, on, off;

	if (!take_end(args, until))
		return CTL_USAGE;
	ends = strcmp(until, "0") != 0;
	if (args[0] == NULL && !ends)
		return list(ctl, kinds, ctl_columns_policy);
	on = args[0] != NULL && strcmp(args[0], "on") == 0;
	off = args[0] != NULL && strcmp(args[0], "off") == 0;
	if ((on || off) && args[1] != NULL)
		tool = args[1];
	/* "" may be a script's mistake: it is not the site */
	if (tool == site || (*tool != '\0' && args[2] == NULL)) {
		if (on)
			return set(
			    ctl, maintenance, tool, until, "is in maintenance");
		if (off && !ends)
			return strike(ctl, maintenance, tool, "is served");
	}
	warnx("maintenance is on, perhaps with --for or --until, or off at "
	      "once: of a tool or of all");
	return CTL_USAGE;
}

static int
ask(const struct ctl *ctl, char *kind, json_t **entries)
{
	char *args[] = { kind, NULL };

	return ctl_ask(ctl, "policy", args, entries);
}

/* Ask whether there is an entry. */
static int
is_standby(const struct ctl *ctl, char *kind, bool *there)
{
	json_t *entries;
	int status = ask(ctl, kind, &entries);

	if (status != CTL_DONE)
		return status;
	*there = json_array_size(entries) > 0;
	json_decref(entries);
	return CTL_DONE;
}

int
cmd_standby(const struct ctl *ctl, char **args)
{
	static char kind[] = "standby", node[] = "", never[] = "0";
	bool on = args[0] != NULL && strcmp(args[0], "on") == 0, there;
	char *change_args[] = { kind, node, on ? never : NULL, NULL };
	json_t *data;
	int status;

	if (args[0] != NULL && !on && strcmp(args[0], "off") != 0) {
		warnx("standby is on or off");
		return CTL_USAGE;
	}
	status = is_standby(ctl, kind, &there);
	/* what is so already is left so */
	if (status == CTL_DONE && args[0] != NULL && on != there) {
		status = ctl_ask(ctl, on ? "policy-set" : "policy-strike",
		    change_args, &data);
		if (status == CTL_DONE)
			json_decref(data);
		there = on;
	}
	if (status != CTL_DONE)
		return status;
	data = json_pack("{s:b}", "standby", (int)there);
	if (ctl->json)
		ctl_print_json(data);
	else if (!ctl->quiet || args[0] == NULL)
		printf("standby is %s\n", there ? "on" : "off");
	json_decref(data);
	return CTL_DONE;
}

/* An entry's subject is the reason for which it is off. */
static int
show_registration(const struct ctl *ctl, char *kind)
{
	const char *since, *reason;
	json_t *entries;
	int status = ask(ctl, kind, &entries);

	if (status != CTL_DONE)
		return status;
	if (ctl->json)
		ctl_print_json(entries);
	else if (json_unpack(entries, "[{s:s, s:s}]", "since", &since,
		     "subject", &reason) != 0)
		puts("registration is on");
	else
		printf("registration is off since %s%s%s\n", since,
		    *reason == '\0' ? "" : ": ", reason);
	json_decref(entries);
	return CTL_DONE;
}

/* Strike whatever reason it is off for. */
static int
registration_on(const struct ctl *ctl, char *kind)
{
	json_t *entries, *subject;
	int status = ask(ctl, kind, &entries);

	if (status != CTL_DONE)
		return status;
	subject = json_object_get(json_array_get(entries, 0), "subject");
	if (subject != NULL) {
		char *that[] = { kind, (char *)json_string_value(subject),
			NULL };
		json_t *data;

		status = ctl_ask(ctl, "policy-strike", that, &data);
		if (status == CTL_DONE)
			json_decref(data);
	}
	json_decref(entries);
	return status;
}

int
cmd_registration(const struct ctl *ctl, char **args)
{
	static char kind[] = "registration", none[] = "", never[] = "0";
	char *reason = none;
	int status = CTL_USAGE;

	if (args[0] == NULL)
		return show_registration(ctl, kind);
	if (args[1] != NULL && args[2] != NULL &&
	    strcmp(args[1], "--reason") == 0)
		reason = args[2];
	if (strcmp(args[0], "off") == 0 &&
	    (reason != none) == (args[1] != NULL)) {
		json_t *data;
		char *that[] = { kind, reason, never, NULL };

		/* another reason takes the place of the last */
		status = registration_on(ctl, kind);
		if (status == CTL_DONE)
			status = ctl_ask(ctl, "policy-set", that, &data);
		if (status == CTL_DONE)
			json_decref(data);
	} else if (strcmp(args[0], "on") == 0 && args[1] == NULL) {
		status = registration_on(ctl, kind);
	} else {
		warnx("registration is on, or off with or without --reason and "
		      "a text");
	}
	if (status == CTL_DONE && ctl->json)
		printf("{\"registration\": \"%s\"}\n", args[0]);
	else if (status == CTL_DONE && !ctl->quiet)
		printf("registration is %s\n", args[0]);
	return status;
}
