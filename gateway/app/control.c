/* SPDX-License-Identifier: Apache-2.0 */
/* Encodes and decodes the messages between parent and worker. */
#include "app/control.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "ipc/channel.h"
#include "ipc/codec.h"

enum sg_err control_send(int fd, const struct control *m, const int *fds, size_t nfds)
{
    SG_BUF_CLEANUP struct buf b;

    buf_init(&b, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&b, (uint8_t)m->type);
    if (m->type == SG_CONTROL_RELOAD) {
        codec_put_u8(&b, (uint8_t)m->log_format);
        codec_put_u8(&b, (uint8_t)m->log_level);
        codec_put_u8(&b, (uint8_t)m->client_certificates);
        codec_put_u8(&b, (uint8_t)m->client_ca.count);
        for (size_t i = 0; i < m->client_ca.count; i++)
            codec_put_string(&b, m->client_ca.item[i]);
    } else if (m->type == SG_CONTROL_RELOADED) {
        codec_put_u8(&b, (uint8_t)m->result);
    } else if (m->type == SG_CONTROL_SETUP_CODE) {
        codec_put_string(&b, m->line);
    }
    if (buf_status(&b) != SG_OK)
        return buf_status(&b);
    return channel_send(fd, &b, fds, nfds);
}

static enum sg_err decode_reload(struct decoder *d, struct control *ret)
{
    size_t count;

    ret->log_format = codec_u8(d);
    ret->log_level = codec_u8(d);
    ret->client_certificates = codec_u8(d);
    count = codec_u8(d);
    if (ret->log_format > SG_LOG_JSON || ret->log_level > SG_LOG_ERROR ||
        ret->client_certificates > SG_CERTIFICATES_REQUIRED || count > SG_CONFIG_LIST_MAX)
        return SG_ERR_PROTOCOL;
    for (size_t i = 0; i < count; i++) {
        size_t len;
        const uint8_t *text = codec_bytes(d, SG_IPC_MESSAGE_MAX, &len);
        char *item = strndup((const char *)text, len);

        if (item == NULL)
            return SG_ERR_NO_MEMORY;
        ret->client_ca.item[ret->client_ca.count++] = item;
    }
    return SG_OK;
}

static enum sg_err decode(const struct buf *b, size_t nfds, struct control *ret)
{
    struct decoder d;
    enum sg_err err;

    memset(ret, 0, sizeof *ret);
    codec_start(&d, b->data, b->len);
    ret->type = (enum control_message)codec_u8(&d);
    switch (ret->type) {
    case SG_CONTROL_CHANNELS:
        if (nfds == 0)
            return SG_ERR_PROTOCOL;
        return codec_end(&d);
    case SG_CONTROL_RELOAD:
        err = decode_reload(&d, ret);
        if (err != SG_OK)
            return err;
        break;
    case SG_CONTROL_RELOADED:
        ret->result = (enum sg_err)codec_u8(&d);
        if (ret->result >= SG_ERR_COUNT)
            return SG_ERR_PROTOCOL;
        break;
    case SG_CONTROL_SETUP_CODE:
        codec_string(&d, ret->line, sizeof ret->line);
        break;
    case SG_CONTROL_DRAIN:
    case SG_CONTROL_READY:
        break;
    default:
        return SG_ERR_PROTOCOL;
    }
    return nfds == 0 ? codec_end(&d) : SG_ERR_PROTOCOL;
}

enum sg_err control_receive(int fd, int timeout_ms, struct control *ret, int *ret_fds,
                            size_t *ret_nfds)
{
    SG_BUF_CLEANUP struct buf b;
    enum sg_err err;

    *ret_nfds = 0;
    buf_init(&b, SG_IPC_MESSAGE_MAX);
    err = channel_receive(fd, timeout_ms, &b, ret_fds, ret_nfds);
    if (err != SG_OK)
        return err;
    err = decode(&b, *ret_nfds, ret);
    if (err != SG_OK) {
        config_list_fini(&ret->client_ca);
        for (size_t i = 0; i < *ret_nfds; i++)
            file_close(&ret_fds[i]);
        *ret_nfds = 0;
    }
    return err;
}
