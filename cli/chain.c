/* SPDX-License-Identifier: Apache-2.0 */
/* Recomputes the chain of a space's events. It never takes a value from the gateway for true. */
#include "cli/chain.h"

#include "base/buf.h"
#include "base/encode.h"
#include "cli/canon.h"
#include "cli/json.h"

#include <json-c/json.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SG_CHAIN_CANONICAL_MAX ((size_t)1 << 20)
#define SG_CHAIN_SALT_BYTES    16

/* Members that the chain leaves out; text_digest stands for the text. */
static const char *const left_out[] = {"space", "text", "text_salt", "chain", "revision", NULL};

/* What a message says has become of it. Key of the tree is `seq`. */
struct revision {
    int64_t seq;     /* of the event that did it */
    int64_t message; /* whose revision it is */
    bool deleted;
    uint8_t text[SG_DIGEST_BYTES]; /* SHA-256 */
};

static int compare(const void *a, const void *b)
{
    int64_t x = ((const struct revision *)a)->seq, y = ((const struct revision *)b)->seq;

    return x < y ? -1 : x > y;
}

void chain_start(struct chain *c, int64_t seq, const uint8_t *value)
{
    memset(c, 0, sizeof(*c));
    c->seq = seq;
    if (value)
        memcpy(c->value, value, SG_DIGEST_BYTES);
}

void chain_end(struct chain *c)
{
    tdestroy(c->revisions, free);
    c->revisions = NULL;
}

bool chain_parse(const char *hex, uint8_t ret[SG_DIGEST_BYTES])
{
    return encode_unhex(hex, strlen(hex), ret, SG_DIGEST_BYTES) == SG_OK;
}

static bool hash_two(const void *a, size_t a_len, const void *b, size_t b_len,
                     uint8_t ret[SG_DIGEST_BYTES])
{
    struct digest d = {NULL};

    if (!digest_start(&d))
        return false;
    if (a_len > 0)
        digest_update(&d, a, a_len);
    if (b_len > 0)
        digest_update(&d, b, b_len);
    digest_finish(&d, ret);
    return true;
}

/* Member `key` with its length, embedded NULs and all; NULL when it is no text. */
static const char *text_of(struct json_object *event, const char *key, size_t *ret_len)
{
    struct json_object *member = NULL;

    if (!json_object_object_get_ex(event, key, &member) ||
        !json_object_is_type(member, json_type_string))
        return NULL;
    *ret_len = (size_t)json_object_get_string_len(member);
    return json_object_get_string(member);
}

static enum chain_fault check_text(struct chain *c, struct json_object *event)
{
    uint8_t salt[SG_CHAIN_SALT_BYTES], wanted[SG_DIGEST_BYTES], got[SG_DIGEST_BYTES];
    const char *encoded = json_text(event, "text_salt", "");
    size_t len = 0, salt_len = 0;
    const char *text = text_of(event, "text", &len);

    if (!text)
        return SG_CHAIN_HOLDS;
    if (!chain_parse(json_text(event, "text_digest", ""), wanted) ||
        encode_unbase64url(encoded, strlen(encoded), salt, sizeof(salt), &salt_len) != SG_OK ||
        salt_len != sizeof(salt))
        return SG_CHAIN_TEXT;
    if (!hash_two(salt, sizeof(salt), text, len, got))
        return SG_CHAIN_NO_MEMORY;
    c->texts++;
    return memcmp(wanted, got, sizeof(got)) == 0 ? SG_CHAIN_HOLDS : SG_CHAIN_TEXT;
}

/* Keeps what a message says has become of it, until that event comes. */
static enum chain_fault note_revision(struct chain *c, struct json_object *event, int64_t seq)
{
    struct json_object *said = json_member(event, "revision");
    struct revision *r = said ? calloc(1, sizeof(*r)) : NULL;
    size_t len = 0;
    const char *text = said ? text_of(said, "text", &len) : NULL;

