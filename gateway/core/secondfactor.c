/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of codes: when one is needed, which one counts, and that it counts once. */
#include "core/secondfactor.h"

#include "base/clock.h"
#include "base/rng.h"
#include "base/secret.h"
#include "core/recovery.h"
#include "core/sha256.h"
#include "core/totp.h"

#include <gnutls/crypto.h>
#include <qrencode.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NONCE_SIZE  12
#define TAG_SIZE    16
#define SEALED_SIZE (NONCE_SIZE + SG_TOTP_SECRET_SIZE + TAG_SIZE)
#define HOST_SIZE   256
#define CODE_MAX    64 /* characters of a typed code */

_Static_assert(SEALED_SIZE <= SG_TOTP_SEALED_MAX, "a sealed secret fits its record");

struct secondfactor {
    struct factors_store store;
    uint8_t seal_key[SG_FACTOR_KEY_SIZE], code_key[SG_FACTOR_KEY_SIZE];
    char host[HOST_SIZE];
};

/* -- the object -----------------------------------------------------------------------------------
 */

/* One key for each use, so that no nonce or text of one can meet those of another. */
static void derive(const uint8_t key[SG_FACTOR_KEY_SIZE], const char *label,
                   uint8_t ret[SG_FACTOR_KEY_SIZE])
{
    sha256_hmac(key, SG_FACTOR_KEY_SIZE, label, strlen(label), ret);
}

/* Host and port of an address, for people: "https://gate.example:8443/" is gate.example:8443. */
static void host_of(const char *issuer, char ret[HOST_SIZE])
{
    const char *host = strstr(issuer, "://");

    host = host != NULL ? host + 3 : issuer;
    (void)snprintf(ret, HOST_SIZE, "%.*s", (int)strcspn(host, "/?#"), host);
}

enum sg_err secondfactor_new(const struct factors_store *store,
                             const uint8_t key[SG_FACTOR_KEY_SIZE], const char *issuer,
                             struct secondfactor **ret)
{
    struct secondfactor *f = calloc(1, sizeof *f);

    if (f == NULL)
        return SG_ERR_NO_MEMORY;
    f->store = *store;
    derive(key, "secgate totp secrets", f->seal_key);
    derive(key, "secgate recovery codes", f->code_key);
    host_of(issuer, f->host);
    *ret = f;
    return SG_OK;
}

void secondfactor_free(struct secondfactor *f)
{
    if (f == NULL)
        return;
    secret_wipe(f, sizeof *f);
    free(f);
}

/* -- secrets at rest ------------------------------------------------------------------------------
 */

/* What a sealed secret belongs to: it opens for no other user. */
static size_t associated(int64_t user_id, char ret[48])
{
    int len = snprintf(ret, 48, "totp|%lld", (long long)user_id);

    return len > 0 ? (size_t)len : 0;
}

static enum sg_err seal(const struct secondfactor *f, int64_t user_id,
                        const uint8_t secret[SG_TOTP_SECRET_SIZE], struct totp_record *ret)
{
    const gnutls_datum_t key = {(unsigned char *)(uintptr_t)f->seal_key, sizeof f->seal_key};
    gnutls_aead_cipher_hd_t cipher;
    char aad[48];
    size_t aad_len = associated(user_id, aad), len = SEALED_SIZE - NONCE_SIZE;
    int rc = gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_256_GCM, &key);

    if (rc < 0)
        return SG_ERR_NO_MEMORY;
    rng_bytes(ret->sealed, NONCE_SIZE);
    rc = gnutls_aead_cipher_encrypt(cipher, ret->sealed, NONCE_SIZE, aad, aad_len, TAG_SIZE, secret,
                                    SG_TOTP_SECRET_SIZE, ret->sealed + NONCE_SIZE, &len);
    gnutls_aead_cipher_deinit(cipher);
    if (rc < 0)
        return SG_ERR_INTERNAL;
    ret->sealed_len = NONCE_SIZE + len;
    return SG_OK;
}

