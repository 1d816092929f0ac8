/* SPDX-License-Identifier: Apache-2.0 */
/* Paging through names of users: the cursor is the last name of the page before, made opaque. */
#ifndef SG_API_NAME_PAGE_H
#define SG_API_NAME_PAGE_H

#include "api/json_out.h"
#include "base/err.h"
#include "store/store.h"

struct request;

struct name_page {
    size_t limit;
    char after[SG_USER_NAME_SIZE]; /* the page begins after it; "" for the first one */
};

/* The parameters `limit` (1 to 1000, 100 when absent) and `cursor`. SG_ERR_BAD_FIELD with detail,
 * BAD_CURSOR. */
enum sg_err name_page_read(struct request *r, struct name_page *ret) SG_MUST_CHECK;

/* The member `next_cursor` after a page that ends with `last`; NULL when no others follow. */
void name_page_next(struct json_out *o, const char *last);

#endif
