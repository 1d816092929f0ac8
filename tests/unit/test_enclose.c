/* SPDX-License-Identifier: Apache-2.0 */
/* Requests inside requests: every kind of operation, its errors and waits, what the client gets and
 * what an operator sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/metrics.h"
#include "http/internal.h"
#include "http_enclose.h"
#include "http_fixture.h"
#include "http_ops.h"
#include "http_wait.h"

static struct server_config config;
static struct http_fixture fixture;
static char *text;
static const char *where = "/enclose";

static int set_up(void **state)
{
    (void)state;
    text = malloc(4 * HTTP_ENCLOSE_MAX);
    http_ops_init();
    http_enclose_config(&config);
    http_fixture_start(&fixture, &config);
    return 0;
}

static bool quiet(void)
{
    return atomic_load(&http_enclose_begun) == atomic_load(&http_enclose_ended) &&
           http_all_begun() == http_all_ended();
}

static int tear_down(void **state)
{
    (void)state;
    http_fixture_stop(&fixture);
    http_ops_fini();
    free(text);
    return quiet() ? 0 : -1;
}

/* -- the client ---------------------------------------------------------------------------------
 */

static void ask_bytes(struct http_client *c, const char *path, const char *fields,
                      const void *inner, size_t len)
{
    char head[256];
    int n =
        snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n",
                 path, fields, len);

    assert_true(http_client_send(c, head, (size_t)n) && http_client_send(c, inner, len));
}

static void ask(struct http_client *c, const char *inner)
{
    ask_bytes(c, where, "", inner, strlen(inner));
}

/* What was sealed into the next answer. */
static const char *unsealed(struct http_client *c, unsigned want)
{
    unsigned status = 0;
    char *body;

    assert_true(http_client_answer(c, false, text, 4 * HTTP_ENCLOSE_MAX, &status) > 0);
    if (status != 200)
        print_message("%s\n", text);
    assert_int_equal(status, 200);
    assert_non_null(strcasestr(text, "X-Sealed: yes"));
    body = strstr(text, "\r\n\r\n") + 4;
    assert_int_equal(strtoul(body, NULL, 10), want);
    return body;
}

static const char *content_of(const char *sealed)
{
    return strstr(sealed, "\n\n") + 2;
}

static const char *enclosed(struct http_client *c, const char *inner, unsigned want)
{
    ask(c, inner);
    return unsealed(c, want);
}

/* -- tests --------------------------------------------------------------------------------------
 */

