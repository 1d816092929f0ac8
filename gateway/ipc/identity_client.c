/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's calls to the keyring around identity. */
#include "ipc/identity.h"

#include <string.h>

#include "ipc/keyring_client_internal.h"

/* Where the bytes of an answer go: from min to max of them. */
struct answer {
    uint8_t *bytes;
    size_t min, max, len;
};

static enum sg_err decode_bytes(struct decoder *d, void *ret)
{
    struct answer *a = ret;
    size_t len;
    const uint8_t *at = codec_bytes(d, a->max, &len);

    if (codec_end(d) != SG_OK || len < a->min)
        return SG_ERR_PROTOCOL;
    memcpy(a->bytes, at, len);
    a->len = len;
    return SG_OK;
}

static enum sg_err ask(struct keyring_client *k, const struct buf *request, struct answer *answer)
{
    const struct keyring_call call = {.request = request,
                                      .decode = answer != NULL ? decode_bytes
                                                               : keyring_client_decode_empty,
                                      .ret = answer};
    enum sg_err err = buf_status(request);

    return err == SG_OK ? keyring_client_call(k, &call) : err;
}

enum sg_err keyring_client_issue(struct keyring_client *k, const struct keyring_client_cert *m,
                                 uint8_t ret_der[SG_CLIENT_CERT_MAX], size_t *ret_len)
{
    SG_BUF_CLEANUP struct buf request;
    struct answer answer = {.bytes = ret_der, .min = 1, .max = SG_CLIENT_CERT_MAX};
    enum sg_err err;

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_ISSUE_CLIENT);
    keyring_put_client_cert(&request, m);
    err = ask(k, &request, &answer);
    if (err == SG_OK)
        *ret_len = answer.len;
    return err;
}

enum sg_err keyring_client_revoke(struct keyring_client *k, const struct keyring_revocation *m)
{
    SG_BUF_CLEANUP struct buf request;

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_REVOKE_CLIENT);
    keyring_put_revocation(&request, m);
    return ask(k, &request, NULL);
}

enum sg_err keyring_client_sign_channel(struct keyring_client *k, const struct keyring_channel *m,
                                        uint8_t ret[SG_IDENTITY_SIGNATURE_SIZE])
{
    SG_BUF_CLEANUP struct buf request;
    struct answer answer = {
        .bytes = ret, .min = SG_IDENTITY_SIGNATURE_SIZE, .max = SG_IDENTITY_SIGNATURE_SIZE};

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_SIGN_CHANNEL);
    keyring_put_channel(&request, m);
    return ask(k, &request, &answer);
}

enum sg_err keyring_client_identity_key(struct keyring_client *k, uint8_t ret[SG_IDENTITY_KEY_SIZE])
{
    SG_BUF_CLEANUP struct buf request;
    struct answer answer = {.bytes = ret, .min = SG_IDENTITY_KEY_SIZE, .max = SG_IDENTITY_KEY_SIZE};

    buf_init(&request, 16);
    codec_put_u8(&request, SG_KEYRING_IDENTITY_KEY);
    return ask(k, &request, &answer);
}

enum sg_err keyring_client_storage_key(struct keyring_client *k, uint8_t ret[SG_STORAGE_KEY_SIZE])
{
    SG_BUF_CLEANUP struct buf request;
    struct answer answer = {.bytes = ret, .min = SG_STORAGE_KEY_SIZE, .max = SG_STORAGE_KEY_SIZE};

    buf_init(&request, 16);
    codec_put_u8(&request, SG_KEYRING_STORAGE_KEY);
    return ask(k, &request, &answer);
}
