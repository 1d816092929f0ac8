/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the three types with signers and certificates, for tests of signatures. */
#ifndef SG_TEST_SIGFMT_FIXTURE_H
#define SG_TEST_SIGFMT_FIXTURE_H

#include <gnutls/abstract.h>

#include "sigfmt/compose.h"
#include "sigfmt/digests.h"
#include "sigfmt/verify.h"

struct sigkey {
    gnutls_privkey_t key;
    struct sig_public public;
    struct sig_signer signer;
    uint8_t certificate[4096]; /* its own */
    size_t certificate_len;
};
/* Aborts when it fails. */
void sigkey_make(enum sig_key_type type, struct sigkey *ret);
void sigkey_free(struct sigkey *k);

/* A record of a content and its canonical text. */
struct sigsample {
    struct sig_record record;
    struct sig_content content;
    struct buf text;
};
void sigsample_make(const struct sigkey *k, const char *name, const void *data, size_t len,
                    struct sigsample *ret);

/* Composes one format; the caller frees the buffer. */
struct buf sigsample_sign(const struct sigkey *k, enum sig_format format,
                          const struct sigsample *s);

#endif
