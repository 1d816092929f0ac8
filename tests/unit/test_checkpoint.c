/* SPDX-License-Identifier: Apache-2.0 */
/* A small published log is rebuilt byte for byte; notes, proofs and paths of tiles are read
 * strictly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <gnutls/abstract.h>

#include "base/encode.h"
#include "base/file.h"
#include "tlog/checkpoint.h"

#define VECTORS "../shared/vectors/"
#define ORIGIN  "example.com/log/testdata"

static const char *const leaves[] = {"one",    "two",   "three",    "four",    "five",
                                     "six",    "seven", "eit",      "nain",    "ten",
                                     "ileven", "twelf", "threeten", "fourten", "fivten"};
#define LEAVES (sizeof leaves / sizeof leaves[0])

static gnutls_privkey_t private_key;
static struct note_key public_key;

/* A key of our own, for what needs no published one. */
static void own_key(void)
{
    gnutls_datum_t x = {.data = NULL};

    assert_int_equal(gnutls_privkey_init(&private_key), 0);
    assert_int_equal(gnutls_privkey_generate(private_key, GNUTLS_PK_EDDSA_ED25519,
                                             GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519), 0),
                     0);
    assert_int_equal(gnutls_privkey_export_ecc_raw(private_key, NULL, &x, NULL, NULL), 0);
    assert_int_equal(note_key_make(ORIGIN, SG_NOTE_ED25519, x.data, &public_key), SG_OK);
    gnutls_free(x.data);
}

/* The signer of the published log: base64 of a type byte and the seed, at the end of its text. */
static void published_key(void)
{
    SG_BUF_CLEANUP struct buf text;
    const char *at;
    uint8_t seed[33];
    gnutls_datum_t x = {.data = public_key.public_key, .size = 32};
    gnutls_datum_t k = {.data = seed + 1, .size = 32};
    size_t count;
    char vkey[SG_NOTE_VKEY_SIZE];

    buf_init(&text, 65536);
    if (file_read(VECTORS "README.md", &text) != SG_OK) {
        print_message(VECTORS " is not there: skipped\n");
        skip();
    }
    at = strstr(buf_str(&text), "verifier key `");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "verifier key `%383[^`]`", vkey), 1);
    assert_int_equal(note_key_parse(vkey, &public_key), SG_OK);
    at = strstr(buf_str(&text), "signer key `");
    assert_non_null(at);
    at = strchr(at, '`') + 1;
    for (int plus = 0; plus < 4; plus++)
        at = strchr(at, '+') + 1;
    assert_int_equal(encode_unbase64(at, strcspn(at, "`"), seed, sizeof seed, &count), SG_OK);
    assert_int_equal(gnutls_privkey_init(&private_key), 0);
    assert_int_equal(
        gnutls_privkey_import_ecc_raw(private_key, GNUTLS_ECC_CURVE_ED25519, &x, NULL, &k), 0);
}

static int setup(void **state)
{
    (void)state;
    own_key();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gnutls_privkey_deinit(private_key);
    return 0;
}

/* In place of the own key. */
static void use_published_key(void)
{
    gnutls_privkey_t own = private_key;

    published_key();
    gnutls_privkey_deinit(own);
}

static void sign(const void *data, size_t len, uint8_t ret[64])
{
    gnutls_datum_t text = {.data = (void *)data, .size = (unsigned)len};
    gnutls_datum_t signature;

    assert_int_equal(
        gnutls_privkey_sign_data2(private_key, GNUTLS_SIGN_EDDSA_ED25519, 0, &text, &signature), 0);
    assert_int_equal(signature.size, 64);
    memcpy(ret, signature.data, 64);
    gnutls_free(signature.data);
}

static void tree_of(size_t size, merkle_hash ret)
{
    struct merkle_frontier f = {.size = 0};

    for (size_t i = 0; i < size; i++) {
        merkle_hash hash;

        merkle_leaf(leaves[i], strlen(leaves[i]), hash);
        merkle_frontier_add(&f, hash);
    }
    merkle_frontier_root(&f, ret);
}

