/* SPDX-License-Identifier: Apache-2.0 */
/* Takes requests off the channels; a peer that sends what it may not is never answered again. */
#include "keyring/keyserve.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ipc/channel.h"
#include "keyring/keystore.h"
#include "keyring/sign.h"
#include "keyring/serve.h"

struct server;

struct worker {
    struct server *server;
    int fd; /* under server->lock; -1: free place */
};

struct server {
    struct services *services;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct worker workers[SG_KEYSERVE_CHANNELS_MAX];
    size_t active; /* under lock */
};

static enum sg_err answer_changed(struct request *r, enum sg_err err, bool changed)
{
    if (err == SG_OK)
        codec_put_u8(r->out, changed ? 1 : 0);
    return err;
}

static enum sg_err ensure_cert(struct keystore *k, struct request *r)
{
    struct keyring_names names;
    bool changed = false;
    enum sg_err err;

    if (!serve_decoded(r, keyring_get_names(&r->in, &names)))
        return SG_ERR_PROTOCOL;
    err = keystore_ensure_cert(k, &names, &changed);
    return answer_changed(r, err, changed);
}

static enum sg_err rotate_tokens(struct keystore *k, struct request *r)
{
    bool changed = false;
    enum sg_err err = keystore_rotate_tokens(k, &changed);

    return answer_changed(r, err, changed);
}

/* The signature and the token are produced apart, because their length comes first. */
static enum sg_err answer_bytes(struct request *r, enum sg_err err, const struct buf *bytes)
{
    if (err == SG_OK)
        codec_put_bytes(r->out, bytes->data, bytes->len);
    return err;
}

static enum sg_err sign_tls(struct keystore *k, struct request *r)
{
    SG_BUF_CLEANUP struct buf signature;
    struct keyring_sign_tls m;
    enum sg_err err;

    buf_init(&signature, 4096);
    if (!serve_decoded(r, keyring_get_sign_tls(&r->in, &m)))
        return SG_ERR_PROTOCOL;
    err = keystore_sign_tls(k, &m, &signature);
    return answer_bytes(r, err, &signature);
}

static enum sg_err has_tls_key(struct keystore *k, struct request *r)
{
    uint32_t algorithm;
    uint32_t bits;
    size_t len;
    const uint8_t *spki = codec_bytes(&r->in, 32, &len);
    enum sg_err err;

    if (!serve_decoded(r, codec_end(&r->in)) ||
        !serve_decoded(r, len == 32 ? SG_OK : SG_ERR_PROTOCOL))
        return SG_ERR_PROTOCOL;
    err = keystore_find_tls(k, spki, &algorithm, &bits);
    if (err == SG_OK) {
        codec_put_u32(r->out, algorithm);
        codec_put_u32(r->out, bits);
    }
    return err;
}

static enum sg_err mint(struct keystore *k, struct request *r)
{
    struct keyring_claims claims;
    struct buf token;
    enum sg_err err;

    if (!serve_decoded(r, keyring_get_claims(&r->in, &claims)))
        return SG_ERR_PROTOCOL;
    buf_init(&token, 4096);
    err = keystore_mint(k, &claims, &token);
    err = answer_bytes(r, err, &token);
    buf_wipe(&token);
    return err;
}

static enum sg_err token_keys(struct keystore *k, struct request *r)
{
    struct token_key keys[SG_TOKEN_KEYS_MAX];
    size_t count = keystore_token_keys(k, keys);

    keyring_put_token_keys(r->out, keys, count);
    return SG_OK;
}

static enum sg_err attach(struct server *s, struct request *r);

/* Which messages come with descriptors: new channels, and a batch with its memory file. */
static bool has_its_fds(uint8_t type, size_t nfds)
{
    if (type == SG_KEYRING_ATTACH)
        return nfds > 0;
    return nfds == (type == SG_KEYRING_SIGN ? 1 : 0);
}

static enum sg_err answer(struct server *s, uint8_t type, struct request *r)
{
    struct keystore *keys = s->services->keys;

