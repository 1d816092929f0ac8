/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First contact with a gateway. The probe sends no byte of HTTP: nothing of the user's goes to a
 * gateway that is not trusted yet.
 */
#include "cli/trust.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/file.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SG_TRUST_CHAIN_MAX 10
#define SG_TRUST_PEM_MAX   (size_t)65536
#define SG_TRUST_TIMEOUT_S 15L

/* The chain that a gateway showed. */
struct chain {
    gnutls_x509_crt_t certs[SG_TRUST_CHAIN_MAX];
    unsigned count;
};

static void chain_fini(struct chain *chain)
{
    for (unsigned i = 0; i < chain->count; i++)
        gnutls_x509_crt_deinit(chain->certs[i]);
    chain->count = 0;
}

bool trust_parse_fingerprint(const char *text, char ret[SG_DIGEST_HEX_SIZE])
{
    size_t len = 0;

    if (strncasecmp(text, "SHA256:", 7) == 0)
        text += 7;
    for (; *text; text++) {
        if (*text == ':' || *text == ' ')
            continue;
        if (!isxdigit((unsigned char)*text) || len == SG_DIGEST_HEX_SIZE - 1)
            return false;
        ret[len++] = (char)tolower((unsigned char)*text);
    }
    ret[len] = 0;
    return len == SG_DIGEST_HEX_SIZE - 1;
}

void trust_format_fingerprint(const char hex[SG_DIGEST_HEX_SIZE], char ret[SG_TRUST_SHOWN_SIZE])
{
    for (size_t i = 0; i < SG_DIGEST_BYTES; i++) {
        ret[3 * i] = (char)toupper((unsigned char)hex[2 * i]);
        ret[3 * i + 1] = (char)toupper((unsigned char)hex[2 * i + 1]);
        ret[3 * i + 2] = i + 1 < SG_DIGEST_BYTES ? ':' : 0;
    }
}

static bool describe(gnutls_x509_crt_t cert, struct trust_ca *ret)
{
    uint8_t digest[SG_DIGEST_BYTES];
    size_t size = sizeof(digest), subject = sizeof(ret->subject);

    if (gnutls_x509_crt_get_fingerprint(cert, GNUTLS_DIG_SHA256, digest, &size) < 0)
        return false;
    encode_hex(digest, sizeof(digest), ret->fingerprint);
    trust_format_fingerprint(ret->fingerprint, ret->shown);
    if (gnutls_x509_crt_get_dn(cert, ret->subject, &subject) < 0)
        snprintf(ret->subject, sizeof(ret->subject), "?");
    return true;
}

static gnutls_x509_crt_t import_pem(const char *pem, size_t len)
{
    gnutls_datum_t datum = {(unsigned char *)(uintptr_t)pem, (unsigned)len};
    gnutls_x509_crt_t cert;

    if (gnutls_x509_crt_init(&cert) < 0)
        return NULL;
    if (gnutls_x509_crt_import(cert, &datum, GNUTLS_X509_FMT_PEM) < 0) {
        gnutls_x509_crt_deinit(cert);
        return NULL;
    }
    return cert;
}

bool trust_read_pem(const char *pem, size_t len, struct trust_ca *ret)
{
    gnutls_x509_crt_t cert = len <= SG_TRUST_PEM_MAX ? import_pem(pem, len) : NULL;
    bool ok = cert && describe(cert, ret);

    if (cert)
        gnutls_x509_crt_deinit(cert);
    return ok;
}

/* Takes over the certificates that libcurl has recorded, the gateway's own first. */
static void collect(CURL *easy, struct chain *chain)
{
    struct curl_certinfo *info = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) != CURLE_OK || !info)
        return;
    for (int i = 0; i < info->num_of_certs && chain->count < SG_TRUST_CHAIN_MAX; i++) {
        for (struct curl_slist *line = info->certinfo[i]; line; line = line->next) {
            gnutls_x509_crt_t cert = NULL;

            if (strncmp(line->data, "Cert:", 5) == 0)
                cert = import_pem(line->data + 5, strlen(line->data + 5));
            if (cert) {
                chain->certs[chain->count++] = cert;
                break;
            }
        }
    }
}

static size_t discard(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

/*
 * Makes a TLS connection without a request, to see the chain. It is verified against `ca_file`, or
 * not at all if that is NULL.
 */
static CURLcode probe(const char *url, const char *ca_file, struct chain *chain,
                      char error[CURL_ERROR_SIZE])
{
    CURL *easy = curl_easy_init();
    CURLcode code;

    error[0] = 0;
    if (!easy)
        return CURLE_OUT_OF_MEMORY;
    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    (void)curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    if (url_is_loopback(url))
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, ca_file ? 1L : 0L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, ca_file ? 2L : 0L);
    (void)curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, SG_TRUST_TIMEOUT_S);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    code = curl_easy_perform(easy);
    if (code == CURLE_OK)
        collect(easy, chain);
    else if (!error[0])
        snprintf(error, CURL_ERROR_SIZE, "%s", curl_easy_strerror(code));
    curl_easy_cleanup(easy);
    return code;
}

