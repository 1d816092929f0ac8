/* SPDX-License-Identifier: Apache-2.0 */
/* Makes certificates: the CA's own and those it issues; it never signs what it did not compose. */
#include "certs/pki.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"

#define SERIAL_SIZE     20 /* RFC 5280, 4.1.2.2: at most 20 octets, positive */
#define KEY_ID_SIZE     20 /* RFC 7093, 2: the first 160 bits of a SHA-256 */
#define COMMON_NAME_MAX 64 /* ub-common-name */
#define DNS_NAME_MAX    253
#define DNS_LABEL_MAX   63

/* The address in network order; its length, 0 when the text is none. */
static unsigned parse_address(const char *text, uint8_t ret[16])
{
    if (inet_pton(AF_INET, text, ret) == 1)
        return 4;
    if (inet_pton(AF_INET6, text, ret) == 1)
        return 16;
    return 0;
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_label(const char *label, size_t len)
{
    if (len == 0 || len > DNS_LABEL_MAX || label[0] == '-' || label[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_alphanumeric(label[i]) && label[i] != '-' && label[i] != '_')
            return false;
    return true;
}

static bool is_dns_name(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > DNS_NAME_MAX)
        return false;
    /* Clients take a wildcard for one label below at least two. */
    if (strncmp(name, "*.", 2) == 0) {
        name += 2;
        if (strchr(name, '.') == NULL)
            return false;
    }
    for (;;) {
        size_t label = strcspn(name, ".");

        if (!is_label(name, label))
            return false;
        if (name[label] == '\0')
            return true;
        name += label + 1;
    }
}

bool pki_name_is_valid(const char *name)
{
    uint8_t address[16];

    return parse_address(name, address) > 0 || is_dns_name(name);
}

/* 20 random octets below 2^159, always of full length. */
static int set_serial(gnutls_x509_crt_t cert)
{
    uint8_t serial[SERIAL_SIZE];

    rng_bytes(serial, sizeof serial);
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
    return gnutls_x509_crt_set_serial(cert, serial, sizeof serial);
}

/* What every certificate has: version, serial number, life, public key and its identifier. */
static int set_common(gnutls_x509_crt_t cert, gnutls_pubkey_t key, int64_t from_s, int64_t to_s)
{
    uint8_t id[SG_PKI_SHA256_SIZE];
    size_t size = sizeof id;
    int rc = gnutls_x509_crt_set_version(cert, 3);

    if (rc >= 0)
        rc = set_serial(cert);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_activation_time(cert, (time_t)from_s);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_expiration_time(cert, (time_t)to_s);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_pubkey(cert, key);
    if (rc >= 0)
        rc = gnutls_pubkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id, &size);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_subject_key_id(cert, id, KEY_ID_SIZE);
    return rc;
}

/* GnuTLS answers questions about names from what it noted while reading a certificate; one that was
 * just made must be read again. Takes `made`. */
static enum sg_err finish(int rc, gnutls_x509_crt_t made, gnutls_x509_crt_t *ret)
{
    gnutls_x509_crt_t cert = NULL;
    gnutls_datum_t der = {0};

    if (rc >= 0)
        rc = gnutls_x509_crt_export2(made, GNUTLS_X509_FMT_DER, &der);
    if (rc >= 0)
        rc = gnutls_x509_crt_init(&cert);
    if (rc >= 0)
        rc = gnutls_x509_crt_import(cert, &der, GNUTLS_X509_FMT_DER);
    gnutls_free(der.data);
    gnutls_x509_crt_deinit(made);
    if (rc < 0) {
        gnutls_x509_crt_deinit(cert);
        return rc == GNUTLS_E_MEMORY_ERROR ? SG_ERR_NO_MEMORY : SG_ERR_INTERNAL;
    }
    *ret = cert;
    return SG_OK;
}

