/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the canonical and the shown form of events, and makes digests and chain values. It never
 * reads either form. */
#include "store/eventtext.h"

#include <assert.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"

#define SG_HASHED_ON_STACK 4096 /* bytes that are put together to be hashed in one call */
#define SG_INTEGER_MAX     ((UINT64_C(1) << 53) - 1) /* exact for every reader of JSON */

/* -- JSON -----------------------------------------------------------------------------------------
 */

/* 0: stands for itself (RFC 8785 section 3.2.2.2); 'u': \u00XX; else the letter after `\`. */
static char escape_of(unsigned char c)
{
    static const char low[32] = "uuuuuuuubtnufruuuuuuuuuuuuuuuuuu";
    if (c < 0x20)
        return low[c];
    return c == '"' || c == '\\' ? (char)c : 0;
}

static void put_string_n(struct buf *out, const char *text, size_t len)
{
    static const char digits[16] = "0123456789abcdef";
    size_t from = 0;
    buf_putc(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        char escape = escape_of(c);
        if (escape == 0)
            continue;
        char escaped[6] = {'\\', escape, '0', '0', digits[c >> 4], digits[c & 15]};
        buf_append(out, text + from, i - from);
        buf_append(out, escaped, escape == 'u' ? 6 : 2);
        from = i + 1;
    }
    buf_append(out, text + from, len - from);
    buf_putc(out, '"');
}

static void put_integer(struct buf *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    assert(value <= SG_INTEGER_MAX);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buf_append(out, digits + at, sizeof(digits) - at);
}

/* `name` is given with its quotes and colon, and a comma before all but the first. */
static void put_member(struct buf *out, const char *name, const char *text)
{
    buf_puts(out, name);
    put_string_n(out, text, strlen(text));
}

static void put_number(struct buf *out, const char *name, uint64_t value)
{
    buf_puts(out, name);
    put_integer(out, value);
}

static void put_digest(struct buf *out, const char *name, const uint8_t digest[SG_DIGEST_SIZE])
{
    char hex[SG_HEX_SIZE(SG_DIGEST_SIZE)];
    encode_hex(digest, SG_DIGEST_SIZE, hex);
    buf_puts(out, name);
    buf_putc(out, '"');
    buf_append(out, hex, sizeof(hex) - 1);
    buf_putc(out, '"');
}

static void put_time(struct buf *out, const char *name, int64_t ns)
{
    char text[SG_RFC3339_SIZE];
    clock_format_rfc3339(ns, text);
    put_member(out, name, text);
}

/* -- canonical form -------------------------------------------------------------------------------
 */

static void put_files(struct buf *out, const struct event_draft *d)
{
    buf_puts(out, "\"files\":[");
    for (size_t i = 0; i < d->file_count; i++) {
        const struct event_file *f = &d->files[i];
        const char *media_type = f->media_type ? f->media_type : "";
        put_member(out, i ? ",{\"media_type\":" : "{\"media_type\":", media_type);
        put_member(out, ",\"path\":", f->path);
        put_digest(out, ",\"sha256\":", f->sha256);
        put_number(out, ",\"size\":", f->size);
        put_number(out, ",\"version\":", f->version);
        buf_putc(out, '}');
    }
    buf_puts(out, "],");
}

static bool is_file_event(enum event_type type)
{
    return type == SG_EVENT_FILE_STORED || type == SG_EVENT_FILE_MOVED ||
           type == SG_EVENT_FILE_DELETED;
}

static void put_id(struct buf *out, const struct event_draft *d)
{
    buf_puts(out, "\"id\":\"");
    buf_puts(out, d->epoch);
    buf_putc(out, '.');
    put_integer(out, d->seq);
    buf_putc(out, '"');
}

/* Members stand in the order of their names: count directory files from_path id index key
 * key_version media_type member path reply_to role sender sent_at seq sha256 size target
 * text_digest type version. */
void eventtext_canonical(struct buf *out, const struct event_draft *d)
{
    const struct event_file *file = is_file_event(d->type) ? d->files : NULL;
    const struct event_signed *made = d->signatures;
    bool content = file && !d->directory && file->version > 0;
    assert(!is_file_event(d->type) || d->file_count == 1);

    buf_putc(out, '{');
    if (made) {
        put_number(out, "\"count\":", made->count);
        buf_putc(out, ',');
    }
    if (file && d->directory)
        buf_puts(out, "\"directory\":true,");
    if (!file && d->file_count > 0)
        put_files(out, d);
    if (d->from_path) {
        put_member(out, "\"from_path\":", d->from_path);
        buf_putc(out, ',');
    }
    put_id(out, d);
    if (made) {
        put_number(out, ",\"index\":", made->index);
        put_member(out, ",\"key\":", made->key);
        put_number(out, ",\"key_version\":", made->key_version);
    }
    if (content && file->media_type && file->media_type[0])
        put_member(out, ",\"media_type\":", file->media_type);
    if (d->member)
        put_member(out, ",\"member\":", d->member);
    if (file || (made && made->path[0]))
        put_member(out, ",\"path\":", file ? file->path : made->path);
    if (d->reply_to)
        put_number(out, ",\"reply_to\":", d->reply_to);
    if (d->role)
        put_member(out, ",\"role\":", d->role);
    put_member(out, ",\"sender\":", d->sender);
    put_time(out, ",\"sent_at\":", d->sent_ns);
    put_number(out, ",\"seq\":", d->seq);
    if (content) {
        put_digest(out, ",\"sha256\":", file->sha256);
        put_number(out, ",\"size\":", file->size);
    }
    if (d->target)
        put_number(out, ",\"target\":", d->target);
    if (d->text) {
        uint8_t digest[SG_DIGEST_SIZE];
        eventtext_digest(d->salt, d->text, d->text_len, digest);
        put_digest(out, ",\"text_digest\":", digest);
    }
    put_member(out, ",\"type\":", event_type_name(d->type));
    if (content)
        put_number(out, ",\"version\":", file->version);
    buf_putc(out, '}');
}