    /* Requests without fields end after the type. */
    if (!serve_decoded(r, has_its_fds(type, r->nfds) ? SG_OK : SG_ERR_PROTOCOL))
        return SG_ERR_PROTOCOL;
    switch ((enum keyring_message)type) {
    case SG_KEYRING_ENSURE_CERT:
        return ensure_cert(keys, r);
    case SG_KEYRING_SIGN_TLS:
        return sign_tls(keys, r);
    case SG_KEYRING_HAS_TLS_KEY:
        return has_tls_key(keys, r);
    case SG_KEYRING_MINT:
        return mint(keys, r);
    case SG_KEYRING_ATTACH:
    case SG_KEYRING_RELOAD:
    case SG_KEYRING_ROTATE_TOKENS:
    case SG_KEYRING_STATUS:
    case SG_KEYRING_TOKEN_KEYS:
        break;
    case SG_KEYRING_KEY_CREATE:
    case SG_KEYRING_KEY_ROTATE:
    case SG_KEYRING_KEY_UPDATE:
    case SG_KEYRING_KEY_NAMES:
    case SG_KEYRING_KEY_GET:
    case SG_KEYRING_KEY_PUBLIC:
        return serve_keys(s->services, (enum keyring_message)type, r);
    case SG_KEYRING_SIGN:
    case SG_KEYRING_RELEASE:
        return serve_sign(s->services, (enum keyring_message)type, r);
    case SG_KEYRING_LOG_STATE:
        return serve_log_state(s->services, r);
    case SG_KEYRING_SIGN_TIME:
        return serve_sign_time(s->services, r);
    case SG_KEYRING_ISSUE_CLIENT:
    case SG_KEYRING_REVOKE_CLIENT:
    case SG_KEYRING_SIGN_CHANNEL:
    case SG_KEYRING_IDENTITY_KEY:
    case SG_KEYRING_STORAGE_KEY:
        return serve_identity(s->services, (enum keyring_message)type, r);
    }
    if (!serve_decoded(r, codec_end(&r->in)))
        return SG_ERR_PROTOCOL;
    if (type == SG_KEYRING_ATTACH)
        return attach(s, r);
    if (type == SG_KEYRING_RELOAD)
        return keystore_reload(keys);
    if (type == SG_KEYRING_ROTATE_TOKENS)
        return rotate_tokens(keys, r);
    if (type == SG_KEYRING_TOKEN_KEYS)
        return token_keys(keys, r);
    return SG_OK; /* STATUS: alive */
}

