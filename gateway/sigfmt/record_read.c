/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a record from its canonical text: what it reads it writes again and compares, so that no
 * other spelling passes. */
#include "sigfmt/record.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/encode.h"
#include "sigfmt/internal.h"

/* The text while it is read. Strings are copied behind each other into `store`, with NULs. */
struct reader {
    const char *at, *end;
    char *store;
    bool failed;
};

static bool take(struct reader *r, const char *expected)
{
    size_t len = strlen(expected);

    if (r->failed || (size_t)(r->end - r->at) < len || memcmp(r->at, expected, len) != 0)
        return false;
    r->at += len;
    return true;
}

static void need(struct reader *r, const char *expected)
{
    if (!take(r, expected))
        r->failed = true;
}

/* A string as sig_record_put writes it. The copy is never longer than the text, and the quotes make
 * room for its NUL. */
static const char *read_string(struct reader *r, const char *before)
{
    const char *start;

    need(r, before);
    need(r, "\"");
    start = r->store;
    while (!r->failed && r->at < r->end && *r->at != '"') {
        if (*r->at == '\\' && ++r->at == r->end)
            break;
        if (*r->at == '\0')
            break;
        *r->store++ = *r->at++;
    }
    need(r, "\"");
    if (r->failed)
        return "";
    *r->store++ = '\0';
    return start;
}

static void read_hex(struct reader *r, const char *before, uint8_t *ret, size_t size)
{
    need(r, before);
    if (r->failed || (size_t)(r->end - r->at) < 2 * size ||
        encode_unhex(r->at, 2 * size, ret, size) != SG_OK) {
        r->failed = true;
        return;
    }
    r->at += 2 * size;
    need(r, "\"");
}

static int64_t read_number(struct reader *r, int64_t max)
{
    int64_t value = 0;
    const char *start = r->at;

    while (!r->failed && r->at < r->end && *r->at >= '0' && *r->at <= '9') {
        value = value * 10 + (*r->at++ - '0');
        if (value > max)
            r->failed = true;
    }
    r->failed = r->failed || r->at == start;
    return value;
}

static int64_t read_time(struct reader *r)
{
    const char *text = read_string(r, ",\"timestamp\":");
    const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    struct tm tm = {0};
    int n[24];

    if (strlen(text) != sizeof form - 1)
        r->failed = true;
    for (size_t i = 0; !r->failed && i < sizeof form - 1; i++) {
        n[i] = text[i] - '0';
        r->failed = form[i] == 'd' ? n[i] < 0 || n[i] > 9 : text[i] != form[i];
    }
    if (r->failed)
        return 0;
    tm.tm_year = n[0] * 1000 + n[1] * 100 + n[2] * 10 + n[3] - 1900;
    tm.tm_mon = n[5] * 10 + n[6] - 1;
    tm.tm_mday = n[8] * 10 + n[9];
    tm.tm_hour = n[11] * 10 + n[12];
    tm.tm_min = n[14] * 10 + n[15];
    tm.tm_sec = n[17] * 10 + n[18];
    /* The range of nanoseconds ends in 2262, and no record is older than this program. */
    if (tm.tm_year + 1900 < 2000 || tm.tm_year + 1900 > 2261) {
        r->failed = true;
        return 0;
    }
    return (int64_t)timegm(&tm) * SG_NS_PER_S + (n[20] * 100 + n[21] * 10 + n[22]) * SG_NS_PER_MS;
}

static void read_digests(struct reader *r, struct sig_digests *ret)
{
    need(r, ",\"digest\":{");
    ret->has_blake2b = take(r, "\"blake2b-512\":\"");
    if (ret->has_blake2b) {
        read_hex(r, "", ret->blake2b, 64);
        need(r, ",");
    }
    read_hex(r, "\"sha256\":\"", ret->sha256, 32);
    ret->has_sha512 = take(r, ",\"sha512\":\"");
    if (ret->has_sha512)
        read_hex(r, "", ret->sha512, 64);
}

static bool read_type(struct reader *r, enum sig_key_type *ret)
{
    const char *algorithm = read_string(r, "{\"algorithm\":");

#define X(name, number, text, shown)                                                               \
    if (strcmp(algorithm, shown) == 0) {                                                           \
        *ret = SG_KEY_##name;                                                                      \
        return true;                                                                               \
    }
    SG_KEY_TYPES(X)
#undef X
    return false;
}

enum sg_err sig_record_parse(const char *text, size_t len, struct sig_record_read *ret)
{
    struct reader r = {.at = text, .end = text + len, .store = ret->text};
    struct sig_record *to = &ret->record;
    SG_BUF_CLEANUP struct buf again;
    enum sg_err err;

    buf_init(&again, SG_RECORD_TEXT_MAX);
    if (len > SG_RECORD_TEXT_MAX)
        return SG_ERR_BAD_FIELD;
    *to = (struct sig_record){.size = -1};
    if (!read_type(&r, &to->type))
        return SG_ERR_BAD_FIELD;
    read_digests(&r, &to->digests);
    to->fileset = read_string(&r, "},\"fileset\":");
    to->ftype = read_string(&r, ",\"ftype\":");
    to->key = read_string(&r, ",\"key\":");
    need(&r, ",\"key_version\":");
    to->key_version = (uint32_t)read_number(&r, UINT32_MAX);
    read_hex(&r, ",\"keyid\":\"", to->keyid, 32);
    to->name = read_string(&r, ",\"name\":");
    to->package = read_string(&r, ",\"package\":");
    if (take(&r, ",\"size\":"))
        to->size = read_number(&r, INT64_C(9007199254740991));
    if (sig_source_parse(read_string(&r, ",\"source\":"), &to->source) != SG_OK)
        return SG_ERR_BAD_FIELD;
    to->timestamp_ns = read_time(&r);
    to->vrmf = read_string(&r, ",\"vrmf\":");
    need(&r, "}");
    if (r.failed || r.at != r.end)
        return SG_ERR_BAD_FIELD;
    err = sig_record_put(&again, to);
    if (err == SG_ERR_NO_MEMORY)
        return err;
    return err == SG_OK && again.len == len && memcmp(again.data, text, len) == 0
               ? SG_OK
               : SG_ERR_BAD_FIELD;
}
