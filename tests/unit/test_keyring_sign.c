/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of signing batches with the real keyring: what comes back verifies, is in the log before it
 * comes, and is withheld without a quorum; what may not be asked gets no signature. With SG_MEASURE
 * set it shows how fast batches are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gnutls/abstract.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/channel.h"
#include "ipc/signing_client.h"
#include "ipc/signing_keys.h"
#include "real_keyring.h"
#include "sigfmt_fixture.h"
#include "tempdir.h"
#include "tlog/logdir.h"

static const struct keyring_actor alice = {.user_id = 1, .user = "alice", .admin = true};
static const struct keyring_actor bob = {.user_id = 2, .user = "bob"};

static char *data;
static struct real_keyring keyring;
static struct keyring_client *client;
static struct arena *arena;

static int set_up(void **state)
{
    static const char *const names[] = {"localhost"};
    uint8_t changed;

    (void)state;
    log_setup("test", SG_LOG_TEXT, SG_LOG_ERROR);
    data = tempdir_make();
    keyring = real_keyring_start(data, NULL);
    if (real_keyring_ensure(&keyring, names, 1, &changed) != SG_OK)
        return 1;
    client = real_keyring_client(&keyring);
    arena = arena_new(256 << 20);
    return arena == NULL;
}

static int tear_down(void **state)
{
    char log[512];

    (void)state;
    arena_free(arena);
    keyring_client_free(client);
    assert_int_equal(real_keyring_stop(&keyring), 0);
    (void)snprintf(log, sizeof log, "%s.log", data);
    (void)unlink(log);
    tempdir_remove(data);
    return 0;
}

static void make_key(const char *name, enum sig_key_type type)
{
    struct keyring_key_create m = {.actor = alice, .type = type};
    static struct keyring_key made;

    (void)snprintf(m.name, sizeof m.name, "%s", name);
    assert_int_equal(keyring_client_key_create(client, &m, &made), SG_OK);
}

static void load_public(const char *name, struct sig_public *ret)
{
    static struct keyring_public public;

    assert_int_equal(keyring_client_key_public(client, name, 0, &public), SG_OK);
    assert_int_equal(sig_public_load(public.spki, public.spki_len, ret), SG_OK);
}

/* Items "file-N" with the digests of their names; every one of `directory`. */
static struct keyring_sign_item *make_items(size_t count, uint32_t directory)
{
    struct keyring_sign_item *items = arena_alloc(arena, count * sizeof *items);

    assert_non_null(items);
    for (size_t i = 0; i < count; i++) {
        items[i].name = arena_printf(arena, "file-%zu", i);
        items[i].size = (int64_t)i;
        items[i].package = "file";
        items[i].fileset = items[i].vrmf = items[i].ftype = "";
        items[i].source = SG_SOURCE_NAME;
        items[i].directory = directory;
        assert_int_equal(digesting_memory(items[i].name, strlen(items[i].name), &items[i].digests),
                         SG_OK);
    }
    return items;
}

static struct keyring_sign batch_of(const char *key, unsigned formats, size_t count)
{
    struct keyring_sign m = {
        .actor = alice, .formats = formats, .item_count = count, .items = make_items(count, 0)};

    (void)snprintf(m.key, sizeof m.key, "%s", key);
    return m;
}

/* A signature with all its formats, and its leaf in the log. */
static void check_signed(const struct keyring_sign *m, const struct keyring_signed *s, size_t i,
                         const struct sig_public *key, struct logdir *log)
{
    struct sig_content content = {.name = m->items[i].name, .digests = m->items[i].digests};
    SG_BUF_CLEANUP struct buf leaf;

    buf_init(&leaf, SG_LOG_ENTRY_MAX);
    assert_int_equal(
        sig_verify_record(s->record, s->record_len, s->signature, s->signature_len, key, &content),
        SG_SIG_VALID);
    for (unsigned bit = 0; bit < 8; bit++) {
        assert_int_equal(s->formats[bit].data != NULL, (m->formats >> bit & 1) != 0);
        if (s->formats[bit].data != NULL)
            assert_int_equal(sig_verify((enum sig_format)(1U << bit), s->formats[bit].data,
                                        s->formats[bit].len, key, &content),
                             SG_SIG_VALID);
    }
    assert_int_equal(logdir_entry(log, s->index, &leaf), SG_OK);
    assert_int_equal(leaf.len, s->record_len);
    assert_memory_equal(leaf.data, s->record, leaf.len);
}

