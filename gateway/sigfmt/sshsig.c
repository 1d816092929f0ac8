/* SPDX-License-Identifier: Apache-2.0 */
/* SSHSIG (OpenSSH PROTOCOL.sshsig), namespace "file": composes and verifies. */
#include <string.h>

#include "sigfmt/internal.h"

#define BEGIN     "-----BEGIN SSH SIGNATURE-----"
#define END       "-----END SSH SIGNATURE-----"
#define NAMESPACE "file"
#define WIDTH     72
#define BLOB_MAX  8192

static void put_signed(struct buf *out, const char *hash, const uint8_t *digest, size_t len)
{
    buf_puts(out, "SSHSIG");
    sigfmt_put_string(out, NAMESPACE, strlen(NAMESPACE));
    sigfmt_put_string(out, "", 0);
    sigfmt_put_string(out, hash, strlen(hash));
    sigfmt_put_string(out, digest, len);
}

/* The signature as OpenSSH wraps it: name of its algorithm, bytes. */
static enum sg_err put_signature(struct buf *out, enum sig_key_type type, const uint8_t *signature,
                                 size_t len)
{
    SG_BUF_CLEANUP struct buf inner;
    const uint8_t *part[2];
    size_t part_len[2];

    buf_init(&inner, 2048);
    switch (type) {
    case SG_KEY_ED25519:
        sigfmt_put_string(&inner, "ssh-ed25519", 11);
        sigfmt_put_string(&inner, signature, len);
        break;
    case SG_KEY_RSA_3072:
        sigfmt_put_string(&inner, "rsa-sha2-512", 12);
        sigfmt_put_string(&inner, signature, len);
        break;
    case SG_KEY_ECDSA_P256: {
        SG_BUF_CLEANUP struct buf numbers;

        buf_init(&numbers, 256);
        if (!sigfmt_ecdsa_split(signature, len, part, part_len))
            return SG_ERR_INTERNAL;
        sigfmt_put_mpint(&numbers, part[0], part_len[0]);
        sigfmt_put_mpint(&numbers, part[1], part_len[1]);
        sigfmt_put_string(&inner, "ecdsa-sha2-nistp256", 19);
        sigfmt_put_string(&inner, numbers.data, numbers.len);
        break;
    }
    }
    sigfmt_put_string(out, inner.data, inner.len);
    return buf_status(&inner);
}

enum sg_err sigfmt_compose_sshsig(struct buf *out, const struct sig_signer *s,
                                  const struct sig_digests *digests, struct buf *scratch)
{
    const char *hash = digests->has_sha512 ? "sha512" : "sha256";
    uint8_t signature[SG_SIGNATURE_MAX];
    size_t len;
    SG_BUF_CLEANUP struct buf key;
    enum sg_err err;

    buf_init(&key, 2048);
    buf_clear(scratch);
    put_signed(scratch, hash, digests->has_sha512 ? digests->sha512 : digests->sha256,
               digests->has_sha512 ? 64 : 32);
    if (buf_status(scratch) != SG_OK)
        return buf_status(scratch);
    /* RSA is rsa-sha2-512; the curve says SHA-256 for ECDSA (RFC 5656). */
    err = s->sign(s->ctx, s->public->type == SG_KEY_RSA_3072 ? SG_OVER_SHA512 : SG_OVER_SHA256,
                  scratch->data, scratch->len, signature, &len);
    if (err == SG_OK)
        err = sig_public_put_ssh(&key, s->public);
    if (err != SG_OK)
        return err;
    buf_clear(scratch);
    buf_puts(scratch, "SSHSIG");
    sigfmt_put_u32(scratch, 1);
    sigfmt_put_string(scratch, key.data, key.len);
    sigfmt_put_string(scratch, NAMESPACE, strlen(NAMESPACE));
    sigfmt_put_string(scratch, "", 0);
    sigfmt_put_string(scratch, hash, strlen(hash));
    err = put_signature(scratch, s->public->type, signature, len);
    if (err == SG_OK)
        err = buf_status(scratch);
    if (err != SG_OK)
        return err;
    buf_puts(out, BEGIN "\n");
    sigfmt_put_base64(out, scratch->data, scratch->len, WIDTH);
    buf_puts(out, END "\n");
    return SG_OK;
}

struct parsed {
    const uint8_t *key, *space, *reserved, *hash, *signature;
    size_t key_len, space_len, reserved_len, hash_len, signature_len;
};

