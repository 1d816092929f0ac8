/* SPDX-License-Identifier: Apache-2.0 */
/* Answers without a known length; it keeps nothing of them, and never asks for more than is sent.
 */
#include "http/reply.h"

#include "base/clock.h"
#include "http/wait.h"

#define FILL_LEAST 1024

void reply_stream(struct request *r, const char *content_type,
                  enum sg_err (*fill)(struct request *r, char *to, size_t max, size_t *ret_len,
                                      bool *ret_end))
{
    reply_empty(r, 200);
    r->reply.content_type = content_type;
    r->reply.fill = fill;
}

static void extend(struct request *r)
{
    conn_deadline(r->conn, clock_monotonic_ns() +
                               (int64_t)r->server->config.limits.stream_seconds * SG_NS_PER_S);
}

static ssize_t cut(struct request *r, char *buf, enum sg_err err, const char *note)
{
    r->err = err;
    r->note = note;
    return reply_cut(r, buf);
}

static ssize_t over(struct request *r, char *buf)
{
    r->reply.ended = true;
    extend(r);
    if (!r->http_1_0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    /* Its end is that of the connection. */
    (void)gnutls_bye(r->conn->session, GNUTLS_SHUT_WR);
    return reply_cut(r, buf);
}

/* What `fill` did; 0: it waits. */
static ssize_t take(struct request *r, char *buf, enum sg_err err, size_t len, bool end)
{
    if (err != SG_OK)
        return cut(r, buf, err, "the stream failed");
    if (len > 0) {
        r->reply.ended = end;
        r->sent += len;
        extend(r);
        return (ssize_t)len;
    }
    if (end)
        return over(r, buf);
    if (!r->wait.wanted)
        return cut(r, buf, SG_ERR_INTERNAL, "the stream neither went on nor waited");
    /* It was told that there is no time left. */
    return r->wait.watch && r->wait.woken_by == SG_WAKE_DRAIN ? over(r, buf) : 0;
}

ssize_t reply_stream_read(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct request *r = cls;

    (void)pos;
    if (r->reply.ended)
        return over(r, buf);
    if (max < FILL_LEAST)
        return cut(r, buf, SG_ERR_INTERNAL, "no room for the stream");
    if (r->wait.asleep)
        wait_over(r);
    if (r->wait.err != SG_OK)
        return cut(r, buf, r->wait.err, "the stream failed");
    for (;;) {
        bool end = false;
        size_t len = 0;
        enum sg_err err;
        ssize_t n;

        if (wait_gone(r))
            return cut(r, buf, SG_OK, "the client left");
        r->wait.wanted = false;
        err = r->reply.fill(r, buf, max, &len, &end);
        n = take(r, buf, err, len, end);
        if (n != 0)
            return n;
        reply_uncork(r->conn); /* what was sent may be held back in the socket */
        if (wait_suspend_stream(r))
            return 0;
        wait_over(r);
    }
}
