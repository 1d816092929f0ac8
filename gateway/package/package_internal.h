/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the readers of packages: exact reads, big-endian numbers, checked fields. */
#ifndef SG_PACKAGE_PACKAGE_INTERNAL_H
#define SG_PACKAGE_PACKAGE_INTERNAL_H

#include <stdbool.h>

#include "package/package.h"

/* Reads exactly `len` bytes at `offset`; SG_ERR_NOT_FOUND when the content ends before. */
enum sg_err package_read_exactly(const struct package_input *in, uint64_t offset, void *ret,
                                 size_t len) SG_MUST_CHECK;

/* Reads up to `len` bytes at `offset`, fewer only at the end. */
enum sg_err package_read_some(const struct package_input *in, uint64_t offset, void *ret,
                              size_t len, size_t *ret_len) SG_MUST_CHECK;

/* Sets `field` to the bytes; false when they are empty, too long, or not what a field may hold. */
bool package_set(char field[SG_PACKAGE_FIELD_SIZE], const char *text, size_t len);

#endif
