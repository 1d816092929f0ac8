/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of stored files: "space/dir/name", UTF-8 in NFC, decoded from the URL exactly once. Pure
 * functions; nothing here touches a file system.
 */
#ifndef SG_CORE_PATH_H
#define SG_CORE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/store.h"

#define SG_PATH_MAX         4096 /* bytes of a whole path, decoded and normalized */
#define SG_PATH_SEGMENT_MAX 255  /* bytes of a segment */
#define SG_PATH_DEPTH_MAX   128  /* segments: every directory above a file is a row with its path */

struct path {
    char space[SG_SPACE_NAME_SIZE]; /* first segment, as given ("common", "~alice", "~me") */
    const char *rest; /* below the space, in the arena, no slash at either end; "" = its root */
    bool directory;   /* the text ended with a slash */
};

/*
 * Parses the percent-encoded text that follows "/v1/files/". SG_ERR_BAD_PATH with *ret_reason
 * (static text) for: empty, empty segments, "." and "..", encoded slash or backslash, a backslash,
 * NUL, control characters (C0, DEL, C1), invalid UTF-8, broken escapes, segments over 255 bytes,
 * more than 128 of them, over 4096 in all.
 */
enum sg_err path_parse(const char *encoded, size_t len, struct arena *arena, struct path *ret,
                       const char **ret_reason) SG_MUST_CHECK;

/* As path_parse, of text that is not encoded (a path in a JSON body). */
enum sg_err path_text(const char *text, size_t len, struct arena *arena, struct path *ret,
                      const char **ret_reason) SG_MUST_CHECK;

/*
 * The NFC form of the beginning of a path or name (a list's `prefix`), in the arena or `text`
 * itself. SG_ERR_BAD_FIELD for invalid UTF-8, control characters and more than 4096 bytes.
 */
enum sg_err path_prefix(const char *text, struct arena *arena, const char **ret) SG_MUST_CHECK;

/* The last segment of a normalized path. */
const char *path_name(const char *path);

#endif
