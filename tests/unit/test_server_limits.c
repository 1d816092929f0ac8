/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines, connection limits, TLS resumption and reload, the graceful end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "http_fixture.h"
#include "http_ops.h"

#define END "\r\nHost: x\r\n\r\n"

static char answer[4 * 1024 * 1024];

static int set_up(void **state)
{
    (void)state;
    http_ops_init();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_ops_fini();
    return 0;
}

static void begun_all_ended(void)
{
    for (int i = 0; i < 500 && atomic_load(&http_ops_begun) != atomic_load(&http_ops_ended); i++)
        usleep(10000);
    assert_int_equal(atomic_load(&http_ops_begun), atomic_load(&http_ops_ended));
}

static bool puts_tls(struct http_client *c, const char *text)
{
    return http_client_send(c, text, strlen(text));
}

/* Sends a byte of `text` every 100 ms until it is over or the server has ended the connection;
 * seconds it took. */
static double trickle(struct http_client *c, const char *text)
{
    int64_t start_ns = clock_monotonic_ns();

    for (int i = 0; i < 80; i++) {
        char byte = text[0] != '\0' ? *text++ : 'a';
        char sink[4096];
        struct timeval now = {.tv_usec = 1000};

        if (!http_client_send(c, &byte, 1))
            break;
        usleep(100000);
        (void)setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &now, sizeof now);
        if (gnutls_record_recv(c->session, sink, sizeof sink) != GNUTLS_E_AGAIN &&
            gnutls_record_recv(c->session, sink, sizeof sink) != GNUTLS_E_AGAIN)
            break;
    }
    return (double)(clock_monotonic_ns() - start_ns) / 1e9;
}

static void test_reaper(void **state)
{
    struct server_config config;
    struct http_fixture f;
    struct http_client c;
    double seconds;
    char byte;
    int fd;

    (void)state;
    http_ops_config(&config);
    config.limits.header_seconds = 1;
    config.limits.idle_seconds = 1;
    config.limits.body_seconds = 1;
    config.limits.body_bytes_per_second = 1000;
    http_fixture_start(&f, &config);
    /* Slow fields, slow body. */
    assert_true(http_client_open(&c, f.port, NULL));
    seconds = trickle(&c, "GET /hello HTTP/1.1\r\nX: ");
    assert_true(seconds > 0.5 && seconds < 4);
    http_client_close(&c);
    assert_true(http_client_open(&c, f.port, NULL));
    assert_true(puts_tls(&c, "PUT /up/a HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n"));
    atomic_store(&http_ops_body_delay_us, 0);
    seconds = trickle(&c, (const char[]){0, 0});
    assert_true(seconds > 0.5 && seconds < 4);
    http_client_close(&c);
    /* Idle after an answer. */
    assert_true(http_client_open(&c, f.port, NULL));
    assert_int_equal(http_client_get(&c, "GET /hello HTTP/1.1" END, answer, 4096), 200);
    assert_true(gnutls_record_recv(c.session, &byte, 1) <= 0);
    http_client_close(&c);
    /* No handshake at all. */
    fd = http_connect(f.port);
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
    /* A job that takes longer than all this is nobody's fault. */
    assert_true(http_client_open(&c, f.port, NULL));
    assert_int_equal(http_client_get(&c, "GET /slow?ms=2500 HTTP/1.1" END, answer, 4096), 200);
    http_client_close(&c);
    assert_true(metrics_get(SG_METRIC_REAPED) >= 4);
    begun_all_ended();
    http_fixture_stop(&f);
}

static void test_connection_limits(void **state)
{
    struct server_config config;
    struct http_fixture f;
    struct http_client c[6];
    struct http_client more;

    (void)state;
    for (int round = 0; round < 2; round++) {
        int64_t refused = metrics_get(SG_METRIC_CONNECTIONS_REFUSED);

        http_ops_config(&config);
        if (round == 0)
            config.limits.connections = 5;
        else
            config.limits.connections_per_address = 5;
        http_fixture_start(&f, &config);
        for (int i = 0; i < 5; i++)
            assert_true(http_client_open(&c[i], f.port, NULL));
        assert_false(http_client_open(&more, f.port, NULL));
        assert_int_equal(metrics_get(SG_METRIC_CONNECTIONS_REFUSED), refused + 1);
        for (int i = 0; i < 5; i++)
            assert_int_equal(http_client_get(&c[i], "GET /hello HTTP/1.1" END, answer, 4096), 200);
        http_client_close(&c[0]);
        usleep(200000);
        assert_true(http_client_open(&c[0], f.port, NULL));
        for (int i = 0; i < 5; i++)
            http_client_close(&c[i]);
        http_fixture_stop(&f);
    }
}

