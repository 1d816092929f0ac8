/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the keyring's client against scripted keyrings: answers, ends, restarts, time limits,
 * many threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/channel.h"
#include "ipc/keyring_client.h"

/* What the scripted keyring does with each request. */
enum script {
    ANSWER,         /* well */
    REFUSE,         /* with SG_ERR_BAD_FIELD */
    SILENCE,        /* never answers */
    LATE,           /* answers the first request too late, then well */
    END,            /* reads and closes */
    UNKNOWN_STATUS, /* answers with an error code that does not exist */
    REST,           /* answers with bytes left over */
    SHORT           /* answers with SG_OK and no fields */
};

struct fake {
    int fd;
    enum script script;
    pthread_t thread;
    atomic_uint requests;
};

static void answer_well(uint8_t type, struct buf *reply)
{
    struct token_key key = {.kid = "kid", .n = {1, 2}, .n_len = 2, .e = {3}, .e_len = 1};

    codec_put_u8(reply, SG_OK);
    if (type == SG_KEYRING_SIGN_TLS)
        codec_put_bytes(reply, "signature", 9);
    if (type == SG_KEYRING_HAS_TLS_KEY) {
        codec_put_u32(reply, 4);
        codec_put_u32(reply, 256);
    }
    if (type == SG_KEYRING_MINT)
        codec_put_string(reply, "a.b.c");
    if (type == SG_KEYRING_TOKEN_KEYS)
        keyring_put_token_keys(reply, &key, 1);
}

static void make_reply(const struct fake *f, uint8_t type, struct buf *reply)
{
    buf_clear(reply);
    if (f->script == REFUSE)
        codec_put_u8(reply, SG_ERR_BAD_FIELD);
    else if (f->script == UNKNOWN_STATUS)
        codec_put_u8(reply, SG_ERR_COUNT);
    else if (f->script == SHORT)
        codec_put_u8(reply, SG_OK);
    else
        answer_well(type, reply);
    if (f->script == REST)
        codec_put_u8(reply, 0);
}

static void *fake_main(void *arg)
{
    struct fake *f = arg;
    struct buf message;
    struct buf reply;

    buf_init(&message, SG_IPC_MESSAGE_MAX);
    buf_init(&reply, SG_IPC_MESSAGE_MAX);
    while (channel_receive(f->fd, -1, &message, NULL, NULL) == SG_OK) {
        atomic_fetch_add(&f->requests, 1);
        if (f->script == SILENCE)
            continue;
        if (f->script == END)
            break;
        make_reply(f, message.data[0], &reply);
        if (f->script == LATE && atomic_load(&f->requests) == 1)
            usleep((SG_KEYRING_TIMEOUT_MS + 300) * 1000);
        if (channel_send(f->fd, &reply, NULL, 0) != SG_OK)
            break;
    }
    close(f->fd);
    buf_fini(&message);
    buf_fini(&reply);
    return NULL;
}

/* Starts a scripted keyring; its client's end. */
static int fake_start(struct fake *f, enum script script)
{
    int fds[2];

    assert_int_equal(channel_pair(fds), SG_OK);
    f->fd = fds[1];
    f->script = script;
    atomic_store(&f->requests, 0);
    assert_int_equal(pthread_create(&f->thread, NULL, fake_main, f), 0);
    return fds[0];
}

static void fake_join(struct fake *f)
{
    assert_int_equal(pthread_join(f->thread, NULL), 0);
}

static struct keyring_client *client_of(struct fake *fakes, size_t count, enum script script)
{
    struct keyring_client *k = keyring_client_new();
    int fds[SG_KEYRING_CHANNELS + 2];

    for (size_t i = 0; i < count; i++)
        fds[i] = fake_start(&fakes[i], script);
    keyring_client_attach(k, fds, count);
    return k;
}

static int64_t elapsed_ms(int64_t since_ns)
{
    return (clock_monotonic_ns() - since_ns) / SG_NS_PER_MS;
}

static void test_every_call(void **state)
{
    struct fake fake;
    struct keyring_client *k = client_of(&fake, 1, ANSWER);
    const struct keyring_sign_tls sign = {.digest_len = 32};
    const struct keyring_claims claims = {.lifetime_s = 1};
    struct token_key keys[SG_TOKEN_KEYS_MAX];
    uint8_t signature[16];
    const uint8_t spki[32] = {0};
    char token[SG_TOKEN_SIZE];
    uint32_t algorithm;
    uint32_t bits;
    size_t len;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(keyring_client_status(k), SG_OK);
        assert_int_equal(keyring_client_sign_tls(k, &sign, signature, 9, &len), SG_OK);
        assert_int_equal(len, 9);
        assert_memory_equal(signature, "signature", 9);
        assert_int_equal(keyring_client_has_tls_key(k, spki, &algorithm, &bits), SG_OK);
        assert_int_equal(algorithm, 4);
        assert_int_equal(bits, 256);
        assert_int_equal(keyring_client_mint(k, &claims, token), SG_OK);
        assert_string_equal(token, "a.b.c");
        assert_int_equal(keyring_client_token_keys(k, keys, &len), SG_OK);
        assert_int_equal(len, 1);
        assert_string_equal(keys[0].kid, "kid");
    }
    keyring_client_free(k);
    fake_join(&fake);
    assert_int_equal(atomic_load(&fake.requests), 10);
}

