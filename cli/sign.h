/* SPDX-License-Identifier: Apache-2.0 */
/* secctl sign: digests go to the gateway, signatures come back and are written beside the content.
 */
#ifndef SG_CLI_SIGN_H
#define SG_CLI_SIGN_H

#include "cli/cli.h"
#include "cli/sidecar.h"

#include <stdint.h>

struct buf;
struct hasher_file;
struct json_object;
struct signlist;
struct signlist_item;

struct sign_options {
    const char *key;
    struct sidecar_choice choice;
    bool sha512; /* send it, too */
    bool force;  /* replace what is no signature */
};

/* Signs all that is in the list. `cli` is not connected yet: hashing begins before. */
enum cli_status sign_run(struct cli *cli, const struct signlist *list,
                         const struct sign_options *options) SG_CLI_MUST_CHECK;

/* The item of a request for a local file that is hashed; NULL without memory. */
struct json_object *sign_local_item(const struct signlist_item *item, const char *directory,
                                    const struct hasher_file *file);

/* How many items to send at once, so that the answer stays below what is taken. */
size_t sign_batch_size(unsigned formats);

#endif
