/* SPDX-License-Identifier: Apache-2.0 */
/* Sends batches to the keyring in sealed memory files and maps what comes back. It never sends one
 * twice. */
#include "ipc/signing_client.h"

#include <sys/mman.h>

#include "base/file.h"
#include "ipc/keyring_client_internal.h"

void keyring_batch_fini(struct keyring_batch *b)
{
    if (b->memory != NULL)
        (void)munmap(b->memory, b->memory_len);
    b->memory = NULL;
}

static enum sg_err call(struct keyring_client *k, const struct buf *request, const int *fd,
                        struct arena *arena, struct keyring_batch *ret)
{
    SG_FD_CLEANUP int answer = -1;
    struct keyring_batch batch = {0};
    const struct keyring_call c = {.request = request,
                                   .fds = fd,
                                   .nfds = fd == NULL ? 0 : 1,
                                   .timeout_ms = SG_SIGN_TIMEOUT_MS,
                                   .lasts = true,
                                   .once = true,
                                   .decode = keyring_client_decode_empty,
                                   .ret_fd = &answer};
    enum sg_err err = buf_status(request);

    if (err == SG_OK)
        err = keyring_client_call(k, &c);
    if (err == SG_OK)
        err = signing_memory_map(answer, SG_SIGN_RESULT_MAX, &batch.memory, &batch.memory_len);
    if (err != SG_OK)
        return err;
    err = signing_get_result(batch.memory, batch.memory_len, arena, &batch.result);
    if (err != SG_OK) {
        keyring_batch_fini(&batch);
        return err;
    }
    *ret = batch;
    return SG_OK;
}

enum sg_err keyring_client_sign(struct keyring_client *k, const struct keyring_sign *m,
                                struct arena *arena, struct keyring_batch *ret)
{
    SG_BUF_CLEANUP struct buf content;
    SG_BUF_CLEANUP struct buf request;
    SG_FD_CLEANUP int fd = -1;
    enum sg_err err;

    buf_init(&request, 16);
    buf_init(&content, SG_SIGN_REQUEST_MAX);
    signing_put_sign(&content, m);
    err = signing_memory_write(&content, &fd);
    if (err != SG_OK)
        return err;
    buf_fini(&content);
    codec_put_u8(&request, SG_KEYRING_SIGN);
    return call(k, &request, &fd, arena, ret);
}

enum sg_err keyring_client_release(struct keyring_client *k, const struct keyring_release *m,
                                   struct arena *arena, struct keyring_batch *ret)
{
    SG_BUF_CLEANUP struct buf request;

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    if (m->note_len > SG_RELEASE_NOTE_MAX)
        return SG_ERR_BAD_FIELD;
    codec_put_u8(&request, SG_KEYRING_RELEASE);
    codec_put_u64(&request, m->ticket);
    codec_put_bytes(&request, m->note, m->note_len);
    return call(k, &request, NULL, arena, ret);
}
