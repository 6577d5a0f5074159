/* Who waits for whom when there is not a processor for everybody. */
#ifndef LIB_PRIORITY_H
#define LIB_PRIORITY_H

/*
 * This process has little to do at a time and somebody waits for it: let it
 * run soon after it wakes.  It gets no more time than others do.  Kernels
 * before 6.12 do not know of it.
 */
void priority_prompt(void);

/* Others come first, while they have something to do. */
void priority_behind(void);

#endif
