/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's calls about named keys; one that changes something is never sent twice. */
#include "ipc/signing_keys.h"

#include "ipc/keyring_client_internal.h"

static enum sg_err decode_key(struct decoder *d, void *ret)
{
    return signing_get_key(d, ret);
}

static enum sg_err change(struct keyring_client *k, const struct buf *request, bool lasts,
                          struct keyring_key *ret)
{
    const struct keyring_call call = {
        .request = request,
        .timeout_ms = SG_KEY_MAKE_TIMEOUT_MS,
        .lasts = lasts,
        .once = true,
        .decode = decode_key,
        .ret = ret,
    };

    return keyring_client_call(k, &call);
}

enum sg_err keyring_client_key_create(struct keyring_client *k, const struct keyring_key_create *m,
                                      struct keyring_key *ret)
{
    SG_BUF_CLEANUP struct buf request;

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_KEY_CREATE);
    signing_put_create(&request, m);
    return change(k, &request, true, ret);
}

enum sg_err keyring_client_key_rotate(struct keyring_client *k, const struct keyring_key_rotate *m,
                                      struct keyring_key *ret)
{
    SG_BUF_CLEANUP struct buf request;

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_KEY_ROTATE);
    signing_put_rotate(&request, m);
    return change(k, &request, true, ret);
}

enum sg_err keyring_client_key_update(struct keyring_client *k, const struct keyring_key_update *m,
                                      struct keyring_key *ret)
{
    SG_BUF_CLEANUP struct buf request;

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_KEY_UPDATE);
    signing_put_update(&request, m);
    return change(k, &request, true, ret);
}

struct names_out {
    char (*names)[SG_KEY_NAME_SIZE];
    size_t *count;
};

static enum sg_err decode_names(struct decoder *d, void *ret)
{
    struct names_out *out = ret;
    size_t count = codec_u32(d);

    if (count > SG_KEYS_MAX)
        return SG_ERR_PROTOCOL;
    for (size_t i = 0; i < count; i++)
        codec_string(d, out->names[i], SG_KEY_NAME_SIZE);
    if (codec_end(d) != SG_OK)
        return SG_ERR_PROTOCOL;
    *out->count = count;
    return SG_OK;
}

static enum sg_err ask(struct keyring_client *k, const struct buf *request,
                       enum sg_err (*decode)(struct decoder *, void *), void *ret)
{
    const struct keyring_call call = {.request = request, .decode = decode, .ret = ret};

    return keyring_client_call(k, &call);
}

enum sg_err keyring_client_key_names(struct keyring_client *k,
                                     char ret[SG_KEYS_MAX][SG_KEY_NAME_SIZE], size_t *ret_count)
{
    SG_BUF_CLEANUP struct buf request;
    struct names_out out = {.names = ret, .count = ret_count};

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_KEY_NAMES);
    return ask(k, &request, decode_names, &out);
}

enum sg_err keyring_client_key_get(struct keyring_client *k, const char *name,
                                   struct keyring_key *ret)
{
    SG_BUF_CLEANUP struct buf request;

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_KEY_GET);
    codec_put_string(&request, name);
    return ask(k, &request, decode_key, ret);
}

static enum sg_err decode_public(struct decoder *d, void *ret)
{
    return signing_get_public(d, ret);
}

enum sg_err keyring_client_key_public(struct keyring_client *k, const char *name, uint32_t version,
                                      struct keyring_public *ret)
{
    SG_BUF_CLEANUP struct buf request;

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_KEY_PUBLIC);
    codec_put_string(&request, name);
    codec_put_u32(&request, version);
    return ask(k, &request, decode_public, ret);
}
