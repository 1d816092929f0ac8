/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzzers of packages share: a content in memory, and what a result must be. */
#ifndef SG_TESTS_FUZZ_PACKAGE_H
#define SG_TESTS_FUZZ_PACKAGE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "package/package.h"

struct fuzz_content {
    const uint8_t *data;
    size_t len, piece;
};

static enum sg_err fuzz_content_read(void *ctx, uint64_t offset, void *ret, size_t len,
                                     size_t *ret_len)
{
    const struct fuzz_content *c = ctx;

    if (len == 0 || offset >= c->len)
        abort();
    if (len > c->len - offset)
        len = c->len - (size_t)offset;
    if (len > c->piece)
        len = c->piece;
    memcpy(ret, c->data + offset, len);
    *ret_len = len;
    return SG_OK;
}

static inline void fuzz_package_field(const char *field)
{
    size_t len = strnlen(field, SG_PACKAGE_FIELD_SIZE);

    if (len == SG_PACKAGE_FIELD_SIZE)
        abort();
    for (size_t i = 0; i < len; i++)
        if (field[i] <= ' ' || field[i] > '~' || field[i] == '"' || field[i] == '\\')
            abort();
}

static inline void fuzz_package_info(const struct package_info *info)
{
    fuzz_package_field(info->package);
    fuzz_package_field(info->fileset);
    fuzz_package_field(info->vrmf);
    fuzz_package_field(info->ftype);
    if (info->ftype[0] == '\0')
        abort();
}

static inline void fuzz_package(const uint8_t *data, size_t len,
                                enum sg_err (*read)(const struct package_input *in,
                                                    struct package_info *ret))
{
    struct fuzz_content whole = {data, len, SIZE_MAX}, pieces = {data, len, 5};
    struct package_input in = {.ctx = &whole, .read = fuzz_content_read, .size = len};
    struct package_info info, again;
    enum sg_err err, second;

    memset(&info, 0, sizeof info);
    memset(&again, 0, sizeof again);
    err = read(&in, &info);
    in.ctx = &pieces;
    second = read(&in, &again);
    if (err != second || (err != SG_OK && err != SG_ERR_NOT_FOUND))
        abort();
    if (err != SG_OK)
        return;
    if (strcmp(info.package, again.package) != 0 || strcmp(info.vrmf, again.vrmf) != 0 ||
        info.package[0] == '\0' || info.source != SG_PACKAGE_FROM_CONTENT)
        abort();
    fuzz_package_info(&info);
}

#endif
