/* SPDX-License-Identifier: Apache-2.0 */
/* Passphrases from whoever is at the terminal, from the first line of standard input, or from a
 * descriptor. */
#ifndef SG_BASE_PASSPHRASE_H
#define SG_BASE_PASSPHRASE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Reads one line, without its end, from a descriptor, byte by byte: what follows stays there.
 * SG_ERR_TOO_LARGE, SG_ERR_INCOMPLETE (nothing came). Wipe `ret`. */
enum sg_err passphrase_read_line(int fd, char *ret, size_t size) SG_MUST_CHECK;

/* Asks on the terminal, without showing what is typed (twice with `confirm`); without a terminal on
 * standard input, takes its first line. SG_ERR_BAD_CREDENTIALS (said on standard error) when the
 * two differ. */
enum sg_err passphrase_ask(const char *prompt, bool confirm, char *ret, size_t size) SG_MUST_CHECK;

#endif
