/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealed channel of a profile (channel.json): its session and end, the secret of its epoch, the
 * last sequence number that was used. Whoever changes it holds the lock, so that processes that run
 * at the same time use one channel and never one number twice.
 */
#ifndef SG_CLI_CHANSTATE_H
#define SG_CLI_CHANSTATE_H

#include "channel/channel.h"
#include "cli/cli.h"

struct json_object;

#define SG_CHANSTATE_ID_SIZE (2 * SG_CHANNEL_ID_SIZE + 1)

/* Wipe it. */
struct chanstate {
    char id[SG_CHANSTATE_ID_SIZE]; /* of the session, hex */
    uint8_t session_id[SG_CHANNEL_ID_SIZE];
    int64_t expires_s;
    struct channel_epoch epoch;
    uint64_t sequence; /* used last; 0: none */
};

/* Reads it; the caller holds the lock. *ret_found is false when there is none; one that is damaged
 * is reported. */
enum cli_status chanstate_load(struct profile *profile, struct chanstate *ret,
                               bool *ret_found) SG_CLI_MUST_CHECK;
/* The same for who only looks: it takes the lock for itself. */
enum cli_status chanstate_read(struct profile *profile, struct chanstate *ret,
                               bool *ret_found) SG_CLI_MUST_CHECK;
/* A new channel, in the place of a former one; the caller holds the lock. */
enum cli_status chanstate_create(struct profile *profile,
                                 const struct chanstate *state) SG_CLI_MUST_CHECK;
/* Changes the one that is there; the caller holds the lock. */
enum cli_status chanstate_save(struct profile *profile,
                               const struct chanstate *state) SG_CLI_MUST_CHECK;
/* Takes the lock for itself. */
enum cli_status chanstate_forget(struct profile *profile) SG_CLI_MUST_CHECK;

/* `key` of `json`: exactly `size` bytes as base64. */
bool chanstate_bytes(struct json_object *json, const char *key, uint8_t *ret, size_t size);

/* Takes the lock; *ret is the descriptor that holds it. */
enum cli_status chanstate_lock(struct profile *profile, int *ret) SG_CLI_MUST_CHECK;

#endif
