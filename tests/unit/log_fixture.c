/* SPDX-License-Identifier: Apache-2.0 */
#include "log_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "tempdir.h"

void log_signer_init(struct log_signer *s, const char *name, enum note_type type)
{
    gnutls_datum_t x;

    assert_int_equal(gnutls_privkey_init(&s->private_key), 0);
    assert_int_equal(gnutls_privkey_generate(s->private_key, GNUTLS_PK_EDDSA_ED25519, 0, 0), 0);
    assert_int_equal(gnutls_privkey_export_ecc_raw(s->private_key, NULL, &x, NULL, NULL), 0);
    assert_int_equal(x.size, 32);
    assert_int_equal(note_key_make(name, type, x.data, &s->key), SG_OK);
    gnutls_free(x.data);
}

void log_signer_fini(struct log_signer *s)
{
    gnutls_privkey_deinit(s->private_key);
}

void log_signer_sign(const struct log_signer *s, const void *data, size_t len, uint8_t ret[64])
{
    gnutls_datum_t text = {.data = (void *)data, .size = (unsigned)len};
    gnutls_datum_t signature;

    assert_int_equal(
        gnutls_privkey_sign_data2(s->private_key, GNUTLS_SIGN_EDDSA_ED25519, 0, &text, &signature),
        0);
    assert_int_equal(signature.size, 64);
    memcpy(ret, signature.data, 64);
    gnutls_free(signature.data);
}

void log_fixture_init(struct log_fixture *f)
{
    memset(f, 0, sizeof *f);
    f->dir = tempdir_make();
    log_signer_init(&f->signer, "test.example/log", SG_NOTE_ED25519);
}

void log_fixture_fini(struct log_fixture *f)
{
    log_signer_fini(&f->signer);
    tempdir_remove(f->dir);
}

size_t log_fixture_entry(uint64_t index, char ret[128])
{
    int len = snprintf(ret, 128, "{\"entry\":%llu,\"pad\":\"%.*s\"}", (unsigned long long)index,
                       (int)(index % 41), "0123456789012345678901234567890123456789");

    return (size_t)len;
}

static FILE *append_to(const struct log_fixture *f, const char *name)
{
    FILE *file = fopen(tempdir_path(f->dir, name), "ab");

    assert_non_null(file);
    return file;
}

/* A tile that is full gives one hash to the level above. */
static void put_hash(struct log_fixture *f, FILE *const *files, const merkle_hash leaf)
{
    merkle_hash hash;

    memcpy(hash, leaf, sizeof hash);
    for (unsigned level = 0; level < SG_LOGDIR_HASH_FILES; level++) {
        merkle_hash(*last)[SG_TILE_WIDTH] = &f->level[level].last;
        uint64_t at = f->level[level].count++ % SG_TILE_WIDTH;

        memcpy((*last)[at], hash, sizeof hash);
        assert_int_equal(fwrite(hash, sizeof hash, 1, files[level]), 1);
        if (at != SG_TILE_WIDTH - 1)
            return;
        for (size_t width = SG_TILE_WIDTH; width > 1; width /= 2)
            for (size_t i = 0; i < width / 2; i++)
                merkle_node((*last)[2 * i], (*last)[2 * i + 1], (*last)[i]);
        memcpy(hash, (*last)[0], sizeof hash);
    }
}

static void put_be(FILE *file, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0)
        assert_int_not_equal(fputc((int)(value >> 8 * bytes & 255), file), EOF);
}

void log_fixture_grow(struct log_fixture *f, uint64_t size)
{
    FILE *entries = append_to(f, "entries");
    FILE *bundles = append_to(f, "bundles");
    FILE *hashes[SG_LOGDIR_HASH_FILES];

    for (unsigned i = 0; i < SG_LOGDIR_HASH_FILES; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "hash.%u", i);
        hashes[i] = append_to(f, name);
    }
    while (f->tree.size < size) {
        char entry[128];
        size_t len = log_fixture_entry(f->tree.size, entry);
        merkle_hash leaf;

        if (f->tree.size % SG_TILE_WIDTH == 0)
            put_be(bundles, f->bytes, 8);
        put_be(entries, len, 2);
        assert_int_equal(fwrite(entry, len, 1, entries), 1);
        f->bytes += 2 + len;
        merkle_leaf(entry, len, leaf);
        put_hash(f, hashes, leaf);
        merkle_frontier_add(&f->tree, leaf);
    }
    for (unsigned i = 0; i < SG_LOGDIR_HASH_FILES; i++)
        assert_int_equal(fclose(hashes[i]), 0);
    assert_int_equal(fclose(bundles), 0);
    assert_int_equal(fclose(entries), 0);
}

void log_fixture_note(struct log_fixture *f, struct buf *out)
{
    struct checkpoint c = {.size = f->tree.size};
    size_t begin = out->len;
    uint8_t signature[64];

    memcpy(c.origin, f->signer.key.name, sizeof c.origin);
    merkle_frontier_root(&f->tree, c.root);
    checkpoint_put(out, &c);
    log_signer_sign(&f->signer, out->data + begin, out->len - begin, signature);
    buf_putc(out, '\n');
    note_put_signature(out, &f->signer.key, signature, sizeof signature);
    assert_int_equal(buf_status(out), SG_OK);
}

void log_fixture_publish(struct log_fixture *f)
{
    SG_BUF_CLEANUP struct buf note;

    buf_init(&note, SG_NOTE_MAX);
    log_fixture_note(f, &note);
    assert_int_equal(
        file_write_atomic(tempdir_path(f->dir, "checkpoint"), note.data, note.len, 0600), SG_OK);
}

enum sg_err log_fixture_state(void *ctx, struct keyring_log_state *ret)
{
    struct log_fixture *f = ctx;

    f->asked++;
    memset(ret, 0, sizeof *ret);
    note_key_format(&f->signer.key, ret->vkey);
    (void)snprintf(ret->time_vkey, sizeof ret->time_vkey, "time");
    ret->size = f->tree.size;
    return SG_OK;
}

void log_fixture_flip(const struct log_fixture *f, const char *file, uint64_t offset)
{
    int fd = open(tempdir_path(f->dir, file), O_RDWR | O_CLOEXEC);
    uint8_t byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
    assert_int_equal(close(fd), 0);
}
