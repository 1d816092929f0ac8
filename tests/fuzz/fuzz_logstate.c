/* SPDX-License-Identifier: Apache-2.0 */
/* The keyring's state of the log: whatever is taken comes out the same again, and what is no entry
 * of the log is never taken for one. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "keyring/logstate.h"
#include "keyring/translog_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Not the same bytes: a verifier key has more than one spelling. */
static void check_again(const struct logstate *s, const struct logstate_file *file)
{
    struct logstate again;
    struct buf text;

    buf_init(&text, SG_LOGSTATE_MAX);
    logstate_put(&text, s, file);
    if (buf_status(&text) != SG_OK || logstate_get(text.data, text.len, file, &again) != SG_OK ||
        again.frontier.size != s->frontier.size || again.bytes != s->bytes ||
        again.last_ns != s->last_ns || again.synced != s->synced ||
        again.synced_bytes != s->synced_bytes || memcmp(&again.key, &s->key, sizeof s->key) != 0 ||
        memcmp(again.frontier.hash, s->frontier.hash, sizeof s->frontier.hash) != 0)
        abort();
    buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct logstate_file file = {.inode = 1, .birth_ns = 2};
    struct logstate s;
    struct buf text;
    uint8_t digest[32];
    enum sg_err err;

    if (logfiles_is_entry(data, len) &&
        (data[0] != '{' || data[len - 1] != '}' || memchr(data, 0, len) != NULL))
        abort();
    if (logstate_get(data, len, &file, &s) == SG_OK) /* a checksum is not guessed */
        abort();

    /* With the checksum that belongs to it, the fields themselves are read. */
    buf_init(&text, SG_LOGSTATE_MAX);
    buf_append(&text, data, len);
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, data, len, digest) < 0)
        abort();
    buf_append(&text, digest, sizeof digest);
    if (buf_status(&text) == SG_OK) {
        err = logstate_get(text.data, text.len, &file, &s);
        if (err == SG_OK)
            check_again(&s, &file);
    }
    buf_fini(&text);
    return 0;
}
