/* SPDX-License-Identifier: Apache-2.0 */
/* Who else may ask, and what tokens may be for. A client's secret is told once and never kept. */
#include "core/identity_internal.h"
#include "core/oauth_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/rng.h"
#include "base/secret.h"
#include "core/sha256.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const struct oauth_client builtin[] = {
    {.id = "secctl", .name = "secctl", .grants = SG_GRANTS_ALL},
    {.id = "web", .name = "Web page", .grants = SG_GRANTS_ALL},
};
#define BUILTIN (sizeof builtin / sizeof builtin[0])

static const struct {
    unsigned bit;
    const char *text;
} grants[] = {
#define X(name, bit, text) {1U << (bit), (text)},
    SG_OAUTH_GRANT_TABLE(X)
#undef X
};

const char *oauth_grant_name(unsigned bit)
{
    for (size_t i = 0; i < sizeof grants / sizeof grants[0]; i++)
        if (grants[i].bit == bit)
            return grants[i].text;
    return "";
}

enum sg_err oauth_grant_parse(const char *text, unsigned *ret_bit)
{
    for (size_t i = 0; i < sizeof grants / sizeof grants[0]; i++)
        if (strcmp(grants[i].text, text) == 0) {
            *ret_bit = grants[i].bit;
            return SG_OK;
        }
    return SG_ERR_BAD_FIELD;
}

enum sg_err oauth_scopes_parse(const char *text, unsigned *ret)
{
    unsigned scopes = 0;

    while (*text != '\0') {
        char word[32];
        size_t len = strcspn(text, " ");
        unsigned bit;

        if (len > 0) {
            if (len >= sizeof word)
                return SG_ERR_BAD_FIELD;
            memcpy(word, text, len);
            word[len] = '\0';
            bit = identity_scopes_parse(word);
            if (bit == 0)
                return SG_ERR_BAD_FIELD;
            scopes |= bit;
        }
        text += len;
        text += strspn(text, " ");
    }
    if (scopes == 0)
        return SG_ERR_BAD_FIELD;
    *ret = scopes;
    return SG_OK;
}

/* -- clients ----------------------------------------------------------------------------------- */

static enum sg_err find_client(struct oauth *o, const char *id, struct oauth_client *ret)
{
    if (strnlen(id, SG_CLIENT_ID_SIZE) == SG_CLIENT_ID_SIZE)
        return SG_ERR_NOT_FOUND;
    for (size_t i = 0; i < BUILTIN; i++)
        if (strcmp(builtin[i].id, id) == 0) {
            *ret = builtin[i];
            return SG_OK;
        }
    return o->store.vt->client_get(o->store.self, id, ret);
}

enum sg_err oauth_client_check(struct oauth *o, const char *id, const char *secret,
                               struct oauth_client *ret)
{
    struct oauth_client client;
    uint8_t digest[SG_DIGEST_SIZE];
    enum sg_err err = find_client(o, id, &client);

    if (err == SG_ERR_NOT_FOUND)
        return SG_ERR_BAD_CREDENTIALS;
    if (err != SG_OK)
        return err;
    if (client.confidential != (secret != NULL && secret[0] != '\0'))
        return SG_ERR_BAD_CREDENTIALS;
    if (client.confidential) {
        sha256_digest(secret, strlen(secret), digest);
        if (!secret_equal(digest, client.secret_sha256, sizeof digest))
            return SG_ERR_BAD_CREDENTIALS;
    }
    secret_wipe(client.secret_sha256, sizeof client.secret_sha256);
    *ret = client;
    return SG_OK;
}

void oauth_client_name(struct oauth *o, const char *id, char ret[SG_OAUTH_NAME_SIZE])
{
    struct oauth_client client;

    (void)snprintf(ret, SG_OAUTH_NAME_SIZE, "%s", id);
    if (find_client(o, id, &client) == SG_OK)
        memcpy(ret, client.name, SG_OAUTH_NAME_SIZE);
}

static bool client_id_ok(const char *id)
{
    size_t len = strnlen(id, SG_CLIENT_ID_SIZE);

    return len > 0 && len < SG_CLIENT_ID_SIZE && strchr(LETTERS, id[0]) != NULL &&
           strspn(id, LETTERS "._-") == len;
}

/* The names of ourselves: tokens that no client asked for carry one of them. */
static bool is_reserved(const struct oauth *o, const char *id)
{
    for (size_t i = 0; i < BUILTIN; i++)
        if (strcmp(builtin[i].id, id) == 0)
            return true;
    return strcmp(id, o->config.audience) == 0;
}

static void make_secret(uint8_t ret_sha256[SG_DIGEST_SIZE], char ret[SG_OAUTH_SECRET_SIZE])
{
    char text[SG_BASE64_SIZE(32)];
    uint8_t random[32];

    rng_bytes(random, sizeof random);
    encode_base64url(random, sizeof random, text);
    (void)snprintf(ret, SG_OAUTH_SECRET_SIZE, "sgc_%s", text);
    sha256_digest(ret, strlen(ret), ret_sha256);
    secret_wipe(random, sizeof random);
    secret_wipe(text, sizeof text);
}

