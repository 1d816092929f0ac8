/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in a PKCS#11 token, through GnuTLS. One module, named by the operator, with one PIN. */
#ifndef SG_KEYRING_PKCS11_H
#define SG_KEYRING_PKCS11_H

#include <stdbool.h>

#include <gnutls/abstract.h>

#include "base/err.h"

struct pkcs11;

/* Loads the module (a path); the PIN is the first line of `pin_file` (NULL: none). What is wrong is
 * logged. At most one in a process. */
enum sg_err pkcs11_open(const char *module, const char *pin_file,
                        struct pkcs11 **ret) SG_MUST_CHECK;
void pkcs11_close(struct pkcs11 *p);

/* Whether the text is a "pkcs11:" URI that names a key and nothing else: none that brings its own
 * PIN, PIN file or module. */
bool pkcs11_uri_is_valid(const char *uri);

/* The private key of that URI, freed with gnutls_privkey_deinit. SG_ERR_UNAVAILABLE (logged) when
 * it cannot be had now: no token, no such key, wrong PIN. */
enum sg_err pkcs11_load(struct pkcs11 *p, const char *uri, gnutls_privkey_t *ret) SG_MUST_CHECK;

#endif