static void test_an_answer_that_does_not_fit_ends_the_channel(void **state)
{
    struct fake fakes[2];
    struct keyring_client *k = client_of(fakes, 2, ANSWER);
    const struct keyring_sign_tls sign = {.digest_len = 32};
    uint8_t signature[16];
    size_t len = 3;

    (void)state;
    assert_int_equal(keyring_client_sign_tls(k, &sign, signature, 8, &len), SG_ERR_PROTOCOL);
    assert_int_equal(len, 3);
    fake_join(&fakes[0]);
    assert_int_equal(keyring_client_sign_tls(k, &sign, signature, 9, &len), SG_OK);
    keyring_client_free(k);
    fake_join(&fakes[1]);
}

static void test_the_keyrings_error_is_passed_on(void **state)
{
    struct fake fake;
    struct keyring_client *k = client_of(&fake, 1, REFUSE);
    const struct keyring_claims claims = {.lifetime_s = 1};
    char token[SG_TOKEN_SIZE] = "untouched";

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(keyring_client_mint(k, &claims, token), SG_ERR_BAD_FIELD);
    assert_string_equal(token, "untouched");
    keyring_client_free(k);
    fake_join(&fake);
    assert_int_equal(atomic_load(&fake.requests), 3);
}

static void test_malformed_answers_end_the_channel(void **state)
{
    static const enum script scripts[] = {UNKNOWN_STATUS, REST, SHORT};
    const struct keyring_claims claims = {.lifetime_s = 1};
    char token[SG_TOKEN_SIZE] = "untouched";

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct fake fake;
        struct keyring_client *k = client_of(&fake, 1, scripts[i]);

        assert_int_equal(keyring_client_mint(k, &claims, token), SG_ERR_PROTOCOL);
        assert_string_equal(token, "untouched");
        fake_join(&fake); /* it saw the end while the client still lives */
        keyring_client_free(k);
    }
}

static void test_no_channel_within_the_time_limit(void **state)
{
    struct keyring_client *k = keyring_client_new();
    int64_t start = clock_monotonic_ns();

    (void)state;
    assert_int_equal(keyring_client_status(k), SG_ERR_UNAVAILABLE);
    assert_in_range(elapsed_ms(start), SG_KEYRING_TIMEOUT_MS - 10, SG_KEYRING_TIMEOUT_MS + 1000);
    keyring_client_free(k);
    keyring_client_free(NULL);
}

static void test_silence_ends_the_call_at_the_time_limit(void **state)
{
    struct fake fakes[2];
    struct keyring_client *k = client_of(fakes, 2, SILENCE);
    int64_t start = clock_monotonic_ns();

    (void)state;
    assert_int_equal(keyring_client_status(k), SG_ERR_UNAVAILABLE);
    assert_in_range(elapsed_ms(start), SG_KEYRING_TIMEOUT_MS - 10, SG_KEYRING_TIMEOUT_MS + 1000);
    for (int i = 0; i < 3; i++) { /* others no longer wait that long, with a free channel or none */
        start = clock_monotonic_ns();
        assert_int_equal(keyring_client_status(k), SG_ERR_UNAVAILABLE);
        assert_in_range(elapsed_ms(start), 400, 1500);
    }
    keyring_client_free(k);
    for (size_t i = 0; i < 2; i++)
        fake_join(&fakes[i]);
}

static void test_a_late_answer_is_dropped_and_its_channel_used_again(void **state)
{
    struct fake fake;
    struct keyring_client *k = client_of(&fake, 1, LATE);
    const struct keyring_claims claims = {.lifetime_s = 1};
    char token[SG_TOKEN_SIZE];

    (void)state;
    assert_int_equal(keyring_client_mint(k, &claims, token), SG_ERR_UNAVAILABLE);
    for (int i = 0; i < 3; i++)
        assert_int_equal(keyring_client_status(k), SG_OK);
    keyring_client_free(k);
    fake_join(&fake);
    assert_int_equal(atomic_load(&fake.requests), 4);
}

struct caller {
    struct keyring_client *client;
    enum sg_err err;
};

static void *call_status(void *arg)
{
    struct caller *c = arg;

    c->err = keyring_client_status(c->client);
    return NULL;
}

