/* SPDX-License-Identifier: Apache-2.0 */
/* The file of channels as a whole: whether a former one counts, and the new one of each start. It
 * never takes what might be a copy, or older than what was answered. */
#include "store/fschannels_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"

#define MAGIC     "secgate channels 1\n"
#define BOOT_FILE "/proc/sys/kernel/random/boot_id"
#define STATE     "state"
#define STATE_NEW "state.new"

static enum sg_err identify(int fd, struct fschannels_header *ret)
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

/* Left empty when the kernel does not say: nothing then counts at the next start. */
static void read_boot(char ret[40])
{
    SG_FD_CLEANUP int fd = open(BOOT_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, ret, 39) : 0;

    ret[n > 0 ? n : 0] = 0;
    ret[strcspn(ret, "\n")] = 0;
}

static enum sg_err map_file(int fd, struct fschannels_map *ret)
{
    uint8_t *at = mmap(NULL, SG_FSCHANNELS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (at == MAP_FAILED)
        return err_from_errno(errno);
    ret->header = (struct fschannels_header *)(void *)at;
    ret->slot = (struct fschannels_slot *)(void *)(at + SG_FSCHANNELS_HEADER);
    return SG_OK;
}

/* Whether the file is the one that was written, and nothing of it can have been lost since. */
static bool counts(const struct fschannels_header *h, int fd)
{
    struct fschannels_header now = {.inode = 0};

    read_boot(now.boot);
    return identify(fd, &now) == SG_OK && memcmp(h->magic, MAGIC, sizeof MAGIC) == 0 &&
           h->inode == now.inode && h->birth_ns == now.birth_ns && h->slots <= SG_FSCHANNELS_MAX &&
           (h->orderly == 1 ||
            (now.boot[0] != 0 && memcmp(h->boot, now.boot, sizeof now.boot) == 0));
}

/* The former file; fails with SG_ERR_NOT_FOUND when there is none, SG_ERR_CORRUPT when it does not
 * count. */
static enum sg_err open_former(struct fschannels *f, struct fschannels_map *ret)
{
    SG_FD_CLEANUP int fd = openat(f->dir_fd, STATE, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    enum sg_err err;

    if (fd < 0)
        return errno == ELOOP ? SG_ERR_CORRUPT : err_from_errno(errno);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size != (off_t)SG_FSCHANNELS_SIZE)
        return SG_ERR_CORRUPT;
    err = map_file(fd, ret);
    if (err == SG_OK && !counts(ret->header, fd)) {
        (void)munmap(ret->header, SG_FSCHANNELS_SIZE);
        err = SG_ERR_CORRUPT;
    }
    return err;
}

enum sg_err fschannels_allocate(struct fschannels *f, size_t count)
{
    size_t wanted = (count + SG_FSCHANNELS_CHUNK - 1) / SG_FSCHANNELS_CHUNK * SG_FSCHANNELS_CHUNK;
    int code;

    if (wanted <= f->allocated)
        return SG_OK;
    do
        code =
            posix_fallocate(f->fd, 0, (off_t)(SG_FSCHANNELS_HEADER + wanted * sizeof *f->map.slot));
    while (code == EINTR);
    if (code != 0)
        return err_from_errno(code);
    f->allocated = wanted;
    return SG_OK;
}

static enum sg_err make_new(struct fschannels *f)
{
    enum sg_err err;

    (void)unlinkat(f->dir_fd, STATE_NEW, 0);
    f->fd = openat(f->dir_fd, STATE_NEW, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f->fd < 0 || ftruncate(f->fd, (off_t)SG_FSCHANNELS_SIZE) != 0)
        return err_from_errno(errno);
    err = fschannels_allocate(f, 1);
    if (err == SG_OK)
        err = map_file(f->fd, &f->map);
    if (err == SG_OK)
        err = identify(f->fd, f->map.header);
    if (err == SG_OK) {
        read_boot(f->map.header->boot);
        f->map.header->slots = 0;
        f->map.header->orderly = 0;
        memcpy(f->map.header->magic, MAGIC, sizeof MAGIC);
    }
    return err;
}

static bool record_ok(const struct channel_record *r, int64_t now_s)
{
    return r->expires_s > now_s && r->wrapped_len <= sizeof r->wrapped &&
           r->last_len <= SG_CHANNEL_ANSWER_MAX;
}

/* What is alive moves to the front of the new file. */
static enum sg_err move_records(struct fschannels *f, const struct fschannels_map *former)
{
    int64_t now_s = clock_now_s();
    enum sg_err err = SG_OK;

