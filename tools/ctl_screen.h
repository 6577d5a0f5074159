/*
 * A live screen: what stood on the terminal comes back when it is closed, also
 * when a signal is to end us, which then does.  There is one.
 */
#ifndef TOOLS_CTL_SCREEN_H
#define TOOLS_CTL_SCREEN_H

#include <stdbool.h>

/* Can this terminal show one? */
bool screen_is_possible(void);

/* False with errno: standard input is no terminal. */
bool screen_open(void);
void screen_close(void);

struct screen_size {
	int rows, columns;
};

/* As it is now; who is no terminal has what most have. */
struct screen_size screen_size(void);

/* Begin to draw it anew, over what is there; a line; and show all of it. */
void screen_draw(void);
void screen_end_line(void);
void screen_show(void);

/*
 * Wait for a key, or until the size has changed.  0: none came; SCREEN_GO: it
 * is time to go, for Ctrl-C, the end of the input or a signal.
 */
#define SCREEN_GO (-1)
int screen_wait(int ms);

#endif
