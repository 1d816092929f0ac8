/* SPDX-License-Identifier: Apache-2.0 */
/* Checks registrations and logins step by step; signatures and keys are libfido2's. */
#include "core/passkeys.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"
#include "core/passkeys_challenges.h"
#include "core/passkeys_data.h"
#include "core/passkeys_fido.h"
#include "core/sha256.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN_SIZE (SG_PASSKEY_HOST_SIZE + 16)

struct passkeys {
    struct factors_store store;
    struct passkeys_challenges *challenges;
    uint8_t handle_key[32];
    char origin[ORIGIN_SIZE];
    char rp_id[SG_PASSKEY_HOST_SIZE];
    uint8_t rp_sha256[SG_DIGEST_SIZE];
};

const int passkeys_algorithms[SG_PASSKEY_ALGORITHMS] = {-8, -7, -257};

/* -- the object -----------------------------------------------------------------------------------
 */

/* Origin (RFC 6454: scheme, host, port unless it is the scheme's own) and host of an address. */
static enum sg_err read_issuer(const char *issuer, struct passkeys *p)
{
    bool secure = strncmp(issuer, "https://", 8) == 0;
    const char *host, *port;
    size_t all, len;

    if (!secure && strncmp(issuer, "http://", 7) != 0)
        return SG_ERR_BAD_FIELD;
    host = issuer + (secure ? 8 : 7);
    all = strcspn(host, "/?#");
    if (memchr(host, '@', all) != NULL)
        return SG_ERR_BAD_FIELD;
    len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
    if (len == 0 || len > all || len >= SG_PASSKEY_HOST_SIZE || all - len > 6)
        return SG_ERR_BAD_FIELD;
    for (size_t i = 0; i < len; i++)
        p->rp_id[i] = (char)tolower((unsigned char)host[i]);
    p->rp_id[len] = '\0';
    port = host + len;
    all -= len;
    if (all == 0 || strncmp(port, secure ? ":443" : ":80", all) == 0)
        all = 0;
    (void)snprintf(p->origin, sizeof p->origin, "%s%s%.*s", secure ? "https://" : "http://",
                   p->rp_id, (int)all, port);
    return SG_OK;
}

enum sg_err passkeys_new(const struct factors_store *store, const uint8_t key[32],
                         const char *issuer, struct passkeys **ret)
{
    static const char label[] = "secgate passkey users";
    struct passkeys *p = calloc(1, sizeof *p);
    enum sg_err err;

    if (p == NULL)
        return SG_ERR_NO_MEMORY;
    p->store = *store;
    p->challenges = passkeys_challenges_new();
    err = p->challenges != NULL ? read_issuer(issuer, p) : SG_ERR_NO_MEMORY;
    if (err != SG_OK) {
        passkeys_free(p);
        return err;
    }
    sha256_digest(p->rp_id, strlen(p->rp_id), p->rp_sha256);
    sha256_hmac(key, 32, label, sizeof label - 1, p->handle_key);
    *ret = p;
    return SG_OK;
}

void passkeys_free(struct passkeys *p)
{
    if (p == NULL)
        return;
    passkeys_challenges_free(p->challenges);
    secret_wipe(p, sizeof *p);
    free(p);
}

const char *passkeys_rp_id(const struct passkeys *p)
{
    return p->rp_id;
}

void passkeys_handle(const struct passkeys *p, int64_t user_id, uint8_t ret[SG_PASSKEY_HANDLE_SIZE])
{
    uint8_t text[8];

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)((uint64_t)user_id >> (56 - 8 * i));
    sha256_hmac(p->handle_key, sizeof p->handle_key, text, sizeof text, ret);
}

void passkeys_challenge_create(struct passkeys *p, int64_t user_id,
                               uint8_t ret[SG_PASSKEY_CHALLENGE_SIZE])
{
    passkeys_challenges_make(p->challenges, SG_CHALLENGE_CREATE, user_id, ret);
}

void passkeys_challenge_get(struct passkeys *p, int64_t user_id,
                            uint8_t ret[SG_PASSKEY_CHALLENGE_SIZE])
{
    passkeys_challenges_make(p->challenges, user_id == 0 ? SG_CHALLENGE_GET : SG_CHALLENGE_GET_AS,
                             user_id, ret);
}

/* -- what both ceremonies check -------------------------------------------------------------------
 */

static enum sg_err refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return SG_ERR_BAD_FACTOR;
}

static bool is(const char *text, size_t len, const char *expected)
{
    return len == strlen(expected) && memcmp(text, expected, len) == 0;
}

