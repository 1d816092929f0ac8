/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of metrics and of their Prometheus text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/metrics.h"

static char *render(void)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    metrics_render(&b);
    assert_int_equal(buf_status(&b), SG_OK);
    return buf_take(&b, NULL);
}

static void test_counters_and_gauges(void **state)
{
    char *text;

    (void)state;
    metrics_add(SG_METRIC_LOGIN_OK, 3);
    metrics_add(SG_METRIC_CONNECTIONS, 5);
    metrics_add(SG_METRIC_CONNECTIONS, -2);
    assert_int_equal(metrics_get(SG_METRIC_LOGIN_OK), 3);
    text = render();
    assert_non_null(strstr(text, "# HELP secgate_logins_total Successful logins.\n"
                                 "# TYPE secgate_logins_total counter\n"
                                 "secgate_logins_total 3\n"));
    assert_non_null(strstr(text, "# TYPE secgate_connections gauge\nsecgate_connections 3\n"));
    free(text);
}

static void test_requests(void **state)
{
    char *text;

    (void)state;
    metrics_name_op(7, "files_get");
    metrics_name_op(SG_METRICS_OPS, "outside");
    metrics_request(7, 200, 250000); /* exactly a bound belongs to it */
    metrics_request(7, 206, 250001);
    metrics_request(7, 404, INT64_C(61000000000));
    metrics_request(7, 0, -5);
    metrics_request(SG_METRICS_OPS, 200, 1);
    text = render();
    assert_non_null(
        strstr(text, "secgate_requests_total{operation=\"files_get\",status=\"2xx\"} 2\n"));
    assert_non_null(strstr(text, "{operation=\"files_get\",status=\"4xx\"} 1\n"));
    assert_non_null(strstr(text, "{operation=\"files_get\",status=\"none\"} 1\n"));
    assert_non_null(strstr(text, "_bucket{operation=\"files_get\",le=\"0.00025\"} 2\n"));
    assert_non_null(strstr(text, "_bucket{operation=\"files_get\",le=\"0.0005\"} 3\n"));
    assert_non_null(strstr(text, "_bucket{operation=\"files_get\",le=\"60\"} 3\n"));
    assert_non_null(strstr(text, "_bucket{operation=\"files_get\",le=\"+Inf\"} 4\n"));
    assert_non_null(strstr(text, "_seconds_sum{operation=\"files_get\"} 61.000500001\n"));
    assert_non_null(strstr(text, "_seconds_count{operation=\"files_get\"} 4\n"));
    assert_null(strstr(text, "outside"));
    free(text);
}

static void test_the_process(void **state)
{
    char *text = render();
    const char *at = strstr(text, "\nprocess_resident_memory_bytes ");

    (void)state;
    assert_non_null(at);
    assert_true(strtoll(strchr(at, ' '), NULL, 10) > 100000);
    at = strstr(text, "\nprocess_open_fds ");
    assert_non_null(at);
    assert_in_range(strtoll(strchr(at, ' '), NULL, 10), 3, 100);
    at = strstr(text, "\nprocess_start_time_seconds ");
    assert_non_null(at);
    assert_true(strtod(strchr(at, ' '), NULL) > 1.7e9);
    assert_int_equal(text[strlen(text) - 1], '\n');
    free(text);
}

static void *count(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++) {
        metrics_add(SG_METRIC_DB_COMMITS, 1);
        metrics_request(9, 200, 1);
    }
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[4];
    char *text;

    (void)state;
    metrics_name_op(9, "daytime_get");
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
    free(render());
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(metrics_get(SG_METRIC_DB_COMMITS), 40000);
    text = render();
    assert_non_null(strstr(text, "_seconds_count{operation=\"daytime_get\"} 40000\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_and_gauges),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_the_process),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
