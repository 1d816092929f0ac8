/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens for scripts: long-lived, with few rights, each for one purpose. Text: "sgp_", 43
 * characters of base64url (256 random bits) and 6 characters of base64url that are the first 36
 * bits of the SHA-256 of all before them: so scanners for leaked secrets can tell one from chance,
 * and mistyped ones are refused before the store is asked. Only the SHA-256 of the text is stored.
 */
#ifndef SG_CORE_SCRIPTTOKENS_H
#define SG_CORE_SCRIPTTOKENS_H

#include "core/identity.h"

#define SG_SCRIPT_PREFIX       "sgp_"
#define SG_SCRIPT_TOKEN_SIZE   54  /* characters and NUL */
#define SG_SCRIPT_TOKENS_MAX   100 /* of one user */
#define SG_SCRIPT_LIFETIME_MIN 60  /* s */
#define SG_SCRIPT_LIFETIME_MAX (366 * 24 * 3600)

/* Whether a text claims to be one, by its prefix. */
bool scripttokens_is(const char *text, size_t len);
/* Whether it has the form of one, check digits and all. Pure. */
bool scripttokens_form_ok(const char *text, size_t len);
void scripttokens_format(const uint8_t random[32], char ret[SG_SCRIPT_TOKEN_SIZE]);
/* What of a record every request carries. */
void scripttokens_limits(const struct token_record *token, struct principal_limits *ret);

/*
 * Makes one for `who`. Given in *token: name (1 to 64 characters, no control characters), scopes
 * (some, and none that `who` has not), limits; filled in: all else. Its text, which exists nowhere
 * else, goes to ret_text: wipe it. SG_ERR_BAD_FIELD with *ret_reason (static text), FORBIDDEN
 * (scopes), NAME_TAKEN, LIMIT. Blocks (commit).
 */
enum sg_err scripttokens_create(struct identity *id, const struct principal *who,
                                unsigned lifetime_s, struct token_record *token,
                                char ret_text[SG_SCRIPT_TOKEN_SIZE],
                                const char **ret_reason) SG_MUST_CHECK;
/* Those of `who` that have not expired, by name; at most SG_SCRIPT_TOKENS_MAX. */
enum sg_err scripttokens_list(struct identity *id, const struct principal *who,
                              struct token_record ret[SG_SCRIPT_TOKENS_MAX],
                              size_t *ret_count) SG_MUST_CHECK;
/* At once, for what waits too; *ret: what it was. SG_ERR_NOT_FOUND. Blocks (commit). */
enum sg_err scripttokens_remove(struct identity *id, const struct principal *who,
                                const uint8_t token_id[SG_TOKEN_ID_SIZE],
                                struct token_record *ret) SG_MUST_CHECK;

#endif
