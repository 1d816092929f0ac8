/* SPDX-License-Identifier: Apache-2.0 */
/* The files of DATA/keyring as a backup has them: collected, put back. Nothing that is there is
 * ever overwritten with something else. */
#include "keyring/backup.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "certs/pki.h"
#include "keyring/keyfile.h"
#include "keyring/namedkeys_internal.h"
#include "keyring/revoked.h"
#include "keyring/sealed.h"
#include "keyring/storagekey.h"

#define FILES_MAX (2 * SG_KEYS_MAX + 64)
#define KID_LEN   43

void backup_fini(struct backup *b)
{
    for (size_t i = 0; i < b->count; i++)
        buf_wipe(&b->file[i].content);
    free(b->file);
    *b = (struct backup){.count = 0};
}

/* "TEXTsuffix" -> TEXT, which fits. */
static bool cut(const char *file, const char *suffix, char *ret, size_t size)
{
    size_t len = strlen(file);
    size_t end = strlen(suffix);

    if (len <= end || len - end >= size || strcmp(file + len - end, suffix) != 0)
        return false;
    memcpy(ret, file, len - end);
    ret[len - end] = '\0';
    return true;
}

static bool identify_named(const char *file, struct backup_file *f)
{
    const char *kind = "named-key";

    if (!cut(file, ".key", f->name, sizeof f->name)) {
        kind = "named-key-uses";
        if (!cut(file, ".uses", f->name, sizeof f->name))
            return false;
    }
    (void)snprintf(f->kind, sizeof f->kind, "%s", kind);
    return sig_key_name_valid(f->name);
}

/* "token-SECONDS-KID.key" has the key's identifier as its name, others the part before ".key". */
static bool identify_private(const char *file, struct backup_file *f)
{
    char stem[80];
    size_t digits;

    if (!cut(file, ".key", stem, sizeof stem))
        return false;
    (void)snprintf(f->kind, sizeof f->kind, "private-key");
    if (strncmp(stem, "token-", 6) != 0) {
        (void)snprintf(f->name, sizeof f->name, "%s", stem);
        return strspn(stem, "abcdefghijklmnopqrstuvwxyz") == strlen(stem);
    }
    digits = strspn(stem + 6, "0123456789");
    if (digits == 0 || stem[6 + digits] != '-' || strlen(stem + 7 + digits) != KID_LEN ||
        strpbrk(stem + 7 + digits, "/.") != NULL)
        return false;
    memcpy(f->name, stem + 7 + digits, KID_LEN + 1);
    return true;
}

static bool identify_as(const char *kind, const char *name, struct backup_file *f)
{
    (void)snprintf(f->kind, sizeof f->kind, "%s", kind);
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    return true;
}

enum sg_err backup_identify(const char *path, struct backup_file *ret)
{
    struct backup_file f = {.kind = ""};
    bool known;

    if (strlen(path) >= sizeof f.path)
        return SG_ERR_BAD_FIELD;
    memcpy(f.path, path, strlen(path));
    if (strncmp(path, "keys/", 5) == 0)
        known = identify_named(path + 5, &f);
    else if (strcmp(path, "ca.pem") == 0 || strcmp(path, "log.pub") == 0)
        known = true; /* as it is: nothing in it is secret */
    else if (strcmp(path, SG_STORAGE_KEY_FILE) == 0)
        known = identify_as(SG_STORAGE_KEY_KIND, SG_STORAGE_KEY_NAME, &f);
    else if (strcmp(path, SG_REVOKED_FILE) == 0)
        known = identify_as(SG_REVOKED_KIND, SG_REVOKED_NAME, &f);
    else
        known = identify_private(path, &f);
    if (!known)
        return SG_ERR_BAD_FIELD;
    buf_init(&f.content, SG_SEALED_MAX);
    *ret = f;
    return SG_OK;
}

/* The content of a file, from which its seal is taken. */
static enum sg_err read_content(const struct kek *kek, const char *dir, struct backup_file *f)
{
    SG_BUF_CLEANUP struct buf raw;
    char *path = file_join(dir, f->path);
    enum sg_err err = SG_ERR_NO_MEMORY;

