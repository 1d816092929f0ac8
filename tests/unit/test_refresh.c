/* SPDX-License-Identifier: Apache-2.0 */
/* Refresh tokens: text, tag, succession, and what a presented one is. */
#include "core/refresh.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void make_session(struct session_record *s, uint8_t secret[32])
{
    memset(s, 0, sizeof *s);
    rng_bytes(s->id, sizeof s->id);
    rng_bytes(s->family_key, sizeof s->family_key);
    rng_bytes(secret, 32);
    refresh_digest(secret, s->current_sha256);
}

static void test_text(void **state)
{
    struct session_record s;
    struct refresh_token token, again;
    uint8_t secret[32];
    char text[SG_REFRESH_TOKEN_SIZE], other[SG_REFRESH_TOKEN_SIZE + 8];

    (void)state;
    make_session(&s, secret);
    refresh_make(&token, s.id, s.family_key, secret);
    refresh_format(&token, text);
    assert_int_equal(strlen(text), 4 + 86);
    assert_int_equal(refresh_parse(text, &again), SG_OK);
    assert_memory_equal(&token, &again, sizeof token);
    assert_int_equal(refresh_classify(&again, &s), SG_REFRESH_CURRENT);

    (void)strcpy(other, text);
    other[0] = 'S';
    assert_int_equal(refresh_parse(other, &again), SG_ERR_TOKEN_INVALID);
    (void)strcpy(other, text);
    other[89] = '\0';
    assert_int_equal(refresh_parse(other, &again), SG_ERR_TOKEN_INVALID);
    (void)strcpy(other, text);
    (void)strcat(other, "A");
    assert_int_equal(refresh_parse(other, &again), SG_ERR_TOKEN_INVALID);
    (void)strcpy(other, text);
    (void)strcat(other, "==");
    assert_int_equal(refresh_parse(other, &again), SG_ERR_TOKEN_INVALID);
    (void)strcpy(other, text);
    other[20] = '+';
    assert_int_equal(refresh_parse(other, &again), SG_ERR_TOKEN_INVALID);
    /* 64 bytes leave four idle bits in the last character: they must be zero. */
    (void)strcpy(other, text);
    other[89] = other[89] == 'A' ? 'B' : (char)(other[89] + 1);
    assert_int_equal(refresh_parse(other, &again), SG_ERR_TOKEN_INVALID);
    assert_int_equal(refresh_parse("", &again), SG_ERR_TOKEN_INVALID);
    assert_int_equal(refresh_parse("sgr_", &again), SG_ERR_TOKEN_INVALID);
}

static void test_forged(void **state)
{
    struct session_record s;
    struct refresh_token token;
    uint8_t secret[32];

    (void)state;
    make_session(&s, secret);
    refresh_make(&token, s.id, s.family_key, secret);
    token.secret[5] ^= 1;
    assert_int_equal(refresh_classify(&token, &s), SG_REFRESH_FORGED);
    refresh_make(&token, s.id, s.family_key, secret);
    token.tag[15] ^= 1;
    assert_int_equal(refresh_classify(&token, &s), SG_REFRESH_FORGED);
    s.family_key[0] ^= 1;
    refresh_make(&token, s.id, s.family_key, secret);
    s.family_key[0] ^= 1;
    assert_int_equal(refresh_classify(&token, &s), SG_REFRESH_FORGED);
    refresh_make(&token, s.id, s.family_key, secret);
    s.id[0] ^= 1;
    assert_int_equal(refresh_classify(&token, &s), SG_REFRESH_FORGED);
}

static void rotate(struct session_record *s, const uint8_t secret[32], uint8_t next[32])
{
    memcpy(s->previous_sha256, s->current_sha256, SG_DIGEST_SIZE);
    rng_bytes(s->salt, sizeof s->salt);
    refresh_next(secret, s->salt, next);
    refresh_digest(next, s->current_sha256);
}

static enum refresh_use use_of(const struct session_record *s, const uint8_t secret[32])
{
    struct refresh_token token;

    refresh_make(&token, s->id, s->family_key, secret);
    return refresh_classify(&token, s);
}

static void test_succession(void **state)
{
    struct session_record s;
    uint8_t first[32], second[32], third[32], same[32];

    (void)state;
    make_session(&s, first);
    assert_int_equal(use_of(&s, first), SG_REFRESH_CURRENT);
    rotate(&s, first, second);
    assert_memory_not_equal(first, second, 32);
    assert_int_equal(use_of(&s, first), SG_REFRESH_PREVIOUS);
    assert_int_equal(use_of(&s, second), SG_REFRESH_CURRENT);
    refresh_next(first, s.salt, same);
    assert_memory_equal(same, second, 32);
    rotate(&s, second, third);
    assert_int_equal(use_of(&s, first), SG_REFRESH_REUSED);
    assert_int_equal(use_of(&s, second), SG_REFRESH_PREVIOUS);
    assert_int_equal(use_of(&s, third), SG_REFRESH_CURRENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_forged),
        cmocka_unit_test(test_succession),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
