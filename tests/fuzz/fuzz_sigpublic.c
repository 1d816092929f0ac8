/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes public keys in all forms. What is accepted must read back as the same key from each form
 * that it can be written in. */
#include "sigfmt/public.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check(const struct sig_public *key)
{
    static const enum sig_public_format forms[] = {SG_PUBLIC_PEM, SG_PUBLIC_SSH, SG_PUBLIC_JWK,
                                                   SG_PUBLIC_MINISIGN, SG_PUBLIC_SIGNIFY};
    size_t count = key->type == SG_KEY_ED25519 ? 5 : 3;

    for (size_t i = 0; i < count; i++) {
        struct sig_public again;
        struct buf out;

        buf_init(&out, SG_PUBLIC_TEXT_MAX);
        must(sig_public_put(&out, key, forms[i], "k", NULL, 0) == SG_OK);
        must(sig_public_parse(out.data, out.len, &again) == SG_OK);
        must(again.type == key->type && memcmp(again.keyid, key->keyid, 32) == 0);
        sig_public_fini(&again);
        buf_fini(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sig_public key;
    uint8_t *copy = malloc(size + (size == 0 ? 1 : 0));

    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    if (sig_public_parse(copy, size, &key) == SG_OK) {
        check(&key);
        sig_public_fini(&key);
    }
    free(copy);
    return 0;
}
