/*
 * The control sockets from the outside: to the registrar one line of JSON and
 * one back, to the master messages of fixed size.
 */
#include "tools/ctl_client.h"

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "conf/conf.h"
#include "lib/addr.h"
#include "lib/ctlline.h"

#define AT_ONCE 16 /* connections, of those that the registrar lets in */

static void complain(const struct ctl *ctl, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
complain(const struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (ctl->said != NULL)
		vsnprintf(ctl->said, CTL_SAID_MAX, fmt, ap);
	else
		vwarnx(fmt, ap);
	va_end(ap);
}

/*
 * Where a server of that kind listens, by -s or by the configuration.  Returns
 * an exit code.
 */
static int
find_socket(const struct ctl *ctl, enum listener_kind kind, struct addr *a)
{
	struct conf *conf;
	bool found = false;

	if (kind == LISTEN_CONTROL && ctl->control != NULL) {
		found =
		    addr_parse(a, ctl->control) && a->u.sa.sa_family == AF_UNIX;
		if (!found)
			complain(ctl,
			    "%s: not the absolute path of a Unix socket",
			    ctl->control);
		return found ? CTL_DONE : CTL_USAGE;
	}
	conf = conf_read_anyway(ctl->conf_path);
	if (conf == NULL) {
		complain(ctl, "%s: %s", ctl->conf_path, strerror(errno));
		return CTL_UNREACHABLE;
	}
	for (size_t i = 0; !found && i < conf->nlisteners; i++)
		if (conf->listeners[i].kind == kind) {
			*a = conf->listeners[i].addr;
			found = true;
		}
	if (!found)
		complain(
		    ctl, "%s: names no such control socket", ctl->conf_path);
	conf_free(conf);
	return found ? CTL_DONE : CTL_UNREACHABLE;
}

/* A connected socket, blocking but never for long.  -1 with errno. */
static int
connect_to(const struct addr *a, int type, uint64_t wait_ms)
{
	struct timeval wait = { .tv_sec = (time_t)(wait_ms / 1000),
		.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000) };
	int fd, saved;

	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
	    connect(fd, &a->u.sa, a->len) == 0)
		return fd;
	saved = errno; /* close() may change it */
	close(fd);
	errno = saved;
	return -1;
}

/*
 * Connect to a server, or say what to do.  -1: *status is the exit code.
 */
static int
reach(const struct ctl *ctl, enum listener_kind kind, int *status)
{
	bool master = kind == LISTEN_MASTER;
	struct addr a;
	char where[ADDR_TEXT_MAX];
	int fd;

	*status = find_socket(ctl, kind, &a);
	if (*status != CTL_DONE)
		return -1;
	*status = CTL_UNREACHABLE;
	addr_format(&a, where);
	if (ctl->verbose)
		warnx("asking the %s at %s", master ? "master" : "registrar",
		    where);
	fd = connect_to(&a, master ? SOCK_SEQPACKET : SOCK_STREAM,
	    ctl->wait_ms > 0 ? ctl->wait_ms : CTL_WAIT_MS);
	if (fd != -1)
		return fd;
	if (errno == EACCES || errno == EPERM) {
		*status = CTL_DENIED;
		complain(ctl,
		    "you may not use %s: it is for root and the operators",
		    where);
	} else {
		complain(ctl,
		    "cannot reach the %s at %s: is dynproxyd running?%s: %s",
		    master ? "master" : "registrar", where,
		    master ? "" : " (dynproxyctl status)", strerror(errno));
	}
	return -1;
}

/* json_dump_callback_t */
static int
send_bytes(const char *bytes, size_t len, void *arg)
{
	const int *fd = arg;
	ssize_t n;

	for (; len > 0; bytes += n, len -= (size_t)n) {
		n = send(*fd, bytes, len, MSG_NOSIGNAL);
		if (n == -1)
			return -1;
	}
	return 0;
}

/* JSON has no other words; one left out would make another command of it. */
static bool
are_words(const struct ctl *ctl, char **args)
{
	json_t *word;

	for (; *args != NULL; args++) {
		word = json_string(*args);
		if (word == NULL) {
			complain(ctl, "\"%s\" is not UTF-8", *args);
			return false;
		}
		json_decref(word);
	}
	return true;
}

/*
 * Whether it has gone out does not matter: who is refused is told so without
 * having been listened to.
 */
