/* SPDX-License-Identifier: Apache-2.0 */
/* Answers with the content of a file: conditions, ranges, streaming. It never reads more of the
 * file than it sends. */
#include "http/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "http/conditional.h"
#include "http/fields.h"
#include "http/reply.h"

#define SMALL_FILE 32768 /* read at once, where the operation runs */

/* The part in which `pos` of the answer lies; *pos becomes the position in it. */
static const struct reply_part *part_at(const struct reply *reply, uint64_t *pos)
{
    for (size_t i = 0; i < reply->part_count; i++) {
        if (*pos < reply->parts[i].len)
            return &reply->parts[i];
        *pos -= reply->parts[i].len;
    }
    return NULL;
}

static ssize_t read_part(const struct reply *reply, const struct reply_part *part, uint64_t at,
                         char *to, size_t max)
{
    ssize_t n;

    if (max > part->len - at)
        max = (size_t)(part->len - at);
    if (part->data != NULL) {
        memcpy(to, (const char *)part->data + at, max);
        return (ssize_t)max;
    }
    do
        n = pread(reply->fd, to, max, (off_t)(part->offset + at));
    while (n < 0 && errno == EINTR);
    return n;
}

/* Fills `buf` from position `pos` of the answer as far as both go; false when the file could not be
 * read. */
static bool read_parts(const struct reply *reply, uint64_t pos, char *buf, size_t max,
                       size_t *ret_filled)
{
    size_t filled = 0;

    while (filled < max) {
        uint64_t at = pos + filled;
        const struct reply_part *part = part_at(reply, &at);
        ssize_t n;

        if (part == NULL)
            break;
        n = read_part(reply, part, at, buf + filled, max - filled);
        if (n <= 0)
            return false;
        filled += (size_t)n;
    }
    *ret_filled = filled;
    return true;
}

ssize_t reply_file_read(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct request *r = cls;
    const struct server_limits *limits = &r->server->config.limits;
    size_t filled;

    if (!read_parts(&r->reply, pos, buf, max, &filled)) {
        /* Blobs never shrink: something is badly wrong, and a short answer must not look whole. */
        r->note = "the file could not be read to its end";
        return reply_cut(r, buf);
    }
    r->sent = pos + filled;
    conn_deadline(r->conn, r->body_since_ns + (int64_t)limits->body_seconds * SG_NS_PER_S +
                               (int64_t)(r->sent / limits->body_bytes_per_second) * SG_NS_PER_S);
    return filled > 0 ? (ssize_t)filled : MHD_CONTENT_READER_END_OF_STREAM;
}

enum sg_err reply_file_collect(struct request *r, char *to)
{
    size_t filled;

    if (!read_parts(&r->reply, 0, to, (size_t)r->reply.total, &filled) ||
        filled != r->reply.total) {
        r->note = "the file could not be read to its end";
        return SG_ERR_CORRUPT;
    }
    return SG_OK;
}

static enum sg_err add_range(struct request *r, const struct fields_range *range, uint64_t size)
{
    const char *value = arena_printf(r->arena, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                                     range->first, range->last, size);

    if (value == NULL)
        return SG_ERR_NO_MEMORY;
    reply_header(r, "Content-Range", value);
    return SG_OK;
}

static void set_text(struct reply_part *part, const char *text)
{
    part->data = text;
    part->len = strlen(text);
}

static void set_content(struct reply_part *part, const struct reply_file *file, uint64_t offset)
{
    part->offset = offset;
    if (file->data != NULL)
        part->data = (const uint8_t *)file->data + offset;
}

/* multipart/byteranges (RFC 9110, 14.6). */
static enum sg_err multipart(struct request *r, const struct reply_file *file,
                             const struct fields_range *ranges, size_t count,
                             struct reply_part *parts)
{
    const char *type = arena_printf(r->arena, "multipart/byteranges; boundary=part-%s", r->id);
    const char *end = arena_printf(r->arena, "\r\n--part-%s--\r\n", r->id);

    if (type == NULL || end == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const char *head =
            arena_printf(r->arena,
                         "\r\n--part-%s\r\nContent-Type: %s\r\nContent-Range: bytes %" PRIu64
                         "-%" PRIu64 "/%" PRIu64 "\r\n\r\n",
                         r->id, file->content_type, ranges[i].first, ranges[i].last, file->size);

        if (head == NULL)
            return SG_ERR_NO_MEMORY;
        set_text(&parts[2 * i], i == 0 ? head + 2 : head);
        set_content(&parts[2 * i + 1], file, ranges[i].first);
        parts[2 * i + 1].len = ranges[i].last - ranges[i].first + 1;
    }
    set_text(&parts[2 * count], end);
    r->reply.content_type = type;
    return SG_OK;
}

