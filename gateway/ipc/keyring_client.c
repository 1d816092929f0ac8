/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to the keyring over a set of channels; it never waits longer than SG_KEYRING_TIMEOUT_MS in
 * all. */
#include "ipc/keyring_client.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "ipc/channel.h"
#include "ipc/keyring_client_internal.h"

#define DOUBTFUL_MS 500 /* how long a call waits while the keyring owes answers */
#define LOOK_MS     20  /* between looks for answers that are owed */
#define LASTING_MAX (SG_KEYRING_CHANNELS / 2)

struct slot {
    int fd; /* -1: closed */
    bool busy;
    bool owed;  /* an answer that nobody waits for any more is still to come */
    bool lasts; /* the call that it is or was on loan to may take long */
};

struct keyring_client {
    pthread_mutex_t lock;
    pthread_cond_t freed;                   /* a channel became free, or new ones came */
    struct slot slots[SG_KEYRING_CHANNELS]; /* under lock */
    unsigned generation;                    /* under lock; counts attachments */
};

/* A channel on loan to one call. */
struct loan {
    size_t index;
    int fd;
    unsigned generation;
};

struct keyring_client *keyring_client_new(void)
{
    struct keyring_client *k = calloc(1, sizeof *k);
    pthread_condattr_t attr;

    if (k == NULL)
        return NULL;
    for (size_t i = 0; i < SG_KEYRING_CHANNELS; i++)
        k->slots[i].fd = -1;
    (void)pthread_mutex_init(&k->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&k->freed, &attr);
    (void)pthread_condattr_destroy(&attr);
    return k;
}

void keyring_client_free(struct keyring_client *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < SG_KEYRING_CHANNELS; i++) {
        assert(!k->slots[i].busy);
        if (k->slots[i].fd != -1)
            (void)close(k->slots[i].fd);
    }
    (void)pthread_cond_destroy(&k->freed);
    (void)pthread_mutex_destroy(&k->lock);
    free(k);
}

void keyring_client_attach(struct keyring_client *k, const int *fds, size_t nfds)
{
    (void)pthread_mutex_lock(&k->lock);
    k->generation++;
    for (size_t i = 0; i < SG_KEYRING_CHANNELS; i++) {
        struct slot *s = &k->slots[i];

        /* A channel on loan belongs to its call, which closes it when it sees the new generation.
         */
        if (s->fd != -1 && !s->busy)
            (void)close(s->fd);
        *s = (struct slot){.fd = i < nfds ? fds[i] : -1};
        /* Non-blocking: a full buffer is a stuck keyring, not a reason to wait. */
        if (s->fd != -1)
            (void)fcntl(s->fd, F_SETFL, fcntl(s->fd, F_GETFL) | O_NONBLOCK);
    }
    for (size_t i = SG_KEYRING_CHANNELS; i < nfds; i++)
        (void)close(fds[i]);
    (void)pthread_cond_broadcast(&k->freed);
    (void)pthread_mutex_unlock(&k->lock);
}

/* Under the lock: whether one more call that may take long leaves enough channels to the others. */
static bool may_last(const struct keyring_client *k)
{
    size_t lasting = 0;
    size_t open = 0;

    for (size_t i = 0; i < SG_KEYRING_CHANNELS; i++) {
        const struct slot *s = &k->slots[i];

        open += s->fd != -1 ? 1 : 0;
        lasting += s->fd != -1 && s->lasts && (s->busy || s->owed) ? 1 : 0;
    }
    return lasting < (open < 2 * LASTING_MAX ? (open + 1) / 2 : LASTING_MAX);
}

static bool find_free(struct keyring_client *k, bool lasts, struct loan *ret)
{
    if (lasts && !may_last(k))
        return false;
    for (size_t i = 0; i < SG_KEYRING_CHANNELS; i++) {
        struct slot *s = &k->slots[i];

        if (s->fd == -1 || s->busy || s->owed)
            continue;
        s->busy = true;
        s->lasts = lasts;
        *ret = (struct loan){.index = i, .fd = s->fd, .generation = k->generation};
        return true;
    }
    return false;
}

