/* Compares a host with the configured web domains. */
#include "route/host.h"

#include <string.h>

/* Is host a label, a dot and domain?  Then *label is that label. */
static bool
is_label_below(struct span host, struct span domain, struct span *label)
{
	size_t dot;

	if (host.len < domain.len + 2)
		return false;
	dot = host.len - domain.len - 1;
	if (host.ptr[dot] != '.' || !span_eq(span_from(host, dot + 1), domain))
		return false;
	*label = (struct span){ host.ptr, dot };
	return memchr(label->ptr, '.', label->len) == NULL;
}

bool
host_tool(const struct conf *conf, struct span host, struct span *tool)
{
	for (size_t i = 0; i < conf->nweb_domains; i++)
		if (is_label_below(
			host, span_str(conf->web_domains[i]), tool))
			return true;
	return false;
}
