/* SPDX-License-Identifier: Apache-2.0 */
/* Streamed bodies: order, back-pressure, refusals that arrive, clients that vanish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/metrics.h"
#include "http_fixture.h"
#include "http_ops.h"

#define MIB (1024 * 1024)

static struct http_fixture fixture;
static char answer[65536];
static uint8_t *data; /* as http_ops expects it */
static size_t data_len = 24 * MIB;

static int set_up(void **state)
{
    struct server_config config;

    (void)state;
    http_ops_init();
    http_ops_config(&config);
    config.limits.pool_threads = 3;
    http_fixture_start(&fixture, &config);
    data = malloc(data_len);
    for (size_t i = 0; i < data_len; i++)
        data[i] = http_ops_byte(i);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_fixture_stop(&fixture);
    http_ops_fini();
    free(data);
    return 0;
}

static void begun_all_ended(void)
{
    for (int i = 0; i < 1000 && atomic_load(&http_ops_begun) != atomic_load(&http_ops_ended); i++)
        usleep(10000);
    assert_int_equal(atomic_load(&http_ops_begun), atomic_load(&http_ops_ended));
}

static bool send_head(struct http_client *c, const char *target, const char *fields, size_t length)
{
    char head[512];

    (void)snprintf(head, sizeof head, "PUT %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n",
                   target, fields, length);
    return http_client_send(c, head, strlen(head));
}

static bool send_chunked(struct http_client *c, const char *target, size_t length, size_t chunk)
{
    char head[256];

    (void)snprintf(head, sizeof head,
                   "PUT %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", target);
    if (!http_client_send(c, head, strlen(head)))
        return false;
    for (size_t at = 0; at < length; at += chunk) {
        size_t n = length - at < chunk ? length - at : chunk;

        (void)snprintf(head, sizeof head, "%zx\r\n", n);
        if (!http_client_send(c, head, strlen(head)) || !http_client_send(c, data + at, n) ||
            !http_client_send(c, "\r\n", 2))
            return false;
    }
    return http_client_send(c, "0\r\n\r\n", 5);
}

static unsigned read_status(struct http_client *c)
{
    unsigned status;

    (void)http_client_answer(c, false, answer, sizeof answer, &status);
    return status;
}

static void check_received(size_t length)
{
    char want[64];

    (void)snprintf(want, sizeof want, "{\"received\":%zu}", length);
    assert_non_null(strstr(answer, want));
}

static void test_sizes(void **state)
{
    static const size_t sizes[] = {0, 1, 1000, 65535, 65536, 65537, MIB, MIB + 1, 20 * MIB};
    struct http_client c;

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_true(send_head(&c, "/up/a", "", sizes[i]));
        assert_true(http_client_send(&c, data, sizes[i]));
        assert_int_equal(read_status(&c), 201);
        check_received(sizes[i]);
        assert_true(send_head(&c, "/inline-up", "", sizes[i]));
        assert_true(http_client_send(&c, data, sizes[i]));
        assert_int_equal(read_status(&c), 201);
        check_received(sizes[i]);
        assert_true(send_chunked(&c, "/up/b", sizes[i], i % 2 == 0 ? 10000 : 70001));
        assert_int_equal(read_status(&c), 201);
        check_received(sizes[i]);
    }
    http_client_close(&c);
    begun_all_ended();
}

static void test_back_pressure(void **state)
{
    struct http_client c[4];

    (void)state;
    atomic_store(&http_ops_body_delay_us, 2000);
    for (int i = 0; i < 4; i++)
        assert_true(http_client_open(&c[i], fixture.port, NULL));
    for (int i = 0; i < 4; i++)
        assert_true(send_head(&c[i], "/up/slow", "", 20 * MIB));
    for (size_t at = 0; at < 20 * MIB; at += MIB / 2)
        for (int i = 0; i < 4; i++)
            assert_true(http_client_send(&c[i], data + at, MIB / 2));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(read_status(&c[i]), 201);
        check_received(20 * MIB);
        http_client_close(&c[i]);
    }
    atomic_store(&http_ops_body_delay_us, 0);
    begun_all_ended();
}

/* No refusal is lost, although the client sends on. */
static void test_early_refusal(void **state)
{
    int lost = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        struct http_client c;

        assert_true(http_client_open(&c, fixture.port, NULL));
        assert_true(send_head(&c, "/up/a?refuse=true", "", 4 * MIB));
        (void)http_client_send(&c, data, 4 * MIB);
        lost += read_status(&c) != 403;
        http_client_close(&c);
    }
    assert_int_equal(lost, 0);
    begun_all_ended();
}

/* A little is read to its end, and the connection goes on. */
static void test_small_refusal(void **state)
{
    struct http_client c;

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (int i = 0; i < 5; i++) {
        assert_true(send_head(&c, "/up/a?refuse=true", "", 60000));
        assert_true(http_client_send(&c, data, 60000));
        assert_int_equal(read_status(&c), 403);
    }
    http_client_close(&c);
    begun_all_ended();
}

