/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes the log's state; it never takes one for good that is not where it was written.
 */
#include "keyring/logstate.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "ipc/codec.h"

#define MAGIC "secgate log state 1"

static void digest_of(const void *data, size_t len, uint8_t ret[32])
{
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, data, len, ret) < 0)
        abort(); /* SHA-256 is always there */
}

static void put_frontier(struct buf *out, const struct merkle_frontier *f)
{
    merkle_hash root;

    codec_put_u64(out, f->size);
    for (unsigned l = 0; l < SG_MERKLE_LEVELS; l++)
        if ((f->size >> l & 1) != 0)
            codec_put_bytes(out, f->hash[l], SG_MERKLE_SIZE);
    merkle_frontier_root(f, root);
    codec_put_bytes(out, root, sizeof root);
}

static void get_hash(struct decoder *d, merkle_hash ret)
{
    size_t len;
    const uint8_t *at = codec_bytes(d, SG_MERKLE_SIZE, &len);

    if (len != SG_MERKLE_SIZE)
        d->failed = true;
    else
        memcpy(ret, at, len);
}

static void get_frontier(struct decoder *d, struct merkle_frontier *ret)
{
    merkle_hash said = {0};
    merkle_hash root;

    ret->size = codec_u64(d);
    for (unsigned l = 0; l < SG_MERKLE_LEVELS && !d->failed; l++)
        if ((ret->size >> l & 1) != 0)
            get_hash(d, ret->hash[l]);
    get_hash(d, said);
    if (d->failed)
        return;
    merkle_frontier_root(ret, root);
    d->failed = memcmp(said, root, sizeof root) != 0;
}

void logstate_put(struct buf *out, const struct logstate *s, const struct logstate_file *file)
{
    char vkey[SG_NOTE_VKEY_SIZE];
    size_t begin = out->len;
    uint8_t digest[32];

    note_key_format(&s->key, vkey);
    codec_put_string(out, MAGIC);
    codec_put_string(out, vkey);
    put_frontier(out, &s->frontier);
    codec_put_u64(out, s->bytes);
    codec_put_i64(out, s->last_ns);
    codec_put_u64(out, s->synced);
    codec_put_u64(out, s->synced_bytes);
    codec_put_u64(out, file->inode);
    codec_put_i64(out, file->birth_ns);
    if (buf_status(out) != SG_OK)
        return;
    digest_of(out->data + begin, out->len - begin, digest);
    buf_append(out, digest, sizeof digest);
}

enum sg_err logstate_get(const void *data, size_t len, const struct logstate_file *file,
                         struct logstate *ret)
{
    struct logstate s = {.bytes = 0};
    struct logstate_file said;
    char vkey[SG_NOTE_VKEY_SIZE];
    char magic[sizeof MAGIC];
    uint8_t digest[32];
    struct decoder d;

    if (len < sizeof digest || len > SG_LOGSTATE_MAX)
        return SG_ERR_CORRUPT;
    len -= sizeof digest;
    digest_of(data, len, digest);
    if (memcmp((const uint8_t *)data + len, digest, sizeof digest) != 0)
        return SG_ERR_CORRUPT;
    codec_start(&d, data, len);
    codec_string(&d, magic, sizeof magic);
    codec_string(&d, vkey, sizeof vkey);
    get_frontier(&d, &s.frontier);
    s.bytes = codec_u64(&d);
    s.last_ns = codec_i64(&d);
    s.synced = codec_u64(&d);
    s.synced_bytes = codec_u64(&d);
    said.inode = codec_u64(&d);
    said.birth_ns = codec_i64(&d);
    if (codec_end(&d) != SG_OK || strcmp(magic, MAGIC) != 0 ||
        note_key_parse(vkey, &s.key) != SG_OK || s.key.type != SG_NOTE_ED25519 ||
        s.synced % 256 != 0 || s.synced > s.frontier.size || s.synced_bytes > s.bytes)
        return SG_ERR_CORRUPT;
    *ret = s;
    return said.inode == file->inode && said.birth_ns == file->birth_ns ? SG_OK : SG_ERR_CONFLICT;
}

static enum sg_err identify(int fd, struct logstate_file *ret)
{
    struct statx st;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st) != 0)
        return err_from_errno(errno);
    ret->inode = st.stx_ino;
    ret->birth_ns = (st.stx_mask & STATX_BTIME) == 0
                        ? 0
                        : st.stx_btime.tv_sec * SG_NS_PER_S + st.stx_btime.tv_nsec;
    return SG_OK;
}

enum sg_err logstate_load(const char *path, struct logstate *ret)
{
    SG_FD_CLEANUP int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    uint8_t data[SG_LOGSTATE_MAX + 1];
    struct logstate_file file;
    enum sg_err err;
    ssize_t n;

    if (fd < 0)
        return err_from_errno(errno);
    err = identify(fd, &file);
    if (err != SG_OK)
        return err;
    do
        n = read(fd, data, sizeof data);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_from_errno(errno);
    return logstate_get(data, (size_t)n, &file, ret);
}

static enum sg_err fill(int fd, const struct logstate *s)
{
    SG_BUF_CLEANUP struct buf content;
    struct logstate_file file;
    enum sg_err err = identify(fd, &file);

    buf_init(&content, SG_LOGSTATE_MAX);
    if (err != SG_OK)
        return err;
    logstate_put(&content, s, &file);
    err = buf_status(&content);
    if (err == SG_OK)
        err = file_write_all(fd, content.data, content.len);
    if (err == SG_OK && fsync(fd) != 0)
        err = err_from_errno(errno);
    return err;
}

enum sg_err logstate_save(const char *path, const struct logstate *s, bool *ret_replaced)
{
    char *temporary = NULL;
    char *dir = file_directory_of(path);
    enum sg_err err = SG_ERR_NO_MEMORY;

    *ret_replaced = false;
    /* One name for all: there is one writer, and what a killed one left is written over. */
    if (dir != NULL && asprintf(&temporary, "%s.new", path) >= 0) {
        SG_FD_CLEANUP int fd = -1;

        (void)unlink(temporary);
        fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        err = fd >= 0 ? fill(fd, s) : err_from_errno(errno);
        if (err == SG_OK && rename(temporary, path) != 0)
            err = err_from_errno(errno);
        else if (err == SG_OK)
            *ret_replaced = true;
        if (err == SG_OK)
            err = file_sync_dir(dir);
        else
            (void)unlink(temporary);
        free(temporary);
    }
    free(dir);
    return err;
}