/* SG_ERR_CORRUPT: it is not as it was sealed, or under another key. */
static enum sg_err unseal(const struct secondfactor *f, int64_t user_id,
                          const struct totp_record *totp, uint8_t ret[SG_TOTP_SECRET_SIZE])
{
    const gnutls_datum_t key = {(unsigned char *)(uintptr_t)f->seal_key, sizeof f->seal_key};
    gnutls_aead_cipher_hd_t cipher;
    uint8_t secret[SG_TOTP_SECRET_SIZE];
    char aad[48];
    size_t aad_len = associated(user_id, aad), len = sizeof secret;
    int rc;

    if (totp->sealed_len != SEALED_SIZE)
        return SG_ERR_CORRUPT;
    rc = gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_256_GCM, &key);
    if (rc < 0)
        return SG_ERR_NO_MEMORY;
    rc = gnutls_aead_cipher_decrypt(cipher, totp->sealed, NONCE_SIZE, aad, aad_len, TAG_SIZE,
                                    totp->sealed + NONCE_SIZE, SEALED_SIZE - NONCE_SIZE, secret,
                                    &len);
    gnutls_aead_cipher_deinit(cipher);
    if (rc >= 0 && len == sizeof secret)
        memcpy(ret, secret, sizeof secret);
    secret_wipe(secret, sizeof secret);
    return rc >= 0 && len == sizeof secret ? SG_OK : SG_ERR_CORRUPT;
}

/* -- codes ----------------------------------------------------------------------------------------
 */

static int64_t step_now(void)
{
    return clock_now_s() / SG_TOTP_STEP_S;
}

/* A typed code without spaces and hyphens; false when it is too long for any. */
static bool plain_code(const char *code, char ret[CODE_MAX])
{
    size_t len = 0;

    for (; *code != '\0'; code++) {
        if (*code == ' ' || *code == '-')
            continue;
        if (len + 1 == CODE_MAX)
            return false;
        ret[len++] = *code;
    }
    ret[len] = '\0';
    return true;
}

static bool six_digits(const char *code)
{
    return strlen(code) == SG_TOTP_DIGITS && strspn(code, "0123456789") == SG_TOTP_DIGITS;
}

/* The step that a code belongs to. */
static enum sg_err match(const struct secondfactor *f, int64_t user_id,
                         const struct totp_record *totp, const char *code, int64_t *ret_step)
{
    uint8_t secret[SG_TOTP_SECRET_SIZE];
    enum sg_err err = unseal(f, user_id, totp, secret);

    if (err == SG_OK)
        err = totp_match(secret, code, step_now(), totp->last_step, ret_step);
    secret_wipe(secret, sizeof secret);
    return err;
}

static enum sg_err check_totp(struct secondfactor *f, int64_t user_id, const char *code)
{
    struct totp_record totp;
    int64_t step = 0;
    enum sg_err err = f->store.vt->totp(f->store.self, user_id, &totp);

    if (err == SG_OK && totp.confirmed_ns == 0)
        err = SG_ERR_NOT_FOUND;
    if (err == SG_OK)
        err = match(f, user_id, &totp, code, &step);
    if (err == SG_OK)
        err = f->store.vt->totp_use(f->store.self, user_id, step);
    /* Somebody else was first with this step, or TOTP went off meanwhile. */
    return err == SG_ERR_NOT_FOUND || err == SG_ERR_CONFLICT ? SG_ERR_BAD_FACTOR : err;
}

static enum sg_err check_recovery(struct secondfactor *f, int64_t user_id, const char *code)
{
    uint8_t digest[SG_DIGEST_SIZE];
    enum sg_err err = recovery_digest(f->code_key, user_id, code, digest);

    if (err == SG_OK)
        err = f->store.vt->recovery_use(f->store.self, user_id, digest);
    return err == SG_ERR_NOT_FOUND ? SG_ERR_BAD_FACTOR : err;
}

enum sg_err secondfactor_needed(struct secondfactor *f, int64_t user_id, bool *ret)
{
    struct factors_summary summary = {.totp_confirmed_ns = 0};
    enum sg_err err = f != NULL ? f->store.vt->summary(f->store.self, user_id, &summary) : SG_OK;

    if (err == SG_OK)
        *ret = summary.totp_confirmed_ns != 0;
    return err;
}

enum sg_err secondfactor_check(struct secondfactor *f, int64_t user_id, const char *code,
                               bool *ret_recovery)
{
    char plain[CODE_MAX] = "";
    bool recovery;
    enum sg_err err = SG_ERR_BAD_FACTOR;

    if (plain_code(code, plain)) {
        recovery = !six_digits(plain);
        err = recovery ? check_recovery(f, user_id, plain) : check_totp(f, user_id, plain);
        if (err == SG_OK)
            *ret_recovery = recovery;
    }
    secret_wipe(plain, sizeof plain);
    return err;
}

enum sg_err secondfactor_state(struct secondfactor *f, int64_t user_id,
                               struct secondfactor_state *ret)
{
    struct factors_summary summary;
    enum sg_err err = f->store.vt->summary(f->store.self, user_id, &summary);

