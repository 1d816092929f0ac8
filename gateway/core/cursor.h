/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors of file listings: base64url of a versioned binary form that holds the order, a hash of
 * what is listed and the keys of the last row. It grants nothing (authority is checked with every
 * page), so it carries no MAC; a cursor of another listing, or one that is not exactly what
 * cursor_encode makes, is refused.
 */
#ifndef SG_CORE_CURSOR_H
#define SG_CORE_CURSOR_H

#include "store/files.h"

/* The cursor that continues `query` after `last` (a row of its answer, path within the space), in
 * the arena. NULL without memory. Only space_id, dir, prefix, recursive, sort and descending of the
 * query count. */
char *cursor_encode(const struct entry_query *query, const struct entry_record *last,
                    struct arena *arena);

/* Fills after_path (in the arena), after_size and after_modified_ns of `query`, whose other fields
 * say what is listed. SG_ERR_BAD_CURSOR; *query is unchanged then. */
enum sg_err cursor_decode(const char *text, struct arena *arena,
                          struct entry_query *query) SG_MUST_CHECK;

#endif
