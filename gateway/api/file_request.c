/* SPDX-License-Identifier: Apache-2.0 */
/* Reads paths, conditions and digests of file requests; it never looks at what is stored. */
#include "api/file_request.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "core/identity.h"
#include "http/fields.h"
#include "http/request.h"

#define PREFIX "/v1/files/"

enum sg_err file_request_path(struct request *r, struct path *ret)
{
    const char *raw = request_path(r), *reason = "";
    enum sg_err err;

    assert(strncmp(raw, PREFIX, sizeof PREFIX - 1) == 0);
    raw += sizeof PREFIX - 1;
    err = path_parse(raw, strlen(raw), request_arena(r), ret, &reason);
    return err == SG_ERR_BAD_PATH ? request_fail(r, err, "path: %s", reason) : err;
}

char *file_request_canonical(struct request *r, const struct path *path)
{
    const struct principal *who = request_principal(r);
    bool mine = strcmp(path->space, "~me") == 0;

    return arena_printf(request_arena(r), "%s%s%s%s", mine ? "~" : "",
                        mine ? who->user : path->space, path->rest[0] != 0 ? "/" : "", path->rest);
}

/* The value of a header that may be given once; NULL when absent. */
static enum sg_err single(struct request *r, const char *name, const char **ret)
{
    if (request_header_repeated(r, name))
        return request_fail(r, SG_ERR_BAD_FIELD, "%s: given more than once", name);
    *ret = request_header(r, name);
    return SG_OK;
}

/* Takes the digest of each strong tag; a list whose syntax was checked. */
static enum sg_err read_tags(struct request *r, const char *list, struct entry_condition *ret)
{
    const char *open = strchr(list, '"');

    while (open != NULL) {
        const char *close = strchr(open + 1, '"');
        bool weak = open - list >= 2 && memcmp(open - 2, "W/", 2) == 0;

        assert(close != NULL);
        if (ret->match_count == sizeof ret->match / sizeof ret->match[0])
            return request_fail(r, SG_ERR_BAD_FIELD, "If-Match: more than %zu tags",
                                ret->match_count);
        if (!weak && encode_unhex(open + 1, (size_t)(close - open - 1),
                                  ret->match[ret->match_count], SG_DIGEST_SIZE) == SG_OK)
            ret->match_count++;
        open = strchr(close + 1, '"');
    }
    if (ret->match_count == 0) {
        /* No tag can match: an impossible digest lets the write fail where authority has been
         * checked. */
        memset(ret->match[0], 0xff, SG_DIGEST_SIZE);
        ret->match_count = 1;
    }
    return SG_OK;
}

static enum sg_err read_if_match(struct request *r, struct entry_condition *ret)
{
    const char *value = NULL;
    enum sg_err err = single(r, "If-Match", &value);

    if (err != SG_OK)
        return err;
    /* A date is too coarse to protect a write, and ignoring it would lose somebody's update. */
    if (value == NULL && request_header(r, "If-Unmodified-Since") != NULL)
        return request_fail(r, SG_ERR_BAD_FIELD, "If-Unmodified-Since: use If-Match for changes");
    if (value == NULL)
        return SG_OK;
    switch (fields_etags(value, NULL, true)) {
    case SG_ETAGS_ANY:
        ret->must_exist = true;
        return SG_OK;
    case SG_ETAGS_MALFORMED:
        return request_fail(r, SG_ERR_BAD_FIELD, "If-Match: must be * or a list of entity tags");
    case SG_ETAGS_NO_MATCH:
    case SG_ETAGS_MATCH:
        break;
    }
    return read_tags(r, value, ret);
}

enum sg_err file_request_condition(struct request *r, bool create, struct entry_condition *ret)
{
    const char *value = NULL;
    enum sg_err err;

    memset(ret, 0, sizeof *ret);
    err = read_if_match(r, ret);
    if (err != SG_OK || !create)
        return err;
    err = single(r, "If-None-Match", &value);
    if (err != SG_OK || value == NULL)
        return err;
    if (fields_etags(value, NULL, false) != SG_ETAGS_ANY)
        return request_fail(r, SG_ERR_BAD_FIELD, "If-None-Match: only * can be used to store");
    ret->must_not_exist = true;
    return SG_OK;
}

static enum sg_err read_digest(struct request *r, const char *name, uint8_t ret[SG_DIGEST_SIZE],
                               bool *ret_given)
{
    const char *value = NULL;
    enum sg_err err = single(r, name, &value);

    *ret_given = false;
    if (err != SG_OK || value == NULL)
        return err;
    err = fields_digest(value, ret, ret_given);
    return err == SG_ERR_BAD_FIELD ? request_fail(r, err, "%s: must be like sha-256=:BASE64:", name)
                                   : err;
}

enum sg_err file_request_digest(struct request *r, uint8_t ret[SG_DIGEST_SIZE], bool *ret_given)
{
    uint8_t repr[SG_DIGEST_SIZE], content[SG_DIGEST_SIZE];
    bool has_repr, has_content;
    enum sg_err err = read_digest(r, "Repr-Digest", repr, &has_repr);

    if (err == SG_OK)
        err = read_digest(r, "Content-Digest", content, &has_content);
    if (err != SG_OK)
        return err;
    if (has_repr && has_content && memcmp(repr, content, sizeof repr) != 0)
        return request_fail(r, SG_ERR_BAD_DIGEST, "Repr-Digest and Content-Digest differ.");
    *ret_given = has_repr || has_content;
    if (*ret_given)
        memcpy(ret, has_repr ? repr : content, SG_DIGEST_SIZE);
    return SG_OK;
}

void file_request_etag(const uint8_t sha256[SG_DIGEST_SIZE], char ret[SG_ETAG_SIZE])
{
    ret[0] = '"';
    encode_hex(sha256, SG_DIGEST_SIZE, ret + 1);
    ret[SG_ETAG_SIZE - 2] = '"';
    ret[SG_ETAG_SIZE - 1] = 0;
}

void file_request_repr_digest(struct request *r, const uint8_t sha256[SG_DIGEST_SIZE])
{
    char digest[SG_BASE64_SIZE(SG_DIGEST_SIZE)], value[sizeof digest + 16];

    encode_base64(sha256, SG_DIGEST_SIZE, digest);
    (void)snprintf(value, sizeof value, "sha-256=:%s:", digest);
    reply_header(r, "Repr-Digest", value);
}
