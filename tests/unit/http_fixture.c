/* SPDX-License-Identifier: Apache-2.0 */
/* The server fixture: certificate, listening socket, a plain TLS client. It checks nothing itself.
 */
#include "http_fixture.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

static enum sg_err signer_has_key(void *ctx, const uint8_t spki[32], uint32_t *ret_algorithm,
                                  uint32_t *ret_bits)
{
    struct http_identity *id = ctx;
    unsigned bits = 0;
    uint8_t own[32];
    size_t len = sizeof own;

    if (gnutls_x509_privkey_get_key_id(id->x509_key, GNUTLS_KEYID_USE_SHA256, own, &len) != 0 ||
        memcmp(own, spki, 32) != 0)
        return SG_ERR_NOT_FOUND;
    *ret_algorithm = (uint32_t)gnutls_privkey_get_pk_algorithm(id->key, &bits);
    *ret_bits = bits;
    return SG_OK;
}

static enum sg_err signer_sign(void *ctx, const uint8_t spki[32], uint32_t algorithm,
                               const uint8_t *digest, size_t digest_len, uint8_t *ret_signature,
                               size_t cap, size_t *ret_len)
{
    struct http_identity *id = ctx;
    gnutls_datum_t hash;
    gnutls_datum_t signature;
    uint8_t copy[64];

    (void)spki;
    MUST(digest_len <= sizeof copy);
    memcpy(copy, digest, digest_len);
    hash.data = copy;
    hash.size = (unsigned)digest_len;
    if (gnutls_privkey_sign_hash2(id->key, (gnutls_sign_algorithm_t)algorithm, 0, &hash,
                                  &signature) != 0)
        return SG_ERR_INTERNAL;
    MUST(signature.size <= cap);
    memcpy(ret_signature, signature.data, signature.size);
    *ret_len = signature.size;
    gnutls_free(signature.data);
    atomic_fetch_add(&id->signatures, 1);
    return SG_OK;
}

void http_identity_init(struct http_identity *id, const char *common_name)
{
    gnutls_x509_crt_t crt;
    gnutls_datum_t pem;
    unsigned char serial[4] = {1, 2, 3, 4};
    time_t now = time(NULL);

    memset(id, 0, sizeof *id);
    MUST(gnutls_x509_privkey_init(&id->x509_key) == 0);
    MUST(gnutls_x509_privkey_generate(id->x509_key, GNUTLS_PK_ECDSA,
                                      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) == 0);
    MUST(gnutls_x509_crt_init(&crt) == 0);
    MUST(gnutls_x509_crt_set_version(crt, 3) == 0);
    MUST(gnutls_x509_crt_set_serial(crt, serial, sizeof serial) == 0);
    MUST(gnutls_x509_crt_set_activation_time(crt, now - 3600) == 0);
    MUST(gnutls_x509_crt_set_expiration_time(crt, now + 86400) == 0);
    MUST(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, common_name,
                                       (unsigned)strlen(common_name)) == 0);
    MUST(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "localhost", 9,
                                              GNUTLS_FSAN_SET) == 0);
    MUST(gnutls_x509_crt_set_key(crt, id->x509_key) == 0);
    MUST(gnutls_x509_crt_sign2(crt, crt, id->x509_key, GNUTLS_DIG_SHA256, 0) == 0);
    MUST(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem) == 0);
    id->chain_pem = strdup((const char *)pem.data);
    gnutls_free(pem.data);
    gnutls_x509_crt_deinit(crt);
    MUST(gnutls_privkey_init(&id->key) == 0);
    MUST(gnutls_privkey_import_x509(id->key, id->x509_key, 0) == 0);
    id->signer.ctx = id;
    id->signer.has_key = signer_has_key;
    id->signer.sign = signer_sign;
}

void http_identity_fini(struct http_identity *id)
{
    gnutls_privkey_deinit(id->key);
    gnutls_x509_privkey_deinit(id->x509_key);
    free(id->chain_pem);
}

struct tls_bundle *http_identity_bundle(struct http_identity *id)
{
    struct tls_bundle *bundle;

