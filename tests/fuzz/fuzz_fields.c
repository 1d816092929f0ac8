/* SPDX-License-Identifier: Apache-2.0 */
/* The other parsers of header values; the first byte chooses one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "http/conditional.h"
#include "http/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_media_type(const char *text)
{
    char type[64];

    fields_media_type(text, type, sizeof type);
    if (type[0] != '\0' && strchr(type, '/') == NULL)
        abort();
}

static void check_disposition(const char *text)
{
    SG_BUF_CLEANUP struct buf b;

    buf_init(&b, 1 << 20);
    fields_disposition(&b, "attachment", text);
    for (size_t i = 0; i < b.len; i++)
        if (b.data[i] < 0x20 || b.data[i] >= 0x7F)
            abort();
}

static void check_conditions(const char *text)
{
    const struct conditional_state state = {.etag = "\"a\"", .modified_s = 784111777};
    const struct conditional c = {.if_match = text};
    const struct conditional n = {.if_none_match = text};
    const struct conditional d = {.if_modified_since = text, .if_unmodified_since = text};
    const struct conditional r = {.if_range = text};

    (void)conditional_check(&c, &state, false);
    (void)conditional_check(&n, &state, true);
    (void)conditional_check(&d, &state, true);
    (void)conditional_range_holds(&r, &state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t digest[32];
    bool present;
    int64_t n;
    char *text;

    if (len < 1)
        return 0;
    text = malloc(len);
    if (text == NULL)
        return 0;
    memcpy(text, data + 1, len - 1);
    text[len - 1] = '\0';
    switch (data[0] % 7) {
    case 0:
        if (fields_accepts(text, "text/plain") > 1000)
            abort();
        break;
    case 1:
        check_media_type(text);
        break;
    case 2:
        if (fields_digest(text, digest, &present) == SG_OK && present && len < 44)
            abort();
        break;
    case 3:
        check_disposition(text);
        break;
    case 4:
        check_conditions(text);
        break;
    case 5:
        if (fields_number(text, &n) && n < 0)
            abort();
        break;
    default:
        if (fields_request_id(text) && strlen(text) > 64)
            abort();
        (void)fields_list_has(text, "close");
        break;
    }
    free(text);
    return 0;
}
