/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads certificate requests (PKCS#10, RFC 2986; PEM, RFC 7468). Only the public key is taken from
 * one, and its proof that whoever made it has the private key; the names in it are not looked at.
 */
#ifndef SG_CORE_CSR_H
#define SG_CORE_CSR_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SG_CSR_MAX      (16 * 1024) /* bytes of the text */
#define SG_CSR_SPKI_MAX 1024

/* The public key of a request whose signature verifies, as SubjectPublicKeyInfo (DER): P-256,
 * P-384, RSA of 2048 to 4096 bits, Ed25519. SG_ERR_BAD_CSR with a static *ret_reason. */
enum sg_err csr_read(const char *text, size_t len, uint8_t ret_spki[SG_CSR_SPKI_MAX],
                     size_t *ret_len, const char **ret_reason) SG_MUST_CHECK;

#endif
