/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of sealed channels: sequence numbers, epochs, repeats, what outlives a process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/crypto.h>

#include "base/clock.h"
#include "channels_fixture.h"

static struct channels_fixture f;
static struct channels_client c;
static struct channels_try t;
static int64_t ahead_ns;

static int64_t shifted_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SG_NS_PER_S + now.tv_nsec + ahead_ns;
}

static int setup(void **state)
{
    (void)state;
    ahead_ns = 0;
    channels_fixture_init(&f);
    channels_fixture_open(&f, false, &c);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    clock_set_source(NULL);
    channels_fixture_fini(&f);
    return 0;
}

static void restart_with(unsigned window, unsigned responses)
{
    channels_fixture_stop(&f, true);
    f.options.window = window;
    f.options.responses = responses;
    channels_fixture_start(&f);
}

static enum sg_err try_at(uint64_t sequence)
{
    channels_send(&f, &c, &c.epoch, sequence, NULL, &t);
    return t.err;
}

/* -- opening ------------------------------------------------------------------------------------
 */
static void test_offers(void **state)
{
    struct session_record s = {.id = {7}, .expires_ns = clock_now_ns() + 60 * SG_NS_PER_S};
    uint8_t zero[32] = {0}, secret[32], public_key[32];
    struct channel_offer offer;

    (void)state;
    assert_int_equal(1, f.signatures);
    assert_int_equal(SG_OK, channels_open(f.channels, &s, NULL, &offer));
    assert_true(offer.given);
    assert_string_equal(SG_CHANNEL_SUITE_GIVEN, offer.suite);
    assert_memory_equal(zero, offer.terms.server_public, 32);
    assert_memory_not_equal(zero, offer.secret, 32);
    assert_int_equal(1, f.signatures);
    /* Never longer than the session. */
    assert_int_equal(s.expires_ns / SG_NS_PER_S, offer.terms.expires_s);
    assert_false(offer.bound_address);
    s.id[0] = 8;
    strcpy(s.bound_address, "192.0.2.7");
    s.expires_ns += 86400 * SG_NS_PER_S;
    channel_key_pair(secret, public_key);
    assert_int_equal(SG_OK, channels_open(f.channels, &s, public_key, &offer));
    assert_false(offer.given);
    assert_memory_equal(zero, offer.secret, 32);
    assert_int_equal(1800, offer.terms.expires_s - offer.terms.created_s);
    assert_true(offer.bound_address);
    assert_int_equal(3, channels_count(f.channels));
    /* A key that leads to zero whatever the other one is. */
    s.id[0] = 9;
    assert_int_equal(SG_ERR_BAD_FIELD, channels_open(f.channels, &s, zero, &offer));
    f.sign_error = SG_ERR_UNAVAILABLE;
    assert_int_equal(SG_ERR_UNAVAILABLE, channels_open(f.channels, &s, public_key, &offer));
    assert_int_equal(3, channels_count(f.channels));
}

static void test_binding(void **state)
{
    static const bool expected[3][3] = {/* not said, said without, said with address */
                                        {false, false, true},
                                        {true, false, true},
                                        {true, true, true}};

    (void)state;
    for (unsigned mode = 0; mode < 3; mode++) {
        channels_fixture_stop(&f, true);
        f.options.bind = (enum channels_bind)mode;
        channels_fixture_start(&f);
        assert_int_equal(expected[mode][0], channels_bind_address(f.channels, false, false));
        assert_int_equal(expected[mode][1], channels_bind_address(f.channels, true, false));
        assert_int_equal(expected[mode][2], channels_bind_address(f.channels, true, true));
    }
}

/* -- sequence numbers ---------------------------------------------------------------------------
 */
static void test_in_order(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 100; i++) {
        channels_next(&f, &c, i % 2 == 0 ? NULL : "", &t);
        assert_int_equal(SG_OK, t.err);
        assert_string_equal("plain", t.text);
        assert_int_equal(i, t.answer.sequence);
        assert_int_equal(i / 10, t.answer.next_epoch);
    }
}

