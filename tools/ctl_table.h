/* Tables for people: one printer for all commands that have one. */
#ifndef TOOLS_CTL_TABLE_H
#define TOOLS_CTL_TABLE_H

#include "tools/ctl_client.h"

#define CTL_COLUMNS_MAX 16

enum ctl_cell { CELL_TEXT, CELL_NUMBER, CELL_AGE, CELL_FLAG };

/* A member of the objects that are the rows. */
struct ctl_column {
	const char *name;   /* in the objects, in --columns, the title */
	enum ctl_cell cell; /* what is in the member */
	const char *none;   /* shown where there is nothing; NULL: "-" */
	bool asked;	    /* shown only where --columns names it */
};

/* Columns end with one that has no name. */

/*
 * Whether --columns, if there is one, names columns of these, which are NULL
 * for a command without a table.  False: what is wrong has been told.
 */
bool ctl_table_fits(const struct ctl *ctl, const struct ctl_column *columns);

/*
 * Print an array of objects, a row each, columns as wide as they have to be,
 * titles first; of no row, nothing.  What could steer a terminal does not.
 */
void ctl_print_table(const struct ctl *ctl, const struct ctl_column *columns,
    const json_t *rows);

/* The same, or with --json the array; then it is freed.  Returns CTL_DONE. */
int ctl_show_take(
    const struct ctl *ctl, const struct ctl_column *columns, json_t *rows);

/*
 * The same rows in the order of compare(), whose arguments are as qsort(3)
 * hands them over: of json_t *; equal ones as they came.
 */
json_t *ctl_sort_take(
    json_t *rows, int (*compare)(const void *a, const void *b));

/*
 * Make of text of any origin what a terminal may be shown: a '?' stands for
 * each character that could steer it, or end the line.
 */
void ctl_mask(char *text);

#endif
