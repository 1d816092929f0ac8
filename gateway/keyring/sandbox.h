/* SPDX-License-Identifier: Apache-2.0 */
/* What the keyring gives up before it reads the first key. */
#ifndef SG_KEYRING_SANDBOX_H
#define SG_KEYRING_SANDBOX_H

/*
 * Makes the process opaque and unprivileged: not dumpable or traceable by other processes, no core
 * files, no new privileges, private files by default, memory kept out of swap when that is allowed,
 * ended with its parent. Then confines its view of the file system with Landlock to `data` (with
 * `tls_key`'s directory readable; NULL: none). A missing kernel feature is a logged warning. Before
 * any thread starts.
 */
void sandbox_keyring(const char *data, const char *tls_key);

#endif
