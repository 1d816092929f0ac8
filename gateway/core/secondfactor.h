/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Second factors: time-based codes (TOTP, RFC 6238: SHA-1, six digits, 30 seconds, as every
 * authenticator knows them) and recovery codes. Secrets are sealed in the store under the storage
 * key, recovery codes are only kept as keyed digests. Guessing is held back by whoever asks
 * (core/identity throttles wrong codes like wrong passwords). Passkeys: core/passkeys.h.
 */
#ifndef SG_CORE_SECONDFACTOR_H
#define SG_CORE_SECONDFACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/factors.h"

#define SG_TOTP_STEP_S        30
#define SG_TOTP_PENDING_S     900 /* how long a new secret can be confirmed */
#define SG_TOTP_SECRET_SIZE   20  /* bytes; RFC 4226 section 4 recommends 160 bits */
#define SG_TOTP_TEXT_SIZE     33  /* of the secret in base32, with NUL */
#define SG_TOTP_URI_SIZE      768 /* of an otpauth URI, with NUL */
#define SG_QR_SIDE_MAX        177 /* modules of the largest QR symbol */
#define SG_RECOVERY_CODE_SIZE 16  /* "ABCD-EFGH-JKMN" with NUL: 60 random bits */
#define SG_FACTOR_KEY_SIZE    32

struct secondfactor;

/* What a user has. */
struct secondfactor_state {
    bool enabled;          /* TOTP is confirmed: a login with the password needs a code */
    int64_t created_ns;    /* since when; 0: not */
    size_t recovery_codes; /* unused ones */
    size_t passkeys;
};

/* A new secret for an authenticator. Wipe it. */
struct totp_enrolment {
    char secret[SG_TOTP_TEXT_SIZE];
    char uri[SG_TOTP_URI_SIZE]; /* otpauth://totp/..., as authenticators read it */
};

/* Modules of a QR symbol, row by row, without the quiet zone; 1 is dark. */
struct qr_matrix {
    size_t side;
    uint8_t module[SG_QR_SIDE_MAX * SG_QR_SIDE_MAX];
};

/* `key`: the storage key, copied. `issuer`: the gateway's address, borrowed for life; its host
 * names the account in authenticators. */
enum sg_err secondfactor_new(const struct factors_store *store,
                             const uint8_t key[SG_FACTOR_KEY_SIZE], const char *issuer,
                             struct secondfactor **ret) SG_MUST_CHECK;
void secondfactor_free(struct secondfactor *f);

/* Whether a login with the password also needs a code. Blocks (reads). NULL `f` is legal (tests):
 * never. */
enum sg_err secondfactor_needed(struct secondfactor *f, int64_t user_id, bool *ret) SG_MUST_CHECK;
/* Takes a code of the authenticator (six digits, each time step once, one step of skew) or a
 * recovery code (each once); spaces and hyphens do not matter. SG_ERR_BAD_FACTOR. *ret_recovery: it
 * was a recovery code. Blocks (writes). */
enum sg_err secondfactor_check(struct secondfactor *f, int64_t user_id, const char *code,
                               bool *ret_recovery) SG_MUST_CHECK;
/* Blocks (reads). */
enum sg_err secondfactor_state(struct secondfactor *f, int64_t user_id,
                               struct secondfactor_state *ret) SG_MUST_CHECK;

/* A fresh secret, which counts once secondfactor_confirm has seen a code of it; replaces one that
 * was not confirmed. SG_ERR_CONFLICT: there is a confirmed one. Blocks (writes). */
enum sg_err secondfactor_begin(struct secondfactor *f, int64_t user_id, const char *user,
                               struct totp_enrolment *ret) SG_MUST_CHECK;
/* Turns it on and gives the recovery codes, shown this once. SG_ERR_BAD_FACTOR; SG_ERR_CONFLICT:
 * there is none to confirm, or it is older than SG_TOTP_PENDING_S. Blocks (writes). Wipe *ret. */
enum sg_err secondfactor_confirm(struct secondfactor *f, int64_t user_id, const char *code,
                                 char ret[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE]) SG_MUST_CHECK;
/* New recovery codes in the place of all old ones. SG_ERR_CONFLICT: TOTP is not on. The caller has
 * checked password and code. */
enum sg_err secondfactor_renew(struct secondfactor *f, int64_t user_id,
                               char ret[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE]) SG_MUST_CHECK;
/* Turns TOTP off and drops the recovery codes; SG_ERR_CONFLICT: it is not on. The caller has
 * checked. */
enum sg_err secondfactor_disable(struct secondfactor *f, int64_t user_id) SG_MUST_CHECK;
/* An admin helps who has lost everything: removes TOTP, recovery codes and passkeys. */
enum sg_err secondfactor_reset(struct secondfactor *f, int64_t user_id) SG_MUST_CHECK;

/* QR symbol (ISO/IEC 18004, error correction M) of a text. Pure. SG_ERR_TOO_LARGE. */
enum sg_err secondfactor_qr(const char *text, struct qr_matrix *ret) SG_MUST_CHECK;

#endif
