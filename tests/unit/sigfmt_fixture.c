/* SPDX-License-Identifier: Apache-2.0 */
/* Makes keys, certificates and signatures; aborts when anything fails. */
#include "sigfmt_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/x509.h>

static void must(bool ok)
{
    if (!ok)
        abort();
}

static enum sg_err sign(void *ctx, enum sig_over over, const void *data, size_t len,
                        uint8_t ret[SG_SIGNATURE_MAX], size_t *ret_len)
{
    struct sigkey *k = ctx;
    bool sha512 = over == SG_OVER_SHA512;
    gnutls_datum_t in = {.data = (unsigned char *)(uintptr_t)data, .size = (unsigned)len};
    gnutls_sign_algorithm_t algorithm = GNUTLS_SIGN_EDDSA_ED25519;
    gnutls_datum_t out;

    if (k->public.type == SG_KEY_ECDSA_P256)
        algorithm = sha512 ? GNUTLS_SIGN_ECDSA_SHA512 : GNUTLS_SIGN_ECDSA_SHA256;
    if (k->public.type == SG_KEY_RSA_3072)
        algorithm = sha512 ? GNUTLS_SIGN_RSA_SHA512 : GNUTLS_SIGN_RSA_SHA256;
    if (over == SG_OVER_DIGEST_SHA256 && k->public.type != SG_KEY_ED25519)
        must(len == 32 && gnutls_privkey_sign_hash2(k->key, algorithm, 0, &in, &out) == 0);
    else
        must(gnutls_privkey_sign_data2(k->key, algorithm, 0, &in, &out) == 0);
    must(out.size <= SG_SIGNATURE_MAX);
    memcpy(ret, out.data, out.size);
    *ret_len = out.size;
    gnutls_free(out.data);
    return SG_OK;
}

/* Its own authority, so that a tool that wants a chain finds one. */
static void certify(struct sigkey *k, gnutls_pubkey_t public)
{
    gnutls_x509_crt_t crt;
    gnutls_datum_t der;
    const uint8_t serial[] = {0x01, 0x02, 0x03};

    must(gnutls_x509_crt_init(&crt) == 0 && gnutls_x509_crt_set_version(crt, 3) == 0);
    must(gnutls_x509_crt_set_serial(crt, serial, sizeof serial) == 0);
    must(gnutls_x509_crt_set_dn(crt, "CN=sample key", NULL) == 0);
    must(gnutls_x509_crt_set_activation_time(crt, time(NULL) - 3600) == 0);
    must(gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 86400) == 0);
    must(gnutls_x509_crt_set_basic_constraints(crt, 1, -1) == 0);
    must(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN |
                                                GNUTLS_KEY_DIGITAL_SIGNATURE) == 0);
    must(gnutls_x509_crt_set_pubkey(crt, public) == 0);
    must(gnutls_x509_crt_privkey_sign(
             crt, crt, k->key,
             k->public.type == SG_KEY_ED25519 ? GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256, 0) == 0);
    must(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der) == 0);
    must(der.size <= sizeof k->certificate);
    memcpy(k->certificate, der.data, der.size);
    k->certificate_len = der.size;
    gnutls_free(der.data);
    gnutls_x509_crt_deinit(crt);
}

void sigkey_make(enum sig_key_type type, struct sigkey *ret)
{
    static const struct {
        gnutls_pk_algorithm_t kind;
        unsigned bits;
    } kinds[] = {
        [SG_KEY_ED25519] = {GNUTLS_PK_EDDSA_ED25519, 256},
        [SG_KEY_ECDSA_P256] = {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1)},
        [SG_KEY_RSA_3072] = {GNUTLS_PK_RSA, 3072},
    };
    gnutls_pubkey_t public;
    gnutls_datum_t spki;

    memset(ret, 0, sizeof *ret);
    must(gnutls_privkey_init(&ret->key) == 0);
    must(gnutls_privkey_generate(ret->key, kinds[type].kind, kinds[type].bits, 0) == 0);
    must(gnutls_pubkey_init(&public) == 0);
    must(gnutls_pubkey_import_privkey(public, ret->key, 0, 0) == 0);
    must(gnutls_pubkey_export2(public, GNUTLS_X509_FMT_DER, &spki) == 0);
    must(sig_public_load(spki.data, spki.size, &ret->public) == SG_OK);
    must(ret->public.type == type);
    certify(ret, public);
    gnutls_free(spki.data);
    gnutls_pubkey_deinit(public);
    ret->signer = (struct sig_signer){
        .public = &ret->public,
        .key_name = "sample",
        .certificate = ret->certificate,
        .certificate_len = ret->certificate_len,
        .ctx = ret,
        .sign = sign,
    };
}

void sigkey_free(struct sigkey *k)
{
    gnutls_privkey_deinit(k->key);
    sig_public_fini(&k->public);
}

void sigsample_make(const struct sigkey *k, const char *name, const void *data, size_t len,
                    struct sigsample *ret)
{
    struct sig_record *r = &ret->record;

    *r = (struct sig_record){.key = "sample",
                             .key_version = 3,
                             .type = k->public.type,
                             .timestamp_ns = INT64_C(1795262400123000000),
                             .name = name,
                             .size = (int64_t)len,
                             .package = "hello",
                             .fileset = "hello.rte",
                             .vrmf = "2.10-3",
                             .ftype = "deb",
                             .source = SG_SOURCE_CONTENT};
    memcpy(r->keyid, k->public.keyid, 32);
    must(digesting_memory(data, len, &r->digests) == SG_OK);
    ret->content = (struct sig_content){.name = name, .digests = r->digests};
    buf_init(&ret->text, SG_RECORD_TEXT_MAX);
    must(sig_record_put(&ret->text, r) == SG_OK);
}

struct buf sigsample_sign(const struct sigkey *k, enum sig_format format, const struct sigsample *s)
{
    SG_BUF_CLEANUP struct buf scratch;
    struct buf out;

    buf_init(&scratch, SG_SIGFMT_TEXT_MAX);
    buf_init(&out, SG_SIGFMT_TEXT_MAX);
    must(sig_compose(&out, format, &k->signer, &s->record, (const char *)s->text.data, s->text.len,
                     &scratch) == SG_OK);
    return out;
}
