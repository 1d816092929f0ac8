/* SPDX-License-Identifier: Apache-2.0 */
/* States the time; each statement is later than all before it. */
#include "keyring/timesign.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/log.h"
#include "ipc/codec.h"
#include "ipc/signing.h"
#include "keyring/translog_key.h"

#define AHEAD_NS         (SG_NS_PER_S / 2) /* how far the mark is written ahead of the clock */
#define STEP_NS          SG_NS_PER_MS /* and of a statement that is ahead of the clock itself */
#define BEHIND_NS        SG_NS_PER_S  /* how far the clock may be behind */
#define UNKNOWN_ERROR_US INT64_C(16000000) /* what the kernel assumes of an unruled clock */
#define MAGIC            "secgate time mark 1"

struct timesign {
    struct notekey key;
    char *path; /* DATA/keyring/time.state */
    pthread_mutex_t lock;
    int64_t last_ns; /* under lock; of the last statement */
    int64_t mark_ns; /* under lock; on the disk: no statement is at or after it */
};

static enum sg_err load_mark(const char *path, int64_t *ret)
{
    SG_BUF_CLEANUP struct buf content;
    char magic[sizeof MAGIC];
    struct decoder d;
    int64_t mark;
    enum sg_err err;

    buf_init(&content, 256);
    err = file_read(path, &content);
    if (err != SG_OK)
        return err == SG_ERR_TOO_LARGE ? SG_ERR_CORRUPT : err;
    codec_start(&d, content.data, content.len);
    codec_string(&d, magic, sizeof magic);
    mark = codec_i64(&d);
    if (codec_end(&d) != SG_OK || strcmp(magic, MAGIC) != 0 || mark < 0 || mark > INT64_MAX / 2)
        return SG_ERR_CORRUPT;
    *ret = mark;
    return SG_OK;
}

static enum sg_err save_mark(const char *path, int64_t mark)
{
    SG_BUF_CLEANUP struct buf content;

    buf_init(&content, 256);
    codec_put_string(&content, MAGIC);
    codec_put_i64(&content, mark);
    if (buf_status(&content) != SG_OK)
        return buf_status(&content);
    return file_write_atomic(path, content.data, content.len, 0600);
}

enum sg_err timesign_open(const struct timesign_options *options, struct timesign **ret)
{
    char name[SG_NOTE_NAME_SIZE];
    struct timesign *t = calloc(1, sizeof *t);
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (t == NULL)
        return err;
    (void)pthread_mutex_init(&t->lock, NULL);
    if (asprintf(&t->path, "%s/keyring/time.state", options->data) < 0)
        t->path = NULL;
    if (t->path != NULL)
        err = load_mark(t->path, &t->mark_ns);
    if (err == SG_ERR_NOT_FOUND) {
        err = SG_OK;
    } else if (err == SG_ERR_CORRUPT) {
        log_write(SG_LOG_ERROR, "keyring.time_mark_unreadable", SG_STR("path", t->path),
                  SG_STR("remedy", "time is not stated until the file has been removed"));
        t->mark_ns = INT64_MAX / 2;
        err = SG_OK;
    }
    t->last_ns = t->mark_ns;
    if (err == SG_OK)
        err = notekey_name(options->issuer, "/time", name);
    if (err == SG_OK)
        err = notekey_open(options->kek, options->data, "time", name, true, &t->key);
    if (err != SG_OK) {
        timesign_close(t);
        return err;
    }
    *ret = t;
    return SG_OK;
}

void timesign_close(struct timesign *t)
{
    if (t == NULL)
        return;
    notekey_fini(&t->key);
    (void)pthread_mutex_destroy(&t->lock);
    free(t->path);
    free(t);
}

const struct note_key *timesign_key(const struct timesign *t)
{
    return &t->key.public_key;
}

/* The instant of a statement: the clock's, or the next one after the last statement. */
static enum sg_err next_instant(struct timesign *t, int64_t now, int64_t *ret_ns)
{
    int64_t at = now > t->last_ns ? now : t->last_ns + 1;
    enum sg_err err = SG_OK;

    if (t->last_ns - now > BEHIND_NS) {
        log_write(SG_LOG_WARN, "keyring.clock_behind_statements",
                  SG_INT("behind_ms", (t->last_ns - now) / SG_NS_PER_MS));
        return SG_ERR_CLOCK;
    }
    if (at >= t->mark_ns) {
        /* Not ahead of what is ahead: restarts in a row must not carry it away from the clock. */
        int64_t mark = now + AHEAD_NS > at + STEP_NS ? now + AHEAD_NS : at + STEP_NS;

        err = save_mark(t->path, mark);
        if (err != SG_OK)
            return err;
        t->mark_ns = mark;
    }
    t->last_ns = at;
    *ret_ns = at;
    return SG_OK;
}

static void put_body(struct buf *out, const char *name, const char *nonce, int64_t at, int64_t now)
{
    struct clock_state clock = clock_get_state();
    int64_t error_us = clock.max_error_us >= 0 ? clock.max_error_us : UNKNOWN_ERROR_US;
    char text[SG_RFC3339_SIZE];

    if (at > now) /* rounded up */
        error_us += (at - now + 999) / 1000;
    clock_format_rfc3339(at, text);
    buf_printf(
        out, "%s\nnonce %s\ntime %.19s.%09" PRId64 "Z\nerror_us %" PRId64 "\nsynchronized %s\n",
        name, nonce, text, at % SG_NS_PER_S, error_us, clock.synchronized ? "true" : "false");
}

enum sg_err timesign_make(struct timesign *t, const uint8_t *nonce, size_t len, struct buf *out,
                          int64_t *ret_ns)
{
    SG_BUF_CLEANUP struct buf body;
    char text[SG_BASE64_SIZE(SG_TIME_NONCE_MAX)];
    int64_t now;
    int64_t at = 0;
    enum sg_err err;

    buf_init(&body, SG_TIME_NOTE_MAX);
    if (len < SG_TIME_NONCE_MIN || len > SG_TIME_NONCE_MAX)
        return SG_ERR_BAD_FIELD;
    encode_base64url(nonce, len, text);
    (void)pthread_mutex_lock(&t->lock);
    now = clock_now_ns();
    err = next_instant(t, now, &at);
    (void)pthread_mutex_unlock(&t->lock);
    if (err != SG_OK)
        return err;
    put_body(&body, t->key.public_key.name, text, at, now);
    err = buf_status(&body);
    if (err == SG_OK)
        err = notekey_sign(&t->key, &body, out);
    if (err == SG_OK)
        *ret_ns = at;
    return err;
}