/* One request; takes session data for the next connection along. */
static bool resumed_get(unsigned short port, gnutls_datum_t *ticket)
{
    struct http_client c;
    bool resumed;

    assert_true(http_client_open(&c, port, ticket->data != NULL ? ticket : NULL));
    assert_int_equal(http_client_get(&c, "GET /tls HTTP/1.1" END, answer, 4096), 200);
    resumed = gnutls_session_is_resumed(c.session) != 0;
    gnutls_free(ticket->data);
    assert_int_equal(gnutls_session_get_data2(c.session, ticket), 0);
    http_client_close(&c);
    return resumed;
}

static void test_resumption_and_reload(void **state)
{
    struct server_config config;
    struct http_fixture f;
    struct http_identity second;
    struct tls_bundle *bundle;
    gnutls_datum_t ticket = {0};
    int signatures;

    (void)state;
    http_ops_config(&config);
    config.ticket_rotate_seconds = 1000;
    http_fixture_start(&f, &config);
    assert_false(resumed_get(f.port, &ticket));
    assert_non_null(strstr(answer, "TLS1.3 AES-256-GCM"));
    signatures = atomic_load(&f.identity.signatures);
    for (int i = 0; i < 8; i++) /* on either event loop */
        assert_true(resumed_get(f.port, &ticket));
    assert_int_equal(atomic_load(&f.identity.signatures), signatures);
    http_identity_init(&second, "two");
    bundle = http_identity_bundle(&second);
    server_set_tls(f.server, bundle);
    tls_bundle_unref(bundle);
    assert_false(resumed_get(f.port, &ticket)); /* the tickets' key has changed */
    assert_true(atomic_load(&second.signatures) > 0);
    assert_true(resumed_get(f.port, &ticket));
    gnutls_free(ticket.data);
    http_fixture_stop(&f);
    http_identity_fini(&second);
}

static void test_rotation(void **state)
{
    struct server_config config;
    struct http_fixture f;
    gnutls_datum_t ticket = {0};

    (void)state;
    http_ops_config(&config);
    config.ticket_rotate_seconds = 2;
    http_fixture_start(&f, &config);
    assert_false(resumed_get(f.port, &ticket));
    assert_true(resumed_get(f.port, &ticket));
    usleep(2600000);
    assert_false(resumed_get(f.port, &ticket));
    assert_true(resumed_get(f.port, &ticket));
    gnutls_free(ticket.data);
    http_fixture_stop(&f);
}

static void test_mismatched_key(void **state)
{
    struct http_identity one;
    struct http_identity two;
    struct tls_bundle *bundle = NULL;

    (void)state;
    http_identity_init(&one, "one");
    http_identity_init(&two, "two");
    assert_int_equal(tls_bundle_load(one.chain_pem, strlen(one.chain_pem), &two.signer, &bundle),
                     SG_ERR_NOT_FOUND);
    assert_int_equal(tls_bundle_load("nonsense", 8, &one.signer, &bundle), SG_ERR_BAD_FIELD);
    assert_null(bundle);
    http_identity_fini(&one);
    http_identity_fini(&two);
}

/* -- traffic in the background
 * ---------------------------------------------------------------------- */

struct traffic {
    unsigned short port;
    atomic_bool stop;
    atomic_int answers;
    atomic_int failures;
};

static void *traffic_main(void *arg)
{
    struct traffic *t = arg;
    char buf[4096];

    while (!atomic_load(&t->stop)) {
        struct http_client c;

        if (!http_client_open(&c, t->port, NULL)) {
            atomic_fetch_add(&t->failures, 1);
            continue;
        }
        for (int i = 0; i < 20; i++) {
            unsigned status = http_client_get(&c, "GET /blocking HTTP/1.1" END, buf, sizeof buf);

            atomic_fetch_add(status == 200 ? &t->answers : &t->failures, 1);
        }
        http_client_close(&c);
    }
    return NULL;
}

static void test_reload_under_traffic(void **state)
{
    struct server_config config;
    struct http_fixture f;
    struct http_identity second;
    struct tls_bundle *bundle;
    struct traffic t = {0};
    pthread_t threads[4];

    (void)state;
    http_ops_config(&config);
    http_fixture_start(&f, &config);
    http_identity_init(&second, "two");
    bundle = http_identity_bundle(&second);
    t.port = f.port;
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, traffic_main, &t);
    for (int i = 0; i < 200; i++) {
        server_set_tls(f.server, i % 2 == 0 ? bundle : f.bundle);
        usleep(5000);
    }
    atomic_store(&t.stop, true);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&t.failures), 0);
    assert_true(atomic_load(&t.answers) > 100);
    http_fixture_stop(&f);
    tls_bundle_unref(bundle);
    http_identity_fini(&second);
    begun_all_ended();
}

/* -- the end
 * ------------------------------------------------------------------------------------------- */

static void *drain_main(void *arg)
{
    struct http_fixture *f = arg;
    static unsigned forced;

    server_drain(&f->server, &forced);
    return &forced;
}