/* Type, origin and form of the challenge. */
static enum sg_err check_client_data(const struct passkeys *p, const struct passkey_bytes *bytes,
                                     const char *type, uint8_t ret[SG_PASSKEY_CHALLENGE_SIZE],
                                     const char **ret_reason)
{
    struct passkey_client_data data;
    size_t len = 0;

    if (passkeys_client_data(bytes->data, bytes->len, &data) != SG_OK)
        return refuse(ret_reason, "client_data: is not as browsers write it");
    if (!is(data.type, data.type_len, type))
        return refuse(ret_reason, "client_data: is of another type");
    if (!is(data.origin, data.origin_len, p->origin))
        return refuse(ret_reason, "client_data: comes from another origin than the gateway's");
    if (data.cross_origin)
        return refuse(ret_reason, "client_data: comes from a page inside another one");
    if (encode_unbase64url(data.challenge, data.challenge_len, ret, SG_PASSKEY_CHALLENGE_SIZE,
                           &len) != SG_OK ||
        len != SG_PASSKEY_CHALLENGE_SIZE)
        return refuse(ret_reason, "client_data: the challenge is not one of this gateway");
    return SG_OK;
}

static enum sg_err check_auth_head(const struct passkeys *p, const struct passkey_bytes *bytes,
                                   struct passkey_auth_head *ret, const char **ret_reason)
{
    if (passkeys_auth_head(bytes->data, bytes->len, ret) != SG_OK)
        return refuse(ret_reason, "The authenticator's data is malformed.");
    if (memcmp(ret->rp_sha256, p->rp_sha256, SG_DIGEST_SIZE) != 0)
        return refuse(ret_reason, "The passkey is for another site.");
    if ((ret->flags & SG_PASSKEY_UP) == 0)
        return refuse(ret_reason, "The authenticator did not see a user.");
    if ((ret->flags & SG_PASSKEY_UV) == 0)
        return refuse(ret_reason, "The authenticator did not verify the user.");
    return SG_OK;
}

static enum sg_err use_challenge(struct passkeys *p,
                                 const uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE],
                                 const char **ret_reason)
{
    enum sg_err err = passkeys_challenges_use(p->challenges, challenge);

    if (err == SG_ERR_BAD_FACTOR)
        return refuse(ret_reason,
                      "The challenge was used before, or many were since: begin again.");
    return err;
}

/* -- registration (section 7.1) -------------------------------------------------------------------
 */

static enum sg_err check_create_challenge(const struct passkeys *p, int64_t user_id,
                                          const uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE],
                                          const char **ret_reason)
{
    enum challenge_purpose purpose;

    if (passkeys_challenges_purpose(challenge, &purpose) != SG_OK ||
        purpose != SG_CHALLENGE_CREATE ||
        !passkeys_challenges_valid(p->challenges, user_id, challenge))
        return refuse(ret_reason, "The challenge is not for this, or its five minutes are over.");
    return SG_OK;
}

/* Fills id, key and counter. */
static enum sg_err check_attestation(const struct passkeys *p, const struct passkey_attestation *a,
                                     struct passkey_record *ret, const char **ret_reason)
{
    struct passkey_attestation_object object;
    struct passkey_auth_head head;
    enum sg_err err = passkeys_attestation_object(a->attestation.data, a->attestation.len, &object);

    if (err != SG_OK)
        return refuse(ret_reason, "attestation: is not an object of the format none, or packed "
                                  "without certificates");
    err = check_auth_head(p, &object.auth_data, &head, ret_reason);
    if (err != SG_OK)
        return err;
    if ((head.flags & SG_PASSKEY_AT) == 0)
        return refuse(ret_reason, "attestation: holds no passkey");
    err = passkeys_fido_attested(p->rp_id, &a->client_data, &object, ret);
    if (err == SG_ERR_BAD_FACTOR)
        return refuse(ret_reason, "attestation: the key is of no offered algorithm, or its "
                                  "signature is wrong");
    if (err == SG_OK && (a->id.len != ret->id_len || memcmp(a->id.data, ret->id, ret->id_len) != 0))
        return refuse(ret_reason, "id: is not the one in the attestation");
    ret->sign_count = head.sign_count;
    return err;
}

