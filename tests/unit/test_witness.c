/* SPDX-License-Identifier: Apache-2.0 */
/* Cosignatures: k of n, witnesses that lag, lie, refuse, say nothing or too much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "core/witness.h"
#include "core/witness_text.h"
#include "fake_witness.h"
#include "tempdir.h"

#define WITNESSES 3

struct scene {
    struct log_fixture log;
    struct logread *read;
    struct witness_pool *pool;
    struct fake_witness witness[WITNESSES];
    struct keyring_witness list[WITNESSES];
};

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    struct logread_options options = {.state = log_fixture_state};

    log_fixture_init(&s->log);
    log_fixture_grow(&s->log, 10);
    log_fixture_publish(&s->log);
    options.dir = s->log.dir;
    options.ctx = &s->log;
    assert_int_equal(logread_new(&options, &s->read), SG_OK);
    {
        const struct witness_options pool = {.log = s->read, .timeout_ms = 1500};

        assert_int_equal(witness_new(&pool, &s->pool), SG_OK);
    }
    for (unsigned i = 0; i < WITNESSES; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "witness%u.example", i);
        fake_witness_start(&s->witness[i], name, &s->log.signer.key);
        fake_witness_put(&s->witness[i], &s->list[i]);
    }
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;

    witness_free(s->pool);
    for (unsigned i = 0; i < WITNESSES; i++)
        fake_witness_stop(&s->witness[i]);
    logread_free(s->read);
    log_fixture_fini(&s->log);
    free(s);
    return 0;
}

static void grow(struct scene *s, uint64_t size)
{
    log_fixture_grow(&s->log, size);
    log_fixture_publish(&s->log);
}

static enum sg_err collect(struct scene *s, size_t count, unsigned quorum, struct buf *out,
                           unsigned *ret_reached)
{
    SG_BUF_CLEANUP struct buf note;

    buf_init(&note, SG_NOTE_MAX);
    log_fixture_note(&s->log, &note);
    return witness_collect(s->pool, (char *)note.data, note.len, s->list, count, quorum, out,
                           ret_reached);
}

/* Which witnesses have cosigned what came out. */
static unsigned signed_by(const struct scene *s, const struct buf *out)
{
    unsigned bits = 0;
    struct note n;

    assert_int_equal(note_parse((char *)out->data, out->len, &n), SG_OK);
    assert_int_equal(note_verify(&n, &s->log.signer.key, NULL), SG_OK);
    for (unsigned i = 0; i < WITNESSES; i++) {
        int64_t time_s = 0;

        if (note_verify(&n, &s->witness[i].signer.key, &time_s) == SG_OK) {
            assert_true(time_s > 1000000000);
            bits |= 1U << i;
        }
    }
    assert_int_equal(n.count, 1 + (size_t)__builtin_popcount(bits));
    note_fini(&n);
    return bits;
}

static void test_all_cosign(void **state)
{
    struct scene *s = *state;
    SG_BUF_CLEANUP struct buf out;
    unsigned reached;

    buf_init(&out, SG_NOTE_MAX);
    for (unsigned i = 0; i < 5; i++) {
        grow(s, 10 + 100 * i);
        buf_clear(&out);
        assert_int_equal(collect(s, WITNESSES, WITNESSES, &out, &reached), SG_OK);
        assert_int_equal(reached, WITNESSES);
        assert_int_equal(signed_by(s, &out), 7);
    }
    /* Each size was remembered: one request each time. */
    for (unsigned i = 0; i < WITNESSES; i++)
        assert_int_equal(s->witness[i].requests, 5);
    /* The same size again is cosigned again. */
    buf_clear(&out);
    assert_int_equal(collect(s, WITNESSES, WITNESSES, &out, &reached), SG_OK);
    assert_int_equal(signed_by(s, &out), 7);
}

