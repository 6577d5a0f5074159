/* A segment cannot change its size, and a worker cannot come to write it. */
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/tap.h"

#define SIZE (1024 * 1024)
#define NOBODY 65534

/* Everything that a taken over worker could try; bits: it worked. */
static unsigned
attack(int ro, char *map)
{
	unsigned worked = 0;
	char path[32];
	int fd;

	if (mprotect(map, SIZE, PROT_READ | PROT_WRITE) == 0)
		worked |= 1;
	if (mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0) !=
	    MAP_FAILED)
		worked |= 2;
	if (ftruncate(ro, 0) == 0)
		worked |= 4;
	if (fchmod(ro, 0666) == 0)
		worked |= 8;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ro);
	fd = open(path, O_RDWR);
	if (fd != -1)
		worked |= 16;
	if (chmod(path, 0666) == 0)
		worked |= 32;
	if (pwrite(ro, "x", 1, 0) == 1)
		worked |= 64;
	return worked;
}

static int
attack_as_nobody(int ro, char *map)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		if (setgroups(0, NULL) == -1 || setgid(NOBODY) == -1 ||
		    setuid(NOBODY) == -1)
			_exit(255);
		/* Else /proc/self is closed to us, which proves nothing. */
		prctl(PR_SET_DUMPABLE, 1);
		_exit((int)attack(ro, map));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
main(void)
{
	char *rw, *map, name[SEGMENT_NAME_SIZE];
	size_t size;
	int fd, ro, plain;

	fd = segment_create("test", SIZE);
	ok(fd != -1, "made");
	ok(ftruncate(fd, SIZE / 2) == -1 && errno == EPERM, "does not shrink");
	ok(ftruncate(fd, SIZE * 2) == -1 && errno == EPERM, "does not grow");
	ok(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == -1, "takes no more seals");
	ok(fcntl(fd, F_GETFD) & FD_CLOEXEC, "closed on exec");

	ok(segment_made_as(fd, name), "has a name");
	is_str(name, "test", "its own");
	ok(!segment_made_as(STDIN_FILENO, name), "which others have not");

	rw = segment_map(fd, true, &size);
	ok(rw != NULL && size == SIZE, "mapped whole");
	ro = segment_reopen_readonly(fd);
	ok(ro != -1, "reopened");
	ok(segment_map(ro, true, &size) == NULL, "not to write");
	map = segment_map(ro, false, &size);
	ok(map != NULL, "mapped to read");
	rw[4000] = 'x';
	is_int(map[4000], 'x', "it is the same memory");

	plain = memfd_create("plain", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ok(ftruncate(plain, SIZE) == 0 &&
		segment_map(plain, false, &size) == NULL && errno == EPERM,
	    "memory that may shrink is not mapped");

	if (geteuid() != 0)
		diag("the next needs root");
	is_int(attack_as_nobody(ro, map), 0,
	    "another user cannot write: mprotect, mmap, ftruncate, fchmod, "
	    "/proc/self/fd, chmod, pwrite");

	segment_unmap(map, size);
	segment_unmap(rw, size);
	return done();
}
