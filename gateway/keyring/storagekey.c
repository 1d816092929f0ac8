/* SPDX-License-Identifier: Apache-2.0 */
/* The storage key's file; there is one key for the life of a data directory. */
#include "keyring/storagekey.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/secret.h"
#include "keyring/sealed.h"

static enum sg_err make(const struct kek *kek, const char *path, uint8_t ret[SG_STORAGE_KEY_SIZE])
{
    uint8_t key[SG_STORAGE_KEY_SIZE];
    enum sg_err err;

    rng_bytes(key, sizeof key);
    err = sealed_save(kek, path, SG_STORAGE_KEY_KIND, SG_STORAGE_KEY_NAME, key, sizeof key);
    if (err == SG_OK) {
        memcpy(ret, key, sizeof key);
        log_write(SG_LOG_INFO, "keyring.key_made", SG_STR("path", path));
    }
    secret_wipe(key, sizeof key);
    return err;
}

enum sg_err storagekey_open(const struct kek *kek, const char *dir,
                            uint8_t ret[SG_STORAGE_KEY_SIZE])
{
    char *path = file_join(dir, SG_STORAGE_KEY_FILE);
    struct buf content;
    enum sg_err err = SG_ERR_NO_MEMORY;

    buf_init(&content, SG_SEALED_MAX);
    if (path != NULL)
        err = sealed_load(kek, path, SG_STORAGE_KEY_KIND, SG_STORAGE_KEY_NAME, &content);
    if (err == SG_ERR_NOT_FOUND)
        err = make(kek, path, ret);
    else if (err == SG_OK && content.len != SG_STORAGE_KEY_SIZE)
        err = SG_ERR_CORRUPT;
    else if (err == SG_OK)
        memcpy(ret, content.data, SG_STORAGE_KEY_SIZE);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "keyring.storage_key_unusable", SG_STR("path", path),
                  SG_STR("error", err_code(err)));
    buf_wipe(&content);
    free(path);
    return err;
}