static void test_window(void **state)
{
    (void)state;
    assert_int_equal(SG_ERR_SEQUENCE_GAP, try_at(65));
    assert_int_equal(SG_OK, try_at(64));
    assert_int_equal(SG_OK, try_at(1));
    assert_int_equal(SG_OK, try_at(2));
    assert_int_equal(SG_ERR_REPLAYED, try_at(1));
    assert_int_equal(SG_OK, try_at(65));
    assert_int_equal(SG_ERR_REPLAYED, try_at(1));
    assert_int_equal(SG_ERR_SEQUENCE_GAP, try_at(130));
    assert_int_equal(SG_OK, try_at(128));
    /* 65 is the oldest that could be new, and was taken. */
    assert_int_equal(SG_ERR_REPLAYED, try_at(65));
    assert_int_equal(SG_OK, try_at(66));
    assert_int_equal(SG_ERR_REPLAYED, try_at(64));
    assert_int_equal(SG_ERR_REPLAYED, try_at(3));
}

static void test_window_of_one(void **state)
{
    (void)state;
    restart_with(1, 10);
    assert_int_equal(SG_ERR_SEQUENCE_GAP, try_at(2));
    assert_int_equal(SG_OK, try_at(1));
    assert_int_equal(SG_ERR_SEQUENCE_GAP, try_at(3));
    assert_int_equal(SG_OK, try_at(2));
    assert_int_equal(SG_ERR_REPLAYED, try_at(1));
    assert_int_equal(SG_OK, try_at(3));
}

/* Against a model that knows every number that was ever used. */
static void test_window_model(void **state)
{
    enum { MODEL = 4096 };
    static bool used[MODEL];
    uint64_t highest = 0, last = 0;

    (void)state;
    memset(used, 0, sizeof used);
    restart_with(64, 1000000);
    srandom(7);
    for (unsigned i = 0; i < 20000 && highest < MODEL - 200; i++) {
        uint64_t from = highest > 90 ? highest - 90 : 1;
        uint64_t sequence = from + (uint64_t)random() % 100;
        enum sg_err expected = sequence == last           ? SG_OK
                               : sequence > highest + 64  ? SG_ERR_SEQUENCE_GAP
                               : used[sequence]           ? SG_ERR_REPLAYED
                               : sequence + 64 <= highest ? SG_ERR_REPLAYED
                                                          : SG_OK;

        assert_int_equal(expected, try_at(sequence));
        if (expected != SG_OK)
            continue;
        used[sequence] = true;
        last = sequence;
        highest = sequence > highest ? sequence : highest;
    }
}

static void test_repeat(void **state)
{
    struct channels_try again;

    (void)state;
    channels_next(&f, &c, NULL, &t);
    channels_next(&f, &c, "", &t);
    channels_send(&f, &c, &c.epoch, 2, "", &again);
    assert_int_equal(SG_OK, again.err);
    assert_int_equal(t.sealed_len, again.sealed_len);
    assert_memory_equal(t.sealed, again.sealed, t.sealed_len);
    assert_memory_equal(t.answer.nonce, again.answer.nonce, SG_CHANNEL_NONCE_SIZE);
    assert_int_equal(t.answer.next_epoch, again.answer.next_epoch);
    /* With that number, but something else in it. */
    assert_int_equal(SG_ERR_REPLAYED, try_at(2));
    assert_int_equal(SG_ERR_REPLAYED, try_at(1));
    channels_send(&f, &c, &c.epoch, 2, "other", &again);
    assert_int_equal(SG_ERR_REPLAYED, again.err);
    channels_send(&f, &c, &c.epoch, 2, "", &again);
    assert_int_equal(SG_OK, again.err);
    assert_memory_equal(t.sealed, again.sealed, t.sealed_len);
}

/* -- authenticity -------------------------------------------------------------------------------
 */
