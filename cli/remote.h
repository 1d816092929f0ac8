/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths on the gateway as they are typed. `common`, `~NAME` and `@NAME` at the beginning name a
 * space, `/SPACE/...` names any; everything else is below my own space, `~me`.
 */
#ifndef SG_CLI_REMOTE_H
#define SG_CLI_REMOTE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Longest path, in bytes, as typed or as the gateway answers it. */
#define SG_REMOTE_PATH_MAX (size_t)4096

/*
 * Appends the full path ("common/a", "~me/docs/") of what was typed. "" , "." and "~" are my own
 * space; "/" is the list of spaces and gives "". The final slash is kept.
 */
void remote_resolve(struct buf *b, const char *typed);

/* Appends "/v1/files/" and the path, percent-encoded. */
void remote_target(struct buf *b, const char *path);

/* Appends `name`=`value` with ? or & before it, percent-encoded. */
void remote_query(struct buf *target, const char *name, const char *value);

/* Last segment without a final slash, as a part of `path`; empty for "". */
void remote_basename(const char *path, const char **ret, size_t *ret_len);

bool remote_is_directory_name(const char *path);

/*
 * Whether a relative path from the gateway may be used as a local one: not absolute, segments that
 * are neither empty nor "." nor "..", no backslash, no control characters.
 */
bool remote_is_safe_relative(const char *path);

#endif