static void put_checkpoint(size_t size, struct buf *out)
{
    struct checkpoint c = {.origin = ORIGIN, .size = size};
    uint8_t signature[64];

    tree_of(size, c.root);
    checkpoint_put(out, &c);
    sign(out->data, out->len, signature);
    buf_putc(out, '\n');
    note_put_signature(out, &public_key, signature, sizeof signature);
    assert_int_equal(buf_status(out), SG_OK);
}

static void same_as_file(const char *name, const struct buf *got)
{
    SG_BUF_CLEANUP struct buf want;
    char path[256];

    buf_init(&want, 1 << 20);
    (void)snprintf(path, sizeof path, VECTORS "tlog/%s", name);
    assert_int_equal(file_read(path, &want), SG_OK);
    assert_int_equal(got->len, want.len);
    if (want.len > 0)
        assert_memory_equal(got->data, want.data, want.len);
}

static void test_published_checkpoints(void **state)
{
    (void)state;
    use_published_key();
    for (size_t size = 0; size <= LEAVES; size++) {
        SG_BUF_CLEANUP struct buf text;
        char name[32];

        buf_init(&text, SG_NOTE_MAX);
        put_checkpoint(size, &text);
        (void)snprintf(name, sizeof name, "checkpoint.%zu", size);
        same_as_file(name, &text);
        if (size == LEAVES)
            same_as_file("checkpoint", &text);
    }
}

static void test_published_tiles(void **state)
{
    (void)state;
    use_published_key();
    for (unsigned width = 1; width <= LEAVES; width++) {
        SG_BUF_CLEANUP struct buf hashes, entries, path;
        struct tile t = {.width = width};

        buf_init(&hashes, 8192);
        buf_init(&entries, 8192);
        buf_init(&path, 256);
        for (size_t i = 0; i < width; i++) {
            merkle_hash hash;

            merkle_leaf(leaves[i], strlen(leaves[i]), hash);
            buf_append(&hashes, hash, sizeof hash);
            buf_putc(&entries, 0);
            buf_putc(&entries, (char)strlen(leaves[i]));
            buf_puts(&entries, leaves[i]);
        }
        tile_put(&path, &t);
        same_as_file(buf_str(&path), &hashes);
        buf_clear(&path);
        t.level = SG_TILE_ENTRIES;
        tile_put(&path, &t);
        same_as_file(buf_str(&path), &entries);
    }
}

static void test_note_is_verified(void **state)
{
    SG_BUF_CLEANUP struct buf text;
    struct note_key key = public_key, other = key;
    struct checkpoint c;
    struct note n;
    int64_t time_s = 5;

    (void)state;
    buf_init(&text, SG_NOTE_MAX);
    put_checkpoint(7, &text);
    assert_int_equal(note_parse(buf_str(&text), text.len, &n), SG_OK);
    assert_int_equal(n.count, 1);
    assert_int_equal(note_verify(&n, &key, &time_s), SG_OK);
    assert_int_equal(time_s, 0);
    assert_int_equal(checkpoint_parse(n.body, n.body_len, &c), SG_OK);
    assert_string_equal(c.origin, ORIGIN);
    assert_int_equal(c.size, 7);
    assert_int_equal(note_key_make("example.com/other", SG_NOTE_ED25519, key.public_key, &other),
                     SG_OK);
    assert_int_equal(note_verify(&n, &other, NULL), SG_ERR_NOT_FOUND);
    note_fini(&n);
    text.data[strlen(ORIGIN) + 1] = '8'; /* the size */
    assert_int_equal(note_parse(buf_str(&text), text.len, &n), SG_OK);
    assert_int_equal(note_verify(&n, &key, NULL), SG_ERR_BAD_DIGEST);
    note_fini(&n);
}

