/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that sign notes: sealed files, made once; the private part stays in GnuTLS. */
#include "keyring/translog_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "certs/pki.h"
#include "keyring/keyfile.h"

enum sg_err notekey_name(const char *issuer, const char *suffix, char ret[SG_NOTE_NAME_SIZE])
{
    const char *scheme = strstr(issuer, "://");
    const char *from = scheme != NULL ? scheme + 3 : issuer;
    char name[SG_NOTE_NAME_SIZE];
    size_t left = strlen(from);
    size_t len = 0;

    while (left > 0 && from[left - 1] == '/')
        left--;
    if (left == 0)
        return SG_ERR_BAD_FIELD;
    for (; left > 0; left--, from++) {
        bool plain = *from > ' ' && *from < 0x7f && *from != '+' && *from != '%';

        if (len + 3 + strlen(suffix) >= sizeof name)
            return SG_ERR_BAD_FIELD;
        if (plain)
            name[len++] = *from;
        else
            len += (size_t)snprintf(name + len, 4, "%%%02X", (unsigned char)*from);
    }
    memcpy(name + len, suffix, strlen(suffix) + 1);
    memcpy(ret, name, len + strlen(suffix) + 1);
    return SG_OK;
}

static enum sg_err make_key(const struct kek *kek, const char *path, const char *file,
                            gnutls_privkey_t *ret)
{
    gnutls_privkey_t key;
    enum sg_err err = pki_key_generate(SG_PKI_ED25519, &key);

    if (err != SG_OK)
        return err;
    err = keyfile_save(kek, path, file, key);
    if (err != SG_OK) {
        gnutls_privkey_deinit(key);
        return err;
    }
    log_write(SG_LOG_INFO, "keyring.note_key_made", SG_STR("key", file));
    *ret = key;
    return SG_OK;
}

static enum sg_err fill_public(gnutls_privkey_t key, const char *name, struct note_key *ret)
{
    gnutls_datum_t x = {0};
    gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
    gnutls_pubkey_t public_key;
    enum sg_err err = SG_ERR_CORRUPT;

    if (gnutls_pubkey_init(&public_key) < 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_pubkey_import_privkey(public_key, key, 0, 0) >= 0 &&
        gnutls_pubkey_export_ecc_raw2(public_key, &curve, &x, NULL, 0) >= 0 &&
        curve == GNUTLS_ECC_CURVE_ED25519 && x.size == sizeof ret->public_key)
        err = note_key_make(name, SG_NOTE_ED25519, x.data, ret);
    gnutls_free(x.data);
    gnutls_pubkey_deinit(public_key);
    return err;
}

enum sg_err notekey_open(const struct kek *kek, const char *data, const char *file,
                         const char *name, bool make, struct notekey *ret)
{
    struct notekey k = {.key = NULL};
    char *path = NULL;
    enum sg_err err;

    if (asprintf(&path, "%s/keyring/%s.key", data, file) < 0)
        return SG_ERR_NO_MEMORY;
    err = keyfile_load(kek, path, file, &k.key);
    if (err == SG_ERR_NOT_FOUND && make)
        err = make_key(kek, path, file, &k.key);
    if (err == SG_OK) {
        err = fill_public(k.key, name, &k.public_key);
        if (err != SG_OK)
            notekey_fini(&k);
    }
    if (err != SG_OK && err != SG_ERR_NOT_FOUND)
        log_write(SG_LOG_ERROR, "keyring.note_key_unusable", SG_STR("path", path),
                  SG_STR("name", name), SG_STR("error", err_code(err)));
    free(path);
    if (err == SG_OK)
        *ret = k;
    return err;
}

void notekey_fini(struct notekey *k)
{
    if (k->key != NULL)
        gnutls_privkey_deinit(k->key);
    k->key = NULL;
}

enum sg_err notekey_sign(const struct notekey *k, const struct buf *body, struct buf *out)
{
    const gnutls_datum_t data = {.data = body->data, .size = (unsigned)body->len};
    gnutls_datum_t signature = {0};

    if (k->key == NULL)
        return SG_ERR_NOT_FOUND;
    if (gnutls_privkey_sign_data2(k->key, GNUTLS_SIGN_EDDSA_ED25519, 0, &data, &signature) < 0)
        return SG_ERR_INTERNAL;
    buf_append(out, body->data, body->len);
    buf_putc(out, '\n');
    note_put_signature(out, &k->public_key, signature.data, signature.size);
    gnutls_free(signature.data);
    return buf_status(out);
}
