/* SPDX-License-Identifier: Apache-2.0 */
/* Slots of the file of channels; it never waits for the disk but where a new channel needs room. */
#include "store/fschannels_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/secret.h"

static uint64_t generation_of(struct fschannels_copy *copy)
{
    return atomic_load_explicit(&copy->generation, memory_order_acquire);
}

struct fschannels_copy *fschannels_current(struct fschannels_slot *slot)
{
    uint64_t first = generation_of(&slot->copy[0]), second = generation_of(&slot->copy[1]);

    if (first == 0 && second == 0)
        return NULL;
    return &slot->copy[first > second ? 0 : 1];
}

void fschannels_answer_name(const struct channel_record *r, char ret[SG_FSCHANNELS_NAME])
{
    char id[SG_HEX_SIZE(SG_SESSION_ID_SIZE)];

    encode_hex(r->session_id, sizeof r->session_id, id);
    (void)snprintf(ret, SG_FSCHANNELS_NAME, "%s.%llx", id, (unsigned long long)r->last_sequence);
}

static bool has_file(const struct channel_record *r)
{
    return r->last_sequence != 0 && r->last_len > SG_FSCHANNELS_INLINE;
}

static void remove_file(struct fschannels *f, const struct channel_record *r)
{
    char name[SG_FSCHANNELS_NAME];

    fschannels_answer_name(r, name);
    (void)unlinkat(f->answers_fd, name, 0);
}