/* The CA in the chain: the last certificate, if it is a CA that issued itself. */
static gnutls_x509_crt_t find_ca(const struct chain *chain)
{
    unsigned critical;
    gnutls_x509_crt_t last = chain->count ? chain->certs[chain->count - 1] : NULL;

    if (!last || gnutls_x509_crt_check_issuer(last, last) != 1 ||
        gnutls_x509_crt_get_ca_status(last, &critical) <= 0)
        return NULL;
    return last;
}

/* Whether the chain, its dates and the host's name hold if `ca` is trusted. */
static bool chain_holds(const struct chain *chain, gnutls_x509_crt_t ca, const char *host,
                        char *ret_why, size_t size)
{
    gnutls_x509_trust_list_t list;
    gnutls_typed_vdata_st data = {GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)(uintptr_t)host, 0};
    gnutls_datum_t text = {NULL, 0};
    unsigned verdict = GNUTLS_CERT_INVALID;
    /* The list wants to change the array, not the certificates. */
    gnutls_x509_crt_t certs[SG_TRUST_CHAIN_MAX];

    snprintf(ret_why, size, "its certificates cannot be checked");
    memcpy(certs, chain->certs, sizeof(certs));
    if (gnutls_x509_trust_list_init(&list, 0) < 0)
        return false;
    if (gnutls_x509_trust_list_add_cas(list, &ca, 1, 0) == 1 &&
        gnutls_x509_trust_list_verify_crt2(list, certs, chain->count, &data, 1, 0, &verdict,
                                           NULL) >= 0 &&
        verdict != 0 &&
        gnutls_certificate_verification_status_print(verdict, GNUTLS_CRT_X509, &text, 0) >= 0) {
        snprintf(ret_why, size, "%.*s", (int)text.size, (const char *)text.data);
        gnutls_free(text.data);
    }
    gnutls_x509_trust_list_deinit(list, 0);
    return verdict == 0;
}

static bool host_of(const char *url, char *ret, size_t size)
{
    CURLU *parts = curl_url();
    char *host = NULL;
    bool ok = parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && strlen(host) < size;

    if (ok) {
        bool bracketed = host[0] == '[';

        snprintf(ret, size, "%s", host + bracketed);
        if (bracketed && *ret)
            ret[strlen(ret) - 1] = 0;
    }
    curl_free(host);
    curl_url_cleanup(parts);
    return ok;
}

static enum cli_status ask(const char *url, const struct trust_ca *ca)
{
    char answer[SG_TERM_LINE_MAX], given[SG_DIGEST_HEX_SIZE];
    const char *question = "Do you trust it (yes/no/[fingerprint])? ";

    term_warn("The gateway %s is not known yet.", url);
    term_warn("Its CA is \"%s\" with the SHA-256 fingerprint", ca->subject);
    term_warn("  %s", ca->shown);
    term_warn("The gateway printed its own when it started; they must be equal.");
    for (;;) {
        enum cli_status status = term_ask(question, answer, sizeof(answer));

        if (status == SG_CLI_INTERRUPTED)
            return status;
        if (status != SG_CLI_OK || strcasecmp(answer, "no") == 0)
            return report_error(SG_CLI_NETWORK, NULL, "%s is not trusted; nothing was sent", url);
        if (strcasecmp(answer, "yes") == 0)
            return SG_CLI_OK;
        if (trust_parse_fingerprint(answer, given)) {
            if (strcmp(given, ca->fingerprint) == 0)
                return SG_CLI_OK;
            return report_error(SG_CLI_NETWORK, NULL,
                                "that is not the fingerprint of %s; nothing was sent", url);
        }
        question = "Please type yes, no or the fingerprint: ";
    }
}

static enum cli_status check_fingerprint(const char *url, const struct trust_ca *ca,
                                         const char *expected)
{
    char wanted[SG_DIGEST_HEX_SIZE], shown[SG_TRUST_SHOWN_SIZE];

    if (!trust_parse_fingerprint(expected, wanted))
        return report_error(SG_CLI_USAGE, "it is the CA's SHA-256 as 64 hex digits",
                            "\"%s\" is not a fingerprint", expected);
    if (strcmp(wanted, ca->fingerprint) == 0)
        return SG_CLI_OK;
    trust_format_fingerprint(wanted, shown);
    return report_error(SG_CLI_NETWORK, "compare it with what the operator's gateway prints",
                        "the CA of %s has the fingerprint %s, not %s", url, ca->shown, shown);
}

static enum cli_status decide(const char *url, const struct cli_options *options,
                              const struct trust_ca *ca)
{
    char next[512];

    if (options->fingerprint)
        return check_fingerprint(url, ca, options->fingerprint);
    if (term_can_ask() && !options->json)
        return ask(url, ca);
    snprintf(next, sizeof(next),
             "give --fingerprint HEX (printed by the gateway when it starts) or --ca FILE; "
             "it shows the CA %s",
             ca->shown);
    return report_error(SG_CLI_NETWORK, next, "the gateway %s is not known yet", url);
}

static enum cli_status append_pem(gnutls_x509_crt_t cert, struct buf *ret_pem)
{
    gnutls_datum_t pem = {NULL, 0};

