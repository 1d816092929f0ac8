/* SPDX-License-Identifier: Apache-2.0 */
/* Socket functions for GnuTLS; it never waits and never looks into records but at their heads. */
#include "http/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "http/internal.h"
#include "http/stall.h"

#define IN_VAIN_MAX      64          /* a client nearby answers within so many tries */
#define READ_AHEAD       4096        /* bytes; longer reads go straight to where they are wanted */
#define HELD_MAX         (17 * 1024) /* any record */
#define RECORD_HEAD      5
#define RECORD_HANDSHAKE 22

/* What has been read and not yet asked for; borrowed from the loop while there is something in it.
 */
struct read_ahead {
    size_t start;
    size_t end;
    uint8_t data[READ_AHEAD];
};

/* A record of one connection on the way to its socket, see transport_hold. */
struct held {
    struct conn *owner; /* NULL: empty */
    size_t len;
    uint8_t data[HELD_MAX];
};

/* Follows the records of a TLS 1.2 client; false at one that begins a new handshake. */
static bool follow(struct conn *c, const uint8_t *data, size_t len)
{
    while (len > 0) {
        if (c->record_left > 0) {
            size_t n = c->record_left < len ? c->record_left : len;

            c->record_left -= (unsigned)n;
            data += n;
            len -= n;
            continue;
        }
        c->record_head[c->record_head_len++] = *data;
        if (c->record_head_len == 1 && *data == RECORD_HANDSHAKE)
            return false;
        if (c->record_head_len == RECORD_HEAD) {
            c->record_left = (unsigned)c->record_head[3] << 8 | c->record_head[4];
            c->record_head_len = 0;
        }
        data++;
        len--;
    }
    return true;
}

static ssize_t deliver(struct conn *c, const uint8_t *data, ssize_t n)
{
    if (n <= 0 || !c->follow_records || follow(c, data, (size_t)n))
        return n;
    (void)gnutls_alert_send(c->session, GNUTLS_AL_FATAL, GNUTLS_A_NO_RENEGOTIATION);
    errno = ECONNRESET;
    return -1;
}

static struct read_ahead *borrow(struct loop *loop)
{
    struct read_ahead *a = loop->spare;

    loop->spare = NULL;
    if (a == NULL)
        a = malloc(sizeof *a);
    return a;
}

static void give_back(struct loop *loop, struct read_ahead *a)
{
    if (loop->spare == NULL)
        loop->spare = a;
    else
        free(a);
}

/* A read; notices a handshake whose client keeps silent. */
static ssize_t receive(struct conn *c, void *to, size_t max)
{
    ssize_t n = recv(c->fd, to, max, 0);

    if (c->handshaken)
        return n;
    if (n >= 0) {
        c->in_vain = 0;
    } else if (errno == EAGAIN && ++c->in_vain >= IN_VAIN_MAX) {
        c->in_vain = 0;
        stall_wait(c->loop->server->stall, c);
        errno = EAGAIN;
    }
    return n;
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *to, size_t max)
{
    struct conn *c = ptr;
    struct read_ahead *a = c->ahead;
    ssize_t n;

    if (a == NULL) {
        if (max >= READ_AHEAD || (a = borrow(c->loop)) == NULL)
            return deliver(c, to, receive(c, to, max));
        n = receive(c, a->data, sizeof a->data);
        if (n <= 0) {
            int code = errno;

            give_back(c->loop, a);
            errno = code;
            return n;
        }
        a->start = 0;
        a->end = (size_t)n;
        c->ahead = a;
    }
    if (max > a->end - a->start)
        max = a->end - a->start;
    memcpy(to, a->data + a->start, max);
    a->start += max;
    if (a->start == a->end) {
        c->ahead = NULL;
        give_back(c->loop, a);
    }
    return deliver(c, to, (ssize_t)max);
}

/* The scratch of the connection's loop, in which nothing of another is left; NULL without memory.
 */
static struct held *scratch(struct conn *c)
{
    struct loop *loop = c->loop;

    if (loop->held == NULL) {
        loop->held = malloc(sizeof *loop->held);
        if (loop->held == NULL)
            return NULL;
        loop->held->owner = NULL;
    }
    if (loop->held->owner != NULL && loop->held->owner != c &&
        !transport_release(loop->held->owner))
        (void)shutdown(loop->held->owner->fd, SHUT_RDWR);
    if (loop->held->owner != c)
        loop->held->len = 0;
    return loop->held;
}

/* Keeps the first of the two; false when it cannot. */
static bool keep(struct conn *c, const giovec_t *iov, int count, size_t *ret_len)
{
    struct held *h = scratch(c);
    size_t total = 0;

    for (int i = 0; i < count; i++)
        total += iov[i].iov_len;
    if (h == NULL || total > sizeof h->data)
        return false;
    h->owner = c;
    for (int i = 0; i < count; i++) {
        memcpy(h->data + h->len, iov[i].iov_base, iov[i].iov_len);
        h->len += iov[i].iov_len;
    }
    *ret_len = total;
    return true;
}

static ssize_t push(gnutls_transport_ptr_t ptr, const giovec_t *iov, int count)
{
    struct conn *c = ptr;
    struct held *h = c->loop->held;
    size_t held = 0;
    struct iovec copy[9];
    struct msghdr message = {.msg_iov = copy};
    ssize_t n;

    if (c->holding && h != NULL && h->owner == c) {
        copy[0].iov_base = h->data;
        copy[0].iov_len = held = h->len;
        message.msg_iovlen = 1;
        h->owner = NULL;
    } else if (c->holding && keep(c, iov, count, &held)) {
        return (ssize_t)held;
    }
    c->holding = false;
    for (int i = 0; i < count && i < 8; i++) {
        copy[message.msg_iovlen].iov_base = iov[i].iov_base;
        copy[message.msg_iovlen].iov_len = iov[i].iov_len;
        message.msg_iovlen++;
    }
    n = sendmsg(c->fd, &message, MSG_NOSIGNAL);
    if (n > 0)
        c->unsent += (size_t)n;
    if (held == 0)
        return n;
    if (n <= (ssize_t)held) { /* there was room a moment ago: the connection is broken */
        errno = EPIPE;
        return -1;
    }
    return n - (ssize_t)held;
}

/* Never waits: the event loop knows when there is something. */
static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned milliseconds)
{
    (void)ptr;
    (void)milliseconds;
    return 1;
}

void transport_hold(struct conn *c)
{
    c->holding = true;
}

bool transport_release(struct conn *c)
{
    struct held *h = c->loop->held;
    ssize_t n;

    c->holding = false;
    if (h == NULL || h->owner != c)
        return true;
    h->owner = NULL;
    n = send(c->fd, h->data, h->len, MSG_NOSIGNAL);
    if (n > 0)
        c->unsent += (size_t)n;
    return n >= 0 && (size_t)n == h->len;
}

void transport_attach(struct conn *c, gnutls_session_t session)
{
    gnutls_transport_set_ptr(session, c);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_pull_timeout_function(session, pull_timeout);
    gnutls_transport_set_vec_push_function(session, push);
}

void transport_handshaken(gnutls_session_t session)
{
    struct conn *c = gnutls_transport_get_ptr(session);

    c->handshaken = true;
    c->follow_records = gnutls_protocol_get_version(session) == GNUTLS_TLS1_2;
}

void transport_detach(struct conn *c)
{
    if (c->loop->held != NULL && c->loop->held->owner == c)
        c->loop->held->owner = NULL;
    free(c->ahead);
    c->ahead = NULL;
}
