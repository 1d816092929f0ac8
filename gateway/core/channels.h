/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealed channel of a session, the gateway's side (docs/channel.md): which sequence numbers and
 * epochs are taken, the answer to the last request again, the change of keys. State outlives the
 * process (store/channels.h). Nothing here blocks but channels_open, channels_new and what says so.
 */
#ifndef SG_CORE_CHANNELS_H
#define SG_CORE_CHANNELS_H

#include "channel/channel.h"
#include "core/identity.h"
#include "ipc/identity.h"

struct channels;

/* A channel as the client gets it once. Wipe it. */
struct channel_offer {
    const char *suite;
    struct channel_terms terms;
    bool given; /* `secret` is the secret, no public keys */
    uint8_t secret[SG_CHANNEL_KEY_SIZE];
    uint8_t signature[SG_IDENTITY_SIGNATURE_SIZE];
    uint8_t identity_key[SG_IDENTITY_KEY_SIZE];
    uint64_t epoch;
};

/* Opens the channel of a session that was just made; `client_public` NULL: the secret is given.
 * SG_ERR_BAD_FIELD (public key), SG_ERR_LIMIT, SG_ERR_UNAVAILABLE (keyring). Blocks. */
enum sg_err channels_open(struct channels *c, const struct session_record *session,
                          const uint8_t *client_public, struct channel_offer *ret) SG_MUST_CHECK;
/* The session is over: its keys are wiped. */
void channels_close(struct channels *c, const uint8_t session_id[SG_SESSION_ID_SIZE]);

#endif
