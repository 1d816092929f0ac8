/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/users: a page of users; the cursor is the last name of the page before, made opaque. */
#include <stdlib.h>

#include "api/api.h"
#include "api/name_page.h"
#include "api/operations.h"
#include "api/records.h"
#include "http/request.h"

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
    name_page_next(&o, count > limit ? users[shown - 1].name : NULL);
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct name_page page;
    struct user_record *users;
    size_t count;
    enum sg_err err = name_page_read(r, &page);

    if (err != SG_OK)
        return err;
    /* One more than asked for tells whether others follow. */
    users = calloc(page.limit + 1, sizeof *users);
    if (users == NULL)
        return SG_ERR_NO_MEMORY;
    err = identity_users(api->identity, page.after, page.limit + 1, users, &count);
    if (err == SG_OK)
        err = reply(r, users, count, page.limit);
    free(users);
    return err;
}

const struct operation users_list_operation = {.run = run};