/* The log's key as that of a witness: its cosignature counts with its own type alone. */
static void test_cosignature(void **state)
{
    SG_BUF_CLEANUP struct buf text, message;
    struct note_key key = public_key, witness;
    uint8_t signature[8 + 64] = {0, 0, 0, 0, 0x69, 0x20, 0, 1};
    struct note n;
    int64_t time_s = 0;

    (void)state;
    buf_init(&text, SG_NOTE_MAX);
    buf_init(&message, SG_NOTE_MAX);
    put_checkpoint(3, &text);
    assert_int_equal(note_parse(buf_str(&text), text.len, &n), SG_OK);
    note_put_cosigned(&message, 0x69200001, n.body, n.body_len);
    note_fini(&n);
    sign(message.data, message.len, signature + 8);
    assert_int_equal(
        note_key_make("witness.example/w1", SG_NOTE_COSIGNATURE, key.public_key, &witness), SG_OK);
    note_put_signature(&text, &witness, signature, sizeof signature);
    assert_int_equal(note_parse(buf_str(&text), text.len, &n), SG_OK);
    assert_int_equal(n.count, 2);
    assert_int_equal(note_verify(&n, &witness, &time_s), SG_OK);
    assert_int_equal(time_s, 0x69200001);
    assert_int_equal(note_verify(&n, &key, NULL), SG_OK);
    n.signatures[1].bytes[7] ^= 1; /* another time */
    assert_int_equal(note_verify(&n, &witness, NULL), SG_ERR_BAD_DIGEST);
    note_fini(&n);
}

static void test_keys_as_text(void **state)
{
    struct note_key key;
    char text[SG_NOTE_VKEY_SIZE], bad[SG_NOTE_VKEY_SIZE];
    size_t name = strlen(ORIGIN);

    (void)state;
    note_key_format(&public_key, text);
    assert_int_equal(note_key_parse(text, &key), SG_OK);
    assert_memory_equal(&key, &public_key, sizeof key);
    /* No beginning of it is one, and no other name, id or type goes with the rest. */
    for (size_t len = 0; len < strlen(text); len++) {
        (void)snprintf(bad, sizeof bad, "%.*s", (int)len, text);
        assert_int_equal(note_key_parse(bad, &key), SG_ERR_BAD_FIELD);
    }
    for (size_t i = 0; i < name + 11; i++) {
        memcpy(bad, text, strlen(text) + 1);
        bad[i] = bad[i] == '0' ? '1' : '0';
        assert_int_equal(note_key_parse(bad, &key), SG_ERR_BAD_FIELD);
    }
    memcpy(bad, text, strlen(text) + 1);
    bad[3] = ' ';
    assert_int_equal(note_key_parse(bad, &key), SG_ERR_BAD_FIELD);
}

static void test_malformed_notes(void **state)
{
    static const char *const bad[] = {
        "a\n",
        "a\n\n",
        "\n\n",
        "a\n\nb\n",
        "a\n\n\xe2\x80\x94 name\n",
        "a\n\n\xe2\x80\x94 name AAAA\n",    /* an id without signature */
        "a\n\n\xe2\x80\x94 name AAAAAA=\n", /* no base64 */
        "a\n\n\xe2\x80\x94 na+me AAAAAAA=\n",
        "a\n\n\xe2\x80\x94 name AAAAAAA=",      /* no newline at the end */
        "a\tb\n\n\xe2\x80\x94 name AAAAAAA=\n", /* a control character */
    };
    struct note n;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(note_parse(bad[i], strlen(bad[i]), &n), SG_ERR_BAD_FIELD);
}

static enum sg_err read_hash(void *ctx, unsigned level, uint64_t index, merkle_hash ret)
{
    struct merkle_frontier f = {.size = 0};

    (void)ctx;
    for (uint64_t i = index << level; i < (index + 1) << level; i++) {
        merkle_hash hash;

        merkle_leaf(leaves[i], strlen(leaves[i]), hash);
        merkle_frontier_add(&f, hash);
    }
    merkle_frontier_root(&f, ret);
    return SG_OK;
}