static bool parse(const char *text, size_t len, struct buf *blob, struct parsed *ret)
{
    struct sigfmt_reader r;
    const char *end;

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    if (len > BLOB_MAX || !sigfmt_starts(text, len, BEGIN "\n") || len < sizeof BEGIN + sizeof END)
        return false;
    end = text + len - strlen(END);
    if (memcmp(end, END, strlen(END)) != 0 || end[-1] != '\n')
        return false;
    text += strlen(BEGIN);
    if (sigfmt_unbase64(text, (size_t)(end - text), blob) != SG_OK || blob->len < 6 ||
        memcmp(blob->data, "SSHSIG", 6) != 0)
        return false;
    r = (struct sigfmt_reader){.at = blob->data + 6, .left = blob->len - 6};
    if (sigfmt_read_u32(&r) != 1)
        return false;
    ret->key = sigfmt_read_string(&r, &ret->key_len);
    ret->space = sigfmt_read_string(&r, &ret->space_len);
    ret->reserved = sigfmt_read_string(&r, &ret->reserved_len);
    ret->hash = sigfmt_read_string(&r, &ret->hash_len);
    ret->signature = sigfmt_read_string(&r, &ret->signature_len);
    return !r.failed && r.left == 0 && ret->reserved_len == 0;
}

bool sigfmt_sshsig_key(const char *text, size_t len, struct sig_public *ret)
{
    SG_BUF_CLEANUP struct buf blob;
    struct parsed p;

    buf_init(&blob, BLOB_MAX);
    return parse(text, len, &blob, &p) && sigfmt_public_from_ssh(p.key, p.key_len, ret) == SG_OK;
}

static bool is(const uint8_t *data, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(data, text, len) == 0;
}

/* ECDSA's two numbers as DER, which is what is verified here. */
static bool to_der(const uint8_t *data, size_t len, struct buf *out)
{
    struct sigfmt_reader r = {.at = data, .left = len};
    SG_BUF_CLEANUP struct buf pair;

    buf_init(&pair, 128);
    for (int i = 0; i < 2; i++) {
        size_t n;
        const uint8_t *part = sigfmt_read_string(&r, &n);

        if (n == 0 || n > 33)
            return false;
        sigfmt_der_put(&pair, 0x02, part, n);
    }
    if (r.failed || r.left != 0)
        return false;
    sigfmt_der_put(out, 0x30, pair.data, pair.len);
    return buf_status(&pair) == SG_OK && buf_status(out) == SG_OK;
}

static enum sig_reason check_signature(const struct parsed *p, const struct sig_public *key,
                                       const struct buf *data)
{
    struct sigfmt_reader r = {.at = p->signature, .left = p->signature_len};
    SG_BUF_CLEANUP struct buf der;
    size_t kind_len;
    size_t len;
    const uint8_t *kind = sigfmt_read_string(&r, &kind_len);
    const uint8_t *signature = sigfmt_read_string(&r, &len);

    buf_init(&der, 256);
    if (r.failed || r.left != 0)
        return SG_SIG_MALFORMED;
    if (key->type == SG_KEY_ED25519 && is(kind, kind_len, "ssh-ed25519"))
        return sigfmt_check(key, SG_OVER_SHA256, data->data, data->len, signature, len);
    if (key->type == SG_KEY_RSA_3072 && is(kind, kind_len, "rsa-sha2-512"))
        return sigfmt_check(key, SG_OVER_SHA512, data->data, data->len, signature, len);
    if (key->type == SG_KEY_RSA_3072 && is(kind, kind_len, "rsa-sha2-256"))
        return sigfmt_check(key, SG_OVER_SHA256, data->data, data->len, signature, len);
    if (key->type == SG_KEY_ECDSA_P256 && is(kind, kind_len, "ecdsa-sha2-nistp256"))
        return to_der(signature, len, &der)
                   ? sigfmt_check(key, SG_OVER_SHA256, data->data, data->len, der.data, der.len)
                   : SG_SIG_MALFORMED;
    return SG_SIG_UNSUPPORTED;
}

enum sig_reason sigfmt_verify_sshsig(const char *text, size_t len, const struct sig_public *key,
                                     const struct sig_content *c)
{
    SG_BUF_CLEANUP struct buf blob;
    SG_BUF_CLEANUP struct buf data;
    SG_BUF_CLEANUP struct buf own;
    struct parsed p;
    bool sha512;

    buf_init(&blob, BLOB_MAX);
    buf_init(&data, 1024);
    buf_init(&own, 2048);
    if (!parse(text, len, &blob, &p))
        return SG_SIG_MALFORMED;
    if (!is(p.space, p.space_len, NAMESPACE))
        return SG_SIG_NAMESPACE;
    if (sig_public_put_ssh(&own, key) != SG_OK || own.len != p.key_len ||
        memcmp(own.data, p.key, own.len) != 0)
        return SG_SIG_KEY;
    sha512 = is(p.hash, p.hash_len, "sha512");
    if (!sha512 && !is(p.hash, p.hash_len, "sha256"))
        return SG_SIG_UNSUPPORTED;
    if (sha512 && !c->digests.has_sha512)
        return SG_SIG_NO_DIGEST;
    put_signed(&data, sha512 ? "sha512" : "sha256", sha512 ? c->digests.sha512 : c->digests.sha256,
               sha512 ? 64 : 32);
    return buf_status(&data) == SG_OK ? check_signature(&p, key, &data) : SG_SIG_MALFORMED;
}
