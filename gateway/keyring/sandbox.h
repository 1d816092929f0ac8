/* SPDX-License-Identifier: Apache-2.0 */
/* What the keyring gives up before it reads the first key. */
#ifndef SG_KEYRING_SANDBOX_H
#define SG_KEYRING_SANDBOX_H

#include <stddef.h>

#define SG_SANDBOX_MORE_MAX 32

/* Makes the process opaque and unprivileged: not dumpable or traceable by other processes, no core
 * files, no new privileges, private files by default, memory kept out of swap when that is allowed.
 * Before any secret is read. A missing kernel feature is a logged warning, here and below. */
void sandbox_process(void);

/* Has the process ended together with its parent. */
void sandbox_end_with_parent(void);

/* Confines its view of the file system with Landlock to `data`, to the directory of `tls_key`
 * (readable; NULL: none), and to `more` (writable). Before any thread starts. */
void sandbox_files(const char *data, const char *tls_key, const char *const *more, size_t count);

#endif
