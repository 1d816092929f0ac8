/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealed channel of a session, the gateway's side (docs/channel.md): which sequence numbers and
 * epochs are taken, the answer to the last request again, the change of keys. State outlives the
 * process (store/channels.h). Any thread may call; nothing here blocks but channels_open,
 * channels_new and channels_prune, and channels_take where it may.
 */
#ifndef SG_CORE_CHANNELS_H
#define SG_CORE_CHANNELS_H

#include <stdbool.h>

#include "channel/channel.h"
#include "ipc/identity.h"
#include "store/channels.h"
#include "store/sessions.h"

/* Whether a channel's session is bound to its address where the client does not say so: never, by
 * default, always; the order is that of the configuration. */
enum channels_bind { SG_CHANNELS_BIND_OFF, SG_CHANNELS_BIND_DEFAULT, SG_CHANNELS_BIND_ALWAYS };

struct channels_options {
    struct channels_store store;
    uint8_t storage_key[SG_STORAGE_KEY_SIZE]; /* what secrets at rest are sealed with */
    uint8_t identity_key[SG_IDENTITY_KEY_SIZE];
    /* The identity key's signature (keyring_client_sign_channel); may block. */
    enum sg_err (*sign)(void *ctx, const struct keyring_channel *m,
                        uint8_t ret[SG_IDENTITY_SIGNATURE_SIZE]);
    /* Whether there is no such session any more, for channels_prune; may block. NULL: not known. */
    bool (*ended)(void *ctx, const uint8_t session_id[SG_SESSION_ID_SIZE]);
    void *ctx;
    unsigned session_s; /* life of a channel's session */
    unsigned responses; /* per epoch */
    unsigned window;    /* 1 to 64 */
    size_t data_bytes;  /* of an unsealed request, and of an enclosed answer's body */
    enum channels_bind bind;
};

struct channels;

/* Takes up the channels that the store still has. Wipe the key in `options` afterwards. */
enum sg_err channels_new(const struct channels_options *options,
                         struct channels **ret) SG_MUST_CHECK;
void channels_free(struct channels *c);

/* -- opening ----------------------------------------------------------------------------------- */
/* How long a session with a channel may last at most, in seconds. */
unsigned channels_session_s(const struct channels *c);
/* Whether the session is to be bound to its address: `said` that the client gave a list of what to
 * bind to, `address` that this was in it. */
bool channels_bind_address(const struct channels *c, bool said, bool address);

/* A channel as the client gets it once. Wipe it. */
struct channel_offer {
    const char *suite;
    struct channel_terms terms;
    bool given; /* `secret` is the secret, no public keys and no signature */
    uint8_t secret[SG_CHANNEL_KEY_SIZE];
    uint8_t signature[SG_IDENTITY_SIGNATURE_SIZE];
    uint8_t identity_key[SG_IDENTITY_KEY_SIZE];
    uint64_t epoch;
    bool bound_address;
    unsigned responses_per_epoch, window;
};

/* Opens the channel of a session that was just made; `client_public` NULL: the secret is given. It
 * ends with the session, after channels_session_s at most. SG_ERR_BAD_FIELD (public key),
 * SG_ERR_LIMIT (too many), SG_ERR_NO_SPACE, SG_ERR_UNAVAILABLE (keyring). Blocks. */
enum sg_err channels_open(struct channels *c, const struct session_record *session,
                          const uint8_t *client_public, struct channel_offer *ret) SG_MUST_CHECK;
/* The session is over: its keys are wiped. One that has no channel is no error. */
void channels_close(struct channels *c, const uint8_t session_id[SG_SESSION_ID_SIZE]);
/* Closes those whose time is over, and those whose session went away with its user; call now and
 * then. Blocks. */
void channels_prune(struct channels *c);
/* How many there are. */
size_t channels_count(struct channels *c);
void channels_identity_key(const struct channels *c, uint8_t ret[SG_IDENTITY_KEY_SIZE]);
size_t channels_data_bytes(const struct channels *c);

/* -- exchange ---------------------------------------------------------------------------------- */
struct channel_request {
    uint8_t session_id[SG_SESSION_ID_SIZE];
    uint64_t sequence; /* 1 to SG_CHANNEL_SEQUENCE_MAX */
    bool has_epoch;    /* else the current one */
    uint64_t epoch;
    const uint8_t *nonce; /* of `data`; NULL: that of the sequence number */
    const uint8_t *data;  /* ciphertext and tag; NULL: none */
    size_t data_len;
};

/* What the client gets; buf_fini(&data). */
struct channel_answer {
    uint64_t sequence, epoch, next_epoch;
    uint8_t nonce[SG_CHANNEL_NONCE_SIZE];
    struct buf data;
};

/* An enclosed request on its way, between channels_take and channels_answer. */
struct channel_exchange;

/*
 * Takes a request. Without something enclosed it is answered at once, with `plain` sealed; so is a
 * repeat of the one answered last, with the same bytes. Else *ret_inner is set, its sequence number
 * counts as used from now on, whatever happens, and the unsealed text is appended to `inner` (wipe
 * it). In this order: SG_ERR_NO_CHANNEL, SESSION_EXPIRED, EPOCH, BAD_SEALED (BAD_FIELD: a nonce
 * without data), TOO_LARGE, REPLAYED, SEQUENCE_GAP, SEQUENCE_BUSY, INTERRUPTED; NO_SPACE when its
 * state cannot be kept. With `ret_done` (NULL: it may wait) nothing is done that does not come at
 * once, such as a large answer from its file: *ret_done is false then, what was appended to `inner`
 * counts for nothing, and it is to be called again where it may wait.
 */
enum sg_err channels_take(struct channels *c, const struct channel_request *request,
                          const void *plain, size_t plain_len, struct buf *inner,
                          struct channel_exchange **ret_inner, struct channel_answer *ret,
                          bool *ret_done) SG_MUST_CHECK;
/* Whether channels_answer would wait, for another thread is at work on the channel. */
bool channels_busy(const struct channel_exchange *exchange);
/* Seals what the enclosed request was answered with; takes *exchange. Also for a channel that has
 * ended meanwhile: that may be what was asked for. */
enum sg_err channels_answer(struct channels *c, struct channel_exchange **exchange,
                            const void *plain, size_t plain_len,
                            struct channel_answer *ret) SG_MUST_CHECK;
/* There will be no answer; NULL is legal. A repeat is SG_ERR_INTERRUPTED from now on. */
void channels_abandon(struct channels *c, struct channel_exchange **exchange);

#endif
