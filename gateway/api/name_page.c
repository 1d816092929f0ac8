/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors of lists of users; it never looks whether a name is there. */
#include "api/name_page.h"

#include <string.h>

#include "base/encode.h"
#include "core/identity.h"
#include "http/request.h"

#define LIMIT_MAX 1000
#define LIMIT     100

static enum sg_err read_cursor(struct request *r, char ret[SG_USER_NAME_SIZE])
{
    uint8_t name[SG_USER_NAME_SIZE];
    const char *cursor;
    size_t len;
    enum sg_err err = request_query(r, "cursor", &cursor);

    ret[0] = 0;
    if (err != SG_OK || cursor == NULL)
        return err;
    if (encode_unbase64url(cursor, strlen(cursor), name, sizeof name - 1, &len) != SG_OK)
        return SG_ERR_BAD_CURSOR;
    name[len] = 0;
    if (strlen((const char *)name) != len || !identity_user_name_ok((const char *)name))
        return SG_ERR_BAD_CURSOR;
    memcpy(ret, name, len + 1);
    return SG_OK;
}

enum sg_err name_page_read(struct request *r, struct name_page *ret)
{
    int64_t limit = LIMIT;
    enum sg_err err = request_query_int(r, "limit", 1, LIMIT_MAX, LIMIT, &limit);

    if (err == SG_OK)
        err = read_cursor(r, ret->after);
    if (err == SG_OK)
        ret->limit = (size_t)limit;
    return err;
}

void name_page_next(struct json_out *o, const char *last)
{
    if (last != NULL)
        json_out_base64url(o, "next_cursor", last, strlen(last));
    else
        json_out_null(o, "next_cursor");
}