static void test_kinds(void **state)
{
    struct http_client c;

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (int i = 0; i < 20; i++) {
        assert_string_equal(enclosed(&c, "GET /hello\n\n", 200),
                            "200\nContent-Type: text/plain\n\nhello\n");
        assert_string_equal(content_of(enclosed(&c, "GET /blocking\n\n", 200)), "hello\n");
        assert_string_equal(content_of(enclosed(&c, "GET /slow?ms=1\n\n", 200)), "hello\n");
        assert_string_equal(content_of(enclosed(&c, "GET /hash\n\n", 200)), "hello\n");
        assert_string_equal(
            content_of(
                enclosed(&c, "POST /json\nContent-Type: application/json\n\n{\"a\":1}", 200)),
            "{\"a\":1}");
        assert_string_equal(
            content_of(enclosed(
                &c, "POST /form\nContent-Type: application/x-www-form-urlencoded\n\na=b", 200)),
            "a=b");
        assert_string_equal(content_of(enclosed(&c, "POST /any\n\n", 200)), "");
        /* The connection goes on as before, and so does the operation without another. */
        assert_int_equal(http_client_get(&c, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", text, 65536),
                         200);
        ask(&c, "nothing");
        assert_true(http_client_answer(&c, false, text, 65536, &(unsigned){0}) > 0);
        assert_non_null(strstr(text, "nothing\n"));
    }
    http_client_close(&c);
}

static void test_at_once(void **state)
{
    struct http_client c;
    unsigned seen[3] = {0};

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (int i = 0; i < 9; i++) {
        char *body;

        ask(&c, "GET /at-once\n\n");
        assert_true(http_client_answer(&c, false, text, 65536, &(unsigned){0}) > 0);
        body = strstr(text, "\r\n\r\n") + 4;
        seen[0] += strstr(body, "at once\n") != NULL;
        seen[1] += strstr(body, "hello\n") != NULL;
        seen[2] += strncmp(body, "409", 3) == 0;
    }
    assert_int_equal(seen[0], 3);
    assert_int_equal(seen[1], 3);
    assert_int_equal(seen[2], 3);
    http_client_close(&c);
}

static void wait_quiet(void)
{
    for (int i = 0; i < 2000 && !quiet(); i++)
        usleep(5000);
    assert_true(quiet());
}

/* The enclosed operation ends first, whichever way it went. */
static void test_order_of_ends(void **state)
{
    static const char *const inner[] = {"GET /hello\n\n", "GET /blocking\n\n", "PUT /up/a\n\n",
                                        "GET /file\n\n", "GET /fail/conflict\n\n"};
    struct http_client c;

    (void)state;
    wait_quiet();
    atomic_store(&http_enclose_alone, true);
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (int i = 0; i < 30; i++) {
        ask(&c, inner[i % 5]);
        assert_true(http_client_answer(&c, false, text, 65536, &(unsigned){0}) > 0);
    }
    http_client_close(&c);
    wait_quiet();
    atomic_store(&http_enclose_alone, false);
    assert_false(atomic_load(&http_enclose_disordered));
}

static void test_errors(void **state)
{
    static const struct {
        const char *inner;
        unsigned status;
        const char *code;
    } cases[] = {
        {"GET /fail/conflict\n\n", 409, "\"conflict\""},
        {"GET /fail/internal\n\n", 500, "\"internal\""},
        {"GET /none\n\n", 404, "\"not-found\""},
        {"DELETE /hello\n\n", 405, "\nAllow: GET, HEAD, OPTIONS\n"},
        {"BREW /hello\n\n", 405, "\nAllow: GET, HEAD, OPTIONS\n"},
        {"BR EW /hello\n\n", 400, "target"},
        {"GET hello\n\n", 400, "target"},
        {"GET /hello#x\n\n", 400, "target"},
        {"OPTIONS *\n\n", 400, "target"},
        {"GET /nothing\n\n", 500, "\"internal\""},
        {"GET /hello\nX-Deny: 1\n\n", 403, "denied"},
        {"GET /hello\nHost: other\n\n", 400, "Host: not in an enclosed request"},
        {"GET /hello\nTransfer-Encoding: chunked\n\n", 400, "not in an enclosed"},
        {"GET /hello\nexpect: 100-continue\n\n", 400, "not in an enclosed"},
        {"GET /hello\nBad Name: x\n\n", 400, "header field"},
        {"GET /hello\nX: a\001b\n\n", 400, "header field"},
        {"GET /hello\n\nbody", 413, "no body is expected"},
        {"POST /json\nContent-Type: text/plain\n\n{}", 415, "application/json"},
        {"PUT /up/a?refuse=true\n\n", 403, "forbidden"},
        {"PUT /up/a?fail_after=0\n\n\x00", 201, "received"},
        {"GET /problem\n\n", 409, "\"oldest\":\"e.1\",\"newest\":\"e.9\""},
        {"POST /enclose\n\nGET /hello\n\n", 400, "enclose cannot be enclosed"},
        {"GET /nested\n\n", 400, "\"not-enclosable\""},
        {"GET /stream\n\n", 400, "a stream cannot be enclosed"},
        {"GET /job-stream\n\n", 400, "a stream cannot be enclosed"},
    };
    struct http_client c;

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *sealed = enclosed(&c, cases[i].inner, cases[i].status);

        if (strstr(sealed, cases[i].code) == NULL)
            print_message("%s: %s\n", cases[i].inner, sealed);
        assert_non_null(strstr(sealed, cases[i].code));
        if (cases[i].status >= 400)
            assert_non_null(strstr(sealed, "\nContent-Type: application/problem+json\n"));
    }
    assert_int_equal(atomic_load(&http_wait_now), 0); /* whoever was to stream has left */
    http_client_close(&c);
}

static void test_outer_errors(void **state)
{
    static const char inner[] = "PUT /up/a\n\n";
    struct http_client c;
    unsigned status;

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    ask_bytes(&c, "/enclose", "X-Cut: 1\r\n", inner, strlen(inner));
    assert_true(http_client_answer(&c, false, text, 65536, &status) > 0);
    assert_int_equal(status, 409);
    assert_non_null(strstr(text, "cannot seal"));
    /* Nothing of the enclosed answer leaves with it. */
    assert_null(strcasestr(text, "ETag"));
    ask_bytes(&c, "/enclose", "X-Deny: 1\r\n", inner, strlen(inner));
    assert_true(http_client_answer(&c, false, text, 65536, &status) > 0);
    assert_int_equal(status, 403);
    http_client_close(&c);
}

