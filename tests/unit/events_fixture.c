/* SPDX-License-Identifier: Apache-2.0 */
/* Posts that wait, and chains checked by code of its own. It uses nothing of store/eventtext. */
#include "events_fixture.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <json-c/json.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"

void events_fixture_init(struct events_fixture *f, const struct contract_engine *engine)
{
    static const char *const names[3] = {"common", "~alice", "~bob"};
    memset(f, 0, sizeof(*f));
    contract_store_init(&f->store, engine);
    f->alice = contract_user_add(&f->store, "alice", SG_ROLE_MEMBER);
    f->bob = contract_user_add(&f->store, "bob", SG_ROLE_MEMBER);
    const int64_t who[3] = {f->alice.id, f->alice.id, f->bob.id};
    for (size_t i = 0; i < 3; i++)
        f->space[i] = contract_space_id(&f->store, names[i], who[i]);
    f->arena = arena_new((size_t)1 << 20);
    assert_non_null(f->arena);
}

void events_fixture_fini(struct events_fixture *f)
{
    arena_free(f->arena);
    contract_store_fini(&f->store);
}

/* -- posts --------------------------------------------------------------------------------------
 */

struct event_post events_post_make(const struct events_fixture *f, const char *text)
{
    return (struct event_post){.space_id = f->space[0],
                               .sender_id = f->alice.id,
                               .sender = f->alice.name,
                               .text = text,
                               .text_len = strlen(text),
                               .salt = "salt of 16 byte",
                               .now_ns = INT64_C(1795190534123456789)};
}

struct waiting_post {
    struct event_post *post;
    sem_t done;
};

static void post_done(struct event_post *post)
{
    struct waiting_post *w = post->check_ctx;
    (void)sem_post(&w->done);
}

static enum sg_err no_check(void *ctx)
{
    (void)ctx;
    return SG_OK;
}

enum sg_err events_post_wait(const struct events_fixture *f, struct event_post *post)
{
    struct waiting_post w = {.post = post};
    (void)sem_init(&w.done, 0, 0);
    post->check = post->check ? post->check : no_check;
    post->check_ctx = &w;
    post->done = post_done;
    enum sg_err err = EVENTS(f, post, post);
    if (!err) {
        while (sem_wait(&w.done) != 0)
            ;
        err = post->result;
    }
    (void)sem_destroy(&w.done);
    return err;
}

uint64_t events_say(const struct events_fixture *f, int64_t space_id, const char *text)
{
    struct event_post post = events_post_make(f, text);
    post.space_id = space_id;
    assert_int_equal(SG_OK, events_post_wait(f, &post));
    assert_non_null(post.event);
    uint64_t seq = post.event->seq;
    event_unref(post.event);
    return seq;
}

/* -- reading --------------------------------------------------------------------------------------
 */

struct event *events_get(const struct events_fixture *f, int64_t space_id, uint64_t seq)
{
    struct event_query query = {.space_ids = &space_id,
                                .space_count = 1,
                                .after = seq - 1,
                                .before = seq + 1,
                                .types = EVENTS_ALL_TYPES,
                                .limit = 1,
                                .bytes = SIZE_MAX};
    struct event *e = NULL;
    size_t count = 0;
    uint64_t seen;
    assert_int_equal(SG_OK, EVENTS(f, list, &query, &e, &count, &seen));
    return count ? e : NULL;
}

static struct json_object *parse(const struct event *e)
{
    size_t size = e->len + 3;
    char *text = malloc(size);
    if (!text)
        abort();
    (void)snprintf(text, size, "{%s}", e->json);
    struct json_object *object = json_tokener_parse(text);
    free(text);
    return object;
}

const char *events_member(const struct event *e, const char *name)
{
    static char text[8192];
    struct json_object *object = parse(e), *member = NULL;
    assert_non_null(object);
    bool there = json_object_object_get_ex(object, name, &member);
    if (there && json_object_is_type(member, json_type_string))
        (void)snprintf(text, sizeof(text), "%s", json_object_get_string(member));
    else if (there)
        (void)snprintf(text, sizeof(text), "%s",
                       json_object_to_json_string_ext(member, JSON_C_TO_STRING_NOSLASHESCAPE));
    (void)json_object_put(object);
    return there ? text : NULL;
}

/* -- chains ---------------------------------------------------------------------------------------
 */

static void canonical(struct buf *out, struct json_object *value);