/* Many chunks in one piece, while the queue is full. */
static void test_tiny_chunks(void **state)
{
    struct http_client c;
    static char chunked[3 * MIB];
    size_t len = 0;

    (void)state;
    atomic_store(&http_ops_body_delay_us, 20000);
    for (size_t at = 0; at + 60 < MIB * 5 / 2; at += 50, len += 56) {
        if (len + 100 > sizeof chunked)
            break;
        memcpy(chunked + len, "32\r\n", 4);
        memcpy(chunked + len + 4, data + at, 50);
        memcpy(chunked + len + 54, "\r\n", 2);
    }
    memcpy(chunked + len, "0\r\n\r\n", 5);
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (int i = 0; i < 2; i++) {
        assert_true(http_client_send(
            &c, "PUT /up/tiny HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 62));
        assert_true(http_client_send(&c, chunked, len + 5));
        assert_int_equal(read_status(&c), 201);
        check_received(len / 56 * 50);
    }
    http_client_close(&c);
    atomic_store(&http_ops_body_delay_us, 0);
    begun_all_ended();
}

static void test_expect(void **state)
{
    struct http_client c;

    (void)state;
    answer[0] = '\0';
    assert_true(http_client_open(&c, fixture.port, NULL));
    assert_true(send_head(&c, "/up/a", "Expect: 100-continue\r\n", 1000));
    for (int i = 0; i < 5 && answer[0] != 'H'; i++) /* tickets come first */
        (void)gnutls_record_recv(c.session, answer, 25);
    assert_memory_equal(answer, "HTTP/1.1 100", 12);
    assert_true(http_client_send(&c, data, 1000));
    assert_int_equal(read_status(&c), 201);
    assert_true(send_head(&c, "/up/a?refuse=true", "Expect: 100-continue\r\n", MIB));
    assert_int_equal(read_status(&c), 403);
    http_client_close(&c);
    begun_all_ended();
}

static void test_error_in_the_middle(void **state)
{
    struct http_client c;
    int lost = 0;

    (void)state;
    /* Little is left: it is swallowed and the connection goes on. */
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (int i = 0; i < 10; i++) {
        assert_true(send_head(&c, "/up/a?fail_after=100000", "", MIB));
        assert_true(http_client_send(&c, data, MIB));
        assert_int_equal(read_status(&c), 507);
        assert_null(strstr(answer, "ETag"));
    }
    http_client_close(&c);
    /* Much is left. */
    for (int i = 0; i < 60; i++) {
        assert_true(http_client_open(&c, fixture.port, NULL));
        if (i % 2 == 0) {
            assert_true(send_head(&c, "/up/a?fail_after=100000", "", data_len));
            (void)http_client_send(&c, data, data_len);
        } else {
            (void)send_chunked(&c, "/up/a?fail_after=100000", data_len, 50000);
        }
        lost += read_status(&c) != 507;
        http_client_close(&c);
    }
    assert_int_equal(lost, 0);
    begun_all_ended();
}

static void vanish(const char *request, size_t body, bool reset)
{
    const struct linger hard = {.l_onoff = 1, .l_linger = 0};
    struct http_client c;

    assert_true(http_client_open(&c, fixture.port, NULL));
    assert_true(http_client_send(&c, request, strlen(request)));
    if (body > 0)
        (void)http_client_send(&c, data, body);
    if (reset)
        (void)setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    http_client_close(&c);
}

static void test_vanishing(void **state)
{
    static const char put[] = "PUT /up/a HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n";

    (void)state;
    atomic_store(&http_ops_body_delay_us, 1000);
    for (int round = 0; round < 15; round++) {
        bool reset = round % 2 == 0;

        vanish("GET /hel", 0, reset);
        vanish("GET /hello HTTP/1.1\r\nHost", 0, reset);
        vanish("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", 0, reset);
        vanish("GET /file HTTP/1.1\r\nHost: x\r\n\r\n", 0, reset);
        vanish("GET /slow?ms=30 HTTP/1.1\r\nHost: x\r\n\r\n", 0, reset);
        vanish(put, 0, reset);
        vanish(put, 1000, reset);
        vanish(put, 100000, reset);
        vanish(put, (size_t)round * MIB / 4, reset);
        vanish("POST /json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               "Content-Length: 100\r\n\r\n{",
               0, reset);
    }
    begun_all_ended();
    atomic_store(&http_ops_body_delay_us, 0);
    for (int i = 0; i < 500 && metrics_get(SG_METRIC_CONNECTIONS) > 0; i++)
        usleep(10000);
    assert_int_equal(metrics_get(SG_METRIC_CONNECTIONS), 0);
    assert_int_equal(metrics_get(SG_METRIC_REQUESTS_ACTIVE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_early_refusal),
        cmocka_unit_test(test_expect),
        cmocka_unit_test(test_small_refusal),
        cmocka_unit_test(test_tiny_chunks),
        cmocka_unit_test(test_error_in_the_middle),
        cmocka_unit_test(test_vanishing),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
