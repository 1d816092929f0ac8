/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage of sealed channels: small records that change with every exchange. They outlive the
 * process, killed at whatever instant, and an orderly restart of the machine. They do not outlive
 * anything else: what might be older than what was answered is void, since an old record would let
 * requests be replayed.
 */
#ifndef SG_STORE_CHANNELS_H
#define SG_STORE_CHANNELS_H

#include <stdbool.h>

#include "base/buf.h"
#include "store/store.h"

#define SG_CHANNEL_WRAPPED_SIZE 128 /* bytes of the sealed secrets at most */
#define SG_CHANNEL_RECORD_TAG   16
#define SG_CHANNEL_ANSWER_MAX   (8 * 1024 * 1024) /* bytes of a sealed answer */

struct channel_record {
    uint8_t session_id[SG_SESSION_ID_SIZE];
    int64_t expires_s;
    /* Sequence numbers: the highest, and for it (bit 0) and the 63 before which were taken and
     * which of these were answered. */
    uint64_t highest, taken, answered;
    uint64_t epoch;
    uint64_t responses;    /* answers in this epoch */
    uint64_t former_until; /* the last sequence number in the former epoch */
    uint32_t wrapped_len;
    uint8_t wrapped[SG_CHANNEL_WRAPPED_SIZE];
    /* The last answer: sequence 0 for none. Its content is kept beside the record. */
    uint64_t last_sequence, last_epoch, last_next_epoch;
    uint8_t last_tag[SG_CHANNEL_RECORD_TAG]; /* of its request */
    uint64_t last_len;
};

struct channels_store {
    void *self;
    const struct channels_vtable *vt;
};

/* Calls for one slot come one at a time; create and remove from any thread. */
struct channels_vtable {
    /* Each record that is there, at the start; SG_ERR_* of `each` ends it. */
    enum sg_err (*load)(void *self,
                        enum sg_err (*each)(void *ctx, size_t slot,
                                            const struct channel_record *record),
                        void *ctx) SG_MUST_CHECK;
    /* SG_ERR_LIMIT, SG_ERR_NO_SPACE. */
    enum sg_err (*create)(void *self, const struct channel_record *record,
                          size_t *ret_slot) SG_MUST_CHECK;
    /* Replaces the record as a whole; `answer` NULL: the last answer's content stays, else it is
     * `record->last_len` bytes. After an error the former one stands. Does not block. */
    enum sg_err (*update)(void *self, size_t slot, const struct channel_record *record,
                          const void *answer) SG_MUST_CHECK;
    /* Appends the content of the last answer. SG_ERR_NOT_FOUND. */
    enum sg_err (*answer)(void *self, size_t slot, struct buf *out) SG_MUST_CHECK;
    void (*remove)(void *self, size_t slot);
};

#endif