/* Under the lock: drops the answers that came too late, so that their channels are in step again.
 * True when some are still owed. */
static bool collect_owed(struct keyring_client *k)
{
    bool some = false;

    for (size_t i = 0; i < SG_KEYRING_CHANNELS; i++) {
        struct slot *s = &k->slots[i];
        struct buf late;
        int fds[SG_IPC_FDS_MAX];
        size_t nfds = 0;
        enum sg_err err;

        if (!s->owed)
            continue;
        buf_init(&late, SG_IPC_MESSAGE_MAX);
        err = channel_receive(s->fd, 0, &late, fds, &nfds);
        buf_wipe(&late);
        for (size_t j = 0; err == SG_OK && j < nfds; j++)
            (void)close(fds[j]);
        s->owed = err == SG_ERR_TIMEOUT;
        some = some || s->owed;
        if (err != SG_OK && !s->owed) {
            (void)close(s->fd);
            s->fd = -1;
        }
    }
    return some;
}

/* Takes a free channel, waiting for one until the deadline. That moves nearer while the keyring
 * owes answers: it hangs, and the callers are event loops which have other clients. */
static enum sg_err take(struct keyring_client *k, bool lasts, int64_t *deadline_ns,
                        struct loan *ret)
{
    bool found;

    (void)pthread_mutex_lock(&k->lock);
    for (;;) {
        int64_t now_ns = clock_monotonic_ns();
        bool doubtful = collect_owed(k);
        int64_t until_ns;
        struct timespec until;

        if (doubtful && *deadline_ns > now_ns + DOUBTFUL_MS * SG_NS_PER_MS)
            *deadline_ns = now_ns + DOUBTFUL_MS * SG_NS_PER_MS;
        found = find_free(k, lasts, ret);
        if (found || now_ns >= *deadline_ns)
            break;
        until_ns = *deadline_ns;
        if (doubtful && until_ns > now_ns + LOOK_MS * SG_NS_PER_MS)
            until_ns = now_ns + LOOK_MS * SG_NS_PER_MS;
        until.tv_sec = (time_t)(until_ns / SG_NS_PER_S);
        until.tv_nsec = (long)(until_ns % SG_NS_PER_S);
        (void)pthread_cond_timedwait(&k->freed, &k->lock, &until);
    }
    (void)pthread_mutex_unlock(&k->lock);
    return found ? SG_OK : SG_ERR_UNAVAILABLE;
}

/* What becomes of a channel after a call. */
enum after { GOOD, OWED, BROKEN };

/* Gives the channel back, or closes it when it can no longer be trusted to be in step. */
static void give_back(struct keyring_client *k, const struct loan *l, enum after after)
{
    (void)pthread_mutex_lock(&k->lock);
    if (l->generation != k->generation) {
        (void)close(l->fd);
    } else {
        if (after == BROKEN) {
            (void)close(l->fd);
            k->slots[l->index].fd = -1;
        }
        k->slots[l->index].owed = after == OWED;
        k->slots[l->index].busy = false;
        (void)pthread_cond_signal(&k->freed);
    }
    (void)pthread_mutex_unlock(&k->lock);
}

/* Takes the descriptors of an answer: the one that is expected, or none. */
static bool take_reply_fd(const struct keyring_call *call, const int *fds, size_t nfds, bool good)
{
    if (nfds == (good && call->ret_fd != NULL ? 1 : 0)) {
        if (nfds == 1)
            *call->ret_fd = fds[0];
        return true;
    }
    for (size_t i = 0; i < nfds; i++)
        (void)close(fds[i]);
    return false;
}

/* Reads the answer; `decode` takes the fields of a good one and must end exactly at its end.
 * *ret_in_step says whether the channel may be used again. */
