/* SPDX-License-Identifier: Apache-2.0 */
/* A job that fetches one file. It never gives a name to content whose digest was not checked. */
#include "cli/download.h"

#include "base/buf.h"
#include "base/encode.h"
#include "cli/digest.h"
#include "cli/json.h"
#include "cli/part.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/text.h"
#include "cli/transfer.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct download {
    struct transfer_job job;
    char *remote;
    char *local; /* NULL: goes to `out` */
    char *label;
    int root;
    int out;
    struct buf target;
    struct http_stream stream;
    struct part part;
    bool part_open;
    struct digest digest;
    int64_t hashed;  /* bytes of the part that are in `digest` */
    int64_t resumed; /* bytes that were there and stay */
    int64_t received;
    bool counted; /* the size is part of what the progress bar expects */
    bool restarted;
    int local_error; /* errno that made a callback give up */
    char range[64], if_range[160];
    char why[96]; /* the answer that made a callback give up */
};

bool download_parse_range(const char *text, int64_t *ret_first, int64_t *ret_last,
                          int64_t *ret_total)
{
    long long first, last, total;
    int end = 0;

    if (sscanf(text, "bytes %18lld-%18lld/%18lld%n", &first, &last, &total, &end) != 3 ||
        text[end] || first < 0 || last < first || total <= last)
        return false;
    *ret_first = first;
    *ret_last = last;
    *ret_total = total;
    return true;
}

static enum transfer_step open_part(struct download *d)
{
    const char *slash = strrchr(d->local, '/');
    size_t dir_len = slash ? (size_t)(slash - d->local) : 0;
    int dir = part_open_dir(d->root, d->local, dir_len);

    if (dir < 0) {
        d->job.status = report_errno("make the directory of", d->label);
        return SG_TRANSFER_FAILED;
    }
    d->job.status = part_open(&d->part, dir, slash ? slash + 1 : d->local, d->label);
    if (d->job.status != SG_CLI_OK)
        return SG_TRANSFER_FAILED;
    d->part_open = true;
    return SG_TRANSFER_MORE;
}

/* Hashes the next slice of what was there before. */
static enum transfer_step hash_slice(struct download *d)
{
    static uint8_t data[256 * 1024];

    for (size_t done = 0; done < SG_TRANSFER_SLICE;) {
        ssize_t got = part_read(&d->part, data, sizeof(data), d->hashed);

        if (got < 0) {
            d->job.status = report_errno("read", d->label);
            return SG_TRANSFER_FAILED;
        }
        if (got == 0)
            return SG_TRANSFER_READY;
        digest_update(&d->digest, data, (size_t)got);
        d->hashed += got;
        done += (size_t)got;
    }
    return SG_TRANSFER_MORE;
}

static enum transfer_step download_prepare(struct transfer_job *job)
{
    struct download *d = (struct download *)job;

    if (d->local && !d->part_open && open_part(d) == SG_TRANSFER_FAILED)
        return SG_TRANSFER_FAILED;
    if (!d->digest.state) {
        d->hashed = 0;
        if (!digest_start(&d->digest)) {
            job->status = report_no_memory();
            return SG_TRANSFER_FAILED;
        }
    }
    return d->part_open && d->part.size > 0 ? hash_slice(d) : SG_TRANSFER_READY;
}

static void expect(struct download *d, int64_t total, int64_t there)
{
    struct progress *p = &d->job.transfer->progress;

    if (!d->counted && total > 0)
        p->expected += total;
    d->counted = true;
    p->moved += there;
    p->initial += there;
}

static bool refuse(struct download *d, const char *why)
{
    snprintf(d->why, sizeof(d->why), "%s", why);
    return false;
}

static bool begin_rest(struct download *d, const struct http_call *call)
{
    int64_t first, last, total;

    if (!d->part_open || d->part.size == 0 || strcmp(call->etag, d->part.etag) != 0 ||
        !download_parse_range(call->content_range, &first, &last, &total) ||
        first != d->part.size || last != total - 1)
        return refuse(d, "the gateway sent another part than was asked for");
    d->resumed = d->part.size;
    expect(d, total, d->resumed);
    return true;
}

