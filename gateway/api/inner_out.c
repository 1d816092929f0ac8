/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the answers of enclosed requests; what is not text goes in base64. */
#include "api/inner_in.h"

#include <strings.h>

#include "api/json_out.h"
#include "api/utf8.h"
#include "base/encode.h"

/* Bytes of the content as a JSON string, SIZE_MAX when it cannot be one. */
static size_t text_size(const uint8_t *data, size_t len)
{
    size_t size = 0;

    for (size_t i = 0; i < len;) {
        uint8_t c = data[i];
        size_t n = c < 0x80 ? 1 : utf8_next(data + i, len - i);

        if (n == 0 || c == 0)
            return SIZE_MAX;
        if (c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t')
            size += 2;
        else
            size += c < 0x20 || c == 0x7f ? 6 : n;
        i += n;
    }
    return size;
}

static void put_headers(struct json_out *o, const struct enclosed_answer *a)
{
    json_out_object(o, "headers");
    for (size_t i = 0; i < a->header_count; i++) {
        bool again = false;

        for (size_t j = 0; j < i; j++)
            again = again || strcasecmp(a->header[j].name, a->header[i].name) == 0;
        if (!again)
            json_out_string(o, a->header[i].name, a->header[i].value);
    }
    json_out_close(o, '}');
}

enum sg_err inner_out_write(const struct enclosed_answer *answer, struct buf *out)
{
    struct json_out o = {.buf = *out, .comma = false};

    json_out_object(&o, NULL);
    json_out_integer(&o, "status", answer->status);
    put_headers(&o, answer);
    if (answer->body_len > 0) {
        if (text_size(answer->body, answer->body_len) <= SG_BASE64_SIZE(answer->body_len))
            json_out_text(&o, "body", (const char *)answer->body, answer->body_len);
        else
            json_out_base64(&o, "body_base64", answer->body, answer->body_len);
    }
    json_out_close(&o, '}');
    *out = o.buf;
    return buf_status(out);
}
