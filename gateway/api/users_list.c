/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/users: a page of users; the cursor is the last name of the page before, made opaque. */
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/operations.h"
#include "api/records.h"
#include "base/encode.h"
#include "http/request.h"

#define LIMIT_MAX 1000 /* users in a page */
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

static enum sg_err reply(struct request *r, const struct user_record *users, size_t count,
                         size_t limit)
{
    size_t shown = count < limit ? count : limit;
    struct json_out o;

    json_out_init(&o, SG_RECORD_MAX * (shown + 1));
    json_out_object(&o, NULL);
    json_out_array(&o, "users");
    for (size_t i = 0; i < shown; i++)
        records_user(&o, NULL, &users[i]);
    json_out_close(&o, ']');
    if (count > limit)
        json_out_base64url(&o, "next_cursor", users[shown - 1].name, strlen(users[shown - 1].name));
    else
        json_out_null(&o, "next_cursor");
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    char after[SG_USER_NAME_SIZE];
    struct user_record *users;
    int64_t limit;
    size_t count;
    enum sg_err err = request_query_int(r, "limit", 1, LIMIT_MAX, LIMIT, &limit);

    if (err == SG_OK)
        err = read_cursor(r, after);
    if (err != SG_OK)
        return err;
    /* One more than asked for tells whether others follow. */
    users = calloc((size_t)limit + 1, sizeof *users);
    if (users == NULL)
        return SG_ERR_NO_MEMORY;
    err = identity_users(api->identity, after, (size_t)limit + 1, users, &count);
    if (err == SG_OK)
        err = reply(r, users, count, (size_t)limit);
    free(users);
    return err;
}

const struct operation users_list_operation = {.run = run};