static int set_common_name(gnutls_x509_crt_t cert, const char *name)
{
    size_t len = strnlen(name, COMMON_NAME_MAX);

    return gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)len);
}

static int fill_ca(gnutls_x509_crt_t cert, gnutls_privkey_t key, gnutls_pubkey_t public_key,
                   const char *host, int64_t now_s)
{
    char name[COMMON_NAME_MAX + 1];
    int rc = set_common(cert, public_key, now_s - SG_PKI_BACKDATE_S, now_s + SG_PKI_CA_LIFE_S);

    (void)snprintf(name, sizeof name, "secgate CA %s", host);
    if (rc >= 0)
        rc = set_common_name(cert, name);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_basic_constraints(cert, 1, 0);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_usage(cert, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
    if (rc >= 0)
        rc = gnutls_x509_crt_privkey_sign(cert, cert, key, GNUTLS_DIG_SHA256, 0);
    return rc;
}

enum sg_err pki_make_ca(gnutls_privkey_t key, const char *host, int64_t now_s,
                        gnutls_x509_crt_t *ret)
{
    gnutls_x509_crt_t cert = NULL;
    gnutls_pubkey_t public_key = NULL;
    int rc = gnutls_x509_crt_init(&cert);

    if (rc >= 0)
        rc = gnutls_pubkey_init(&public_key);
    if (rc >= 0)
        rc = gnutls_pubkey_import_privkey(public_key, key, 0, 0);
    if (rc >= 0)
        rc = fill_ca(cert, key, public_key, host, now_s);
    gnutls_pubkey_deinit(public_key);
    return finish(rc, cert, ret);
}

static int add_name(gnutls_x509_crt_t cert, const char *name)
{
    uint8_t address[16];
    unsigned size = parse_address(name, address);

    if (size > 0)
        return gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_IPADDRESS, address, size,
                                                    GNUTLS_FSAN_APPEND);
    return gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME, name,
                                                (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
}

static int set_server(gnutls_x509_crt_t cert, const struct pki_request *request)
{
    /* The subject is for people to read: clients look at the alternative names only. */
    const char *subject =
        strlen(request->names[0]) <= COMMON_NAME_MAX ? request->names[0] : "secgate";
    int rc = set_common_name(cert, subject);

    for (size_t i = 0; rc >= 0 && i < request->name_count; i++)
        rc = add_name(cert, request->names[i]);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_usage(cert, GNUTLS_KEY_DIGITAL_SIGNATURE);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_purpose_oid(cert, GNUTLS_KP_TLS_WWW_SERVER, 0);
    return rc;
}

/* For signatures on content: whoever verifies a CMS message looks for one of these purposes. */
static int set_signing(gnutls_x509_crt_t cert, const struct pki_request *request)
{
    int rc = set_common_name(cert, request->names[0]);

    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_usage(cert, GNUTLS_KEY_DIGITAL_SIGNATURE);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_purpose_oid(cert, GNUTLS_KP_EMAIL_PROTECTION, 0);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_purpose_oid(cert, GNUTLS_KP_CODE_SIGNING, 0);
    return rc;
}

/* For TLS clients. The URI is what the gateway reads; the common name is for people. */
static int set_client(gnutls_x509_crt_t cert, const struct pki_request *request)
{
    char uri[sizeof SG_PKI_USER_URI + SG_PKI_NAME_MAX];
    int rc = set_common_name(cert, request->names[0]);

    (void)snprintf(uri, sizeof uri, SG_PKI_USER_URI "%s", request->names[0]);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_URI, uri, (unsigned)strlen(uri),
                                                  GNUTLS_FSAN_SET);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_usage(cert, GNUTLS_KEY_DIGITAL_SIGNATURE);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_purpose_oid(cert, GNUTLS_KP_TLS_WWW_CLIENT, 0);
    return rc;
}

static bool is_key_name(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > SG_PKI_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_alphanumeric(name[i]) && strchr("._-", name[i]) == NULL)
            return false;
    return true;
}

