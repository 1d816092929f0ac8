/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing of local files in threads. It prints nothing from them. */
#include "cli/hasher.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/thread.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/term.h"
#include "package/package.h"
#include "sigfmt/digests.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SG_HASHER_THREADS 64
#define SG_HASHER_READ    ((size_t)256 << 10) /* fits the second cache beside the hash's state */
#define SG_HASHER_TICK_NS (100 * SG_NS_PER_MS)

struct hasher {
    struct hasher_file *files;
    size_t count;
    bool sha512, blake2b;
    atomic_size_t next;
    atomic_llong moved;
    atomic_bool stop;
    pthread_mutex_t lock;
    pthread_cond_t finished; /* a file is done */
    pthread_t threads[SG_HASHER_THREADS];
    unsigned n_threads;
};

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* What the content says of itself; an error in reading has been seen by hashing already. */
static int describe(struct hasher_file *file, int fd)
{
    struct package_info info;

    if (package_describe_fd(fd, (uint64_t)file->size, file->name, &info) != SG_OK ||
        info.source != SG_PACKAGE_FROM_CONTENT)
        return 0;
    file->package = malloc(sizeof(info));
    if (!file->package)
        return ENOMEM;
    *file->package = info;
    return 0;
}

/* Feeds the whole file; errno, 0. */
static int read_all(int fd, struct digesting *d, uint8_t *buffer, struct hasher *h)
{
    ssize_t got;

    while ((got = read(fd, buffer, SG_HASHER_READ)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        digesting_add(d, buffer, (size_t)got);
        if (h && atomic_load_explicit(&h->stop, memory_order_relaxed))
            return ECANCELED;
        if (h)
            atomic_fetch_add_explicit(&h->moved, got, memory_order_relaxed);
    }
    return 0;
}

static int hash_open(struct hasher_file *file, int fd, bool sha512, bool blake2b, uint8_t *buffer,
                     struct hasher *h)
{
    struct stat before, after;
    struct digesting *d;

    if (fstat(fd, &before) != 0)
        return errno;
    if (!S_ISREG(before.st_mode))
        return S_ISDIR(before.st_mode) ? EISDIR : EINVAL;
    if (digesting_new(sha512, blake2b, &d) != SG_OK)
        return ENOMEM;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    int code = read_all(fd, d, buffer, h);
    digesting_end(&d, code ? NULL : &file->digests);
    if (code == 0 && fstat(fd, &after) != 0)
        code = errno;
    if (code != 0)
        return code;
    file->changed = !same_file(&before, &after);
    file->size = before.st_size;
    return describe(file, fd);
}

static void hash_file(struct hasher_file *file, bool sha512, bool blake2b, uint8_t *buffer,
                      struct hasher *h)
{
    /* Without O_NONBLOCK a pipe would hold the thread. */
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    file->error = fd < 0 ? errno : hash_open(file, fd, sha512, blake2b, buffer, h);
    file_close(&fd);
}

static void *work(void *arg)
{
    struct hasher *h = arg;
    uint8_t *buffer = malloc(SG_HASHER_READ);

    for (;;) {
        size_t at = atomic_fetch_add(&h->next, 1);

        if (at >= h->count)
            break;
        if (atomic_load(&h->stop))
            h->files[at].error = ECANCELED;
        else if (buffer)
            hash_file(&h->files[at], h->sha512, h->blake2b, buffer, h);
        else
            h->files[at].error = ENOMEM;
        (void)pthread_mutex_lock(&h->lock);
        h->files[at].done = true;
        (void)pthread_cond_broadcast(&h->finished);
        (void)pthread_mutex_unlock(&h->lock);
    }
    free(buffer);
    return NULL;
}

struct hasher *hasher_start(struct hasher_file *files, size_t count, bool sha512, bool blake2b)
{
    struct hasher *h = calloc(1, sizeof(*h));
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t wanted = processors < 1 ? 1 : (size_t)processors;

    if (!h) {
        (void)report_no_memory();
        return NULL;
    }
    h->files = files;
    h->count = count;
    for (size_t i = 0; i < count; i++) {
        files[i].package = NULL;
        files[i].error = 0;
        files[i].changed = files[i].done = false;
    }
    h->sha512 = sha512;
    h->blake2b = blake2b;
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)pthread_cond_init(&h->finished, NULL);
    if (wanted > SG_HASHER_THREADS)
        wanted = SG_HASHER_THREADS;
    if (wanted > count)
        wanted = count;
    while (h->n_threads < wanted && thread_start(&h->threads[h->n_threads], work, h) == SG_OK)
        h->n_threads++;
    if (h->n_threads > 0 || count == 0)
        return h;
    (void)report_no_memory();
    hasher_stop(h);
    return NULL;
}

static enum cli_status report_file(const struct hasher_file *file)
{
    if (file->error == ECANCELED)
        return SG_CLI_INTERRUPTED;
    if (file->error == ENOMEM)
        return report_no_memory();
    errno = file->error;
    if (file->error)
        return file->error == EINVAL
                   ? report_error(SG_CLI_USAGE, NULL, "%s is no regular file", file->path)
                   : report_errno("read", file->path);
    if (file->changed)
        return report_error(SG_CLI_USAGE, "try again when nobody writes to it",
                            "%s changed while it was read", file->path);
    return SG_CLI_OK;
}

/* Waits until the file is done or a tick has passed. */
static void wait_tick(struct hasher *h, const struct hasher_file *file)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += SG_HASHER_TICK_NS;
    if (until.tv_nsec >= SG_NS_PER_S) {
        until.tv_sec++;
        until.tv_nsec -= SG_NS_PER_S;
    }
    (void)pthread_mutex_lock(&h->lock);
    if (!file->done)
        (void)pthread_cond_timedwait(&h->finished, &h->lock, &until);
    (void)pthread_mutex_unlock(&h->lock);
}

static bool is_done(struct hasher *h, const struct hasher_file *file)
{
    (void)pthread_mutex_lock(&h->lock);
    bool done = file->done;
    (void)pthread_mutex_unlock(&h->lock);
    return done;
}

enum cli_status hasher_wait(struct hasher *h, size_t from, size_t count, struct progress *progress)
{
    enum cli_status status = SG_CLI_OK;

    for (size_t i = from; i < from + count; i++) {
        while (!is_done(h, &h->files[i]) && !term_interrupted()) {
            wait_tick(h, &h->files[i]);
            if (progress) {
                /* Each thread has one under way, more or less. */
                size_t taken = atomic_load(&h->next);

                progress->moved = atomic_load(&h->moved);
                progress->files_done = taken > h->n_threads ? taken - h->n_threads : 0;
                progress_draw(progress, 0);
            }
        }
        if (term_interrupted())
            return SG_CLI_INTERRUPTED;
        status = cli_worse(status, report_file(&h->files[i]));
    }
    return status;
}

void hasher_stop(struct hasher *h)
{
    if (!h)
        return;
    atomic_store(&h->stop, true);
    for (unsigned i = 0; i < h->n_threads; i++)
        (void)pthread_join(h->threads[i], NULL);
    for (size_t i = 0; i < h->count; i++)
        free(h->files[i].package);
    (void)pthread_cond_destroy(&h->finished);
    (void)pthread_mutex_destroy(&h->lock);
    free(h);
}

enum cli_status hasher_one(struct hasher_file *file, bool sha512, bool blake2b)
{
    uint8_t *buffer = malloc(SG_HASHER_READ);

    if (!buffer)
        return report_no_memory();
    hash_file(file, sha512, blake2b, buffer, NULL);
    free(buffer);
    free(file->package);
    file->package = NULL;
    return report_file(file);
}
