/* Compares a host with the configured ones. */
#include "route/host.h"

#include <string.h>

#define TOOL_NAME_MAX 63

bool
host_is_label_below(struct span host, struct span domain, struct span *label)
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

struct span
host_parent(struct span host)
{
	const char *dot = host.len > 0 ? memchr(host.ptr, '.', host.len) : NULL;

	if (dot == NULL)
		return SPAN("");
	return span_from(host, (size_t)(dot - host.ptr) + 1);
}

static bool
is_legacy(const struct conf *conf, struct span host)
{
	for (size_t i = 0; i < conf->nlegacy_hosts; i++)
		if (span_eq(host, span_str(conf->legacy_hosts[i])))
			return true;
	return false;
}

void
host_classify(const struct conf *conf, struct span host, struct host *out)
{
	out->kind = HOST_LEGACY;
	out->tool = SPAN("");
	out->domain = span_str(conf->web_domains[0]);
	if (is_legacy(conf, host))
		return;
	for (size_t i = 0; i < conf->nweb_domains; i++) {
		out->domain = span_str(conf->web_domains[i]);
		if (span_eq(host, out->domain))
			return;
		if (host_is_label_below(host, out->domain, &out->tool)) {
			out->kind = HOST_TOOL;
			return;
		}
	}
	out->kind = HOST_OTHER;
}

static bool
is_tool_name(struct span name)
{
	if (name.len == 0 || name.len > TOOL_NAME_MAX || name.ptr[0] == '-')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-')
			return false;
	}
	return true;
}

bool
host_legacy_path(struct span path, struct span *tool, struct span *rest)
{
	const char *slash;

	if (path.len < 2 || path.ptr[0] != '/')
		return false;
	*tool = span_from(path, 1);
	slash = memchr(tool->ptr, '/', tool->len);
	if (slash != NULL)
		tool->len = (size_t)(slash - tool->ptr);
	*rest = span_from(path, 1 + tool->len);
	return is_tool_name(*tool);
}