static void test_sealed_first(void **state)
{
    struct channels_client other;
    struct channel_epoch wrong = c.epoch;

    (void)state;
    /* A message that is not authentic says nothing about sequence numbers, and uses none. */
    wrong.key[SG_CHANNEL_REQUEST][0] ^= 1;
    channels_send(&f, &c, &wrong, 1000, "x", &t);
    assert_int_equal(SG_ERR_BAD_SEALED, t.err);
    channels_send(&f, &c, &wrong, 1, "x", &t);
    assert_int_equal(SG_ERR_BAD_SEALED, t.err);
    channels_fixture_open(&f, true, &other);
    channels_send(&f, &c, &other.epoch, 1, "x", &t);
    assert_int_equal(SG_ERR_BAD_SEALED, t.err);
    channels_next(&f, &c, NULL, &t);
    assert_int_equal(SG_OK, t.err);
    channels_next(&f, &other, NULL, &t);
    assert_int_equal(SG_OK, t.err);
}

static void test_too_large(void **state)
{
    char text[2000];

    (void)state;
    channels_fixture_stop(&f, true);
    f.options.data_bytes = 1024;
    channels_fixture_start(&f);
    memset(text, 'x', sizeof text);
    text[1025] = 0;
    channels_send(&f, &c, &c.epoch, 1, text, &t);
    assert_int_equal(SG_ERR_TOO_LARGE, t.err);
    text[1024] = 0;
    channels_send(&f, &c, &c.epoch, 1, text, &t);
    assert_int_equal(SG_OK, t.err);
    channels_abandon(f.channels, &t.exchange);
}

/* -- epochs -------------------------------------------------------------------------------------
 */
static void test_epochs(void **state)
{
    struct channel_epoch first = c.epoch, future = c.epoch;

    (void)state;
    assert_int_equal(SG_OK, channel_next(&future));
    channels_send(&f, &c, &future, 1, NULL, &t);
    assert_int_equal(SG_ERR_EPOCH, t.err);
    for (unsigned i = 0; i < 9; i++)
        channels_next(&f, &c, NULL, &t);
    assert_int_equal(0, t.answer.next_epoch);
    channels_next(&f, &c, NULL, &t);
    assert_int_equal(0, t.answer.epoch);
    assert_int_equal(1, t.answer.next_epoch);
    /* A request on the way in the former epoch, answered in it; it does not count for the next. */
    channels_send(&f, &c, &first, ++c.sequence, "", &t);
    assert_int_equal(SG_OK, t.err);
    assert_int_equal(0, t.answer.epoch);
    assert_int_equal(1, t.answer.next_epoch);
    for (unsigned i = 0; i < 10; i++)
        channels_next(&f, &c, NULL, &t);
    assert_int_equal(2, t.answer.next_epoch);
    channels_send(&f, &c, &first, ++c.sequence, "", &t);
    assert_int_equal(SG_ERR_EPOCH, t.err);
    channels_send(&f, &c, &c.former, c.sequence, "", &t);
    assert_int_equal(SG_OK, t.err);
}

/* The former epoch is for what was on the way, not for ever. */
static void test_former_ends(void **state)
{
    struct channel_epoch first = c.epoch;

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        channels_next(&f, &c, NULL, &t);
    for (uint64_t sequence = 11; sequence <= 74; sequence++) {
        channels_send(&f, &c, &first, sequence, NULL, &t);
        assert_int_equal(SG_OK, t.err);
        assert_int_equal(1, t.answer.next_epoch);
    }
    channels_send(&f, &c, &first, 75, NULL, &t);
    assert_int_equal(SG_ERR_EPOCH, t.err);
    channels_send(&f, &c, &c.epoch, 75, NULL, &t);
    assert_int_equal(SG_OK, t.err);
}

