/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait: who wakes them, who leaves, what the end does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
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
    http_fixture_start(&fixture, &config);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_fixture_stop(&fixture);
    return atomic_load(&http_wait_begun) == atomic_load(&http_wait_ended) ? 0 : -1;
}

static void ask(struct http_client *c, const char *request)
{
    assert_true(http_client_send(c, request, strlen(request)));
}

static void open_and_ask(struct http_client *c, const char *request)
{
    assert_true(http_client_open(c, fixture.port, NULL));
    ask(c, request);
}

/* The body of the next answer, which must have that status. */
static const char *answer_of(struct http_client *c, unsigned want)
{
    unsigned status = 0;
    const char *body;

    assert_true(http_client_answer(c, false, text, sizeof text, &status) > 0);
    assert_int_equal(status, want);
    body = strstr(text, "\r\n\r\n");
    assert_non_null(body);
    return body + 4;
}

static double seconds_since(int64_t start_ns)
{
    return (double)(clock_monotonic_ns() - start_ns) / 1e9;
}

static void test_wake(void **state)
{
    static const char *const paths[] = {"/wait", "/job-wait", "/at-once-wait"};
    struct http_client c;
    char request[128];

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (int i = 0; i < 12; i++) {
        (void)snprintf(request, sizeof request, "GET %s?ms=60000 HTTP/1.1" END, paths[i % 3]);
        ask(&c, request);
        assert_true(http_wait_until(1));
        usleep(i < 6 ? 0 : 5000);
        http_wait_publish();
        assert_string_equal(answer_of(&c, 200), "news\n");
        /* The connection goes on as before. */
        assert_int_equal(http_client_get(&c, "GET /hello HTTP/1.1" END, text, sizeof text), 200);
    }
    http_client_close(&c);
}

static void test_wake_before(void **state)
{
    struct http_client c;

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (int i = 0; i < 200; i++) {
        ask(&c, i % 2 == 0 ? "GET /early HTTP/1.1" END : "GET /job-early HTTP/1.1" END);
        assert_string_equal(answer_of(&c, 200), "early\n");
    }
    http_client_close(&c);
}

static void test_commit(void **state)
{
    static const char body[] = "\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
    struct http_client c;
    char request[128];

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (int i = 0; i < 600; i++) {
        (void)snprintf(request, sizeof request, "POST /%scommit?us=%d HTTP/1.1%s",
                       i % 2 == 0 ? "" : "job-", i % 5 == 0 ? 0 : i % 97, body);
        ask(&c, request);
        assert_string_equal(answer_of(&c, 200), "committed\n");
        assert_non_null(strcasestr(text, "X-Committed: yes"));
    }
    http_client_close(&c);
}

static void test_again(void **state)
{
    struct http_client c;

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (int i = 0; i < 20; i++) {
        ask(&c, "GET /again?n=300 HTTP/1.1" END);
        assert_string_equal(answer_of(&c, 200), "again\n");
    }
    http_client_close(&c);
}

static void test_defer(void **state)
{
    struct http_client c;

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    for (int i = 0; i < 50; i++) {
        int deferred = atomic_load(&http_wait_deferred);

        ask(&c, "GET /defer-wait HTTP/1.1" END);
        assert_true(http_wait_until(1));
        http_wait_publish();
        for (int ms = 0; ms < 5000 && atomic_load(&http_wait_deferred) == deferred; ms++)
            usleep(1000);
        assert_int_equal(atomic_load(&http_wait_deferred), deferred + 1);
        http_wait_publish();
        assert_string_equal(answer_of(&c, 200), "deferred\n");
        assert_true(http_wait_until(0));
    }
    http_client_close(&c);
}

static void test_timeout(void **state)
{
    struct http_client c[3];
    int64_t start_ns = clock_monotonic_ns();

    (void)state;
    open_and_ask(&c[2], "GET /wait?ms=1200 HTTP/1.1" END);
    open_and_ask(&c[0], "GET /wait?ms=300 HTTP/1.1" END);
    open_and_ask(&c[1], "GET /job-wait?ms=700 HTTP/1.1" END);
    for (int i = 0; i < 3; i++) {
        double least = i == 0 ? 0.3 : i == 1 ? 0.7 : 1.2;
        double took;

        assert_string_equal(answer_of(&c[i], 200), "timeout\n");
        took = seconds_since(start_ns);
        assert_true(took >= least && took < least + 0.9);
        http_client_close(&c[i]);
    }
}

