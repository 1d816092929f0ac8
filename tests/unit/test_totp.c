/* SPDX-License-Identifier: Apache-2.0 */
/* Time-based codes: the vectors of RFC 6238, and the rules around them over a real store. */
#include "contract.h"
#include "sqlite_engine.h"

#include "base/clock.h"
#include "core/secondfactor.h"
#include "core/totp.h"

#include <liboath/oath.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 8

static struct contract_store store;
static struct secondfactor *factor;
static struct user_record alice, bob;
static int64_t now_s = 1700000010; /* the middle of a step */
static const uint8_t key[SG_FACTOR_KEY_SIZE] = {1, 2, 3};

static int64_t fake_now_ns(void)
{
    return now_s * SG_NS_PER_S;
}

static void open_factor(const uint8_t *with)
{
    struct factors_store s = sqlite_engine.factors(store.handle);

    assert_int_equal(SG_OK, secondfactor_new(&s, with, "https://gate.example:8443/", &factor));
}

static int setup(void **state)
{
    (void)state;
    clock_set_source(&(struct clock_source){.now_ns = fake_now_ns});
    now_s = 1700000010;
    contract_store_init(&store, &sqlite_engine);
    alice = contract_user_add(&store, "alice", SG_ROLE_ADMIN);
    bob = contract_user_add(&store, "bob", SG_ROLE_MEMBER);
    open_factor(key);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    secondfactor_free(factor);
    contract_store_fini(&store);
    clock_set_source(NULL);
    return 0;
}

/* What an authenticator that took `secret` (base32) shows now, `steps` later. */
static void shown(const char *secret, int64_t steps, char ret[SG_TOTP_CODE_SIZE])
{
    char *raw = NULL;
    size_t len = 0;

    assert_int_equal(OATH_OK, oath_base32_decode(secret, strlen(secret), &raw, &len));
    assert_int_equal(OATH_OK, oath_totp_generate(raw, len, now_s + steps * 30, 30, 0, 6, ret));
    free(raw);
}

static void enrol(int64_t user_id, char ret_secret[SG_TOTP_TEXT_SIZE],
                  char ret_codes[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE])
{
    struct totp_enrolment made;
    char code[SG_TOTP_CODE_SIZE];

    assert_int_equal(SG_OK, secondfactor_begin(factor, user_id, "alice", &made));
    shown(made.secret, 0, code);
    assert_int_equal(SG_OK, secondfactor_confirm(factor, user_id, code, ret_codes));
    memcpy(ret_secret, made.secret, sizeof made.secret);
}

/* RFC 6238, appendix B, SHA-1. */
static void test_vectors(void **state)
{
    static const struct {
        int64_t at;
        const char *code;
    } vectors[] = {{59, "94287082"},         {1111111109, "07081804"}, {1111111111, "14050471"},
                   {1234567890, "89005924"}, {2000000000, "69279037"}, {20000000000, "65353130"}};
    const uint8_t *secret = (const uint8_t *)"12345678901234567890";
    char code[SG_TOTP_CODE_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        int64_t step = vectors[i].at / SG_TOTP_STEP_S, found = 0;

        assert_int_equal(SG_OK, totp_code(secret, 20, step, 8, code));
        assert_string_equal(vectors[i].code, code);
        /* Six digits are the last six of eight. */
        assert_int_equal(SG_OK, totp_match(secret, vectors[i].code + 2, step, 0, &found));
        assert_int_equal(step, found);
    }
    assert_int_equal(SG_ERR_INTERNAL, totp_code(secret, 20, 1, 5, code));
    assert_int_equal(SG_ERR_INTERNAL, totp_code(secret, 20, -1, 6, code));
}

