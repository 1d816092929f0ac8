/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: a gateway's channels on a directory, and a client of one of them. */
#ifndef SG_TESTS_CHANNELS_FIXTURE_H
#define SG_TESTS_CHANNELS_FIXTURE_H

#include <stdbool.h>

#include "core/channels.h"
#include "store/fschannels.h"

struct channels_fixture {
    char *dir;
    struct fschannels *files;
    struct channels *channels;
    struct channels_options options;
    enum sg_err sign_error;
    unsigned signatures;
};

/* responses 10, window 64, 1,800 s, 1 MiB. */
void channels_fixture_init(struct channels_fixture *f);
void channels_fixture_fini(struct channels_fixture *f);
/* Ends the process, so to speak: in order or not; and starts the next. */
void channels_fixture_stop(struct channels_fixture *f, bool orderly);
void channels_fixture_start(struct channels_fixture *f);

/* The client's side. `epoch` is the current one, `former` that before. */
struct channels_client {
    struct channel_terms terms;
    struct channel_epoch epoch, former;
    uint64_t sequence; /* used last */
};

/* A session of its own with a channel; agreed upon, or with a given secret. */
void channels_fixture_open(struct channels_fixture *f, bool given, struct channels_client *ret);

/* One exchange as it went. */
struct channels_try {
    enum sg_err err;
    bool at_once;                      /* else it was sent to where it may wait */
    uint8_t tag[SG_CHANNEL_TAG_SIZE];  /* of the request */
    struct channel_exchange *exchange; /* something was enclosed: give an answer, or abandon */
    struct channel_answer answer;      /* else; its content is freed */
    char text[256];                    /* unsealed: of the answer, or what was enclosed */
    uint8_t sealed[256];               /* the answer as it came */
    size_t sealed_len;
};

/* Sends `text` (NULL: no data) under `epoch` with `sequence`. An answer is unsealed and checked. */
void channels_send(struct channels_fixture *f, struct channels_client *c,
                   const struct channel_epoch *epoch, uint64_t sequence, const char *text,
                   struct channels_try *ret);
/* The same with the next sequence number and the current epoch, and on to the next epoch. */
void channels_next(struct channels_fixture *f, struct channels_client *c, const char *text,
                   struct channels_try *ret);
/* Answers what was enclosed; the answer is unsealed into t->text. */
void channels_reply(struct channels_fixture *f, struct channels_client *c,
                    const struct channel_epoch *epoch, const char *text, struct channels_try *t);

#endif