static void test_principal(void **state)
{
    struct http_client c;

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    assert_string_equal(content_of(enclosed(&c, "GET /who?x=1\n\n", 200)), "tester /who x 0");
    assert_string_equal(content_of(enclosed(&c, "GET /who-blocks\nX-Cut: 1\n\n", 200)),
                        "tester /who-blocks x 1");
    /* From outside, there is nobody. */
    assert_int_equal(
        http_client_get(&c, "GET /who-blocks HTTP/1.1\r\nHost: x\r\n\r\n", text, 65536), 401);
    http_client_close(&c);
}

static void test_files(void **state)
{
    struct http_client c;
    const char *sealed, *body;

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    sealed = enclosed(&c, "GET /file\nRange: bytes=10-19\n\n", 206);
    assert_non_null(strstr(sealed, "\nContent-Range: bytes 10-19/3145745\n"));
    body = content_of(sealed);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal((uint8_t)body[i], http_ops_byte(10 + i));
    /* By a pool thread, as it is large. */
    sealed = enclosed(&c, "GET /file\nRange: bytes=1000-900999\n\n", 206);
    body = content_of(sealed);
    for (unsigned i = 0; i < 900000; i++)
        if ((uint8_t)body[i] != http_ops_byte(1000 + i))
            fail_msg("byte %u differs", i);
    sealed = enclosed(&c, "GET /file\nRange: bytes=1-1,5000-5001\n\n", 206);
    assert_non_null(strstr(sealed, "multipart/byteranges"));
    assert_non_null(strstr(sealed, "Content-Range: bytes 5000-5001/3145745\r\n"));
    sealed = enclosed(&c, "GET /file\n\n", 413);
    assert_non_null(strstr(sealed, "the answer has 3145745 bytes, at most 1048576 fit"));
    assert_null(strstr(sealed, "ETag"));
    sealed = enclosed(&c, "HEAD /file\n\n", 200);
    assert_non_null(strstr(sealed, "\nContent-Length: 3145745\n"));
    assert_string_equal(content_of(sealed), "");
    sealed = enclosed(&c, "GET /file\nIf-None-Match: \"tag\"\n\n", 304);
    assert_non_null(strstr(sealed, "\nETag: \"tag\"\n"));
    assert_string_equal(content_of(sealed), "");
    assert_string_equal(content_of(enclosed(&c, "HEAD /none\n\n", 404)), "");
    sealed = enclosed(&c, "OPTIONS /file\n\n", 204);
    assert_non_null(strstr(sealed, "\nAllow: GET, HEAD, OPTIONS\n"));
    /* Another bound. */
    ask_bytes(&c, "/small", "", "GET /file\nRange: bytes=0-100\n\n", 30);
    assert_non_null(strstr(unsealed(&c, 413), "at most 100 fit"));
    ask_bytes(&c, "/small", "", "GET /file\nRange: bytes=0-99\n\n", 29);
    (void)unsealed(&c, 206);
    http_client_close(&c);
}

static void test_streamed_body(void **state)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 300000, 1000000};
    char *inner = malloc(HTTP_ENCLOSE_BODY);
    struct http_client c;

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
        size_t n = sizes[i / 2];
        size_t head = (size_t)sprintf(inner, "PUT /%s\n\n", i % 2 == 0 ? "up/a%20b" : "inline-up");
        char want[64];

        for (size_t j = 0; j < n; j++)
            inner[head + j] = (char)http_ops_byte(j);
        (void)sprintf(want, "{\"received\":%zu}", n);
        ask_bytes(&c, where, "", inner, head + n);
        assert_string_equal(content_of(unsealed(&c, 201)), want);
        assert_non_null(strstr(text, "\nETag: \"new\"\n"));
        head = (size_t)sprintf(inner, "PUT /up/x?fail_after=%zu\n\n", n / 2);
        for (size_t j = 0; j < n; j++)
            inner[head + j] = (char)http_ops_byte(j);
        ask_bytes(&c, where, "", inner, head + n);
        if (n > 0)
            assert_non_null(strstr(unsealed(&c, 507), "no more"));
        else
            (void)unsealed(&c, 201);
    }
    free(inner);
    http_client_close(&c);
}