static struct logdir *open_log(void)
{
    struct logdir *log;

    assert_int_equal(logdir_open(tempdir_path(data, "log"), &log), SG_OK);
    return log;
}

static void a_batch_verifies_and_is_in_the_log(void **state)
{
    static const enum sig_key_type types[] = {SG_KEY_ED25519, SG_KEY_ECDSA_P256, SG_KEY_RSA_3072};
    uint64_t next = 0;
    struct logdir *log = open_log();

    (void)state;
    for (size_t t = 0; t < 3; t++) {
        const char *name = sig_key_type_name(types[t]);
        size_t counts[] = {1, 3, 100};
        struct sig_public key;

        make_key(name, types[t]);
        load_public(name, &key);
        for (size_t c = 0; c < (types[t] == SG_KEY_RSA_3072 ? 2 : 3); c++) {
            struct keyring_sign m = batch_of(name, sig_key_type_formats(types[t]), counts[c]);
            struct keyring_batch b;

            assert_int_equal(keyring_client_sign(client, &m, arena, &b), SG_OK);
            assert_int_equal(b.result.item_count, counts[c]);
            assert_int_equal(b.result.ticket, 0);
            assert_memory_equal(b.result.keyid, key.keyid, 32);
            for (size_t i = 0; i < counts[c]; i++) {
                assert_int_equal(b.result.items[i].index, next + i);
                check_signed(&m, &b.result.items[i], i, &key, log);
            }
            next += counts[c];
            assert_true(b.result.tree_size >= next);
            keyring_batch_fini(&b);
        }
        sig_public_fini(&key);
    }
    logdir_close(log);
}

static void directories_get_manifests(void **state)
{
    const char *directories[] = {"one", "two/sub"};
    struct keyring_sign m = batch_of("k", SG_FORMAT_SIGNIFY | SG_FORMAT_DSSE | SG_FORMAT_RAW, 9);
    struct keyring_sign_item *items = make_items(9, 0);
    struct sig_public key;
    struct keyring_batch b;

    (void)state;
    make_key("k", SG_KEY_ED25519);
    load_public("k", &key);
    for (size_t i = 0; i < 9; i++)
        items[i].directory = (uint32_t)(i % 3);
    m.items = items;
    m.directories = directories;
    m.directory_count = 2;
    assert_int_equal(keyring_client_sign(client, &m, arena, &b), SG_OK);
    assert_int_equal(b.result.manifest_count, 2);
    for (size_t d = 0; d < 2; d++) {
        const struct keyring_manifest *of = &b.result.manifests[d];
        const struct keyring_signed_format *list = &of->of.formats[2];
        static struct sig_record_read record;
        struct sig_content content = {0};
        struct sig_manifest *manifest;
        const char *lines;
        size_t len;

        assert_int_equal(of->files, 3);
        assert_int_equal(of->of.index, 9 + d);
        assert_int_equal(sig_record_parse(of->of.record, of->of.record_len, &record), SG_OK);
        assert_string_equal(record.record.name, d == 0 ? "one/SHA256" : "two/sub/SHA256");
        assert_string_equal(record.record.ftype, "manifest");
        assert_int_equal(sig_verify_list((const char *)list->data, list->len, &key, &lines, &len),
                         SG_SIG_VALID);
        assert_int_equal(sig_manifest_parse(lines, len, &manifest), SG_OK);
        assert_memory_equal(sig_manifest_root(manifest), of->root, 32);
        assert_int_equal(digesting_memory(lines, len, &content.digests), SG_OK);
        assert_memory_equal(content.digests.sha256, record.record.digests.sha256, 32);
        content.name = directories[d];
        assert_int_equal(sig_verify(SG_FORMAT_DSSE, of->of.formats[5].data, of->of.formats[5].len,
                                    &key, &content),
                         SG_SIG_VALID);
        assert_int_equal(sig_verify(SG_FORMAT_RAW, of->of.formats[0].data, of->of.formats[0].len,
                                    &key, &content),
                         SG_SIG_VALID);
        sig_manifest_free(manifest);
    }
    keyring_batch_fini(&b);
    sig_public_fini(&key);
}

