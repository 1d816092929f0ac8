/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cosignatures of witnesses (c2sp.org/tlog-witness, add-checkpoint): a checkpoint is sent to
 * several at once, each with the proof that it extends what that witness has seen. A cosignature
 * counts only when it verifies. https with a verified certificate; http to this host's loopback
 * only. Any thread may call.
 */
#ifndef SG_CORE_WITNESS_H
#define SG_CORE_WITNESS_H

#include "core/logread.h"

struct witness_pool;

struct witness_options {
    struct logread *log; /* borrowed */
    const char *ca_file; /* PEM; NULL: the system's */
    long timeout_ms;     /* of one witness, all tries together; 0: SG_WITNESS_TIMEOUT_MS */
};
#define SG_WITNESS_TIMEOUT_MS 5000

enum sg_err witness_new(const struct witness_options *options,
                        struct witness_pool **ret) SG_MUST_CHECK;
void witness_free(struct witness_pool *p);

/* Whether a verifier key is that of a witness (type 0x04) and an address may be asked: https, or
 * http to localhost, 127.0.0.1 or [::1]. What is wrong as a static text, NULL: nothing. */
const char *witness_obstacle(const struct keyring_witness *w);

/*
 * Has a checkpoint cosigned: `note`, which must be the log's, or the published one when that is
 * later (a witness signs no smaller tree than it has seen; calls that wait at the same time share
 * one round). Appends it with the lines of all valid cosignatures that came. It waits for all
 * witnesses, yet not longer than the time limit, and once everybody's quorum is reached not longer
 * than another quarter of a second. SG_ERR_QUORUM when fewer than `quorum` different witnesses of
 * the list have cosigned; *ret_reached is set then, too. A quorum of 0 asks nobody.
 */
enum sg_err witness_collect(struct witness_pool *p, const char *note, size_t note_len,
                            const struct keyring_witness *list, size_t count, unsigned quorum,
                            struct buf *out, unsigned *ret_reached) SG_MUST_CHECK;

#endif
