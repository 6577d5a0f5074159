/* Reads X-Forwarded-*, from whom it may be read. */
#include "worker/trusted.h"

#include "http/fields.h"
#include "http/target.h"

#define PROXIES_MAX 32 /* in a row */

bool
trusted_is(const struct conf *conf, const struct ip *ip)
{
	for (size_t i = 0; i < conf->ntrusted_proxies; i++)
		if (cidr_contains(&conf->trusted_proxies[i], ip))
			return true;
	return false;
}

/* Take the last element off a list.  Addresses need no quotes. */
static struct span
take_last(struct span *list)
{
	size_t begin, end = list->len;

	while (end > 0 &&
	       (list->ptr[end - 1] == ' ' || list->ptr[end - 1] == '\t'))
		end--;
	for (begin = end; begin > 0 && list->ptr[begin - 1] != ','; begin--)
		;
	list->len = begin > 0 ? begin - 1 : 0;
	while (begin < end &&
	       (list->ptr[begin] == ' ' || list->ptr[begin] == '\t'))
		begin++;
	return (struct span){ list->ptr + begin, end - begin };
}

/* From the last field and its last element on: as long as they are proxies. */
static void
find_client(const struct conf *conf, const struct http_msg *msg, struct ip *ip)
{
	unsigned steps = 0;

	for (size_t i = msg->nfields; i-- > 0;) {
		struct span list = msg->field[i].value;
		struct ip said;

		if (msg->field[i].id != FIELD_X_FORWARDED_FOR)
			continue;
		while (list.len > 0) {
			if (++steps > PROXIES_MAX ||
			    !ip_parse(&said, take_last(&list)))
				return;
			*ip = said;
			if (!trusted_is(conf, ip))
				return;
		}
	}
}

static void
find_port(const struct http_msg *msg, uint16_t *port)
{
	const struct http_field *f =
	    http_msg_field(msg, FIELD_X_FORWARDED_PORT);
	uint64_t said;

	if (f != NULL && msg->count[FIELD_X_FORWARDED_PORT] == 1 &&
	    http_parse_length(f->value, &said) && said > 0 &&
	    said <= UINT16_MAX)
		*port = (uint16_t)said;
}

void
trusted_believe(
    const struct conf *conf, const struct http_msg *msg, struct trusted *t)
{
	const struct http_field *proto, *host;
	char normalized[HOST_NAME_MAX_DNS + 1];
	size_t len;

	if (!trusted_is(conf, &t->client))
		return;
	find_client(conf, msg, &t->client);
	find_port(msg, &t->port);
	proto = http_msg_field(msg, FIELD_X_FORWARDED_PROTO);
	host = http_msg_field(msg, FIELD_X_FORWARDED_HOST);
	if (proto != NULL && msg->count[FIELD_X_FORWARDED_PROTO] == 1) {
		if (span_eq_nocase(proto->value, SPAN("https")))
			t->proto = SPAN("https");
		else if (span_eq_nocase(proto->value, SPAN("http")))
			t->proto = SPAN("http");
	}
	if (host != NULL && msg->count[FIELD_X_FORWARDED_HOST] == 1 &&
	    http_host_normalize(host->value, normalized, &len))
		t->host = host->value;
}