static void test_match(void **state)
{
    const uint8_t *secret = (const uint8_t *)"12345678901234567890";
    char code[SG_TOTP_CODE_SIZE];
    int64_t found;

    (void)state;
    for (int64_t skew = -3; skew <= 3; skew++) {
        assert_int_equal(SG_OK, totp_code(secret, 20, 1000 + skew, 6, code));
        enum sg_err err = totp_match(secret, code, 1000, 0, &found);
        assert_int_equal(skew >= -1 && skew <= 1 ? SG_OK : SG_ERR_BAD_FACTOR, err);
        if (err == SG_OK)
            assert_int_equal(1000 + skew, found);
    }
    assert_int_equal(SG_OK, totp_code(secret, 20, 1000, 6, code));
    assert_int_equal(SG_ERR_BAD_FACTOR, totp_match(secret, code, 1000, 1000, &found));
    assert_int_equal(SG_OK, totp_match(secret, code, 1000, 999, &found));
    assert_int_equal(SG_ERR_BAD_FACTOR, totp_match(secret, "", 1000, 0, &found));
    assert_int_equal(SG_ERR_BAD_FACTOR, totp_match(secret, "1234567", 1000, 0, &found));
}

static void test_enrolment_text(void **state)
{
    struct totp_enrolment made;
    char host[300];

    (void)state;
    assert_int_equal(
        SG_OK, totp_enrol((const uint8_t *)"12345678901234567890", "[::1]:8443", "a.b", &made));
    assert_string_equal("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", made.secret);
    assert_string_equal("otpauth://totp/%5B%3A%3A1%5D%3A8443:a.b"
                        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=%5B%3A%3A1%5D%3A8443"
                        "&algorithm=SHA1&digits=6&period=30",
                        made.uri);
    memset(host, '[', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    assert_int_equal(SG_ERR_TOO_LARGE,
                     totp_enrol((const uint8_t *)"12345678901234567890", host, "a", &made));
}

static void test_life(void **state)
{
    char codes[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE], code[SG_TOTP_CODE_SIZE];
    struct totp_enrolment first, second;
    struct secondfactor_state s;
    bool needed = true, recovery = true;

    (void)state;
    assert_int_equal(SG_OK, secondfactor_needed(NULL, alice.id, &needed));
    assert_false(needed);
    assert_int_equal(SG_ERR_CONFLICT, secondfactor_confirm(factor, alice.id, "123456", codes));
    assert_int_equal(SG_OK, secondfactor_begin(factor, alice.id, "alice", &first));
    assert_int_equal(SG_OK, secondfactor_begin(factor, alice.id, "alice", &second));
    assert_string_not_equal(first.secret, second.secret);
    assert_non_null(strstr(first.uri, "otpauth://totp/gate.example%3A8443:alice?secret="));
    shown(first.secret, 0, code); /* of the secret that was replaced */
    assert_int_equal(SG_ERR_BAD_FACTOR, secondfactor_confirm(factor, alice.id, code, codes));
    assert_int_equal(SG_OK, secondfactor_needed(factor, alice.id, &needed));
    assert_false(needed); /* not confirmed: nobody is locked out */
    assert_int_equal(SG_ERR_BAD_FACTOR, secondfactor_check(factor, alice.id, code, &recovery));

    now_s += SG_TOTP_PENDING_S; /* too late */
    shown(second.secret, 0, code);
    assert_int_equal(SG_ERR_CONFLICT, secondfactor_confirm(factor, alice.id, code, codes));
    now_s--;
    shown(second.secret, 0, code);
    assert_int_equal(SG_OK, secondfactor_confirm(factor, alice.id, code, codes));
    assert_int_equal(SG_OK, secondfactor_needed(factor, alice.id, &needed));
    assert_true(needed);
    assert_int_equal(SG_ERR_CONFLICT, secondfactor_begin(factor, alice.id, "alice", &first));
    assert_int_equal(SG_OK, secondfactor_state(factor, alice.id, &s));
    assert_true(s.enabled);
    assert_int_equal(SG_RECOVERY_CODES, s.recovery_codes);

    /* The code that confirmed is used up; so is each that follows, and those before it. */
    assert_int_equal(SG_ERR_BAD_FACTOR, secondfactor_check(factor, alice.id, code, &recovery));
    shown(second.secret, 1, code);
    assert_int_equal(SG_OK, secondfactor_check(factor, alice.id, code, &recovery));
    assert_false(recovery);
    now_s += 60;
    shown(second.secret, 0, code);
    char spaced[16];
    (void)snprintf(spaced, sizeof spaced, "%.3s %s", code, code + 3);
    assert_int_equal(SG_OK, secondfactor_check(factor, alice.id, spaced, &recovery));
    assert_int_equal(SG_ERR_BAD_FACTOR, secondfactor_check(factor, alice.id, code, &recovery));
    shown(second.secret, -1, code);
    assert_int_equal(SG_ERR_BAD_FACTOR, secondfactor_check(factor, alice.id, code, &recovery));
    now_s += 300;
    shown(second.secret, 2, code);
    assert_int_equal(SG_ERR_BAD_FACTOR, secondfactor_check(factor, alice.id, code, &recovery));

    assert_int_equal(SG_OK, secondfactor_disable(factor, alice.id));
    assert_int_equal(SG_ERR_CONFLICT, secondfactor_disable(factor, alice.id));
    shown(second.secret, 0, code);
    assert_int_equal(SG_ERR_BAD_FACTOR, secondfactor_check(factor, alice.id, code, &recovery));
    assert_int_equal(SG_ERR_BAD_FACTOR, secondfactor_check(factor, alice.id, codes[0], &recovery));
}

static void test_recovery_codes(void **state)
{
    char secret[SG_TOTP_TEXT_SIZE], codes[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE];
    char fresh[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE];
    struct secondfactor_state s;
    bool recovery = false;

    (void)state;
    enrol(alice.id, secret, codes);
    assert_int_equal(SG_OK, secondfactor_check(factor, alice.id, codes[3], &recovery));
    assert_true(recovery);
    assert_int_equal(SG_ERR_BAD_FACTOR, secondfactor_check(factor, alice.id, codes[3], &recovery));
    assert_int_equal(SG_ERR_BAD_FACTOR, secondfactor_check(factor, bob.id, codes[4], &recovery));
    assert_int_equal(SG_OK, secondfactor_renew(factor, alice.id, fresh));
    assert_int_equal(SG_ERR_BAD_FACTOR, secondfactor_check(factor, alice.id, codes[4], &recovery));
    assert_int_equal(SG_OK, secondfactor_check(factor, alice.id, fresh[9], &recovery));
    assert_int_equal(SG_OK, secondfactor_state(factor, alice.id, &s));
    assert_int_equal(9, s.recovery_codes);
    assert_int_equal(SG_ERR_CONFLICT, secondfactor_renew(factor, bob.id, fresh));
    assert_int_equal(SG_OK, secondfactor_reset(factor, alice.id));
    assert_int_equal(SG_ERR_BAD_FACTOR, secondfactor_check(factor, alice.id, fresh[8], &recovery));
}

static void test_nonsense(void **state)
{
    static const char *const codes[] = {
        "",         "12345",         "1234567",         "12345a",        "------",
        "\xff\xff", "ABCD-EFGH-JKM", "ABCD-EFGH-JKMNP", "UUUU-UUUU-UUUU"};
    char secret[SG_TOTP_TEXT_SIZE], given[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE], longer[600];
    bool recovery;

    (void)state;
    enrol(alice.id, secret, given);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        assert_int_equal(SG_ERR_BAD_FACTOR,
                         secondfactor_check(factor, alice.id, codes[i], &recovery));
    memset(longer, '1', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(SG_ERR_BAD_FACTOR, secondfactor_check(factor, alice.id, longer, &recovery));
}

/* A sealed secret is of no use in another place, under another key, or changed. */
static void test_sealed(void **state)
{
    struct factors_store s = sqlite_engine.factors(store.handle);
    static const uint8_t other_key[SG_FACTOR_KEY_SIZE] = {9};
    char codes[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE], code[SG_TOTP_CODE_SIZE];
    struct totp_enrolment made;
    struct totp_record totp;
    char *raw = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(SG_OK, secondfactor_begin(factor, alice.id, "alice", &made));
    assert_int_equal(SG_OK, s.vt->totp(s.self, alice.id, &totp));
    assert_int_equal(OATH_OK, oath_base32_decode(made.secret, strlen(made.secret), &raw, &len));
    for (size_t i = 0; i + 8 <= totp.sealed_len; i++)
        assert_memory_not_equal(totp.sealed + i, raw, 8);
    free(raw);
    shown(made.secret, 0, code);
    assert_int_equal(SG_OK, s.vt->totp_begin(s.self, bob.id, &totp));
    assert_int_equal(SG_ERR_CORRUPT, secondfactor_confirm(factor, bob.id, code, codes));
    for (size_t i = 0; i < totp.sealed_len; i++) {
        totp.sealed[i] ^= 0x10;
        assert_int_equal(SG_OK, s.vt->totp_begin(s.self, alice.id, &totp));
        assert_int_equal(SG_ERR_CORRUPT, secondfactor_confirm(factor, alice.id, code, codes));
        totp.sealed[i] ^= 0x10;
    }
    assert_int_equal(SG_OK, s.vt->totp_begin(s.self, alice.id, &totp));
    secondfactor_free(factor);
    open_factor(other_key);
    assert_int_equal(SG_ERR_CORRUPT, secondfactor_confirm(factor, alice.id, code, codes));
    secondfactor_free(factor);
    open_factor(key);
    assert_int_equal(SG_OK, secondfactor_confirm(factor, alice.id, code, codes));
}

static char shared[32];
static _Atomic unsigned good;

static void check_shared(void *ctx, size_t index)
{
    bool recovery;

    (void)ctx;
    (void)index;
    if (secondfactor_check(factor, alice.id, shared, &recovery) == SG_OK)
        atomic_fetch_add(&good, 1);
}

static void test_parallel(void **state)
{
    char secret[SG_TOTP_TEXT_SIZE], codes[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE];

    (void)state;
    enrol(alice.id, secret, codes);
    now_s += 90;
    shown(secret, 0, shared);
    good = 0;
    contract_threads(THREADS, check_shared, NULL);
    assert_int_equal(1, good);
    (void)strcpy(shared, codes[0]);
    good = 0;
    contract_threads(THREADS, check_shared, NULL);
    assert_int_equal(1, good);
}

static void test_qr(void **state)
{
    static const char *const finder[] = {"1111111", "1000001", "1011101", "1011101",
                                         "1011101", "1000001", "1111111"};
    struct qr_matrix *qr = malloc(sizeof *qr), *again = malloc(sizeof *again);
    char text[4000];

    (void)state;
    assert_non_null(qr);
    assert_non_null(again);
    assert_int_equal(SG_OK, secondfactor_qr("otpauth://totp/a:b?secret=AAAA", qr));
    assert_true(qr->side >= 21 && qr->side % 4 == 1);
    for (size_t y = 0; y < 7; y++)
        for (size_t x = 0; x < 7; x++)
            assert_int_equal(finder[y][x] - '0', qr->module[y * qr->side + x]);
    for (size_t i = 0; i < qr->side * qr->side; i++)
        assert_true(qr->module[i] <= 1);
    assert_int_equal(SG_OK, secondfactor_qr("otpauth://totp/a:b?secret=AAAB", again));
    assert_memory_not_equal(qr->module, again->module, qr->side * qr->side);
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(SG_ERR_TOO_LARGE, secondfactor_qr(text, qr));
    free(qr);
    free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_enrolment_text),
        cmocka_unit_test(test_qr),
        cmocka_unit_test_setup_teardown(test_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recovery_codes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parallel, setup, teardown),
    };

    return cmocka_run_group_tests_name("totp", tests, NULL, NULL);
}