static void test_a_call_goes_on_after_a_restart(void **state)
{
    struct fake old[2];
    struct fake fresh;
    struct keyring_client *k = client_of(old, 1, END);
    struct caller caller = {.client = k, .err = SG_ERR_INTERNAL};
    pthread_t thread;
    int fd;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, call_status, &caller), 0);
    fake_join(&old[0]); /* the call is lost with its keyring */
    usleep(50000);
    fd = fake_start(&fresh, ANSWER);
    keyring_client_attach(k, &fd, 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(caller.err, SG_OK);
    keyring_client_free(k);
    fake_join(&fresh);
}

static void test_a_lost_call_is_made_twice_at_most(void **state)
{
    struct fake fakes[4];
    struct keyring_client *k = client_of(fakes, 4, END);
    unsigned requests = 0;

    (void)state;
    assert_int_equal(keyring_client_status(k), SG_ERR_UNAVAILABLE);
    keyring_client_free(k);
    for (size_t i = 0; i < 4; i++) {
        fake_join(&fakes[i]);
        requests += atomic_load(&fakes[i].requests);
    }
    assert_int_equal(requests, 2);
}

static void test_channels_that_ended_unused_cost_no_try(void **state)
{
    struct fake fake;
    struct keyring_client *k = keyring_client_new();
    int fds[SG_KEYRING_CHANNELS];

    (void)state;
    for (size_t i = 0; i < SG_KEYRING_CHANNELS - 1; i++) {
        int ends[2];

        assert_int_equal(channel_pair(ends), SG_OK);
        close(ends[1]);
        fds[i] = ends[0];
    }
    fds[SG_KEYRING_CHANNELS - 1] = fake_start(&fake, ANSWER);
    keyring_client_attach(k, fds, SG_KEYRING_CHANNELS);
    assert_int_equal(keyring_client_status(k), SG_OK);
    keyring_client_free(k);
    fake_join(&fake);
}

static void test_attaching_replaces_and_closes_the_surplus(void **state)
{
    struct fake fakes[SG_KEYRING_CHANNELS + 2];
    struct fake fresh;
    struct keyring_client *k = client_of(fakes, SG_KEYRING_CHANNELS + 2, ANSWER);
    int fd = fake_start(&fresh, ANSWER);

    (void)state;
    fake_join(&fakes[SG_KEYRING_CHANNELS]);
    fake_join(&fakes[SG_KEYRING_CHANNELS + 1]);
    keyring_client_attach(k, &fd, 1);
    for (size_t i = 0; i < SG_KEYRING_CHANNELS; i++)
        fake_join(&fakes[i]);
    assert_int_equal(keyring_client_status(k), SG_OK);
    keyring_client_attach(k, NULL, 0);
    fake_join(&fresh);
    keyring_client_free(k);
}

struct load {
    struct keyring_client *client;
    atomic_bool stop;
    atomic_uint good;
    atomic_uint bad;
};

static void *call_for_long(void *arg)
{
    struct load *l = arg;

    while (!atomic_load(&l->stop))
        atomic_fetch_add(keyring_client_status(l->client) == SG_OK ? &l->good : &l->bad, 1);
    return NULL;
}

/* Calls in 16 threads while the channels are exchanged 20 times: none fails. */
static void test_many_threads_and_attachments(void **state)
{
    enum { THREADS = 16, ROUNDS = 20, CHANNELS = 4 };
    static struct fake fakes[ROUNDS + 1][CHANNELS];
    struct keyring_client *k = client_of(fakes[0], CHANNELS, ANSWER);
    struct load load = {.client = k};
    pthread_t threads[THREADS];

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_for_long, &load), 0);
    for (size_t r = 1; r <= ROUNDS; r++) {
        int fds[CHANNELS];

        usleep(5000);
        for (size_t i = 0; i < CHANNELS; i++)
            fds[i] = fake_start(&fakes[r][i], ANSWER);
        keyring_client_attach(k, fds, CHANNELS);
    }
    atomic_store(&load.stop, true);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    keyring_client_free(k);
    for (size_t r = 0; r <= ROUNDS; r++)
        for (size_t i = 0; i < CHANNELS; i++)
            fake_join(&fakes[r][i]);
    assert_int_equal(atomic_load(&load.bad), 0);
    assert_true(atomic_load(&load.good) > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_call),
        cmocka_unit_test(test_an_answer_that_does_not_fit_ends_the_channel),
        cmocka_unit_test(test_the_keyrings_error_is_passed_on),
        cmocka_unit_test(test_malformed_answers_end_the_channel),
        cmocka_unit_test(test_no_channel_within_the_time_limit),
        cmocka_unit_test(test_silence_ends_the_call_at_the_time_limit),
        cmocka_unit_test(test_a_late_answer_is_dropped_and_its_channel_used_again),
        cmocka_unit_test(test_a_call_goes_on_after_a_restart),
        cmocka_unit_test(test_a_lost_call_is_made_twice_at_most),
        cmocka_unit_test(test_channels_that_ended_unused_cost_no_try),
        cmocka_unit_test(test_attaching_replaces_and_closes_the_surplus),
        cmocka_unit_test(test_many_threads_and_attachments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