/* -- digests --------------------------------------------------------------------------------------
 */

static void hash_two(const void *first, size_t first_len, const void *second, size_t second_len,
                     uint8_t ret[SG_DIGEST_SIZE])
{
    uint8_t both[SG_HASHED_ON_STACK];
    if (second_len <= sizeof(both) - first_len) {
        memcpy(both, first, first_len);
        memcpy(both + first_len, second, second_len);
        if (gnutls_hash_fast(GNUTLS_DIG_SHA256, both, first_len + second_len, ret) < 0)
            abort(); /* a broken library */
        return;
    }
    gnutls_hash_hd_t hash;
    if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) < 0 || gnutls_hash(hash, first, first_len) < 0 ||
        gnutls_hash(hash, second, second_len) < 0)
        abort();
    gnutls_hash_deinit(hash, ret);
}

void eventtext_digest(const uint8_t salt[SG_EVENT_SALT_SIZE], const char *text, size_t len,
                      uint8_t ret[SG_DIGEST_SIZE])
{
    hash_two(salt, SG_EVENT_SALT_SIZE, text, len, ret);
}

void eventtext_chain(const uint8_t previous[SG_DIGEST_SIZE], const char *canonical, size_t len,
                     uint8_t ret[SG_DIGEST_SIZE])
{
    uint8_t chain[SG_DIGEST_SIZE]; /* `ret` may be `previous` */
    hash_two(previous, SG_DIGEST_SIZE, canonical, len, chain);
    memcpy(ret, chain, sizeof(chain));
}

/* -- shown form -----------------------------------------------------------------------------------
 */

static void put_revision(struct buf *out, const struct event_revised *r)
{
    put_time(out, ",\"revision\":{\"at\":", r->at_ns);
    put_member(out, ",\"by\":", r->by);
    if (r->deleted)
        buf_puts(out, ",\"deleted\":true");
    put_number(out, ",\"seq\":", r->seq);
    if (!r->deleted && r->text) {
        buf_puts(out, ",\"text\":");
        put_string_n(out, r->text, r->text_len);
    }
    buf_putc(out, '}');
}

/* The struct's own bytes come first in the buffer, so that the event is one allocation. */
struct event *eventtext_event(uint64_t seq, int64_t space_id, enum event_type type, uint64_t target,
                              int64_t sender_id, int64_t sent_ns,
                              const uint8_t chain[SG_DIGEST_SIZE], const char *canonical,
                              size_t canonical_len, const char *text, size_t text_len,
                              const uint8_t *salt, const struct event_revised *revised)
{
    struct buf out;
    const size_t head = offsetof(struct event, json);
    assert(canonical_len >= 2);
    buf_init(&out, SIZE_MAX / 2);
    /* Enough for all but long texts full of escapes: no growing. */
    if (!buf_reserve(&out, head + canonical_len + text_len + text_len / 16 + 256))
        return NULL;
    memset(out.data, 0, head);
    buf_commit(&out, head);
    buf_append(&out, canonical + 1, canonical_len - 2);
    if (text) {
        char base64[SG_BASE64_SIZE(SG_EVENT_SALT_SIZE)];
        buf_puts(&out, ",\"text\":");
        put_string_n(&out, text, text_len);
        encode_base64url(salt, SG_EVENT_SALT_SIZE, base64);
        put_member(&out, ",\"text_salt\":", base64);
    }
    put_digest(&out, ",\"chain\":", chain);
    if (revised && revised->seq)
        put_revision(&out, revised);

    size_t len = out.len;
    void *memory = buf_take(&out, &len);
    if (!memory)
        return NULL;
    void *fitting = realloc(memory, len + 1); /* many are kept for long */
    if (fitting)
        memory = fitting;
    struct event *e = memory;
    atomic_init(&e->refs, 1);
    e->seq = seq;
    e->space_id = space_id;
    e->type = type;
    e->target = target;
    e->sender_id = sender_id;
    e->member_id = 0;
    e->sent_ns = sent_ns;
    memcpy(e->chain, chain, SG_DIGEST_SIZE);
    e->len = len - head;
    return e;
}
