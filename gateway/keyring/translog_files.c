/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and reads the files of the log; it hashes what stands in the file, never what was meant to
 * be written. */
#include "keyring/translog_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define READ_SIZE  (1 << 20) /* of a scan; more than the largest entry */
#define TILE_BYTES ((size_t)SG_TILE_WIDTH * SG_MERKLE_SIZE)

static void count(atomic_uint_least64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void logfiles_init(struct logfiles *f)
{
    memset(f, 0, sizeof *f);
    f->dir = f->entries = f->bundles = -1;
    for (size_t i = 0; i < SG_LOGDIR_HASH_FILES; i++)
        f->hash[i] = -1;
}

void logfiles_close(struct logfiles *f)
{
    for (size_t i = 0; i < SG_LOGDIR_HASH_FILES; i++)
        file_close(&f->hash[i]);
    file_close(&f->bundles);
    file_close(&f->entries);
    file_close(&f->dir);
}

static enum sg_err open_one(struct logfiles *f, const char *name, int *ret)
{
    int fd = openat(f->dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

    if (fd < 0)
        return err_from_errno(errno);
    *ret = fd;
    return SG_OK;
}

enum sg_err logfiles_open(struct logfiles *f, const char *dir)
{
    enum sg_err err = file_mkdirs(dir, 0700);
    char name[16];

    if (err != SG_OK)
        return err;
    f->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->dir < 0)
        return err_from_errno(errno);
    err = open_one(f, "entries", &f->entries);
    if (err == SG_OK)
        err = open_one(f, "bundles", &f->bundles);
    for (unsigned i = 0; i < SG_LOGDIR_HASH_FILES && err == SG_OK; i++) {
        (void)snprintf(name, sizeof name, "hash.%u", i);
        err = open_one(f, name, &f->hash[i]);
    }
    /* The names are as important as what is in the files. */
    if (err == SG_OK && fsync(f->dir) != 0)
        err = err_from_errno(errno);
    if (err != SG_OK)
        logfiles_close(f);
    return err;
}

static enum sg_err write_at(struct logfiles *f, int fd, const void *data, size_t len, uint64_t at)
{
    const uint8_t *from = data;

    count(&f->written, len);
    while (len > 0) {
        ssize_t n = pwrite(fd, from, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_from_errno(errno);
        from += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return SG_OK;
}

/* SG_ERR_NOT_FOUND when the file ends before. */
static enum sg_err read_at(struct logfiles *f, int fd, void *ret, size_t len, uint64_t at)
{
    uint8_t *to = ret;

    count(&f->read, len);
    while (len > 0) {
        ssize_t n = pread(fd, to, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? err_from_errno(errno) : SG_ERR_NOT_FOUND;
        to += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return SG_OK;
}

enum sg_err logfiles_length(struct logfiles *f, uint64_t *ret)
{
    struct stat st;

    if (fstat(f->entries, &st) != 0)
        return err_from_errno(errno);
    *ret = (uint64_t)st.st_size;
    return SG_OK;
}

enum sg_err logfiles_append(struct logfiles *f, uint64_t at, const void *data, size_t len)
{
    return write_at(f, f->entries, data, len, at);
}

static enum sg_err sync_one(struct logfiles *f, int fd)
{
    count(&f->syncs, 1);
    return fdatasync(fd) == 0 ? SG_OK : err_from_errno(errno);
}

enum sg_err logfiles_sync(struct logfiles *f)
{
    return sync_one(f, f->entries);
}

enum sg_err logfiles_truncate(struct logfiles *f, uint64_t bytes)
{
    if (ftruncate(f->entries, (off_t)bytes) != 0)
        return err_from_errno(errno);
    return sync_one(f, f->entries);
}

/* -- reading what was written ------------------------------------------------------------------ */

bool logfiles_is_entry(const void *data, size_t len)
{
    const uint8_t *at = data;

    if (len < 2 || len > SG_LOG_ENTRY_MAX || at[0] != '{' || at[len - 1] != '}')
        return false;
    for (size_t i = 0; i < len; i++)
        if (at[i] < ' ')
            return false;
    return true;
}

void logscan_init(struct logscan *s, const struct merkle_frontier *frontier, uint64_t bytes)
{
    *s = (struct logscan){.frontier = *frontier, .bytes = bytes, .first = frontier->size};
    buf_init(&s->hashes, (size_t)SG_LOGFILES_CHUNK * SG_MERKLE_SIZE);
    buf_init(&s->bundles, (SG_LOGFILES_CHUNK / SG_TILE_WIDTH + 1) * 8);
}

void logscan_fini(struct logscan *s)
{
    buf_fini(&s->hashes);
    buf_fini(&s->bundles);
}

static void put_offset(struct buf *out, uint64_t offset)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(offset >> (56 - 8 * i));
    buf_append(out, bytes, sizeof bytes);
}

static void take_entry(struct logfiles *f, struct logscan *s, const uint8_t *data, size_t len)
{
    merkle_hash leaf;

    if (s->frontier.size % SG_TILE_WIDTH == 0)
        put_offset(&s->bundles, s->bytes);
    merkle_leaf(data, len, leaf);
    merkle_frontier_add(&s->frontier, leaf);
    buf_append(&s->hashes, leaf, sizeof leaf);
    s->bytes += 2 + len;
    count(&f->hashes, 1);
}

/* Takes the whole entries of a piece; returns the bytes that they have. */
static size_t take_piece(struct logfiles *f, struct logscan *s, const uint8_t *data, size_t len)
{
    size_t at = 0;

    while (len - at >= 2 && s->frontier.size - s->first < SG_LOGFILES_CHUNK) {
        size_t entry = (size_t)data[at] << 8 | data[at + 1];

        if (entry > len - at - 2)
            break;
        if (!logfiles_is_entry(data + at + 2, entry)) {
            s->torn = true;
            break;
        }
        take_entry(f, s, data + at + 2, entry);
        at += 2 + entry;
    }
    return at;
}

enum sg_err logscan_next(struct logfiles *f, struct logscan *s, uint64_t limit,
                         const uint8_t *expected)
{
    const uint64_t begin = s->bytes;
    uint8_t *piece = malloc(READ_SIZE);
    enum sg_err err = piece != NULL ? SG_OK : SG_ERR_NO_MEMORY;

    s->first = s->frontier.size;
    buf_clear(&s->hashes);
    buf_clear(&s->bundles);
    while (err == SG_OK && s->bytes < limit && !s->torn &&
           s->frontier.size - s->first < SG_LOGFILES_CHUNK) {
        size_t len = limit - s->bytes < READ_SIZE ? (size_t)(limit - s->bytes) : READ_SIZE;
        size_t taken;

        err = read_at(f, f->entries, piece, len, s->bytes);
        if (err == SG_OK && expected != NULL && memcmp(piece, expected + (s->bytes - begin), len))
            err = SG_ERR_CORRUPT;
        if (err != SG_OK)
            break;
        taken = take_piece(f, s, piece, len);
        /* A piece holds the largest entry: one that does not fit goes beyond the limit. */
        s->torn = s->torn || taken == 0;
    }
    free(piece);
    if (err == SG_OK)
        err = buf_status(&s->hashes);
    return err == SG_OK ? buf_status(&s->bundles) : err;
}

/* -- what follows from the entries ------------------------------------------------------------- */

/* The root of a complete tree of `width` (a power of two) hashes, in place. */
static void reduce(struct logfiles *f, uint8_t *hashes, size_t width)
{
    count(&f->hashes, width - 1);
    for (; width > 1; width /= 2)
        for (size_t i = 0; i < width; i += 2)
            merkle_node(hashes + i * SG_MERKLE_SIZE, hashes + (i + 1) * SG_MERKLE_SIZE,
                        hashes + i / 2 * SG_MERKLE_SIZE);
}

/* Writes the hashes of file `k` whose subtrees became complete between two sizes. */
static enum sg_err derive_level(struct logfiles *f, unsigned k, uint64_t from, uint64_t to)
{
    uint8_t tile[TILE_BYTES];
    enum sg_err err = SG_OK;

    for (uint64_t i = from >> 8 * k; i < to >> 8 * k && err == SG_OK; i++) {
        err = read_at(f, f->hash[k - 1], tile, sizeof tile, i * sizeof tile);
        if (err != SG_OK)
            break;
        reduce(f, tile, SG_TILE_WIDTH);
        err = write_at(f, f->hash[k], tile, SG_MERKLE_SIZE, i * SG_MERKLE_SIZE);
    }
    return err;
}

enum sg_err logfiles_derive(struct logfiles *f, const struct logscan *s)
{
    uint64_t bundle = (s->first + SG_TILE_WIDTH - 1) / SG_TILE_WIDTH;
    enum sg_err err =
        write_at(f, f->hash[0], s->hashes.data, s->hashes.len, s->first * SG_MERKLE_SIZE);

    if (err == SG_OK && s->bundles.len > 0)
        err = write_at(f, f->bundles, s->bundles.data, s->bundles.len, bundle * 8);
    for (unsigned k = 1; k < SG_LOGDIR_HASH_FILES && err == SG_OK; k++) {
        if (s->first >> 8 * k == s->frontier.size >> 8 * k)
            break;
        err = derive_level(f, k, s->first, s->frontier.size);
    }
    return err;
}

enum sg_err logfiles_sync_derived(struct logfiles *f)
{
    enum sg_err err = sync_one(f, f->bundles);

    for (unsigned k = 0; k < SG_LOGDIR_HASH_FILES && err == SG_OK; k++)
        err = sync_one(f, f->hash[k]);
    return err;
}

enum sg_err logfiles_bundle(struct logfiles *f, uint64_t index, uint64_t *ret)
{
    uint8_t bytes[8];
    uint64_t offset = 0;
    enum sg_err err = read_at(f, f->bundles, bytes, sizeof bytes, index * 8);

    for (unsigned i = 0; i < 8 && err == SG_OK; i++)
        offset = offset << 8 | bytes[i];
    if (err == SG_OK)
        *ret = offset;
    return err;
}

static enum sg_err read_node(void *ctx, unsigned level, uint64_t index, merkle_hash ret)
{
    struct logfiles *f = ctx;
    const unsigned file = level / 8;
    const size_t width = (size_t)1 << level % 8;
    uint8_t hashes[TILE_BYTES / 2];
    enum sg_err err;

    if (file >= SG_LOGDIR_HASH_FILES)
        return SG_ERR_NOT_FOUND;
    err = read_at(f, f->hash[file], hashes, width * SG_MERKLE_SIZE, index * width * SG_MERKLE_SIZE);
    if (err != SG_OK)
        return err;
    reduce(f, hashes, width);
    memcpy(ret, hashes, SG_MERKLE_SIZE);
    return SG_OK;
}

enum sg_err logfiles_frontier(struct logfiles *f, uint64_t size, struct merkle_frontier *ret)
{
    struct merkle_frontier found = {.size = size};
    enum sg_err err = SG_OK;

    for (unsigned l = 0; l < SG_MERKLE_LEVELS && err == SG_OK; l++)
        if ((size >> l & 1) != 0)
            err = read_node(f, l, (size >> l) - 1, found.hash[l]);
    if (err == SG_OK)
        *ret = found;
    return err;
}

/* -- the checkpoint ---------------------------------------------------------------------------- */

enum sg_err logfiles_publish(struct logfiles *f, const void *note, size_t len)
{
    SG_FD_CLEANUP int fd = openat(f->dir, "checkpoint.new",
                                  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum sg_err err;

    if (fd < 0)
        return err_from_errno(errno);
    err = file_write_all(fd, note, len);
    count(&f->written, len);
    if (err == SG_OK && renameat(f->dir, "checkpoint.new", f->dir, "checkpoint") != 0)
        err = err_from_errno(errno);
    if (err != SG_OK)
        (void)unlinkat(f->dir, "checkpoint.new", 0);
    return err;
}

enum sg_err logfiles_published(struct logfiles *f, struct buf *out)
{
    SG_FD_CLEANUP int fd =
        openat(f->dir, "checkpoint", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    uint8_t *to = buf_reserve(out, SG_NOTE_MAX);
    ssize_t n;

    if (fd < 0)
        return err_from_errno(errno);
    if (to == NULL)
        return SG_ERR_NO_MEMORY;
    do
        n = read(fd, to, SG_NOTE_MAX);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_from_errno(errno);
    buf_commit(out, (size_t)n);
    return SG_OK;
}