    for (size_t i = 0; err == SG_OK && i < former->header->slots; i++) {
        struct fschannels_copy *from = fschannels_current(&former->slot[i]);

        if (from == NULL || !record_ok(&from->record, now_s))
            continue;
        err = fschannels_allocate(f, f->high + 1);
        if (err != SG_OK)
            break;
        memcpy(&f->map.slot[f->high].copy[0], from, sizeof *from);
        f->map.header->slots = ++f->high;
    }
    return err;
}

struct answer_name {
    char text[SG_FSCHANNELS_NAME];
};

static int compare_names(const void *a, const void *b)
{
    const struct answer_name *one = a, *other = b;

    return strcmp(one->text, other->text);
}

/* The files that records have, in order: with tens of thousands of channels each file is found at
 * once. Free with free(). */
static enum sg_err list_answers(const struct fschannels *f, struct answer_name **ret,
                                size_t *ret_count)
{
    struct answer_name *list = calloc(f->high + 1, sizeof *list);
    size_t count = 0;

    if (list == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < f->high; i++) {
        const struct channel_record *r = &f->map.slot[i].copy[0].record;

        if (r->last_len > SG_FSCHANNELS_INLINE)
            fschannels_answer_name(r, list[count++].text);
    }
    qsort(list, count, sizeof *list, compare_names);
    *ret = list;
    *ret_count = count;
    return SG_OK;
}

static bool is_listed(const char *name, const struct answer_name *list, size_t count)
{
    struct answer_name key = {.text = ""};

    if (strlen(name) >= sizeof key.text)
        return false;
    memcpy(key.text, name, strlen(name));
    return bsearch(&key, list, count, sizeof *list, compare_names) != NULL;
}

/* Answers that no record has; what cannot be done now is done at the next start. */
static void sweep_answers(struct fschannels *f)
{
    int fd = openat(f->answers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct answer_name *list = NULL;
    const struct dirent *e;
    size_t count = 0;

    if (dir == NULL) {
        file_close(&fd);
        return;
    }
    if (list_answers(f, &list, &count) == SG_OK)
        while ((e = readdir(dir)) != NULL)
            if (e->d_name[0] != '.' && !is_listed(e->d_name, list, count))
                (void)unlinkat(f->answers_fd, e->d_name, 0);
    free(list);
    closedir(dir);
}

enum sg_err fschannels_renew(struct fschannels *f, bool *ret_void)
{
    struct fschannels_map former = {.header = NULL};
    enum sg_err found = open_former(f, &former);
    enum sg_err err;

    if (found != SG_OK && found != SG_ERR_NOT_FOUND && found != SG_ERR_CORRUPT)
        return found;
    err = make_new(f);
    if (found == SG_OK) {
        if (err == SG_OK)
            err = move_records(f, &former);
        (void)munmap(former.header, SG_FSCHANNELS_SIZE);
    }
    /* Synced: else the machine could come back with a former file that was closed in order. */
    if (err == SG_OK &&
        (renameat(f->dir_fd, STATE_NEW, f->dir_fd, STATE) != 0 || fsync(f->dir_fd) != 0))
        err = err_from_errno(errno);
    if (err == SG_OK)
        sweep_answers(f);
    *ret_void = found == SG_ERR_CORRUPT;
    return err;
}

/* The files with answers; false when one may not be on the disk. */
static bool sync_answers(struct fschannels *f)
{
    bool done = fsync(f->answers_fd) == 0;

    for (size_t i = 0; done && i < f->high; i++) {
        const struct fschannels_copy *copy = fschannels_current(&f->map.slot[i]);
        char name[SG_FSCHANNELS_NAME];

        if (copy == NULL || copy->record.last_len <= SG_FSCHANNELS_INLINE)
            continue;
        fschannels_answer_name(&copy->record, name);
        {
            SG_FD_CLEANUP int fd = openat(f->answers_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

            done = fd >= 0 && fsync(fd) == 0;
        }
    }
    return done;
}

void fschannels_settle(struct fschannels *f)
{
    f->map.header->orderly = 0;
    if (!sync_answers(f) || msync(f->map.header, SG_FSCHANNELS_SIZE, MS_SYNC) != 0)
        return;
    f->map.header->orderly = 1;
    (void)msync(f->map.header, SG_FSCHANNELS_HEADER, MS_SYNC);
}