enum sg_err oauth_client_create(struct oauth *o, const char *id, const char *name,
                                bool confidential, unsigned allowed, struct oauth_client *ret,
                                char ret_secret[SG_OAUTH_SECRET_SIZE], const char **ret_reason)
{
    struct oauth_client client = {.confidential = confidential, .grants = allowed};
    uint8_t random[8];
    enum sg_err err;

    *ret_reason = "id: letters, digits and ._- after a letter or digit, 63 at most";
    if (id != NULL && !client_id_ok(id))
        return SG_ERR_BAD_FIELD;
    *ret_reason = "name: 1 to 64 characters, no control characters";
    if (!oauth_name_ok(name))
        return SG_ERR_BAD_FIELD;
    *ret_reason = "grants: unknown, or none";
    /* A client without a grant can still introspect, if it has a secret. */
    if ((allowed & ~SG_GRANTS_ALL) != 0 || (allowed == 0 && !confidential))
        return SG_ERR_BAD_FIELD;
    if (id != NULL && is_reserved(o, id))
        return SG_ERR_NAME_TAKEN;
    rng_bytes(random, sizeof random);
    encode_hex(random, sizeof random, client.id);
    if (id != NULL)
        (void)snprintf(client.id, sizeof client.id, "%s", id);
    (void)snprintf(client.name, sizeof client.name, "%s", name);
    client.created_ns = clock_now_ns();
    ret_secret[0] = '\0';
    if (confidential)
        make_secret(client.secret_sha256, ret_secret);
    err = o->store.vt->client_add(o->store.self, &client);
    secret_wipe(client.secret_sha256, sizeof client.secret_sha256);
    if (err != SG_OK)
        secret_wipe(ret_secret, SG_OAUTH_SECRET_SIZE);
    else
        *ret = client;
    return err;
}

enum sg_err oauth_clients(struct oauth *o, size_t limit, struct oauth_client *ret,
                          size_t *ret_count)
{
    enum sg_err err = o->store.vt->client_list(o->store.self, limit, ret, ret_count);

    for (size_t i = 0; err == SG_OK && i < *ret_count; i++)
        secret_wipe(ret[i].secret_sha256, sizeof ret[i].secret_sha256);
    return err;
}

enum sg_err oauth_client_remove(struct oauth *o, const char *id)
{
    enum sg_err err;

    if (strnlen(id, SG_CLIENT_ID_SIZE) == SG_CLIENT_ID_SIZE)
        return SG_ERR_NOT_FOUND;
    err = o->store.vt->client_remove(o->store.self, id);
    if (err == SG_OK)
        identity_rights_changed(o->identity, 0);
    return err;
}

/* -- audiences --------------------------------------------------------------------------------- */

enum sg_err oauth_is_service(struct oauth *o, const struct oauth_client *client,
                             const char *audience, bool *ret)
{
    struct oauth_audience record;
    enum sg_err err;

    *ret = false;
    if (client == NULL || !client->confidential)
        return SG_OK;
    if (strlen(audience) >= SG_OAUTH_AUDIENCE_SIZE)
        return SG_OK;
    err = o->store.vt->audience_get(o->store.self, audience, &record);
    if (err != SG_OK) /* one that was removed is nobody's */
        return err == SG_ERR_NOT_FOUND ? SG_OK : err;
    *ret = strcmp(client->id, record.client_id[0] != '\0' ? record.client_id : audience) == 0;
    return SG_OK;
}

/* Only a client with a secret can show that it is the service. */
static enum sg_err find_service(struct oauth *o, const char *client_id, char ret[SG_CLIENT_ID_SIZE])
{
    struct oauth_client client;
    enum sg_err err = find_client(o, client_id, &client);

    if (err == SG_ERR_NOT_FOUND || (err == SG_OK && !client.confidential))
        return SG_ERR_BAD_FIELD;
    if (err != SG_OK)
        return err;
    memcpy(ret, client.id, SG_CLIENT_ID_SIZE);
    secret_wipe(client.secret_sha256, sizeof client.secret_sha256);
    return SG_OK;
}

enum sg_err oauth_audience_create(struct oauth *o, const char *audience, const char *name,
                                  unsigned scopes, const char *client_id,
                                  struct oauth_audience *ret, const char **ret_reason)
{
    struct oauth_audience record = {.scopes = scopes, .created_ns = clock_now_ns()};
    size_t len = strnlen(audience, SG_OAUTH_AUDIENCE_SIZE);
    enum sg_err err;

    *ret_reason = "audience: 1 to 255 letters, digits and ._:/-";
    if (len == 0 || len == SG_OAUTH_AUDIENCE_SIZE || strspn(audience, LETTERS "._:/-") != len)
        return SG_ERR_BAD_FIELD;
    *ret_reason = "name: 1 to 64 characters, no control characters";
    if (!oauth_name_ok(name))
        return SG_ERR_BAD_FIELD;
    *ret_reason = "scopes: none";
    if (scopes == 0)
        return SG_ERR_BAD_FIELD;
    if (strcmp(audience, o->config.audience) == 0 || strcmp(audience, o->config.issuer) == 0)
        return SG_ERR_NAME_TAKEN;
    *ret_reason = "client: is not registered with a secret";
    err = client_id != NULL ? find_service(o, client_id, record.client_id) : SG_OK;
    if (err != SG_OK)
        return err;
    memcpy(record.audience, audience, len + 1);
    (void)snprintf(record.name, sizeof record.name, "%s", name);
    err = o->store.vt->audience_add(o->store.self, &record);
    if (err == SG_OK)
        *ret = record;
    return err == SG_ERR_NOT_FOUND ? SG_ERR_BAD_FIELD : err; /* the client was removed meanwhile */
}

enum sg_err oauth_audiences(struct oauth *o, size_t limit, struct oauth_audience *ret,
                            size_t *ret_count)
{
    return o->store.vt->audience_list(o->store.self, limit, ret, ret_count);
}

enum sg_err oauth_audience_remove(struct oauth *o, const char *audience)
{
    return o->store.vt->audience_remove(o->store.self, audience);
}
