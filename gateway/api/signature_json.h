/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures and manifests as JSON: the canonical record, and what belongs to it. */
#ifndef SG_API_SIGNATURE_JSON_H
#define SG_API_SIGNATURE_JSON_H

#include "api/json_out.h"
#include "core/signing.h"

/* All that was signed. `scratch` is any buffer, for the texts of proofs. */
void signature_json_batch(struct json_out *o, const struct signing_result *result,
                          struct buf *scratch);
/* Bytes that the answer takes, about. */
size_t signature_json_estimate(const struct signing_result *result);

/* A stored one with its proof. */
void signature_json_stored(struct json_out *o, const struct signing_stored *stored);
/* A row of a list: without formats and proof. */
void signature_json_row(struct json_out *o, const char *name, const struct signature_row *row);

#endif
