/* SPDX-License-Identifier: Apache-2.0 */
/* The encoded form of hashes: one form for each, held against the reference's own encoder. */
#include "core/phcstring.h"

#include <argon2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SALT "AQIDBAUGBwgJCgsMDQ4PEA"
#define TAG  "////////////////////////////////////////8A8"
#define REST SALT "$" TAG

static void test_reads_what_the_reference_writes(void **state)
{
    static const unsigned costs[][3] = {{8, 1, 1}, {99, 2, 1}, {128, 10, 3}, {512, 1, 64}};
    char text[SG_PHC_SIZE], again[SG_PHC_SIZE];
    uint8_t salt[SG_PHC_SALT_SIZE], tag[SG_PHC_TAG_SIZE];
    struct phcstring p;

    (void)state;
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
        unsigned kib = costs[i][0], passes = costs[i][1], lanes = costs[i][2];

        for (size_t j = 0; j < sizeof salt; j++)
            salt[j] = (uint8_t)(i * 83 + j * 29);
        assert_int_equal(argon2id_hash_encoded(passes, kib, lanes, "pw", 2, salt, sizeof salt,
                                               sizeof tag, text, sizeof text),
                         ARGON2_OK);
        assert_int_equal(
            argon2id_hash_raw(passes, kib, lanes, "pw", 2, salt, sizeof salt, tag, sizeof tag),
            ARGON2_OK);
        assert_int_equal(phcstring_read(text, &p), SG_OK);
        assert_int_equal(p.memory_kib, kib);
        assert_int_equal(p.passes, passes);
        assert_int_equal(p.lanes, lanes);
        assert_memory_equal(p.salt, salt, sizeof salt);
        assert_memory_equal(p.tag, tag, sizeof tag);
        phcstring_write(&p, again);
        assert_string_equal(again, text);
    }
}

static void test_limits(void **state)
{
    static const char *const good[] = {
        "$argon2id$v=19$m=8,t=1,p=1$" REST,
        "$argon2id$v=19$m=512,t=1,p=64$" REST,
        "$argon2id$v=19$m=4194304,t=100,p=64$" REST,
    };
    static const char *const bad[] = {
        "$argon2id$v=19$m=7,t=1,p=1$" REST,
        "$argon2id$v=19$m=511,t=1,p=64$" REST,
        "$argon2id$v=19$m=4194305,t=1,p=1$" REST,
        "$argon2id$v=19$m=4294967304,t=1,p=1$" REST, /* 8, if it went round */
        "$argon2id$v=19$m=18446744073709551624,t=1,p=1$" REST,
        "$argon2id$v=19$m=64,t=0,p=1$" REST,
        "$argon2id$v=19$m=64,t=101,p=1$" REST,
        "$argon2id$v=19$m=64,t=1,p=0$" REST,
        "$argon2id$v=19$m=4096,t=1,p=65$" REST,
    };
    char again[SG_PHC_SIZE];
    struct phcstring p, none = {.memory_kib = 64, .passes = 1};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(phcstring_read(good[i], &p), SG_OK);
        phcstring_write(&p, again);
        assert_string_equal(again, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(phcstring_read(bad[i], &p), SG_ERR_CORRUPT);
    assert_int_equal(phcstring_check(&none), SG_ERR_BAD_FIELD);
}

static void test_malformed(void **state)
{
    static const char *const bad[] = {
        "",
        "$",
        "argon2id$v=19$m=64,t=1,p=1$" REST,
        " $argon2id$v=19$m=64,t=1,p=1$" REST,
        "$argon2i$v=19$m=64,t=1,p=1$" REST,
        "$argon2d$v=19$m=64,t=1,p=1$" REST,
        "$Argon2id$v=19$m=64,t=1,p=1$" REST,
        "$argon2id$v=16$m=64,t=1,p=1$" REST,
        "$argon2id$m=64,t=1,p=1$" REST, /* version 16 in old texts */
        "$argon2id$v=19$m=064,t=1,p=1$" REST,
        "$argon2id$v=19$m=+64,t=1,p=1$" REST,
        "$argon2id$v=19$m=-64,t=1,p=1$" REST,
        "$argon2id$v=19$m= 64,t=1,p=1$" REST,
        "$argon2id$v=19$m=0x40,t=1,p=1$" REST,
        "$argon2id$v=19$m=64,t=1$" REST,
        "$argon2id$v=19$t=1,m=64,p=1$" REST,
        "$argon2id$v=19$m=64,t=1,p=1,keyid=AA$" REST,
        "$argon2id$v=19$m=64,t=1,p=1$" SALT,
        "$argon2id$v=19$m=64,t=1,p=1$" SALT "$",
        "$argon2id$v=19$m=64,t=1,p=1$$" TAG,
        "$argon2id$v=19$m=64,t=1,p=1$" SALT "A$" TAG,
        "$argon2id$v=19$m=64,t=1,p=1$" SALT "==$" TAG,
        "$argon2id$v=19$m=64,t=1,p=1$" REST "=",
        "$argon2id$v=19$m=64,t=1,p=1$" REST "A",
        "$argon2id$v=19$m=64,t=1,p=1$" REST "\n",
        "$argon2id$v=19$m=64,t=1,p=1$AQIDBAUGBwgJCgsMDQ4PE=$" TAG,
        "$argon2id$v=19$m=64,t=1,p=1$AQIDBAUGBwgJCgsMDQ4PEB$" TAG, /* spare bits */
        "$argon2id$v=19$m=64,t=1,p=1$" SALT "$////////////////////////////////////////8A9",
        "$argon2id$v=19$m=64,t=1,p=1$" SALT "$///////////////////////////////////////8A==",
        "$argon2id$v=19$m=64,t=1,p=1$" SALT "$_______________________________________AA8",
    };
    struct phcstring p, before;

    (void)state;
    memset(&p, 0x5a, sizeof p);
    before = p;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(phcstring_read(bad[i], &p), SG_ERR_CORRUPT);
    assert_memory_equal(&p, &before, sizeof p);
}

/* Whatever happens to one character, the text is refused or is another hash's only form. */
static void test_each_character_counts(void **state)
{
    static const char whole[] = "$argon2id$v=19$m=19456,t=2,p=1$" REST;
    char text[sizeof whole], again[SG_PHC_SIZE];
    struct phcstring p;

    (void)state;
    for (size_t at = 0; at < sizeof whole - 1; at++) {
        memcpy(text, whole, sizeof whole);
        for (int c = 1; c < 256; c++) {
            text[at] = (char)c;
            if (phcstring_read(text, &p) != SG_OK)
                continue;
            phcstring_write(&p, again);
            assert_string_equal(again, text);
        }
        text[at] = '\0';
        assert_int_equal(phcstring_read(text, &p), SG_ERR_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_what_the_reference_writes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_each_character_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
