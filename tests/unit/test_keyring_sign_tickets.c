/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what waits for witnesses: how long, how many, and when a quorum is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keyring/sign.h"
#include "keyring/sign_internal.h"

static struct tickets tickets;
static int64_t now_ns;

static int64_t monotonic(void)
{
    return now_ns;
}

static int set_up(void **state)
{
    static const struct clock_source source = {.monotonic_ns = monotonic};

    (void)state;
    log_setup("test", SG_LOG_TEXT, SG_LOG_ERROR);
    memset(&tickets, 0, sizeof tickets);
    (void)pthread_mutex_init(&tickets.lock, NULL);
    now_ns = SG_NS_PER_S;
    clock_set_source(&source);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tickets_expire(&tickets, true);
    assert_int_equal(tickets.bytes, 0);
    (void)pthread_mutex_destroy(&tickets.lock);
    clock_set_source(NULL);
    return 0;
}

/* A batch of `bytes` of text and nothing else. */
static struct batch *make_batch(size_t bytes)
{
    struct batch *b = calloc(1, sizeof *b);

    assert_non_null(b);
    b->arena = arena_new(1024);
    assert_non_null(b->arena);
    buf_init(&b->texts, SIZE_MAX / 4);
    b->texts.cap = bytes; /* only counted */
    return b;
}

static void a_ticket_is_good_once_and_for_a_minute(void **state)
{
    struct ticket t;
    struct batch *b = make_batch(100);

    (void)state;
    assert_int_equal(tickets_take(&tickets, 7, &t), SG_ERR_GONE);
    assert_int_equal(tickets_take(&tickets, 0, &t), SG_ERR_GONE);
    assert_int_equal(tickets_put(&tickets, 7, b), SG_OK);
    assert_int_equal(tickets_take(&tickets, 8, &t), SG_ERR_GONE);
    assert_int_equal(tickets_take(&tickets, 7, &t), SG_OK);
    assert_ptr_equal(t.batch, b);
    assert_int_equal(tickets_take(&tickets, 7, &t), SG_ERR_GONE);
    t.batch = b;
    now_ns += 59 * SG_NS_PER_S;
    tickets_return(&tickets,
                   &(struct ticket){.number = 7, .batch = b, .until_ns = 61 * SG_NS_PER_S});
    assert_int_equal(tickets_take(&tickets, 7, &t), SG_OK);
    tickets_return(&tickets, &t);
    now_ns += SG_NS_PER_S; /* putting back did not make it last longer */
    assert_int_equal(tickets_take(&tickets, 7, &t), SG_ERR_GONE);
}

static void there_is_room_for_so_many_and_no_more(void **state)
{
    struct batch *b = make_batch(1);

    (void)state;
    for (uint64_t i = 1; i <= SG_SIGNER_TICKETS_MAX; i++) {
        assert_int_equal(tickets_look(&tickets, b), SG_OK);
        assert_int_equal(tickets_put(&tickets, i, make_batch(1)), SG_OK);
    }
    assert_int_equal(tickets_look(&tickets, b), SG_ERR_OVERLOADED);
    assert_int_equal(tickets_put(&tickets, 100, b), SG_ERR_OVERLOADED);
    now_ns += 61 * SG_NS_PER_S;
    assert_int_equal(tickets_put(&tickets, 100, b), SG_OK);
    b = make_batch(SG_SIGNER_TICKET_BYTES_MAX);
    assert_int_equal(tickets_look(&tickets, b), SG_ERR_OVERLOADED);
    assert_int_equal(tickets_put(&tickets, 101, b), SG_ERR_OVERLOADED);
    batch_free(b);
}

/* -- quorums -------------------------------------------------------------------------------------
 */

struct signer_key {
    gnutls_privkey_t key;
    struct note_key public;
};

static void make_key(const char *name, enum note_type type, struct signer_key *ret)
{
    gnutls_pubkey_t public;
    gnutls_ecc_curve_t curve;
    gnutls_datum_t x;

    assert_int_equal(gnutls_privkey_init(&ret->key), 0);
    assert_int_equal(gnutls_privkey_generate(ret->key, GNUTLS_PK_EDDSA_ED25519, 256, 0), 0);
    assert_int_equal(gnutls_pubkey_init(&public), 0);
    assert_int_equal(gnutls_pubkey_import_privkey(public, ret->key, 0, 0), 0);
    assert_int_equal(gnutls_pubkey_export_ecc_raw2(public, &curve, &x, NULL, 0), 0);
    assert_int_equal(note_key_make(name, type, x.data, &ret->public), SG_OK);
    gnutls_free(x.data);
    gnutls_pubkey_deinit(public);
}

