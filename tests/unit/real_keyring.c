/* SPDX-License-Identifier: Apache-2.0 */
/* Drives the real keyring process in tests; it never reads a key file. */
#include "real_keyring.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/channel.h"

#define ANSWER_MS 20000 /* sanitizers are slow, and RSA keys take their time */

static void run(const char *dir, const char *const *args, int channel)
{
    const char *build = getenv("SECGATE_BUILD");
    const char *argv[16] = {"secgated-keyring", "--data", dir};
    char program[512];
    char log[512];
    size_t n = 3;
    int fd;

    for (; args != NULL && *args != NULL && n < 15; args++)
        argv[n++] = *args;
    (void)snprintf(program, sizeof program, "%s/secgated-keyring", build != NULL ? build : "build");
    (void)snprintf(log, sizeof log, "%s.log", dir);
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(120);
    /* The descriptor may be 3 already; a copy elsewhere makes dup2 clear the flag in any case. */
    channel = fcntl(channel, F_DUPFD_CLOEXEC, 10);
    if (channel < 0 || dup2(channel, 3) < 0)
        _exit(121);
    (void)execv(program, (char *const *)(uintptr_t)argv);
    _exit(122);
}

struct real_keyring real_keyring_start(const char *dir, const char *const *args)
{
    struct real_keyring k;
    int fds[2];

    if (channel_pair(fds) != SG_OK)
        abort();
    k.pid = fork();
    if (k.pid < 0)
        abort();
    if (k.pid == 0)
        run(dir, args, fds[1]);
    (void)close(fds[1]);
    k.control = fds[0];
    return k;
}

int real_keyring_wait(struct real_keyring *k)
{
    int status = 0;

    if (waitpid(k->pid, &status, 0) != k->pid)
        abort();
    k->pid = -1;
    if (k->control != -1)
        (void)close(k->control);
    k->control = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int real_keyring_stop(struct real_keyring *k)
{
    (void)close(k->control);
    k->control = -1;
    return real_keyring_wait(k);
}

/* Sends a request on the control channel and takes its status and perhaps a u8. */
static enum sg_err exchange(struct real_keyring *k, const struct buf *request, const int *fds,
                            size_t nfds, uint8_t *ret)
{
    SG_BUF_CLEANUP struct buf reply;
    struct decoder d;
    enum sg_err err;
    uint8_t status;

    buf_init(&reply, SG_IPC_MESSAGE_MAX);
    err = channel_send(k->control, request, fds, nfds);
    if (err == SG_OK)
        err = channel_receive(k->control, ANSWER_MS, &reply, NULL, NULL);
    if (err != SG_OK)
        return err;
    codec_start(&d, reply.data, reply.len);
    status = codec_u8(&d);
    if (status == SG_OK && ret != NULL)
        *ret = codec_u8(&d);
    err = codec_end(&d);
    return err != SG_OK ? err : (enum sg_err)status;
}

enum sg_err real_keyring_ask(struct real_keyring *k, enum keyring_message type, uint8_t *ret)
{
    SG_BUF_CLEANUP struct buf request;

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, (uint8_t)type);
    return exchange(k, &request, NULL, 0, ret);
}

enum sg_err real_keyring_ensure(struct real_keyring *k, const char *const *names, size_t count,
                                uint8_t *ret_changed)
{
    SG_BUF_CLEANUP struct buf request;
    static struct keyring_names m;

    m.count = count;
    for (size_t i = 0; i < count; i++)
        (void)snprintf(m.name[i], sizeof m.name[i], "%s", names[i]);
    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_ENSURE_CERT);
    keyring_put_names(&request, &m);
    return exchange(k, &request, NULL, 0, ret_changed);
}

enum sg_err real_keyring_attach(struct real_keyring *k, int *ret_fds, size_t count)
{
    SG_BUF_CLEANUP struct buf request;
    int theirs[SG_IPC_FDS_MAX];
    enum sg_err err;

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_ATTACH);
    for (size_t i = 0; i < count; i++) {
        int fds[2];

        if (channel_pair(fds) != SG_OK)
            abort();
        ret_fds[i] = fds[0];
        theirs[i] = fds[1];
    }
    err = exchange(k, &request, theirs, count, NULL);
    for (size_t i = 0; i < count; i++)
        (void)close(theirs[i]);
    return err;
}

struct keyring_client *real_keyring_client(struct real_keyring *k)
{
    struct keyring_client *client = keyring_client_new();
    int fds[SG_KEYRING_CHANNELS];

    if (client == NULL || real_keyring_attach(k, fds, SG_KEYRING_CHANNELS) != SG_OK)
        abort();
    keyring_client_attach(client, fds, SG_KEYRING_CHANNELS);
    return client;
}

enum sg_err real_keyring_send_raw(int fd, const void *data, size_t len, struct buf *reply)
{
    SG_BUF_CLEANUP struct buf message;
    enum sg_err err;

    buf_init(&message, SG_IPC_MESSAGE_MAX);
    buf_append(&message, data, len);
    err = channel_send(fd, &message, NULL, 0);
    return err == SG_OK ? channel_receive(fd, ANSWER_MS, reply, NULL, NULL) : err;
}
