/* SPDX-License-Identifier: Apache-2.0 */
/* A witness on 127.0.0.1 that keeps to the protocol, or breaks it in a chosen way. */
#ifndef SG_TESTS_FAKE_WITNESS_H
#define SG_TESTS_FAKE_WITNESS_H

#include <pthread.h>
#include <stdatomic.h>

#include "log_fixture.h"

enum fake_mode {
    FAKE_HONEST,
    FAKE_SILENT,    /* takes the request, says nothing */
    FAKE_WRONG,     /* signs something else */
    FAKE_FOREIGN,   /* signs with a key that is not its own */
    FAKE_REFUSES,   /* 403 */
    FAKE_ENDLESS,   /* never stops answering */
    FAKE_CONFUSED,  /* 409 with the size that is asked for, for ever */
    FAKE_AHEAD,     /* 409 with a size that the log does not have */
    FAKE_REDIRECTS, /* 307 to itself */
    FAKE_CHATTY,    /* honest, between lines of others */
};

struct fake_witness {
    struct log_signer signer;
    struct log_signer other;
    struct note_key log; /* whose checkpoints it takes */
    _Atomic enum fake_mode mode;
    gnutls_certificate_credentials_t tls; /* NULL: plain HTTP */
    int listen_fd;
    uint16_t port;
    pthread_t thread;
    struct checkpoint seen; /* its own thread alone */
    atomic_uint requests, cosigned;
};

void fake_witness_start(struct fake_witness *w, const char *name, const struct note_key *log);
/* The same over TLS, with a certificate of its own for localhost, written to `pem_file`. */
void fake_witness_start_tls(struct fake_witness *w, const char *name, const struct note_key *log,
                            const char *pem_file);
void fake_witness_stop(struct fake_witness *w);
/* As the key of a named key lists it. */
void fake_witness_put(const struct fake_witness *w, struct keyring_witness *ret);

#endif
