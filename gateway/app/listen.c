/* SPDX-License-Identifier: Apache-2.0 */
/* Opens listening sockets. It never accepts. */
#include "app/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"

#define BACKLOG 4096

static void set_port(struct sockaddr *address, unsigned port)
{
    if (address->sa_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)address)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)(void *)address)->sin_port = htons((uint16_t)port);
}

static unsigned bound_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
}

static int open_one(const struct addrinfo *info)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    int on = 1;

    if (fd == -1)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* connections inherit it */
    if (info->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int saved = errno;

        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* All addresses of one item. A host without IPv6 (or IPv4) is fine as long as one address works. */
static enum sg_err open_item(const char *item, struct listener *l, struct buf *errors)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *list = NULL;
    char host[256], port[8];
    unsigned number = 0;
    bool any = false;
    int code, why = EADDRNOTAVAIL;

    if (config_split_listen(item, host, port) != SG_OK)
        return SG_ERR_BAD_FIELD;
    code = getaddrinfo(*host ? host : NULL, port, &hints, &list);
    if (code != 0) {
        buf_printf(errors, "listen %s: %s\n", item, gai_strerror(code));
        return SG_ERR_BAD_FIELD;
    }
    for (const struct addrinfo *info = list; info != NULL && l->count < SG_LISTEN_MAX;
         info = info->ai_next) {
        int fd;

        if (number != 0)
            set_port(info->ai_addr, number); /* port 0: the same for all addresses of the item */
        fd = open_one(info);
        if (fd == -1) {
            if (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)
                continue;
            why = errno;
            any = false;
            break;
        }
        any = true;
        number = bound_port(fd);
        l->fd[l->count++] = fd;
    }
    freeaddrinfo(list);
    if (!any) {
        buf_printf(errors, "listen %s: %s\n", item, strerror(why));
        return SG_ERR_UNAVAILABLE;
    }
    if (l->port == 0)
        l->port = number;
    snprintf(l->url[l->urls++], sizeof l->url[0],
             strchr(host, ':') ? "https://[%s]:%u" : "https://%s:%u", *host ? host : "0.0.0.0",
             number);
    return SG_OK;
}

enum sg_err listen_open(const struct config_list *items, struct listener *ret, struct buf *errors)
{
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < items->count; i++) {
        enum sg_err err = open_item(items->item[i], ret, errors);

        if (err != SG_OK) {
            listen_close(ret);
            return err;
        }
    }
    return SG_OK;
}

void listen_close(struct listener *l)
{
    for (size_t i = 0; i < l->count; i++)
        file_close(&l->fd[i]);
    l->count = 0;
}
