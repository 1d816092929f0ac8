/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that are sent as they come. */
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

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http_fixture.h"
#include "http_wait.h"

#define END "\r\nHost: x\r\n\r\n"

static struct server_config config;
static struct http_fixture fixture;
static char text[65536];

static int set_up(void **state)
{
    (void)state;
    log_setup("test", SG_LOG_TEXT, SG_LOG_ERROR);
    http_wait_config(&config);
    config.limits.stream_seconds = 1;
    http_fixture_start(&fixture, &config);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_fixture_stop(&fixture);
    return atomic_load(&http_wait_begun) == atomic_load(&http_wait_ended) ? 0 : -1;
}

static void open_and_ask(struct http_client *c, const char *request)
{
    assert_true(http_client_open(c, fixture.port, NULL));
    assert_true(http_client_send(c, request, strlen(request)));
}

/* One byte of the connection; false at its end. */
static bool next_byte(struct http_client *c, char *ret)
{
    ssize_t n;
    int again = 0;

    do
        n = gnutls_record_recv(c->session, ret, 1);
    while (n == GNUTLS_E_INTERRUPTED || (n == GNUTLS_E_AGAIN && again++ < 3));
    return n == 1;
}

/* Up to and without CR LF; false at the end of the connection. */
static bool next_line(struct http_client *c, char *line, size_t cap)
{
    size_t len = 0;

    while (len + 1 < cap && next_byte(c, &line[len])) {
        if (++len >= 2 && memcmp(line + len - 2, "\r\n", 2) == 0) {
            line[len - 2] = '\0';
            return true;
        }
    }
    line[len] = '\0';
    return false;
}

/* The head of an answer, into `text`. */
static void read_head(struct http_client *c)
{
    char line[512];

    text[0] = '\0';
    do {
        assert_true(next_line(c, line, sizeof line));
        strcat(text, line);
        strcat(text, "\r\n");
    } while (line[0] != '\0');
    assert_memory_equal(text, "HTTP/1.1 200 ", 13);
}

/* One chunk, NUL-terminated, into `to`; its length, 0 for the last, -1 at the end of the
 * connection.
 */
static long next_chunk(struct http_client *c, char *to, size_t cap)
{
    char line[512];
    size_t len;

    if (!next_line(c, line, sizeof line))
        return -1;
    len = strtoul(line, NULL, 16);
    assert_true(len < cap);
    for (size_t i = 0; i < len; i++)
        if (!next_byte(c, &to[i]))
            return -1;
    to[len] = '\0';
    assert_true(next_line(c, line, sizeof line) && line[0] == '\0');
    return (long)len;
}

static void expect_chunk(struct http_client *c, const char *want)
{
    char chunk[16384];

    assert_int_equal(next_chunk(c, chunk, sizeof chunk), strlen(want));
    assert_string_equal(chunk, want);
}

static void expect_end(struct http_client *c)
{
    char chunk[16384];

    assert_int_equal(next_chunk(c, chunk, sizeof chunk), 0);
}

static void test_lines(void **state)
{
    struct http_client c;
    char want[32];

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (int round = 0; round < 4; round++) {
        const char *request = round % 2 == 0 ? "GET /stream?end=20 HTTP/1.1" END
                                             : "GET /job-stream?end=20 HTTP/1.1" END;

        assert_true(http_client_send(&c, request, strlen(request)));
        read_head(&c); /* at once, before there is anything */
        assert_non_null(strstr(text, "Content-Type: text/event-stream\r\n"));
        assert_non_null(strstr(text, "X-Stream: yes\r\n"));
        assert_non_null(strstr(text, "Transfer-Encoding: chunked\r\n"));
        assert_null(strstr(text, "Content-Length"));
        assert_true(http_wait_until(1));
        for (int i = 1; i <= 20; i++) {
            int64_t start_ns = clock_monotonic_ns();

            http_wait_publish();
            (void)snprintf(want, sizeof want, "line %d\n", i);
            expect_chunk(&c, want);
            assert_true(clock_monotonic_ns() - start_ns < SG_NS_PER_S / 10);
        }
        expect_end(&c);
        assert_int_equal(http_client_get(&c, "GET /hello HTTP/1.1" END, text, sizeof text), 200);
    }
    http_client_close(&c);
}

