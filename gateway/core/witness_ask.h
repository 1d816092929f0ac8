/* SPDX-License-Identifier: Apache-2.0 */
/* One witness that is asked for its cosignature on one checkpoint, over HTTP. */
#ifndef SG_CORE_WITNESS_ASK_H
#define SG_CORE_WITNESS_ASK_H

#include <curl/curl.h>
#include <stdbool.h>

#include "core/logread.h"

#define SG_WITNESS_ANSWER_MAX 16384 /* bytes */

struct witness_ask {
    const struct keyring_witness *witness; /* borrowed */
    struct note_key key;
    struct logread *log;
    const struct logread_head *head; /* what shall be cosigned */
    uint64_t old_size;               /* what it has seen, as far as is known; kept up */
    bool corrected;                  /* it has told its size once */
    bool done;
    enum sg_err err; /* when done */
    long status;     /* HTTP status when it answered, else 0 */
    struct buf line; /* its cosignature, when done without error */
    struct buf body;
    struct buf answer;
    CURL *easy;
    struct curl_slist *headers;
    char reason[CURL_ERROR_SIZE];
};

/* Makes the request; the caller adds `easy` to a multi handle. The handle's private pointer is the
 * ask. After an error, and in the end, witness_ask_fini. */
enum sg_err witness_ask_start(struct witness_ask *a, const char *ca_file,
                              long timeout_ms) SG_MUST_CHECK;
/* The transfer has ended: sets `done`, or makes the request anew with the size that the witness has
 * told, to be added again. */
void witness_ask_finished(struct witness_ask *a, CURLcode result, long timeout_ms);
void witness_ask_fini(struct witness_ask *a);

#endif