/* Lays the answer out in parts. */
static enum sg_err lay_out(struct request *r, const struct reply_file *file,
                           const struct fields_range *ranges, size_t count)
{
    size_t parts = count > 1 ? 2 * count + 1 : 1;
    struct reply *reply = &r->reply;
    enum sg_err err = SG_OK;

    reply->parts = arena_alloc(r->arena, parts * sizeof *reply->parts);
    reply->content_type = arena_strdup(r->arena, file->content_type);
    if (reply->parts == NULL || reply->content_type == NULL)
        return SG_ERR_NO_MEMORY;
    reply->part_count = parts;
    if (count == 0) {
        set_content(&reply->parts[0], file, 0);
        reply->parts[0].len = file->size;
    } else if (count == 1) {
        set_content(&reply->parts[0], file, ranges[0].first);
        reply->parts[0].len = ranges[0].last - ranges[0].first + 1;
        err = add_range(r, &ranges[0], file->size);
    } else {
        err = multipart(r, file, ranges, count, reply->parts);
    }
    reply->total = 0;
    for (size_t i = 0; i < parts; i++)
        reply->total += reply->parts[i].len;
    return err;
}

/* A small answer is read here, where it may block. */
static enum sg_err load_small(struct request *r)
{
    struct reply *reply = &r->reply;
    size_t total = (size_t)reply->total;
    size_t done = 0;
    char *data;

    if (reply->parts[0].data != NULL) {
        reply->data = reply->parts[0].data;
        reply->len = total;
        reply->parts = NULL;
        return SG_OK;
    }
    data = arena_alloc(r->arena, total + 1);
    if (data == NULL)
        return SG_OK; /* it can still be streamed */
    while (done < total) {
        ssize_t n =
            pread(reply->fd, data + done, total - done, (off_t)(reply->parts[0].offset + done));

        if (n <= 0)
            return n < 0 ? err_from_errno(errno) : SG_ERR_CORRUPT;
        done += (size_t)n;
    }
    (void)close(reply->fd);
    reply->fd = -1;
    reply->parts = NULL;
    reply->data = data;
    reply->len = total;
    return SG_OK;
}

static void describe(struct request *r, const struct reply_file *file)
{
    char date[SG_HTTP_DATE_SIZE];

    clock_format_http(file->modified_s, date);
    reply_header(r, "ETag", file->etag);
    reply_header(r, "Last-Modified", date);
    reply_header(r, "Accept-Ranges", "bytes");
}

static enum sg_err answer(struct request *r, const struct reply_file *file,
                          const struct conditional *conditions,
                          const struct conditional_state *state)
{
    struct fields_range ranges[SG_RANGES_MAX];
    const char *range = request_header(r, "Range");
    size_t count = 0;
    enum sg_err err;

    if (r->method != SG_METHOD_GET || request_header_repeated(r, "Range") ||
        !conditional_range_holds(conditions, state))
        range = NULL;
    if (fields_range(range, file->size, ranges, &count) == SG_RANGES_UNSATISFIABLE) {
        const char *value = arena_printf(r->arena, "bytes */%" PRIu64, file->size);

        if (value != NULL)
            reply_header(r, "Content-Range", value);
        return SG_ERR_RANGE;
    }
    describe(r, file);
    r->reply.status = count > 0 ? 206 : 200;
    err = lay_out(r, file, ranges, count);
    if (err == SG_OK && r->reply.total == 0)
        r->reply.parts = NULL; /* nothing to stream */
    else if (err == SG_OK && r->reply.part_count == 1 && r->reply.total <= SMALL_FILE &&
             r->method == SG_METHOD_GET)
        err = load_small(r);
    return err;
}

enum sg_err reply_file(struct request *r, int *fd, const struct reply_file *file)
{
    const struct conditional conditions = {
        .if_match = request_header(r, "If-Match"),
        .if_none_match = request_header(r, "If-None-Match"),
        .if_modified_since = request_header(r, "If-Modified-Since"),
        .if_unmodified_since = request_header(r, "If-Unmodified-Since"),
        .if_range = request_header(r, "If-Range"),
    };
    const struct conditional_state state = {.etag = file->etag, .modified_s = file->modified_s};

    reply_empty(r, 0);
    r->reply.fd = *fd;
    *fd = -1;
    r->reply.free_fn = file->free_fn;
    r->reply.free_arg = file->free_arg;
    switch (conditional_check(&conditions, &state, true)) {
    case SG_CONDITION_NOT_MODIFIED:
        describe(r, file);
        reply_empty(r, 304);
        return SG_OK;
    case SG_CONDITION_FAILED:
        return SG_ERR_PRECONDITION;
    case SG_CONDITION_MALFORMED:
        return request_fail(r, SG_ERR_BAD_REQUEST, "malformed entity tag");
    case SG_CONDITION_PROCEED:
        break;
    }
    return answer(r, file, &conditions, &state);
}
