/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the canonical and the shown form of events, and makes digests and chain values. It never
 * reads either form. */
#include "store/eventtext.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "store/canonical.h"

/* -- canonical form -------------------------------------------------------------------------------
 */

static void put_files(struct buf *out, const struct event_draft *d)
{
    buf_puts(out, "\"files\":[");
    for (size_t i = 0; i < d->file_count; i++) {
        const struct event_file *f = &d->files[i];
        const char *media_type = f->media_type ? f->media_type : "";
        canonical_member(out, i ? ",{\"media_type\":" : "{\"media_type\":", media_type);
        canonical_member(out, ",\"path\":", f->path);
        canonical_digest(out, ",\"sha256\":", f->sha256);
        canonical_number(out, ",\"size\":", f->size);
        canonical_number(out, ",\"version\":", f->version);
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
    canonical_integer(out, d->seq);
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
        canonical_number(out, "\"count\":", made->count);
        buf_putc(out, ',');
    }
    if (file && d->directory)
        buf_puts(out, "\"directory\":true,");
    if (!file && d->file_count > 0)
        put_files(out, d);
    if (d->from_path) {
        canonical_member(out, "\"from_path\":", d->from_path);
        buf_putc(out, ',');
    }
    put_id(out, d);
    if (made) {
        canonical_number(out, ",\"index\":", made->index);
        canonical_member(out, ",\"key\":", made->key);
        canonical_number(out, ",\"key_version\":", made->key_version);
    }
    if (content && file->media_type && file->media_type[0])
        canonical_member(out, ",\"media_type\":", file->media_type);
    if (d->member)
        canonical_member(out, ",\"member\":", d->member);
    if (file || (made && made->path[0]))
        canonical_member(out, ",\"path\":", file ? file->path : made->path);
    if (d->reply_to)
        canonical_number(out, ",\"reply_to\":", d->reply_to);
    if (d->role)
        canonical_member(out, ",\"role\":", d->role);
    canonical_member(out, ",\"sender\":", d->sender);
    canonical_time(out, ",\"sent_at\":", d->sent_ns);
    canonical_number(out, ",\"seq\":", d->seq);
    if (content) {
        canonical_digest(out, ",\"sha256\":", file->sha256);
        canonical_number(out, ",\"size\":", file->size);
    }
    if (d->target)
        canonical_number(out, ",\"target\":", d->target);
    if (d->text) {
        uint8_t digest[SG_DIGEST_SIZE];
        eventtext_digest(d->salt, d->text, d->text_len, digest);
        canonical_digest(out, ",\"text_digest\":", digest);
    }
    canonical_member(out, ",\"type\":", event_type_name(d->type));
    if (content)
        canonical_number(out, ",\"version\":", file->version);
    buf_putc(out, '}');
}

/* -- digests --------------------------------------------------------------------------------------
 */

void eventtext_digest(const uint8_t salt[SG_EVENT_SALT_SIZE], const char *text, size_t len,
                      uint8_t ret[SG_DIGEST_SIZE])
{
    canonical_sha256(salt, SG_EVENT_SALT_SIZE, text, len, ret);
}

void eventtext_chain(const uint8_t previous[SG_DIGEST_SIZE], const char *canonical, size_t len,
                     uint8_t ret[SG_DIGEST_SIZE])
{
    canonical_sha256(previous, SG_DIGEST_SIZE, canonical, len, ret);
}

/* -- shown form -----------------------------------------------------------------------------------
 */

static void put_revision(struct buf *out, const struct event_revised *r)
{
    canonical_time(out, ",\"revision\":{\"at\":", r->at_ns);
    canonical_member(out, ",\"by\":", r->by);
    if (r->deleted)
        buf_puts(out, ",\"deleted\":true");
    canonical_number(out, ",\"seq\":", r->seq);
    if (!r->deleted && r->text) {
        buf_puts(out, ",\"text\":");
        canonical_string_n(out, r->text, r->text_len);
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
        canonical_string_n(&out, text, text_len);
        encode_base64url(salt, SG_EVENT_SALT_SIZE, base64);
        canonical_member(&out, ",\"text_salt\":", base64);
    }
    canonical_digest(&out, ",\"chain\":", chain);
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
