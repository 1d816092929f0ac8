/* SPDX-License-Identifier: Apache-2.0 */
/* The audit file; a line is written whole or the call has failed. */
#include "keyring/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "ipc/signing.h"

#define LINE_MAX_BYTES 1024

struct audit {
    pthread_mutex_t lock;
    char *dir;
    char *path;
    uint64_t file_max;
    uint64_t size; /* of the file; under lock, as fd */
    int fd;
};

static enum sg_err open_file(struct audit *a)
{
    struct stat st;
    int fd = open(a->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd == -1 || fstat(fd, &st) != 0) {
        enum sg_err err = err_from_errno(errno);

        file_close(&fd);
        log_write(SG_LOG_ERROR, "keyring.audit_unusable", SG_STR("path", a->path),
                  SG_STR("error", err_code(err)));
        return err;
    }
    a->fd = fd;
    a->size = (uint64_t)st.st_size;
    return SG_OK;
}

enum sg_err audit_open(const char *dir, uint64_t file_max, struct audit **ret)
{
    struct audit *a = calloc(1, sizeof *a);
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (a == NULL)
        return err;
    (void)pthread_mutex_init(&a->lock, NULL);
    a->fd = -1;
    a->file_max = file_max;
    a->dir = strdup(dir);
    a->path = file_join(dir, "audit");
    if (a->dir != NULL && a->path != NULL)
        err = open_file(a);
    if (err != SG_OK) {
        audit_close(a);
        return err;
    }
    *ret = a;
    return SG_OK;
}

void audit_close(struct audit *a)
{
    if (a == NULL)
        return;
    if (a->fd != -1)
        (void)fsync(a->fd);
    file_close(&a->fd);
    free(a->path);
    free(a->dir);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
}

/* audit.14 -> audit.15, ..., audit -> audit.1. What cannot be renamed stays and is appended to. */
static enum sg_err put_aside(struct audit *a)
{
    (void)fsync(a->fd);
    for (int i = SG_AUDIT_FILES - 1; i >= 0; i--) {
        SG_BUF_CLEANUP struct buf from;
        SG_BUF_CLEANUP struct buf to;

        buf_init(&from, 4096);
        buf_init(&to, 4096);
        if (i > 0)
            buf_printf(&from, "%s.%d", a->path, i);
        else
            buf_puts(&from, a->path);
        buf_printf(&to, "%s.%d", a->path, i + 1);
        if (buf_status(&from) != SG_OK || buf_status(&to) != SG_OK)
            return SG_ERR_NO_MEMORY;
        if (rename(buf_str(&from), buf_str(&to)) != 0 && errno != ENOENT)
            return err_from_errno(errno);
    }
    file_close(&a->fd);
    return open_file(a);
}

/* Names come from the worker: nothing in them may look like another line or field. */
static void put_word(struct buf *b, const char *label, const char *word)
{
    buf_puts(b, label);
    for (; *word != '\0'; word++)
        buf_putc(b, *word > ' ' && *word < 127 && *word != '=' ? *word : '?');
}

static void put_line(struct buf *b, const struct audit_event *e)
{
    char time[SG_RFC3339_SIZE];

    clock_format_rfc3339(clock_now_ns(), time);
    buf_printf(b, "%s %s", time, e->what);
    put_word(b, " key=", e->key);
    if (e->version != 0)
        buf_printf(b, " version=%" PRIu32, e->version);
    if (e->count != 0)
        buf_printf(b, " count=%" PRIu64, e->count);
    if (e->actor != NULL) {
        put_word(b, " user=", e->actor->user);
        buf_printf(b, " id=%" PRId64, e->actor->user_id);
    }
    if (e->detail != NULL)
        put_word(b, " detail=", e->detail);
    buf_printf(b, " result=%s\n", err_code(e->result));
}

/* Under the lock. What a full disk took of a line is cut off again, so that the next line begins
 * where a line begins. */
static enum sg_err append(struct audit *a, const struct buf *line)
{
    enum sg_err err = file_write_all(a->fd, line->data, line->len);

    if (err == SG_OK)
        a->size += line->len;
    else if (ftruncate(a->fd, (off_t)a->size) != 0)
        file_close(&a->fd); /* opened again, and measured, by the next line */
    return err;
}

enum sg_err audit_write(struct audit *a, const struct audit_event *e)
{
    SG_BUF_CLEANUP struct buf line;
    enum sg_err err;

    buf_init(&line, LINE_MAX_BYTES);
    log_write(e->result == SG_OK ? SG_LOG_INFO : SG_LOG_WARN, "keyring.key_audit",
              SG_STR("what", e->what), SG_STR("key", e->key), SG_INT("version", e->version),
              SG_INT("count", e->count), SG_STR("user", e->actor != NULL ? e->actor->user : ""),
              SG_INT("user_id", e->actor != NULL ? e->actor->user_id : 0),
              SG_STR("detail", e->detail), SG_STR("result", err_code(e->result)));
    if (a == NULL)
        return SG_OK;
    put_line(&line, e);
    err = buf_status(&line);
    if (err != SG_OK)
        return err;
    (void)pthread_mutex_lock(&a->lock);
    if (a->fd == -1) /* it could not be opened after it was put aside */
        err = open_file(a);
    else if (a->size > 0 && a->size + line.len > a->file_max)
        err = put_aside(a);
    if (err == SG_OK)
        err = append(a, &line);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "keyring.audit_failed", SG_STR("error", err_code(err)));
    (void)pthread_mutex_unlock(&a->lock);
    return err;
}
