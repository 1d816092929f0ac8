/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key that secret values in the worker's store are sealed under: second factors, channels. The
 * worker needs it and gets it; it is kept here so that a copy of the database alone reveals
 * nothing.
 */
#ifndef SG_KEYRING_STORAGEKEY_H
#define SG_KEYRING_STORAGEKEY_H

#include "base/err.h"
#include "ipc/identity.h"

struct kek;

#define SG_STORAGE_KEY_FILE "storage.secret" /* below DATA/keyring */
#define SG_STORAGE_KEY_KIND "storage-key"
#define SG_STORAGE_KEY_NAME "storage"

/* Reads it, or makes it. Wipe *ret. What is wrong with the file is logged. */
enum sg_err storagekey_open(const struct kek *kek, const char *dir,
                            uint8_t ret[SG_STORAGE_KEY_SIZE]) SG_MUST_CHECK;

#endif
