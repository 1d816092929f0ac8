/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_witness.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <gnutls/x509.h>

#include "base/encode.h"
#include "base/file.h"

/* A connection, perhaps with TLS. */
struct connection {
    int fd;
    gnutls_session_t tls;
};

static ssize_t receive(const struct connection *c, void *to, size_t cap)
{
    return c->tls != NULL ? gnutls_record_recv(c->tls, to, cap) : recv(c->fd, to, cap, 0);
}

static void send_all(const struct connection *c, const void *data, size_t len)
{
    if (c->tls != NULL)
        (void)!gnutls_record_send(c->tls, data, len);
    else
        (void)!send(c->fd, data, len, MSG_NOSIGNAL);
}

/* Reads a whole request; returns where its body begins, 0 when the client went away. */
static size_t read_request(const struct connection *c, struct buf *b)
{
    for (;;) {
        char *end = strstr(buf_str(b), "\r\n\r\n");
        char *length = strcasestr(buf_str(b), "content-length:");
        char chunk[4096];
        ssize_t n;

        if (end != NULL && length != NULL && length < end) {
            size_t head = (size_t)(end + 4 - buf_str(b));

            if (b->len >= head + strtoul(length + 15, NULL, 10))
                return head;
        }
        n = receive(c, chunk, sizeof chunk);
        if (n <= 0)
            return 0;
        buf_append(b, chunk, (size_t)n);
    }
}

static void answer(const struct connection *c, const char *status, const char *type,
                   const char *body, size_t len)
{
    SG_BUF_CLEANUP struct buf b;

    buf_init(&b, 1 << 20);
    buf_printf(&b, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", status, type,
               len);
    buf_append(&b, body, len);
    send_all(c, b.data, b.len);
}

/* The parts of add-checkpoint; false when it is malformed. */
struct add {
    uint64_t old_size;
    size_t count;
    merkle_hash proof[SG_MERKLE_PROOF];
    const char *note;
    struct checkpoint of;
};
static bool parse_add(const struct fake_witness *w, const char *body, struct add *ret)
{
    const char *line = body;
    char *end;
    struct note n;
    bool ok;

    if (strncmp(line, "old ", 4) != 0)
        return false;
    ret->old_size = strtoull(line + 4, &end, 10);
    if (*end != '\n')
        return false;
    for (line = end + 1; *line != '\n'; line += 45) {
        size_t count;

        if (ret->count == 63 || strlen(line) < 45 || line[44] != '\n' ||
            encode_unbase64(line, 44, ret->proof[ret->count++], 32, &count) != SG_OK)
            return false;
    }
    ret->note = line + 1;
    if (note_parse(ret->note, strlen(ret->note), &n) != SG_OK)
        return false;
    ok = note_verify(&n, &w->log, NULL) == SG_OK &&
         checkpoint_parse(n.body, n.body_len, &ret->of) == SG_OK;
    note_fini(&n);
    return ok;
}

static void put_cosignature(const struct log_signer *s, const char *note, struct buf *out)
{
    int64_t now = time(NULL);
    SG_BUF_CLEANUP struct buf text;
    uint8_t signature[8 + 64];
    struct note n;

    buf_init(&text, SG_NOTE_MAX);
    assert_int_equal(note_parse(note, strlen(note), &n), SG_OK);
    note_put_cosigned(&text, now, n.body, n.body_len);
    for (int i = 0; i < 8; i++)
        signature[i] = (uint8_t)(now >> (56 - 8 * i));
    log_signer_sign(s, text.data, text.len, signature + 8);
    note_put_signature(out, &s->key, signature, sizeof signature);
    note_fini(&n);
}

static void cosign(struct fake_witness *w, const struct connection *c, const struct add *add,
                   enum fake_mode mode)
{
    SG_BUF_CLEANUP struct buf lines;

    buf_init(&lines, 1 << 16);
    if (mode == FAKE_CHATTY) {
        put_cosignature(&w->other, add->note, &lines);
        buf_puts(&lines, "\xe2\x80\x94 a.key.of.another.kind ");
        for (int i = 0; i < 1000; i++)
            buf_puts(&lines, "QUJD");
        buf_puts(&lines, "\nnot a signature line\n");
    }
    put_cosignature(mode == FAKE_FOREIGN ? &w->other : &w->signer, add->note, &lines);
    if (mode == FAKE_WRONG)
        lines.data[lines.len - 20] = lines.data[lines.len - 20] == 'A' ? 'B' : 'A';
    w->seen = add->of;
    w->cosigned++;
    answer(c, "200 OK", "text/plain", (const char *)lines.data, lines.len);
}

static void conflict(const struct connection *c, uint64_t size)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%llu\n", (unsigned long long)size);

    answer(c, "409 Conflict", "text/x.tlog.size", text, (size_t)len);
}

static void add_checkpoint(struct fake_witness *w, const struct connection *c, const char *body)
{
    struct add add = {.count = 0};
    enum fake_mode mode = w->mode;

    if (!parse_add(w, body, &add))
        answer(c, "403 Forbidden", "text/plain", "", 0);
    else if (mode == FAKE_CONFUSED)
        conflict(c, add.old_size == 0 ? 1 : 0);
    else if (mode == FAKE_AHEAD)
        conflict(c, add.of.size + 1);
    else if (add.old_size > add.of.size)
        answer(c, "400 Bad Request", "text/plain", "", 0);
    else if (add.old_size != w->seen.size)
        conflict(c, w->seen.size);
    else if (add.old_size > 0 &&
             merkle_verify_consistency(add.old_size, add.of.size, (const merkle_hash *)add.proof,
                                       add.count, w->seen.root, add.of.root) != SG_OK)
        answer(c, "422 Unprocessable Entity", "text/plain", "", 0);
    else
        cosign(w, c, &add, mode);
}

