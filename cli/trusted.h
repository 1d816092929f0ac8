/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys that were seen once, kept by the profile (trusted.json): signing keys by name and
 * version, the key of the log, those of signed time and of the gateway's identity. What is there is
 * never replaced silently.
 */
#ifndef SG_CLI_TRUSTED_H
#define SG_CLI_TRUSTED_H

#include "cli/cli.h"
#include "sigfmt/public.h"

#include <stdint.h>

struct profile;
struct trusted;

/* The identity key is base64, the others are verifier keys (c2sp.org/signed-note). */
enum trusted_role { SG_TRUSTED_LOG, SG_TRUSTED_TIME, SG_TRUSTED_IDENTITY };

/* Reads it. SG_CLI_USAGE, reported, when the file is damaged. */
enum cli_status trusted_open(struct profile *profile, struct trusted **ret) SG_CLI_MUST_CHECK;
/* NULL is legal. */
void trusted_close(struct trusted *t);

/* The pinned key; NULL: none yet. Borrowed. */
const char *trusted_verifier(struct trusted *t, enum trusted_role role);
/* Pins it, in place of another one, too, and saves. */
enum cli_status trusted_set_verifier(struct trusted *t, enum trusted_role role,
                                     const char *vkey) SG_CLI_MUST_CHECK;

/* The pinned key; false when there is none (or it is damaged). */
bool trusted_key(struct trusted *t, const char *name, int64_t version, struct sig_public *ret);
/* Pins a key that is not there yet and saves. */
enum cli_status trusted_set_key(struct trusted *t, const char *name, int64_t version,
                                const struct sig_public *key) SG_CLI_MUST_CHECK;

/* Looks for the key that a signature names (sig_hint): 8 bytes of its keyid, its keyid, or its
 * SubjectPublicKeyInfo. *ret_name is borrowed. */
bool trusted_find(struct trusted *t, const uint8_t *hint, size_t len, const char **ret_name,
                  int64_t *ret_version);

/* Whether `keyid` (hex) is what a hint means. */
bool trusted_hint_matches(const char *keyid, const uint8_t *hint, size_t len);

#endif