static void test_proof_of_every_leaf(void **state)
{
    const struct merkle_source source = {.read = read_hash};
    struct note_key key = public_key;
    SG_BUF_CLEANUP struct buf note;

    (void)state;
    buf_init(&note, SG_NOTE_MAX);
    put_checkpoint(LEAVES, &note);
    for (size_t i = 0; i < LEAVES; i++) {
        struct tlog_proof p = {.extra = (uint8_t *)leaves[i],
                               .extra_len = strlen(leaves[i]),
                               .index = i,
                               .note = buf_str(&note),
                               .note_len = note.len};
        struct tlog_proof got;
        struct checkpoint c;
        SG_BUF_CLEANUP struct buf text;

        buf_init(&text, SG_NOTE_MAX);
        assert_int_equal(merkle_inclusion(&source, i, LEAVES, p.hash, &p.count), SG_OK);
        tlog_proof_put(&text, &p);
        assert_int_equal(tlog_proof_parse(buf_str(&text), text.len, &got), SG_OK);
        assert_int_equal(got.extra_len, p.extra_len);
        assert_memory_equal(got.extra, p.extra, p.extra_len);
        assert_int_equal(tlog_proof_verify(&got, got.extra, got.extra_len, &key, &c), SG_OK);
        assert_int_equal(c.size, LEAVES);
        assert_int_equal(tlog_proof_verify(&got, "other", 5, &key, &c), SG_ERR_BAD_DIGEST);
        got.index ^= 1;
        assert_int_equal(tlog_proof_verify(&got, got.extra, got.extra_len, &key, &c),
                         SG_ERR_BAD_DIGEST);
        tlog_proof_fini(&got);
        /* No beginning of it is a proof. */
        for (size_t len = 0; len < text.len; len++)
            if (tlog_proof_parse(buf_str(&text), len, &got) == SG_OK) {
                assert_int_not_equal(
                    tlog_proof_verify(&got, leaves[i], strlen(leaves[i]), &key, &c), SG_OK);
                tlog_proof_fini(&got);
            }
    }
}

static void test_paths_of_tiles(void **state)
{
    static const struct {
        const char *path;
        struct tile tile;
    } good[] = {{"tile/0/000", {0, 0, 256}},
                {"tile/0/000.p/1", {0, 0, 1}},
                {"tile/3/x001/x234/067", {3, 1234067, 256}},
                {"tile/entries/x001/067.p/255", {SG_TILE_ENTRIES, 1067, 255}},
                {"tile/7/x018/x446/x744/x073/x709/x551/615", {7, UINT64_MAX, 256}}};
    static const char *const bad[] = {"",
                                      "tile",
                                      "tile/",
                                      "tile/0",
                                      "tile/0/",
                                      "tile/0/0",
                                      "tile/0/00",
                                      "tile/0/0000",
                                      "tile/8/000",
                                      "tile/00/000",
                                      "tile/0/x000/001",
                                      "tile/0/x001",
                                      "tile/0/x001/",
                                      "tile/0/001/002",
                                      "tile/0/000.p/0",
                                      "tile/0/000.p/256",
                                      "tile/0/000.p/01",
                                      "tile/0/000.p/",
                                      "tile/0/000.p/1x",
                                      "tile/0/../000",
                                      "tile/entries/000/",
                                      "tile/0/x018/x446/x744/x073/x709/x551/616",
                                      "tile/-1/000",
                                      "checkpoint"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        SG_BUF_CLEANUP struct buf text;
        struct tile t;

        buf_init(&text, 256);
        tile_put(&text, &good[i].tile);
        assert_string_equal(buf_str(&text), good[i].path);
        assert_int_equal(tile_parse(good[i].path, &t), SG_OK);
        assert_int_equal(t.level, good[i].tile.level);
        assert_true(t.index == good[i].tile.index);
        assert_int_equal(t.width, good[i].tile.width);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tile t;

        if (tile_parse(bad[i], &t) == SG_OK)
            fail_msg("%s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_published_checkpoints, setup, teardown),
        cmocka_unit_test_setup_teardown(test_published_tiles, setup, teardown),
        cmocka_unit_test_setup_teardown(test_note_is_verified, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cosignature, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_as_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_malformed_notes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_proof_of_every_leaf, setup, teardown),
        cmocka_unit_test_setup_teardown(test_paths_of_tiles, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