/* The smallest items that there are: one that is nothing but a name of one byte and a digest. */
static void the_shortest_items_are_signed(void **state)
{
    struct keyring_sign m = batch_of("k", 0, 3);
    struct keyring_sign_item *items = make_items(3, 0);
    struct keyring_batch b;

    (void)state;
    make_key("k", SG_KEY_ED25519);
    for (size_t i = 0; i < 3; i++) {
        items[i].name = arena_printf(arena, "%zu", i);
        items[i].package = "";
        items[i].digests.has_sha512 = items[i].digests.has_blake2b = false;
    }
    m.items = items;
    assert_int_equal(keyring_client_sign(client, &m, arena, &b), SG_OK);
    assert_int_equal(b.result.item_count, 3);
    keyring_batch_fini(&b);
}

static void what_may_not_be_asked_gets_nothing(void **state)
{
    struct keyring_sign m = batch_of("k", 0, 2);
    struct keyring_sign_item *items = make_items(2, 0);
    struct keyring_batch b;
    struct logdir *log = open_log();
    SG_BUF_CLEANUP struct buf leaf;

    (void)state;
    buf_init(&leaf, SG_LOG_ENTRY_MAX);
    assert_int_equal(keyring_client_sign(client, &m, arena, &b), SG_ERR_NOT_FOUND);
    make_key("k", SG_KEY_ECDSA_P256);
    m.actor = bob;
    assert_int_equal(keyring_client_sign(client, &m, arena, &b), SG_ERR_FORBIDDEN);
    m.actor = alice;
    m.formats = SG_FORMAT_MINISIGN;
    assert_int_equal(keyring_client_sign(client, &m, arena, &b), SG_ERR_BAD_FIELD);
    m.formats = 1 << 6;
    assert_int_equal(keyring_client_sign(client, &m, arena, &b), SG_ERR_BAD_FIELD);
    m.formats = 0;
    m.items = items;
    items[1].name = "../up";
    assert_int_equal(keyring_client_sign(client, &m, arena, &b), SG_ERR_BAD_FIELD);
    items[1].name = "file-0";
    items[0].directory = items[1].directory = 1;
    m.directory_count = 1;
    m.directories = (const char *const[]){"d"};
    assert_int_equal(keyring_client_sign(client, &m, arena, &b), SG_ERR_CONFLICT);
    assert_int_not_equal(logdir_entry(log, 0, &leaf), SG_OK);
    logdir_close(log);
}

/* Sends SIGN with a descriptor on a channel of its own; what the channel says. */
static enum sg_err send_file(const int *fd)
{
    SG_BUF_CLEANUP struct buf message;
    SG_BUF_CLEANUP struct buf reply;
    enum sg_err err;
    int channel;

    buf_init(&message, 16);
    buf_init(&reply, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&message, SG_KEYRING_SIGN);
    assert_int_equal(real_keyring_attach(&keyring, &channel, 1), SG_OK);
    assert_int_equal(channel_send(channel, &message, fd, fd == NULL ? 0 : 1), SG_OK);
    err = channel_receive(channel, 10000, &reply, NULL, NULL);
    (void)close(channel);
    return err == SG_OK ? (enum sg_err)reply.data[0] : err;
}

static void malformed_batches_end_the_channel(void **state)
{
    struct keyring_sign m = batch_of("k", 0, 3);
    SG_BUF_CLEANUP struct buf content;
    int fd;

    (void)state;
    make_key("k", SG_KEY_ED25519);
    buf_init(&content, SG_SIGN_REQUEST_MAX);
    signing_put_sign(&content, &m);
    assert_int_equal(send_file(NULL), SG_ERR_UNAVAILABLE);
    fd = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(write(fd, content.data, content.len), (ssize_t)content.len);
    assert_int_equal(send_file(&fd), SG_ERR_UNAVAILABLE); /* not sealed */
    (void)close(fd);
    for (size_t len = 1; len < content.len; len += content.len / 6) {
        struct buf half = content;

        half.len = len;
        assert_int_equal(signing_memory_write(&half, &fd), SG_OK);
        assert_int_equal(send_file(&fd), SG_ERR_UNAVAILABLE);
        (void)close(fd);
    }
    buf_putc(&content, 0);
    assert_int_equal(signing_memory_write(&content, &fd), SG_OK);
    assert_int_equal(send_file(&fd), SG_ERR_UNAVAILABLE);
    (void)close(fd);
    assert_int_equal(keyring_client_status(client), SG_OK);
}

