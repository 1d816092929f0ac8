/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of following a log and of signed time, against logs and notes that are made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/json.h"
#include "cli/logfollow.h"
#include "cli/timestatement.h"

#define ORIGIN "log.example/log"

/* A log whose entries are "entry N", or with `mark` "entry N!" from index `from` on. */
struct made {
    uint64_t size;
    uint64_t from;
    const char *mark;
};

static void put_entry(const struct made *m, uint64_t index, struct buf *ret)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "entry %llu%s", (unsigned long long)index,
                       m->mark && index >= m->from ? m->mark : "");

    buf_putc(ret, (char)(len >> 8));
    buf_putc(ret, (char)len);
    buf_append(ret, text, (size_t)len);
}

static void bundle_of(const struct made *m, const struct tile *t, struct buf *entries,
                      struct buf *hashes)
{
    buf_init(entries, (size_t)1 << 20);
    buf_init(hashes, (size_t)1 << 20);
    for (unsigned i = 0; i < t->width; i++) {
        size_t before = entries->len;
        merkle_hash leaf;

        put_entry(m, t->index * SG_TILE_WIDTH + i, entries);
        merkle_leaf(entries->data + before + 2, entries->len - before - 2, leaf);
        buf_append(hashes, leaf, sizeof(leaf));
    }
}

static struct checkpoint checkpoint_of(const struct made *m)
{
    struct merkle_frontier f = {0};
    struct checkpoint c = {.origin = ORIGIN, .size = m->size};

    for (uint64_t i = 0; i < m->size; i++) {
        SG_BUF_CLEANUP struct buf entry = {0};
        merkle_hash leaf;

        buf_init(&entry, 4096);
        put_entry(m, i, &entry);
        merkle_leaf(entry.data + 2, entry.len - 2, leaf);
        merkle_frontier_add(&f, leaf);
    }
    merkle_frontier_root(&f, c.root);
    return c;
}

/* Follows it to its end, counting the bundles. */
static enum logfollow_fault follow(struct logfollow *f, const struct made *m, unsigned *ret_bundles)
{
    struct checkpoint now = checkpoint_of(m);
    enum logfollow_fault found = logfollow_begin(f, &now);
    struct tile t;

    *ret_bundles = 0;
    while (found == SG_LOGFOLLOW_HOLDS && logfollow_next(f, now.size, &t)) {
        SG_BUF_CLEANUP struct buf entries = {0}, hashes = {0};

        bundle_of(m, &t, &entries, &hashes);
        found = logfollow_take(f, &t, entries.data, entries.len, hashes.data, hashes.len);
        ++*ret_bundles;
    }
    if (found == SG_LOGFOLLOW_HOLDS)
        found = logfollow_end(f, &now);
    if (found == SG_LOGFOLLOW_HOLDS)
        memcpy(f->origin, now.origin, sizeof(f->origin));
    return found;
}

static void test_a_log_that_grows_holds(void **state)
{
    static const struct {
        uint64_t size;
        unsigned bundles;
    } steps[] = {{0, 0},   {1, 1},   {7, 1},   {255, 1}, {256, 1},
                 {257, 1}, {300, 1}, {513, 2}, {513, 0}, {2000, 6}};
    struct logfollow f = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct made m = {.size = steps[i].size};
        unsigned bundles;

        assert_int_equal(follow(&f, &m, &bundles), SG_LOGFOLLOW_HOLDS);
        assert_int_equal(bundles, steps[i].bundles);
        assert_int_equal(f.frontier.size, steps[i].size);
    }
}