static enum sg_err write_file(struct fschannels *f, const struct channel_record *r,
                              const void *answer)
{
    char name[SG_FSCHANNELS_NAME];
    enum sg_err err = SG_ERR_IO;

    fschannels_answer_name(r, name);
    {
        SG_FD_CLEANUP int fd = openat(f->answers_fd, name,
                                      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
            return err_from_errno(errno);
        err = file_write_all(fd, answer, (size_t)r->last_len);
    }
    if (err != SG_OK)
        (void)unlinkat(f->answers_fd, name, 0);
    return err;
}

/* The number of the writing is taken away first and given last, so that at no instant a copy that
 * is being written counts. */
static void write_copy(struct fschannels_copy *to, uint64_t generation,
                       const struct channel_record *record, const void *answer, size_t len)
{
    atomic_store_explicit(&to->generation, 0, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    to->record = *record;
    if (answer != NULL)
        memcpy(to->answer, answer, len);
    atomic_store_explicit(&to->generation, generation, memory_order_release);
}

static enum sg_err fschannels_load(void *self,
                                   enum sg_err (*each)(void *ctx, size_t slot,
                                                       const struct channel_record *record),
                                   void *ctx)
{
    struct fschannels *f = self;
    enum sg_err err = SG_OK;

    for (size_t i = 0; err == SG_OK && i < f->high; i++) {
        struct fschannels_copy *copy = fschannels_current(&f->map.slot[i]);

        if (copy != NULL)
            err = each(ctx, i, &copy->record);
    }
    return err;
}

static enum sg_err fschannels_create(void *self, const struct channel_record *record,
                                     size_t *ret_slot)
{
    struct fschannels *f = self;
    enum sg_err err = SG_OK;
    size_t slot = 0;

    pthread_mutex_lock(&f->lock);
    if (f->free_count > 0) {
        slot = f->free[--f->free_count];
    } else if (f->high == SG_FSCHANNELS_MAX) {
        err = SG_ERR_LIMIT;
    } else {
        err = fschannels_allocate(f, f->high + 1);
        if (err == SG_OK) {
            slot = f->high++;
            f->map.header->slots = f->high;
        }
    }
    pthread_mutex_unlock(&f->lock);
    if (err != SG_OK)
        return err;
    write_copy(&f->map.slot[slot].copy[0], 1, record, NULL, 0);
    *ret_slot = slot;
    return SG_OK;
}

static enum sg_err fschannels_update(void *self, size_t index, const struct channel_record *record,
                                     const void *answer)
{
    struct fschannels *f = self;
    struct fschannels_slot *slot = &f->map.slot[index];
    struct fschannels_copy *from = fschannels_current(slot);
    struct fschannels_copy *to = from == &slot->copy[0] ? &slot->copy[1] : &slot->copy[0];
    struct channel_record former = from->record;
    enum sg_err err = SG_OK;

    if (answer != NULL && record->last_len > SG_CHANNEL_ANSWER_MAX)
        return SG_ERR_TOO_LARGE;
    if (answer != NULL && has_file(record))
        err = write_file(f, record, answer);
    if (err != SG_OK)
        return err;
    if (has_file(record))
        write_copy(to, generation_of(from) + 1, record, NULL, 0);
    else
        write_copy(to, generation_of(from) + 1, record, answer != NULL ? answer : from->answer,
                   (size_t)record->last_len);
    if (answer != NULL && has_file(&former) && former.last_sequence != record->last_sequence)
        remove_file(f, &former);
    return SG_OK;
}

static enum sg_err read_answer_file(struct fschannels *f, const struct channel_record *r,
                                    struct buf *out)
{
    char name[SG_FSCHANNELS_NAME];
    uint8_t *to = buf_reserve(out, (size_t)r->last_len);
    size_t done = 0;

    fschannels_answer_name(r, name);
    SG_FD_CLEANUP int fd = openat(f->answers_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (to == NULL)
        return buf_status(out);
    if (fd < 0)
        return err_from_errno(errno);
    while (done < r->last_len) {
        ssize_t n = read(fd, to + done, (size_t)r->last_len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? err_from_errno(errno) : SG_ERR_CORRUPT;
        done += (size_t)n;
    }
    buf_commit(out, done);
    return SG_OK;
}

static enum sg_err fschannels_answer(void *self, size_t index, struct buf *out)
{
    struct fschannels *f = self;
    const struct fschannels_copy *copy = fschannels_current(&f->map.slot[index]);

    if (copy->record.last_sequence == 0)
        return SG_ERR_NOT_FOUND;
    if (has_file(&copy->record))
        return read_answer_file(f, &copy->record, out);
    buf_append(out, copy->answer, (size_t)copy->record.last_len);
    return buf_status(out);
}

static void wipe_slot(struct fschannels *f, size_t index)
{
    struct fschannels_slot *slot = &f->map.slot[index];
    struct fschannels_copy *current = fschannels_current(slot);
    struct fschannels_copy *other;

    if (current == NULL)
        return;
    /* The older one first: it must not count for an instant. */
    other = current == &slot->copy[0] ? &slot->copy[1] : &slot->copy[0];
    atomic_store_explicit(&other->generation, 0, memory_order_seq_cst);
    secret_wipe(other, sizeof *other);
    if (has_file(&current->record))
        remove_file(f, &current->record);
    atomic_store_explicit(&current->generation, 0, memory_order_seq_cst);
    secret_wipe(current, sizeof *current);
}

static void fschannels_remove(void *self, size_t index)
{
    struct fschannels *f = self;

    wipe_slot(f, index);
    pthread_mutex_lock(&f->lock);
    f->free[f->free_count++] = (uint32_t)index;
    pthread_mutex_unlock(&f->lock);
}

static void release(struct fschannels *f)
{
    if (f->map.header != NULL)
        (void)munmap(f->map.header, SG_FSCHANNELS_SIZE);
    file_close(&f->fd);
    file_close(&f->answers_fd);
    file_close(&f->dir_fd);
    pthread_mutex_destroy(&f->lock);
    free(f->free);
    free(f);
}

enum sg_err fschannels_open(const char *dir, struct fschannels **ret, bool *ret_void)
{
    struct fschannels *f = calloc(1, sizeof *f);
    enum sg_err err = SG_OK;
    bool lost = false;

    if (f == NULL)
        return SG_ERR_NO_MEMORY;
    pthread_mutex_init(&f->lock, NULL);
    f->fd = f->answers_fd = -1;
    f->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    f->free = malloc(SG_FSCHANNELS_MAX * sizeof *f->free);
    if (f->free == NULL)
        err = SG_ERR_NO_MEMORY;
    else if (f->dir_fd < 0 || (mkdirat(f->dir_fd, "answers", 0700) != 0 && errno != EEXIST) ||
             (f->answers_fd = openat(f->dir_fd, "answers",
                                     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)) < 0)
        err = err_from_errno(errno);
    if (err == SG_OK)
        err = fschannels_renew(f, &lost);
    if (err != SG_OK) {
        release(f);
        return err;
    }
    if (ret_void != NULL)
        *ret_void = lost;
    *ret = f;
    return SG_OK;
}

void fschannels_close(struct fschannels *f)
{
    if (f == NULL)
        return;
    fschannels_settle(f);
    release(f);
}

void fschannels_drop(struct fschannels *f)
{
    if (f != NULL)
        release(f);
}

struct channels_store fschannels_store(struct fschannels *f)
{
    static const struct channels_vtable vt = {.load = fschannels_load,
                                              .create = fschannels_create,
                                              .update = fschannels_update,
                                              .answer = fschannels_answer,
                                              .remove = fschannels_remove};

    return (struct channels_store){.self = f, .vt = &vt};
}