static void what_is_too_large_is_not_begun(void **state)
{
    struct keyring_sign m = batch_of("k", SG_FORMATS_ALL, SG_SIGN_ITEMS_MAX);
    struct keyring_sign_item *items = make_items(SG_SIGN_ITEMS_MAX, 0);
    struct logdir *log = open_log();
    SG_BUF_CLEANUP struct buf leaf;
    struct keyring_batch b;
    char prefix[900];

    (void)state;
    buf_init(&leaf, SG_LOG_ENTRY_MAX);
    make_key("k", SG_KEY_ED25519);
    memset(prefix, '"', sizeof prefix); /* each takes two bytes in the record */
    prefix[sizeof prefix - 1] = '\0';
    for (size_t i = 0; i < SG_SIGN_ITEMS_MAX; i++)
        items[i].name = arena_printf(arena, "%s/%zu", prefix, i);
    /* The most that may be asked, in all formats, with names as they are. */
    assert_int_equal(keyring_client_sign(client, &m, arena, &b), SG_OK);
    assert_int_equal(b.result.item_count, SG_SIGN_ITEMS_MAX);
    keyring_batch_fini(&b);
    m.items = items;
    assert_int_equal(keyring_client_sign(client, &m, arena, &b), SG_ERR_TOO_LARGE);
    assert_int_not_equal(logdir_entry(log, SG_SIGN_ITEMS_MAX, &leaf), SG_OK);
    m.formats = SG_FORMAT_RAW;
    assert_int_equal(keyring_client_sign(client, &m, arena, &b), SG_OK);
    assert_int_equal(b.result.item_count, SG_SIGN_ITEMS_MAX);
    keyring_batch_fini(&b);
    logdir_close(log);
}

#define CALLERS 8
#define ROUNDS  12

struct caller {
    pthread_t thread;
    struct keyring_sign m;
    const struct sig_public *key;
    uint8_t *seen; /* by index, shared: each is written once */
    bool failed;
};

static void *call_often(void *arg)
{
    struct caller *c = arg;

    for (size_t r = 0; r < ROUNDS && !c->failed; r++) {
        struct arena *own = arena_new(16 << 20);
        struct keyring_batch b;

        c->failed = own == NULL || keyring_client_sign(client, &c->m, own, &b) != SG_OK;
        for (size_t i = 0; !c->failed && i < b.result.item_count; i++) {
            const struct keyring_signed *s = &b.result.items[i];

            c->failed = sig_verify_record(s->record, s->record_len, s->signature, s->signature_len,
                                          c->key, NULL) != SG_SIG_VALID ||
                        s->index >= b.result.tree_size ||
                        __atomic_fetch_add(&c->seen[s->index], 1, __ATOMIC_RELAXED) != 0;
        }
        if (!c->failed)
            keyring_batch_fini(&b);
        arena_free(own);
    }
    return NULL;
}

