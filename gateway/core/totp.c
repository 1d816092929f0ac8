/* SPDX-License-Identifier: Apache-2.0 */
/* Calls liboath, and names the account for authenticators. */
#include "core/totp.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/secret.h"

#include <liboath/oath.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum sg_err totp_code(const uint8_t *secret, size_t len, int64_t step, unsigned digits,
                      char ret[SG_TOTP_CODE_SIZE])
{
    char code[SG_TOTP_CODE_SIZE];

    if (digits < 6 || digits > 8 || step < 0 ||
        oath_totp_generate((const char *)secret, len, step * SG_TOTP_STEP_S, SG_TOTP_STEP_S, 0,
                           digits, code) != OATH_OK)
        return SG_ERR_INTERNAL;
    memcpy(ret, code, sizeof code);
    secret_wipe(code, sizeof code);
    return SG_OK;
}

enum sg_err totp_match(const uint8_t secret[SG_TOTP_SECRET_SIZE], const char *code,
                       int64_t now_step, int64_t last_step, int64_t *ret_step)
{
    char right[SG_TOTP_CODE_SIZE];
    int64_t found = -1;
    enum sg_err err = SG_OK;

    if (strnlen(code, SG_TOTP_DIGITS + 1) != SG_TOTP_DIGITS)
        return SG_ERR_BAD_FACTOR;
    for (int64_t step = now_step - 1; step <= now_step + 1 && err == SG_OK; step++) {
        bool equal;

        err = totp_code(secret, SG_TOTP_SECRET_SIZE, step, SG_TOTP_DIGITS, right);
        equal = err == SG_OK && secret_equal(right, code, SG_TOTP_DIGITS);
        if (equal && step > last_step && found < 0)
            found = step;
    }
    secret_wipe(right, sizeof right);
    if (err != SG_OK)
        return err;
    if (found < 0)
        return SG_ERR_BAD_FACTOR;
    *ret_step = found;
    return SG_OK;
}

enum sg_err totp_enrol(const uint8_t secret[SG_TOTP_SECRET_SIZE], const char *host,
                       const char *user, struct totp_enrolment *ret)
{
    struct totp_enrolment made = {.secret = ""};
    struct buf uri;
    char *text = NULL;
    size_t len = 0;
    enum sg_err err;

    if (oath_base32_encode((const char *)secret, SG_TOTP_SECRET_SIZE, &text, &len) != OATH_OK)
        return SG_ERR_NO_MEMORY;
    /* 160 bits are 32 characters, without padding. */
    if (len >= sizeof made.secret) {
        secret_free_string(text);
        return SG_ERR_INTERNAL;
    }
    memcpy(made.secret, text, len);
    secret_free_string(text);
    buf_init(&uri, sizeof made.uri - 1);
    buf_puts(&uri, "otpauth://totp/");
    encode_percent(&uri, host, strlen(host), 0);
    buf_puts(&uri, ":");
    encode_percent(&uri, user, strlen(user), 0);
    buf_printf(&uri, "?secret=%s&issuer=", made.secret);
    encode_percent(&uri, host, strlen(host), 0);
    buf_printf(&uri, "&algorithm=SHA1&digits=%d&period=%d", SG_TOTP_DIGITS, SG_TOTP_STEP_S);
    err = buf_status(&uri);
    if (err == SG_OK) {
        memcpy(made.uri, uri.data, uri.len);
        *ret = made;
    }
    buf_wipe(&uri);
    secret_wipe(&made, sizeof made);
    return err;
}