/* A wait may be longer than any deadline of the connection. */
static void test_deadlines(void **state)
{
    struct http_client c;

    (void)state;
    config.limits.header_seconds = 1;
    config.limits.idle_seconds = 1;
    config.limits.body_seconds = 1;
    http_fixture_stop(&fixture);
    http_fixture_start(&fixture, &config);
    open_and_ask(&c, "GET /wait?ms=2500 HTTP/1.1" END);
    assert_string_equal(answer_of(&c, 200), "timeout\n");
    assert_int_equal(http_client_get(&c, "GET /hello HTTP/1.1" END, text, sizeof text), 200);
    ask(&c, "GET /wait HTTP/1.1" END);
    sleep(2);
    http_wait_publish();
    assert_string_equal(answer_of(&c, 200), "news\n");
    /* Idle now, and looked after again. */
    assert_true(gnutls_record_recv(c.session, text, 1) <= 0);
    http_client_close(&c);
}

static void test_clients_leave(void **state)
{
    enum { COUNT = 60 };
    struct http_client c[COUNT];
    int64_t start_ns;

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++) {
            assert_true(http_client_open(&c[i], fixture.port, NULL));
            if (round > 0) { /* used before */
                ask(&c[i], "GET /wait?ms=250 HTTP/1.1" END);
                assert_string_equal(answer_of(&c[i], 200), "timeout\n");
            }
            ask(&c[i],
                i % 2 == 0 ? "GET /wait HTTP/1.1" END : "GET /job-wait?ms=60000 HTTP/1.1" END);
            if (round == 2) /* and something behind it */
                ask(&c[i], "GET /hello HTTP/1.1" END);
            if (round == 1)
                break;
        }
        assert_true(http_wait_until(round == 1 ? 1 : COUNT));
        start_ns = clock_monotonic_ns();
        for (int i = 0; i < (round == 1 ? 1 : COUNT); i++) {
            struct linger hard = {.l_onoff = 1};

            if (i % 3 == 0) /* a reset */
                (void)setsockopt(c[i].fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
            http_client_close(&c[i]);
        }
        assert_true(http_wait_until(0));
        assert_true(seconds_since(start_ns) < 1);
    }
}

/* It has gone before the request waits. */
static void test_left_before(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        struct http_client c;

        open_and_ask(&c, i % 2 == 0 ? "GET /wait HTTP/1.1" END : "GET /job-wait HTTP/1.1" END);
        (void)shutdown(c.fd, SHUT_WR);
        assert_true(gnutls_record_recv(c.session, text, 1) <= 0);
        http_client_close(&c);
    }
    assert_true(http_wait_until(0));
}

static void test_pipelined(void **state)
{
    struct http_client c;

    (void)state;
    open_and_ask(&c, "GET /wait HTTP/1.1" END "GET /hello HTTP/1.1" END);
    ask(&c, "GET /job-wait HTTP/1.1" END);
    assert_true(http_wait_until(1));
    ask(&c, "GET /hello HTTP/1.1" END);
    http_wait_publish();
    assert_string_equal(answer_of(&c, 200), "news\n");
    assert_string_equal(answer_of(&c, 200), "hello\n");
    assert_true(http_wait_until(1));
    usleep(20000);
    http_wait_publish();
    assert_string_equal(answer_of(&c, 200), "news\n");
    assert_string_equal(answer_of(&c, 200), "hello\n");
    http_client_close(&c);
}

static void test_head(void **state)
{
    struct http_client c;
    unsigned status;

    (void)state;
    open_and_ask(&c, "HEAD /wait HTTP/1.1" END);
    assert_true(http_wait_until(1));
    http_wait_publish();
    assert_true(http_client_answer(&c, true, text, sizeof text, &status) > 0);
    assert_int_equal(status, 200);
    assert_non_null(strstr(text, "Content-Length: 5\r\n"));
    assert_int_equal(http_client_get(&c, "GET /hello HTTP/1.1" END, text, sizeof text), 200);
    http_client_close(&c);
}