static void sign(const struct signer_key *k, const struct buf *what, uint8_t ret[64])
{
    gnutls_datum_t in = {.data = what->data, .size = (unsigned)what->len};
    gnutls_datum_t out;

    assert_int_equal(gnutls_privkey_sign_data2(k->key, GNUTLS_SIGN_EDDSA_ED25519, 0, &in, &out), 0);
    assert_int_equal(out.size, 64);
    memcpy(ret, out.data, 64);
    gnutls_free(out.data);
}

/* A checkpoint of the log, signed by it. */
static void make_note(const struct signer_key *log, const char *origin, uint64_t size,
                      struct buf *ret)
{
    struct checkpoint c = {.size = size};
    SG_BUF_CLEANUP struct buf body;
    uint8_t signature[64];

    memcpy(c.origin, origin, strlen(origin));
    buf_init(&body, SG_NOTE_MAX);
    checkpoint_put(&body, &c);
    sign(log, &body, signature);
    buf_clear(ret);
    buf_append(ret, body.data, body.len);
    buf_putc(ret, '\n');
    note_put_signature(ret, &log->public, signature, sizeof signature);
}

static void cosign(const struct signer_key *w, int64_t time_s, struct buf *note)
{
    const char *end = strstr(buf_str(note), "\n\n");
    SG_BUF_CLEANUP struct buf body;
    uint8_t bytes[72];

    buf_init(&body, SG_NOTE_MAX);
    note_put_cosigned(&body, time_s, (const char *)note->data,
                      (size_t)(end - (const char *)note->data) + 1);
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)time_s >> (56 - 8 * i));
    sign(w, &body, bytes + 8);
    note_put_signature(note, &w->public, bytes, sizeof bytes);
}

static struct signer_key logs[2], witnesses[2];
static struct keyring_witness listed[3];

static enum sg_err check(const struct buf *note, size_t count, uint32_t quorum)
{
    uint64_t size = 0;
    enum sg_err err = quorum_check(&logs[0].public, listed, count, quorum, 10,
                                   (const char *)note->data, note->len, &size);

    if (err == SG_OK)
        assert_true(size >= 10);
    return err;
}

static void a_quorum_is_of_different_witnesses_and_of_this_log(void **state)
{
    SG_BUF_CLEANUP struct buf note;

    (void)state;
    buf_init(&note, SG_NOTE_MAX);
    make_key("log.example/log", SG_NOTE_ED25519, &logs[0]);
    make_key("log.example/log", SG_NOTE_ED25519, &logs[1]);
    make_key("w0", SG_NOTE_COSIGNATURE, &witnesses[0]);
    make_key("w1", SG_NOTE_COSIGNATURE, &witnesses[1]);
    note_key_format(&witnesses[0].public, listed[0].vkey);
    note_key_format(&witnesses[1].public, listed[1].vkey);
    make_note(&logs[0], "log.example/log", 12, &note);
    assert_int_equal(check(&note, 2, 1), SG_ERR_QUORUM);
    cosign(&witnesses[0], clock_now_s(), &note);
    assert_int_equal(check(&note, 2, 1), SG_OK);
    assert_int_equal(check(&note, 2, 2), SG_ERR_QUORUM);
    listed[2] = listed[0]; /* one witness, listed twice */
    assert_int_equal(check(&note, 3, 2), SG_ERR_QUORUM);
    cosign(&witnesses[1], clock_now_s() + 3600, &note); /* not yet */
    assert_int_equal(check(&note, 3, 2), SG_ERR_QUORUM);
    make_note(&logs[0], "log.example/log", 10, &note);
    cosign(&witnesses[0], clock_now_s(), &note);
    cosign(&witnesses[1], clock_now_s(), &note);
    assert_int_equal(check(&note, 3, 2), SG_OK);
    make_note(&logs[0], "log.example/log", 9, &note); /* before the batch */
    cosign(&witnesses[0], clock_now_s(), &note);
    cosign(&witnesses[1], clock_now_s(), &note);
    assert_int_equal(check(&note, 2, 2), SG_ERR_BAD_FIELD);
    make_note(&logs[1], "log.example/log", 12, &note); /* another key */
    cosign(&witnesses[0], clock_now_s(), &note);
    cosign(&witnesses[1], clock_now_s(), &note);
    assert_int_equal(check(&note, 2, 2), SG_ERR_BAD_FIELD);
    make_note(&logs[0], "other.example/log", 12, &note); /* another origin */
    cosign(&witnesses[0], clock_now_s(), &note);
    assert_int_equal(check(&note, 2, 1), SG_ERR_BAD_FIELD);
    for (size_t i = 0; i < 2; i++) {
        gnutls_privkey_deinit(logs[i].key);
        gnutls_privkey_deinit(witnesses[i].key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_ticket_is_good_once_and_for_a_minute, set_up, tear_down),
        cmocka_unit_test_setup_teardown(there_is_room_for_so_many_and_no_more, set_up, tear_down),
        cmocka_unit_test(a_quorum_is_of_different_witnesses_and_of_this_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
