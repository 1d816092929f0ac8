/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and histograms in relaxed atomics; it never takes a lock and never allocates per
 * request. */
#include "base/metrics.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"

#define CLASSES 6 /* index = status / 100; 0 for anything else */

/* Upper bounds of the duration histogram. */
static const struct {
    int64_t ns;
    const char *label;
} buckets[] = {
    {INT64_C(250000), "0.00025"}, {INT64_C(500000), "0.0005"}, {INT64_C(1000000), "0.001"},
    {INT64_C(2500000), "0.0025"}, {INT64_C(5000000), "0.005"}, {INT64_C(10000000), "0.01"},
    {INT64_C(25000000), "0.025"}, {INT64_C(50000000), "0.05"}, {INT64_C(100000000), "0.1"},
    {INT64_C(250000000), "0.25"}, {INT64_C(500000000), "0.5"}, {INT64_C(1000000000), "1"},
    {INT64_C(2500000000), "2.5"}, {INT64_C(5000000000), "5"},  {INT64_C(10000000000), "10"},
    {INT64_C(60000000000), "60"},
};
#define BUCKETS (sizeof buckets / sizeof buckets[0])

struct op {
    _Atomic(const char *) name;
    atomic_int_fast64_t classes[CLASSES];
    atomic_int_fast64_t counts[BUCKETS + 1]; /* not cumulative; the last one is +Inf */
    atomic_int_fast64_t sum_ns;
};

static atomic_int_fast64_t values[SG_METRIC_COUNT];
static struct op ops[SG_METRICS_OPS];

void metrics_add(enum metric m, int64_t n)
{
    atomic_fetch_add_explicit(&values[m], n, memory_order_relaxed);
}

int64_t metrics_get(enum metric m)
{
    return atomic_load_explicit(&values[m], memory_order_relaxed);
}

void metrics_name_op(unsigned op, const char *operation_id)
{
    if (op < SG_METRICS_OPS)
        atomic_store(&ops[op].name, operation_id);
}

void metrics_request(unsigned op, unsigned status, int64_t duration_ns)
{
    size_t bucket = 0;
    unsigned class = status / 100 < CLASSES ? status / 100 : 0;

    if (op >= SG_METRICS_OPS)
        return;
    if (duration_ns < 0)
        duration_ns = 0;
    while (bucket < BUCKETS && duration_ns > buckets[bucket].ns)
        bucket++;
    atomic_fetch_add_explicit(&ops[op].classes[class], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&ops[op].counts[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&ops[op].sum_ns, duration_ns, memory_order_relaxed);
}

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_values(struct buf *out)
{
    static const struct {
        const char *name;
        const char *type;
        const char *help;
    } rows[] = {
#define COUNTER                             "counter"
#define GAUGE                               "gauge"
#define X(enum_name, text, kind, help_text) {text, kind, help_text},
        SG_METRICS_TABLE(X)
#undef X
#undef COUNTER
#undef GAUGE
    };

    for (size_t i = 0; i < SG_METRIC_COUNT; i++) {
        put_head(out, rows[i].name, rows[i].type, rows[i].help);
        buf_printf(out, "%s %lld\n", rows[i].name, (long long)metrics_get((enum metric)i));
    }
}

static void put_classes(struct buf *out)
{
    put_head(out, "secgate_requests_total", "counter", "Finished requests.");
    for (size_t i = 0; i < SG_METRICS_OPS; i++) {
        const char *name = atomic_load(&ops[i].name);

        for (unsigned c = 0; name != NULL && c < CLASSES; c++) {
            long long n = atomic_load_explicit(&ops[i].classes[c], memory_order_relaxed);

            if (n > 0 && c > 0)
                buf_printf(out, "secgate_requests_total{operation=\"%s\",status=\"%uxx\"} %lld\n",
                           name, c, n);
            else if (n > 0)
                buf_printf(out, "secgate_requests_total{operation=\"%s\",status=\"none\"} %lld\n",
                           name, n);
        }
    }
}

/* The count is the sum of the buckets that were read, so that the two always agree. */
static void put_histogram(struct buf *out, struct op *op, const char *name)
{
    static const char metric[] = "secgate_request_duration_seconds";
    int64_t sum_ns = atomic_load_explicit(&op->sum_ns, memory_order_relaxed);
    long long total = 0;

    for (size_t i = 0; i <= BUCKETS; i++) {
        total += atomic_load_explicit(&op->counts[i], memory_order_relaxed);
        buf_printf(out, "%s_bucket{operation=\"%s\",le=\"%s\"} %lld\n", metric, name,
                   i < BUCKETS ? buckets[i].label : "+Inf", total);
    }
    buf_printf(out, "%s_sum{operation=\"%s\"} %lld.%09lld\n", metric, name,
               (long long)(sum_ns / SG_NS_PER_S), (long long)(sum_ns % SG_NS_PER_S));
    buf_printf(out, "%s_count{operation=\"%s\"} %lld\n", metric, name, total);
}

static long long resident_bytes(void)
{
    SG_BUF_CLEANUP struct buf b;
    char *end;
    long long pages;

    buf_init(&b, 4096);
    if (file_read("/proc/self/statm", &b) != SG_OK)
        return 0;
    (void)strtoll(buf_str(&b), &end, 10);
    pages = strtoll(end, NULL, 10);
    return pages * sysconf(_SC_PAGESIZE);
}

static long long open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    long long count = 0;

    if (dir == NULL)
        return 0;
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count - 3; /* ".", ".." and the directory's own */
}

/* Field 22 of /proc/self/stat is the start in ticks since boot (proc(5)). */
static double start_time_s(void)
{
    SG_BUF_CLEANUP struct buf b;
    struct timespec boot;
    const char *at;
    double age_s;

    buf_init(&b, 4096);
    if (file_read("/proc/self/stat", &b) != SG_OK || clock_gettime(CLOCK_BOOTTIME, &boot) != 0)
        return 0;
    at = strrchr(buf_str(&b), ')'); /* the name before it may hold anything */
    for (int field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL)
        return 0;
    age_s = (double)boot.tv_sec + (double)boot.tv_nsec / 1e9 -
            (double)strtoll(at, NULL, 10) / (double)sysconf(_SC_CLK_TCK);
    return (double)clock_now_ns() / 1e9 - age_s;
}

void metrics_render(struct buf *out)
{
    put_values(out);
    put_classes(out);
    put_head(out, "secgate_request_duration_seconds", "histogram", "Duration of requests.");
    for (size_t i = 0; i < SG_METRICS_OPS; i++) {
        const char *name = atomic_load(&ops[i].name);

        if (name != NULL)
            put_histogram(out, &ops[i], name);
    }
    put_head(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.");
    buf_printf(out, "process_resident_memory_bytes %lld\n", resident_bytes());
    put_head(out, "process_open_fds", "gauge", "Number of open file descriptors.");
    buf_printf(out, "process_open_fds %lld\n", open_descriptors());
    put_head(out, "process_start_time_seconds", "gauge",
             "Start time of the process since unix epoch in seconds.");
    buf_printf(out, "process_start_time_seconds %.3f\n", start_time_s());
}