static void
send_question(int fd, const char *cmd, char **args)
{
	json_t *list = json_array();
	json_t *question;

	for (; *args != NULL; args++)
		json_array_append_new(list, json_string(*args));
	question =
	    json_pack("{s:i, s:s, s:o}", "v", 1, "cmd", cmd, "args", list);
	if (json_dump_callback(question, send_bytes, &fd, JSON_COMPACT) == 0)
		send_bytes("\n", 1, &fd);
	json_decref(question);
}

/* What the registrar's answer means: an exit code, and data with CTL_DONE. */
static int
read_answer(const struct ctl *ctl, json_t *answer, json_t **data)
{
	const char *error = "it gave no reason";
	int version, status;

	*data = NULL;
	if (json_unpack(answer, "{s:i, s:i, s?O, s?s}", "v", &version, "exit",
		&status, "data", data, "error", &error) == -1 ||
	    version != 1) {
		complain(ctl, "the registrar speaks another version: "
			      "is dynproxyctl as new as dynproxyd?");
		status = CTL_UNREACHABLE;
	} else if (status != CTL_DONE) {
		complain(ctl, "%s", error);
	}
	if (status == CTL_DONE && *data == NULL)
		*data = json_object();
	if (status != CTL_DONE && *data != NULL) {
		json_decref(*data);
		*data = NULL;
	}
	return status;
}

/* Ask, and be able to read.  NULL: *status is the exit code. */
static FILE *
ask(const struct ctl *ctl, const char *cmd, char **args, int *status)
{
	FILE *stream;
	int fd;

	*status = CTL_USAGE;
	if (!are_words(ctl, args))
		return NULL;
	fd = reach(ctl, LISTEN_CONTROL, status);
	if (fd == -1)
		return NULL;
	send_question(fd, cmd, args);
	stream = fdopen(fd, "r");
	if (stream == NULL) {
		complain(ctl, "fdopen: %s", strerror(errno));
		close(fd);
		*status = CTL_UNREACHABLE;
	}
	return stream;
}

/* Takes the answer, NULL when there is none. */
static int
judge_take(const struct ctl *ctl, json_t *answer, json_t **data)
{
	int status = CTL_UNREACHABLE;

	*data = NULL;
	if (answer == NULL)
		complain(ctl,
		    "the registrar took the question and did not answer: "
		    "see its log, and dynproxyctl status");
	else
		status = read_answer(ctl, answer, data);
	json_decref(answer);
	return status;
}

static int
read_first(const struct ctl *ctl, FILE *stream, json_t **data)
{
	return judge_take(
	    ctl, json_loadf(stream, JSON_DISABLE_EOF_CHECK, NULL), data);
}

int
ctl_ask(const struct ctl *ctl, const char *cmd, char **args, json_t **data)
{
	FILE *stream;
	int status;

	*data = NULL;
	stream = ask(ctl, cmd, args, &status);
	if (stream == NULL)
		return status;
	status = read_first(ctl, stream, data);
	fclose(stream);
	return status;
}

/* Cut the end of a line, and the comma before it. */
static size_t
cut_end(char *line, ssize_t len)
{
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == ','))
		line[--len] = '\0';
	return (size_t)len;
}

/* What follows CTLLINE_LIST_BEGIN.  False: it ended too early, or is no JSON.
 */
static bool
read_items(FILE *stream,
    void (*found)(void *arg, const json_t *item, const char *text), void *arg)
{
	char *line = NULL;
	size_t size = 0, len;
	bool ended = false, sound = true;
	json_t *item;
	ssize_t n;

	while (sound && !ended && (n = getline(&line, &size, stream)) != -1) {
		len = cut_end(line, n);
		ended = strcmp(line, CTLLINE_LIST_END) == 0;
		if (ended || len == 0)
			continue;
		item = json_loadb(line, len, 0, NULL);
		sound = json_is_object(item);
		if (sound)
			found(arg, item, line);
		json_decref(item);
	}
	free(line);
	return sound && ended;
}