static void test_waits(void **state)
{
    static const char *const paths[] = {"/wait", "/job-wait", "/at-once-wait", "/defer-wait"};
    static const char *const early[] = {"/early", "/job-early", "/again?n=50"};
    struct http_client c;
    char inner[128];

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (int i = 0; i < 16; i++) {
        (void)snprintf(inner, sizeof inner, "GET %s?ms=60000\n\n", paths[i % 4]);
        ask(&c, inner);
        assert_true(http_wait_until(1));
        usleep(i < 8 ? 0 : 5000);
        http_wait_publish();
        if (i % 4 == 3) {
            usleep(20000); /* it waits once more after its job */
            http_wait_publish();
        }
        assert_string_equal(content_of(unsealed(&c, 200)), i % 4 == 3 ? "deferred\n" : "news\n");
    }
    for (int i = 0; i < 60; i++) {
        (void)snprintf(inner, sizeof inner, "GET %s\n\n", early[i % 3]);
        assert_string_equal(content_of(enclosed(&c, inner, 200)),
                            i % 3 == 2 ? "again\n" : "early\n");
        (void)snprintf(inner, sizeof inner, "POST /%scommit?us=%d\n\nhi", i % 2 == 0 ? "" : "job-",
                       i % 7 * 30);
        assert_string_equal(content_of(enclosed(&c, inner, 200)), "committed\n");
        assert_non_null(strstr(text, "\nX-Committed: yes\n"));
    }
    assert_string_equal(content_of(enclosed(&c, "GET /wait?ms=1\n\n", 200)), "timeout\n");
    http_client_close(&c);
}

static void test_client_leaves(void **state)
{
    struct http_client c;

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_true(http_client_open(&c, fixture.port, NULL));
        ask(&c, i % 2 == 0 ? "GET /wait?ms=60000\n\n" : "GET /job-wait?ms=60000\n\n");
        assert_true(http_wait_until(1));
        http_client_close(&c);
        assert_true(http_wait_until(0));
    }
    for (int i = 0; i < 10; i++) {
        assert_true(http_client_open(&c, fixture.port, NULL));
        ask(&c, "GET /slow?ms=5\n\n");
        usleep(2000);
        http_client_close(&c);
    }
    wait_quiet();
}

/* All of it with an operation that encloses on a pool thread, too. */
static void test_from_pool(void **state)
{
    where = "/enclose-job";
    test_kinds(state);
    test_at_once(state);
    test_order_of_ends(state);
    test_errors(state);
    test_principal(state);
    test_files(state);
    test_streamed_body(state);
    test_waits(state);
    test_client_leaves(state);
    where = "/enclose";
}

/* Large answers have the bound of large bodies while they are in memory, and nothing stays counted.
 */
static void test_memory(void **state)
{
    static const char large[] = "GET /file\nRange: bytes=0-499999\n\n";
    atomic_size_t *bytes = &fixture.server->large_bodies;
    struct http_client c;

    (void)state;
    assert_int_equal(atomic_load(bytes), 0);
    assert_true(http_client_open(&c, fixture.port, NULL));
    atomic_fetch_add(bytes, SG_BODIES_LARGE - 1000000);
    assert_non_null(strstr(enclosed(&c, large, 503), "too many large bodies"));
    assert_string_equal(content_of(enclosed(&c, "GET /hello\n\n", 200)), "hello\n");
    (void)enclosed(&c, "GET /file\nRange: bytes=0-30000\n\n", 206);
    /* A refusal that is large itself becomes one that is not. */
    atomic_fetch_add(bytes, 900000);
    assert_null(strstr(enclosed(&c, "GET /refuse\n\n", 503), "\"items\""));
    /* What has been done is told. */
    assert_int_equal(strlen(content_of(enclosed(&c, "POST /make\n\n", 201))), HTTP_ENCLOSE_MEMBERS);
    atomic_fetch_sub(bytes, 2400000);
    (void)enclosed(&c, large, 206);
    assert_non_null(strstr(enclosed(&c, "GET /refuse\n\n", 422), "\"items\":\"xxx"));
    for (int i = 0; i < 2000 && atomic_load(bytes) != SG_BODIES_LARGE - 2500000; i++)
        usleep(1000);
    assert_int_equal(atomic_load(bytes), SG_BODIES_LARGE - 2500000);
    atomic_store(bytes, 0);
    http_client_close(&c);
}

