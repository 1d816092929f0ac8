/* SPDX-License-Identifier: Apache-2.0 */
/* A job that stores one file. It never reports success without the gateway's digest being ours. */
#include "cli/upload.h"

#include "base/buf.h"
#include "base/file.h"
#include "cli/digest.h"
#include "cli/json.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/text.h"
#include "cli/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct upload {
    struct transfer_job job;
    const struct upload_options *options;
    char *local; /* NULL: a directory is made */
    char *remote;
    struct buf target;
    struct http_stream stream;
    struct digest digest;
    uint8_t hash[SG_DIGEST_BYTES];
    bool hashed; /* `hash` is that of all that is to be sent */
    bool seekable;
    bool shrunk;     /* it became shorter while it was sent */
    int local_error; /* errno that made reading fail */
    int fd;
    int64_t size;    /* -1: not known */
    int64_t offset;  /* of the next byte to be sent or hashed */
    int64_t counted; /* bytes that the progress bar has seen */
    char repr_digest[SG_DIGEST_HEADER_SIZE + 16];
    char condition[128];
};

bool upload_format_match(const char *text, char *ret, size_t size)
{
    size_t len = strlen(text);
    bool quoted = len >= 2 && text[0] == '"' && text[len - 1] == '"';

    if (len == 0 || len + 3 > size || strpbrk(text, "\r\n") ||
        (!quoted && strchr(text, '"') != NULL))
        return false;
    snprintf(ret, size, quoted || !strcmp(text, "*") ? "%s" : "\"%s\"", text);
    return true;
}

static enum transfer_step fail(struct upload *u, const char *action)
{
    u->job.status = report_errno(action, u->local);
    return SG_TRANSFER_FAILED;
}

