/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First contact with a gateway: fetch its certificate chain, show the CA and ask, like ssh. What
 * was trusted once is kept by the profile; from then on libcurl verifies against that CA alone.
 */
#ifndef SG_CLI_TRUST_H
#define SG_CLI_TRUST_H

#include "cli/cli.h"
#include "cli/digest.h"

struct buf;

#define SG_TRUST_SHOWN_SIZE (3 * SG_DIGEST_BYTES)

/* A CA certificate. */
struct trust_ca {
    char fingerprint[SG_DIGEST_HEX_SIZE]; /* SHA-256 of the DER form, lower-case hex */
    char shown[SG_TRUST_SHOWN_SIZE];      /* the same as gateways print it: "E5:86:..." */
    char subject[256];
};

/* Reads `text` as a fingerprint: 64 hex digits, with or without colons, spaces, "SHA256:". */
bool trust_parse_fingerprint(const char *text, char ret[SG_DIGEST_HEX_SIZE]);

/* Formats a fingerprint as people compare it: upper case, with colons. */
void trust_format_fingerprint(const char hex[SG_DIGEST_HEX_SIZE], char ret[SG_TRUST_SHOWN_SIZE]);

/* Describes the first certificate of a PEM file. False (nothing reported) when there is none. */
bool trust_read_pem(const char *pem, size_t len, struct trust_ca *ret);

/*
 * Decides about the gateway at `url`, which is not known yet, and appends the PEM of the CA that is
 * to be trusted. Order: --ca FILE, --fingerprint HEX, a question on a terminal; without any of them
 * it refuses. SG_CLI_NETWORK when it is not trusted or cannot be reached; all is reported.
 */
enum cli_status trust_decide(const char *url, const struct cli_options *options,
                             struct buf *ret_pem) SG_CLI_MUST_CHECK;

/* Reports that libcurl did not accept the gateway's certificate, and why; SG_CLI_NETWORK. */
enum cli_status trust_report_untrusted(const char *url, const char *ca_file, const char *error);

#endif
