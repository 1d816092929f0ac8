/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client for two servers: opens many TLS connections, lets each wait with a long-poll, posts a
 * message and tells when it reached the first and the last of them. It reads commands from standard
 * input and answers each with a line of JSON. While the clock runs it only takes bytes from the
 * sockets; they are decrypted and checked afterwards, so that it needs as little of the machine as
 * it can.
 *
 *   waiters PORT CONNECTIONS CA POLL POST NEEDLE [CURSOR]
 *
 * POLL and POST are files with whole requests; "{cursor}" in POLL stands for what NEEDLE finds in
 * the last answer: `"next":"` (up to the next quote) or `@nchan` (validators of the answer, sent
 * back).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RAW_MAX     16384
#define ANSWER_MAX  8192
#define REQUEST_MAX 8192
#define CURSOR_MAX  256
#define AT_ONCE     64    /* handshakes in progress */
#define PATIENCE_MS 60000 /* for whatever should come */
#define QUIET_MS    2     /* without a byte before what came is decrypted */
#define ROUND_PAUSE 20    /* ms from polls to the post of a cycle: they are parked by then */
#define SAMPLES_MAX (1u << 20)

struct connection {
    gnutls_session_t session;
    int fd;
    size_t raw_start, raw_end;
    size_t len;
    bool waiting, done;
    int64_t last_ns; /* when the last bytes came */
    char cursor[CURSOR_MAX];
    uint8_t raw[RAW_MAX];
    char answer[ANSWER_MAX];
};

static gnutls_certificate_credentials_t credentials;
static struct connection *connections; /* the poster is the last one */
static size_t count;
static unsigned port;
static int events_fd;
static char poll_text[REQUEST_MAX], post_text[REQUEST_MAX];
static const char *needle;

static void die(const char *what)
{
    fprintf(stderr, "waiters: %s\n", what);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void read_file(const char *path, char ret[REQUEST_MAX])
{
    FILE *f = fopen(path, "r");
    size_t n = f != NULL ? fread(ret, 1, REQUEST_MAX - 1, f) : 0;

    if (n == 0)
        die(path);
    ret[n] = '\0';
    fclose(f);
}

/* -- bytes ----------------------------------------------------------------------------------------
 */

/* Takes what is in the socket; false when the peer has closed. */
static bool take(struct connection *c)
{
    ssize_t n;

    if (c->raw_start == c->raw_end)
        c->raw_start = c->raw_end = 0;
    if (c->raw_end == RAW_MAX)
        die("an answer is too long");
    n = recv(c->fd, c->raw + c->raw_end, RAW_MAX - c->raw_end, MSG_DONTWAIT);
    if (n == 0)
        return false;
    if (n > 0) {
        c->raw_end += (size_t)n;
        c->last_ns = now_ns();
    }
    return n > 0 || errno == EAGAIN || errno == EINTR;
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *to, size_t max)
{
    struct connection *c = ptr;
    size_t n = c->raw_end - c->raw_start;

    if (n == 0) {
        errno = EAGAIN;
        return -1;
    }
    n = n < max ? n : max;
    memcpy(to, c->raw + c->raw_start, n);
    c->raw_start += n;
    return (ssize_t)n;
}

static ssize_t push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
    const struct connection *c = ptr;

    return send(c->fd, data, len, MSG_NOSIGNAL);
}

static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
    const struct connection *c = ptr;

    (void)ms;
    return c->raw_end > c->raw_start;
}

/* -- connections ----------------------------------------------------------------------------------
 */

static void open_connection(struct connection *c)
{
    const int one = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&to, sizeof to) != 0)
        die("cannot connect");
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)fcntl(c->fd, F_SETFL, O_NONBLOCK);
    if (gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK) != 0 ||
        gnutls_set_default_priority(c->session) != 0 ||
        gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, credentials) != 0 ||
        gnutls_server_name_set(c->session, GNUTLS_NAME_DNS, "localhost", 9) != 0)
        die("cannot start TLS");
    gnutls_session_set_verify_cert(c->session, "localhost", 0);
    gnutls_transport_set_ptr(c->session, c);
    gnutls_transport_set_pull_function(c->session, pull);
    gnutls_transport_set_push_function(c->session, push);
    gnutls_transport_set_pull_timeout_function(c->session, pull_timeout);
    if (epoll_ctl(events_fd, EPOLL_CTL_ADD, c->fd, &event) != 0)
        die("epoll");
}

