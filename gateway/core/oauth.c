/* SPDX-License-Identifier: Apache-2.0 */
/* The life of struct oauth, and the exchanged tokens that were revoked before their time: all of
 * them are in memory, because who verifies a token must not wait. */
#include "core/oauth_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "base/clock.h"
#include "base/text.h"

#define NAME_MAX_CHARACTERS 64

/* -- revoked tokens ---------------------------------------------------------------------------- */

/* The slot of a token that is there, or the free one where it belongs. `jti` is the token's own
 * part of it, and random. */
static struct revoked_token *slot_of(struct revoked_token *table, const char *jti)
{
    size_t at = 0;

    for (const char *p = jti; *p != '\0' && p < jti + 12; p++)
        at = at * 31 + (unsigned char)*p;
    for (at %= SG_REVOKED_SLOTS; table[at].jti[0] != '\0'; at = (at + 1) % SG_REVOKED_SLOTS)
        if (strcmp(table[at].jti, jti) == 0)
            break;
    return &table[at];
}

/* Locked for writing: makes room by leaving out what has expired. */
static enum sg_err sweep(struct oauth *o, int64_t now_ns)
{
    struct revoked_token *table = calloc(SG_REVOKED_SLOTS, sizeof *table);
    size_t count = 0;

    if (table == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < SG_REVOKED_SLOTS; i++)
        if (o->revoked[i].jti[0] != '\0' && o->revoked[i].expires_ns > now_ns) {
            *slot_of(table, o->revoked[i].jti) = o->revoked[i];
            count++;
        }
    free(o->revoked);
    o->revoked = table;
    o->revoked_count = count;
    return SG_OK;
}

/* Locked for writing. */
static void enter(struct oauth *o, const struct revoked_token *token)
{
    struct revoked_token *slot = slot_of(o->revoked, token->jti);

    o->revoked_count += slot->jti[0] == '\0';
    *slot = *token;
}

enum sg_err oauth_revoked_add(struct oauth *o, const char *part, int64_t expires_ns)
{
    struct revoked_token token = {.expires_ns = expires_ns};
    size_t len = strlen(part);
    enum sg_err err = SG_OK;

    if (len == 0 || len > SG_JTI_PART)
        return SG_ERR_BAD_FIELD;
    memcpy(token.jti, part, len);
    pthread_rwlock_wrlock(&o->revoked_lock);
    if (o->revoked_count >= SG_OAUTH_REVOKED_MAX)
        err = sweep(o, clock_now_ns());
    if (err == SG_OK && o->revoked_count >= SG_OAUTH_REVOKED_MAX)
        err = SG_ERR_OVERLOADED;
    if (err == SG_OK)
        enter(o, &token); /* before it is durable: refused a little early is no harm */
    pthread_rwlock_unlock(&o->revoked_lock);
    return err == SG_OK ? o->store.vt->revoke(o->store.self, &token) : err;
}

static bool is_revoked(void *ctx, const char *part)
{
    char text[SG_JTI_PART + 1];
    struct oauth *o = ctx;
    bool there;

    (void)snprintf(text, sizeof text, "%.*s", SG_JTI_PART, part);
    pthread_rwlock_rdlock(&o->revoked_lock);
    there = slot_of(o->revoked, text)->jti[0] != '\0';
    pthread_rwlock_unlock(&o->revoked_lock);
    return there;
}

static enum sg_err load(struct oauth *o)
{
    struct revoked_token *list = calloc(SG_OAUTH_REVOKED_MAX, sizeof *list);
    size_t count = 0;
    enum sg_err err = list == NULL ? SG_ERR_NO_MEMORY : SG_OK;

    if (err == SG_OK)
        err =
            o->store.vt->revoked(o->store.self, clock_now_ns(), SG_OAUTH_REVOKED_MAX, list, &count);
    for (size_t i = 0; err == SG_OK && i < count; i++)
        enter(o, &list[i]);
    free(list);
    return err;
}

/* -- life -------------------------------------------------------------------------------------- */

enum sg_err oauth_new(const struct oauth_store *store, struct identity *identity,
                      const struct oauth_config *config, struct oauth **ret)
{
    struct oauth *o = calloc(1, sizeof *o);
    enum sg_err err;

    if (o == NULL)
        return SG_ERR_NO_MEMORY;
    o->store = *store;
    o->identity = identity;
    o->config = *config;
    pthread_rwlock_init(&o->revoked_lock, NULL);
    o->codes = throttle_new();
    o->revoked = calloc(SG_REVOKED_SLOTS, sizeof *o->revoked);
    err = o->codes == NULL || o->revoked == NULL ? SG_ERR_NO_MEMORY : load(o);
    if (err != SG_OK) {
        oauth_free(o);
        return err;
    }
    identity_set_revoked(identity, is_revoked, o);
    *ret = o;
    return SG_OK;
}

void oauth_free(struct oauth *o)
{
    if (o == NULL)
        return;
    free(o->revoked);
    throttle_free(o->codes);
    pthread_rwlock_destroy(&o->revoked_lock);
    free(o);
}

void oauth_prune(struct oauth *o)
{
    enum sg_err err = o->store.vt->prune(o->store.self, clock_now_ns());

    (void)err; /* the next time will do */
}

const char *oauth_issuer(const struct oauth *o)
{
    return o->config.issuer;
}

void oauth_uri(const struct oauth *o, const char *path, char *ret, size_t size)
{
    size_t len = strlen(o->config.issuer);

    while (len > 0 && o->config.issuer[len - 1] == '/')
        len--;
    (void)snprintf(ret, size, "%.*s%s", (int)len, o->config.issuer, path);
}

enum sg_err oauth_refuse(struct oauth_refusal *ret, const char *error, const char *description)
{
    ret->error = error;
    ret->description = description;
    return SG_ERR_BAD_REQUEST;
}

bool oauth_name_ok(const char *name)
{
    size_t len = strnlen(name, SG_OAUTH_NAME_SIZE);

    if (len == 0 || len == SG_OAUTH_NAME_SIZE || u8_check((const uint8_t *)name, len) != NULL ||
        u8_mbsnlen((const uint8_t *)name, len) > NAME_MAX_CHARACTERS)
        return false;
    return !text_has_control(name, len);
}