    if (err == SG_OK)
        *ret = (struct secondfactor_state){.enabled = summary.totp_confirmed_ns != 0,
                                           .created_ns = summary.totp_confirmed_ns,
                                           .recovery_codes = summary.recovery_codes,
                                           .passkeys = summary.passkeys};
    return err;
}

/* -- on and off -----------------------------------------------------------------------------------
 */

enum sg_err secondfactor_begin(struct secondfactor *f, int64_t user_id, const char *user,
                               struct totp_enrolment *ret)
{
    struct totp_record totp = {.created_ns = clock_now_ns()};
    struct totp_enrolment made;
    uint8_t secret[SG_TOTP_SECRET_SIZE];
    enum sg_err err;

    rng_bytes(secret, sizeof secret);
    err = totp_enrol(secret, f->host, user, &made);
    if (err == SG_OK)
        err = seal(f, user_id, secret, &totp);
    if (err == SG_OK)
        err = f->store.vt->totp_begin(f->store.self, user_id, &totp);
    if (err == SG_OK)
        *ret = made;
    secret_wipe(secret, sizeof secret);
    secret_wipe(&made, sizeof made);
    return err;
}

/* Whether a secret that nobody confirmed was made too long ago; also when the clock went back. */
static bool is_over(int64_t created_ns)
{
    int64_t age_ns = clock_now_ns() - created_ns;

    return age_ns < 0 || age_ns >= SG_TOTP_PENDING_S * SG_NS_PER_S;
}

static void make_codes(const struct secondfactor *f, int64_t user_id,
                       char ret[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE],
                       uint8_t ret_digests[SG_RECOVERY_CODES][SG_DIGEST_SIZE])
{
    for (size_t i = 0; i < SG_RECOVERY_CODES; i++)
        recovery_make(f->code_key, user_id, ret[i], ret_digests[i]);
}

enum sg_err secondfactor_confirm(struct secondfactor *f, int64_t user_id, const char *code,
                                 char ret[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE])
{
    char codes[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE], plain[CODE_MAX] = "";
    uint8_t digests[SG_RECOVERY_CODES][SG_DIGEST_SIZE];
    struct totp_record totp;
    enum sg_err err = f->store.vt->totp(f->store.self, user_id, &totp);

    if (err == SG_ERR_NOT_FOUND ||
        (err == SG_OK && (totp.confirmed_ns != 0 || is_over(totp.created_ns))))
        return SG_ERR_CONFLICT;
    if (err == SG_OK && !plain_code(code, plain))
        err = SG_ERR_BAD_FACTOR;
    if (err == SG_OK)
        err = match(f, user_id, &totp, plain, &totp.last_step);
    secret_wipe(plain, sizeof plain);
    if (err != SG_OK)
        return err;
    totp.confirmed_ns = clock_now_ns();
    make_codes(f, user_id, codes, digests);
    err = f->store.vt->totp_confirm(f->store.self, user_id, &totp,
                                    (const uint8_t(*)[SG_DIGEST_SIZE])digests);
    if (err == SG_OK)
        memcpy(ret, codes, sizeof codes);
    secret_wipe(codes, sizeof codes);
    return err;
}

enum sg_err secondfactor_renew(struct secondfactor *f, int64_t user_id,
                               char ret[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE])
{
    char codes[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE];
    uint8_t digests[SG_RECOVERY_CODES][SG_DIGEST_SIZE];
    enum sg_err err;

    make_codes(f, user_id, codes, digests);
    err = f->store.vt->recovery_replace(f->store.self, user_id,
                                        (const uint8_t(*)[SG_DIGEST_SIZE])digests);
    if (err == SG_OK)
        memcpy(ret, codes, sizeof codes);
    secret_wipe(codes, sizeof codes);
    return err;
}

enum sg_err secondfactor_disable(struct secondfactor *f, int64_t user_id)
{
    return f->store.vt->totp_remove(f->store.self, user_id);
}

enum sg_err secondfactor_reset(struct secondfactor *f, int64_t user_id)
{
    return f->store.vt->reset(f->store.self, user_id);
}

/* -- for cameras ----------------------------------------------------------------------------------
 */

enum sg_err secondfactor_qr(const char *text, struct qr_matrix *ret)
{
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    enum sg_err err = SG_ERR_TOO_LARGE;

    if (code == NULL)
        return err;
    if (code->width > 0 && code->width <= SG_QR_SIDE_MAX) {
        size_t count = (size_t)code->width * (size_t)code->width;

        ret->side = (size_t)code->width;
        for (size_t i = 0; i < count; i++)
            ret->module[i] = code->data[i] & 1;
        secret_wipe(code->data, count);
        err = SG_OK;
    }
    QRcode_free(code);
    return err;
}