/* One more step of a handshake; true when it is over. */
static bool handshake(struct connection *c)
{
    int rc = gnutls_handshake(c->session);

    if (rc < 0 && gnutls_error_is_fatal(rc))
        die(gnutls_strerror(rc));
    return rc == 0;
}

static void connect_all(void)
{
    size_t opened = 0, finished = 0;

    while (finished < count + 1) {
        struct epoll_event events[AT_ONCE];
        int n;

        while (opened < count + 1 && opened - finished < AT_ONCE) {
            open_connection(&connections[opened]);
            (void)handshake(&connections[opened++]);
        }
        n = epoll_wait(events_fd, events, AT_ONCE, PATIENCE_MS);
        if (n <= 0)
            die("the server does not answer");
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;

            if (!take(c))
                die("the server has closed a connection");
            if (!c->done && handshake(c)) {
                c->done = true;
                finished++;
            }
        }
    }
    printf("{\"connected\":%zu}\n", count);
}

static void send_text(struct connection *c, const char *text, size_t len)
{
    ssize_t n;

    while ((n = gnutls_record_send(c->session, text, len)) == GNUTLS_E_AGAIN) {
        struct pollfd p = {.fd = c->fd, .events = POLLOUT};

        (void)poll(&p, 1, PATIENCE_MS);
    }
    if (n != (ssize_t)len)
        die("cannot send");
    c->waiting = true;
    c->done = false;
    c->len = 0;
}

static void send_polls(void)
{
    const char *at = strstr(poll_text, "{cursor}");
    char request[REQUEST_MAX + CURSOR_MAX];

    for (size_t i = 0; i < count; i++) {
        struct connection *c = &connections[i];
        int n = at == NULL ? snprintf(request, sizeof request, "%s", poll_text)
                           : snprintf(request, sizeof request, "%.*s%s%s", (int)(at - poll_text),
                                      poll_text, c->cursor, at + 8);

        send_text(c, request, (size_t)n);
    }
}

/* -- answers --------------------------------------------------------------------------------------
 */

static void copy_until(char ret[CURSOR_MAX], const char *from, const char *stop)
{
    size_t n = strcspn(from, stop);

    if (n >= CURSOR_MAX)
        die("a cursor is too long");
    memcpy(ret, from, n);
    ret[n] = '\0';
}

static void keep_cursor(struct connection *c)
{
    const char *found;
    char modified[CURSOR_MAX] = "", tag[CURSOR_MAX] = "";

    if (strcmp(needle, "@nchan") != 0) {
        found = strstr(c->answer, needle);
        if (found != NULL)
            copy_until(c->cursor, found + strlen(needle), "\"");
        return;
    }
    if ((found = strcasestr(c->answer, "\r\nLast-Modified: ")) != NULL)
        copy_until(modified, found + 17, "\r");
    if ((found = strcasestr(c->answer, "\r\nEtag: ")) != NULL)
        copy_until(tag, found + 8, "\r");
    if (snprintf(c->cursor, CURSOR_MAX, "If-Modified-Since: %s\r\nIf-None-Match: %s\r\n", modified,
                 tag) >= CURSOR_MAX)
        die("validators are too long");
}