static void batches_at_once_get_numbers_of_their_own(void **state)
{
    static uint8_t seen[CALLERS * ROUNDS * 70];
    struct caller callers[CALLERS];
    struct sig_public key;
    size_t total = 0;

    (void)state;
    memset(seen, 0, sizeof seen);
    make_key("k", SG_KEY_ED25519);
    load_public("k", &key);
    for (size_t i = 0; i < CALLERS; i++) {
        size_t count = i % 2 == 0 ? 70 : i;

        callers[i] = (struct caller){.m = batch_of("k", 0, count), .key = &key, .seen = seen};
        total += count * ROUNDS;
    }
    for (size_t i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
    for (size_t i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        assert_false(callers[i].failed);
    }
    for (size_t i = 0; i < total; i++)
        assert_int_equal(seen[i], 1);
    sig_public_fini(&key);
}

/* A witness: an Ed25519 key that cosigns notes. */
struct witness {
    gnutls_privkey_t key;
    struct note_key public;
    char vkey[SG_NOTE_VKEY_SIZE];
};

static void make_witness(const char *name, struct witness *ret)
{
    gnutls_pubkey_t public;
    gnutls_ecc_curve_t curve;
    gnutls_datum_t x;

    assert_int_equal(gnutls_privkey_init(&ret->key), 0);
    assert_int_equal(gnutls_privkey_generate(ret->key, GNUTLS_PK_EDDSA_ED25519, 256, 0), 0);
    assert_int_equal(gnutls_pubkey_init(&public), 0);
    assert_int_equal(gnutls_pubkey_import_privkey(public, ret->key, 0, 0), 0);
    assert_int_equal(gnutls_pubkey_export_ecc_raw2(public, &curve, &x, NULL, 0), 0);
    assert_int_equal(note_key_make(name, SG_NOTE_COSIGNATURE, x.data, &ret->public), SG_OK);
    note_key_format(&ret->public, ret->vkey);
    gnutls_free(x.data);
    gnutls_pubkey_deinit(public);
}

static void cosign(const struct witness *w, int64_t time_s, struct buf *note)
{
    SG_BUF_CLEANUP struct buf body;
    const char *end = strstr(buf_str(note), "\n\n");
    uint8_t bytes[8 + 64];
    gnutls_datum_t in;
    gnutls_datum_t out;

    buf_init(&body, SG_NOTE_MAX);
    note_put_cosigned(&body, time_s, (const char *)note->data,
                      (size_t)(end - (const char *)note->data) + 1);
    in = (gnutls_datum_t){.data = body.data, .size = (unsigned)body.len};
    assert_int_equal(gnutls_privkey_sign_data2(w->key, GNUTLS_SIGN_EDDSA_ED25519, 0, &in, &out), 0);
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)time_s >> (56 - 8 * i));
    memcpy(bytes + 8, out.data, 64);
    gnutls_free(out.data);
    note_put_signature(note, &w->public, bytes, sizeof bytes);
}

static void require_witnesses(const char *name, const struct witness *w, size_t count, uint32_t k)
{
    static struct keyring_key_update m;
    static struct keyring_key key;

    memset(&m, 0, sizeof m);
    m.actor = alice;
    m.set = SG_KEY_SET_WITNESSES;
    m.to.type = SG_KEY_ED25519;
    (void)snprintf(m.to.name, sizeof m.to.name, "%s", name);
    m.to.quorum = k;
    m.to.witness_count = count;
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(m.to.witnesses[i].vkey, sizeof m.to.witnesses[i].vkey, "%s", w[i].vkey);
        (void)snprintf(m.to.witnesses[i].url, sizeof m.to.witnesses[i].url,
                       "https://witness.example/%zu", i);
    }
    assert_int_equal(keyring_client_key_update(client, &m, &key), SG_OK);
}

static void without_a_quorum_there_is_no_signature(void **state)
{
    struct keyring_sign m = batch_of("k", SG_FORMAT_RAW, 40);
    SG_BUF_CLEANUP struct buf note;
    struct keyring_release release = {0};
    struct witness w[4];
    struct keyring_batch held;
    struct keyring_batch b;
    struct sig_public key;
    struct logdir *log = open_log();

    (void)state;
    buf_init(&note, SG_NOTE_MAX);
    for (size_t i = 0; i < 4; i++)
        make_witness(i == 3 ? "stranger" : (const char *[]){"w0", "w1", "w2"}[i], &w[i]);
    make_key("k", SG_KEY_ED25519);
    load_public("k", &key);
    require_witnesses("k", w, 3, 2);
    assert_int_equal(keyring_client_sign(client, &m, arena, &held), SG_OK);
    assert_int_not_equal(held.result.ticket, 0);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(held.result.items[i].signature_len, 0);
        assert_null(held.result.items[i].formats[0].data);
    }
    release.ticket = held.result.ticket;
    buf_append(&note, held.result.note, held.result.note_len);
    for (size_t round = 0; round < 4; round++) {
        static const size_t signer[] = {3, 0, 0, 1}; /* a stranger, one, the same, another */

        release.note = (const char *)note.data;
        release.note_len = note.len;
        assert_int_equal(keyring_client_release(client, &release, arena, &b), SG_ERR_QUORUM);
        cosign(&w[signer[round]], clock_now_s() + (int64_t)round, &note);
    }
    /* A note of another log, and one whose body was altered. */
    note.data[held.result.note_len / 2] ^= 1;
    release.note = (const char *)note.data;
    release.note_len = note.len;
    assert_int_equal(keyring_client_release(client, &release, arena, &b), SG_ERR_BAD_FIELD);
    note.data[held.result.note_len / 2] ^= 1;
    release.ticket++;
    assert_int_equal(keyring_client_release(client, &release, arena, &b), SG_ERR_GONE);
    release.ticket--;
    assert_int_equal(keyring_client_release(client, &release, arena, &b), SG_OK);
    for (size_t i = 0; i < 40; i++)
        check_signed(&m, &b.result.items[i], i, &key, log);
    keyring_batch_fini(&b);
    assert_int_equal(keyring_client_release(client, &release, arena, &b), SG_ERR_GONE);
    keyring_batch_fini(&held);
    for (size_t i = 0; i < 4; i++)
        gnutls_privkey_deinit(w[i].key);
    sig_public_fini(&key);
    logdir_close(log);
}

