/* Reads the job list of qstat -xml with expat. */
#include "tools/qstat.h"

#include <expat.h>

#include "lib/array.h"
#include "lib/buf.h"

static const struct {
	const char *element;
	size_t offset, size; /* of struct qstat_job */
} columns[] = {
#define COLUMN(element, member)                                                \
	{                                                                      \
		element, offsetof(struct qstat_job, member),                   \
		    sizeof(((struct qstat_job *)0)->member)                    \
	}
	COLUMN("JB_name", name),
	COLUMN("JB_owner", owner),
	COLUMN("state", state),
	COLUMN("JB_job_number", number),
#undef COLUMN
};

struct reader {
	struct qstat_job job;
	bool in_job;
	size_t column; /* being read; nitems(columns): none */
	size_t len;    /* of it, so far */
	void (*found)(void *arg, const struct qstat_job *job);
	void *arg;
};

static void XMLCALL
element_begins(void *user, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *r = user;

	(void)attributes;
	if (strcmp(name, "job_list") == 0) {
		memset(&r->job, 0, sizeof(r->job));
		r->in_job = true;
	}
	if (!r->in_job)
		return;
	for (r->column = 0; r->column < nitems(columns); r->column++)
		if (strcmp(name, columns[r->column].element) == 0)
			break;
	r->len = 0;
}

static void XMLCALL
text_comes(void *user, const XML_Char *text, int len)
{
	struct reader *r = user;
	char *to;
	size_t room;

	if (!r->in_job || r->column == nitems(columns))
		return;
	to = (char *)&r->job + columns[r->column].offset;
	room = columns[r->column].size - 1 - r->len;
	/* a name that does not fit is nobody's: it must not look like one */
	if ((size_t)len > room) {
		to[0] = '\0';
		r->column = nitems(columns);
		return;
	}
	memcpy(to + r->len, text, (size_t)len);
	r->len += (size_t)len;
}

static void XMLCALL
element_ends(void *user, const XML_Char *name)
{
	struct reader *r = user;

	r->column = nitems(columns);
	if (strcmp(name, "job_list") != 0 || !r->in_job)
		return;
	r->in_job = false;
	r->found(r->arg, &r->job);
}

/* A tag's name begins here; give one to what has none.  How much to skip. */
static size_t
repair_name(struct span rest, struct buf *out, bool *kept)
{
	const char *end = memchr(rest.ptr, '>', rest.len);
	size_t len = end == NULL ? rest.len : (size_t)(end - rest.ptr);

	*kept = true;
	if (span_starts(rest, SPAN("JATASK:"))) {
		*kept = buf_append_span(out, SPAN("jatask"));
		return len;
	}
	if (len == 0)
		*kept = buf_append_span(out, SPAN("nameless"));
	return 0;
}

static bool
repair(struct span xml, struct buf *out)
{
	const char *tag;
	size_t len;
	bool kept;

	while (xml.len > 0) {
		tag = memchr(xml.ptr, '<', xml.len);
		len = tag == NULL ? xml.len : (size_t)(tag + 1 - xml.ptr);
		if (tag != NULL && len < xml.len && xml.ptr[len] == '/')
			len++;
		if (!buf_append_span(out, (struct span){ xml.ptr, len }))
			return false;
		xml = span_from(xml, len);
		if (tag == NULL)
			break;
		xml = span_from(xml, repair_name(xml, out, &kept));
		if (!kept)
			return false;
	}
	return true;
}

bool
qstat_parse(struct span xml,
    void (*found)(void *arg, const struct qstat_job *job), void *arg)
{
	struct reader reader = {
		.column = nitems(columns), .found = found, .arg = arg
	};
	XML_Parser parser = XML_ParserCreate(NULL);
	struct buf repaired;
	bool read = false;

	if (parser == NULL)
		return false;
	buf_init(&repaired, 2 * QSTAT_MAX);
	XML_SetUserData(parser, &reader);
	XML_SetElementHandler(parser, element_begins, element_ends);
	XML_SetCharacterDataHandler(parser, text_comes);
	if (xml.len <= QSTAT_MAX && repair(xml, &repaired))
		read = XML_Parse(parser, buf_span(&repaired).ptr,
			   (int)buf_len(&repaired), XML_TRUE) == XML_STATUS_OK;
	buf_release(&repaired);
	XML_ParserFree(parser);
	return read;
}