static bool names_are_valid(const struct pki_request *request)
{
    if (request->purpose != SG_PKI_SERVER)
        return request->name_count == 1 && is_key_name(request->names[0]);
    for (size_t i = 0; i < request->name_count; i++)
        if (!pki_name_is_valid(request->names[i]))
            return false;
    return request->name_count > 0;
}

/* The identifier of the issuer's key, as the issuer's own certificate states it. */
static int set_authority(gnutls_x509_crt_t cert, gnutls_x509_crt_t ca)
{
    uint8_t id[64];
    size_t size = sizeof id;
    int rc = gnutls_x509_crt_get_subject_key_id(ca, id, &size, NULL);

    return rc < 0 ? rc : gnutls_x509_crt_set_authority_key_id(cert, id, size);
}

/* When a certificate made now ends, if its issuer lives long enough. */
static int64_t end_of(const struct pki_request *request, int64_t ca_to)
{
    switch (request->purpose) {
    case SG_PKI_SERVER:
        return request->now_s + SG_PKI_SERVER_LIFE_S;
    case SG_PKI_CLIENT:
        return request->now_s + request->lifetime_s;
    case SG_PKI_SIGNING:
        break;
    }
    return ca_to;
}

static int set_purpose(gnutls_x509_crt_t cert, const struct pki_request *request)
{
    switch (request->purpose) {
    case SG_PKI_SERVER:
        return set_server(cert, request);
    case SG_PKI_CLIENT:
        return set_client(cert, request);
    case SG_PKI_SIGNING:
        break;
    }
    return set_signing(cert, request);
}

static int fill_issued(gnutls_x509_crt_t cert, const struct pki_issuer *issuer,
                       const struct pki_request *request)
{
    int64_t ca_from = gnutls_x509_crt_get_activation_time(issuer->cert);
    int64_t ca_to = gnutls_x509_crt_get_expiration_time(issuer->cert);
    int64_t from = request->now_s - SG_PKI_BACKDATE_S;
    int64_t to = end_of(request, ca_to);
    int rc;

    from = from < ca_from ? ca_from : from;
    to = to > ca_to ? ca_to : to;
    rc = set_common(cert, request->public_key, from, to);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_basic_constraints(cert, 0, -1);
    if (rc >= 0)
        rc = set_purpose(cert, request);
    if (rc >= 0)
        rc = set_authority(cert, issuer->cert);
    if (rc >= 0 && request->crl_uri != NULL)
        rc = gnutls_x509_crt_set_crl_dist_points2(cert, GNUTLS_SAN_URI, request->crl_uri,
                                                  (unsigned)strlen(request->crl_uri), 0);
    if (rc >= 0)
        rc = gnutls_x509_crt_privkey_sign(cert, issuer->cert, issuer->key, GNUTLS_DIG_SHA256, 0);
    return rc;
}

enum sg_err pki_issue(const struct pki_issuer *issuer, const struct pki_request *request,
                      gnutls_x509_crt_t *ret)
{
    gnutls_x509_crt_t cert;

    if (!names_are_valid(request))
        return SG_ERR_BAD_FIELD;
    if (request->purpose == SG_PKI_CLIENT &&
        (request->lifetime_s <= 0 || request->lifetime_s > SG_PKI_CLIENT_LIFE_S))
        return SG_ERR_BAD_FIELD;
    if (request->crl_uri != NULL && strlen(request->crl_uri) >= SG_PKI_URI_SIZE)
        return SG_ERR_BAD_FIELD;
    if (request->now_s < gnutls_x509_crt_get_activation_time(issuer->cert) ||
        pki_seconds_left(issuer->cert, request->now_s) <= 0)
        return SG_ERR_CONFLICT;
    if (gnutls_x509_crt_init(&cert) < 0)
        return SG_ERR_NO_MEMORY;
    return finish(fill_issued(cert, issuer, request), cert, ret);
}
