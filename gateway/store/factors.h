/* SPDX-License-Identifier: Apache-2.0 */
/* Storage of second factors: TOTP secrets (sealed), digests of recovery codes, passkeys. All of a
 * user's go with the user. */
#ifndef SG_STORE_FACTORS_H
#define SG_STORE_FACTORS_H

#include "store/store.h"

#define SG_RECOVERY_CODES    10
#define SG_TOTP_SEALED_MAX   128
#define SG_PASSKEYS_PER_USER 32
#define SG_PASSKEY_ID_MAX    1023 /* bytes (WebAuthn, section 4: credential id) */
#define SG_PASSKEY_KEY_MAX   640  /* bytes of a public key as libfido2 keeps it */
#define SG_PASSKEY_NAME_SIZE 257  /* 64 characters of at most 4 bytes, with NUL */

struct totp_record {
    uint8_t sealed[SG_TOTP_SEALED_MAX];
    size_t sealed_len;
    int64_t confirmed_ns; /* 0: not yet */
    int64_t last_step;    /* the last time step that was used */
    int64_t created_ns;
};

struct passkey_record {
    uint8_t id[SG_PASSKEY_ID_MAX];
    size_t id_len;
    int64_t user_id;
    char name[SG_PASSKEY_NAME_SIZE];
    int algorithm; /* COSE: -7, -8, -257 */
    uint8_t public_key[SG_PASSKEY_KEY_MAX];
    size_t public_key_len;
    uint32_t sign_count;
    int64_t created_ns;
    int64_t last_used_ns; /* 0: never */
};

struct factors_summary {
    int64_t totp_confirmed_ns; /* 0: not on */
    size_t recovery_codes, passkeys;
};

struct factors_store {
    void *self;
    const struct factors_vtable *vt;
};

struct factors_vtable {
    enum sg_err (*summary)(void *self, int64_t user_id, struct factors_summary *ret) SG_MUST_CHECK;

    /* SG_ERR_NOT_FOUND. */
    enum sg_err (*totp)(void *self, int64_t user_id, struct totp_record *ret) SG_MUST_CHECK;
    /* Puts an unconfirmed one in the place of another; SG_ERR_CONFLICT when a confirmed one is
     * there, SG_ERR_NOT_FOUND without such a user. */
    enum sg_err (*totp_begin)(void *self, int64_t user_id,
                              const struct totp_record *totp) SG_MUST_CHECK;
    /* Confirms exactly the one that holds `totp->sealed`, with confirmed_ns and last_step of
     * `totp`, and replaces the recovery codes, in one transaction. SG_ERR_CONFLICT when it is not
     * there unconfirmed. */
    enum sg_err (*totp_confirm)(void *self, int64_t user_id, const struct totp_record *totp,
                                const uint8_t codes[SG_RECOVERY_CODES][SG_DIGEST_SIZE])
        SG_MUST_CHECK;
    /* Notes that a step was used; SG_ERR_CONFLICT unless it is later than the last one of a
     * confirmed secret. */
    enum sg_err (*totp_use)(void *self, int64_t user_id, int64_t step) SG_MUST_CHECK;
    /* Removes a confirmed secret and the recovery codes; SG_ERR_CONFLICT when there is none. */
    enum sg_err (*totp_remove)(void *self, int64_t user_id) SG_MUST_CHECK;

    /* Takes a code out; SG_ERR_NOT_FOUND when it is not there. */
    enum sg_err (*recovery_use)(void *self, int64_t user_id,
                                const uint8_t sha256[SG_DIGEST_SIZE]) SG_MUST_CHECK;
    /* Replaces all; SG_ERR_CONFLICT without a confirmed secret. */
    enum sg_err (*recovery_replace)(void *self, int64_t user_id,
                                    const uint8_t codes[SG_RECOVERY_CODES][SG_DIGEST_SIZE])
        SG_MUST_CHECK;

    /* SG_ERR_CONFLICT: the id is there (whoever's). SG_ERR_NAME_TAKEN: the user has one of this
     * name. SG_ERR_LIMIT: SG_PASSKEYS_PER_USER. SG_ERR_NOT_FOUND: no such user. */
    enum sg_err (*passkey_add)(void *self, const struct passkey_record *key) SG_MUST_CHECK;
    /* SG_ERR_NOT_FOUND. */
    enum sg_err (*passkey)(void *self, const uint8_t *id, size_t id_len,
                           struct passkey_record *ret) SG_MUST_CHECK;
    /* Oldest first. */
    enum sg_err (*passkey_list)(void *self, int64_t user_id,
                                struct passkey_record ret[SG_PASSKEYS_PER_USER],
                                size_t *ret_count) SG_MUST_CHECK;
    /* Notes a use. SG_ERR_CONFLICT unless `sign_count` is above the one that is kept, or both are
     * 0 (authenticators that do not count). SG_ERR_NOT_FOUND. */
    enum sg_err (*passkey_used)(void *self, const uint8_t *id, size_t id_len, uint32_t sign_count,
                                int64_t now_ns) SG_MUST_CHECK;
    /* And the sessions that it opened. SG_ERR_NOT_FOUND, also for another user's. */
    enum sg_err (*passkey_remove)(void *self, int64_t user_id, const uint8_t *id,
                                  size_t id_len) SG_MUST_CHECK;

    /* Everything of a user, and the sessions that the passkeys opened; that there is nothing is no
     * error. */
    enum sg_err (*reset)(void *self, int64_t user_id) SG_MUST_CHECK;
};

#endif