/* Nothing is held back: the head comes within moments although nothing follows. */
static void test_prompt(void **state)
{
    struct http_client c;
    int64_t start_ns;

    (void)state;
    for (int i = 0; i < 5; i++) {
        open_and_ask(&c, "GET /stream HTTP/1.1" END);
        start_ns = clock_monotonic_ns();
        read_head(&c);
        assert_true(clock_monotonic_ns() - start_ns < SG_NS_PER_S / 10);
        http_client_close(&c);
    }
    assert_true(http_wait_until(0));
}

static void test_keep_alive(void **state)
{
    struct http_client c;

    (void)state;
    open_and_ask(&c, "GET /stream?ms=700 HTTP/1.1" END);
    read_head(&c);
    expect_chunk(&c, ":\n");
    expect_chunk(&c, ":\n");
    /* Longer than stream_seconds without anything to send. */
    usleep(1500000);
    http_wait_publish();
    expect_chunk(&c, "line 1\n");
    http_client_close(&c);
    assert_true(http_wait_until(0));
}

static void test_slow_reader(void **state)
{
    struct http_client slow[4];
    struct http_client c;
    int64_t reaped = metrics_get(SG_METRIC_REAPED);
    int small = 4096;

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_true(http_client_open(&slow[i], fixture.port, NULL));
        (void)setsockopt(slow[i].fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        assert_true(http_client_send(&slow[i], "GET /flood HTTP/1.1" END, 32));
    }
    assert_true(http_wait_until(4));
    /* Others do not notice. */
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (int i = 0; i < 50; i++)
        assert_int_equal(http_client_get(&c, "GET /hello HTTP/1.1" END, text, sizeof text), 200);
    http_client_close(&c);
    assert_true(http_wait_until(0));
    assert_int_equal(metrics_get(SG_METRIC_REAPED), reaped + 4);
    for (int i = 0; i < 4; i++)
        http_client_close(&slow[i]);
}

/* Slow, but reading: goes on for longer than stream_seconds. */
static void test_steady_reader(void **state)
{
    struct http_client c;
    int64_t start_ns = clock_monotonic_ns();
    int small = 65536;

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    (void)setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    assert_true(http_client_send(&c, "GET /flood HTTP/1.1" END, 32));
    while (clock_monotonic_ns() - start_ns < 3 * SG_NS_PER_S) {
        ssize_t n = gnutls_record_recv(c.session, text, sizeof text);

        assert_true(n > 0 || n == GNUTLS_E_AGAIN); /* a ticket */
        usleep(5000);
    }
    http_client_close(&c);
    assert_true(http_wait_until(0));
}

static void test_broken(void **state)
{
    struct http_client c;
    char chunk[64];

    (void)state;
    open_and_ask(&c, "GET /broken HTTP/1.1" END);
    read_head(&c);
    expect_chunk(&c, "one\n");
    assert_int_equal(next_chunk(&c, chunk, sizeof chunk), -1);
    http_client_close(&c);
}

static void test_defer(void **state)
{
    struct http_client c;
    char want[32];

    (void)state;
    open_and_ask(&c, "GET /defer-stream?end=300&us=50 HTTP/1.1" END);
    read_head(&c);
    for (int i = 1; i <= 300; i++) {
        (void)snprintf(want, sizeof want, "line %d\n", i);
        expect_chunk(&c, want);
    }
    expect_end(&c);
    assert_int_equal(http_client_get(&c, "GET /hello HTTP/1.1" END, text, sizeof text), 200);
    http_client_close(&c);
    open_and_ask(&c, "GET /defer-stream?n=2 HTTP/1.1" END);
    read_head(&c);
    expect_chunk(&c, "line 1\n");
    expect_chunk(&c, "line 2\n");
    assert_int_equal(next_chunk(&c, want, sizeof want), -1);
    http_client_close(&c);
}

