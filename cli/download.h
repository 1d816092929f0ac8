/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job that fetches one file, into a part that is renamed when it is whole (part.h), or onto a
 * descriptor. The content's SHA-256 is checked against the gateway's digest in any case; an
 * interrupted download goes on where it stopped if the file is still the same.
 */
#ifndef SG_CLI_DOWNLOAD_H
#define SG_CLI_DOWNLOAD_H

#include "cli/cli.h"

#include <stdint.h>

struct transfer;

/*
 * Adds the download of `remote` to the relative path `local` below the open directory `root`
 * (borrowed until the end). `label` is how the local file is called in messages. Texts are copied.
 */
enum cli_status download_add(struct transfer *t, const char *remote, int root, const char *local,
                             const char *label, int64_t size) SG_CLI_MUST_CHECK;

/* Adds the download of `remote` onto descriptor `fd`, which stays the caller's. */
enum cli_status download_add_stream(struct transfer *t, const char *remote,
                                    int fd) SG_CLI_MUST_CHECK;

/*
 * Reads a Content-Range of one range, "bytes FIRST-LAST/TOTAL". False if it is none or makes no
 * sense.
 */
bool download_parse_range(const char *text, int64_t *ret_first, int64_t *ret_last,
                          int64_t *ret_total);

#endif
