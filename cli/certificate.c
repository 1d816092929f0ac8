/* SPDX-License-Identifier: Apache-2.0 */
/* The client certificate of a profile. Its key never leaves this machine. */
#include "cli/certificate.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/secret.h"
#include "cli/api.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/term.h"
#include "cli/text.h"

#include <gnutls/x509.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SG_CERTIFICATE_FILE_MAX ((size_t)65536)
#define SG_CERTIFICATE_NAME     257
#define SG_CERTIFICATE_RENEW    3 /* when a third of its life is left */

static void report_tls(const char *what, int rc)
{
    (void)report_error(SG_CLI_USAGE, NULL, "cannot make the %s: %s", what, gnutls_strerror(rc));
}

static int make_csr(gnutls_x509_privkey_t key, gnutls_x509_crq_t crq)
{
    static const char name[] = "secctl"; /* who it is for is the gateway's to say */
    int rc = gnutls_x509_crq_set_version(crq, 1);

    if (rc >= 0)
        rc = gnutls_x509_crq_set_dn_by_oid(crq, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                           sizeof(name) - 1);
    if (rc >= 0)
        rc = gnutls_x509_crq_set_key(crq, key);
    return rc >= 0 ? gnutls_x509_crq_sign2(crq, key, GNUTLS_DIG_SHA256, 0) : rc;
}

static int export_both(gnutls_x509_privkey_t key, gnutls_x509_crq_t crq, struct buf *ret_key,
                       struct buf *ret_csr)
{
    gnutls_datum_t key_pem = {NULL, 0}, csr_pem = {NULL, 0};
    int rc = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                               &key_pem);

    if (rc >= 0)
        rc = gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_PEM, &csr_pem);
    if (rc >= 0) {
        buf_append(ret_key, key_pem.data, key_pem.size);
        buf_append(ret_csr, csr_pem.data, csr_pem.size);
    }
    if (key_pem.data)
        secret_wipe(key_pem.data, key_pem.size);
    gnutls_free(key_pem.data);
    gnutls_free(csr_pem.data);
    return rc;
}

enum cli_status certificate_make_request(struct buf *ret_key, struct buf *ret_csr)
{
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crq_t crq = NULL;
    int rc = gnutls_x509_privkey_init(&key);

    if (rc >= 0)
        rc = gnutls_x509_crq_init(&crq);
    if (rc >= 0)
        rc = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                          GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    if (rc >= 0)
        rc = make_csr(key, crq);
    if (rc >= 0)
        rc = export_both(key, crq, ret_key, ret_csr);
    if (crq)
        gnutls_x509_crq_deinit(crq);
    if (key)
        gnutls_x509_privkey_deinit(key);
    if (rc < 0)
        report_tls("key", rc);
    return rc < 0 ? SG_CLI_USAGE : SG_CLI_OK;
}

enum cli_status certificate_ask(struct cli *cli, const char *csr, const char *user,
                                const char *name, int64_t days, struct json_object **ret)
{
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object();

    if (!json_put_text(body, "csr", csr) || (user && !json_put_text(body, "user", user)) ||
        (name && !json_put_text(body, "name", name)) ||
        (days > 0 && !json_put_int(body, "days", days)))
        return report_no_memory();
    return api_call(cli, SG_API_USER, "POST", "/v1/certificates", body, user ? user : "certificate",
                    ret);
}

/* Whether the certificate that came is for the key that was made. */
static bool belong_together(const char *certificate, const struct buf *key_pem)
{
    gnutls_datum_t cert_text = {(unsigned char *)(uintptr_t)certificate,
                                (unsigned)strlen(certificate)};
    gnutls_datum_t key_text = {key_pem->data, (unsigned)key_pem->len};
    gnutls_x509_crt_t cert = NULL;
    gnutls_x509_privkey_t key = NULL;
    uint8_t a[32], b[32];
    size_t a_len = sizeof(a), b_len = sizeof(b);
    bool ok = gnutls_x509_crt_init(&cert) >= 0 && gnutls_x509_privkey_init(&key) >= 0 &&
              gnutls_x509_crt_import(cert, &cert_text, GNUTLS_X509_FMT_PEM) >= 0 &&
              gnutls_x509_privkey_import(key, &key_text, GNUTLS_X509_FMT_PEM) >= 0 &&
              gnutls_x509_crt_get_key_id(cert, GNUTLS_KEYID_USE_SHA256, a, &a_len) >= 0 &&
              gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, b, &b_len) >= 0 &&
              a_len == b_len && memcmp(a, b, a_len) == 0;

    if (cert)
        gnutls_x509_crt_deinit(cert);
    if (key)
        gnutls_x509_privkey_deinit(key);
    return ok;
}

/* Certificate and key in one file, so that one is never without the other. */
static enum cli_status keep(struct cli *cli, struct json_object *answer, const struct buf *key)
{
    const char *certificate = json_text(answer, "certificate", "");
    enum cli_status status;
    struct buf both;

    if (!belong_together(certificate, key))
        return report_error(SG_CLI_REFUSED, "is it a secgate gateway of this version?",
                            "the gateway's certificate is not for the key that was made");
    buf_init(&both, SG_CERTIFICATE_FILE_MAX);
    buf_puts(&both, certificate);
    if (both.len > 0 && both.data[both.len - 1] != '\n')
        buf_putc(&both, '\n');
    buf_append(&both, key->data, key->len);
    status = both.failed ? report_no_memory()
                         : profile_write(cli->profile, cli->profile->certificate_path,
                                         buf_str(&both), both.len);
    buf_wipe(&both);
    if (status == SG_CLI_OK)
        cli->profile->has_certificate = true;
    return status;
}

