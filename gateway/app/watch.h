/* SPDX-License-Identifier: Apache-2.0 */
/* Notices when certificate or key files are replaced (inotify on their directories). */
#ifndef SG_APP_WATCH_H
#define SG_APP_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Opens a non-blocking inotify descriptor that watches the directories of `count` files. */
enum sg_err watch_open(const char *const *files, size_t count, int *ret_fd) SG_MUST_CHECK;

/* Reads what has come; true when one of the files (by base name) may have changed. */
bool watch_changed(int fd, const char *const *files, size_t count);

#endif