/* Answers one message. An error is fatal for the channel. */
static enum sg_err serve_message(struct server *s, enum keyring_peer peer, int fd,
                                 const struct buf *message, const int *fds, size_t nfds)
{
    struct buf fields;
    struct buf reply;
    struct request r = {.out = &fields, .fds = fds, .nfds = nfds, .reply_fd = -1};
    uint8_t type;
    enum sg_err err;

    codec_start(&r.in, message->data, message->len);
    type = codec_u8(&r.in);
    buf_init(&fields, SG_IPC_MESSAGE_MAX - 1);
    buf_init(&reply, SG_IPC_MESSAGE_MAX);
    r.malformed = !keyring_is_allowed(type, peer);
    err = r.malformed ? SG_ERR_PROTOCOL : answer(s, type, &r);
    if (r.malformed) {
        log_write(SG_LOG_ERROR, "keyring.request_refused",
                  SG_STR("peer", peer == SG_PEER_CONTROL ? "control" : "worker"),
                  SG_STR("request", keyring_message_name(type)), SG_INT("type", type),
                  SG_INT("bytes", message->len));
        err = SG_ERR_PROTOCOL;
    } else {
        codec_put_u8(&reply, (uint8_t)err);
        if (err == SG_OK)
            buf_append(&reply, fields.data, fields.len);
        err = buf_status(&fields) == SG_OK
                  ? channel_send(fd, &reply, &r.reply_fd, err == SG_OK && r.reply_fd != -1)
                  : SG_ERR_INTERNAL;
    }
    file_close(&r.reply_fd);
    buf_wipe(&fields);
    buf_wipe(&reply);
    return err;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct server *s = w->server;
    const int fd = w->fd; /* set before the thread began, changed only below */
    struct buf message;
    int fds[SG_IPC_FDS_MAX];
    size_t nfds = 0;
    enum sg_err err;

    buf_init(&message, SG_IPC_MESSAGE_MAX);
    do {
        err = channel_receive(fd, -1, &message, fds, &nfds);
        if (err == SG_ERR_PROTOCOL)
            log_write(SG_LOG_ERROR, "keyring.message_refused", SG_STR("peer", "worker"));
        if (err == SG_OK) {
            err = serve_message(s, SG_PEER_WORKER, fd, &message, fds, nfds);
            for (size_t i = 0; i < nfds; i++)
                (void)close(fds[i]);
        }
    } while (err == SG_OK);
    buf_wipe(&message);
    (void)pthread_mutex_lock(&s->lock);
    (void)close(fd);
    w->fd = -1;
    s->active--;
    (void)pthread_cond_signal(&s->ended);
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* Under the lock: starts a thread for a copy of the descriptor. */
static enum sg_err start_worker(struct server *s, int fd)
{
    struct worker *w = NULL;
    pthread_attr_t attr;
    pthread_t thread;
    int rc;

    for (size_t i = 0; i < SG_KEYSERVE_CHANNELS_MAX && w == NULL; i++)
        if (s->workers[i].fd == -1)
            w = &s->workers[i];
    if (w == NULL)
        return SG_ERR_OVERLOADED;
    w->server = s;
    w->fd = fd;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    rc = pthread_create(&thread, &attr, worker_main, w);
    (void)pthread_attr_destroy(&attr);
    if (rc != 0) {
        w->fd = -1;
        return SG_ERR_OVERLOADED;
    }
    s->active++;
    return SG_OK;
}

/* Takes over all channels or, when there is no room for them, none. The caller closes those that
 * were not taken. */
static enum sg_err attach(struct server *s, struct request *r)
{
    enum sg_err err = SG_OK;
    size_t started = 0;

    (void)pthread_mutex_lock(&s->lock);
    if (r->nfds > SG_KEYSERVE_CHANNELS_MAX - s->active)
        err = SG_ERR_OVERLOADED;
    while (err == SG_OK && started < r->nfds) {
        err = start_worker(s, r->fds[started]);
        started += err == SG_OK ? 1 : 0;
    }
    (void)pthread_mutex_unlock(&s->lock);
    for (size_t i = started; i < r->nfds; i++)
        (void)close(r->fds[i]);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "keyring.attach_refused", SG_INT("channels", r->nfds),
                  SG_INT("started", started));
    return err;
}

/* Ends every worker channel and waits for the threads. */
static void end_workers(struct server *s)
{
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < SG_KEYSERVE_CHANNELS_MAX; i++)
        if (s->workers[i].fd != -1)
            (void)shutdown(s->workers[i].fd, SHUT_RDWR);
    while (s->active > 0)
        (void)pthread_cond_wait(&s->ended, &s->lock);
    (void)pthread_mutex_unlock(&s->lock);
}

enum sg_err keyserve_run(struct services *services, int control_fd)
{
    /* Static, because a detached thread still holds the lock for a moment after it was counted out.
     */
    static struct server server = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                   .ended = PTHREAD_COND_INITIALIZER};
    struct buf message;
    int fds[SG_IPC_FDS_MAX];
    size_t nfds;
    enum sg_err err;

    server.services = services;
    for (size_t i = 0; i < SG_KEYSERVE_CHANNELS_MAX; i++)
        server.workers[i].fd = -1;
    buf_init(&message, SG_IPC_MESSAGE_MAX);
    do {
        err = channel_receive(control_fd, -1, &message, fds, &nfds);
        if (err == SG_ERR_PROTOCOL)
            log_write(SG_LOG_ERROR, "keyring.message_refused", SG_STR("peer", "control"));
        if (err == SG_OK)
            err = serve_message(&server, SG_PEER_CONTROL, control_fd, &message, fds, nfds);
    } while (err == SG_OK);
    buf_fini(&message);
    end_workers(&server);
    return err == SG_ERR_UNAVAILABLE ? SG_OK : err;
}
