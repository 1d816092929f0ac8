/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs batches: policy, records, one append to the log for all of them, then the signatures, made
 * by a few threads of low priority. Nothing that was signed leaves before its leaf is durable. What
 * waits for witnesses is kept as what is to be signed, not as signatures.
 */
#ifndef SG_KEYRING_SIGN_H
#define SG_KEYRING_SIGN_H

#include "base/err.h"
#include "keyring/serve.h"

#define SG_SIGNER_TICKETS_MAX      64          /* batches that wait for witnesses */
#define SG_SIGNER_TICKET_BYTES_MAX (256 << 20) /* and their bytes in all */
#define SG_SIGNER_BATCHES_MAX      6           /* at a time; others are OVERLOADED */
#define SG_SIGNER_THREADS_MAX      16

struct signer;

/* Starts the threads: one per processor. `named` and `log` are borrowed. */
enum sg_err signer_new(struct namedkeys *named, struct translog *log,
                       struct signer **ret) SG_MUST_CHECK;
/* No batch may be under way. NULL is legal. */
void signer_free(struct signer *s);

/* Answers SIGN and RELEASE. SIGN comes with exactly one descriptor; both send one back. */
enum sg_err serve_sign(struct services *s, enum keyring_message type,
                       struct request *r) SG_MUST_CHECK;

#endif
