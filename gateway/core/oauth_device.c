/* SPDX-License-Identifier: Apache-2.0 */
/* Devices without a browser (RFC 8628): codes, who lets them in, and their session. Codes are kept
 * as digests only. */
#include "core/oauth_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/rng.h"
#include "base/secret.h"
#include "core/sha256.h"

#define SYMBOLS 8
#define TRIES   4 /* for a user code that nobody has */

/* No vowels, so no words (RFC 8628, section 6.1). */
static const char alphabet[] = "BCDFGHJKLMNPQRSTVWXZ";
#define LETTERS (sizeof alphabet - 1)

static void make_user_code(char ret[SG_USER_CODE_SIZE], uint8_t ret_sha256[SG_DIGEST_SIZE])
{
    char plain[SYMBOLS];

    for (size_t i = 0; i < SYMBOLS;) {
        uint8_t random;

        rng_bytes(&random, 1);
        if (random < 256 / LETTERS * LETTERS) /* all alike */
            plain[i++] = alphabet[random % LETTERS];
    }
    (void)snprintf(ret, SG_USER_CODE_SIZE, "%.4s-%.4s", plain, plain + 4);
    sha256_digest(plain, sizeof plain, ret_sha256);
}

/* SG_ERR_NOT_FOUND for what cannot be one. */
static enum sg_err read_user_code(const char *text, uint8_t ret_sha256[SG_DIGEST_SIZE])
{
    char plain[SYMBOLS];
    size_t count = 0;

    for (; *text != '\0'; text++) {
        char c = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;

        if (c == '-' || c == ' ')
            continue;
        if (strchr(alphabet, c) == NULL || count == SYMBOLS)
            return SG_ERR_NOT_FOUND;
        plain[count++] = c;
    }
    if (count != SYMBOLS)
        return SG_ERR_NOT_FOUND;
    sha256_digest(plain, sizeof plain, ret_sha256);
    return SG_OK;
}

static void make_device_code(char ret[SG_DEVICE_CODE_SIZE], uint8_t ret_sha256[SG_DIGEST_SIZE])
{
    char text[SG_BASE64_SIZE(32)];
    uint8_t random[32];

    rng_bytes(random, sizeof random);
    encode_base64url(random, sizeof random, text);
    (void)snprintf(ret, SG_DEVICE_CODE_SIZE, "sgd_%s", text);
    sha256_digest(ret, strlen(ret), ret_sha256);
    secret_wipe(random, sizeof random);
    secret_wipe(text, sizeof text);
}

enum sg_err oauth_device_begin(struct oauth *o, const struct oauth_client *client, unsigned scopes,
                               const char *address, struct device_codes *ret)
{
    int64_t now_ns = clock_now_ns();
    struct device_grant grant = {.scopes = scopes,
                                 .created_ns = now_ns,
                                 .expires_ns = now_ns + SG_DEVICE_LIFETIME_S * SG_NS_PER_S,
                                 .polled_ns = 0, /* it may ask at once */
                                 .interval_s = SG_DEVICE_INTERVAL_S};
    struct device_codes codes = {.user_code = ""};
    enum sg_err err = SG_ERR_NAME_TAKEN;

    (void)snprintf(grant.client_id, sizeof grant.client_id, "%s", client->id);
    (void)snprintf(grant.address, sizeof grant.address, "%s", address);
    make_device_code(codes.device_code, grant.device_sha256);
    for (int i = 0; i < TRIES && err == SG_ERR_NAME_TAKEN; i++) {
        make_user_code(codes.user_code, grant.user_sha256);
        err = o->store.vt->device_add(o->store.self, &grant, SG_DEVICES_WAITING,
                                      SG_DEVICES_OF_ADDRESS);
    }
    if (err == SG_OK)
        *ret = codes;
    secret_wipe(&codes, sizeof codes);
    return err == SG_ERR_LIMIT        ? SG_ERR_THROTTLED
           : err == SG_ERR_NAME_TAKEN ? SG_ERR_OVERLOADED
                                      : err;
}

/* One user code in eight letters among those that wait: who guesses has to slow down. */
static enum sg_err find(struct oauth *o, const char *user_code, const char *address,
                        struct device_grant *ret, unsigned *ret_retry_after_s)
{
    uint8_t digest[SG_DIGEST_SIZE];
    enum sg_err err = throttle_code(o->codes, address, ret_retry_after_s);

