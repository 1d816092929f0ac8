/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's calls to the keyring. Nothing secret passes here. */
#include "app/keyring_control.h"

#include "ipc/channel.h"
#include "ipc/codec.h"

#define TIMEOUT_MS 15000 /* an RSA key may have to be made */

/* Sends one request and reads its answer; `changed` is filled if the answer has that field. */
static enum sg_err call_within(int timeout_ms, int fd, enum keyring_message type,
                               const struct keyring_names *names, const int *fds, size_t nfds,
                               bool *changed)
{
    SG_BUF_CLEANUP struct buf b;
    struct decoder d;
    enum sg_err err;
    uint8_t result;

    buf_init(&b, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&b, (uint8_t)type);
    if (names != NULL)
        keyring_put_names(&b, names);
    err = buf_status(&b);
    if (err == SG_OK)
        err = channel_send(fd, &b, fds, nfds);
    if (err == SG_OK)
        err = channel_receive(fd, timeout_ms, &b, NULL, NULL);
    if (err != SG_OK)
        return err;
    codec_start(&d, b.data, b.len);
    result = codec_u8(&d);
    if (result != SG_OK)
        return result < SG_ERR_COUNT ? (enum sg_err)result : SG_ERR_PROTOCOL;
    if (changed != NULL)
        *changed = codec_u8(&d) != 0;
    return codec_end(&d);
}

static enum sg_err call(int fd, enum keyring_message type, const struct keyring_names *names,
                        const int *fds, size_t nfds, bool *changed)
{
    return call_within(TIMEOUT_MS, fd, type, names, fds, nfds, changed);
}

enum sg_err keyring_control_status(int fd, int timeout_ms)
{
    return call_within(timeout_ms, fd, SG_KEYRING_STATUS, NULL, NULL, 0, NULL);
}

enum sg_err keyring_control_ensure_cert(int fd, const struct keyring_names *names,
                                        bool *ret_changed)
{
    return call(fd, SG_KEYRING_ENSURE_CERT, names, NULL, 0, ret_changed);
}

enum sg_err keyring_control_attach(int fd, const int *fds, size_t nfds)
{
    return call(fd, SG_KEYRING_ATTACH, NULL, fds, nfds, NULL);
}

enum sg_err keyring_control_reload(int fd)
{
    return call(fd, SG_KEYRING_RELOAD, NULL, NULL, 0, NULL);
}

enum sg_err keyring_control_rotate_tokens(int fd, bool *ret_changed)
{
    return call(fd, SG_KEYRING_ROTATE_TOKENS, NULL, NULL, 0, ret_changed);
}