    if (gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &pem) < 0)
        return report_no_memory();
    buf_append(ret_pem, pem.data, pem.size);
    gnutls_free(pem.data);
    return ret_pem->failed ? report_no_memory() : SG_CLI_OK;
}

static enum cli_status decide_chain(const char *url, const struct cli_options *options,
                                    const struct chain *chain, struct buf *ret_pem)
{
    struct trust_ca ca;
    char host[256], why[512];
    gnutls_x509_crt_t cert = find_ca(chain);

    if (!cert || !describe(cert, &ca) || !host_of(url, host, sizeof(host)))
        return report_error(SG_CLI_NETWORK, "get its CA certificate and give it with --ca FILE",
                            "%s does not show its CA", url);
    if (!chain_holds(chain, cert, host, why, sizeof(why)))
        return report_error(SG_CLI_NETWORK,
                            "use a name that the certificate has (see secgated --name)",
                            "the certificate of %s is not valid: %s", url, why);
    enum cli_status status = decide(url, options, &ca);
    return status == SG_CLI_OK ? append_pem(cert, ret_pem) : status;
}

static enum cli_status unreachable(const char *url, const char *error)
{
    const char *next = strcmp(url, SG_CLI_DEFAULT_URL) == 0
                           ? "is a gateway running here? name another one with: secctl login "
                             "https://HOST:8443"
                           : "is the gateway running, and is the address right?";

    return report_error(SG_CLI_NETWORK, next, "cannot reach %s: %s", url, error);
}

/* --ca FILE: the gateway has to prove that it belongs to that CA before the CA is kept. */
static enum cli_status from_file(const char *url, const struct cli_options *options,
                                 struct buf *ret_pem)
{
    char error[CURL_ERROR_SIZE];
    struct chain chain = {.count = 0};
    struct trust_ca ca;

    if (file_read(options->ca_file, ret_pem) != SG_OK)
        return report_error(SG_CLI_USAGE, NULL, "cannot read %s", options->ca_file);
    if (!trust_read_pem(buf_str(ret_pem), ret_pem->len, &ca))
        return report_error(SG_CLI_USAGE, "it must hold the gateway's ca.pem",
                            "%s holds no PEM certificate", options->ca_file);
    if (options->fingerprint) {
        enum cli_status status = check_fingerprint(options->ca_file, &ca, options->fingerprint);
        if (status != SG_CLI_OK)
            return status;
    }
    CURLcode code = probe(url, options->ca_file, &chain, error);
    chain_fini(&chain);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return report_error(SG_CLI_NETWORK, "is it the right gateway, and the right file?",
                            "%s does not belong to the CA in %s, or its certificate is not valid: "
                            "%s",
                            url, options->ca_file, error);
    return code == CURLE_OK ? SG_CLI_OK : unreachable(url, error);
}

enum cli_status trust_decide(const char *url, const struct cli_options *options,
                             struct buf *ret_pem)
{
    char error[CURL_ERROR_SIZE];
    struct chain chain = {.count = 0};
    enum cli_status status;

    if (options->ca_file)
        return from_file(url, options, ret_pem);
    if (probe(url, NULL, &chain, error) != CURLE_OK)
        return unreachable(url, error);
    status = decide_chain(url, options, &chain, ret_pem);
    chain_fini(&chain);
    return status;
}

enum cli_status trust_report_untrusted(const char *url, const char *ca_file, const char *error)
{
    char ignored[CURL_ERROR_SIZE], next[512];
    struct chain chain = {.count = 0};
    struct trust_ca shown = {.fingerprint = ""}, known = {.fingerprint = ""};
    SG_BUF_CLEANUP struct buf pem = {0};

    buf_init(&pem, SG_TRUST_PEM_MAX);
    if (file_read(ca_file, &pem) != SG_OK || !trust_read_pem(buf_str(&pem), pem.len, &known))
        return report_error(SG_CLI_USAGE, "remove it, and tell the CA's fingerprint: secctl login",
                            "%s holds no certificate", ca_file);
    if (probe(url, NULL, &chain, ignored) == CURLE_OK) {
        gnutls_x509_crt_t ca = find_ca(&chain);

        if (ca)
            (void)describe(ca, &shown);
    }
    chain_fini(&chain);
    if (!shown.fingerprint[0] || strcmp(shown.fingerprint, known.fingerprint) == 0)
        return report_error(SG_CLI_NETWORK,
                            "use a name that the certificate has; if it expired, tell the operator",
                            "the certificate of %s is not valid: %s", url, error);
    term_warn("@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@");
    term_warn("@   WARNING: THE CERTIFICATE AUTHORITY HAS CHANGED        @");
    term_warn("@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@");
    snprintf(next, sizeof(next),
             "ask the operator; only if it was replaced on purpose: secctl login %s "
             "--fingerprint HEX",
             url);
    return report_error(SG_CLI_NETWORK, next,
                        "%s may be somebody else: it shows the CA %s, but %s was trusted "
                        "before; nothing was sent",
                        url, shown.shown, known.shown);
}