/* A witness that has seen the log before, while this process has not seen the witness. */
static void test_learns_the_size(void **state)
{
    struct scene *s = *state;
    const struct witness_options options = {.log = s->read, .timeout_ms = 1500};
    SG_BUF_CLEANUP struct buf out;
    unsigned reached;

    buf_init(&out, SG_NOTE_MAX);
    assert_int_equal(collect(s, 1, 1, &out, &reached), SG_OK);
    witness_free(s->pool);
    assert_int_equal(witness_new(&options, &s->pool), SG_OK);
    grow(s, 777);
    buf_clear(&out);
    assert_int_equal(collect(s, 1, 1, &out, &reached), SG_OK);
    assert_int_equal(signed_by(s, &out), 1);
    assert_int_equal(s->witness[0].requests, 1 + 2);
    assert_int_equal(s->witness[0].cosigned, 2);
}

static void test_quorum_with_failures(void **state)
{
    static const enum fake_mode modes[] = {FAKE_SILENT,  FAKE_WRONG,    FAKE_FOREIGN,
                                           FAKE_REFUSES, FAKE_ENDLESS,  FAKE_CONFUSED,
                                           FAKE_AHEAD,   FAKE_REDIRECTS};
    struct scene *s = *state;
    unsigned reached;

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        SG_BUF_CLEANUP struct buf out;
        int64_t begin = clock_monotonic_ns();

        buf_init(&out, SG_NOTE_MAX);
        grow(s, 100 * (i + 1));
        s->witness[1].mode = modes[i];
        assert_int_equal(collect(s, WITNESSES, 2, &out, &reached), SG_OK);
        assert_int_equal(reached, 2);
        assert_int_equal(signed_by(s, &out), 5);
        /* Who says nothing costs the grace time, and not the time limit. */
        assert_true(clock_monotonic_ns() - begin < 1000 * SG_NS_PER_MS);
        s->witness[1].mode = FAKE_HONEST;
    }
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        SG_BUF_CLEANUP struct buf out;

        buf_init(&out, SG_NOTE_MAX);
        grow(s, 2000 + 100 * i);
        s->witness[1].mode = modes[i];
        assert_int_equal(collect(s, 2, 2, &out, &reached), SG_ERR_QUORUM);
        assert_int_equal(reached, 1);
        assert_int_equal(out.len, 0);
        /* None too many requests for one answer. */
        s->witness[1].mode = FAKE_HONEST;
    }
    assert_true(s->witness[1].requests <= 8 * 2 + 8 * 2);
}

/* One that has kept somebody waiting for the whole time does not do so again soon. */
static void test_silence_costs_once(void **state)
{
    struct scene *s = *state;
    const struct witness_options options = {.log = s->read, .timeout_ms = 3000};
    SG_BUF_CLEANUP struct buf out;
    unsigned reached;
    int64_t begin;

    buf_init(&out, SG_NOTE_MAX);
    witness_free(s->pool);
    assert_int_equal(witness_new(&options, &s->pool), SG_OK);
    s->witness[0].mode = FAKE_SILENT;
    begin = clock_monotonic_ns();
    assert_int_equal(collect(s, 1, 1, &out, &reached), SG_ERR_QUORUM);
    assert_true(clock_monotonic_ns() - begin >= 2900 * SG_NS_PER_MS);
    begin = clock_monotonic_ns();
    assert_int_equal(collect(s, 1, 1, &out, &reached), SG_ERR_QUORUM);
    assert_true(clock_monotonic_ns() - begin < 2700 * SG_NS_PER_MS);
    s->witness[0].mode = FAKE_HONEST;
    assert_int_equal(collect(s, 1, 1, &out, &reached), SG_OK);
    assert_int_equal(signed_by(s, &out), 1);
}

static void test_other_lines_are_ignored(void **state)
{
    struct scene *s = *state;
    SG_BUF_CLEANUP struct buf out;
    unsigned reached;

    buf_init(&out, SG_NOTE_MAX);
    s->witness[0].mode = FAKE_CHATTY;
    assert_int_equal(collect(s, 1, 1, &out, &reached), SG_OK);
    assert_int_equal(signed_by(s, &out), 1);
}

