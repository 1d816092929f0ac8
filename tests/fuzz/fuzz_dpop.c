/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes proofs of possession: the first byte chooses between a whole proof, its JSON, and a header
 * and claims (with a zero byte between) that are put into the form of a proof. Whatever is read
 * lies within its bounds. */
#include "base/encode.h"
#include "core/dpop.h"
#include "core/dpopjwt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_object(const struct dpopjwt_object *o, const char *text, size_t len)
{
    must(o->count <= SG_DPOPJWT_MEMBERS);
    for (size_t i = 0; i < o->count; i++) {
        const struct dpopjwt_member *m = &o->member[i];

        must(m->name > text && m->name + m->name_len < text + len);
        must(m->text > text && m->text + m->text_len <= text + len);
        for (size_t k = 0; k < i; k++)
            must(m->name_len != o->member[k].name_len ||
                 memcmp(m->name, o->member[k].name, m->name_len) != 0);
    }
}

static void fuzz_json(const char *text, size_t len)
{
    struct dpopjwt_object outer, inner;

    if (dpopjwt_json(text, len, "jwk", &outer, &inner) == SG_OK) {
        check_object(&outer, text, len);
        check_object(&inner, text, len);
    }
    if (dpopjwt_json(text, len, NULL, &outer, NULL) == SG_OK)
        check_object(&outer, text, len);
}

static void fuzz_proof(const char *text, size_t len)
{
    struct dpopjwt p;

    if (dpopjwt_read(text, len, &p) != SG_OK)
        return;
    must(p.iat_s >= 0 && p.jti[0] != '\0' && p.htm[0] != '\0' && p.htu[0] != '\0');
    must(memchr(p.jti, '\0', sizeof p.jti) != NULL && memchr(p.htu, '\0', sizeof p.htu) != NULL);
    must(!p.has_nonce || (p.nonce[0] != '\0' && memchr(p.nonce, '\0', sizeof p.nonce) != NULL));
}

static void fuzz_parts(const char *text, size_t len)
{
    static const uint8_t signature[64];
    const char *zero = memchr(text, '\0', len);
    size_t head = zero != NULL ? (size_t)(zero - text) : 0;
    char proof[2 * SG_DPOP_PROOF_MAX], *at = proof;

    if (zero == NULL || len > SG_DPOP_PROOF_MAX)
        return;
    encode_base64url(text, head, at);
    at += strlen(at);
    *at++ = '.';
    encode_base64url(zero + 1, len - head - 1, at);
    at += strlen(at);
    *at++ = '.';
    encode_base64url(signature, sizeof signature, at);
    fuzz_proof(proof, strlen(proof));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size == 0)
        return 0;
    text = malloc(size); /* exact, so that reading past the end shows */
    if (text == NULL)
        return 0;
    memcpy(text, data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        fuzz_json(text, size - 1);
        break;
    case 1:
        fuzz_proof(text, size - 1);
        break;
    default:
        fuzz_parts(text, size - 1);
        break;
    }
    free(text);
    return 0;
}