static void serve_connection(struct fake_witness *w, const struct connection *c)
{
    SG_BUF_CLEANUP struct buf b;
    size_t body;

    buf_init(&b, 1 << 20);
    while ((body = read_request(c, &b)) > 0) {
        w->requests++;
        if (strncmp(buf_str(&b), "POST /w/add-checkpoint HTTP/1.1\r\n", 33) != 0)
            answer(c, "404 Not Found", "text/plain", "", 0);
        else if (w->mode == FAKE_SILENT)
            (void)!receive(c, (char[1]){0}, 1); /* until it goes away */
        else if (w->mode == FAKE_REFUSES)
            answer(c, "403 Forbidden", "text/plain", "no", 2);
        else if (w->mode == FAKE_REDIRECTS)
            answer(c, "307 Temporary Redirect\r\nLocation: /w/add-checkpoint?", "text/plain", "",
                   0);
        else if (w->mode == FAKE_ENDLESS)
            answer(c, "200 OK", "text/plain", (const char[100000]){'x'}, 100000);
        else
            add_checkpoint(w, c, buf_str(&b) + body);
        buf_clear(&b);
    }
}

static void serve_tls(struct fake_witness *w, struct connection *c)
{
    assert_int_equal(gnutls_init(&c->tls, GNUTLS_SERVER | GNUTLS_NO_SIGNAL), 0);
    assert_int_equal(gnutls_set_default_priority(c->tls), 0);
    assert_int_equal(gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, w->tls), 0);
    gnutls_transport_set_int(c->tls, c->fd);
    if (gnutls_handshake(c->tls) == 0)
        serve_connection(w, c);
    gnutls_deinit(c->tls);
}

static void *run(void *arg)
{
    struct fake_witness *w = arg;
    struct connection c = {.tls = NULL};

    while ((c.fd = accept4(w->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        if (w->tls != NULL)
            serve_tls(w, &c);
        else
            serve_connection(w, &c);
        (void)close(c.fd);
    }
    return NULL;
}

/* Its own issuer; for localhost. */
static gnutls_certificate_credentials_t make_credentials(const char *pem_file)
{
    gnutls_certificate_credentials_t credentials;
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t cert;
    gnutls_datum_t pem;

    assert_int_equal(gnutls_x509_privkey_init(&key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(
                         key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                     0);
    assert_int_equal(gnutls_x509_crt_init(&cert), 0);
    assert_int_equal(gnutls_x509_crt_set_version(cert, 3), 0);
    assert_int_equal(gnutls_x509_crt_set_serial(cert, "1", 1), 0);
    assert_int_equal(gnutls_x509_crt_set_activation_time(cert, time(NULL) - 60), 0);
    assert_int_equal(gnutls_x509_crt_set_expiration_time(cert, time(NULL) + 3600), 0);
    assert_int_equal(gnutls_x509_crt_set_dn(cert, "CN=a witness", NULL), 0);
    assert_int_equal(gnutls_x509_crt_set_ca_status(cert, 1), 0);
    assert_int_equal(gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME, "localhost", 9,
                                                          GNUTLS_FSAN_SET),
                     0);
    assert_int_equal(gnutls_x509_crt_set_key(cert, key), 0);
    assert_int_equal(gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0), 0);
    assert_int_equal(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &pem), 0);
    assert_int_equal(file_write_atomic(pem_file, pem.data, pem.size, 0600), SG_OK);
    gnutls_free(pem.data);
    assert_int_equal(gnutls_certificate_allocate_credentials(&credentials), 0);
    assert_int_equal(gnutls_certificate_set_x509_key(credentials, &cert, 1, key), 0);
    gnutls_x509_crt_deinit(cert);
    gnutls_x509_privkey_deinit(key);
    return credentials;
}

static void start(struct fake_witness *w, const char *name, const struct note_key *log,
                  gnutls_certificate_credentials_t tls)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    memset(w, 0, sizeof *w);
    w->tls = tls;
    log_signer_init(&w->signer, name, SG_NOTE_COSIGNATURE);
    log_signer_init(&w->other, name, SG_NOTE_COSIGNATURE);
    w->log = *log;
    w->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(w->listen_fd >= 0);
    assert_int_equal(bind(w->listen_fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(w->listen_fd, 8), 0);
    assert_int_equal(getsockname(w->listen_fd, (struct sockaddr *)&address, &len), 0);
    w->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&w->thread, NULL, run, w), 0);
}

void fake_witness_start(struct fake_witness *w, const char *name, const struct note_key *log)
{
    start(w, name, log, NULL);
}

void fake_witness_start_tls(struct fake_witness *w, const char *name, const struct note_key *log,
                            const char *pem_file)
{
    start(w, name, log, make_credentials(pem_file));
}

void fake_witness_stop(struct fake_witness *w)
{
    (void)shutdown(w->listen_fd, SHUT_RDWR);
    assert_int_equal(pthread_join(w->thread, NULL), 0);
    (void)close(w->listen_fd);
    if (w->tls != NULL)
        gnutls_certificate_free_credentials(w->tls);
    log_signer_fini(&w->signer);
    log_signer_fini(&w->other);
}

void fake_witness_put(const struct fake_witness *w, struct keyring_witness *ret)
{
    char vkey[SG_NOTE_VKEY_SIZE];

    memset(ret, 0, sizeof *ret);
    note_key_format(&w->signer.key, vkey);
    (void)snprintf(ret->vkey, sizeof ret->vkey, "%s", vkey);
    (void)snprintf(ret->url, sizeof ret->url, "%s:%u/w",
                   w->tls != NULL ? "https://localhost" : "http://127.0.0.1", w->port);
}
