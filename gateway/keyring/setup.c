/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which the keyring's parts are opened: what comes from outside of the data directory
 * before the process is confined to it, keys after. */
#include "keyring/setup.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "keyring/audit.h"
#include "keyring/identitykey.h"
#include "keyring/keyfile.h"
#include "keyring/keystore.h"
#include "keyring/namedkeys.h"
#include "keyring/pkcs11.h"
#include "keyring/sandbox.h"
#include "keyring/sign.h"
#include "keyring/storagekey.h"
#include "keyring/timesign.h"
#include "keyring/translog.h"

enum sg_err setup_kek(const struct setup_options *o, struct setup *s)
{
    struct kek_options kek = o->kek;
    enum sg_err err;

    s->dir = file_join(o->data, "keyring");
    if (s->dir == NULL)
        return SG_ERR_NO_MEMORY;
    err = file_mkdirs(o->data, 0700);
    if (err != SG_OK) {
        log_write(SG_LOG_ERROR, "keyring.data_unusable", SG_STR("path", o->data),
                  SG_STR("error", err_code(err)));
        return err;
    }
    kek.dir = s->dir;
    err = keyfile_check_dir(s->dir);
    return err == SG_OK ? kek_open(&kek, &s->kek) : err;
}

static enum sg_err open_keys(const struct setup_options *o, struct setup *s)
{
    const struct keystore_options keystore = {
        .data = o->data, .kek = &s->kek, .issuer = o->issuer, .tls_key = o->tls_key};
    struct namedkeys_options named = {.dir = s->dir, .kek = &s->kek, .pkcs11 = s->pkcs11};
    enum sg_err err = keystore_open(&keystore, &s->services.keys);

    if (err == SG_OK)
        err = audit_open(s->dir, SG_AUDIT_FILE_MAX, &s->audit);
    named.keys = s->services.keys;
    named.audit = s->audit;
    if (err == SG_OK)
        err = namedkeys_open(&named, &s->services.named);
    if (err == SG_OK)
        err = identitykey_open(&s->kek, s->dir, &s->services.identity);
    if (err == SG_OK)
        err = storagekey_open(&s->kek, s->dir, s->storage_key);
    if (err == SG_OK)
        s->services.storage_key = s->storage_key;
    return err;
}

/* The log may be closed and all else works; then nothing is signed with named keys. */
static enum sg_err open_log(const struct setup_options *o, struct setup *s)
{
    const struct translog_options log = {.data = o->data, .issuer = o->issuer, .kek = &s->kek};
    const struct timesign_options time = {.data = o->data, .issuer = o->issuer, .kek = &s->kek};
    enum sg_err err = translog_open(&log, &s->services.log);

    if (err == SG_OK)
        err = timesign_open(&time, &s->services.time);
    if (err == SG_OK)
        err = signer_new(s->services.named, s->services.log, &s->services.signer);
    return err;
}

enum sg_err setup_open(const struct setup_options *o, struct setup *s)
{
    enum sg_err err = SG_OK;

    s->services.data = o->data;
    s->services.kek = &s->kek;
    /* The module and its configuration are outside of what the process sees from here on; what it
     * needs later is named by the operator. */
    if (o->pkcs11_module != NULL)
        err = pkcs11_open(o->pkcs11_module, o->pkcs11_pin_file, &s->pkcs11);
    if (err == SG_OK) {
        sandbox_files(o->data, o->tls_key, o->pkcs11_path, o->pkcs11_path_count);
        err = open_keys(o, s);
    }
    if (err == SG_OK)
        err = open_log(o, s);
    return err;
}

void setup_close(struct setup *s)
{
    signer_free(s->services.signer);
    timesign_close(s->services.time);
    translog_close(s->services.log);
    identitykey_close(s->services.identity);
    secret_wipe(s->storage_key, sizeof s->storage_key);
    namedkeys_close(s->services.named);
    audit_close(s->audit);
    keystore_free(s->services.keys);
    pkcs11_close(s->pkcs11);
    kek_wipe(&s->kek);
    free(s->dir);
    *s = (struct setup){.dir = NULL};
}