static void test_any_and_problem(void **state)
{
    struct http_client c;

    (void)state;
    open_and_ask(&c, "POST /any HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    assert_string_equal(answer_of(&c, 200), "hello");
    assert_non_null(strstr(text, "Content-Type: x/none\r\n"));
    ask(&c, "POST /any HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nyo");
    assert_string_equal(answer_of(&c, 200), "yo");
    ask(&c, "POST /any HTTP/1.1" END);
    assert_string_equal(answer_of(&c, 200), "");
    ask(&c, "GET /problem HTTP/1.1" END);
    assert_non_null(strstr(answer_of(&c, 409), ",\"oldest\":\"e.1\",\"newest\":\"e.9\"}"));
    http_client_close(&c);
    open_and_ask(&c, "POST /any HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n"
                     "Expect: 100-continue\r\n\r\n");
    (void)answer_of(&c, 413);
    http_client_close(&c);
}

/* Opens connections from several threads: handshakes take their time. */
struct crowd {
    struct http_client *clients;
    int from;
    int to;
    const char *request;
    bool answers;
    pthread_t thread;
};

static void *crowd_main(void *arg)
{
    struct crowd *crowd = arg;
    char buf[4096];
    unsigned status;

    for (int i = crowd->from; i < crowd->to; i++) {
        struct http_client *c = &crowd->clients[i];

        if (!crowd->answers) {
            if (!http_client_open(c, fixture.port, NULL) ||
                !http_client_send(c, crowd->request, strlen(crowd->request)))
                abort();
            continue;
        }
        if (http_client_answer(c, false, buf, sizeof buf, &status) == 0 || status != 200)
            abort();
        http_client_close(c);
    }
    return NULL;
}

static void crowd(struct http_client *clients, int count, const char *request, bool answers)
{
    struct crowd part[4];

    for (int i = 0; i < 4; i++) {
        part[i] = (struct crowd){clients, count * i / 4, count * (i + 1) / 4, request, answers, 0};
        assert_int_equal(pthread_create(&part[i].thread, NULL, crowd_main, &part[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(part[i].thread, NULL);
}

static void test_thousand(void **state)
{
    enum { COUNT = 1000 };
    struct http_client *clients = calloc(COUNT, sizeof *clients);
    int64_t start_ns;

    (void)state;
    crowd(clients, COUNT, "GET /wait?ms=60000 HTTP/1.1" END, false);
    assert_true(http_wait_until(COUNT));
    start_ns = clock_monotonic_ns();
    http_wait_publish();
    crowd(clients, COUNT, NULL, true);
    assert_true(seconds_since(start_ns) < 5);
    assert_true(http_wait_until(0));
    free(clients);
}

static void test_drain(void **state)
{
    enum { COUNT = 100 };
    struct http_client clients[COUNT];
    struct http_client stubborn;
    unsigned forced = 0;
    int64_t start_ns;

    (void)state;
    crowd(clients, COUNT, "GET /wait HTTP/1.1" END, false);
    open_and_ask(&stubborn, "GET /drain-again HTTP/1.1" END);
    assert_true(http_wait_until(COUNT + 1));
    start_ns = clock_monotonic_ns();
    server_drain(&fixture.server, &forced);
    assert_true(seconds_since(start_ns) < 3);
    assert_int_equal(forced, 0);
    for (int i = 0; i < COUNT; i++) {
        assert_string_equal(answer_of(&clients[i], 200), "drain\n");
        assert_non_null(strcasestr(text, "Connection: close"));
        http_client_close(&clients[i]);
    }
    assert_non_null(strstr(answer_of(&stubborn, 503), "draining"));
    http_client_close(&stubborn);
    assert_true(http_wait_until(0));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_wake),      TEST(test_wake_before),   TEST(test_commit),
        TEST(test_again),     TEST(test_defer),         TEST(test_timeout),
        TEST(test_deadlines), TEST(test_clients_leave), TEST(test_left_before),
        TEST(test_pipelined), TEST(test_head),          TEST(test_any_and_problem),
        TEST(test_thousand),  TEST(test_drain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
