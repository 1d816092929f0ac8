/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed messages. The quick reader of an exchange's body accepts only what the strict one reads in
 * the same way; an enclosed request that is read could have come by itself; what was answered is
 * JSON again; nothing opens that was not sealed, and what was sealed opens only unaltered. The
 * first byte says which.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/exchange_in.h"
#include "api/inner_in.h"
#include "api/json_in.h"
#include "api/json_scan.h"
#include "channel/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void same_text(const char *quick, size_t len, const char *strict)
{
    check((quick != NULL) == (strict != NULL));
    check(quick == NULL || (len == strlen(strict) && memcmp(quick, strict, len) == 0));
}

static void exchange(const char *text, size_t len)
{
    struct exchange_in quick, strict = {.has_sequence = false};
    char detail[SG_JSON_DETAIL_SIZE], *nonce = NULL, *data = NULL;
    const struct json_field fields[] = {
        {NULL,
         "sequence",
         SG_JSON_INTEGER,
         false,
         0,
         INT64_MAX,
         {.integer = &strict.sequence},
         &strict.has_sequence},
        {NULL,
         "epoch",
         SG_JSON_INTEGER,
         false,
         0,
         INT64_MAX,
         {.integer = &strict.epoch},
         &strict.has_epoch},
        {NULL, "nonce", SG_JSON_STRING, false, 0, INT32_MAX, {.string = &nonce}, NULL},
        {NULL, "data", SG_JSON_STRING, false, 0, INT32_MAX, {.string = &data}, NULL},
    };
    struct arena *a;

    if (!exchange_in_plain(text, len, &quick))
        return;
    a = arena_new(2 * len + 4096);
    check(a != NULL);
    check(json_in_parse((const uint8_t *)text, len, a, fields, 4, detail) == SG_OK);
    check(quick.has_sequence == strict.has_sequence && quick.has_epoch == strict.has_epoch);
    check(!quick.has_sequence || quick.sequence == strict.sequence);
    check(!quick.has_epoch || quick.epoch == strict.epoch);
    same_text(quick.nonce, quick.nonce_len, nonce);
    same_text(quick.data, quick.data_len, data);
    arena_free(a);
}

static void harmless(const char *text)
{
    for (; *text != 0; text++)
        check((unsigned char)*text >= 0x20 || *text == '\t');
}

static void enclosed(const char *text, size_t len)
{
    char detail[SG_INNER_DETAIL_SIZE];
    struct inner_request in;
    enum sg_err err = inner_in_read((const uint8_t *)text, len, &in, detail);

    check(err == SG_OK || err == SG_ERR_BAD_JSON || err == SG_ERR_BAD_FIELD);
    check(err == SG_OK || detail[0] != 0);
    if (err == SG_OK) {
        const struct enclosed_request *q = &in.request;

        check(q->target[0] == '/' && strlen(q->target) <= SG_INNER_TARGET_MAX);
        harmless(q->target);
        harmless(q->method);
        check(q->method[0] != 0 && strlen(q->method) <= 16 && strchr(q->method, ' ') == NULL);
        check(q->header_count <= SG_ENCLOSED_HEADERS_MAX && q->body_len <= len);
        for (size_t i = 0; i < q->header_count; i++) {
            harmless(q->header[i].name);
            harmless(q->header[i].value);
            check(strcasecmp(q->header[i].name, "authorization") != 0);
            check(strcasecmp(q->header[i].name, "dpop") != 0);
            check(strchr(q->header[i].name, ':') == NULL && q->header[i].name[0] != 0);
        }
    }
    inner_in_fini(&in);
    check(in.json == NULL && in.request.method == NULL);
}

static void answered(const char *text, size_t len)
{
    struct enclosed_answer answer = {.status = 200,
                                     .header = {{"Content-Type", "text/plain"}},
                                     .header_count = 1,
                                     .body = (const uint8_t *)text,
                                     .body_len = len};
    const char *reason;
    size_t offset;
    struct buf out;

    buf_init(&out, len / 3 * 4 + 256);
    check(inner_out_write(&answer, &out) == SG_OK);
    check(json_scan(out.data, out.len, &reason, &offset) == SG_OK);
    buf_fini(&out);
}

static void sealed(uint8_t *data, size_t size)
{
    struct channel_terms terms = {.created_s = 1};
    struct channel_message m = {.direction = SG_CHANNEL_REQUEST, .sequence = 3};
    struct channel_epoch epoch;
    struct buf text, again;
    size_t bit;

    check(channel_start(&terms, terms.salt, &epoch) == SG_OK);
    buf_init(&text, size + 64);
    buf_init(&again, size + 64);
    check(channel_open(&epoch, &m, NULL, data, size, &text) == SG_ERR_BAD_SEALED && text.len == 0);
    check(channel_seal(&epoch, &m, NULL, data, size, &text) == SG_OK);
    check(channel_open(&epoch, &m, NULL, text.data, text.len, &again) == SG_OK);
    check(again.len == size && (size == 0 || memcmp(again.data, data, size) == 0));
    buf_clear(&again);
    bit = size < 2 ? 0 : (data[0] | (size_t)data[1] << 8) % (text.len * 8);
    text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    check(channel_open(&epoch, &m, NULL, text.data, text.len, &again) == SG_ERR_BAD_SEALED);
    buf_fini(&text);
    buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size == 0)
        return 0;
    text = malloc(size);
    check(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    switch (data[0] % 4) {
    case 0:
        exchange(text, size - 1);
        break;
    case 1:
        enclosed(text, size - 1);
        break;
    case 2:
        answered(text, size - 1);
        break;
    default:
        sealed((uint8_t *)text, size - 1);
    }
    free(text);
    return 0;
}