    if (err == SG_OK)
        err = read_user_code(user_code, digest);
    if (err == SG_OK)
        err = o->store.vt->device_get(o->store.self, digest, clock_now_ns(), ret);
    if (err == SG_ERR_NOT_FOUND)
        throttle_code_failed(o->codes, address);
    return err;
}

enum sg_err oauth_device_get(struct oauth *o, const char *user_code, const char *address,
                             struct device_grant *ret, unsigned *ret_retry_after_s)
{
    return find(o, user_code, address, ret, ret_retry_after_s);
}

enum sg_err oauth_device_decide(struct oauth *o, const struct principal *who, const char *user_code,
                                bool approve, const char *address, struct device_grant *ret,
                                unsigned *ret_retry_after_s)
{
    struct device_grant grant;
    enum sg_err err = find(o, user_code, address, &grant, ret_retry_after_s);

    if (err != SG_OK)
        return err;
    /* Of scopes that were asked for, what the user has now and was shown: no other one that comes
     * with a later role. */
    if (who->narrowed || grant.scopes != 0) {
        grant.scopes = (grant.scopes != 0 ? grant.scopes : ~0U) & who->scopes;
        if (grant.scopes == 0 && approve)
            return SG_ERR_FORBIDDEN;
    }
    const struct device_decision decision = {.user_sha256 = grant.user_sha256,
                                             .user_id = who->user_id,
                                             .session_id = who->session_id,
                                             .scopes = grant.scopes,
                                             .approve = approve,
                                             .now_ns = clock_now_ns()};
    err = o->store.vt->device_decide(o->store.self, &decision);
    if (err == SG_OK)
        *ret = grant;
    return err;
}

/* The session of a device that was let in. */
static enum sg_err open_session(struct oauth *o, const struct device_grant *grant,
                                const struct oauth_client *client, const struct presented *with,
                                struct grant *ret, struct oauth_refusal *refusal)
{
    const struct session_proof proof = {.device_sha256 = grant->device_sha256};
    const struct login login = {.method = SG_METHOD_DEVICE,
                                .user_id = grant->user_id,
                                .proof = &proof,
                                .client_id = client->id,
                                .device_name = client->name,
                                .scopes = grant->scopes,
                                .with = with};
    unsigned retry_after_s = 0;
    enum sg_err err = identity_login(o->identity, &login, ret, &retry_after_s);

    if (err == SG_ERR_USER_DISABLED)
        return oauth_refuse(refusal, "invalid_grant", "The user is disabled.");
    /* The user is gone, has a new password, or the device was given its tokens already. */
    if (err == SG_ERR_NOT_FOUND || err == SG_ERR_SESSION_ENDED || err == SG_ERR_BAD_CREDENTIALS)
        return oauth_refuse(refusal, "invalid_grant", "The device is let in no longer.");
    return err;
}

enum sg_err oauth_device_token(struct oauth *o, const char *device_code,
                               const struct oauth_client *client, const struct presented *with,
                               struct grant *ret, struct oauth_refusal *ret_refusal)
{
    enum device_poll answer = SG_POLL_EXPIRED;
    uint8_t digest[SG_DIGEST_SIZE];
    struct device_grant grant;
    enum sg_err err;

    sha256_digest(device_code, strlen(device_code), digest);
    err = o->store.vt->device_poll(o->store.self, digest, client->id, clock_now_ns(), &grant,
                                   &answer);
    if (err == SG_ERR_NOT_FOUND)
        return oauth_refuse(ret_refusal, "invalid_grant", "The device code is not valid.");
    if (err != SG_OK)
        return err;
    switch (answer) {
    case SG_POLL_PENDING:
        return oauth_refuse(ret_refusal, "authorization_pending", "Nobody has decided yet.");
    case SG_POLL_SLOW_DOWN:
        return oauth_refuse(ret_refusal, "slow_down", "Wait five seconds more between requests.");
    case SG_POLL_DENIED:
        return oauth_refuse(ret_refusal, "access_denied", "The device was not let in.");
    case SG_POLL_EXPIRED:
        return oauth_refuse(ret_refusal, "expired_token", "The device code has expired.");
    case SG_POLL_APPROVED:
        break;
    }
    return open_session(o, &grant, client, with, ret, ret_refusal);
}
