/* The prompt, by libedit. */
#include "tools/ctl_prompt.h"

#include <err.h>
#include <histedit.h>
#include <string.h>

#define HISTORY_LINES 200

static const char *
prompt(EditLine *el)
{
	(void)el;
	return "dynproxyctl> ";
}

/* A line's words, as a shell has them.  False: it is time to go. */
static bool
run_line(const struct ctl *ctl, Tokenizer *words, const char *line,
    int (*run)(const struct ctl *ctl, int argc, char **argv), int *status)
{
	int argc;
	const char **argv;

	tok_reset(words);
	if (tok_str(words, line, &argc, &argv) != 0) {
		warnx("a quote has no end");
		return true;
	}
	if (argc == 0)
		return true;
	if (strcmp(argv[0], "quit") == 0 || strcmp(argv[0], "exit") == 0)
		return false;
	*status = run(ctl, argc, (char **)argv);
	return true;
}

int
ctl_prompt(const struct ctl *ctl,
    int (*run)(const struct ctl *ctl, int argc, char **argv))
{
	EditLine *el = el_init("dynproxyctl", stdin, stdout, stderr);
	History *past = history_init();
	Tokenizer *words = tok_init(NULL);
	HistEvent event;
	const char *line;
	int n, status = CTL_DONE;

	if (el == NULL || past == NULL || words == NULL)
		err(CTL_REFUSED, "no prompt");
	history(past, &event, H_SETSIZE, HISTORY_LINES);
	el_set(el, EL_PROMPT, prompt);
	el_set(el, EL_EDITOR, "emacs");
	el_set(el, EL_HIST, history, past);
	el_source(el, NULL);
	puts("help: the commands; quit: the end");
	while ((line = el_gets(el, &n)) != NULL && n > 0) {
		history(past, &event, H_ENTER, line);
		if (!run_line(ctl, words, line, run, &status))
			break;
	}
	tok_end(words);
	history_end(past);
	el_end(el);
	return status;
}