static bool download_begin(void *context, const struct http_call *call)
{
    struct download *d = context;

    if (call->status == 206)
        return begin_rest(d, call);
    if (call->status != 200)
        return refuse(d, "the gateway's answer is none for a download");
    if (d->part_open) {
        if (!digest_start(&d->digest) || !part_restart(&d->part, call->etag)) {
            d->local_error = errno;
            return false;
        }
        d->hashed = 0;
    }
    expect(d, call->length, 0);
    return true;
}

/* Unlike a file, a pipe may block for as long as its reader likes; Ctrl-C ends that. */
static bool write_stream(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, data, len);

        if (done < 0 && errno == EINTR && !term_interrupted())
            continue;
        if (done < 0)
            return false;
        data += done;
        len -= (size_t)done;
    }
    return true;
}

static bool download_write(void *context, const void *data, size_t len)
{
    struct download *d = context;
    bool ok = d->part_open ? part_write(&d->part, data, len) : write_stream(d->out, data, len);

    if (!ok) {
        d->local_error = errno ? errno : EIO;
        return false;
    }
    digest_update(&d->digest, data, len);
    d->received += (int64_t)len;
    d->job.transfer->progress.moved += (int64_t)len;
    return true;
}

static void download_request(struct transfer_job *job, struct http_request *ret)
{
    struct download *d = (struct download *)job;

    ret->method = "GET";
    ret->target = buf_str(&d->target);
    d->stream =
        (struct http_stream){.context = d, .begin = download_begin, .write = download_write};
    ret->stream = &d->stream;
    if (!d->part_open || d->part.size == 0)
        return;
    snprintf(d->range, sizeof(d->range), "Range: bytes=%lld-", (long long)d->part.size);
    snprintf(d->if_range, sizeof(d->if_range), "If-Range: %s", d->part.etag);
    ret->headers[0] = d->range;
    ret->headers[1] = d->if_range;
}

/* The part may be the whole file already, or longer: a 416 says so. */
static bool part_is_whole(struct download *d)
{
    uint8_t wanted[SG_DIGEST_BYTES], have[SG_DIGEST_BYTES];

    if (!digest_parse_etag(d->part.etag, wanted))
        return false;
    digest_finish(&d->digest, have);
    return memcmp(wanted, have, sizeof(have)) == 0;
}

static enum cli_status publish(struct download *d)
{
    return part_publish(&d->part) ? SG_CLI_OK : report_errno("write", d->label);
}

static enum cli_status check(struct download *d, char ret_hex[SG_DIGEST_HEX_SIZE])
{
    uint8_t wanted[SG_DIGEST_BYTES], have[SG_DIGEST_BYTES];
    const struct http_call *call = &d->job.call;
    bool known = digest_expected(call->repr_digest, call->etag, wanted);

    digest_finish(&d->digest, have);
    if (known && memcmp(wanted, have, sizeof(have)) == 0) {
        encode_hex(have, sizeof(have), ret_hex);
        return d->part_open ? publish(d) : SG_CLI_OK;
    }
    if (d->part_open)
        part_discard(&d->part);
    return report_error(SG_CLI_INTEGRITY,
                        d->part_open ? "nothing was kept; try again, and if it fails again tell "
                                       "the operator"
                                     : "do not use what was written",
                        known ? "%s: the content is not what its digest says"
                              : "%s: the gateway sent no digest that can be checked",
                        d->remote);
}

static void announce(struct download *d, const char *hex)
{
    struct cli *cli = d->job.transfer->cli;
    int64_t total = d->resumed + d->received;

    if (!d->local)
        return;
    if (cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_text(json, "path", d->remote) && json_put_text(json, "local", d->label) &&
            json_put_int(json, "size", total) && json_put_text(json, "sha256", hex) &&
            json_put_int(json, "resumed_at", d->resumed))
            json_print(json);
    } else if (!cli->options.quiet) {
        char size[SG_TEXT_SIZE], before[SG_TEXT_SIZE];

        text_size(total, true, size);
        text_size(d->resumed, true, before);
        if (d->resumed > 0)
            term_line("%s  %s  resumed at %s", d->label, size, before);
        else
            term_line("%s  %s", d->label, size);
    }
}

/* Gives up what was there; the whole file is fetched. */
static void begin_anew(struct download *d)
{
    digest_drop(&d->digest);
    d->part.size = 0;
    d->why[0] = 0;
    d->restarted = true;
}