enum cli_status certificate_enroll(struct cli *cli, const char *name, int64_t days,
                                   struct json_object **ret)
{
    SG_JSON_CLEANUP struct json_object *answer = NULL;
    SG_BUF_CLEANUP struct buf csr = {0};
    struct buf key;
    enum cli_status status;

    buf_init(&csr, SG_CERTIFICATE_FILE_MAX);
    buf_init(&key, SG_CERTIFICATE_FILE_MAX);
    status = certificate_make_request(&key, &csr);
    if (status == SG_CLI_OK)
        status = certificate_ask(cli, buf_str(&csr), NULL, name, days, &answer);
    if (status == SG_CLI_OK)
        status = keep(cli, answer, &key);
    buf_wipe(&key);
    if (status == SG_CLI_OK) {
        *ret = answer;
        answer = NULL;
    }
    return status;
}

enum cli_status certificate_forget(struct cli *cli)
{
    cli->profile->has_certificate = false;
    return profile_remove(cli->profile->certificate_path);
}

struct life {
    int64_t begin, end;
    char name[SG_CERTIFICATE_NAME]; /* common name; empty: none, or a longer one */
};

/* Reads life and name of the profile's certificate. */
static bool read_life(const struct profile *p, struct life *ret)
{
    size_t size = sizeof(ret->name);
    struct buf pem;
    gnutls_x509_crt_t cert = NULL;
    bool ok = false;

    buf_init(&pem, SG_CERTIFICATE_FILE_MAX);
    if (file_read(p->certificate_path, &pem) == SG_OK && gnutls_x509_crt_init(&cert) >= 0) {
        gnutls_datum_t text = {pem.data, (unsigned)pem.len};

        ok = gnutls_x509_crt_import(cert, &text, GNUTLS_X509_FMT_PEM) >= 0;
        if (ok) {
            ret->begin = gnutls_x509_crt_get_activation_time(cert);
            ret->end = gnutls_x509_crt_get_expiration_time(cert);
            if (gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, ret->name,
                                              &size) < 0)
                ret->name[0] = 0;
        }
        gnutls_x509_crt_deinit(cert);
    }
    buf_wipe(&pem);
    return ok;
}

static bool is_due(const struct life *l)
{
    return (l->end - clock_now_s()) * SG_CERTIFICATE_RENEW < l->end - l->begin;
}

/* New connections are made, which show the new certificate. */
static enum cli_status reconnect(struct cli *cli)
{
    http_close(cli->http);
    cli->http = http_open(cli->profile->url, cli->profile->ca_path);
    if (!cli->http)
        return SG_CLI_USAGE;
    http_set_certificate(cli->http, cli->profile->certificate_path);
    return SG_CLI_OK;
}

static enum cli_status renew(struct cli *cli)
{
    SG_JSON_CLEANUP struct json_object *answer = NULL;
    struct report_capture errors = {.printed = {0}};
    char *path = profile_path(cli->profile, "client.lock");
    SG_FD_CLEANUP int fd = -1;
    struct life life;
    enum cli_status status = path ? profile_lock(cli->profile, path, &fd) : report_no_memory();

    free(path);
    /* Another process may have been faster. */
    if (status != SG_CLI_OK || !read_life(cli->profile, &life) || !is_due(&life))
        return status == SG_CLI_OK ? reconnect(cli) : status;
    report_capture(&errors);
    status = certificate_enroll(cli, NULL, 0, &answer);
    report_release();
    if (status == SG_CLI_OK) {
        term_note("secctl: the certificate was renewed, until %.10s",
                  json_text(answer, "expires_at", "?"));
        status = reconnect(cli);
    } else if (status != SG_CLI_INTERRUPTED) {
        term_note("secctl: the certificate could not be renewed: %s", buf_str(&errors.message));
        status = SG_CLI_OK;
    }
    report_capture_fini(&errors);
    return status;
}

enum cli_status certificate_use(struct cli *cli)
{
    struct profile *p = cli->profile;
    struct life life;
    char until[SG_TEXT_SIZE];
    struct stat st;

    if (!p->has_certificate)
        return SG_CLI_OK;
    if (stat(p->certificate_path, &st) == 0 && (st.st_mode & 077)) {
        term_note("secctl: %s was readable for others; corrected", p->certificate_path);
        (void)chmod(p->certificate_path, 0600);
    }
    if (!read_life(p, &life))
        return report_error(SG_CLI_USAGE, "secctl enroll --forget, then enroll anew",
                            "%s is damaged", p->certificate_path);
    if (life.end <= clock_now_s()) {
        text_datetime(life.end, until);
        term_note("secctl: the certificate of this profile ended %s and is not shown; "
                  "a new one: secctl enroll",
                  until);
        p->has_certificate = false;
        return SG_CLI_OK;
    }
    http_set_certificate(cli->http, p->certificate_path);
    if (!is_due(&life) || cli->options.sealed || cli->session->script ||
        !session_exists(cli->session))
        return SG_CLI_OK;
    /* A session of another user would make it that user's certificate. */
    if (strcmp(life.name, cli->session->username) != 0)
        return SG_CLI_OK;
    return renew(cli);
}