/* Signatures a second of the library alone, on one core, over texts as long as records. */
static double bare_rate(enum sig_key_type type, size_t count)
{
    static uint8_t text[600];
    const gnutls_sign_algorithm_t algorithms[] = {
        [SG_KEY_ED25519] = GNUTLS_SIGN_EDDSA_ED25519,
        [SG_KEY_ECDSA_P256] = GNUTLS_SIGN_ECDSA_SHA256,
        [SG_KEY_RSA_3072] = GNUTLS_SIGN_RSA_SHA256,
    };
    gnutls_datum_t in = {.data = text, .size = sizeof text};
    struct sigkey key;
    int64_t best = INT64_MAX;

    sigkey_make(type, &key);
    for (size_t r = 0; r < 5; r++) {
        int64_t start = clock_monotonic_ns();

        for (size_t i = 0; i < count; i++) {
            gnutls_datum_t out;

            assert_int_equal(gnutls_privkey_sign_data2(key.key, algorithms[type], 0, &in, &out), 0);
            gnutls_free(out.data);
        }
        start = clock_monotonic_ns() - start;
        best = start < best ? start : best;
    }
    sigkey_free(&key);
    return (double)count * 1e9 / (double)best;
}

static void how_fast_it_is(void **state)
{
    static const enum sig_key_type types[] = {SG_KEY_ED25519, SG_KEY_ECDSA_P256, SG_KEY_RSA_3072};

    (void)state;
    if (getenv("SG_MEASURE") == NULL)
        skip();
    for (size_t t = 0; t < 3; t++) {
        const char *name = sig_key_type_name(types[t]);
        size_t counts[] = {1, 100, types[t] == SG_KEY_RSA_3072 ? 500 : 10000};

        double bare = bare_rate(types[t], types[t] == SG_KEY_RSA_3072 ? 100 : 5000);

        make_key(name, types[t]);
        for (size_t c = 0; c < 3; c++) {
            struct keyring_sign m = batch_of(name, 0, counts[c]);
            size_t rounds = counts[c] == 1 ? 50 : 5;
            int64_t best = INT64_MAX;

            for (size_t r = 0; r < rounds; r++) {
                int64_t start = clock_monotonic_ns();
                struct arena *own = arena_new(64 << 20);
                struct keyring_batch b;

                assert_int_equal(keyring_client_sign(client, &m, own, &b), SG_OK);
                start = clock_monotonic_ns() - start;
                best = start < best ? start : best;
                keyring_batch_fini(&b);
                arena_free(own);
            }
            print_message("%-10s batches of %5zu: %8.2f ms, %6.0f signatures/s, %.2f of bare\n",
                          name, counts[c], (double)best / 1e6,
                          (double)counts[c] * 1e9 / (double)best,
                          (double)counts[c] * 1e9 / (double)best / bare);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_batch_verifies_and_is_in_the_log, set_up, tear_down),
        cmocka_unit_test_setup_teardown(directories_get_manifests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_shortest_items_are_signed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_may_not_be_asked_gets_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(malformed_batches_end_the_channel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_too_large_is_not_begun, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batches_at_once_get_numbers_of_their_own, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_a_quorum_there_is_no_signature, set_up, tear_down),
        cmocka_unit_test_setup_teardown(how_fast_it_is, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
