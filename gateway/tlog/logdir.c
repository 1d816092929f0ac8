/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the files of a log; it never writes, and never trusts a length that it has read. */
#include "tlog/logdir.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"

enum { ENTRIES, BUNDLES, HASHES, FILES = HASHES + SG_LOGDIR_HASH_FILES };

/* Never waits for a pipe that was put there. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
#define BUNDLE_MAX ((size_t)SG_TILE_WIDTH * (2 + SG_LOG_ENTRY_MAX))

struct logdir {
    int dir;
    bool borrowed;        /* the descriptors are the writer's */
    pthread_mutex_t lock; /* guards the opening of the files */
    int fd[FILES];        /* -1: not there yet */
};

enum sg_err logdir_open(const char *path, struct logdir **ret)
{
    struct logdir *d = calloc(1, sizeof *d);

    if (d == NULL)
        return SG_ERR_NO_MEMORY;
    d->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->dir < 0) {
        free(d);
        return errno == ENOENT ? SG_ERR_NOT_FOUND : SG_ERR_IO;
    }
    (void)pthread_mutex_init(&d->lock, NULL);
    for (size_t i = 0; i < FILES; i++)
        d->fd[i] = -1;
    *ret = d;
    return SG_OK;
}

enum sg_err logdir_attach(const struct logdir_files *files, struct logdir **ret)
{
    struct logdir *d = calloc(1, sizeof *d);

    if (d == NULL)
        return SG_ERR_NO_MEMORY;
    d->borrowed = true;
    d->dir = files->dir;
    (void)pthread_mutex_init(&d->lock, NULL);
    d->fd[ENTRIES] = files->entries;
    d->fd[BUNDLES] = files->bundles;
    for (size_t i = 0; i < SG_LOGDIR_HASH_FILES; i++)
        d->fd[HASHES + i] = files->hash[i];
    *ret = d;
    return SG_OK;
}

void logdir_close(struct logdir *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < FILES && !d->borrowed; i++)
        file_close(&d->fd[i]);
    if (!d->borrowed)
        file_close(&d->dir);
    (void)pthread_mutex_destroy(&d->lock);
    free(d);
}

/* The file, opened when it is needed first: it only ever grows, so that it stays the same one. */
static enum sg_err get_file(struct logdir *d, unsigned file, int *ret)
{
    char name[16] = "entries";
    enum sg_err err = SG_OK;

    if (file == BUNDLES)
        (void)snprintf(name, sizeof name, "bundles");
    else if (file >= HASHES)
        (void)snprintf(name, sizeof name, "hash.%u", file - HASHES);
    (void)pthread_mutex_lock(&d->lock);
    if (d->fd[file] < 0)
        d->fd[file] = openat(d->dir, name, OPEN_FLAGS);
    if (d->fd[file] < 0)
        err = errno == ENOENT ? SG_ERR_NOT_FOUND : SG_ERR_IO;
    else
        *ret = d->fd[file];
    (void)pthread_mutex_unlock(&d->lock);
    return err;
}

/* Exactly `len` bytes at `offset`; NOT_FOUND when the file ends before. */
static enum sg_err read_at(struct logdir *d, unsigned file, uint64_t offset, void *to, size_t len)
{
    int fd = -1;
    enum sg_err err = get_file(d, file, &fd);

    for (size_t done = 0; err == SG_OK && done < len;) {
        ssize_t n = pread(fd, (uint8_t *)to + done, len - done, (off_t)(offset + done));

        if (n > 0)
            done += (size_t)n;
        else if (n == 0)
            err = SG_ERR_NOT_FOUND;
        else if (errno != EINTR)
            err = SG_ERR_IO;
    }
    return err;
}

enum sg_err logdir_checkpoint(struct logdir *d, struct buf *out)
{
    int fd = openat(d->dir, "checkpoint", OPEN_FLAGS);
    uint8_t *to;
    ssize_t n;

    if (fd < 0)
        return errno == ENOENT ? SG_ERR_NOT_FOUND : SG_ERR_IO;
    to = buf_reserve(out, SG_NOTE_MAX);
    n = to != NULL ? read(fd, to, SG_NOTE_MAX) : -1;
    file_close(&fd);
    if (to == NULL)
        return SG_ERR_NO_MEMORY;
    if (n <= 0)
        return n == 0 ? SG_ERR_CORRUPT : SG_ERR_IO;
    buf_commit(out, (size_t)n);
    return buf_status(out);
}

enum sg_err logdir_read(struct logdir *d, uint64_t offset, void *ret, size_t len)
{
    return offset > INT64_MAX ? SG_ERR_NOT_FOUND : read_at(d, ENTRIES, offset, ret, len);
}

enum sg_err logdir_read_hashes(struct logdir *d, unsigned file, uint64_t index, size_t count,
                               merkle_hash *ret)
{
    uint64_t offset;

    if (file >= SG_LOGDIR_HASH_FILES ||
        __builtin_mul_overflow(index, (uint64_t)SG_MERKLE_SIZE, &offset) || offset > INT64_MAX)
        return SG_ERR_NOT_FOUND;
    return read_at(d, HASHES + file, offset, ret, count * SG_MERKLE_SIZE);
}

enum sg_err logdir_hashes(struct logdir *d, unsigned file, uint64_t index, size_t count,
                          struct buf *out)
{
    size_t len;
    merkle_hash *to;
    enum sg_err err;

