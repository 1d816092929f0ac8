/* SPDX-License-Identifier: Apache-2.0 */
/* A log in a directory of its own, written and signed by the test. */
#ifndef SG_TESTS_LOG_FIXTURE_H
#define SG_TESTS_LOG_FIXTURE_H

#include <gnutls/abstract.h>

#include "ipc/signing.h"
#include "tlog/checkpoint.h"
#include "tlog/logdir.h"

/* An Ed25519 key that signs notes. */
struct log_signer {
    struct note_key key;
    gnutls_privkey_t private_key;
};
void log_signer_init(struct log_signer *s, const char *name, enum note_type type);
void log_signer_fini(struct log_signer *s);
void log_signer_sign(const struct log_signer *s, const void *data, size_t len, uint8_t ret[64]);

struct log_fixture {
    char *dir;
    struct log_signer signer;
    struct merkle_frontier tree;
    uint64_t bytes; /* in `entries` */
    struct {
        uint64_t count;
        merkle_hash last[SG_TILE_WIDTH]; /* of the tile that grows */
    } level[SG_LOGDIR_HASH_FILES];
    unsigned asked; /* for the keys */
};
/* Without a checkpoint, in a new directory. */
void log_fixture_init(struct log_fixture *f);
void log_fixture_fini(struct log_fixture *f);
/* The entry of an index: text of its number, of changing length. */
size_t log_fixture_entry(uint64_t index, char ret[128]);
/* Appends entries up to `size`, without a checkpoint; several calls may share open files. */
void log_fixture_grow(struct log_fixture *f, uint64_t size);
/* Signs what there is into `out`, and publishes it as the checkpoint. */
void log_fixture_note(struct log_fixture *f, struct buf *out);
void log_fixture_publish(struct log_fixture *f);
/* For logread_options: `ctx` is the fixture. */
enum sg_err log_fixture_state(void *ctx, struct keyring_log_state *ret);
/* Changes one bit of a file. */
void log_fixture_flip(const struct log_fixture *f, const char *file, uint64_t offset);

#endif
