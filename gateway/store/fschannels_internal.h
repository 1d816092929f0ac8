/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of the file, which fschannels.c and fschannels_file.c share. */
#ifndef SG_STORE_FSCHANNELS_INTERNAL_H
#define SG_STORE_FSCHANNELS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/fschannels.h"

#define SG_FSCHANNELS_COPY   1280 /* bytes */
#define SG_FSCHANNELS_INLINE (SG_FSCHANNELS_COPY - 16 - sizeof(struct channel_record))
#define SG_FSCHANNELS_HEADER 4096 /* bytes before the first slot */
#define SG_FSCHANNELS_CHUNK  256  /* slots for which the disk is asked at a time */

struct fschannels_copy {
    _Atomic uint64_t generation; /* the higher of both counts; 0: not a record */
    uint64_t reserved;
    struct channel_record record;
    uint8_t answer[SG_FSCHANNELS_INLINE]; /* the last one, if it fits */
};
struct fschannels_slot {
    struct fschannels_copy copy[2];
};
_Static_assert(sizeof(struct fschannels_copy) == SG_FSCHANNELS_COPY, "copies have their size");

struct fschannels_header {
    char magic[24];
    char boot[40]; /* the kernel's boot_id */
    uint64_t inode;
    int64_t birth_ns; /* 0 where the file system has none */
    uint64_t slots;
    uint64_t orderly; /* 1: closed, and on the disk */
};

struct fschannels_map {
    struct fschannels_header *header;
    struct fschannels_slot *slot;
};

struct fschannels {
    int dir_fd, answers_fd, fd;
    struct fschannels_map map;
    pthread_mutex_t lock; /* of what follows */
    size_t high;          /* slots from here on were never used */
    size_t allocated;     /* slots that have room on the disk */
    size_t free_count;
    uint32_t *free; /* slots below `high` that are free */
};

#define SG_FSCHANNELS_SIZE                                                                         \
    (SG_FSCHANNELS_HEADER + (size_t)SG_FSCHANNELS_MAX * sizeof(struct fschannels_slot))

/* The copy that counts; NULL: the slot is free. */
struct fschannels_copy *fschannels_current(struct fschannels_slot *slot);
#define SG_FSCHANNELS_NAME 64
/* Of the file with an answer. */
void fschannels_answer_name(const struct channel_record *r, char ret[SG_FSCHANNELS_NAME]);
/* Room on the disk for slots below `count`: to write into a hole of a full disk is a fatal signal.
 */
enum sg_err fschannels_allocate(struct fschannels *f, size_t count) SG_MUST_CHECK;
/* Makes the file of this start out of what the former one still holds, in its place. */
enum sg_err fschannels_renew(struct fschannels *f, bool *ret_void) SG_MUST_CHECK;
/* Writes all out and says so. */
void fschannels_settle(struct fschannels *f);

#endif