static void canonical_string(struct buf *out, const char *text)
{
    buf_putc(out, '"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        const char *at = strchr("\"\\\b\f\n\r\t", *c);
        if (at)
            buf_printf(out, "\\%c", "\"\\bfnrt"[at - "\"\\\b\f\n\r\t"]);
        else if (*c < 0x20)
            buf_printf(out, "\\u%04x", *c);
        else
            buf_putc(out, (char)*c);
    }
    buf_putc(out, '"');
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void canonical_object(struct buf *out, struct json_object *object)
{
    const char *names[64];
    size_t count = 0;
    json_object_object_foreach(object, key, unused)
    {
        (void)unused;
        names[count++] = key;
    }
    qsort(names, count, sizeof(names[0]), by_name);
    buf_putc(out, '{');
    for (size_t i = 0; i < count; i++) {
        buf_puts(out, i ? "," : "");
        canonical_string(out, names[i]);
        buf_putc(out, ':');
        canonical(out, json_object_object_get(object, names[i]));
    }
    buf_putc(out, '}');
}

static void canonical(struct buf *out, struct json_object *value)
{
    if (json_object_is_type(value, json_type_object)) {
        canonical_object(out, value);
    } else if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            buf_putc(out, i ? ',' : '[');
            canonical(out, json_object_array_get_idx(value, i));
        }
        buf_putc(out, ']');
    } else if (json_object_is_type(value, json_type_string)) {
        canonical_string(out, json_object_get_string(value));
    } else {
        buf_puts(out, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
    }
}

static void sha256_hex(const struct buf *bytes, char ret[SG_HEX_SIZE(SG_DIGEST_SIZE)],
                       uint8_t digest[SG_DIGEST_SIZE])
{
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes->data, bytes->len, digest) < 0)
        abort();
    encode_hex(digest, SG_DIGEST_SIZE, ret);
}

static bool text_holds(struct json_object *object)
{
    struct json_object *text, *salt, *digest;
    char hex[SG_HEX_SIZE(SG_DIGEST_SIZE)];
    uint8_t raw[SG_DIGEST_SIZE], bytes[SG_EVENT_SALT_SIZE];
    size_t len = 0;
    if (!json_object_object_get_ex(object, "text", &text))
        return !json_object_object_get_ex(object, "text_salt", &salt);
    if (!json_object_object_get_ex(object, "text_salt", &salt) ||
        !json_object_object_get_ex(object, "text_digest", &digest) ||
        encode_unbase64url(json_object_get_string(salt), (size_t)json_object_get_string_len(salt),
                           bytes, sizeof(bytes), &len) ||
        len != sizeof(bytes))
        return false;
    SG_BUF_CLEANUP struct buf both;
    buf_init(&both, SIZE_MAX / 2);
    buf_append(&both, bytes, len);
    buf_append(&both, json_object_get_string(text), (size_t)json_object_get_string_len(text));
    sha256_hex(&both, hex, raw);
    return strcmp(hex, json_object_get_string(digest)) == 0;
}

/* Moves `chain` over one event. */
static bool link_holds(const struct event *e, uint8_t chain[SG_DIGEST_SIZE])
{
    static const char *const outside[] = {"text", "text_salt", "chain", "revision", "space"};
    char shown[SG_HEX_SIZE(SG_DIGEST_SIZE)] = "", hex[SG_HEX_SIZE(SG_DIGEST_SIZE)];
    struct json_object *object = parse(e), *member = NULL;
    if (!object)
        return false;
    bool ok = text_holds(object);
    if (json_object_object_get_ex(object, "chain", &member))
        (void)snprintf(shown, sizeof(shown), "%s", json_object_get_string(member));
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
        json_object_object_del(object, outside[i]);
    SG_BUF_CLEANUP struct buf bytes;
    buf_init(&bytes, SIZE_MAX / 2);
    buf_append(&bytes, chain, SG_DIGEST_SIZE);
    canonical(&bytes, object);
    (void)json_object_put(object);
    sha256_hex(&bytes, hex, chain);
    return ok && strcmp(hex, shown) == 0 && memcmp(chain, e->chain, SG_DIGEST_SIZE) == 0;
}

bool events_chain_holds(const struct events_fixture *f, int64_t space_id, size_t *ret_count)
{
    struct event *page[100];
    struct event_range range;
    struct event_query query = {.space_ids = &space_id,
                                .space_count = 1,
                                .types = EVENTS_ALL_TYPES,
                                .limit = 100,
                                .bytes = SIZE_MAX};
    size_t count = 1;
    uint64_t last = 0;
    bool ok = EVENTS(f, range, space_id, &range) == SG_OK;
    uint8_t chain[SG_DIGEST_SIZE];
    memcpy(chain, range.pruned_chain, sizeof(chain));
    query.after = range.pruned_seq;
    *ret_count = 0;
    while (ok && count > 0) {
        uint64_t next = 0;
        ok = EVENTS(f, list, &query, page, &count, &next) == SG_OK;
        for (size_t i = 0; i < count; i++) {
            if (ok && (!link_holds(page[i], chain) || page[i]->seq <= last)) {
                print_message("the chain breaks at {%s}\n", page[i]->json);
                ok = false;
            }
            last = page[i]->seq;
            event_unref(page[i]);
        }
        *ret_count += count;
        query.after = next;
    }
    uint64_t end = last ? last : range.pruned_seq;
    if (ok && (end != range.head_seq || memcmp(chain, range.head_chain, sizeof(chain)) != 0)) {
        print_message("the chain ends at %llu, not at %llu\n", (unsigned long long)end,
                      (unsigned long long)range.head_seq);
        ok = false;
    }
    return ok;
}