static void test_changed_history_is_found(void **state)
{
    static const struct {
        struct made after;
        enum logfollow_fault found;
    } cases[] = {
        {{.size = 299}, SG_LOGFOLLOW_SHRUNK},
        {{.size = 0}, SG_LOGFOLLOW_SHRUNK},
        {{.size = 300, .from = 299, .mark = "!"}, SG_LOGFOLLOW_FORKED},
        {{.size = 300, .from = 0, .mark = "!"}, SG_LOGFOLLOW_FORKED},
        {{.size = 301, .from = 299, .mark = "!"}, SG_LOGFOLLOW_REWRITTEN},
        {{.size = 900, .from = 10, .mark = "!"}, SG_LOGFOLLOW_REWRITTEN},
        {{.size = 900, .from = 300, .mark = "!"}, SG_LOGFOLLOW_HOLDS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct made before = {.size = 300};
        struct logfollow f = {0};
        unsigned bundles;

        assert_int_equal(follow(&f, &before, &bundles), SG_LOGFOLLOW_HOLDS);
        assert_int_equal(follow(&f, &cases[i].after, &bundles), cases[i].found);
        assert_true(strlen(logfollow_text(cases[i].found)) > 5);
    }
}

static void test_another_log_is_found(void **state)
{
    struct logfollow f = {.origin = "other.example/log"};
    struct made m = {.size = 1};
    struct checkpoint now = checkpoint_of(&m);

    (void)state;
    assert_int_equal(logfollow_begin(&f, &now), SG_LOGFOLLOW_OTHER_LOG);
}

static void test_bundles_are_held_against_their_hashes(void **state)
{
    struct made m = {.size = 20};
    struct logfollow f = {0}, untouched = {0};
    struct tile t;
    SG_BUF_CLEANUP struct buf entries = {0}, hashes = {0};

    (void)state;
    assert_true(logfollow_next(&f, m.size, &t));
    assert_int_equal(t.level, SG_TILE_ENTRIES);
    assert_int_equal(t.width, 20);
    bundle_of(&m, &t, &entries, &hashes);
    /* One bit of any byte: a length or an entry. */
    for (size_t i = 0; i < entries.len; i++) {
        entries.data[i] ^= 1;
        enum logfollow_fault found =
            logfollow_take(&f, &t, entries.data, entries.len, hashes.data, hashes.len);
        assert_true(found == SG_LOGFOLLOW_TILE || found == SG_LOGFOLLOW_ENTRIES);
        entries.data[i] ^= 1;
    }
    for (size_t i = 0; i < hashes.len; i++) {
        hashes.data[i] ^= 0x80;
        assert_int_equal(logfollow_take(&f, &t, entries.data, entries.len, hashes.data, hashes.len),
                         SG_LOGFOLLOW_TILE);
        hashes.data[i] ^= 0x80;
    }
    for (size_t len = 0; len < entries.len; len++)
        assert_int_equal(logfollow_take(&f, &t, entries.data, len, hashes.data, hashes.len),
                         SG_LOGFOLLOW_ENTRIES);
    assert_int_equal(logfollow_take(&f, &t, entries.data, entries.len, hashes.data, hashes.len - 1),
                     SG_LOGFOLLOW_TILE);
    put_entry(&m, 20, &entries);
    assert_int_equal(logfollow_take(&f, &t, entries.data, entries.len, hashes.data, hashes.len),
                     SG_LOGFOLLOW_ENTRIES);
    assert_memory_equal(&f, &untouched, sizeof(f));
}

static void test_the_state_survives_being_stored(void **state)
{
    static const uint64_t sizes[] = {0, 1, 2, 255, 256, 777};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();
        struct made m = {.size = sizes[i]}, more = {.size = sizes[i] + 300};
        struct logfollow f = {0}, loaded = {0};
        unsigned bundles;

        assert_int_equal(follow(&f, &m, &bundles), SG_LOGFOLLOW_HOLDS);
        assert_true(logfollow_store(&f, json));
        assert_true(logfollow_load(json, &loaded));
        assert_string_equal(loaded.origin, ORIGIN);
        assert_int_equal(follow(&loaded, &more, &bundles), SG_LOGFOLLOW_HOLDS);
        /* A size that does not belong to the hashes, hashes that do not belong to the root. */
        assert_true(json_put_int(json, "size", (int64_t)(sizes[i] ^ 4)));
        assert_false(logfollow_load(json, &loaded));
        assert_true(json_put_int(json, "size", (int64_t)sizes[i]));
        assert_true(json_put_text(json, "root", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
        assert_false(logfollow_load(json, &loaded));
    }
    assert_false(logfollow_load(NULL, &(struct logfollow){0}));
}

/* -- signed time --------------------------------------------------------------------------------
 */

static struct note_key time_key;
static gnutls_privkey_t private_key;

static int make_key(void **state)
{
    gnutls_datum_t x = {0};
    gnutls_ecc_curve_t curve;

    (void)state;
    assert_int_equal(gnutls_privkey_init(&private_key), 0);
    assert_int_equal(gnutls_privkey_generate(private_key, GNUTLS_PK_EDDSA_ED25519,
                                             GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519), 0),
                     0);
    assert_int_equal(gnutls_privkey_export_ecc_raw(private_key, &curve, &x, NULL, NULL), 0);
    assert_int_equal(x.size, 32);
    assert_int_equal(note_key_make("gw.example/time", SG_NOTE_ED25519, x.data, &time_key), SG_OK);
    gnutls_free(x.data);
    return 0;
}

static int drop_key(void **state)
{
    (void)state;
    gnutls_privkey_deinit(private_key);
    return 0;
}

static void make_note(struct buf *ret, const char *body)
{
    gnutls_datum_t data = {(void *)(uintptr_t)body, (unsigned)strlen(body)}, signature = {0};

    buf_init(ret, 65536);
    assert_int_equal(
        gnutls_privkey_sign_data2(private_key, GNUTLS_SIGN_EDDSA_ED25519, 0, &data, &signature), 0);
    buf_puts(ret, body);
    buf_putc(ret, '\n');
    note_put_signature(ret, &time_key, signature.data, signature.size);
    gnutls_free(signature.data);
}

static void test_signed_time_is_verified(void **state)
{
    static const struct {
        const char *body;
        const char *why; /* NULL: it holds */
    } cases[] = {
        {"gw.example/time\nnonce abc\ntime 2026-11-21T12:00:00.000000001Z\nerror_us 1520\n"
         "synchronized true\n",
         NULL},
        {"gw.example/time\nnonce abc\ntime 2026-11-21T12:00:00.000000001Z\nerror_us 1520\n"
         "synchronized false\n",
         NULL},
        {"gw.example/time\nnonce abd\ntime 2026-11-21T12:00:00.000000001Z\nerror_us 1520\n"
         "synchronized true\n",
         "nonce"},
        {"gw.example/log\nnonce abc\ntime 2026-11-21T12:00:00.000000001Z\nerror_us 1520\n"
         "synchronized true\n",
         "something else"},
        {"gw.example/time\nnonce abc\ntime \nerror_us 1520\nsynchronized true\n", "malformed"},
        {"gw.example/time\nnonce abc\ntime 2026\nerror_us 15x\nsynchronized true\n", "malformed"},
        {"gw.example/time\nnonce abc\ntime 2026\nerror_us 15\nsynchronized maybe\n", "malformed"},
        {"gw.example/time\nnonce abc\n", "malformed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SG_BUF_CLEANUP struct buf note = {0};
        struct timestatement s;
        const char *why = NULL;

        make_note(&note, cases[i].body);
        bool holds = timestatement_verify(buf_str(&note), &time_key, "abc", &s, &why);
        assert_int_equal(holds, cases[i].why == NULL);
        if (cases[i].why) {
            assert_non_null(strstr(why, cases[i].why));
            continue;
        }
        assert_string_equal(s.time, "2026-11-21T12:00:00.000000001Z");
        assert_int_equal(s.error_us, 1520);
        /* Any altered byte of the body. */
        note.data[20] ^= 1;
        assert_false(timestatement_verify(buf_str(&note), &time_key, "abc", &s, &why));
    }
    struct timestatement s;
    const char *why = NULL;
    assert_false(timestatement_verify("", &time_key, "abc", &s, &why));
    assert_string_equal(why, "there is none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_log_that_grows_holds),
        cmocka_unit_test(test_changed_history_is_found),
        cmocka_unit_test(test_another_log_is_found),
        cmocka_unit_test(test_bundles_are_held_against_their_hashes),
        cmocka_unit_test(test_the_state_survives_being_stored),
        cmocka_unit_test_setup_teardown(test_signed_time_is_verified, make_key, drop_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