/* One witness that is listed twice is one witness. */
static void test_counted_once(void **state)
{
    struct scene *s = *state;
    SG_BUF_CLEANUP struct buf out;
    unsigned reached;

    buf_init(&out, SG_NOTE_MAX);
    s->list[1] = s->list[0];
    (void)strncat(s->list[1].url, "/", sizeof s->list[1].url - 1 - strlen(s->list[1].url));
    assert_int_equal(collect(s, 2, 2, &out, &reached), SG_ERR_QUORUM);
    assert_int_equal(reached, 1);
    assert_int_equal(collect(s, 2, 1, &out, &reached), SG_OK);
    assert_int_equal(signed_by(s, &out), 1);
}

static void test_nobody_is_asked(void **state)
{
    struct scene *s = *state;
    SG_BUF_CLEANUP struct buf out, note;
    unsigned reached;

    buf_init(&out, SG_NOTE_MAX);
    buf_init(&note, SG_NOTE_MAX);
    assert_int_equal(collect(s, WITNESSES, 0, &out, &reached), SG_OK);
    assert_int_equal(signed_by(s, &out), 0);
    assert_int_equal(s->witness[0].requests, 0);
    /* A checkpoint that is not the log's. */
    log_fixture_note(&s->log, &note);
    note.data[note.len - 9] ^= 1;
    assert_int_not_equal(
        witness_collect(s->pool, (char *)note.data, note.len, s->list, 1, 1, &out, &reached),
        SG_OK);
    assert_int_equal(s->witness[0].requests, 0);
}

/* https: a certificate that is trusted, one that is not, one for another name. */
static void test_certificates(void **state)
{
    struct scene *s = *state;
    struct fake_witness w;
    char *pem = strdup(tempdir_path(s->log.dir, "witness.pem"));
    const struct witness_options options = {.log = s->read, .timeout_ms = 3000, .ca_file = pem};
    SG_BUF_CLEANUP struct buf out;
    unsigned reached;

    buf_init(&out, SG_NOTE_MAX);
    fake_witness_start_tls(&w, "tls.example", &s->log.signer.key, pem);
    fake_witness_put(&w, &s->list[0]);
    assert_int_equal(collect(s, 1, 1, &out, &reached), SG_ERR_QUORUM); /* the system's CAs */
    assert_int_equal(w.requests, 0);
    witness_free(s->pool);
    assert_int_equal(witness_new(&options, &s->pool), SG_OK);
    assert_int_equal(collect(s, 1, 1, &out, &reached), SG_OK);
    assert_int_equal(reached, 1);
    assert_int_equal(w.cosigned, 1);
    /* Another name; a new pool, as this witness serves one connection after the other. */
    witness_free(s->pool);
    assert_int_equal(witness_new(&options, &s->pool), SG_OK);
    (void)snprintf(s->list[0].url, sizeof s->list[0].url, "https://127.0.0.1:%u/w", w.port);
    assert_int_equal(collect(s, 1, 1, &out, &reached), SG_ERR_QUORUM);
    assert_int_equal(w.cosigned, 1);
    witness_free(s->pool);
    s->pool = NULL;
    fake_witness_stop(&w);
    free(pem);
}

/* -- many at once ------------------------------------------------------------------------------
 */

#define CALLERS 12

struct caller {
    struct scene *scene;
    struct buf note;
    uint64_t size;
    enum sg_err err;
    uint64_t got;
};

static void *call(void *arg)
{
    struct caller *c = arg;
    SG_BUF_CLEANUP struct buf out;
    struct checkpoint of;
    unsigned reached;

    buf_init(&out, SG_NOTE_MAX);
    c->err = witness_collect(c->scene->pool, (char *)c->note.data, c->note.len, c->scene->list, 2,
                             2, &out, &reached);
    if (c->err == SG_OK && signed_by(c->scene, &out) == 3 &&
        logread_check(c->scene->read, (char *)out.data, out.len, &of) == SG_OK)
        c->got = of.size;
    return NULL;
}

