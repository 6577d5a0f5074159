/* The registrar reads what the master wrote last, or nothing yet. */
#include "shm/node.h"

#include <string.h>

#include "shm/segment.h"
#include "t/tap.h"

int
main(void)
{
	static struct node in, out;
	int fd = segment_create("t", node_size());
	struct node_segment *master, *registrar;

	ok(node_open(fd, true) == NULL, "what does not say its layout: no");
	ok(node_format(fd) == 0, "laid out");
	master = node_open(fd, true);
	registrar = node_open(segment_reopen_readonly(fd), false);
	ok(master != NULL && registrar != NULL, "mapped by both");
	ok(node_read(registrar, &out), "nothing was written");
	is_int(out.nprocesses, 0, "so nothing is there");
	in.nprocesses = 2;
	memcpy(in.process[1].name, "worker 1", 9);
	in.ncertificates = NODE_CERTIFICATES_MAX;
	in.certificate[NODE_CERTIFICATES_MAX - 1].not_after = 7;
	node_write(master, &in);
	ok(node_read(registrar, &out), "now there is");
	ok(memcmp(&in, &out, sizeof(in)) == 0, "the same");
	in.draining = 1;
	node_write(master, &in);
	ok(node_read(registrar, &out) && out.draining == 1, "the latest");
	in.nprocesses = NODE_PROCESSES_MAX + 1;
	node_write(master, &in);
	ok(!node_read(registrar, &out), "more than there is room for: no");
	ok(node_open(segment_create("t", 8), false) == NULL, "too small");
	return done();
}
