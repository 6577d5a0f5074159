/* Writes and reads records of dynproxy:route:<tool>, strictly. */
#include "registrar/redis_record.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registrar/change.h"

const char *
redis_version_text(uint64_t version, char out[RECORD_DIGITS + 1])
{
	snprintf(
	    out, RECORD_DIGITS + 1, "%016llx", (unsigned long long)version);
	return out;
}

bool
redis_record_write(char out[RECORD_MAX], uint64_t version, uint64_t since_ms,
    const struct destinations *to)
{
	char stored[DESTINATION_STORED_MAX];

	snprintf(out, RECORD_MAX, "%016llx %llu", (unsigned long long)version,
	    (unsigned long long)since_ms);
	for (size_t i = 0; to != NULL && i < to->n; i++)
		if (!destination_store(&to->at[i], stored, sizeof(stored)) ||
		    strlcat(out, " ", RECORD_MAX) >= RECORD_MAX ||
		    strlcat(out, stored, RECORD_MAX) >= RECORD_MAX)
			return false;
	return true;
}

/* Take 16 digits and the blank behind them. */
static char *
take_hex(char *text, uint64_t *value)
{
	*value = 0;
	for (int i = 0; i < RECORD_DIGITS; i++, text++) {
		if (*text >= '0' && *text <= '9')
			*value = *value << 4 | (uint64_t)(*text - '0');
		else if (*text >= 'a' && *text <= 'f')
			*value = *value << 4 | (uint64_t)(*text - 'a' + 10);
		else
			return NULL;
	}
	return *text == ' ' ? text + 1 : NULL;
}

bool
redis_record_read(struct redis_record *record, char *text, uint64_t now_ms)
{
	text = take_hex(text, &record->version);
	if (text == NULL || *text < '0' || *text > '9')
		return false;
	text += strspn(text, "0123456789");
	if (*text != '\0' && *text++ != ' ')
		return false;
	record->destinations = text;
	return record->version != 0 &&
	       change_version_ms(record->version) <= now_ms + RECORD_AHEAD_MS;
}
