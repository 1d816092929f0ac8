/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a record's canonical text (RFC 8785) and reads it back; it accepts no other spelling. */
#include "sigfmt/record.h"

#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "sigfmt/internal.h"

static const char *const source_names[] = {"", "content", "request", "name"};

const char *sig_source_name(enum sig_source source)
{
    return source >= SG_SOURCE_CONTENT && source <= SG_SOURCE_NAME ? source_names[source] : "";
}

enum sg_err sig_source_parse(const char *text, enum sig_source *ret)
{
    for (unsigned i = SG_SOURCE_CONTENT; i <= SG_SOURCE_NAME; i++)
        if (strcmp(text, source_names[i]) == 0) {
            *ret = (enum sig_source)i;
            return SG_OK;
        }
    return SG_ERR_BAD_FIELD;
}

/* Length of the UTF-8 character at `p` (RFC 3629), 0 when it is none or a control character. */
static size_t character(const unsigned char *p)
{
    if (p[0] < 0x80)
        return p[0] >= 0x20 && p[0] != 0x7f ? 1 : 0;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        /* U+0080 to U+009F are controls too. */
        return (p[1] & 0xc0) == 0x80 && !(p[0] == 0xc2 && p[1] < 0xa0) ? 2 : 0;
    if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
        return 0;
    if (p[0] >= 0xe0 && p[0] <= 0xef) {
        if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))
            return 0;
        return 3;
    }
    if (p[0] < 0xf0 || p[0] > 0xf4 || (p[3] & 0xc0) != 0x80)
        return 0;
    return (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) ? 0 : 4;
}

static bool is_text(const char *text, size_t max)
{
    const unsigned char *p = (const unsigned char *)text;

    /* A continuation byte is never NUL, so a look ahead ends at the NUL. */
    while (*p != '\0') {
        size_t n = character(p);

        if (n == 0 || (size_t)(p - (const unsigned char *)text) + n > max)
            return false;
        p += n;
    }
    return true;
}

bool sig_record_name_valid(const char *name)
{
    if (*name == '\0' || *name == '/' || !is_text(name, SG_RECORD_NAME_MAX))
        return false;
    for (const char *part = name;;) {
        size_t len = strcspn(part, "/");

        if (len == 0 || (len == 1 && part[0] == '.') || (len == 2 && memcmp(part, "..", 2) == 0))
            return false;
        if (part[len] == '\0')
            return true;
        part += len + 1;
    }
}

bool sig_key_name_valid(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-");

    return len > 0 && len < SG_KEY_NAME_SIZE && name[len] == '\0' && strchr("._-", name[0]) == NULL;
}

void sigfmt_put_json(struct buf *out, const char *text)
{
    buf_putc(out, '"');
    for (;;) {
        size_t plain = strcspn(text, "\"\\");

        buf_append(out, text, plain);
        text += plain;
        if (*text == '\0')
            break;
        buf_putc(out, '\\');
        buf_putc(out, *text++);
    }
    buf_putc(out, '"');
}

static void put_member(struct buf *out, const char *name, const char *text)
{
    buf_puts(out, name);
    sigfmt_put_json(out, text);
}

static void put_hex(struct buf *out, const char *name, const uint8_t *data, size_t len)
{
    char hex[SG_HEX_SIZE(64)];

    encode_hex(data, len, hex);
    buf_puts(out, name);
    buf_append(out, hex, 2 * len);
    buf_putc(out, '"');
}

/* snprintf is several times slower, and there are three of these in each of 10,000 records. */
static void put_number(struct buf *out, const char *name, uint64_t value)
{
    char digits[24];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buf_puts(out, name);
    buf_append(out, digits + at, sizeof digits - at);
}

static bool is_valid(const struct sig_record *r)
{
    /* Years 2000 to 9999: four digits, and no clock that was never set. */
    const int64_t from = INT64_C(946684800) * SG_NS_PER_S;

    return sig_record_name_valid(r->name) && sig_key_name_valid(r->key) && r->key_version > 0 &&
           sig_key_type_name(r->type) != NULL && *sig_source_name(r->source) != '\0' &&
           r->timestamp_ns >= from && r->size >= -1 &&
           r->size <= INT64_C(9007199254740991) && /* RFC 8785 numbers are doubles */
           is_text(r->package, SG_RECORD_FIELD_MAX) && is_text(r->fileset, SG_RECORD_FIELD_MAX) &&
           is_text(r->vrmf, SG_RECORD_FIELD_MAX) && is_text(r->ftype, SG_RECORD_FIELD_MAX);
}

enum sg_err sig_record_put(struct buf *out, const struct sig_record *r)
{
    char time[SG_RFC3339_SIZE];

    if (!is_valid(r))
        return SG_ERR_BAD_FIELD;
    clock_format_rfc3339(r->timestamp_ns, time);
    put_member(out, "{\"algorithm\":", sig_key_type_algorithm(r->type));
    if (r->digests.has_blake2b)
        put_hex(out, ",\"digest\":{\"blake2b-512\":\"", r->digests.blake2b, 64);
    put_hex(out, r->digests.has_blake2b ? ",\"sha256\":\"" : ",\"digest\":{\"sha256\":\"",
            r->digests.sha256, 32);
    if (r->digests.has_sha512)
        put_hex(out, ",\"sha512\":\"", r->digests.sha512, 64);
    put_member(out, "},\"fileset\":", r->fileset);
    put_member(out, ",\"ftype\":", r->ftype);
    put_member(out, ",\"key\":", r->key);
    put_number(out, ",\"key_version\":", r->key_version);
    put_hex(out, ",\"keyid\":\"", r->keyid, 32);
    put_member(out, ",\"name\":", r->name);
    put_member(out, ",\"package\":", r->package);
    if (r->size >= 0)
        put_number(out, ",\"size\":", (uint64_t)r->size);
    put_member(out, ",\"source\":", sig_source_name(r->source));
    put_member(out, ",\"timestamp\":", time);
    put_member(out, ",\"vrmf\":", r->vrmf);
    buf_putc(out, '}');
    return buf_status(out);
}