static void test_drain(void **state)
{
    static const char put[] = "PUT /up/a HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n";
    static uint8_t body[200000];
    struct server_config config;
    struct http_fixture f;
    struct http_client idle[10];
    struct http_client up;
    struct http_client down;
    struct http_client job;
    unsigned status;
    void *forced;
    pthread_t thread;
    char byte;

    (void)state;
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = http_ops_byte(i);
    http_ops_config(&config);
    http_fixture_start(&f, &config);
    for (int i = 0; i < 10; i++) {
        assert_true(http_client_open(&idle[i], f.port, NULL));
        assert_int_equal(http_client_get(&idle[i], "GET /hello HTTP/1.1" END, answer, 4096), 200);
    }
    assert_true(http_client_open(&up, f.port, NULL));
    assert_true(http_client_send(&up, put, strlen(put)));
    assert_true(http_client_send(&up, body, 100000));
    assert_true(http_client_open(&down, f.port, NULL));
    assert_true(puts_tls(&down, "GET /file HTTP/1.1" END));
    assert_true(http_client_open(&job, f.port, NULL));
    assert_true(puts_tls(&job, "GET /slow?ms=800 HTTP/1.1" END));
    usleep(200000);
    pthread_create(&thread, NULL, drain_main, &f);
    for (int i = 0; i < 10; i++) {
        assert_true(gnutls_record_recv(idle[i].session, &byte, 1) <= 0);
        http_client_close(&idle[i]);
    }
    assert_true(http_client_send(&up, body + 100000, 100000));
    (void)http_client_answer(&up, false, answer, sizeof answer, &status);
    assert_int_equal(status, 201);
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    assert_true(http_client_answer(&down, false, answer, sizeof answer, &status) > HTTP_FILE_SIZE);
    (void)http_client_answer(&job, false, answer, sizeof answer, &status);
    assert_int_equal(status, 200);
    http_client_close(&up);
    http_client_close(&down);
    http_client_close(&job);
    pthread_join(thread, &forced);
    assert_int_equal(*(unsigned *)forced, 0);
    begun_all_ended();
    http_fixture_stop(&f);
}

/* Rows that are slow wait for each other, not the others for them. */
static void test_slow_rows(void **state)
{
    struct server_config config;
    struct http_fixture f;
    struct http_client slow[20], other;
    unsigned status = 0;
    int64_t start_ns;

    (void)state;
    http_ops_config(&config);
    http_fixture_start(&f, &config);
    assert_true(http_client_open(&other, f.port, NULL));
    assert_int_equal(http_client_get(&other, "GET /blocking HTTP/1.1" END, answer, 4096), 200);
    for (int i = 0; i < 20; i++) {
        assert_true(http_client_open(&slow[i], f.port, NULL));
        assert_true(puts_tls(&slow[i], "GET /hash?ms=400 HTTP/1.1" END));
    }
    usleep(100000);
    start_ns = clock_monotonic_ns();
    assert_int_equal(http_client_get(&other, "GET /blocking HTTP/1.1" END, answer, 4096), 200);
    assert_true(clock_monotonic_ns() - start_ns < 300 * SG_NS_PER_MS);
    for (int i = 0; i < 20; i++) {
        (void)http_client_answer(&slow[i], false, answer, sizeof answer, &status);
        assert_int_equal(status, 200);
        http_client_close(&slow[i]);
    }
    http_client_close(&other);
    begun_all_ended();
    http_fixture_stop(&f);
}

static void test_drain_forced(void **state)
{
    static const char put[] = "PUT /up/a HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n";
    struct server_config config;
    struct http_fixture f;
    struct http_client c[3];
    int64_t start_ns;
    unsigned forced = 0;

    (void)state;
    http_ops_config(&config);
    config.limits.drain_seconds = 1;
    http_fixture_start(&f, &config);
    for (int i = 0; i < 3; i++)
        assert_true(http_client_open(&c[i], f.port, NULL));
    assert_true(http_client_send(&c[0], put, strlen(put)));
    assert_true(puts_tls(&c[1], "GET /slow?ms=3000 HTTP/1.1" END));
    assert_true(puts_tls(&c[2], "GET /hel"));
    usleep(200000);
    start_ns = clock_monotonic_ns();
    server_drain(&f.server, &forced);
    assert_true(clock_monotonic_ns() - start_ns < 5 * SG_NS_PER_S);
    assert_true(forced >= 2);
    for (int i = 0; i < 3; i++)
        http_client_close(&c[i]);
    begun_all_ended();
    http_fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reaper),
        cmocka_unit_test(test_connection_limits),
        cmocka_unit_test(test_resumption_and_reload),
        cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_mismatched_key),
        cmocka_unit_test(test_reload_under_traffic),
        cmocka_unit_test(test_slow_rows),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_drain_forced),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
