/* SPDX-License-Identifier: Apache-2.0 */
/* The error table as lookups; it never logs and never allocates. */
#include "base/err.h"

#include <errno.h>
#include <stddef.h>

struct row {
    unsigned status;
    const char *code;
    const char *title;
};

static const struct row rows[SG_ERR_COUNT] = {[SG_OK] = {200, "ok", "OK"},
#define X(name, http_status, public_code, public_title)                                            \
    [SG_ERR_##name] = {http_status, public_code, public_title},
                                              SG_ERR_TABLE(X)
#undef X
};

static const struct row *find(enum sg_err err)
{
    size_t i = (size_t)err;

    return &rows[i < SG_ERR_COUNT ? i : SG_ERR_INTERNAL];
}

unsigned err_status(enum sg_err err)
{
    return find(err)->status;
}

const char *err_code(enum sg_err err)
{
    return find(err)->code;
}

const char *err_title(enum sg_err err)
{
    return find(err)->title;
}

enum sg_err err_from_errno(int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
        return SG_ERR_NO_SPACE;
    case ENOMEM:
        return SG_ERR_NO_MEMORY;
    case ENOENT:
        return SG_ERR_NOT_FOUND;
    case EMFILE:
    case ENFILE:
        return SG_ERR_OVERLOADED;
    case ETIMEDOUT:
        return SG_ERR_TIMEOUT;
    default:
        return SG_ERR_IO;
    }
}