    if (__builtin_mul_overflow(count, SG_MERKLE_SIZE, &len))
        return SG_ERR_NOT_FOUND;
    to = (merkle_hash *)buf_reserve(out, len);
    if (to == NULL)
        return buf_status(out);
    err = logdir_read_hashes(d, file, index, count, to);
    if (err == SG_OK)
        buf_commit(out, len);
    return err;
}

enum sg_err logdir_offset(struct logdir *d, uint64_t bundle, uint64_t *ret)
{
    uint8_t bytes[8];
    enum sg_err err;

    if (bundle > INT64_MAX / 8 - 2)
        return SG_ERR_NOT_FOUND;
    err = read_at(d, BUNDLES, bundle * 8, bytes, sizeof bytes);
    if (err == SG_OK && encode_unbe64(bytes) > INT64_MAX)
        err = SG_ERR_CORRUPT;
    if (err == SG_OK)
        *ret = encode_unbe64(bytes);
    return err;
}

/* Where the first `width` entries of a bundle begin and end in `entries`. */
struct span {
    uint64_t begin;
    size_t len;
};

/* Appends from `begin` on as much as the first `width` entries take. The end of a bundle is known
 * only when the next one has begun, so that entries are read by their lengths, some at a time. */
static enum sg_err read_entries(struct logdir *d, uint64_t begin, unsigned width, struct buf *out)
{
    size_t base = out->len;
    size_t parsed = 0;

    for (unsigned i = 0; i < width; i++) {
        uint8_t length[2];
        size_t len;
        uint8_t *to;
        enum sg_err err = read_at(d, ENTRIES, begin + parsed, length, sizeof length);

        if (err != SG_OK)
            return err;
        len = (size_t)length[0] << 8 | length[1];
        to = buf_reserve(out, len + 2);
        if (to == NULL)
            return buf_status(out);
        memcpy(to, length, 2);
        err = read_at(d, ENTRIES, begin + parsed + 2, to + 2, len);
        if (err != SG_OK)
            return err;
        buf_commit(out, len + 2);
        parsed += len + 2;
    }
    return out->len - base == parsed ? SG_OK : SG_ERR_CORRUPT;
}

/* A full bundle in one read: its end is where the next one begins. */
static enum sg_err read_span(struct logdir *d, const struct span *s, struct buf *out)
{
    uint8_t *to = buf_reserve(out, s->len);
    size_t at = 0;
    enum sg_err err;

    if (to == NULL)
        return buf_status(out);
    err = read_at(d, ENTRIES, s->begin, to, s->len);
    if (err != SG_OK)
        return err;
    for (unsigned i = 0; i < SG_TILE_WIDTH; i++) {
        if (s->len - at < 2)
            return SG_ERR_CORRUPT;
        at += 2 + ((size_t)to[at] << 8 | to[at + 1]);
        if (at > s->len)
            return SG_ERR_CORRUPT;
    }
    if (at != s->len)
        return SG_ERR_CORRUPT;
    buf_commit(out, s->len);
    return SG_OK;
}

enum sg_err logdir_bundle(struct logdir *d, uint64_t index, unsigned width, struct buf *out)
{
    struct span s;
    uint64_t end;
    enum sg_err err;

    if (width == 0 || width > SG_TILE_WIDTH)
        return SG_ERR_NOT_FOUND;
    err = logdir_offset(d, index, &s.begin);
    if (err != SG_OK)
        return err;
    err = width == SG_TILE_WIDTH ? logdir_offset(d, index + 1, &end) : SG_ERR_NOT_FOUND;
    if (err == SG_ERR_NOT_FOUND)
        return read_entries(d, s.begin, width, out);
    if (err == SG_OK && (end < s.begin || end - s.begin > BUNDLE_MAX))
        err = SG_ERR_CORRUPT;
    if (err != SG_OK)
        return err;
    s.len = (size_t)(end - s.begin);
    return read_span(d, &s, out);
}

enum sg_err logdir_entry(struct logdir *d, uint64_t index, struct buf *out)
{
    SG_BUF_CLEANUP struct buf bundle;
    size_t at = 0;
    unsigned in = (unsigned)(index % SG_TILE_WIDTH);
    enum sg_err err;

    buf_init(&bundle, BUNDLE_MAX);
    err = logdir_bundle(d, index / SG_TILE_WIDTH, in + 1, &bundle);
    if (err != SG_OK)
        return err;
    for (unsigned i = 0; i < in; i++)
        at += 2 + ((size_t)bundle.data[at] << 8 | bundle.data[at + 1]);
    buf_append(out, bundle.data + at + 2, bundle.len - at - 2);
    return buf_status(out);
}

/* -- as a source of hashes ----------------------------------------------------------------------
 */

/* A level between two stored ones is made from the stored hashes below: at most 128 of them. */
static enum sg_err source_read(void *ctx, unsigned level, uint64_t index, merkle_hash ret)
{
    merkle_hash hashes[SG_TILE_WIDTH / 2];
    size_t count = (size_t)1 << level % 8;
    enum sg_err err;

    if (index > UINT64_MAX >> level % 8)
        return SG_ERR_NOT_FOUND;
    err = logdir_read_hashes(ctx, level / 8, index << level % 8, count, hashes);
    if (err != SG_OK)
        return err;
    merkle_reduce(hashes, count);
    memcpy(ret, hashes[0], SG_MERKLE_SIZE);
    return SG_OK;
}

struct merkle_source logdir_source(struct logdir *d)
{
    return (struct merkle_source){.ctx = d, .read = source_read};
}
