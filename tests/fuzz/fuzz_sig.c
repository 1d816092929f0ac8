/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes signatures, records and manifests as strangers send them. The first
 * byte chooses format and type. */
#include "base/encode.h"
#include "sigfmt/verify.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* Published keys: RFC 8032, 7.1, test 1; the base point of P-256. */
static const char *const spkis[] = {
    "302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d81"
    "2deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
};

static struct sig_public *key(unsigned which)
{
    static struct sig_public keys[2];
    static bool loaded;

    for (size_t i = 0; i < 2 && !loaded; i++) {
        uint8_t der[128];
        size_t len = strlen(spkis[i]) / 2;

        must(encode_unhex(spkis[i], 2 * len, der, len) == SG_OK);
        must(sig_public_load(der, len, &keys[i]) == SG_OK);
    }
    loaded = true;
    return &keys[which & 1];
}

static void fuzz_record(const char *text, size_t len)
{
    static struct sig_record_read r;
    uint8_t signature[64] = {0};

    if (sig_record_parse(text, len, &r) != SG_OK)
        return;
    must(sig_record_name_valid(r.record.name) && r.record.key_version > 0);
    must(sig_verify_record(text, len, signature, sizeof signature, key(0), NULL) != SG_SIG_VALID);
}

static void fuzz_manifest(const char *text, size_t len)
{
    struct sig_manifest *m;
    const char *lines;
    size_t again;

    if (sig_manifest_parse(text, len, &m) != SG_OK)
        return;
    lines = sig_manifest_lines(m, &again);
    must(again == len && memcmp(lines, text, len) == 0);
    for (size_t i = 0; i < sig_manifest_count(m) && i < 4; i++) {
        merkle_hash proof[SG_MERKLE_PROOF];
        size_t count;

        must(sig_manifest_proof(m, i, proof, &count) == SG_OK);
    }
    sig_manifest_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sig_content content = {.name = "f",
                                  .digests = {.has_sha512 = true, .has_blake2b = true}};
    uint8_t hint[SG_PUBLIC_SPKI_MAX];
    enum sig_kind kind;
    enum sig_format format;
    size_t hint_len;
    uint8_t *copy;

    if (size < 2)
        return 0;
    copy = malloc(size - 1); /* exact, so that reading past the end shows */
    if (copy == NULL)
        return 0;
    memcpy(copy, data + 1, size - 1);
    if (sig_detect(copy, size - 1, &kind, &format) == SG_OK)
        must(kind <= SG_SIG_KIND_PROOF);
    if ((data[0] & 7) == 6) {
        fuzz_record((char *)copy, size - 1);
    } else if ((data[0] & 7) == 7) {
        fuzz_manifest((char *)copy, size - 1);
    } else {
        format = (enum sig_format)(1U << (data[0] & 7));
        (void)sig_hint(format, copy, size - 1, hint, &hint_len);
        (void)sig_verify(format, copy, size - 1, key(data[0] >> 3), &content);
    }
    free(copy);
    return 0;
}
