/* Asks an HTTP server, with libcurl. */
#include "tools/fetch.h"

#include <bsd/string.h>
#include <curl/curl.h>

#define CONNECT_MS 5000L

struct transfer {
	const struct fetch *f;
	struct buf *answer;
	bool ended; /* by take() */
	bool full;
};

static size_t
body_comes(char *bytes, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct span s = { bytes, one * n };

	if (t->f->take != NULL)
		t->ended = !t->f->take(t->f->user, s);
	else
		t->full = !buf_append_span(t->answer, s);
	return t->ended || t->full ? 0 : s.len;
}

static void
set_blob(CURL *curl, CURLoption option, struct span pem)
{
	struct curl_blob blob = {
		.data = (void *)pem.ptr, .len = pem.len, .flags = CURL_BLOB_COPY
	};

	if (pem.len > 0)
		curl_easy_setopt(curl, option, &blob);
}

static void
set_tls(CURL *curl, const struct fetch_tls *tls)
{
	if (tls->ca_file != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, tls->ca_file);
	if (tls->cert_file != NULL)
		curl_easy_setopt(curl, CURLOPT_SSLCERT, tls->cert_file);
	if (tls->key_file != NULL)
		curl_easy_setopt(curl, CURLOPT_SSLKEY, tls->key_file);
	set_blob(curl, CURLOPT_CAINFO_BLOB, tls->ca_pem);
	set_blob(curl, CURLOPT_SSLCERT_BLOB, tls->cert_pem);
	set_blob(curl, CURLOPT_SSLKEY_BLOB, tls->key_pem);
}

/* False: no memory; the list is gone. */
static bool
add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	if (more == NULL) {
		curl_slist_free_all(*list);
		*list = NULL;
		return false;
	}
	*list = more;
	return true;
}

/* What is sent with it; NULL: no memory. */
static struct curl_slist *
make_headers(const struct fetch *f)
{
	struct curl_slist *list = NULL;
	char bearer[8192];

	if (!add_header(&list, "Expect:"))
		return NULL;
	if (f->bearer != NULL) {
		snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s",
		    f->bearer);
		if (!add_header(&list, bearer))
			return NULL;
	}
	if (f->body != NULL &&
	    !add_header(&list, "Content-Type: application/json"))
		return NULL;
	for (size_t i = 0; f->headers != NULL && f->headers[i] != NULL; i++)
		if (!add_header(&list, f->headers[i]))
			return NULL;
	return list;
}

static void
set_options(
    CURL *curl, struct transfer *t, struct curl_slist *headers, char *said)
{
	const struct fetch *f = t->f;

	curl_easy_setopt(curl, CURLOPT_URL, f->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)f->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, said);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_comes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	if (f->method != NULL)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, f->method);
	if (f->body != NULL)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, f->body);
	if (f->tls != NULL)
		set_tls(curl, f->tls);
}

int
fetch(const struct fetch *f, struct buf *answer, char *said)
{
	struct transfer t = { .f = f, .answer = answer };
	struct curl_slist *headers = make_headers(f);
	CURL *curl = curl_easy_init();
	CURLcode rc = CURLE_OUT_OF_MEMORY;
	long status = -1;

	said[0] = '\0';
	if (curl != NULL && headers != NULL) {
		set_options(curl, &t, headers, said);
		rc = curl_easy_perform(curl);
		if (rc == CURLE_OK || t.ended)
			curl_easy_getinfo(
			    curl, CURLINFO_RESPONSE_CODE, &status);
	}
	if (t.full)
		strlcpy(said, "the answer is too large", FETCH_SAID_MAX);
	else if (said[0] == '\0')
		strlcpy(said, curl_easy_strerror(rc), FETCH_SAID_MAX);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return (int)status;
}
