/* Any bytes as an identd's answer: a user is printable, or blank, and in it. */
#include <stdlib.h>

#include "registrar/ident.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span reply = { (const char *)data, size }, user;

	if (ident_parse(reply, 40000, 8282, &user) != IDENT_FINE)
		return 0;
	if (user.len == 0 || user.len > IDENT_USER_MAX ||
	    user.ptr < reply.ptr || user.ptr + user.len > reply.ptr + reply.len)
		abort();
	for (size_t i = 0; i < user.len; i++)
		if ((user.ptr[i] < 0x20 && user.ptr[i] != '\t') ||
		    user.ptr[i] == 0x7f)
			abort();
	return 0;
}
