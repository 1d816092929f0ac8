/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses what reads a content; reads descriptors. Never writes, never opens a file. */
#include "package/package_internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum sg_err package_read_some(const struct package_input *in, uint64_t offset, void *ret,
                              size_t len, size_t *ret_len)
{
    size_t done = 0;

    while (done < len && offset + done < in->size) {
        uint64_t left = in->size - offset - done;
        size_t want = len - done < left ? len - done : (size_t)left;
        size_t got = 0;
        enum sg_err err = in->read(in->ctx, offset + done, (uint8_t *)ret + done, want, &got);

        if (err != SG_OK)
            return err;
        if (got == 0)
            break;
        done += got;
    }
    *ret_len = done;
    return SG_OK;
}

enum sg_err package_read_exactly(const struct package_input *in, uint64_t offset, void *ret,
                                 size_t len)
{
    size_t got = 0;
    enum sg_err err;

    if (offset > in->size || len > in->size - offset)
        return SG_ERR_NOT_FOUND;
    err = package_read_some(in, offset, ret, len, &got);
    if (err == SG_OK && got != len)
        err = SG_ERR_NOT_FOUND;
    return err;
}

bool package_set(char field[SG_PACKAGE_FIELD_SIZE], const char *text, size_t len)
{
    if (len == 0 || len >= SG_PACKAGE_FIELD_SIZE)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~' || strchr("\"'\\", text[i]) != NULL)
            return false;
    memcpy(field, text, len);
    field[len] = '\0';
    return true;
}

enum sg_err package_from_content(const struct package_input *in, struct package_info *ret)
{
    static const struct {
        const char *magic;
        size_t len;
        enum sg_err (*read)(const struct package_input *in, struct package_info *ret);
    } kinds[] = {
        {"!<arch>\n", 8, package_deb_read},
        {"\xed\xab\xee\xdb", 4, package_rpm_read},
        {"\x09\x00\x6b\xea", 4, package_bff_read},
    };
    uint8_t start[8];
    size_t len = 0;
    enum sg_err err = package_read_some(in, 0, start, sizeof start, &len);

    if (err != SG_OK)
        return err;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (len >= kinds[i].len && memcmp(start, kinds[i].magic, kinds[i].len) == 0)
            return kinds[i].read(in, ret);
    return SG_ERR_NOT_FOUND;
}

enum sg_err package_describe(const struct package_input *in, const char *name,
                             struct package_info *ret)
{
    enum sg_err err = package_from_content(in, ret);

    if (err != SG_ERR_NOT_FOUND)
        return err;
    package_from_name(name, ret);
    return SG_OK;
}

static enum sg_err read_fd(void *ctx, uint64_t offset, void *ret, size_t len, size_t *ret_len)
{
    const int *fd = ctx;
    ssize_t n;

    do
        n = pread(*fd, ret, len, (off_t)offset);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return SG_ERR_IO;
    *ret_len = (size_t)n;
    return SG_OK;
}

enum sg_err package_describe_fd(int fd, uint64_t size, const char *name, struct package_info *ret)
{
    struct package_input in = {.ctx = &fd, .read = read_fd, .size = size};

    if (size > INT64_MAX)
        in.size = INT64_MAX;
    return package_describe(&in, name, ret);
}
