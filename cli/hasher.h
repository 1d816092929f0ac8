/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes many local files on as many threads as there are processors, and reads from each what it
 * says of itself as a package. Contents stay here.
 */
#ifndef SG_CLI_HASHER_H
#define SG_CLI_HASHER_H

#include "cli/cli.h"
#include "sigfmt/record.h"

#include <stddef.h>
#include <stdint.h>

struct package_info;
struct progress;
struct hasher;

struct hasher_file {
    const char *path; /* borrowed */
    const char *name; /* borrowed; for package_describe_fd */
    int64_t size;     /* once it is hashed; before, what is known */
    struct sig_digests digests;
    struct package_info *package; /* heap; NULL: the content says nothing */
    /* private */
    int error; /* errno */
    bool changed;
    bool done;
};

/* Begins with `files` (borrowed until the end). NULL: reported. */
struct hasher *hasher_start(struct hasher_file *files, size_t count, bool sha512, bool blake2b);

/*
 * Waits for the files up to `count` (0: the first) and reports what could not be read; `progress`
 * may be NULL. SG_CLI_USAGE, SG_CLI_INTERRUPTED.
 */
enum cli_status hasher_wait(struct hasher *h, size_t from, size_t count,
                            struct progress *progress) SG_CLI_MUST_CHECK;

/* Ends the threads; what is not hashed by now will not be. Frees `package` of all. NULL is legal.
 */
void hasher_stop(struct hasher *h);

/* One file, here and now. SG_CLI_USAGE, reported. */
enum cli_status hasher_one(struct hasher_file *file, bool sha512, bool blake2b) SG_CLI_MUST_CHECK;

#endif