int
ctl_ask_items(const struct ctl *ctl, const char *cmd, char **args,
    void (*found)(void *arg, const json_t *item, const char *text), void *arg)
{
	char head[CTL_SAID_MAX * 2];
	json_t *data;
	FILE *stream;
	int status;

	stream = ask(ctl, cmd, args, &status);
	if (stream == NULL)
		return status;
	if (fgets(head, sizeof(head), stream) == NULL)
		head[0] = '\0';
	if (strcmp(head, CTLLINE_LIST_BEGIN "\n") != 0) {
		status = judge_take(ctl, json_loads(head, 0, NULL), &data);
		json_decref(data);
	} else if (!read_items(stream, found, arg)) {
		complain(ctl, "the registrar's answer broke off: try again");
		status = CTL_UNREACHABLE;
	} else {
		status = CTL_DONE;
	}
	fclose(stream);
	return status;
}

int
ctl_ask_and_say(
    const struct ctl *ctl, const char *cmd, char **args, const char *fmt, ...)
{
	json_t *data;
	int status = ctl_ask(ctl, cmd, args, &data);
	va_list ap;

	if (status != CTL_DONE)
		return status;
	va_start(ap, fmt);
	if (ctl->json)
		ctl_print_json(data);
	else if (!ctl->quiet)
		vprintf(fmt, ap);
	va_end(ap);
	json_decref(data);
	return CTL_DONE;
}

static FILE *
begin_change(const struct ctl *ctl, struct ctl_change *change)
{
	struct ctl own = *ctl;

	own.said = change->said;
	return ask(&own, change->cmd, (char **)change->args, &change->status);
}

static void
end_change(const struct ctl *ctl, struct ctl_change *change, FILE *stream)
{
	struct ctl own = *ctl;
	json_t *data;

	own.said = change->said;
	change->status = read_first(&own, stream, &data);
	json_decref(data);
	fclose(stream);
}

void
ctl_ask_each(const struct ctl *ctl, struct ctl_change *changes, size_t n)
{
	FILE *streams[AT_ONCE] = { NULL };
	bool there = true;

	for (size_t i = 0; i < n + AT_ONCE; i++) {
		FILE **stream = &streams[i % AT_ONCE];

		if (*stream != NULL) {
			end_change(ctl, &changes[i - AT_ONCE], *stream);
			there = there &&
				changes[i - AT_ONCE].status != CTL_UNREACHABLE;
			*stream = NULL;
		}
		if (i >= n)
			continue;
		changes[i].status = CTL_UNREACHABLE;
		if (there)
			*stream = begin_change(ctl, &changes[i]);
	}
}

int
ctl_follow(const struct ctl *ctl, const char *cmd, char **args,
    void (*found)(void *arg, const json_t *value), void *arg)
{
	static const struct timeval for_ever;
	json_t *value;
	FILE *stream;
	int status;

	stream = ask(ctl, cmd, args, &status);
	if (stream == NULL)
		return status;
	status = read_first(ctl, stream, &value);
	if (status == CTL_DONE) {
		json_decref(value);
		setsockopt(fileno(stream), SOL_SOCKET, SO_RCVTIMEO, &for_ever,
		    sizeof(for_ever));
		while ((value = json_loadf(
			    stream, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
			found(arg, value);
			json_decref(value);
		}
	}
	fclose(stream);
	return status;
}

int
ctl_ask_master(const struct ctl *ctl, enum ctl_type question,
    void (*found)(void *arg, const struct ctlmsg *answer), void *arg)
{
	struct ctlmsg m = { .type = question };
	int fd, status, got = -1;
	bool ended = false;

	fd = reach(ctl, LISTEN_MASTER, &status);
	if (fd == -1)
		return status;
	if (ctlmsg_send(fd, &m, -1) == 0)
		while ((got = ctlmsg_recv(fd, &m, NULL)) == 1) {
			if (m.type == CTL_END) {
				ended = true; /* then it closes, at leisure */
				status = (int)m.arg;
			} else if (found != NULL) {
				found(arg, &m);
			}
		}
	close(fd);
	if (ended)
		return status;
	/* who may not ask is not answered */
	complain(ctl, "the master closed the connection without an answer: "
		      "only root and its own user may ask");
	return got == 0 ? CTL_DENIED : CTL_UNREACHABLE;
}

void
ctl_say_done(const struct ctl *ctl, const char *what, const char *text)
{
	if (ctl->json)
		printf("{\"done\": \"%s\"}\n", what);
	else if (!ctl->quiet)
		puts(text);
}

void
ctl_print_json(const json_t *data)
{
	/* json_dumpf() writes word by word, which takes a fifth longer */
	char *text = json_dumps(data, JSON_INDENT(2));

	if (text != NULL)
		puts(text);
	free(text);
}
