/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes the bytes of passkeys in JSON. */
#include "api/passkeys_request.h"

#include <string.h>

#include "base/encode.h"
#include "http/request.h"

enum sg_err passkeys_request_bytes(struct request *r, const char *name, const char *text,
                                   size_t max, struct passkey_bytes *ret)
{
    size_t len = 0;
    uint8_t *data;

    if (text == NULL) {
        *ret = (struct passkey_bytes){.data = NULL};
        return SG_OK;
    }
    data = arena_alloc(request_arena(r), max);
    if (data == NULL)
        return SG_ERR_NO_MEMORY;
    if (encode_unbase64url(text, strlen(text), data, max, &len) != SG_OK || len == 0)
        return request_fail(r, SG_ERR_BAD_FIELD,
                            "%s: must be 1 to %zu bytes in base64url without padding", name, max);
    *ret = (struct passkey_bytes){.data = data, .len = len};
    return SG_OK;
}

void passkeys_request_put_id(struct json_out *o, const char *name, const uint8_t *id, size_t len)
{
    char text[SG_BASE64_SIZE(SG_PASSKEY_ID_MAX)];

    encode_base64url(id, len, text);
    json_out_string(o, name, text);
}

void passkeys_request_put(struct json_out *o, const char *name, const struct passkey_record *key)
{
    json_out_object(o, name);
    passkeys_request_put_id(o, "id", key->id, key->id_len);
    json_out_string(o, "name", key->name);
    json_out_time(o, "created_at", key->created_ns);
    if (key->last_used_ns != 0)
        json_out_time(o, "last_used_at", key->last_used_ns);
    json_out_close(o, '}');
}