static enum sg_err read_reply(const struct keyring_call *call, const struct buf *reply,
                              const int *fds, size_t nfds, bool *ret_in_step)
{
    struct decoder d;
    uint8_t status;
    enum sg_err err;

    codec_start(&d, reply->data, reply->len);
    status = codec_u8(&d);
    if (!take_reply_fd(call, fds, nfds, status == SG_OK))
        return SG_ERR_PROTOCOL;
    if (status >= SG_ERR_COUNT)
        return SG_ERR_PROTOCOL;
    if (status != SG_OK) {
        err = codec_end(&d);
        *ret_in_step = err == SG_OK;
        return err == SG_OK ? (enum sg_err)status : err;
    }
    err = call->decode(&d, call->ret);
    *ret_in_step = err == SG_OK;
    if (err != SG_OK && call->ret_fd != NULL) {
        (void)close(*call->ret_fd);
        *call->ret_fd = -1;
    }
    return err;
}

/* One exchange on one channel. *ret_sent: the keyring may have seen the request. */
static enum sg_err exchange(const struct loan *l, const struct keyring_call *call,
                            int64_t deadline_ns, struct buf *reply, int *ret_fds, size_t *ret_nfds,
                            bool *ret_sent)
{
    enum sg_err err = channel_send(l->fd, call->request, call->fds, call->nfds);
    int64_t left;

    *ret_sent = err == SG_OK;
    if (err != SG_OK)
        return err;
    left = deadline_ns - clock_monotonic_ns();
    left = left <= 0 ? 0 : (left + SG_NS_PER_MS - 1) / SG_NS_PER_MS;
    return channel_receive(l->fd, (int)left, reply, ret_fds, ret_nfds);
}

/* Makes the call. A channel whose end is found when sending costs nothing; one that ends while the
 * answer is awaited allows a single second try, so that a request that kills the keyring cannot do
 * so for ever. One whose answer does not come in time is kept: a keyring that was only slow serves
 * again. */
static enum sg_err call_until(struct keyring_client *k, const struct keyring_call *call,
                              struct buf *reply, int64_t deadline_ns)
{
    for (unsigned tries = 0; tries < 2;) {
        int fds[SG_IPC_FDS_MAX];
        size_t nfds = 0;
        struct loan loan;
        bool sent = false;
        bool in_step = false;
        enum sg_err err = take(k, call->lasts, &deadline_ns, &loan);

        if (err != SG_OK)
            return err;
        err = exchange(&loan, call, deadline_ns, reply, fds, &nfds, &sent);
        if (err == SG_OK) {
            err = read_reply(call, reply, fds, nfds, &in_step);
            give_back(k, &loan, in_step ? GOOD : BROKEN);
            return err;
        }
        give_back(k, &loan, sent && err == SG_ERR_TIMEOUT ? OWED : BROKEN);
        if (err != SG_ERR_UNAVAILABLE)
            return err == SG_ERR_TIMEOUT ? SG_ERR_UNAVAILABLE : err;
        if (sent && call->once)
            return SG_ERR_UNAVAILABLE;
        tries += sent ? 1 : 0;
    }
    return SG_ERR_UNAVAILABLE;
}

enum sg_err keyring_client_call(struct keyring_client *k, const struct keyring_call *call)
{
    int64_t limit_ms = call->timeout_ms != 0 ? call->timeout_ms : SG_KEYRING_TIMEOUT_MS;
    int64_t deadline = clock_monotonic_ns() + limit_ms * SG_NS_PER_MS;
    enum sg_err err = buf_status(call->request);
    struct buf reply;

    buf_init(&reply, SG_IPC_MESSAGE_MAX);
    if (err == SG_OK)
        err = call_until(k, call, &reply, deadline);
    buf_wipe(&reply);
    metrics_add(SG_METRIC_KEYRING_CALLS, 1);
    if (err != SG_OK)
        metrics_add(SG_METRIC_KEYRING_FAILED, 1);
    return err;
}

