/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/spaces/{space}/members: a page of members; the cursor is the last name of the page
 * before, made opaque. */
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/operations.h"
#include "api/records.h"
#include "base/encode.h"
#include "core/spaces.h"
#include "http/request.h"

#define LIMIT_MAX 1000 /* members in a page */
#define LIMIT     100

/* The name that the page begins after; "" for the first page. */
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

static enum sg_err reply(struct request *r, const struct member_record *members, size_t count,
                         size_t limit)
{
    size_t shown = count < limit ? count : limit;
    struct json_out o;

    json_out_init(&o, SG_RECORD_MAX * (shown + 1));
    json_out_object(&o, NULL);
    json_out_array(&o, "members");
    for (size_t i = 0; i < shown; i++)
        records_member(&o, NULL, &members[i]);
    json_out_close(&o, ']');
    if (count > limit)
        json_out_base64url(&o, "next_cursor", members[shown - 1].name,
                           strlen(members[shown - 1].name));
    else
        json_out_null(&o, "next_cursor");
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    char after[SG_USER_NAME_SIZE];
    struct member_record *members;
    int64_t limit = LIMIT;
    const char *name;
    size_t count;
    enum sg_err err = request_param(r, "space", &name);

    if (err == SG_OK)
        err = request_query_int(r, "limit", 1, LIMIT_MAX, LIMIT, &limit);
    if (err == SG_OK)
        err = read_cursor(r, after);
    if (err != SG_OK)
        return err;
    /* One more than asked for tells whether others follow. */
    members = calloc((size_t)limit + 1, sizeof *members);
    if (members == NULL)
        return SG_ERR_NO_MEMORY;
    err = spaces_members(api->spaces, request_principal(r), name, after, (size_t)limit + 1, members,
                         &count);
    if (err == SG_OK)
        err = reply(r, members, count, (size_t)limit);
    free(members);
    return err;
}

const struct operation members_list_operation = {.run = run};
