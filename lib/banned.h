/*
 * Functions that nobody may call here; included before every source file.
 * Each has a sibling that cannot overrun or be misread.
 */
#ifndef LIB_BANNED_H
#define LIB_BANNED_H

#include <stdio.h>  /* declared before they are poisoned */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* strlcpy, strlcat, snprintf, strtonum, gmtime_r, inet_pton, posix_spawn */
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf
#pragma GCC poison atoi atol atoll strtok gets tmpnam mktemp
#pragma GCC poison gmtime localtime ctime asctime system popen

#endif