/* Clients leave while a job has their stream. */
static void test_defer_left(void **state)
{
    struct http_client c;

    (void)state;
    for (int i = 0; i < 40; i++) {
        open_and_ask(&c, "GET /defer-stream?us=20000 HTTP/1.1" END);
        read_head(&c);
        usleep((unsigned)i * 700);
        http_client_close(&c);
    }
    assert_true(http_wait_until(0));
}

static void test_big(void **state)
{
    static char chunk[65536];
    struct http_client c;
    long total = 0;
    long n;

    (void)state;
    open_and_ask(&c, "GET /big?end=3000001 HTTP/1.1" END);
    read_head(&c);
    while ((n = next_chunk(&c, chunk, sizeof chunk)) > 0) {
        for (long i = 0; i < n; i++)
            assert_int_equal(chunk[i], 'a' + (total + i) % 23);
        total += n;
    }
    assert_int_equal(n, 0);
    assert_int_equal(total, 3000001);
    assert_int_equal(http_client_get(&c, "GET /hello HTTP/1.1" END, text, sizeof text), 200);
    http_client_close(&c);
}

static void test_http_1_0(void **state)
{
    struct http_client c;
    size_t total = 0;
    char byte;

    (void)state;
    open_and_ask(&c, "GET /big?end=10000 HTTP/1.0" END);
    read_head(&c);
    assert_null(strstr(text, "chunked"));
    while (next_byte(&c, &byte))
        assert_int_equal(byte, 'a' + total++ % 23);
    assert_int_equal(total, 10000);
    http_client_close(&c);
}

static void test_head(void **state)
{
    struct http_client c;
    unsigned status;

    (void)state;
    open_and_ask(&c, "HEAD /stream HTTP/1.1" END);
    assert_true(http_client_answer(&c, true, text, sizeof text, &status) > 0);
    assert_int_equal(status, 200);
    assert_int_equal(http_client_get(&c, "GET /hello HTTP/1.1" END, text, sizeof text), 200);
    http_client_close(&c);
}

static void test_clients_leave(void **state)
{
    enum { COUNT = 50 };
    struct http_client c[COUNT];
    int64_t start_ns;

    (void)state;
    for (int i = 0; i < COUNT; i++)
        open_and_ask(&c[i], "GET /stream HTTP/1.1" END);
    assert_true(http_wait_until(COUNT));
    start_ns = clock_monotonic_ns();
    for (int i = 0; i < COUNT; i++)
        http_client_close(&c[i]);
    assert_true(http_wait_until(0));
    assert_true(clock_monotonic_ns() - start_ns < SG_NS_PER_S);
}

static void test_drain(void **state)
{
    enum { COUNT = 100 };
    struct http_client c[COUNT];
    unsigned forced = 0;
    char byte;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        open_and_ask(&c[i], "GET /stream HTTP/1.1" END);
        read_head(&c[i]);
    }
    assert_true(http_wait_until(COUNT));
    server_drain(&fixture.server, &forced);
    assert_int_equal(forced, 0);
    for (int i = 0; i < COUNT; i++) {
        expect_chunk(&c[i], "bye\n");
        expect_end(&c[i]);
        assert_false(next_byte(&c[i], &byte));
        http_client_close(&c[i]);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lines),       TEST(test_prompt),        TEST(test_keep_alive),
        TEST(test_slow_reader), TEST(test_steady_reader), TEST(test_broken),
        TEST(test_defer),       TEST(test_defer_left),    TEST(test_big),
        TEST(test_http_1_0),    TEST(test_head),          TEST(test_clients_leave),
        TEST(test_drain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