/* Decrypts what came; true when the answer is whole. */
static bool digest(struct connection *c)
{
    const char *head_end, *length;
    ssize_t n;

    while (c->len < ANSWER_MAX - 1 &&
           (n = gnutls_record_recv(c->session, c->answer + c->len, ANSWER_MAX - 1 - c->len)) != 0) {
        if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED) {
            if (c->raw_end == c->raw_start)
                break;
            continue;
        }
        if (n < 0)
            die(gnutls_strerror((int)n));
        c->len += (size_t)n;
    }
    c->answer[c->len] = '\0';
    head_end = strstr(c->answer, "\r\n\r\n");
    length = strcasestr(c->answer, "\r\nContent-Length: ");
    if (head_end == NULL || length == NULL)
        return false;
    if (c->len < (size_t)(head_end + 4 - c->answer) + strtoul(length + 18, NULL, 10))
        return false;
    if (strncmp(c->answer, "HTTP/1.1 20", 11) != 0)
        die(c->answer);
    keep_cursor(c);
    return true;
}

/* Takes bytes until every connection that waits has its whole answer. */
static void gather(void)
{
    int64_t until_ns = now_ns() + (int64_t)PATIENCE_MS * 1000000;

    for (;;) {
        struct epoll_event events[512];
        int n = epoll_wait(events_fd, events, 512, QUIET_MS);
        size_t left = 0;

        for (int i = 0; i < n; i++)
            if (!take(events[i].data.ptr))
                die("the server has closed a connection");
        if (n > 0)
            continue;
        for (size_t i = 0; i <= count; i++) {
            struct connection *c = &connections[i];

            if (!c->waiting)
                continue;
            c->done = digest(c);
            c->waiting = !c->done;
            left += c->waiting;
        }
        if (left == 0)
            return;
        if (now_ns() > until_ns)
            die("an answer is missing");
    }
}

/* -- figures --------------------------------------------------------------------------------------
 */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double *samples;
static size_t sample_count;

/* Posts, and notes when each waiter had it. */
static void post_once(void)
{
    int64_t began_ns = now_ns();

    send_text(&connections[count], post_text, strlen(post_text));
    gather();
    for (size_t i = 0; i < count && sample_count < SAMPLES_MAX; i++)
        samples[sample_count++] = (double)(connections[i].last_ns - began_ns) / 1e6;
}

static void report(void)
{
    qsort(samples, sample_count, sizeof *samples, by_size);
    printf("{\"first\":%.3f,\"median\":%.3f,\"p99\":%.3f,\"last\":%.3f,\"samples\":%zu}\n",
           samples[0], samples[sample_count / 2], samples[sample_count * 99 / 100],
           samples[sample_count - 1], sample_count);
}

static void obey(char *line)
{
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line, "connect") == 0) {
        connect_all();
    } else if (strcmp(line, "poll") == 0) {
        send_polls();
        printf("{\"sent\":%zu}\n", count);
    } else if (strcmp(line, "post") == 0) {
        sample_count = 0;
        post_once();
        report();
    } else if (strncmp(line, "cycle ", 6) == 0) {
        sample_count = 0;
        for (unsigned long left = strtoul(line + 6, NULL, 10); left > 0; left--) {
            send_polls();
            usleep(ROUND_PAUSE * 1000);
            post_once();
        }
        report();
    } else {
        die("unknown command");
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char line[128];
    struct rlimit limit;

    if (argc != 7 && argc != 8)
        die("usage: waiters PORT CONNECTIONS CA POLL POST NEEDLE [CURSOR]");
    (void)signal(SIGPIPE, SIG_IGN);
    port = (unsigned)strtoul(argv[1], NULL, 10);
    count = strtoul(argv[2], NULL, 10);
    read_file(argv[4], poll_text);
    read_file(argv[5], post_text);
    needle = argv[6];
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    connections = calloc(count + 1, sizeof *connections);
    samples = calloc(SAMPLES_MAX, sizeof *samples);
    events_fd = epoll_create1(EPOLL_CLOEXEC);
    if (connections == NULL || samples == NULL || events_fd < 0 || count == 0 ||
        gnutls_certificate_allocate_credentials(&credentials) != 0 ||
        gnutls_certificate_set_x509_trust_file(credentials, argv[3], GNUTLS_X509_FMT_PEM) < 1)
        die("cannot start");
    for (size_t i = 0; argc == 8 && i < count; i++)
        copy_until(connections[i].cursor, argv[7], "\n");
    while (fgets(line, sizeof line, stdin) != NULL)
        obey(line);
    return 0;
}
