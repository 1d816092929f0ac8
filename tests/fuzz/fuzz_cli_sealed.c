/* SPDX-License-Identifier: Apache-2.0 */
/* What secctl reads out of a sealed answer, and of an entry of the audit log. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/auditcheck.h"
#include "base/buf.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/qr.h"
#include "cli/sealedbody.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(struct json_object *json)
{
    struct http_call call = {0};

    buf_init(&call.body, 1 << 20);
    if (sealedbody_read(json, &call)) {
        assert(call.status >= 100 && call.status <= 599);
        assert(call.length == (int64_t)call.body.len);
        assert(strlen(call.etag) < sizeof(call.etag));
    }
    buf_fini(&call.body);
}

static void entry(struct json_object *json)
{
    struct auditcheck c = {.seq = 0};
    const char *fault = auditcheck_follow(&c, json);

    assert(c.seq == 0 || c.seq == 1);
    assert(fault || c.seq == 1);
}

static void qr(struct json_object *json)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    (void)qr_append(&b, json, false);
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_JSON_CLEANUP struct json_object *json = json_parse((const char *)data, size);

    if (!json)
        return 0;
    answer(json);
    entry(json);
    qr(json_array(json, "qr"));
    return 0;
}
