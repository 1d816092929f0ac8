/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS of one connection: which versions and algorithms are spoken, session tickets, what was
 * negotiated. Functions on a session are for the event loop's thread of the connection.
 */
#ifndef SG_HTTP_TLS_SESSION_H
#define SG_HTTP_TLS_SESSION_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdint.h>

#include "base/err.h"
#include "http/request.h"
#include "http/tls.h"

/* The priority string: TLS 1.3 and 1.2, AEAD, forward secrecy, SHA-2. */
extern const char tls_session_priority[];

/* The key under which session tickets are sealed; shared by all event loops, replaced in time.
 * Thread safe. */
struct tls_tickets;
enum sg_err tls_tickets_new(unsigned rotate_seconds, struct tls_tickets **ret) SG_MUST_CHECK;
void tls_tickets_free(struct tls_tickets *t);
/* Makes a new key: sessions under the old one are no longer resumed. */
void tls_tickets_rotate(struct tls_tickets *t);
/* The same when the key is old enough. */
void tls_tickets_check(struct tls_tickets *t, int64_t now_ns);

/* Sets a fresh session up with the bundle (which must outlive it) and tickets. GnuTLS is given no
 * time-out: it would wait for the socket; the reaper has one. */
void tls_session_prepare(gnutls_session_t session, const struct tls_bundle *bundle,
                         struct tls_tickets *tickets);

/* What was negotiated. */
void tls_session_describe(gnutls_session_t session, const struct tls_bundle *bundle,
                          struct request_tls *ret);

/* For tls_session_prepare and tls_session_describe. */
gnutls_certificate_credentials_t tls_bundle_credentials(const struct tls_bundle *b);
gnutls_datum_t tls_bundle_leaf(const struct tls_bundle *b);
/* Its sets of CAs for clients, for peer.c. */
size_t tls_bundle_trusts(const struct tls_bundle *b);
gnutls_x509_trust_list_t tls_bundle_trusted(const struct tls_bundle *b, size_t i);
/* SHA-256 of the text of the i-th: 32 bytes. */
const uint8_t *tls_bundle_trusted_sha256(const struct tls_bundle *b, size_t i);

#endif
