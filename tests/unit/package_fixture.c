/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "package_fixture.h"

static enum sg_err read_bytes(void *ctx, uint64_t offset, void *ret, size_t len, size_t *ret_len)
{
    struct package_bytes *b = ctx;
    size_t left = offset < b->len ? b->len - (size_t)offset : 0;

    if (b->fail != SG_OK)
        return b->fail;
    if (len > left)
        len = left;
    if (b->piece != 0 && len > b->piece)
        len = b->piece;
    memcpy(ret, b->data + offset, len);
    b->read += len;
    *ret_len = len;
    return SG_OK;
}

struct package_input package_bytes_input(struct package_bytes *bytes)
{
    return (struct package_input){.ctx = bytes, .read = read_bytes, .size = bytes->len};
}

enum sg_err package_bytes_read(const void *data, size_t len, struct package_info *ret)
{
    struct package_bytes whole = {.data = data, .len = len};
    struct package_bytes pieces = {.data = data, .len = len, .piece = 7};
    struct package_input a = package_bytes_input(&whole), b = package_bytes_input(&pieces);
    struct package_info again, untouched;
    enum sg_err err;

    memset(&untouched, 0x5a, sizeof untouched);
    *ret = again = untouched;
    err = package_from_content(&a, ret);
    assert_int_equal(err, package_from_content(&b, &again));
    if (err != SG_OK) {
        assert_memory_equal(&untouched, ret, sizeof untouched);
        return err;
    }
    assert_string_equal(ret->package, again.package);
    assert_string_equal(ret->fileset, again.fileset);
    assert_string_equal(ret->vrmf, again.vrmf);
    assert_string_equal(ret->ftype, again.ftype);
    return err;
}

void package_assert(const struct package_info *info, const char *package, const char *fileset,
                    const char *vrmf, const char *ftype, enum package_source source)
{
    assert_string_equal(package, info->package);
    assert_string_equal(fileset, info->fileset);
    assert_string_equal(vrmf, info->vrmf);
    assert_string_equal(ftype, info->ftype);
    assert_int_equal(source, info->source);
}

char *package_run(const char *dir, const char *command)
{
    struct buf whole, out;
    FILE *pipe;
    char piece[4096];
    size_t n;
    int status;

    buf_init(&whole, 65536);
    buf_init(&out, 1 << 20);
    buf_printf(&whole, "{ cd '%s' && %s; } 2>&1", dir, command);
    assert_int_equal(SG_OK, buf_status(&whole));
    pipe = popen(buf_str(&whole), "r");
    assert_non_null(pipe);
    while ((n = fread(piece, 1, sizeof piece, pipe)) > 0)
        buf_append(&out, piece, n);
    status = pclose(pipe);
    if (status != 0)
        print_error("%s\nfailed with status %d:\n%s\n", command, status, buf_str(&out));
    assert_int_equal(0, status);
    buf_putc(&out, '\0');
    buf_fini(&whole);
    return buf_take(&out, &n);
}
