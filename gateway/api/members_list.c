/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/spaces/{space}/members: a page of members; the cursor is the last name of the page
 * before, made opaque. */
#include <stdlib.h>

#include "api/api.h"
#include "api/name_page.h"
#include "api/operations.h"
#include "api/records.h"
#include "core/spaces.h"
#include "http/request.h"

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
    name_page_next(&o, count > limit ? members[shown - 1].name : NULL);
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct name_page page;
    struct member_record *members;
    const char *name;
    size_t count;
    enum sg_err err = request_param(r, "space", &name);

    if (err == SG_OK)
        err = name_page_read(r, &page);
    if (err != SG_OK)
        return err;
    /* One more than asked for tells whether others follow. */
    members = calloc(page.limit + 1, sizeof *members);
    if (members == NULL)
        return SG_ERR_NO_MEMORY;
    err = spaces_members(api->spaces, request_principal(r), name, page.after, page.limit + 1,
                         members, &count);
    if (err == SG_OK)
        err = reply(r, members, count, page.limit);
    free(members);
    return err;
}

const struct operation members_list_operation = {.run = run};