    buf_init(&raw, SG_SEALED_MAX);
    if (path != NULL)
        err = keyfile_read(path, SG_KEYFILE_OWN, &raw);
    if (err == SG_OK && sealed_is(raw.data, raw.len)) {
        err = sealed_open(kek, f->kind, f->name, raw.data, raw.len, &f->content);
    } else if (err == SG_OK) {
        buf_append(&f->content, raw.data, raw.len);
        err = buf_status(&f->content);
        secret_wipe(raw.data, raw.len);
    }
    if (err != SG_OK && err != SG_ERR_NOT_FOUND)
        log_write(SG_LOG_ERROR, "keyring.backup_unreadable", SG_STR("path", path),
                  SG_STR("error", err_code(err)));
    free(path);
    return err;
}

/* The files of one directory that a backup has, in the list. */
static enum sg_err list(const char *dir, const char *prefix, const char *key, struct backup *b)
{
    DIR *d = opendir(dir);
    enum sg_err err = SG_OK;

    if (d == NULL)
        return errno == ENOENT ? SG_OK : err_from_errno(errno);
    for (struct dirent *e; err == SG_OK && (e = readdir(d)) != NULL;) {
        char path[512];
        struct backup_file f;

        (void)snprintf(path, sizeof path, "%s%s", prefix, e->d_name);
        if (backup_identify(path, &f) != SG_OK || (key != NULL && strcmp(f.name, key) != 0))
            continue;
        if (b->count < FILES_MAX)
            b->file[b->count++] = f;
        else
            err = SG_ERR_LIMIT;
    }
    (void)closedir(d);
    return err;
}

static int compare(const void *a, const void *b)
{
    const struct backup_file *x = a;
    const struct backup_file *y = b;

    return strcmp(x->path, y->path);
}

enum sg_err backup_collect(const struct kek *kek, const char *dir, const char *key,
                           struct backup *ret)
{
    struct backup b = {.file = calloc(FILES_MAX, sizeof *b.file)};
    char *keys = file_join(dir, "keys");
    enum sg_err err = b.file != NULL && keys != NULL ? SG_OK : SG_ERR_NO_MEMORY;

    if (err == SG_OK && key == NULL)
        err = list(dir, "", NULL, &b);
    if (err == SG_OK)
        err = list(keys, "keys/", key, &b);
    free(keys);
    if (err == SG_OK && b.count == 0)
        err = SG_ERR_NOT_FOUND;
    if (err == SG_OK)
        qsort(b.file, b.count, sizeof *b.file, compare);
    for (size_t i = 0; err == SG_OK && i < b.count; i++)
        err = read_content(kek, dir, &b.file[i]);
    if (err != SG_OK) {
        backup_fini(&b);
        return err;
    }
    *ret = b;
    return SG_OK;
}

/* -- back -------------------------------------------------------------------------------------- */

static bool same(const struct buf *a, const struct buf *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* *ret_there: the file is there, with this very content. */
static enum sg_err look(const struct kek *kek, const char *dir, const struct backup_file *f,
                        bool *ret_there)
{
    struct backup_file now;
    enum sg_err err = backup_identify(f->path, &now);

    if (err != SG_OK)
        return err;
    err = read_content(kek, dir, &now);
    *ret_there = err == SG_OK;
    if (err == SG_ERR_NOT_FOUND) {
        err = SG_OK;
    } else if (err == SG_OK && !same(&now.content, &f->content)) {
        err = SG_ERR_CONFLICT;
        log_write(
            SG_LOG_ERROR, "keyring.import_conflict", SG_STR("path", f->path),
            SG_STR("hint", "another one is there: import into a data directory without keys"));
    }
    buf_wipe(&now.content);
    return err;
}

static enum sg_err write_back(const struct kek *kek, const char *dir, const struct backup_file *f)
{
    char *path = file_join(dir, f->path);
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (path != NULL && f->kind[0] != '\0')
        err = sealed_save(kek, path, f->kind, f->name, f->content.data, f->content.len);
    else if (path != NULL)
        err = file_write_atomic(path, f->content.data, f->content.len, 0600);
    free(path);
    return err;
}

enum sg_err backup_restore(const struct kek *kek, const char *dir, const struct backup *b)
{
    bool *there = calloc(b->count + 1, sizeof *there);
    char *keys = file_join(dir, "keys");
    enum sg_err err = there != NULL && keys != NULL ? keyfile_check_dir(keys) : SG_ERR_NO_MEMORY;

    for (size_t i = 0; err == SG_OK && i < b->count; i++)
        err = look(kek, dir, &b->file[i], &there[i]);
    for (size_t i = 0; err == SG_OK && i < b->count; i++)
        if (!there[i])
            err = write_back(kek, dir, &b->file[i]);
    free(keys);
    free(there);
    return err;
}
