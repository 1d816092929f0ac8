/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of audit entries, the same for every engine: the canonical form (RFC 8785) over which
 * the chain is made; docs/audit.md describes it for independent clients.
 *
 *   chain(n) = SHA-256(chain(n-1) | canonical(n)), 32 zero bytes before the first entry.
 *
 * The canonical form has all members but `chain`.
 */
#ifndef SG_STORE_AUDITTEXT_H
#define SG_STORE_AUDITTEXT_H

#include "base/buf.h"
#include "store/audit.h"

/* Appends the canonical form of an entry under its number. */
void audittext_canonical(struct buf *out, uint64_t seq, const struct audit_entry *entry);

void audittext_chain(const uint8_t previous[SG_DIGEST_SIZE], const char *canonical, size_t len,
                     uint8_t ret[SG_DIGEST_SIZE]);

#endif