static unsigned counted(const char *metrics, const char *operation, const char *class)
{
    char want[160];
    const char *at;

    (void)snprintf(want, sizeof want, "secgate_requests_total{operation=\"%s\",status=\"%s\"} ",
                   operation, class);
    at = strstr(metrics, want);
    return at != NULL ? (unsigned)strtoul(at + strlen(want), NULL, 10) : 0;
}

/* Both operations are counted, each once. */
static void test_metrics(void **state)
{
    SG_BUF_CLEANUP struct buf before, after;
    struct http_client c;

    (void)state;
    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    assert_true(http_client_open(&c, fixture.port, NULL));
    assert_int_equal(http_client_get(&c, "GET /who HTTP/1.1\r\nHost: x\r\n\r\n", text, 65536), 200);
    metrics_render(&before);
    (void)enclosed(&c, "GET /hello\n\n", 200);
    (void)enclosed(&c, "GET /fail/conflict\n\n", 409);
    assert_int_equal(http_client_get(&c, "GET /who HTTP/1.1\r\nHost: x\r\n\r\n", text, 65536), 200);
    metrics_render(&after);
    assert_int_equal(counted(buf_str(&after), "hello", "2xx"),
                     counted(buf_str(&before), "hello", "2xx") + 1);
    assert_int_equal(counted(buf_str(&after), "enclose", "2xx"),
                     counted(buf_str(&before), "enclose", "2xx") + 2);
    assert_int_equal(counted(buf_str(&after), "fail", "4xx"),
                     counted(buf_str(&before), "fail", "4xx") + 1);
    http_client_close(&c);
}

struct crowd {
    pthread_t thread;
    int number;
};

static void *crowd_main(void *arg)
{
    static const char *const inner[] = {
        "GET /hello\n\n",           "GET /blocking\n\n",
        "POST /commit?us=50\n\nhi", "GET /file\nRange: bytes=0-99999\n\n",
        "GET /early\n\n",           "PUT /up/a\n\n",
        "GET /slow?ms=1\n\n",       "GET /none\n\n"};
    struct crowd *w = arg;
    struct http_client c;
    char *buf = malloc(200000);

    if (!http_client_open(&c, fixture.port, NULL))
        abort();
    for (int i = 0; i < 60; i++) {
        const char *request = inner[(i + w->number) % 8];
        unsigned status = 0;

        ask_bytes(&c, "/enclose", "", request, strlen(request));
        if (http_client_answer(&c, false, buf, 200000, &status) == 0 || status != 200)
            abort();
    }
    http_client_close(&c);
    free(buf);
    return NULL;
}

static void test_crowd(void **state)
{
    struct crowd crowd[8];

    (void)state;
    for (int i = 0; i < 8; i++) {
        crowd[i].number = i;
        assert_int_equal(pthread_create(&crowd[i].thread, NULL, crowd_main, &crowd[i]), 0);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(crowd[i].thread, NULL);
}

static void *drain_main(void *arg)
{
    (void)arg;
    server_drain(&fixture.server, NULL);
    return NULL;
}

static void test_drain(void **state)
{
    static const char *const inner[] = {"GET /wait?ms=60000\n\n", "GET /job-wait?ms=60000\n\n",
                                        "GET /slow?ms=200\n\n", "GET /drain-again\n\n"};
    static const char *const want[] = {"drain\n", "drain\n", "hello\n", "\"draining\""};
    struct http_client c[4];
    pthread_t thread;

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_true(http_client_open(&c[i], fixture.port, NULL));
        ask(&c[i], inner[i]);
    }
    if (!http_wait_until(3))
        fail_msg("%d wait", atomic_load(&http_wait_now));
    usleep(100000);
    assert_int_equal(pthread_create(&thread, NULL, drain_main, NULL), 0);
    for (int i = 0; i < 4; i++) {
        assert_non_null(strstr(content_of(unsealed(&c[i], i == 3 ? 503 : 200)), want[i]));
        http_client_close(&c[i]);
    }
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),         cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_order_of_ends), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_outer_errors),  cmocka_unit_test(test_principal),
        cmocka_unit_test(test_files),         cmocka_unit_test(test_streamed_body),
        cmocka_unit_test(test_waits),         cmocka_unit_test(test_client_leaves),
        cmocka_unit_test(test_metrics),       cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_from_pool),     cmocka_unit_test(test_memory),
        cmocka_unit_test(test_drain),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
