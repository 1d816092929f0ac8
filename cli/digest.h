/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of content, and the two headers that carry it: ETag and Repr-Digest (RFC 9530). */
#ifndef SG_CLI_DIGEST_H
#define SG_CLI_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SG_DIGEST_BYTES       32
#define SG_DIGEST_HEX_SIZE    65
#define SG_DIGEST_ETAG_SIZE   67 /* quoted hex */
#define SG_DIGEST_HEADER_SIZE 64 /* value of Repr-Digest */

/* A running hash. Zero it before the first use. */
struct digest {
    void *state;
};

/* Starts (again) from nothing; false without memory. */
bool digest_start(struct digest *d);
void digest_update(struct digest *d, const void *data, size_t len);
/* Ends the hash and frees it. */
void digest_finish(struct digest *d, uint8_t ret[SG_DIGEST_BYTES]);
/* Frees a hash that is not wanted any more; legal at any time. */
void digest_drop(struct digest *d);

void digest_format_etag(const uint8_t digest[SG_DIGEST_BYTES], char ret[SG_DIGEST_ETAG_SIZE]);
void digest_format_header(const uint8_t digest[SG_DIGEST_BYTES], char ret[SG_DIGEST_HEADER_SIZE]);

/* Reads a strong ETag of 64 hex digits. False for any other. */
bool digest_parse_etag(const char *etag, uint8_t ret[SG_DIGEST_BYTES]);

/* Finds sha-256 in a Repr-Digest value (a dictionary of byte sequences, RFC 8941). */
bool digest_parse_header(const char *value, uint8_t ret[SG_DIGEST_BYTES]);

/*
 * The digest that an answer promises. False when neither header has one or when they disagree, so
 * that nothing is taken for checked that was not.
 */
bool digest_expected(const char *repr_digest, const char *etag, uint8_t ret[SG_DIGEST_BYTES]);

#endif
