/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs on a local file system. Content appears under its digest only when it is durable; what is
 * there is never written again. All 256 fan-out directories are made at the start, so that a rename
 * needs one directory fsync.
 */
#include "store/fsblobs.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/metrics.h"
#include "base/rng.h"

#define SG_PIN_BUCKETS 256
#define SG_SPACE_CHECK (UINT64_C(64) << 20) /* bytes written between looks at the free space */
#define SG_WRITEBACK                                                                               \
    (UINT64_C(8) << 20) /* bytes after which the kernel begins to write them out                   \
                         */
#define SG_BLOB_PATH_SIZE (2 + 1 + SG_HEX_SIZE(SG_DIGEST_SIZE))
#define SG_BLOB_TMP_SIZE  48

struct pin {
    uint8_t sha256[SG_DIGEST_SIZE];
    size_t count;
    struct pin *next;
};

struct fsblobs {
    int blobs_fd, tmp_fd; /* the directories */
    uint64_t reserve;
    char instance[SG_HEX_SIZE(8)]; /* marks temporary files as this process's */
    atomic_uint_fast64_t counter;
    pthread_mutex_t lock; /* guards pins, and that nothing is pinned while it is collected */
    struct pin *pins[SG_PIN_BUCKETS];
};

struct blob_writer {
    char name[SG_BLOB_TMP_SIZE]; /* in tmp */
    int fd;
    gnutls_hash_hd_t hash;
    uint64_t size, checked, flushed;
};

static void blob_path(const uint8_t *sha256, char ret[SG_BLOB_PATH_SIZE])
{
    char hex[SG_HEX_SIZE(SG_DIGEST_SIZE)];
    encode_hex(sha256, SG_DIGEST_SIZE, hex);
    (void)snprintf(ret, SG_BLOB_PATH_SIZE, "%.2s/%s", hex, hex);
}

/* -- pins ---------------------------------------------------------------------------------------
 */

static struct pin **pin_find(struct fsblobs *b, const uint8_t *sha256)
{
    struct pin **at = &b->pins[sha256[0] % SG_PIN_BUCKETS];
    while (*at && memcmp((*at)->sha256, sha256, SG_DIGEST_SIZE) != 0)
        at = &(*at)->next;
    return at;
}

static enum sg_err pin(struct fsblobs *b, const uint8_t *sha256)
{
    enum sg_err err = SG_OK;
    pthread_mutex_lock(&b->lock);
    struct pin **at = pin_find(b, sha256);
    if (!*at) {
        *at = calloc(1, sizeof(**at));
        if (*at)
            memcpy((*at)->sha256, sha256, SG_DIGEST_SIZE);
        else
            err = SG_ERR_NO_MEMORY;
    }
    if (!err)
        (*at)->count++;
    pthread_mutex_unlock(&b->lock);
    return err;
}

static void fsblobs_unpin(void *self, const uint8_t *sha256)
{
    struct fsblobs *b = self;
    pthread_mutex_lock(&b->lock);
    struct pin **at = pin_find(b, sha256);
    assert(*at);
    if (--(*at)->count == 0) {
        struct pin *gone = *at;
        *at = gone->next;
        free(gone);
    }
    pthread_mutex_unlock(&b->lock);
}

/* -- free space ---------------------------------------------------------------------------------
 */

static enum sg_err fsblobs_space_left(void *self, uint64_t *ret_bytes)
{
    const struct fsblobs *b = self;
    struct statvfs fs;
    if (fstatvfs(b->tmp_fd, &fs) != 0)
        return err_from_errno(errno);
    uint64_t unit = fs.f_frsize ? fs.f_frsize : fs.f_bsize;
    uint64_t total, free_bytes;
    if (__builtin_mul_overflow(unit, (uint64_t)fs.f_blocks, &total))
        total = UINT64_MAX;
    if (__builtin_mul_overflow(unit, (uint64_t)fs.f_bavail, &free_bytes))
        free_bytes = UINT64_MAX;
    uint64_t reserve = b->reserve < total / 20 ? b->reserve : total / 20;
    *ret_bytes = free_bytes > reserve ? free_bytes - reserve : 0;
    return SG_OK;
}