static void test_without_epoch(void **state)
{
    struct channel_request q = {.sequence = 1};
    struct channel_exchange *x = NULL;
    struct channel_answer a;
    struct buf inner;

    (void)state;
    memcpy(q.session_id, c.terms.session_id, sizeof q.session_id);
    buf_init(&inner, 16);
    for (; q.sequence <= 25; q.sequence++) {
        assert_int_equal(SG_OK, channels_take(f.channels, &q, "x", 1, &inner, &x, &a, NULL));
        assert_int_equal((q.sequence - 1) / 10, a.epoch);
        assert_int_equal(q.sequence / 10, a.next_epoch);
        buf_fini(&a.data);
    }
    q.nonce = (const uint8_t *)"123456789012";
    assert_int_equal(SG_ERR_BAD_FIELD, channels_take(f.channels, &q, "x", 1, &inner, &x, &a, NULL));
}

/* -- enclosed requests --------------------------------------------------------------------------
 */
static void test_enclosed(void **state)
{
    struct channels_try again;

    (void)state;
    channels_next(&f, &c, "do it", &t);
    assert_int_equal(SG_OK, t.err);
    assert_non_null(t.exchange);
    assert_string_equal("do it", t.text);
    /* At work on it; others go on. */
    channels_send(&f, &c, &c.epoch, 1, "do it", &again);
    assert_int_equal(SG_ERR_SEQUENCE_BUSY, again.err);
    channels_send(&f, &c, &c.epoch, 2, NULL, &again);
    assert_int_equal(SG_OK, again.err);
    channels_reply(&f, &c, &c.epoch, "done", &t);
    assert_int_equal(SG_OK, t.err);
    assert_string_equal("done", t.text);
    channels_send(&f, &c, &c.epoch, 1, "do it", &again);
    assert_int_equal(SG_OK, again.err);
    assert_null(again.exchange);
    assert_string_equal("done", again.text);
    assert_memory_equal(t.sealed, again.sealed, t.sealed_len);
}

static void test_abandoned(void **state)
{
    (void)state;
    channels_next(&f, &c, "do it", &t);
    channels_abandon(f.channels, &t.exchange);
    assert_null(t.exchange);
    channels_abandon(f.channels, &t.exchange);
    channels_send(&f, &c, &c.epoch, 1, "do it", &t);
    assert_int_equal(SG_ERR_INTERRUPTED, t.err);
    channels_next(&f, &c, NULL, &t);
    assert_int_equal(SG_OK, t.err);
}

/* Answered under keys that the channel has left behind twice since. */
static void test_slow(void **state)
{
    struct channel_epoch first = c.epoch;
    struct channels_try slow;

    (void)state;
    channels_next(&f, &c, "slowly", &slow);
    for (unsigned i = 0; i < 40; i++)
        channels_next(&f, &c, NULL, &t);
    assert_int_equal(4, t.answer.next_epoch);
    channels_reply(&f, &c, &first, "at last", &slow);
    assert_int_equal(SG_OK, slow.err);
    assert_int_equal(0, slow.answer.epoch);
    assert_int_equal(4, slow.answer.next_epoch);
    for (unsigned i = 0; i < 100; i++)
        channels_next(&f, &c, NULL, &t);
    assert_int_equal(SG_OK, t.err);
}

static void test_large_answers(void **state)
{
    char *text = calloc(1, 300001);
    struct channels_try again;

    (void)state;
    memset(text, 'a', 300000);
    channels_next(&f, &c, "large", &t);
    channels_reply(&f, &c, &c.epoch, text, &t);
    assert_int_equal(SG_OK, t.err);
    channels_fixture_stop(&f, false);
    channels_fixture_start(&f);
    channels_send(&f, &c, &c.epoch, 1, "large", &again);
    assert_int_equal(SG_OK, again.err);
    assert_false(again.at_once);
    assert_memory_equal(t.text, again.text, sizeof t.text);
    assert_memory_equal(t.sealed, again.sealed, t.sealed_len);
    text[20000] = '\0';
    channels_next(&f, &c, "not so large", &t);
    channels_reply(&f, &c, &c.epoch, text, &t);
    channels_send(&f, &c, &c.epoch, 2, "not so large", &again);
    assert_int_equal(SG_OK, again.err);
    assert_true(again.at_once);
    assert_memory_equal(t.sealed, again.sealed, t.sealed_len);
    free(text);
}

