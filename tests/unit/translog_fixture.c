/* SPDX-License-Identifier: Apache-2.0 */
/* A log for tests; it looks at the files only through what readers of the log use. */
#include "translog_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "keyring/kek.h"
#include "tempdir.h"
#include "tlog/logdir.h"

static const struct kek kek = {.key = "a key of thirty-two bytes, so so"};

void translog_fixture_begin(struct translog_fixture *f)
{
    f->data = tempdir_make();
    assert_int_equal(file_mkdirs(tempdir_path(f->data, "keyring"), 0700), SG_OK);
    translog_fixture_open(f);
}

void translog_fixture_open(struct translog_fixture *f)
{
    const struct translog_options options = {
        .data = f->data, .issuer = "https://log.example:8443/", .kek = &kek};

    assert_int_equal(translog_open(&options, &f->log), SG_OK);
}

void translog_fixture_close(struct translog_fixture *f)
{
    translog_close(f->log);
    f->log = NULL;
}

void translog_fixture_end(struct translog_fixture *f)
{
    translog_fixture_close(f);
    tempdir_remove(f->data);
}

static void put_leaf(uint64_t number, char ret[128])
{
    static const char filler[] = "................................................";

    (void)snprintf(ret, 128, "{\"leaf\":%llu,\"more\":\"%.*s\"}", (unsigned long long)number,
                   (int)(number % 41), filler);
}

const char *translog_fixture_leaf(uint64_t number)
{
    static _Thread_local char text[128];

    put_leaf(number, text);
    return text;
}

enum sg_err translog_fixture_append(struct translog_fixture *f, uint64_t first, size_t count,
                                    struct translog_receipt *ret)
{
    struct translog_leaf *leaves = calloc(count, sizeof *leaves);
    char(*texts)[128] = calloc(count, sizeof *texts);
    struct translog_receipt unused;
    enum sg_err err;

    assert_true(leaves != NULL && texts != NULL);
    for (size_t i = 0; i < count; i++) {
        put_leaf(first + i, texts[i]);
        leaves[i] = (struct translog_leaf){.data = texts[i], .len = strlen(texts[i])};
    }
    err = translog_append(f->log, leaves, count, 1, ret != NULL ? ret : &unused);
    free(texts);
    free(leaves);
    return err;
}

const char *translog_fixture_path(const struct translog_fixture *f, const char *name)
{
    return tempdir_path(f->data, name);
}

uint8_t *translog_fixture_read(const struct translog_fixture *f, const char *name, size_t *ret_len)
{
    struct buf content;

    buf_init(&content, 256 << 20);
    assert_int_equal(file_read(translog_fixture_path(f, name), &content), SG_OK);
    *ret_len = content.len;
    if (content.len == 0)
        buf_fini(&content);
    return content.data != NULL ? content.data : calloc(1, 1);
}

/* In place, as a restored file would be: the inode stays. */
void translog_fixture_write(const struct translog_fixture *f, const char *name, const void *data,
                            size_t len)
{
    FILE *file = fopen(translog_fixture_path(f, name), "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

void translog_fixture_flip(const struct translog_fixture *f, const char *name, long at)
{
    FILE *file = fopen(translog_fixture_path(f, name), "r+b");
    int c;

    assert_non_null(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    c = fgetc(file);
    assert_int_not_equal(c, EOF);
    assert_int_equal(fseek(file, -1, SEEK_CUR), 0);
    assert_int_not_equal(fputc(c ^ 4, file), EOF);
    assert_int_equal(fclose(file), 0);
}

void translog_fixture_copy(const struct translog_fixture *f, const char *from, const char *to)
{
    size_t len;
    uint8_t *content = translog_fixture_read(f, from, &len);

    translog_fixture_write(f, to, content, len);
    free(content);
}

static void check_entry(struct logdir *d, uint64_t index, struct merkle_frontier *frontier)
{
    const char *leaf = translog_fixture_leaf(index);
    struct buf entry;
    merkle_hash hash;
    struct buf said;

    buf_init(&entry, SG_LOG_ENTRY_MAX);
    buf_init(&said, SG_MERKLE_SIZE);
    assert_int_equal(logdir_entry(d, index, &entry), SG_OK);
    assert_string_equal(buf_str(&entry), leaf);
    merkle_leaf(entry.data, entry.len, hash);
    assert_int_equal(logdir_hashes(d, 0, index, 1, &said), SG_OK);
    assert_memory_equal(said.data, hash, sizeof hash);
    merkle_frontier_add(frontier, hash);
    buf_fini(&said);
    buf_fini(&entry);
}

struct checkpoint translog_fixture_check(const struct translog_fixture *f,
                                         const struct note_key *key)
{
    struct merkle_frontier frontier = {.size = 0};
    struct checkpoint c = {.size = 0};
    struct logdir *d = NULL;
    struct merkle_source source;
    struct note note;
    struct buf text;
    merkle_hash root;

    buf_init(&text, SG_NOTE_MAX);
    assert_int_equal(logdir_open(translog_fixture_path(f, "log"), &d), SG_OK);
    assert_int_equal(logdir_checkpoint(d, &text), SG_OK);
    assert_int_equal(note_parse(buf_str(&text), text.len, &note), SG_OK);
    assert_int_equal(note_verify(&note, key, NULL), SG_OK);
    assert_int_equal(checkpoint_parse(note.body, note.body_len, &c), SG_OK);
    assert_string_equal(c.origin, "log.example:8443/log");
    for (uint64_t i = 0; i < c.size; i++)
        check_entry(d, i, &frontier);
    merkle_frontier_root(&frontier, root);
    assert_memory_equal(root, c.root, sizeof root);
    source = logdir_source(d);
    assert_int_equal(merkle_root(&source, c.size, root), SG_OK);
    assert_memory_equal(root, c.root, sizeof root);
    note_fini(&note);
    buf_fini(&text);
    logdir_close(d);
    return c;
}