/* Checkpoints of many sizes at once: each caller gets one that is not before its own. */
static void test_rounds_are_shared(void **state)
{
    static struct caller caller[CALLERS];
    struct scene *s = *state;
    pthread_t thread[CALLERS];

    for (size_t i = 0; i < CALLERS; i++) {
        caller[i] = (struct caller){.scene = s, .size = 20 + 10 * i};
        buf_init(&caller[i].note, SG_NOTE_MAX);
        log_fixture_grow(&s->log, caller[i].size);
        log_fixture_note(&s->log, &caller[i].note);
    }
    log_fixture_publish(&s->log);
    for (size_t i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, call, &caller[i]), 0);
    for (size_t i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_int_equal(caller[i].err, SG_OK);
        assert_true(caller[i].got >= caller[i].size);
        buf_fini(&caller[i].note);
    }
    assert_true(s->witness[0].requests < CALLERS);
}

/* -- what may be configured, and texts ----------------------------------------------------------
 */

static void test_obstacles(void **state)
{
    static const char *const good[] = {"https://witness.example", "https://witness.example/a/b",
                                       "https://10.0.0.1:8443/",  "http://localhost:1/x",
                                       "http://127.0.0.1:8080",   "http://[::1]:8080/w"};
    static const char *const bad[] = {"",
                                      "witness.example",
                                      "http://witness.example/",
                                      "http://127.0.0.2/",
                                      "http://localhost.example/",
                                      "http://localhost@witness.example/",
                                      "https://user:secret@witness.example/",
                                      "https://witness.example/?q",
                                      "https://witness.example/#f",
                                      "https://witness.example/a b",
                                      "ftp://localhost/",
                                      "file:///etc/passwd",
                                      "https:///add",
                                      "https://witness.example/\n"};
    struct scene *s = *state;
    struct keyring_witness w = s->list[0];

    assert_null(witness_obstacle(&w));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        (void)snprintf(w.url, sizeof w.url, "%s", good[i]);
        assert_null(witness_obstacle(&w));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(w.url, sizeof w.url, "%s", bad[i]);
        assert_non_null(witness_obstacle(&w));
    }
    /* The key of a log is not that of a witness. */
    w = s->list[0];
    {
        char vkey[SG_NOTE_VKEY_SIZE];

        note_key_format(&s->log.signer.key, vkey);
        (void)snprintf(w.vkey, sizeof w.vkey, "%s", vkey);
    }
    assert_non_null(witness_obstacle(&w));
    w.vkey[0] = '\0';
    assert_non_null(witness_obstacle(&w));
}

static void test_sizes(void **state)
{
    static const char *const bad[] = {"",     "\n",    "1",   "01\n",  "-1\n",
                                      "1 \n", "1\r\n", "x\n", "1\n\n", "18446744073709551616\n"};
    uint64_t size = 5;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(witness_text_size(bad[i], strlen(bad[i]), &size), SG_ERR_BAD_FIELD);
    assert_int_equal(size, 5);
    assert_int_equal(witness_text_size("0\n", 2, &size), SG_OK);
    assert_int_equal(size, 0);
    assert_int_equal(witness_text_size("18446744073709551615\n", 21, &size), SG_OK);
    assert_true(size == UINT64_MAX);
}

/* The request of the specification's example. */
static void test_request(void **state)
{
    static const merkle_hash proof[2] = {{1}, {2}};
    SG_BUF_CLEANUP struct buf out;

    (void)state;
    buf_init(&out, 4096);
    witness_text_request(&out, 20852014, proof, 2, "note\n", 5);
    assert_string_equal(buf_str(&out), "old 20852014\n"
                                       "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                                       "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                                       "\n"
                                       "note\n");
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(test_all_cosign),           SCENE(test_learns_the_size),
        SCENE(test_quorum_with_failures), SCENE(test_certificates),
        SCENE(test_silence_costs_once),   SCENE(test_other_lines_are_ignored),
        SCENE(test_counted_once),         SCENE(test_nobody_is_asked),
        SCENE(test_rounds_are_shared),    SCENE(test_obstacles),
        cmocka_unit_test(test_sizes),     cmocka_unit_test(test_request),
    };

    return cmocka_run_group_tests_name("witness", tests, NULL, NULL);
}