static enum sg_err check_space(struct fsblobs *b, uint64_t wanted)
{
    uint64_t left = 0;
    enum sg_err err = fsblobs_space_left(b, &left);
    if (!err && left < wanted)
        err = SG_ERR_NO_SPACE;
    return err;
}

/* -- writing ------------------------------------------------------------------------------------
 */

static void fsblobs_abort(void *self, struct blob_writer **w)
{
    struct fsblobs *b = self;
    struct blob_writer *writer = *w;
    *w = NULL;
    if (!writer)
        return;
    if (writer->fd >= 0) {
        (void)unlinkat(b->tmp_fd, writer->name, 0);
        (void)close(writer->fd);
    }
    if (writer->hash)
        gnutls_hash_deinit(writer->hash, NULL);
    free(writer);
}

static enum sg_err fsblobs_start(void *self, int64_t expected, struct blob_writer **ret)
{
    struct fsblobs *b = self;
    enum sg_err err = check_space(b, expected > 0 ? (uint64_t)expected : 1);
    if (err)
        return err;
    struct blob_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return SG_ERR_NO_MEMORY;
    w->fd = -1;
    if (gnutls_hash_init(&w->hash, GNUTLS_DIG_SHA256) != 0) {
        w->hash = NULL;
        err = SG_ERR_INTERNAL;
        goto fail;
    }
    (void)snprintf(w->name, sizeof(w->name), "%s-%llu", b->instance,
                   (unsigned long long)atomic_fetch_add(&b->counter, 1));
    w->fd = openat(b->tmp_fd, w->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (w->fd < 0) {
        err = err_from_errno(errno);
        goto fail;
    }
    *ret = w;
    return SG_OK;
fail:
    fsblobs_abort(b, &w);
    return err;
}

static enum sg_err fsblobs_write(void *self, struct blob_writer *w, const void *data, size_t len)
{
    struct fsblobs *b = self;
    if (len == 0)
        return SG_OK;
    if (w->size / SG_SPACE_CHECK != w->checked) {
        enum sg_err err = check_space(b, len);
        if (err)
            return err;
        w->checked = w->size / SG_SPACE_CHECK;
    }
    enum sg_err err = file_write_all(w->fd, data, len);
    if (err)
        return err;
    if (gnutls_hash(w->hash, data, len) != 0)
        return SG_ERR_INTERNAL;
    w->size += len;
    if (w->size - w->flushed >= SG_WRITEBACK) {
        /* Only a hint, so that the fdatasync at the end is short: its errors come back there. */
        (void)sync_file_range(w->fd, (off_t)w->flushed, (off_t)(w->size - w->flushed),
                              SYNC_FILE_RANGE_WRITE);
        w->flushed = w->size;
    }
    return SG_OK;
}

static enum sg_err sync_fan_out(const struct fsblobs *b, const char *path)
{
    char dir[3] = {path[0], path[1], '\0'};
    SG_FD_CLEANUP int fd = openat(b->blobs_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return err_from_errno(errno);
    return SG_OK;
}

/* Gives durable content its name. It is pinned already, so nobody removes what is found there. */
static enum sg_err publish(struct fsblobs *b, struct blob_writer *w, const char *path)
{
    struct stat st;
    if (fstatat(b->blobs_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
        (uint64_t)st.st_size == w->size) {
        if (unlinkat(b->tmp_fd, w->name, 0) != 0)
            return err_from_errno(errno);
    } else if (renameat(b->tmp_fd, w->name, b->blobs_fd, path) != 0) {
        return err_from_errno(errno);
    }
    (void)close(w->fd);
    w->fd = -1;
    /* Also for content that was there: another upload may have renamed it a moment ago. */
    return sync_fan_out(b, path);
}

static enum sg_err fsblobs_finish(void *self, struct blob_writer **writer,
                                  const uint8_t *expected_sha256,
                                  uint8_t ret_sha256[SG_DIGEST_SIZE], uint64_t *ret_size)
{
    struct fsblobs *b = self;
    struct blob_writer *w = *writer;
    uint8_t sha256[SG_DIGEST_SIZE];
    char path[SG_BLOB_PATH_SIZE];
    uint64_t size = w->size;

    gnutls_hash_deinit(w->hash, sha256);
    w->hash = NULL;
    enum sg_err err = SG_OK;
    if (expected_sha256 && memcmp(expected_sha256, sha256, SG_DIGEST_SIZE) != 0)
        err = SG_ERR_BAD_DIGEST;
    if (!err && fdatasync(w->fd) != 0)
        err = err_from_errno(errno);
    if (!err)
        err = pin(b, sha256);
    if (!err) {
        blob_path(sha256, path);
        err = publish(b, w, path);
        if (err)
            fsblobs_unpin(b, sha256);
    }
    fsblobs_abort(b, writer);
    if (err)
        return err;
    memcpy(ret_sha256, sha256, SG_DIGEST_SIZE);
    *ret_size = size;
    return SG_OK;
}

/* -- reading and collecting ---------------------------------------------------------------------
 */

static enum sg_err fsblobs_open_blob(void *self, const uint8_t *sha256, int *ret_fd,
                                     uint64_t *ret_size)
{
    const struct fsblobs *b = self;
    char path[SG_BLOB_PATH_SIZE];
    struct stat st;
    blob_path(sha256, path);
    int fd = openat(b->blobs_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_from_errno(errno);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return SG_ERR_IO;
    }
    *ret_fd = fd;
    *ret_size = (uint64_t)st.st_size;
    return SG_OK;
}

static enum sg_err fsblobs_collect(void *self, const uint8_t *sha256,
                                   enum sg_err (*used)(void *ctx, const uint8_t *sha256, bool *ret),
                                   void *ctx)
{
    struct fsblobs *b = self;
    char path[SG_BLOB_PATH_SIZE];
    bool keep = true;
    enum sg_err err = SG_OK;
    blob_path(sha256, path);
    pthread_mutex_lock(&b->lock);
    if (!*pin_find(b, sha256))
        err = used(ctx, sha256, &keep);
    if (!err && !keep) {
        if (unlinkat(b->blobs_fd, path, 0) == 0)
            metrics_add(SG_METRIC_BLOBS_COLLECTED, 1);
        else if (errno != ENOENT)
            err = err_from_errno(errno);
    }
    pthread_mutex_unlock(&b->lock);
    return err;
}

/* Calls `each` with the names in a directory until it returns false. */
static enum sg_err each_name(int dir_fd, const char *name,
                             bool (*each)(void *ctx, const char *name), void *ctx)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_from_errno(errno);
    DIR *dir = fdopendir(fd);
    if (!dir) {
        (void)close(fd);
        return SG_ERR_NO_MEMORY;
    }
    bool more = true;
    while (more) {
        struct dirent *entry = readdir(dir);
        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            more = each(ctx, entry->d_name);
    }
    (void)closedir(dir);
    return SG_OK;
}

static bool remove_stale(void *ctx, const char *name)
{
    const struct fsblobs *b = ctx;
    size_t len = strlen(b->instance);
    if (strncmp(name, b->instance, len) != 0 || name[len] != '-')
        (void)unlinkat(b->tmp_fd, name, 0);
    return true;
}

struct scan {
    bool (*each)(void *ctx, const uint8_t *sha256);
    void *ctx;
    bool stopped;
};

static bool scan_name(void *ctx, const char *name)
{
    struct scan *scan = ctx;
    uint8_t sha256[SG_DIGEST_SIZE];
    if (encode_unhex(name, strlen(name), sha256, sizeof(sha256)))
        return true; /* not ours */
    scan->stopped = !scan->each(scan->ctx, sha256);
    return !scan->stopped;
}

static enum sg_err fsblobs_scan(void *self, bool (*each)(void *ctx, const uint8_t *sha256),
                                void *ctx)
{
    struct fsblobs *b = self;
    struct scan scan = {.each = each, .ctx = ctx};
    enum sg_err err = each_name(b->tmp_fd, ".", remove_stale, b);
    for (unsigned i = 0; i < 256 && !err && !scan.stopped; i++) {
        char name[3];
        (void)snprintf(name, sizeof(name), "%02x", i);
        err = each_name(b->blobs_fd, name, scan_name, &scan);
    }
    return err;
}

/* -- life ---------------------------------------------------------------------------------------
 */

/* Opens DIR/NAME; makes it, durably, if it is not there (a confined process may only open it). */
static enum sg_err open_dir(const char *dir, const char *name, int *ret)
{
    char *path = file_join(dir, name);
    if (!path)
        return SG_ERR_NO_MEMORY;
    enum sg_err err = SG_OK;
    if (access(path, F_OK) != 0) {
        err = file_mkdirs(path, 0700);
        if (!err)
            err = file_sync_dir(dir);
    }
    if (!err) {
        *ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (*ret < 0)
            err = err_from_errno(errno);
    }
    free(path);
    return err;
}

static enum sg_err make_fan_out(const struct fsblobs *b)
{
    for (unsigned i = 0; i < 256; i++) {
        char name[3];
        (void)snprintf(name, sizeof(name), "%02x", i);
        if (mkdirat(b->blobs_fd, name, 0700) != 0 && errno != EEXIST)
            return err_from_errno(errno);
    }
    /* Always: a former process may have made them and been killed before this. */
    if (fsync(b->blobs_fd) != 0)
        return err_from_errno(errno);
    return SG_OK;
}

enum sg_err fsblobs_open(const char *dir, uint64_t reserve, struct fsblobs **ret)
{
    struct fsblobs *b = calloc(1, sizeof(*b));
    if (!b)
        return SG_ERR_NO_MEMORY;
    uint8_t instance[8];
    rng_bytes(instance, sizeof(instance));
    encode_hex(instance, sizeof(instance), b->instance);
    b->blobs_fd = b->tmp_fd = -1;
    b->reserve = reserve;
    pthread_mutex_init(&b->lock, NULL);
    enum sg_err err = open_dir(dir, "blobs", &b->blobs_fd);
    if (!err)
        err = open_dir(dir, "tmp", &b->tmp_fd);
    if (!err)
        err = make_fan_out(b);
    if (!err)
        err = each_name(b->tmp_fd, ".", remove_stale, b);
    if (err) {
        fsblobs_close(b);
        return err;
    }
    *ret = b;
    return SG_OK;
}

void fsblobs_close(struct fsblobs *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < SG_PIN_BUCKETS; i++) {
        while (b->pins[i]) {
            struct pin *p = b->pins[i];
            b->pins[i] = p->next;
            free(p);
        }
    }
    if (b->blobs_fd >= 0)
        (void)close(b->blobs_fd);
    if (b->tmp_fd >= 0)
        (void)close(b->tmp_fd);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

struct blobs_store fsblobs_store(struct fsblobs *b)
{
    static const struct blobs_vtable vtable = {
        .start = fsblobs_start,
        .write = fsblobs_write,
        .finish = fsblobs_finish,
        .abort = fsblobs_abort,
        .unpin = fsblobs_unpin,
        .open = fsblobs_open_blob,
        .collect = fsblobs_collect,
        .scan = fsblobs_scan,
        .space_left = fsblobs_space_left,
    };
    return (struct blobs_store){.self = b, .vt = &vtable};
}
