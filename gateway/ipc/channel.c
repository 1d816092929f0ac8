/* SPDX-License-Identifier: Apache-2.0 */
/* One message per send over SOCK_SEQPACKET; it never passes on a truncated message or leaks a
 * descriptor. */
#include "ipc/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/codec.h"

#define SOCKET_BUFFER (4 * SG_IPC_MESSAGE_MAX) /* the kernel's own overhead counts too */

union control {
    char bytes[CMSG_SPACE(SG_IPC_FDS_MAX * sizeof(int))];
    struct cmsghdr align;
};

enum sg_err channel_pair(int ret_fds[2])
{
    const int size = SOCKET_BUFFER;
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return err_from_errno(errno);
    for (size_t i = 0; i < 2; i++) {
        /* A refusal leaves the default, which is large enough on any usual kernel. */
        (void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        (void)setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        ret_fds[i] = fds[i];
    }
    return SG_OK;
}

static enum sg_err from_errno(int code)
{
    switch (code) {
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
    case ENOTCONN:
        return SG_ERR_UNAVAILABLE;
    case EAGAIN:
        return SG_ERR_TIMEOUT;
    case EMSGSIZE:
        return SG_ERR_PROTOCOL;
    default:
        return err_from_errno(code);
    }
}

enum sg_err channel_send(int fd, const struct buf *message, const int *fds, size_t nfds)
{
    union control control = {0};
    struct iovec iov = {.iov_base = message->data, .iov_len = message->len};
    struct msghdr head = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    /* An empty message could not be told from the end of the channel. */
    if (buf_status(message) != SG_OK || message->len == 0 || message->len > SG_IPC_MESSAGE_MAX ||
        nfds > SG_IPC_FDS_MAX)
        return SG_ERR_PROTOCOL;
    if (nfds > 0) {
        struct cmsghdr *c = &control.align;

        head.msg_control = control.bytes;
        head.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
    }
    do
        n = sendmsg(fd, &head, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return from_errno(errno);
    return (size_t)n == message->len ? SG_OK : SG_ERR_PROTOCOL;
}

/* Waits until the descriptor is readable or closed. deadline_ns < 0: for ever. */
static enum sg_err wait_readable(int fd, int64_t deadline_ns)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    for (;;) {
        int ms = -1;
        int n;

        if (deadline_ns >= 0) {
            int64_t left = deadline_ns - clock_monotonic_ns();

            ms = left <= 0 ? 0 : (int)((left + SG_NS_PER_MS - 1) / SG_NS_PER_MS);
        }
        n = poll(&p, 1, ms);
        if (n > 0)
            return SG_OK;
        if (n == 0)
            return SG_ERR_TIMEOUT;
        if (errno != EINTR)
            return err_from_errno(errno);
    }
}

static enum sg_err receive_head(int fd, int64_t deadline_ns, struct msghdr *head, size_t *ret_len)
{
    size_t control_len = head->msg_controllen;

    for (;;) {
        enum sg_err err = wait_readable(fd, deadline_ns);
        ssize_t n;

        if (err != SG_OK)
            return err;
        head->msg_controllen = control_len;
        n = recvmsg(fd, head, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        if (n >= 0) {
            *ret_len = (size_t)n;
            return SG_OK;
        }
        if (errno != EINTR && errno != EAGAIN)
            return from_errno(errno);
    }
}

/* Collects the descriptors that came along. False when there are more than fit (the rest is
 * closed). */
static bool take_fds(struct msghdr *head, int fds[SG_IPC_FDS_MAX], size_t *ret_nfds)
{
    size_t count = 0;
    bool ok = (head->msg_flags & MSG_CTRUNC) == 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c != NULL; c = CMSG_NXTHDR(head, c)) {
        size_t n;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
            if (count < SG_IPC_FDS_MAX) {
                fds[count++] = fd;
            } else {
                (void)close(fd);
                ok = false;
            }
        }
    }
    *ret_nfds = count;
    return ok;
}

enum sg_err channel_receive(int fd, int timeout_ms, struct buf *message, int *ret_fds,
                            size_t *ret_nfds)
{
    union control control;
    struct iovec iov;
    struct msghdr head = {.msg_iov = &iov, .msg_iovlen = 1};
    int64_t deadline = timeout_ms < 0 ? -1 : clock_monotonic_ns() + timeout_ms * SG_NS_PER_MS;
    int fds[SG_IPC_FDS_MAX];
    size_t nfds;
    enum sg_err err;

    buf_clear(message);
    iov.iov_len = message->max < SG_IPC_MESSAGE_MAX ? message->max : SG_IPC_MESSAGE_MAX;
    iov.iov_base = buf_reserve(message, iov.iov_len);
    if (iov.iov_base == NULL)
        return SG_ERR_NO_MEMORY;
    head.msg_control = control.bytes;
    head.msg_controllen = sizeof control.bytes;
    err = receive_head(fd, deadline, &head, &iov.iov_len);
    if (err != SG_OK)
        return err;
    if (!take_fds(&head, fds, &nfds) || (head.msg_flags & MSG_TRUNC) != 0 ||
        (nfds > 0 && ret_fds == NULL))
        err = SG_ERR_PROTOCOL;
    else if (iov.iov_len == 0)
        err = SG_ERR_UNAVAILABLE;
    if (err != SG_OK) {
        for (size_t i = 0; i < nfds; i++)
            (void)close(fds[i]);
        return err;
    }
    buf_commit(message, iov.iov_len);
    if (ret_fds != NULL && nfds > 0)
        memcpy(ret_fds, fds, nfds * sizeof fds[0]);
    if (ret_nfds != NULL)
        *ret_nfds = nfds;
    return SG_OK;
}