    MUST(tls_bundle_load(id->chain_pem, strlen(id->chain_pem), &id->signer, &bundle) == SG_OK);
    return bundle;
}

int http_listen(unsigned short *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    MUST(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    MUST(listen(fd, 1024) == 0);
    MUST(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

void http_fixture_start(struct http_fixture *f, struct server_config *config)
{
    memset(f, 0, sizeof *f);
    http_identity_init(&f->identity, "one");
    f->bundle = http_identity_bundle(&f->identity);
    f->listen_fd = http_listen(&f->port);
    config->listen_fds = &f->listen_fd;
    config->listen_count = 1;
    MUST(server_start(config, f->bundle, &f->server) == SG_OK);
}

void http_fixture_stop(struct http_fixture *f)
{
    if (f->server != NULL)
        server_drain(&f->server, NULL);
    close(f->listen_fd);
    tls_bundle_unref(f->bundle);
    http_identity_fini(&f->identity);
}

int http_connect(unsigned short port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    MUST(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

bool http_client_open(struct http_client *c, unsigned short port, const gnutls_datum_t *resume)
{
    int rc;

    memset(c, 0, sizeof *c);
    c->fd = http_connect(port);
    if (c->fd < 0)
        return false;
    MUST(gnutls_certificate_allocate_credentials(&c->credentials) == 0);
    MUST(gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL) == 0);
    MUST(gnutls_set_default_priority(c->session) == 0);
    MUST(gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials) == 0);
    (void)gnutls_server_name_set(c->session, GNUTLS_NAME_DNS, "localhost", 9);
    gnutls_transport_set_int(c->session, c->fd);
    if (resume != NULL)
        (void)gnutls_session_set_data(c->session, resume->data, resume->size);
    do
        rc = gnutls_handshake(c->session);
    while (rc == GNUTLS_E_INTERRUPTED);
    if (rc == 0)
        return true;
    http_client_close(c);
    return false;
}

void http_client_close(struct http_client *c)
{
    if (c->session != NULL)
        gnutls_deinit(c->session);
    if (c->credentials != NULL)
        gnutls_certificate_free_credentials(c->credentials);
    if (c->fd >= 0)
        close(c->fd);
    c->session = NULL;
    c->credentials = NULL;
    c->fd = -1;
}

bool http_client_send(struct http_client *c, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        ssize_t n = gnutls_record_send(c->session, p, len);

        if (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_AGAIN)
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

size_t http_client_answer(struct http_client *c, bool head, char *buf, size_t cap,
                          unsigned *ret_status)
{
    size_t len = 0;
    size_t want = SIZE_MAX;
    unsigned again = 0;

    *ret_status = 0;
    while (len < want) {
        size_t room = (want == SIZE_MAX ? cap - 1 : want) - len;
        char *end;
        char *length;
        ssize_t n;

        if (room == 0 || (want == SIZE_MAX && room > 1 && (room = 1) == 0))
            return 0;
        n = gnutls_record_recv(c->session, buf + len, room);
        /* A session ticket shows as "again"; so does the time-out of the socket. */
        if (n == GNUTLS_E_INTERRUPTED || (n == GNUTLS_E_AGAIN && again++ < 10))
            continue;
        if (n <= 0)
            return 0;
        len += (size_t)n;
        buf[len] = '\0';
        if (want != SIZE_MAX || len < 4 || memcmp(buf + len - 4, "\r\n\r\n", 4) != 0)
            continue;
        end = buf + len;
        length = strcasestr(buf, "\r\nContent-Length:");
        *ret_status = (unsigned)strtoul(buf + 9, NULL, 10);
        if (*ret_status == 100) {
            len = 0;
            continue;
        }
        want = (size_t)(end - buf);
        if (!head && length != NULL && *ret_status != 304)
            want += strtoul(length + 17, NULL, 10);
        if (want >= cap)
            return 0;
    }
    return len;
}

unsigned http_client_get(struct http_client *c, const char *request, char *buf, size_t cap)
{
    unsigned status = 0;

    if (!http_client_send(c, request, strlen(request)) ||
        http_client_answer(c, strncmp(request, "HEAD ", 5) == 0, buf, cap, &status) == 0)
        return 0;
    return status;
}
