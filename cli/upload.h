/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job that stores one file. A regular file is hashed first and sent with its digest; what cannot
 * be read twice (standard input, pipes) is hashed while it is sent, and the gateway's digest of
 * what it stored is compared at the end.
 */
#ifndef SG_CLI_UPLOAD_H
#define SG_CLI_UPLOAD_H

#include "cli/cli.h"

#include <stddef.h>
#include <stdint.h>

struct transfer;

struct upload_options {
    const char *if_match; /* ETag or hex digest that must be there, NULL: any */
    bool create_only;     /* refuse to replace */
};

/* Adds the upload of local file `local` ("-": standard input) as `remote`; both are copied. `size`
 * is what is known of it, in bytes. `options` is borrowed until the end. */
enum cli_status upload_add(struct transfer *t, const char *local, const char *remote, int64_t size,
                           const struct upload_options *options) SG_CLI_MUST_CHECK;

/* Adds the making of an empty directory; `remote` ends in "/". */
enum cli_status upload_add_directory(struct transfer *t, const char *remote) SG_CLI_MUST_CHECK;

/* Turns an ETag, with or without quotes, or "*" into the value of If-Match. False if it is none. */
bool upload_format_match(const char *text, char *ret, size_t size);

#endif
