/* SPDX-License-Identifier: Apache-2.0 */
/* A real server on loopback with a self-made certificate, for tests of gateway/http. */
#ifndef SG_TESTS_HTTP_FIXTURE_H
#define SG_TESTS_HTTP_FIXTURE_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdatomic.h>

#include "http/server.h"
#include "http/tls.h"

/* A key and its self-signed certificate; the key stays here, behind a tls_signer. */
struct http_identity {
    gnutls_privkey_t key;
    gnutls_x509_privkey_t x509_key;
    char *chain_pem;
    struct tls_signer signer;
    atomic_int signatures; /* made so far */
};

void http_identity_init(struct http_identity *id, const char *common_name);
void http_identity_fini(struct http_identity *id);
struct tls_bundle *http_identity_bundle(struct http_identity *id);

struct http_fixture {
    struct http_identity identity;
    struct tls_bundle *bundle;
    struct server *server;
    int listen_fd;
    unsigned short port;
};

/* `config` without descriptors; limits must be filled in. */
void http_fixture_start(struct http_fixture *f, struct server_config *config);
void http_fixture_stop(struct http_fixture *f);

/* A listening socket on 127.0.0.1. */
int http_listen(unsigned short *ret_port);

/* A plain connection to it, with a time-out of 5 s for reading. */
int http_connect(unsigned short port);

/* A client's TLS connection; -1 and no session when it fails. `resume` may hold session data of a
 * former one. */
struct http_client {
    int fd;
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
};
bool http_client_open(struct http_client *c, unsigned short port, const gnutls_datum_t *resume);
void http_client_close(struct http_client *c);
/* Sends all; false on an error. */
bool http_client_send(struct http_client *c, const void *data, size_t len);
/* Reads one answer (head and body by Content-Length, or none after HEAD) into `buf`,
 * NUL-terminated. Returns its length, 0 at the end or on an error; *ret_status its status. */
size_t http_client_answer(struct http_client *c, bool head, char *buf, size_t cap,
                          unsigned *ret_status);
/* One request with an answer; the status, 0 on an error. */
unsigned http_client_get(struct http_client *c, const char *request, char *buf, size_t cap);

#endif