enum sg_err passkeys_register(struct passkeys *p, int64_t user_id, const char *name,
                              const struct passkey_attestation *a, struct passkey_record *ret,
                              const char **ret_reason)
{
    struct passkey_record key = {.user_id = user_id, .created_ns = clock_now_ns()};
    uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE];
    enum sg_err err =
        check_client_data(p, &a->client_data, "webauthn.create", challenge, ret_reason);

    if (err == SG_OK)
        err = check_create_challenge(p, user_id, challenge, ret_reason);
    if (err == SG_OK)
        err = check_attestation(p, a, &key, ret_reason);
    if (err != SG_OK)
        return err;
    if (strlen(name) >= sizeof key.name)
        return SG_ERR_BAD_FIELD;
    (void)snprintf(key.name, sizeof key.name, "%s", name);
    err = use_challenge(p, challenge, ret_reason);
    if (err != SG_OK)
        return err;
    err = p->store.vt->passkey_add(p->store.self, &key);
    if (err == SG_OK)
        *ret = key;
    else /* the same passkey may be offered again, under another name */
        passkeys_challenges_unuse(p->challenges, challenge);
    return err;
}

/* -- login (section 7.2) --------------------------------------------------------------------------
 */

/* The challenge counts for the key's user, and the handle, which must be there when nobody was
 * named before, is that user's. */
static enum sg_err check_user(const struct passkeys *p, const struct passkey_assertion *a,
                              const struct passkey_record *key,
                              const uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE],
                              const char **ret_reason)
{
    uint8_t handle[SG_PASSKEY_HANDLE_SIZE];
    enum challenge_purpose purpose;

    if (passkeys_challenges_purpose(challenge, &purpose) != SG_OK ||
        purpose == SG_CHALLENGE_CREATE ||
        !passkeys_challenges_valid(p->challenges, purpose == SG_CHALLENGE_GET ? 0 : key->user_id,
                                   challenge))
        return refuse(ret_reason, "The challenge is not for this, or its five minutes are over.");
    if (a->user_handle.data == NULL)
        return purpose == SG_CHALLENGE_GET_AS
                   ? SG_OK
                   : refuse(ret_reason, "user_handle: is needed without a user name");
    passkeys_handle(p, key->user_id, handle);
    if (a->user_handle.len != sizeof handle ||
        memcmp(a->user_handle.data, handle, sizeof handle) != 0)
        return refuse(ret_reason, "user_handle: is not of the passkey's user");
    return SG_OK;
}

static enum sg_err check_assertion(struct passkeys *p, const struct passkey_assertion *a,
                                   struct passkey_record *key, const char **ret_reason)
{
    uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE];
    struct passkey_auth_head head;
    enum sg_err err = check_client_data(p, &a->client_data, "webauthn.get", challenge, ret_reason);

    if (err == SG_OK)
        err = p->store.vt->passkey(p->store.self, a->id.data, a->id.len, key);
    if (err == SG_ERR_NOT_FOUND)
        return refuse(ret_reason, "The passkey is not registered here.");
    if (err == SG_OK)
        err = check_user(p, a, key, challenge, ret_reason);
    if (err == SG_OK)
        err = check_auth_head(p, &a->authenticator_data, &head, ret_reason);
    if (err != SG_OK)
        return err;
    err = passkeys_fido_asserted(p->rp_id, a, key);
    if (err == SG_ERR_BAD_FACTOR)
        return refuse(ret_reason, "The signature is not the passkey's.");
    if (err == SG_OK)
        err = use_challenge(p, challenge, ret_reason);
    key->sign_count = head.sign_count;
    return err;
}

enum sg_err passkeys_verify(struct passkeys *p, const struct passkey_assertion *a,
                            struct passkey_record *ret, const char **ret_reason)
{
    struct passkey_record key = {.id_len = 0};
    enum sg_err err = check_assertion(p, a, &key, ret_reason);

    ret->user_id = 0;
    if (err != SG_OK)
        return err;
    key.last_used_ns = clock_now_ns();
    err = p->store.vt->passkey_used(p->store.self, key.id, key.id_len, key.sign_count,
                                    key.last_used_ns);
    if (err == SG_ERR_CONFLICT) {
        ret->user_id = key.user_id;
        return refuse(ret_reason,
                      "The passkey's counter has not gone up: there may be a copy of it.");
    }
    if (err == SG_ERR_NOT_FOUND) /* removed meanwhile */
        return refuse(ret_reason, "The passkey is not registered here.");
    if (err == SG_OK)
        *ret = key;
    return err;
}

/* -- the user's own -------------------------------------------------------------------------------
 */

enum sg_err passkeys_list(struct passkeys *p, int64_t user_id,
                          struct passkey_record ret[SG_PASSKEYS_PER_USER], size_t *ret_count)
{
    return p->store.vt->passkey_list(p->store.self, user_id, ret, ret_count);
}

enum sg_err passkeys_remove(struct passkeys *p, int64_t user_id, const uint8_t *id, size_t id_len)
{
    return p->store.vt->passkey_remove(p->store.self, user_id, id, id_len);
}
