/* SPDX-License-Identifier: Apache-2.0 */
/* Stored files that are to be signed or verified: found by their path, read again and hashed again;
 * never by what was known of them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "core/signing_internal.h"
#include "package/package.h"
#include "sigfmt/digests.h"

static enum sg_err hash_fd(int fd, bool sha512, bool blake2b, uint8_t *block,
                           struct sig_digests *ret, uint64_t *ret_size)
{
    struct digesting *d = NULL;
    uint64_t size = 0;
    enum sg_err err = digesting_new(sha512, blake2b, &d);

    while (err == SG_OK) {
        ssize_t n = pread(fd, block, SG_SIGNING_BLOCK, (off_t)size);

        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            err = SG_ERR_IO;
        if (n > 0) {
            digesting_add(d, block, (size_t)n);
            size += (uint64_t)n;
        }
    }
    if (d != NULL)
        digesting_end(&d, err == SG_OK ? ret : NULL);
    *ret_size = size;
    return err;
}

enum sg_err signing_read_file(struct signing *s, const struct entry_record *entry, const char *name,
                              bool sha512, bool blake2b, uint8_t *block, struct sig_digests *ret,
                              struct package_info *ret_package)
{
    SG_FD_CLEANUP int fd = -1;
    struct sig_digests digests = {0};
    uint64_t size = 0;
    enum sg_err err = s->blobs.vt->open(s->blobs.self, entry->sha256, &fd, &size);

    if (err == SG_OK)
        err = hash_fd(fd, sha512, blake2b, block, &digests, &size);
    if (err != SG_OK)
        return err;
    if (size != entry->size || memcmp(digests.sha256, entry->sha256, SG_DIGEST_SIZE) != 0) {
        log_write(SG_LOG_ERROR, "signing.corrupt", SG_STR("path", entry->path));
        return SG_ERR_CORRUPT;
    }
    if (ret_package != NULL)
        err = package_describe_fd(fd, size, name, ret_package);
    if (err == SG_OK)
        *ret = digests;
    return err;
}

enum sg_err signing_find_entry(struct signing *s, const struct principal *who, const char *text,
                               struct arena *arena, struct path *ret_path, int64_t *ret_space,
                               struct entry_record *ret, const char **ret_reason)
{
    struct space_record space;
    enum space_role role;
    struct path path;
    enum sg_err err = path_text(text, strlen(text), arena, &path, ret_reason);

    if (err == SG_OK)
        err = spaces_authorize(s->spaces, who, path.space, SG_SPACE_READER, &space, &role);
    if (err != SG_OK)
        return err;
    if (space.id == 0)
        return SG_ERR_NOT_FOUND;
    if (path.rest[0] == '\0')
        *ret = (struct entry_record){.path = arena_strdup(arena, ""), .type = SG_ENTRY_DIRECTORY};
    else
        err = s->files.vt->get(s->files.self, space.id, path.rest, arena, ret);
    if (err != SG_OK)
        return err;
    *ret_path = path;
    *ret_space = space.id;
    return ret->path != NULL ? SG_OK : SG_ERR_NO_MEMORY;
}
