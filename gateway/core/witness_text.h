/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to a witness and what it says (c2sp.org/tlog-witness). Pure functions. */
#ifndef SG_CORE_WITNESS_TEXT_H
#define SG_CORE_WITNESS_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "tlog/merkle.h"
#include "tlog/note.h"

/* The body of add-checkpoint. */
void witness_text_request(struct buf *out, uint64_t old_size, const merkle_hash *proof,
                          size_t count, const char *note, size_t note_len);
/* The body of a 409 with type text/x.tlog.size: a decimal number and a newline. */
enum sg_err witness_text_size(const char *text, size_t len, uint64_t *ret) SG_MUST_CHECK;
/* Looks among the signature lines of a 200 for a valid cosignature of `key` on the note, and
 * appends it as one line. Other lines are ignored. SG_ERR_NOT_FOUND: none of that key;
 * SG_ERR_BAD_DIGEST: one, and it is not valid. */
enum sg_err witness_text_cosignature(const char *note, size_t note_len, const char *answer,
                                     size_t len, const struct note_key *key,
                                     struct buf *out) SG_MUST_CHECK;

#endif
