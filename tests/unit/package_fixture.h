/* SPDX-License-Identifier: Apache-2.0 */
/* Contents in memory and in files for the readers of packages. */
#ifndef SG_TESTS_PACKAGE_FIXTURE_H
#define SG_TESTS_PACKAGE_FIXTURE_H

#include "base/buf.h"
#include "package/package.h"

struct package_bytes {
    const uint8_t *data;
    size_t len;
    size_t piece;     /* largest read that is answered; 0: any */
    enum sg_err fail; /* what every read returns, SG_OK: the bytes */
    uint64_t read;    /* bytes asked for so far */
};

/* An input over `bytes`, which must outlive it. */
struct package_input package_bytes_input(struct package_bytes *bytes);

/* Reads the content from memory, and again in pieces of seven bytes: both must agree. */
enum sg_err package_bytes_read(const void *data, size_t len, struct package_info *ret);

/* Asserts what was read from the content; `source` as in package.h. */
void package_assert(const struct package_info *info, const char *package, const char *fileset,
                    const char *vrmf, const char *ftype, enum package_source source);

/* Runs a shell command in `dir`, asserts its success, and returns what it wrote in fresh memory
 * (free()). */
char *package_run(const char *dir, const char *command);

#endif
