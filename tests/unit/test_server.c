/* SPDX-License-Identifier: Apache-2.0 */
/* A real server answers a real client: statuses, headers, bodies, ranges, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "http_fixture.h"
#include "http_ops.h"

#define END "\r\nHost: localhost\r\n\r\n"

static struct http_fixture fixture;
static char answer[8 * 1024 * 1024];

static int set_up(void **state)
{
    static const char *const origins[] = {"https://a.example"};
    struct server_config config;

    (void)state;
    http_ops_init();
    http_ops_config(&config);
    config.cors_origins = origins;
    config.cors_count = 1;
    http_fixture_start(&fixture, &config);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_fixture_stop(&fixture);
    http_ops_fini();
    return 0;
}

static void begun_all_ended(void)
{
    for (int i = 0; i < 500 && atomic_load(&http_ops_begun) != atomic_load(&http_ops_ended); i++)
        usleep(10000);
    assert_int_equal(atomic_load(&http_ops_begun), atomic_load(&http_ops_ended));
}

/* One request on a connection of its own. */
static unsigned ask(const char *request)
{
    struct http_client c;
    unsigned status;

    assert_true(http_client_open(&c, fixture.port, NULL));
    status = http_client_get(&c, request, answer, sizeof answer);
    http_client_close(&c);
    return status;
}

static void has(const char *text)
{
    if (strstr(answer, text) == NULL)
        fail_msg("no \"%s\" in: %.2000s", text, answer);
}

static void hasnt(const char *text)
{
    if (strstr(answer, text) != NULL)
        fail_msg("\"%s\" in: %.2000s", text, answer);
}

static void test_basics(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /hello HTTP/1.1" END), 200);
    has("\r\n\r\nhello\n");
    has("Content-Type: text/plain\r\n");
    has("Strict-Transport-Security: max-age=31536000\r\n");
    has("X-Content-Type-Options: nosniff\r\n");
    has("Referrer-Policy: no-referrer\r\n");
    has("Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n");
    has("Cache-Control: no-store\r\n");
    has("Date: ");
    has("Content-Length: 6\r\n");
    has("Vary: Origin\r\n");
    hasnt("Server:");
    hasnt("Access-Control");
    assert_int_equal(ask("HEAD /hello HTTP/1.1" END), 200);
    has("Content-Length: 6\r\n");
    hasnt("hello");
    assert_int_equal(ask("GET https://other:1/hello?x=y HTTP/1.1" END), 200);
    assert_int_equal(ask("GET /missing HTTP/1.1" END), 404);
    has("application/problem+json");
    has("\"code\":\"not-found\"");
    assert_int_equal(ask("POST /hello HTTP/1.1\r\nContent-Length: 0" END), 405);
    has("Allow: GET, HEAD, OPTIONS\r\n");
    assert_int_equal(ask("BREW /hello HTTP/1.1" END), 405);
    assert_int_equal(ask("OPTIONS /json HTTP/1.1" END), 204);
    has("Allow: POST, OPTIONS\r\n");
    assert_int_equal(ask("OPTIONS * HTTP/1.1" END), 204);
    assert_int_equal(ask("OPTIONS /missing HTTP/1.1" END), 404);
    assert_int_equal(ask("GET /nothing HTTP/1.1" END), 500);
    assert_int_equal(ask("GET /blocking HTTP/1.1" END), 200);
    assert_int_equal(ask("GET /at-once HTTP/1.1" END), 200);
    has("at once");
    assert_int_equal(ask("GET /at-once HTTP/1.1" END), 200);
    has("hello");
    assert_int_equal(ask("GET /at-once HTTP/1.1" END), 409);
    begun_all_ended();
}

static void test_errors(void **state)
{
    char request[256];

    (void)state;
    for (int e = 1; e < SG_ERR_COUNT; e++) {
        (void)snprintf(request, sizeof request, "GET /fail/%s HTTP/1.1" END,
                       err_code((enum sg_err)e));
        assert_int_equal(ask(request), err_status((enum sg_err)e));
        (void)snprintf(request, sizeof request, "\"code\":\"%s\"", err_code((enum sg_err)e));
        has(request);
        if (err_status((enum sg_err)e) == 500)
            hasnt("detail \\\"");
        else
            has("\"detail\":\"detail \\\"");
        if (err_status((enum sg_err)e) == 503)
            has("Retry-After: 1\r\n");
    }
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nX-Deny: none" END), 401);
    has("WWW-Authenticate: Bearer realm=\"secgate\"\r\n");
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nX-Deny: expired" END), 401);
    has("WWW-Authenticate: Bearer realm=\"secgate\", error=\"invalid_token\"\r\n");
    begun_all_ended();
}

