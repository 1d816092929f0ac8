/* SPDX-License-Identifier: Apache-2.0 */
/* Rows with aligned columns, and names in as many columns as the terminal has room for. */
#ifndef SG_CLI_TABLE_H
#define SG_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#define SG_TABLE_COLUMNS 8

/* Rows are collected, then printed; widths only grow, so pages of one list stay aligned. */
struct table {
    size_t columns;
    bool right[SG_TABLE_COLUMNS]; /* aligned to the right */
    size_t width[SG_TABLE_COLUMNS];
    char **cells;         /* escaped; rows one after the other */
    const char **colours; /* one for each row's last cell, NULL: none */
    size_t rows;
    size_t room;
    bool failed;
};

/* `right` names the columns aligned to the right by their numbers, as digits ("24"). */
void table_init(struct table *t, size_t columns, const char *right);
void table_fini(struct table *t);

/* Adds a row of `columns` texts, which are escaped. `colour` (an SGR sequence) is for the last. */
void table_row(struct table *t, const char *const *cells, const char *colour);

/* Prints and forgets the rows. */
void table_print(struct table *t);

/* Prints and forgets the last cells only, filling lines of `width` columns downwards, as ls does.
 */
void table_print_names(struct table *t, size_t width);

#endif
