/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the messages around identity: client certificates, the identity key, the storage key. */
#include "keyring/serve.h"

#include "ipc/identity.h"
#include "keyring/identitykey.h"
#include "keyring/keystore.h"

static enum sg_err issue(struct services *s, struct request *r)
{
    SG_BUF_CLEANUP struct buf der;
    struct keyring_client_cert m;
    enum sg_err err;

    buf_init(&der, SG_CLIENT_CERT_MAX);
    if (!serve_decoded(r, keyring_get_client_cert(&r->in, &m)))
        return SG_ERR_PROTOCOL;
    err = keystore_issue_client(s->keys, &m, &der);
    if (err == SG_OK)
        codec_put_bytes(r->out, der.data, der.len);
    return err;
}

static enum sg_err revoke(struct services *s, struct request *r)
{
    struct keyring_revocation m;

    if (!serve_decoded(r, keyring_get_revocation(&r->in, &m)))
        return SG_ERR_PROTOCOL;
    return keystore_revoke(s->keys, &m);
}

static enum sg_err sign_channel(struct services *s, struct request *r)
{
    uint8_t signature[SG_IDENTITY_SIGNATURE_SIZE];
    struct keyring_channel m;
    enum sg_err err;

    if (!serve_decoded(r, keyring_get_channel(&r->in, &m)))
        return SG_ERR_PROTOCOL;
    if (s->identity == NULL)
        return SG_ERR_UNAVAILABLE;
    err = identitykey_sign_channel(s->identity, &m, signature);
    if (err == SG_OK)
        codec_put_bytes(r->out, signature, sizeof signature);
    return err;
}

static enum sg_err identity_key(struct services *s, struct request *r)
{
    uint8_t key[SG_IDENTITY_KEY_SIZE];

    if (!serve_decoded(r, codec_end(&r->in)))
        return SG_ERR_PROTOCOL;
    if (s->identity == NULL)
        return SG_ERR_UNAVAILABLE;
    identitykey_public(s->identity, key);
    codec_put_bytes(r->out, key, sizeof key);
    return SG_OK;
}

/* The one secret that leaves this process: it opens nothing that is kept here. */
static enum sg_err storage_key(struct services *s, struct request *r)
{
    if (!serve_decoded(r, codec_end(&r->in)))
        return SG_ERR_PROTOCOL;
    if (s->storage_key == NULL)
        return SG_ERR_UNAVAILABLE;
    codec_put_bytes(r->out, s->storage_key, SG_STORAGE_KEY_SIZE);
    return SG_OK;
}

enum sg_err serve_identity(struct services *s, enum keyring_message type, struct request *r)
{
    if (type == SG_KEYRING_ISSUE_CLIENT)
        return issue(s, r);
    if (type == SG_KEYRING_REVOKE_CLIENT)
        return revoke(s, r);
    if (type == SG_KEYRING_SIGN_CHANNEL)
        return sign_channel(s, r);
    if (type == SG_KEYRING_IDENTITY_KEY)
        return identity_key(s, r);
    if (type == SG_KEYRING_STORAGE_KEY)
        return storage_key(s, r);
    return SG_ERR_PROTOCOL;
}
