/* SPDX-License-Identifier: Apache-2.0 */
/* The identity key; it signs only what is composed here from a channel's terms. */
#include "keyring/identitykey.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "certs/pki.h"
#include "channel/channel.h"
#include "keyring/keyfile.h"

#define NAME "identity"

struct identitykey {
    gnutls_privkey_t key;
    uint8_t public_key[SG_IDENTITY_KEY_SIZE];
};

static enum sg_err load_or_make(const struct kek *kek, const char *path, gnutls_privkey_t *ret)
{
    gnutls_privkey_t key;
    enum sg_err err = keyfile_load(kek, path, NAME, ret);

    if (err != SG_ERR_NOT_FOUND)
        return err;
    err = pki_key_generate(SG_PKI_ED25519, &key);
    if (err != SG_OK)
        return err;
    err = keyfile_save(kek, path, NAME, key);
    if (err != SG_OK) {
        gnutls_privkey_deinit(key);
        return err;
    }
    log_write(SG_LOG_INFO, "keyring.key_made", SG_STR("path", path));
    *ret = key;
    return SG_OK;
}

static enum sg_err fill_public(struct identitykey *k)
{
    gnutls_pubkey_t public_key;
    gnutls_ecc_curve_t curve;
    gnutls_datum_t x = {0};
    enum sg_err err = SG_ERR_CORRUPT;

    if (gnutls_pubkey_init(&public_key) < 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_pubkey_import_privkey(public_key, k->key, 0, 0) >= 0 &&
        gnutls_pubkey_export_ecc_raw(public_key, &curve, &x, NULL) >= 0 &&
        curve == GNUTLS_ECC_CURVE_ED25519 && x.size == sizeof k->public_key) {
        memcpy(k->public_key, x.data, sizeof k->public_key);
        err = SG_OK;
    }
    gnutls_free(x.data);
    gnutls_pubkey_deinit(public_key);
    return err;
}

enum sg_err identitykey_open(const struct kek *kek, const char *dir, struct identitykey **ret)
{
    char *path = file_join(dir, NAME ".key");
    struct identitykey *k = calloc(1, sizeof *k);
    enum sg_err err = path != NULL && k != NULL ? SG_OK : SG_ERR_NO_MEMORY;

    if (err == SG_OK)
        err = load_or_make(kek, path, &k->key);
    if (err == SG_OK)
        err = fill_public(k);
    if (err != SG_OK) {
        log_write(SG_LOG_ERROR, "keyring.identity_key_unusable", SG_STR("path", path),
                  SG_STR("error", err_code(err)));
        identitykey_close(k);
        k = NULL;
    }
    free(path);
    if (err == SG_OK)
        *ret = k;
    return err;
}

void identitykey_close(struct identitykey *k)
{
    if (k == NULL)
        return;
    if (k->key != NULL)
        gnutls_privkey_deinit(k->key);
    free(k);
}

void identitykey_public(const struct identitykey *k, uint8_t ret[SG_IDENTITY_KEY_SIZE])
{
    memcpy(ret, k->public_key, SG_IDENTITY_KEY_SIZE);
}

enum sg_err identitykey_sign_channel(const struct identitykey *k, const struct keyring_channel *m,
                                     uint8_t ret[SG_IDENTITY_SIGNATURE_SIZE])
{
    SG_BUF_CLEANUP struct buf text;
    struct channel_terms terms = {.created_s = m->created_s, .expires_s = m->expires_s};
    gnutls_datum_t signature = {0};
    gnutls_datum_t data;
    enum sg_err err;

    buf_init(&text, 1024);
    if (m->created_s < 0 || m->expires_s <= m->created_s)
        return SG_ERR_BAD_FIELD;
    memcpy(terms.session_id, m->session_id, sizeof terms.session_id);
    memcpy(terms.client_public, m->client_public, sizeof terms.client_public);
    memcpy(terms.server_public, m->server_public, sizeof terms.server_public);
    memcpy(terms.salt, m->salt, sizeof terms.salt);
    channel_signed_text(&terms, &text);
    err = buf_status(&text);
    if (err != SG_OK)
        return err;
    data = (gnutls_datum_t){.data = text.data, .size = (unsigned)text.len};
    if (gnutls_privkey_sign_data2(k->key, GNUTLS_SIGN_EDDSA_ED25519, 0, &data, &signature) < 0)
        return SG_ERR_INTERNAL;
    err = signature.size == SG_IDENTITY_SIGNATURE_SIZE ? SG_OK : SG_ERR_INTERNAL;
    if (err == SG_OK)
        memcpy(ret, signature.data, SG_IDENTITY_SIGNATURE_SIZE);
    gnutls_free(signature.data);
    return err;
}