static void test_ended_by_its_request(void **state)
{
    (void)state;
    channels_next(&f, &c, "log me out", &t);
    channels_close(f.channels, c.terms.session_id);
    channels_reply(&f, &c, &c.epoch, "done", &t);
    assert_int_equal(SG_OK, t.err);
    assert_string_equal("done", t.text);
    channels_next(&f, &c, NULL, &t);
    assert_int_equal(SG_ERR_NO_CHANNEL, t.err);
}

/* -- restarts -----------------------------------------------------------------------------------
 */
static void restart(bool orderly)
{
    channels_fixture_stop(&f, orderly);
    channels_fixture_start(&f);
}

static void outlives(bool orderly)
{
    struct channels_client given;
    struct channels_try last, again;

    channels_fixture_open(&f, true, &given);
    for (unsigned i = 0; i < 25; i++) {
        channels_next(&f, &c, i % 2 == 0 ? "" : NULL, &last);
        channels_next(&f, &given, NULL, &t);
        if (i % 3 == 0)
            restart(orderly);
    }
    restart(orderly);
    assert_int_equal(2, channels_count(f.channels));
    channels_send(&f, &c, &c.epoch, 25, "", &again);
    assert_int_equal(SG_OK, again.err);
    assert_memory_equal(last.sealed, again.sealed, last.sealed_len);
    assert_int_equal(SG_ERR_REPLAYED, try_at(24));
    assert_int_equal(SG_ERR_REPLAYED, try_at(1));
    assert_int_equal(SG_ERR_SEQUENCE_GAP, try_at(90));
    channels_send(&f, &c, &c.former, 26, NULL, &t);
    assert_int_equal(SG_OK, t.err);
    for (unsigned i = 0; i < 12; i++)
        channels_next(&f, &given, NULL, &t);
    assert_int_equal(3, t.answer.next_epoch);
}

static void test_outlives_order(void **state)
{
    (void)state;
    outlives(true);
}

static void test_outlives_kill(void **state)
{
    (void)state;
    outlives(false);
}

/* What was begun is never done again. */
static void test_killed_in_between(void **state)
{
    (void)state;
    channels_next(&f, &c, "do it", &t);
    channels_abandon(f.channels, &t.exchange); /* as the end of the process does */
    restart(false);
    channels_send(&f, &c, &c.epoch, 1, "do it", &t);
    assert_int_equal(SG_ERR_INTERRUPTED, t.err);
    channels_next(&f, &c, "next", &t);
    assert_non_null(t.exchange);
    channels_abandon(f.channels, &t.exchange);
}

static enum sg_err copy_record(void *ctx, size_t slot, const struct channel_record *record)
{
    (void)slot;
    *(struct channel_record *)ctx = *record;
    return SG_OK;
}

/* The storage key itself seals nothing: each session has one that is derived from it. */
static void test_own_storage_key(void **state)
{
    struct channels_store s = fschannels_store(f.files);
    gnutls_datum_t key = {f.options.storage_key, sizeof f.options.storage_key};
    struct channel_record r = {.highest = 0};
    gnutls_aead_cipher_hd_t cipher;
    uint8_t aad[8 + SG_SESSION_ID_SIZE + 8] = "channel", plain[SG_CHANNEL_WRAPPED_SIZE];
    size_t len = sizeof plain;

    (void)state;
    assert_int_equal(SG_OK, s.vt->load(s.self, copy_record, &r));
    assert_true(r.wrapped_len > SG_CHANNEL_NONCE_SIZE);
    memcpy(aad + 8, r.session_id, SG_SESSION_ID_SIZE);
    aad[sizeof aad - 1] = (uint8_t)r.epoch;
    assert_int_equal(0, gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_256_GCM, &key));
    assert_true(gnutls_aead_cipher_decrypt(cipher, r.wrapped, SG_CHANNEL_NONCE_SIZE, aad,
                                           sizeof aad, SG_CHANNEL_TAG_SIZE,
                                           r.wrapped + SG_CHANNEL_NONCE_SIZE,
                                           r.wrapped_len - SG_CHANNEL_NONCE_SIZE, plain, &len) < 0);
    gnutls_aead_cipher_deinit(cipher);
}

