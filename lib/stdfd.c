/* Keeps the numbers of standard input, output and error taken. */
#include "lib/stdfd.h"

#include <fcntl.h>
#include <unistd.h>

void
stdfd_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 &&
		    /* the lowest free number, the other way round */
		    open("/dev/null",
			fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(1);
}