    if (!said)
        return SG_CHAIN_HOLDS;
    if (!r || !hash_two(text, len, NULL, 0, r->text)) {
        free(r);
        return SG_CHAIN_NO_MEMORY;
    }
    r->seq = json_int(said, "seq", 0);
    r->message = seq;
    r->deleted = json_truth(said, "deleted", false);
    void *node = r->seq > seq && !r->deleted != !text ? tsearch(r, &c->revisions, compare) : NULL;
    if (node && *(struct revision **)node == r)
        return SG_CHAIN_HOLDS;
    free(r);
    return SG_CHAIN_REVISION;
}

/* Compares a change with what its message said about it. */
static enum chain_fault check_revision(struct chain *c, struct json_object *event, int64_t seq)
{
    struct revision key = {.seq = seq};
    void *node = tfind(&key, &c->revisions, compare);
    const char *type = json_text(event, "type", "");
    uint8_t got[SG_DIGEST_BYTES];
    size_t len = 0;

    if (!node)
        return SG_CHAIN_HOLDS;
    struct revision *r = *(struct revision **)node;
    const char *text = text_of(event, "text", &len);
    bool same = r->message == json_int(event, "target", 0) &&
                strcmp(type, r->deleted ? "message.deleted" : "message.updated") == 0;
    /* Without a text it has been superseded since the message was fetched. */
    if (same && text)
        same = hash_two(text, len, NULL, 0, got) && memcmp(got, r->text, sizeof(got)) == 0;
    (void)tdelete(&key, &c->revisions, compare);
    free(r);
    return same ? SG_CHAIN_HOLDS : SG_CHAIN_REVISION;
}

/* The id names the event's number behind the epoch. */
static bool id_names(struct json_object *event, int64_t seq)
{
    const char *dot = strrchr(json_text(event, "id", ""), '.');
    char number[24];

    snprintf(number, sizeof(number), "%lld", (long long)seq);
    return dot && strcmp(dot + 1, number) == 0;
}

enum chain_fault chain_follow(struct chain *c, struct json_object *event, int64_t *ret_previous)
{
    SG_BUF_CLEANUP struct buf canonical = {0};
    uint8_t stated[SG_DIGEST_BYTES], got[SG_DIGEST_BYTES];
    int64_t seq = json_int(event, "seq", 0), previous = c->seq;

    if (ret_previous)
        *ret_previous = previous;
    buf_init(&canonical, SG_CHAIN_CANONICAL_MAX);
    if (seq < 1 || !id_names(event, seq) || !chain_parse(json_text(event, "chain", ""), stated) ||
        !canon_append(&canonical, event, left_out))
        return canonical.failed && !canonical.over_cap ? SG_CHAIN_NO_MEMORY : SG_CHAIN_UNREADABLE;
    if (seq == previous)
        return SG_CHAIN_DOUBLED;
    if (seq < previous)
        return SG_CHAIN_DISORDER;
    if (!hash_two(c->value, sizeof(c->value), canonical.data, canonical.len, got))
        return SG_CHAIN_NO_MEMORY;
    c->seq = seq;
    c->count++;
    bool follows = memcmp(got, stated, sizeof(got)) == 0;
    memcpy(c->value, stated, sizeof(stated));
    if (!follows)
        return SG_CHAIN_BROKEN;
    enum chain_fault fault = check_text(c, event);
    if (fault == SG_CHAIN_HOLDS)
        fault = check_revision(c, event, seq);
    if (fault == SG_CHAIN_HOLDS)
        fault = note_revision(c, event, seq);
    return fault;
}

/* twalk_r (glibc) hands the closure through. */
static void look(const void *node, VISIT which, void *context)
{
    const struct revision *r = *(struct revision *const *)node;
    struct revision *found = context;

    if ((which == postorder || which == leaf) && r->seq <= found->seq && !found->message)
        found->message = r->message;
}

int64_t chain_missing_revision(const struct chain *c, int64_t seq)
{
    struct revision found = {.seq = seq};

    twalk_r(c->revisions, look, &found);
    return found.message;
}