static void test_ids_and_cors(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nX-Request-Id: my.ID-1" END), 200);
    has("X-Request-Id: my.ID-1\r\n");
    assert_int_equal(ask("GET /missing HTTP/1.1\r\nX-Request-Id: two" END), 404);
    has("\"request_id\":\"two\"");
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nX-Request-Id: a\"b" END), 200);
    hasnt("a\"b");
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nOrigin: https://a.example" END), 200);
    has("Access-Control-Allow-Origin: https://a.example\r\n");
    has("Access-Control-Expose-Headers: ");
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nOrigin: https://b.example" END), 200);
    hasnt("Access-Control");
    assert_int_equal(ask("OPTIONS /json HTTP/1.1\r\nOrigin: https://a.example\r\n"
                         "Access-Control-Request-Method: POST" END),
                     204);
    has("Access-Control-Allow-Methods: POST, OPTIONS\r\n");
    has("Access-Control-Allow-Headers: ");
    has("Access-Control-Max-Age: ");
}

static void test_malformed(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /hello HTTP/1.1\r\n\r\n"), 400);
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nHost: a" END), 400);
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
    assert_int_equal(ask("POST /json HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2" END "{}"),
                     400);
    has("Connection: close\r\n");
    assert_int_equal(ask("POST /json HTTP/1.1\r\nContent-Length: +2" END "{}"), 400);
    assert_int_equal(
        ask("POST /json HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked" END
            "2\r\n{}\r\n0\r\n\r\n"),
        400);
    assert_int_equal(ask("POST /json HTTP/1.1\r\nTransfer-Encoding: gzip, chunked" END), 400);
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nX-A: b\r\n c" END), 400);
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nX-A : b" END), 400);
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nX(A): b" END), 400);
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nHost: a\r\n: b\r\nX-A: b" END), 400);
    has("Connection: close\r\n");
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nX-A: b\rX-B: c" END), 400);
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nX-A: b\nX-B: c" END), 400);
    assert_int_equal(ask("GET /hello HTTP/1.1\nHost: a\n\n"), 400);
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nX-A: b\001c" END), 400);
    assert_int_equal(ask("GET  /hello HTTP/1.1" END), 400);
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nX-A:\r\nX-B:  \r\nX-C: b\tc \t" END), 200);
    assert_int_equal(ask("GET /hel lo HTTP/1.1" END), 400);
    assert_int_equal(ask("GET hello HTTP/1.1" END), 400);
    assert_int_equal(ask("GET * HTTP/1.1" END), 404);
    assert_int_equal(ask("GET /hello HTTP/2.0" END), 505);
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nExpect: tea" END), 417);
    assert_int_equal(ask("GET /hello HTTP/1.0\r\n\r\n"), 200);
    has("Connection: close\r\n");
    begun_all_ended();
}

static void test_large_heads(void **state)
{
    static char request[20000];
    static const size_t sizes[] = {4000, 5000, 5500, 5900, 6100, 6700, 7000, 7300, 9000, 15000};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int len = snprintf(request, sizeof request, "GET /hello HTTP/1.1\r\nX-Pad: ");
        unsigned status;

        memset(request + len, 'a', sizes[i]);
        strcpy(request + len + sizes[i], END);
        status = ask(request);
        assert_int_equal(status, sizes[i] < 6000 ? 200 : 431);
    }
    strcpy(request, "GET /hello HTTP/1.1");
    for (int i = 0; i < 110; i++)
        strcat(request, "\r\nA: b");
    strcat(request, END);
    assert_int_equal(ask(request), 431);
}

static void test_keep_alive(void **state)
{
    struct http_client c;

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (int i = 0; i < 200; i++) {
        assert_int_equal(http_client_get(&c, "GET /hello HTTP/1.1" END, answer, 4096), 200);
        assert_int_equal(http_client_get(&c, "GET /blocking HTTP/1.1" END, answer, 4096), 200);
        assert_int_equal(http_client_get(&c, "GET /missing HTTP/1.1" END, answer, 4096), 404);
        assert_int_equal(http_client_get(&c, "HEAD /hello HTTP/1.1" END, answer, 4096), 200);
        assert_int_equal(
            http_client_get(&c, "POST /json HTTP/1.1\r\nContent-Length: 2" END "{}", answer, 4096),
            415);
        assert_int_equal(
            http_client_get(&c,
                            "POST /json HTTP/1.1\r\nContent-Type: application/json;charset=utf-8"
                            "\r\nContent-Length: 7" END "{\"a\":1}",
                            answer, 4096),
            200);
        has("\r\n\r\n{\"a\":1}");
    }
    http_client_close(&c);
    begun_all_ended();
}