static void test_other_storage_key(void **state)
{
    (void)state;
    channels_fixture_stop(&f, true);
    f.options.storage_key[0] ^= 1;
    channels_fixture_start(&f);
    assert_int_equal(0, channels_count(f.channels));
    channels_next(&f, &c, NULL, &t);
    assert_int_equal(SG_ERR_NO_CHANNEL, t.err);
}

/* -- the end ------------------------------------------------------------------------------------
 */
static void test_close(void **state)
{
    (void)state;
    channels_close(f.channels, c.terms.session_id);
    channels_close(f.channels, c.terms.session_id);
    assert_int_equal(0, channels_count(f.channels));
    channels_next(&f, &c, NULL, &t);
    assert_int_equal(SG_ERR_NO_CHANNEL, t.err);
    restart(true);
    assert_int_equal(0, channels_count(f.channels));
    channels_close(NULL, c.terms.session_id);
}

static void test_expiry(void **state)
{
    const struct clock_source shifted = {.now_ns = shifted_ns};
    struct channels_client other;

    (void)state;
    clock_set_source(&shifted);
    ahead_ns = 1000 * SG_NS_PER_S;
    channels_fixture_open(&f, false, &other);
    ahead_ns = 1790 * SG_NS_PER_S;
    channels_next(&f, &c, NULL, &t);
    assert_int_equal(SG_OK, t.err);
    ahead_ns = 1801 * SG_NS_PER_S;
    channels_next(&f, &c, NULL, &t);
    assert_int_equal(SG_ERR_SESSION_EXPIRED, t.err);
    channels_prune(f.channels);
    assert_int_equal(1, channels_count(f.channels));
    channels_next(&f, &c, NULL, &t);
    assert_int_equal(SG_ERR_NO_CHANNEL, t.err);
    channels_next(&f, &other, NULL, &t);
    assert_int_equal(SG_OK, t.err);
    ahead_ns = 4000 * SG_NS_PER_S;
    restart(false);
    assert_int_equal(0, channels_count(f.channels));
}

static bool is_other(void *ctx, const uint8_t session_id[SG_SESSION_ID_SIZE])
{
    (void)ctx;
    return memcmp(session_id, c.terms.session_id, SG_SESSION_ID_SIZE) != 0;
}

/* Sessions that went away without a word, with their user. */
static void test_pruned_with_session(void **state)
{
    struct channels_client other;

    (void)state;
    channels_fixture_stop(&f, true);
    f.options.ended = is_other;
    channels_fixture_start(&f);
    for (unsigned i = 0; i < 100; i++)
        channels_fixture_open(&f, true, &other);
    channels_prune(f.channels);
    assert_int_equal(1, channels_count(f.channels));
    channels_next(&f, &other, NULL, &t);
    assert_int_equal(SG_ERR_NO_CHANNEL, t.err);
    channels_next(&f, &c, NULL, &t);
    assert_int_equal(SG_OK, t.err);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_offers),
        T(test_binding),
        T(test_in_order),
        T(test_window),
        T(test_window_of_one),
        T(test_window_model),
        T(test_repeat),
        T(test_sealed_first),
        T(test_too_large),
        T(test_epochs),
        T(test_former_ends),
        T(test_without_epoch),
        T(test_enclosed),
        T(test_abandoned),
        T(test_slow),
        T(test_large_answers),
        T(test_outlives_order),
        T(test_outlives_kill),
        T(test_close),
        T(test_expiry),
        T(test_killed_in_between),
        T(test_other_storage_key),
        T(test_own_storage_key),
        T(test_ended_by_its_request),
        T(test_pruned_with_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
