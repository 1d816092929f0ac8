/* SPDX-License-Identifier: Apache-2.0 */
/* Answers LOG_STATE and SIGN_TIME. */
#include "ipc/signing.h"
#include "keyring/serve.h"
#include "keyring/timesign.h"
#include "keyring/translog.h"

enum sg_err serve_log_state(struct services *s, struct request *r)
{
    struct keyring_log_state state = {.size = 0};

    if (!serve_decoded(r, codec_end(&r->in)))
        return SG_ERR_PROTOCOL;
    if (s->log == NULL || s->time == NULL)
        return SG_ERR_UNAVAILABLE;
    note_key_format(translog_key(s->log), state.vkey);
    note_key_format(timesign_key(s->time), state.time_vkey);
    state.size = translog_size(s->log);
    state.closed = translog_is_closed(s->log);
    signing_put_state(r->out, &state);
    return SG_OK;
}

enum sg_err serve_sign_time(struct services *s, struct request *r)
{
    SG_BUF_CLEANUP struct buf note;
    int64_t unix_ns;
    size_t len;
    const uint8_t *nonce = codec_bytes(&r->in, SG_TIME_NONCE_MAX, &len);
    enum sg_err err;

    buf_init(&note, SG_TIME_NOTE_MAX);
    if (!serve_decoded(r, codec_end(&r->in)) ||
        !serve_decoded(r, len >= SG_TIME_NONCE_MIN ? SG_OK : SG_ERR_PROTOCOL))
        return SG_ERR_PROTOCOL;
    if (s->time == NULL)
        return SG_ERR_UNAVAILABLE;
    err = timesign_make(s->time, nonce, len, &note, &unix_ns);
    if (err != SG_OK)
        return err;
    codec_put_i64(r->out, unix_ns);
    codec_put_bytes(r->out, note.data, note.len);
    return SG_OK;
}