static void test_buffered_bodies(void **state)
{
    static char request[8192];
    int len;

    (void)state;
    assert_int_equal(ask("POST /form HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded"
                         "\r\nTransfer-Encoding: chunked" END "3\r\na=b\r\n2\r\n&c\r\n0\r\n\r\n"),
                     200);
    has("\r\n\r\na=b&c");
    assert_int_equal(ask("POST /form HTTP/1.1\r\nContent-Type: application/json"
                         "\r\nContent-Length: 2" END "{}"),
                     415);
    assert_int_equal(ask("GET /hello HTTP/1.1\r\nContent-Length: 2" END "{}"), 413);
    assert_int_equal(ask("POST /json HTTP/1.1\r\nContent-Type: application/json"
                         "\r\nContent-Length: 0" END),
                     200);
    assert_int_equal(ask("POST /json HTTP/1.1\r\nContent-Type: application/json"
                         "\r\nContent-Length: 100000000\r\nExpect: 100-continue" END),
                     413);
    len = snprintf(request, sizeof request,
                   "POST /json HTTP/1.1\r\nContent-Type: application/json\r\n"
                   "Transfer-Encoding: chunked" END "7d0\r\n");
    memset(request + len, 'x', 2000);
    strcpy(request + len + 2000, "\r\n0\r\n\r\n");
    assert_int_equal(ask(request), 413);
    begun_all_ended();
}

/* -- files ---------------------------------------------------------------------------------------
 */

/* Asks for /file with more header lines; returns the content. */
static const char *get_file(const char *fields, unsigned want_status)
{
    char request[1024];
    const char *content;

    (void)snprintf(request, sizeof request, "GET /file HTTP/1.1\r\n%sHost: x\r\n\r\n", fields);
    assert_int_equal(ask(request), want_status);
    content = strstr(answer, "\r\n\r\n");
    assert_non_null(content);
    return content + 4;
}

static void check_bytes(const char *content, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++)
        if ((uint8_t)content[i - first] != http_ops_byte(i))
            fail_msg("byte %llu differs", (unsigned long long)i);
}

static void test_file(void **state)
{
    (void)state;
    check_bytes(get_file("", 200), 0, HTTP_FILE_SIZE - 1);
    has("ETag: \"tag\"\r\n");
    has("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    has("Accept-Ranges: bytes\r\n");
    has("Content-Length: 3145745\r\n");
    check_bytes(get_file("Range: bytes=5-9\r\n", 206), 5, 9);
    has("Content-Range: bytes 5-9/3145745\r\n");
    has("Content-Length: 5\r\n");
    check_bytes(get_file("Range: bytes=-100000\r\n", 206), HTTP_FILE_SIZE - 100000,
                HTTP_FILE_SIZE - 1);
    check_bytes(get_file("Range: bytes=0-9,5-20\r\n", 206), 0, 20);
    (void)get_file("Range: bytes=3145745-\r\n", 416);
    has("Content-Range: bytes */3145745\r\n");
    hasnt("Content-Disposition");
    check_bytes(get_file("Range: bytes=9-5\r\n", 200), 0, 100);
    check_bytes(get_file("Range: bytes=1-2\r\nIf-Range: \"other\"\r\n", 200), 0, 100);
    check_bytes(get_file("Range: bytes=1-2\r\nIf-Range: \"tag\"\r\n", 206), 1, 2);
    (void)get_file("If-None-Match: \"tag\"\r\n", 304);
    has("ETag: \"tag\"\r\n");
    hasnt("Content-Length: 3145745"); /* some clients would wait for it */
    (void)get_file("If-Match: \"other\"\r\n", 412);
    (void)get_file("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 304);
    (void)get_file("If-None-Match: tag\r\n", 400);
    assert_int_equal(ask("HEAD /file HTTP/1.1\r\nRange: bytes=0-1" END), 200);
    has("Content-Length: 3145745\r\n");
    begun_all_ended();
}

/* Where `text` stands in binary content; fails when it does not. */
static const char *find(const char *content, size_t len, const char *text)
{
    const char *at = memmem(content, len, text, strlen(text));

    if (at == NULL)
        fail_msg("no \"%s\"", text);
    return at != NULL ? at + strlen(text) : content;
}

static void test_multipart(void **state)
{
    const char *content = get_file("Range: bytes=0-1,1000-1003,-2\r\n", 206);
    const char *length = strstr(answer, "Content-Length: ");
    size_t len;

    (void)state;
    assert_non_null(length);
    len = strtoul(length + 16, NULL, 10);
    has("Content-Type: multipart/byteranges; boundary=part-");
    assert_memory_equal(content, "--part-", 7);
    check_bytes(find(content, len, "Content-Range: bytes 0-1/3145745\r\n\r\n"), 0, 1);
    check_bytes(find(content, len, "Content-Range: bytes 1000-1003/3145745\r\n\r\n"), 1000, 1003);
    check_bytes(find(content, len, "Content-Range: bytes 3145743-3145744/3145745\r\n\r\n"),
                HTTP_FILE_SIZE - 2, HTTP_FILE_SIZE - 1);
    assert_memory_equal(content + len - 4, "--\r\n", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_basics),          cmocka_unit_test(test_errors),
        cmocka_unit_test(test_ids_and_cors),    cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_large_heads),     cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_buffered_bodies), cmocka_unit_test(test_file),
        cmocka_unit_test(test_multipart),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
