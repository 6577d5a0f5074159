/* Takes the terminal, and gives it back as it was. */
#include "tools/ctl_screen.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "lib/array.h"

#define CTRL_C 3
#define DRAWN_MAX (64 * 1024) /* a screen goes out in one write */

static struct termios before;
static sigset_t outside;		 /* signals as they were */
static volatile sig_atomic_t told_to_go; /* by this signal */
static char drawn[DRAWN_MAX];

/* SIGWINCH ends a wait, and that is all. */
static const int watched[] = { SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static void
note_signal(int signal)
{
	if (signal != SIGWINCH)
		told_to_go = signal;
}

bool
screen_is_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term != NULL &&
	       strcmp(term, "dumb") != 0;
}

/* They come while we wait, and not while an answer is read. */
static void
watch_signals(void)
{
	const struct sigaction note = { .sa_handler = note_signal };
	sigset_t ours;

	sigemptyset(&ours);
	for (size_t i = 0; i < nitems(watched); i++) {
		sigaddset(&ours, watched[i]);
		sigaction(watched[i], &note, NULL);
	}
	sigprocmask(SIG_BLOCK, &ours, &outside);
}

bool
screen_open(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &before) == -1)
		return false;
	watch_signals();
	raw = before; /* keys come one by one, and unseen */
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fflush(stdout);
	setvbuf(stdout, drawn, _IOFBF, sizeof(drawn));
	fputs("\033[?1049h\033[?25l\033[?7l", stdout); /* no wrapping */
	return true;
}

void
screen_close(void)
{
	fputs("\033[?7h\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	setvbuf(stdout, NULL, _IOLBF, 0); /* for the prompt */
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	for (size_t i = 0; i < nitems(watched); i++)
		signal(watched[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, &outside, NULL);
	if (told_to_go != 0)
		raise(told_to_go);
}

struct screen_size
screen_size(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_row == 0 ||
	    size.ws_col == 0)
		return (struct screen_size){ 24, 80 };
	return (struct screen_size){ size.ws_row, size.ws_col };
}

void
screen_draw(void)
{
	fputs("\033[H", stdout);
}

void
screen_end_line(void)
{
	fputs("\033[K\n", stdout);
}

void
screen_show(void)
{
	fputs("\033[J", stdout); /* what is left of the last one goes */
	fflush(stdout);
}

int
screen_wait(int ms)
{
	const struct timespec wait = { ms / 1000, ms % 1000 * 1000000L };
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	unsigned char key;

	if (ppoll(&in, 1, &wait, &outside) <= 0)
		return told_to_go != 0 ? SCREEN_GO : 0;
	return read(STDIN_FILENO, &key, 1) != 1 || key == CTRL_C ? SCREEN_GO
								 : key;
}
