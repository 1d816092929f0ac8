/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes hashes of passwords in their encoded form; it never hashes. */
#include "core/phcstring.h"

#include "base/encode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define LANE_KIB_MIN 8

/* Digits of base64 without padding. */
#define SALT_DIGITS ((SG_PHC_SALT_SIZE * 4 + 2) / 3)
#define TAG_DIGITS  ((SG_PHC_TAG_SIZE * 4 + 2) / 3)

enum sg_err phcstring_check(const struct phcstring *p)
{
    if (p->lanes < 1 || p->lanes > SG_PHC_LANES_MAX)
        return SG_ERR_BAD_FIELD;
    if (p->passes < 1 || p->passes > SG_PHC_PASSES_MAX)
        return SG_ERR_BAD_FIELD;
    if (p->memory_kib < LANE_KIB_MIN * p->lanes || p->memory_kib > SG_PHC_MEMORY_KIB_MAX)
        return SG_ERR_BAD_FIELD;
    return SG_OK;
}

/* Goes past `word` if the text goes on with it. */
static bool skip(const char **at, const char *word)
{
    size_t len = strlen(word);

    if (strncmp(*at, word, len) != 0)
        return false;
    *at += len;
    return true;
}

/* A decimal number from 1 to `max` without leading zeroes; `max` is below UINT_MAX / 10. */
static bool number(const char **at, unsigned max, unsigned *ret)
{
    unsigned value = 0;

    if (**at == '0')
        return false;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        value = value * 10 + (unsigned)(**at - '0');
        if (value > max)
            return false;
    }
    *ret = value;
    return value > 0;
}

/* Exactly so many digits that make exactly so many bytes. */
static bool bytes(const char **at, size_t digits, uint8_t *ret, size_t size)
{
    char padded[SG_BASE64_SIZE(SG_PHC_TAG_SIZE)];
    size_t padded_len = SG_BASE64_SIZE(size) - 1, len = 0;

    if (strnlen(*at, digits) < digits)
        return false;
    memset(padded, '=', sizeof padded);
    memcpy(padded, *at, digits);
    if (encode_unbase64(padded, padded_len, ret, size, &len) != SG_OK || len != size)
        return false;
    *at += digits;
    return true;
}

enum sg_err phcstring_read(const char *text, struct phcstring *ret)
{
    struct phcstring p;
    const char *at = text;

    if (!skip(&at, "$argon2id$v=19$m=") || !number(&at, SG_PHC_MEMORY_KIB_MAX, &p.memory_kib) ||
        !skip(&at, ",t=") || !number(&at, SG_PHC_PASSES_MAX, &p.passes) || !skip(&at, ",p=") ||
        !number(&at, SG_PHC_LANES_MAX, &p.lanes) || phcstring_check(&p) != SG_OK)
        return SG_ERR_CORRUPT;
    if (!skip(&at, "$") || !bytes(&at, SALT_DIGITS, p.salt, sizeof p.salt) || !skip(&at, "$") ||
        !bytes(&at, TAG_DIGITS, p.tag, sizeof p.tag) || *at != '\0')
        return SG_ERR_CORRUPT;
    *ret = p;
    return SG_OK;
}

void phcstring_write(const struct phcstring *p, char ret[SG_PHC_SIZE])
{
    char salt[SG_BASE64_SIZE(SG_PHC_SALT_SIZE)], tag[SG_BASE64_SIZE(SG_PHC_TAG_SIZE)];

    encode_base64(p->salt, sizeof p->salt, salt);
    encode_base64(p->tag, sizeof p->tag, tag);
    (void)snprintf(ret, SG_PHC_SIZE, "$argon2id$v=19$m=%u,t=%u,p=%u$%.*s$%.*s", p->memory_kib,
                   p->passes, p->lanes, SALT_DIGITS, salt, TAG_DIGITS, tag);
}
