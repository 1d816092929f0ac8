/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and reads invite and setup codes; it never keeps one. */
#include "core/invitecode.h"

#include "base/rng.h"
#include "base/secret.h"
#include "core/sha256.h"

#include <string.h>

#define SYMBOLS 20
#define GROUP   5

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void invitecode_make(char ret_code[SG_CODE_SIZE], uint8_t ret_sha256[SG_DIGEST_SIZE])
{
    uint8_t random[SYMBOLS];
    char plain[SYMBOLS];
    size_t at = 0;

    rng_bytes(random, sizeof random);
    for (size_t i = 0; i < SYMBOLS; i++) {
        plain[i] = alphabet[random[i] & 31];
        if (i > 0 && i % GROUP == 0)
            ret_code[at++] = '-';
        ret_code[at++] = plain[i];
    }
    ret_code[at] = '\0';
    sha256_digest(plain, sizeof plain, ret_sha256);
    secret_wipe(random, sizeof random);
    secret_wipe(plain, sizeof plain);
}

/* The symbol meant by a typed character, 0 if none is. */
static char symbol(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'O')
        return '0';
    if (c == 'I' || c == 'L')
        return '1';
    return c != '\0' && strchr(alphabet, c) != NULL ? c : '\0';
}

enum sg_err invitecode_digest(const char *code, uint8_t ret_sha256[SG_DIGEST_SIZE])
{
    char plain[SYMBOLS];
    size_t count = 0;

    for (; *code != '\0'; code++) {
        char c;

        if (*code == '-' || *code == ' ' || *code == '\n' || *code == '\r' || *code == '\t')
            continue;
        c = symbol(*code);
        if (c == '\0' || count == SYMBOLS)
            return SG_ERR_BAD_CODE;
        plain[count++] = c;
    }
    if (count != SYMBOLS)
        return SG_ERR_BAD_CODE;
    sha256_digest(plain, sizeof plain, ret_sha256);
    secret_wipe(plain, sizeof plain);
    return SG_OK;
}
