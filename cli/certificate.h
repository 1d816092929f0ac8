/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client certificate of a profile (client.pem: the certificate, then its key): it is shown on
 * every connection, logs in without a password, and is renewed when little of its life is left.
 */
#ifndef SG_CLI_CERTIFICATE_H
#define SG_CLI_CERTIFICATE_H

#include "cli/cli.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct json_object;

/* Shows the profile's certificate from now on, unless its time is over, which is said; renews it
 * when less than a third of its life is left and somebody is logged in. What hinders the renewal is
 * said, and no error. */
enum cli_status certificate_use(struct cli *cli) SG_CLI_MUST_CHECK;

/* Makes a P-256 key and its PKCS#10 request, as PEM. Wipe the key. */
enum cli_status certificate_make_request(struct buf *ret_key,
                                         struct buf *ret_csr) SG_CLI_MUST_CHECK;

/* Asks the gateway for a certificate; `user` (NULL: the own), `name` (NULL: none), `days` (0: as
 * long as the gateway gives). */
enum cli_status certificate_ask(struct cli *cli, const char *csr, const char *user,
                                const char *name, int64_t days,
                                struct json_object **ret) SG_CLI_MUST_CHECK;

/* Makes a new key, asks for its certificate and keeps both. */
enum cli_status certificate_enroll(struct cli *cli, const char *name, int64_t days,
                                   struct json_object **ret) SG_CLI_MUST_CHECK;

/* Forgets certificate and key. */
enum cli_status certificate_forget(struct cli *cli) SG_CLI_MUST_CHECK;

#endif
