/* SPDX-License-Identifier: Apache-2.0 */
/* Sets TLS sessions up and describes them; it sees no key but that of the tickets. */
#include "http/tls_session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/secret.h"
#include "http/transport.h"

#define PACKET_MAX 32768 /* bytes of the client's certificates, which its session keeps */

const char tls_session_priority[] =
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+ECDHE-ECDSA:+ECDHE-RSA:+AES-256-GCM:+CHACHA20-POLY1305:"
    "+AES-128-GCM:+AEAD:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
    "+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SHA256:"
    "+SIGN-ECDSA-SHA384:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:"
    "+SIGN-RSA-PSS-RSAE-SHA512:+SIGN-RSA-PSS-SHA256:+SIGN-RSA-PSS-SHA384:+SIGN-RSA-PSS-SHA512:"
    "+SIGN-EDDSA-ED25519:+CTYPE-X509:%SERVER_PRECEDENCE";

struct tls_tickets {
    pthread_mutex_t lock;
    gnutls_datum_t key; /* under lock */
    int64_t made_ns;    /* under lock */
    int64_t rotate_ns;
};

enum sg_err tls_tickets_new(unsigned rotate_seconds, struct tls_tickets **ret)
{
    struct tls_tickets *t = calloc(1, sizeof *t);

    if (t == NULL)
        return SG_ERR_NO_MEMORY;
    if (gnutls_session_ticket_key_generate(&t->key) != 0) {
        free(t);
        return SG_ERR_NO_MEMORY;
    }
    pthread_mutex_init(&t->lock, NULL);
    t->made_ns = clock_monotonic_ns();
    t->rotate_ns = (int64_t)rotate_seconds * SG_NS_PER_S;
    *ret = t;
    return SG_OK;
}

static void key_drop(gnutls_datum_t *key)
{
    secret_wipe(key->data, key->size);
    gnutls_free(key->data);
}

void tls_tickets_free(struct tls_tickets *t)
{
    if (t == NULL)
        return;
    key_drop(&t->key);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

void tls_tickets_rotate(struct tls_tickets *t)
{
    gnutls_datum_t fresh = {0};
    gnutls_datum_t old;

    if (gnutls_session_ticket_key_generate(&fresh) != 0)
        return; /* no memory: tried again in time */
    pthread_mutex_lock(&t->lock);
    old = t->key;
    t->key = fresh;
    t->made_ns = clock_monotonic_ns();
    pthread_mutex_unlock(&t->lock);
    key_drop(&old);
}

void tls_tickets_check(struct tls_tickets *t, int64_t now_ns)
{
    bool old;

    pthread_mutex_lock(&t->lock);
    old = t->rotate_ns > 0 && now_ns - t->made_ns >= t->rotate_ns;
    pthread_mutex_unlock(&t->lock);
    if (old)
        tls_tickets_rotate(t);
}

static int count_handshake(gnutls_session_t session, unsigned type, unsigned when,
                           unsigned incoming, const gnutls_datum_t *message)
{
    (void)type;
    (void)when;
    (void)message;
    if (incoming == 0)
        return 0;
    transport_handshaken(session);
    metrics_add(gnutls_session_is_resumed(session) ? SG_METRIC_HANDSHAKES_RESUMED
                                                   : SG_METRIC_HANDSHAKES_FULL,
                1);
    return 0;
}

void tls_session_prepare(gnutls_session_t session, const struct tls_bundle *bundle,
                         struct tls_tickets *tickets)
{
    (void)gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, tls_bundle_credentials(bundle));
    if (tls_bundle_trusts(bundle) > 0) {
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
        gnutls_handshake_set_max_packet_length(session, PACKET_MAX);
    }
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
                                       count_handshake);
    pthread_mutex_lock(&tickets->lock);
    (void)gnutls_session_ticket_enable_server(session, &tickets->key); /* copies it */
    pthread_mutex_unlock(&tickets->lock);
}

void tls_session_describe(gnutls_session_t session, const struct tls_bundle *bundle,
                          struct request_tls *ret)
{
    const gnutls_datum_t *peers;
    gnutls_datum_t leaf = tls_bundle_leaf(bundle);
    unsigned count = 0;

    memset(ret, 0, sizeof *ret);
    ret->version = gnutls_protocol_get_name(gnutls_protocol_get_version(session));
    ret->cipher = gnutls_cipher_get_name(gnutls_cipher_get(session));
    ret->group = gnutls_group_get_name(gnutls_group_get(session));
    ret->resumed = gnutls_session_is_resumed(session) != 0;
    ret->server_cert = leaf.data;
    ret->server_cert_len = leaf.size;
    peers = gnutls_certificate_get_peers(session, &count);
    if (peers != NULL && count > 0) {
        ret->client_cert = peers[0].data;
        ret->client_cert_len = peers[0].size;
    }
}