static enum cli_status download_failed(struct download *d, bool *ret_again)
{
    struct http_call *call = &d->job.call;
    char hex[SG_DIGEST_HEX_SIZE];

    if (d->why[0] && d->part_open && d->part.size > 0 && !d->restarted) {
        begin_anew(d);
        *ret_again = true;
        return SG_CLI_OK;
    }
    if (d->why[0])
        return report_error(SG_CLI_REFUSED, "remove the .secctl-part file and try again", "%s: %s",
                            d->remote, d->why);
    /* As with a signal: whoever read what is written has had enough. */
    if (d->local_error == EPIPE && !d->part_open)
        return SG_CLI_USAGE;
    if (d->local_error) {
        errno = d->local_error;
        return report_errno("write", d->label);
    }
    if (call->failure == SG_HTTP_DONE && call->status == 416 && d->part_open && !d->restarted) {
        if (part_is_whole(d)) {
            memcpy(hex, d->part.etag + 1, SG_DIGEST_HEX_SIZE - 1);
            hex[SG_DIGEST_HEX_SIZE - 1] = 0;
            d->resumed = d->part.size;
            enum cli_status status = publish(d);
            if (status == SG_CLI_OK)
                announce(d, hex);
            return status;
        }
        begin_anew(d);
        *ret_again = true;
        return SG_CLI_OK;
    }
    enum cli_status status = report_call(d->job.transfer->cli, call, d->remote);
    if (call->failure == SG_HTTP_NETWORK && d->part_open && d->part.size > 0)
        term_note("  %lld bytes are kept; the same command goes on from there",
                  (long long)d->part.size);
    return status;
}

static enum cli_status download_finish(struct transfer_job *job, bool *ret_again)
{
    struct download *d = (struct download *)job;
    char hex[SG_DIGEST_HEX_SIZE];

    if (!http_call_ok(&job->call))
        return download_failed(d, ret_again);
    enum cli_status status = check(d, hex);
    if (status == SG_CLI_OK)
        announce(d, hex);
    return status;
}

static bool download_can_repeat(const struct transfer_job *job)
{
    return ((const struct download *)job)->received == 0;
}

static void download_free(struct transfer_job *job)
{
    struct download *d = (struct download *)job;

    if (d->part_open)
        part_close(&d->part);
    digest_drop(&d->digest);
    buf_fini(&d->target);
    free(d->remote);
    free(d->local);
    free(d->label);
    free(d);
}

static const struct transfer_kind download_kind = {
    .prepare = download_prepare,
    .request = download_request,
    .finish = download_finish,
    .can_repeat = download_can_repeat,
    .free = download_free,
};

static struct download *download_new(const char *remote, const char *local, const char *label)
{
    struct download *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->job.kind = &download_kind;
    buf_init(&d->target, 4 * SG_REMOTE_PATH_MAX);
    remote_target(&d->target, remote);
    d->remote = strdup(remote);
    d->local = local ? strdup(local) : NULL;
    d->label = strdup(label);
    d->job.name = d->remote;
    if (!d->remote || (local && !d->local) || !d->label || d->target.failed) {
        download_free(&d->job);
        return NULL;
    }
    return d;
}

/* The list of a directory would come as if it were a file. */
static enum cli_status refuse_directory(const char *remote)
{
    return report_error(SG_CLI_USAGE, "for all that is in it: secctl get -r",
                        "\"%s\" is a directory", *remote ? remote : "/");
}

enum cli_status download_add(struct transfer *t, const char *remote, int root, const char *local,
                             const char *label, int64_t size)
{
    struct download *d;

    if (remote_is_directory_name(remote))
        return refuse_directory(remote);
    d = download_new(remote, local, label);
    if (!d)
        return report_no_memory();
    d->root = root;
    d->counted = size > 0;
    transfer_add(t, &d->job, size);
    return SG_CLI_OK;
}

enum cli_status download_add_stream(struct transfer *t, const char *remote, int fd)
{
    struct download *d;

    if (remote_is_directory_name(remote))
        return refuse_directory(remote);
    d = download_new(remote, NULL, "standard output");
    if (!d)
        return report_no_memory();
    d->out = fd;
    transfer_add(t, &d->job, 0);
    return SG_CLI_OK;
}
