/* SPDX-License-Identifier: Apache-2.0 */
/* Layout and calls of LOG_STATE and SIGN_TIME. */
#include "ipc/signing_log.h"

#include <string.h>

#include "ipc/keyring_client_internal.h"

void signing_put_state(struct buf *b, const struct keyring_log_state *m)
{
    codec_put_string(b, m->vkey);
    codec_put_string(b, m->time_vkey);
    codec_put_u64(b, m->size);
    codec_put_u8(b, m->closed);
}

enum sg_err signing_get_state(struct decoder *d, struct keyring_log_state *ret)
{
    struct keyring_log_state m;
    enum sg_err err;

    codec_string(d, m.vkey, sizeof m.vkey);
    codec_string(d, m.time_vkey, sizeof m.time_vkey);
    m.size = codec_u64(d);
    m.closed = codec_u8(d) != 0;
    err = codec_end(d);
    if (err == SG_OK)
        *ret = m;
    return err;
}

static enum sg_err decode_state(struct decoder *d, void *ret)
{
    return signing_get_state(d, ret);
}

enum sg_err keyring_client_log_state(struct keyring_client *k, struct keyring_log_state *ret)
{
    SG_BUF_CLEANUP struct buf request;
    const struct keyring_call call = {.request = &request, .decode = decode_state, .ret = ret};

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_LOG_STATE);
    return keyring_client_call(k, &call);
}

static enum sg_err decode_time(struct decoder *d, void *ret)
{
    struct keyring_time *time = ret;
    int64_t unix_ns = codec_i64(d);
    size_t len;
    const uint8_t *at = codec_bytes(d, SG_TIME_NOTE_MAX, &len);

    if (codec_end(d) != SG_OK || len == 0 || memchr(at, '\0', len) != NULL)
        return SG_ERR_PROTOCOL;
    time->unix_ns = unix_ns;
    memcpy(time->note, at, len);
    time->note[len] = '\0';
    return SG_OK;
}

enum sg_err keyring_client_sign_time(struct keyring_client *k, const uint8_t *nonce, size_t len,
                                     struct keyring_time *ret)
{
    SG_BUF_CLEANUP struct buf request;
    const struct keyring_call call = {.request = &request, .decode = decode_time, .ret = ret};

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    if (len < SG_TIME_NONCE_MIN || len > SG_TIME_NONCE_MAX)
        return SG_ERR_BAD_FIELD;
    codec_put_u8(&request, SG_KEYRING_SIGN_TIME);
    codec_put_bytes(&request, nonce, len);
    return keyring_client_call(k, &call);
}
