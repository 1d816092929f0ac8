/* SPDX-License-Identifier: Apache-2.0 */
/* Small whole-file helpers: capped read, atomic durable write, directories. Never follows a final
 * symlink on write. */
#ifndef SG_BASE_FILE_H
#define SG_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct buf;

/* Appends the file's content to `b` (bounded by the buffer's cap: SG_ERR_TOO_LARGE). */
enum sg_err file_read(const char *path, struct buf *b) SG_MUST_CHECK;

/* Writes to a temporary name in the same directory with `mode`, fsyncs it, renames it over `path`,
 * fsyncs the directory. After SG_OK it is durable; after an error the former file is untouched. */
enum sg_err file_write_atomic(const char *path, const void *data, size_t len,
                              mode_t mode) SG_MUST_CHECK;

/* Removes what a file_write_atomic that was killed left in a directory: of the file `name`, or of
 * any for NULL. Only while nobody else writes there. */
enum sg_err file_remove_temporaries(const char *dir, const char *name) SG_MUST_CHECK;

/* Writes all bytes to a descriptor, over short writes and EINTR. */
enum sg_err file_write_all(int fd, const void *data, size_t len) SG_MUST_CHECK;

/* Makes a directory (parents too) with `mode`; an existing directory is fine. */
enum sg_err file_mkdirs(const char *path, mode_t mode) SG_MUST_CHECK;

/* fsync(2) of a directory. */
enum sg_err file_sync_dir(const char *path) SG_MUST_CHECK;

/* "dir/name" in fresh memory (free()); NULL without memory. */
char *file_join(const char *dir, const char *name);

/* The directory that a path's last part is in ("." when it names none) in fresh memory; NULL
 * without memory. */
char *file_directory_of(const char *path);

/* close(2) as a cleanup: closes *fd if it is not -1. */
void file_close(int *fd);
#define SG_FD_CLEANUP __attribute__((cleanup(file_close)))

#endif