static enum sg_err call(struct keyring_client *k, const struct buf *request,
                        enum sg_err (*decode)(struct decoder *, void *), void *ret)
{
    const struct keyring_call c = {.request = request, .decode = decode, .ret = ret};

    return keyring_client_call(k, &c);
}

struct signature_out {
    uint8_t *data;
    size_t cap;
    size_t len;
};

static enum sg_err decode_signature(struct decoder *d, void *ret)
{
    struct signature_out *out = ret;
    size_t len;
    const uint8_t *at = codec_bytes(d, out->cap, &len);

    if (codec_end(d) != SG_OK || len == 0)
        return SG_ERR_PROTOCOL;
    memcpy(out->data, at, len);
    out->len = len;
    return SG_OK;
}

enum sg_err keyring_client_sign_tls(struct keyring_client *k, const struct keyring_sign_tls *m,
                                    uint8_t *ret_signature, size_t cap, size_t *ret_len)
{
    SG_BUF_CLEANUP struct buf request;
    struct signature_out out = {.data = ret_signature, .cap = cap};
    enum sg_err err;

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_SIGN_TLS);
    keyring_put_sign_tls(&request, m);
    err = call(k, &request, decode_signature, &out);
    if (err == SG_OK)
        *ret_len = out.len;
    return err;
}

struct key_out {
    uint32_t algorithm;
    uint32_t bits;
};

static enum sg_err decode_key(struct decoder *d, void *ret)
{
    struct key_out *out = ret;

    out->algorithm = codec_u32(d);
    out->bits = codec_u32(d);
    return codec_end(d);
}

enum sg_err keyring_client_has_tls_key(struct keyring_client *k, const uint8_t spki_sha256[32],
                                       uint32_t *ret_algorithm, uint32_t *ret_bits)
{
    SG_BUF_CLEANUP struct buf request;
    struct key_out out = {0};
    enum sg_err err;

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_HAS_TLS_KEY);
    codec_put_bytes(&request, spki_sha256, 32);
    err = call(k, &request, decode_key, &out);
    if (err == SG_OK) {
        *ret_algorithm = out.algorithm;
        *ret_bits = out.bits;
    }
    return err;
}

static enum sg_err decode_token(struct decoder *d, void *ret)
{
    char *token = ret;
    size_t len;
    const uint8_t *at = codec_bytes(d, SG_TOKEN_SIZE - 1, &len);

    if (codec_end(d) != SG_OK || len == 0 || memchr(at, '\0', len) != NULL)
        return SG_ERR_PROTOCOL;
    memcpy(token, at, len);
    token[len] = '\0';
    return SG_OK;
}

enum sg_err keyring_client_mint(struct keyring_client *k, const struct keyring_claims *m,
                                char ret_token[SG_TOKEN_SIZE])
{
    SG_BUF_CLEANUP struct buf request;

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_MINT);
    keyring_put_claims(&request, m);
    return call(k, &request, decode_token, ret_token);
}

struct token_keys_out {
    struct token_key *keys;
    size_t *count;
};

static enum sg_err decode_token_keys(struct decoder *d, void *ret)
{
    struct token_keys_out *out = ret;

    return keyring_get_token_keys(d, out->keys, out->count);
}

enum sg_err keyring_client_token_keys(struct keyring_client *k,
                                      struct token_key ret[SG_TOKEN_KEYS_MAX], size_t *ret_count)
{
    SG_BUF_CLEANUP struct buf request;
    struct token_keys_out out = {.keys = ret, .count = ret_count};

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_TOKEN_KEYS);
    return call(k, &request, decode_token_keys, &out);
}

enum sg_err keyring_client_decode_empty(struct decoder *d, void *ret)
{
    (void)ret;
    return codec_end(d);
}

enum sg_err keyring_client_status(struct keyring_client *k)
{
    SG_BUF_CLEANUP struct buf request;

    buf_init(&request, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&request, SG_KEYRING_STATUS);
    return call(k, &request, keyring_client_decode_empty, NULL);
}
