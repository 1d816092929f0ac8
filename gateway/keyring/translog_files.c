/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the files of the log; it hashes what stands in the file, never what was meant to be
 * written. */
#include "keyring/translog_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"

#define READ_SIZE (1 << 20) /* of a scan; more than the largest entry */

static void count(atomic_uint_least64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void logfiles_init(struct logfiles *f)
{
    memset(f, 0, sizeof *f);
    f->at.dir = f->at.entries = f->at.bundles = -1;
    for (size_t i = 0; i < SG_LOGDIR_HASH_FILES; i++)
        f->at.hash[i] = -1;
}

void logfiles_close(struct logfiles *f)
{
    logdir_close(f->reader);
    f->reader = NULL;
    for (size_t i = 0; i < SG_LOGDIR_HASH_FILES; i++)
        file_close(&f->at.hash[i]);
    file_close(&f->at.bundles);
    file_close(&f->at.entries);
    file_close(&f->at.dir);
}

static enum sg_err open_one(struct logfiles *f, const char *name, int *ret)
{
    int fd = openat(f->at.dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

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
    f->at.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->at.dir < 0)
        return err_from_errno(errno);
    err = open_one(f, "entries", &f->at.entries);
    if (err == SG_OK)
        err = open_one(f, "bundles", &f->at.bundles);
    for (unsigned i = 0; i < SG_LOGDIR_HASH_FILES && err == SG_OK; i++) {
        (void)snprintf(name, sizeof name, "hash.%u", i);
        err = open_one(f, name, &f->at.hash[i]);
    }
    /* The names are as important as what is in the files. */
    if (err == SG_OK && fsync(f->at.dir) != 0)
        err = err_from_errno(errno);
    if (err == SG_OK)
        err = logdir_attach(&f->at, &f->reader);
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

enum sg_err logfiles_length(struct logfiles *f, uint64_t *ret)
{
    struct stat st;

    if (fstat(f->at.entries, &st) != 0)
        return err_from_errno(errno);
    *ret = (uint64_t)st.st_size;
    return SG_OK;
}

enum sg_err logfiles_append(struct logfiles *f, uint64_t at, const void *data, size_t len)
{
    return write_at(f, f->at.entries, data, len, at);
}

static enum sg_err sync_one(struct logfiles *f, int fd)
{
    count(&f->syncs, 1);
    return fdatasync(fd) == 0 ? SG_OK : err_from_errno(errno);
}

enum sg_err logfiles_sync(struct logfiles *f)
{
    return sync_one(f, f->at.entries);
}

enum sg_err logfiles_truncate(struct logfiles *f, uint64_t bytes)
{
    if (ftruncate(f->at.entries, (off_t)bytes) != 0)
        return err_from_errno(errno);
    return sync_one(f, f->at.entries);
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

    encode_be64(offset, bytes);
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

        count(&f->read, len);
        err = logdir_read(f->reader, s->bytes, piece, len);
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

/* Writes the hashes of file `k` whose subtrees became complete between two sizes. */
static enum sg_err derive_level(struct logfiles *f, unsigned k, uint64_t from, uint64_t to)
{
    merkle_hash tile[SG_TILE_WIDTH];
    enum sg_err err = SG_OK;

    for (uint64_t i = from >> 8 * k; i < to >> 8 * k && err == SG_OK; i++) {
        count(&f->read, sizeof tile);
        err = logdir_read_hashes(f->reader, k - 1, i * SG_TILE_WIDTH, SG_TILE_WIDTH, tile);
        if (err != SG_OK)
            break;
        count(&f->hashes, SG_TILE_WIDTH - 1);
        merkle_reduce(tile, SG_TILE_WIDTH);
        err = write_at(f, f->at.hash[k], tile[0], SG_MERKLE_SIZE, i * SG_MERKLE_SIZE);
    }
    return err;
}

enum sg_err logfiles_derive(struct logfiles *f, const struct logscan *s)
{
    uint64_t bundle = (s->first + SG_TILE_WIDTH - 1) / SG_TILE_WIDTH;
    enum sg_err err =
        write_at(f, f->at.hash[0], s->hashes.data, s->hashes.len, s->first * SG_MERKLE_SIZE);

    if (err == SG_OK && s->bundles.len > 0)
        err = write_at(f, f->at.bundles, s->bundles.data, s->bundles.len, bundle * 8);
    for (unsigned k = 1; k < SG_LOGDIR_HASH_FILES && err == SG_OK; k++) {
        if (s->first >> 8 * k == s->frontier.size >> 8 * k)
            break;
        err = derive_level(f, k, s->first, s->frontier.size);
    }
    return err;
}

enum sg_err logfiles_sync_derived(struct logfiles *f)
{
    enum sg_err err = sync_one(f, f->at.bundles);

    for (unsigned k = 0; k < SG_LOGDIR_HASH_FILES && err == SG_OK; k++)
        err = sync_one(f, f->at.hash[k]);
    return err;
}

static enum sg_err read_node(struct logfiles *f, unsigned level, uint64_t index, merkle_hash ret)
{
    const struct merkle_source source = logdir_source(f->reader);
    const size_t width = (size_t)1 << level % 8;

    count(&f->read, width * SG_MERKLE_SIZE);
    count(&f->hashes, width - 1);
    return source.read(source.ctx, level, index, ret);
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
    SG_FD_CLEANUP int fd = openat(f->at.dir, "checkpoint.new",
                                  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum sg_err err;

    if (fd < 0)
        return err_from_errno(errno);
    err = file_write_all(fd, note, len);
    count(&f->written, len);
    if (err == SG_OK && renameat(f->at.dir, "checkpoint.new", f->at.dir, "checkpoint") != 0)
        err = err_from_errno(errno);
    if (err != SG_OK)
        (void)unlinkat(f->at.dir, "checkpoint.new", 0);
    return err;
}
