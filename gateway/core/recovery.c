/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and reads recovery codes. */
#include "core/recovery.h"

#include "base/encode.h"
#include "base/rng.h"
#include "base/secret.h"
#include "core/sha256.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#define CHARACTERS 12
#define GROUP      4

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void digest(const uint8_t key[SG_FACTOR_KEY_SIZE], int64_t user_id,
                   const char plain[CHARACTERS], uint8_t ret[SG_DIGEST_SIZE])
{
    uint8_t text[8 + CHARACTERS];

    encode_be64((uint64_t)user_id, text);
    memcpy(text + 8, plain, CHARACTERS);
    sha256_hmac(key, SG_FACTOR_KEY_SIZE, text, sizeof text, ret);
    secret_wipe(text, sizeof text);
}

void recovery_make(const uint8_t key[SG_FACTOR_KEY_SIZE], int64_t user_id,
                   char ret_code[SG_RECOVERY_CODE_SIZE], uint8_t ret_digest[SG_DIGEST_SIZE])
{
    _Static_assert(CHARACTERS + CHARACTERS / GROUP - 1 < SG_RECOVERY_CODE_SIZE, "a code fits");
    uint8_t random[CHARACTERS];
    char plain[CHARACTERS];
    char *to = ret_code;

    rng_bytes(random, sizeof random);
    for (size_t i = 0; i < CHARACTERS; i++) {
        plain[i] = alphabet[random[i] % 32];
        if (i > 0 && i % GROUP == 0)
            *to++ = '-';
        *to++ = plain[i];
    }
    *to = '\0';
    digest(key, user_id, plain, ret_digest);
    secret_wipe(random, sizeof random);
    secret_wipe(plain, sizeof plain);
}

/* As it would be printed; 0 for what is in no code. */
static char plain_of(char c)
{
    int upper = toupper((unsigned char)c);

    if (upper == 'O')
        return '0';
    if (upper == 'I' || upper == 'L')
        return '1';
    return upper != 0 && strchr(alphabet, upper) != NULL ? (char)upper : '\0';
}

enum sg_err recovery_digest(const uint8_t key[SG_FACTOR_KEY_SIZE], int64_t user_id,
                            const char *code, uint8_t ret[SG_DIGEST_SIZE])
{
    char plain[CHARACTERS];
    size_t count = 0;
    enum sg_err err = SG_OK;

    for (; *code != '\0' && err == SG_OK; code++) {
        char c = plain_of(*code);

        if (*code == '-' || *code == ' ')
            continue;
        if (c == '\0' || count == CHARACTERS)
            err = SG_ERR_BAD_FACTOR;
        else
            plain[count++] = c;
    }
    if (err == SG_OK && count != CHARACTERS)
        err = SG_ERR_BAD_FACTOR;
    if (err == SG_OK)
        digest(key, user_id, plain, ret);
    secret_wipe(plain, sizeof plain);
    return err;
}