static bool open_source(struct upload *u)
{
    struct stat st;

    u->fd = strcmp(u->local, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                       : open(u->local, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (u->fd < 0 || fstat(u->fd, &st) != 0)
        return false;
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return false;
    }
    /* Standard input may be a file that somebody else has read half of. */
    u->seekable = S_ISREG(st.st_mode) && strcmp(u->local, "-") != 0;
    u->size = u->seekable ? st.st_size : -1;
    return true;
}

/* Hashes the next slice of a regular file. */
static enum transfer_step hash_slice(struct upload *u)
{
    static uint8_t data[256 * 1024];

    for (size_t done = 0; done < SG_TRANSFER_SLICE;) {
        ssize_t got = pread(u->fd, data, sizeof(data), u->offset);

        if (got < 0)
            return fail(u, "read");
        if (got == 0) {
            digest_finish(&u->digest, u->hash);
            u->hashed = true;
            u->size = u->offset;
            u->offset = 0;
            return SG_TRANSFER_READY;
        }
        digest_update(&u->digest, data, (size_t)got);
        u->offset += got;
        done += (size_t)got;
    }
    return SG_TRANSFER_MORE;
}

static enum transfer_step upload_prepare(struct transfer_job *job)
{
    struct upload *u = (struct upload *)job;

    if (!u->local)
        return SG_TRANSFER_READY;
    if (u->fd < 0) {
        if (!open_source(u))
            return fail(u, "read");
        if (!digest_start(&u->digest)) {
            job->status = report_no_memory();
            return SG_TRANSFER_FAILED;
        }
    }
    if (u->seekable && !u->hashed)
        return hash_slice(u);
    u->offset = 0;
    return SG_TRANSFER_READY;
}

static void count(struct upload *u)
{
    /* What is sent again after a rewind is no progress. */
    if (u->offset > u->counted) {
        u->job.transfer->progress.moved += u->offset - u->counted;
        u->counted = u->offset;
    }
}

static int64_t upload_read(void *context, void *data, size_t len)
{
    struct upload *u = context;
    ssize_t got;

    /* What was hashed is what is sent, however much longer the file has grown since. */
    if (u->seekable && (int64_t)len > u->size - u->offset)
        len = (size_t)(u->size - u->offset);
    do
        got = u->seekable ? pread(u->fd, data, len, u->offset) : read(u->fd, data, len);
    while (got < 0 && errno == EINTR && !term_interrupted());
    u->local_error = got < 0 ? errno : 0;
    u->shrunk = got == 0 && len > 0 && u->seekable;
    if (got < 0 || u->shrunk)
        return -1;
    if (!u->seekable && got > 0)
        digest_update(&u->digest, data, (size_t)got);
    u->offset += got;
    count(u);
    return got;
}

static bool upload_seek(void *context, int64_t offset)
{
    struct upload *u = context;

    if (!u->seekable)
        return false;
    u->offset = offset;
    return true;
}

static void upload_request(struct transfer_job *job, struct http_request *ret)
{
    struct upload *u = (struct upload *)job;
    size_t n = 0;

    ret->method = "PUT";
    ret->target = buf_str(&u->target);
    u->stream = (struct http_stream){
        .context = u, .size = u->local ? u->size : 0, .read = upload_read, .seek = upload_seek};
    ret->stream = &u->stream;
    ret->upload = true;
    if (!u->local)
        return;
    ret->content_type = "application/octet-stream";
    if (u->hashed) {
        char value[SG_DIGEST_HEADER_SIZE];

        digest_format_header(u->hash, value);
        snprintf(u->repr_digest, sizeof(u->repr_digest), "Repr-Digest: %s", value);
        ret->headers[n++] = u->repr_digest;
    }
    if (u->condition[0])
        ret->headers[n++] = u->condition;
}

/* Whether the gateway stored what was read here. */
static enum cli_status check(struct upload *u)
{
    uint8_t stored[SG_DIGEST_BYTES];

    if (!u->hashed) {
        digest_finish(&u->digest, u->hash);
        u->hashed = true;
    }
    if (digest_expected(u->job.call.repr_digest, u->job.call.etag, stored) &&
        memcmp(stored, u->hash, sizeof(stored)) == 0)
        return SG_CLI_OK;
    return report_error(SG_CLI_INTEGRITY, "send it again; if that fails, too, tell the operator",
                        "%s: what the gateway stored is not what was sent", u->remote);
}

static enum cli_status upload_finish(struct transfer_job *job, bool *ret_again)
{
    struct upload *u = (struct upload *)job;
    struct cli *cli = job->transfer->cli;
    enum cli_status status = SG_CLI_OK;

    (void)ret_again;
    if (job->call.failure == SG_HTTP_GAVE_UP && u->shrunk)
        return report_error(SG_CLI_INTEGRITY, "send it again when nobody writes to it",
                            "%s became shorter while it was sent; nothing was stored", u->local);
    if (job->call.failure == SG_HTTP_GAVE_UP && u->local_error) {
        errno = u->local_error;
        return report_errno("read", u->local);
    }
    if (!http_call_ok(&job->call))
        return report_call(cli, &job->call, u->remote);
    if (u->local)
        status = check(u);
    if (status != SG_CLI_OK)
        return status;
    SG_JSON_CLEANUP struct json_object *entry =
        json_parse(buf_str(&job->call.body), job->call.body.len);
    if (cli->options.json) {
        if (entry)
            json_print(entry);
    } else if (!cli->options.quiet) {
        char size[SG_TEXT_SIZE];

        text_size(json_int(entry, "size", u->offset), true, size);
        term_line("%s%s  %s  %s", json_text(entry, "path", u->remote), u->local ? "" : "/",
                  u->local ? size : "directory", job->call.status == 201 ? "new" : "replaced");
    }
    return SG_CLI_OK;
}

static bool upload_can_repeat(const struct transfer_job *job)
{
    const struct upload *u = (const struct upload *)job;

    return !u->local || u->seekable || u->offset == 0;
}

static void upload_free(struct transfer_job *job)
{
    struct upload *u = (struct upload *)job;

    file_close(&u->fd);
    digest_drop(&u->digest);
    buf_fini(&u->target);
    free(u->local);
    free(u->remote);
    free(u);
}

static const struct transfer_kind upload_kind = {
    .prepare = upload_prepare,
    .request = upload_request,
    .finish = upload_finish,
    .can_repeat = upload_can_repeat,
    .free = upload_free,
};

static struct upload *upload_new(const char *local, const char *remote)
{
    struct upload *u = calloc(1, sizeof(*u));

    if (!u)
        return NULL;
    u->job.kind = &upload_kind;
    u->fd = -1;
    buf_init(&u->target, 4 * SG_REMOTE_PATH_MAX);
    remote_target(&u->target, remote);
    u->local = local ? strdup(local) : NULL;
    u->remote = strdup(remote);
    u->job.name = u->remote;
    if ((local && !u->local) || !u->remote || u->target.failed) {
        upload_free(&u->job);
        return NULL;
    }
    return u;
}

enum cli_status upload_add(struct transfer *t, const char *local, const char *remote, int64_t size,
                           const struct upload_options *options)
{
    struct upload *u = upload_new(local, remote);
    char etag[100];

    if (!u)
        return report_no_memory();
    if (options->create_only) {
        snprintf(u->condition, sizeof(u->condition), "If-None-Match: *");
    } else if (options->if_match) {
        if (!upload_format_match(options->if_match, etag, sizeof(etag))) {
            upload_free(&u->job);
            return report_error(SG_CLI_USAGE, "secctl ls -l --json shows it as sha256",
                                "\"%s\" is not an ETag", options->if_match);
        }
        snprintf(u->condition, sizeof(u->condition), "If-Match: %s", etag);
    }
    transfer_add(t, &u->job, size);
    return SG_CLI_OK;
}

enum cli_status upload_add_directory(struct transfer *t, const char *remote)
{
    struct upload *u = upload_new(NULL, remote);

    if (!u)
        return report_no_memory();
    transfer_add(t, &u->job, 0);
    return SG_CLI_OK;
}
