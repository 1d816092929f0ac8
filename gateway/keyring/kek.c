/* SPDX-License-Identifier: Apache-2.0 */
/* The key-encryption key: found, derived, proved. It is never written but as the key file that it
 * is derived from, at the first start. */
#include "keyring/kek.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <argon2.h>
#include <gnutls/crypto.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/secret.h"
#include "ipc/codec.h"
#include "keyring/keyfile.h"
#include "keyring/sealed.h"

#define SALT_SIZE      32
#define MATERIAL_MIN   32 /* bytes of a key file or credential */
#define MATERIAL_MAX   4096
#define PASSPHRASE_MIN 8
#define ARGON_KIB      (64 * 1024)
#define ARGON_PASSES   3
#define ARGON_KIB_MAX  (1024 * 1024) /* of what a file asks for */
#define CHECK_KIND     "kek-check"
#define CHECK_TEXT     "secgate"
#define INFO_FORMAT    1

/* DATA/keyring/kek.info: format u32, source u8, salt, KiB u32, passes u32, check bytes. */
struct info {
    enum kek_source source;
    uint8_t salt[SALT_SIZE];
    uint32_t kib;
    uint32_t passes;
};

const char *kek_source_name(enum kek_source source)
{
    switch (source) {
#define X(name, number, text)                                                                      \
    case SG_KEK_##name:                                                                            \
        return text;
        SG_KEK_SOURCES(X)
#undef X
    }
    return "?";
}

enum sg_err kek_source_parse(const char *text, enum kek_source *ret)
{
#define X(name, number, source)                                                                    \
    if (strcmp(text, source) == 0) {                                                               \
        *ret = SG_KEK_##name;                                                                      \
        return SG_OK;                                                                              \
    }
    SG_KEK_SOURCES(X)
#undef X
    return SG_ERR_BAD_FIELD;
}

void kek_wipe(struct kek *kek)
{
    secret_wipe(kek, sizeof *kek);
}

static enum sg_err complain(enum sg_err err, const char *path, const char *what)
{
    log_write(SG_LOG_ERROR, "keyring.kek_unusable", SG_STR("path", path), SG_STR("reason", what),
              SG_STR("error", err_code(err)));
    return err;
}

static enum sg_err read_info(const char *path, struct info *ret, struct buf *check)
{
    SG_BUF_CLEANUP struct buf b;
    struct decoder d;
    const uint8_t *bytes;
    uint32_t format;
    size_t len;
    enum sg_err err;

    buf_init(&b, 4096);
    err = keyfile_read(path, SG_KEYFILE_OWN, &b);
    if (err != SG_OK)
        return err;
    codec_start(&d, b.data, b.len);
    format = codec_u32(&d);
    ret->source = (enum kek_source)codec_u8(&d);
    bytes = codec_bytes(&d, SALT_SIZE, &len);
    if (len == SALT_SIZE)
        memcpy(ret->salt, bytes, SALT_SIZE);
    else
        d.failed = true;
    ret->kib = codec_u32(&d);
    ret->passes = codec_u32(&d);
    bytes = codec_bytes(&d, 1024, &len);
    if (codec_end(&d) != SG_OK || format != INFO_FORMAT || ret->kib < 8 ||
        ret->kib > ARGON_KIB_MAX || ret->passes < 1 || ret->passes > 100)
        return complain(SG_ERR_CORRUPT, path, "not a file of this program");
    buf_append(check, bytes, len);
    return buf_status(check);
}

static enum sg_err write_info(const char *path, const struct info *info, const struct kek *kek)
{
    SG_BUF_CLEANUP struct buf b;
    SG_BUF_CLEANUP struct buf check;
    enum sg_err err;

    buf_init(&b, 4096);
    buf_init(&check, 1024);
    err = sealed_seal(kek, CHECK_KIND, kek_source_name(info->source), CHECK_TEXT,
                      strlen(CHECK_TEXT), &check);
    codec_put_u32(&b, INFO_FORMAT);
    codec_put_u8(&b, (uint8_t)info->source);
    codec_put_bytes(&b, info->salt, SALT_SIZE);
    codec_put_u32(&b, info->kib);
    codec_put_u32(&b, info->passes);
    codec_put_bytes(&b, check.data, check.len);
    if (err == SG_OK)
        err = buf_status(&b);
    return err == SG_OK ? file_write_atomic(path, b.data, b.len, 0600) : err;
}

/* The bytes of a file or credential, without the newline that editors leave. */
static enum sg_err read_material(const char *path, enum keyfile_policy policy, struct buf *ret)
{
    enum sg_err err = keyfile_read(path, policy, ret);

    if (err == SG_ERR_NOT_FOUND)
        return err;
    if (err == SG_ERR_TOO_LARGE)
        return complain(err, path, "longer than 4096 bytes");
    if (err != SG_OK)
        return complain(err, path, "cannot be read");
    while (ret->len > 0 && (ret->data[ret->len - 1] == '\n' || ret->data[ret->len - 1] == '\r'))
        ret->len--;
    if (ret->len < MATERIAL_MIN)
        return complain(SG_ERR_CORRUPT, path, "shorter than 32 bytes");
    return SG_OK;
}

static enum sg_err make_file(const char *path, struct buf *ret)
{
    uint8_t bytes[SG_KEK_SIZE];
    char text[SG_HEX_SIZE(SG_KEK_SIZE) + 1];
    enum sg_err err;

    rng_bytes(bytes, sizeof bytes);
    encode_hex(bytes, sizeof bytes, text);
    buf_append(ret, text, strlen(text));
    text[SG_HEX_SIZE(SG_KEK_SIZE) - 1] = '\n';
    err = buf_status(ret);
    if (err == SG_OK)
        err = file_write_atomic(path, text, SG_HEX_SIZE(SG_KEK_SIZE), 0600);
    secret_wipe(bytes, sizeof bytes);
    secret_wipe(text, sizeof text);
    if (err != SG_OK)
        return complain(err, path, "cannot be made");
    log_write(SG_LOG_INFO, "keyring.kek_made", SG_STR("path", path));
    return SG_OK;
}

static enum sg_err from_file(const struct kek_options *o, bool first, struct buf *ret)
{
    char *path = o->file != NULL ? strdup(o->file) : file_join(o->dir, "kek");
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (path != NULL)
        err = read_material(path, o->file != NULL ? SG_KEYFILE_OPERATOR : SG_KEYFILE_OWN, ret);
    if (err == SG_ERR_NOT_FOUND && first)
        err = make_file(path, ret);
    else if (err == SG_ERR_NOT_FOUND)
        err = complain(err, path, "the file that the keys are sealed with is missing: put it back");
    free(path);
    return err;
}

static enum sg_err from_credential(const struct kek_options *o, struct buf *ret)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    const char *name = o->credential != NULL ? o->credential : "";
    char *path;
    enum sg_err err;

    if (dir == NULL || *dir == '\0')
        return complain(SG_ERR_NOT_FOUND, name,
                        "CREDENTIALS_DIRECTORY is not set: LoadCredential= in the unit is missing");
    if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL)
        return complain(SG_ERR_BAD_FIELD, name, "not the name of a credential");
    path = file_join(dir, name);
    err = path != NULL ? read_material(path, SG_KEYFILE_OPERATOR, ret) : SG_ERR_NO_MEMORY;
    if (err == SG_ERR_NOT_FOUND)
        err = complain(err, path, "there is no such credential");
    free(path);
    return err;
}

static enum sg_err from_passphrase(const struct kek_options *o, const struct info *info, bool first,
                                   struct kek *ret)
{
    size_t len = o->passphrase != NULL ? strlen(o->passphrase) : 0;

    if (len == 0)
        return complain(SG_ERR_BAD_CREDENTIALS, "", "no passphrase was given");
    if (first && len < PASSPHRASE_MIN)
        return complain(SG_ERR_BAD_FIELD, "", "a passphrase has 8 characters at least");
    if (argon2id_hash_raw(info->passes, info->kib, 1, o->passphrase, len, info->salt, SALT_SIZE,
                          ret->key, sizeof ret->key) != ARGON2_OK)
        return SG_ERR_NO_MEMORY;
    return SG_OK;
}

static enum sg_err derive(const struct kek_options *o, const struct info *info, bool first,
                          struct kek *ret)
{
    struct buf material;
    enum sg_err err;

    if (info->source == SG_KEK_PASSPHRASE)
        return from_passphrase(o, info, first, ret);
    buf_init(&material, MATERIAL_MAX);
    err = info->source == SG_KEK_FILE ? from_file(o, first, &material)
                                      : from_credential(o, &material);
    /* Whatever form the bytes have, HMAC makes a key of them. */
    if (err == SG_OK && gnutls_hmac_fast(GNUTLS_MAC_SHA256, info->salt, SALT_SIZE, material.data,
                                         material.len, ret->key) < 0)
        err = SG_ERR_INTERNAL;
    buf_wipe(&material);
    return err;
}

/* Whether keys are sealed here already, with something that is no longer known. */
static bool is_sealed_already(const char *dir)
{
    SG_BUF_CLEANUP struct buf b;
    char *path = file_join(dir, "ca.key");
    bool sealed;

    buf_init(&b, SG_SEALED_MAX);
    sealed = path == NULL ||
             (keyfile_read(path, SG_KEYFILE_OWN, &b) == SG_OK && sealed_is(b.data, b.len));
    secret_wipe(b.data, b.len);
    free(path);
    return sealed;
}

static enum sg_err open_first(const struct kek_options *o, const char *path, struct kek *ret)
{
    struct info info = {.source = o->source, .kib = ARGON_KIB, .passes = ARGON_PASSES};
    enum sg_err err;

    if (is_sealed_already(o->dir))
        return complain(SG_ERR_NOT_FOUND, path,
                        "missing, and the keys are sealed: put it back from the backup");
    rng_bytes(info.salt, sizeof info.salt);
    err = derive(o, &info, true, ret);
    if (err == SG_OK)
        err = write_info(path, &info, ret);
    if (err == SG_OK)
        log_write(SG_LOG_INFO, "keyring.kek", SG_STR("source", kek_source_name(info.source)));
    return err;
}

static enum sg_err prove(const struct kek *kek, const struct info *info, const struct buf *check)
{
    SG_BUF_CLEANUP struct buf text;

    buf_init(&text, 64);
    return sealed_open(kek, CHECK_KIND, kek_source_name(info->source), check->data, check->len,
                       &text);
}

static enum sg_err open_again(const struct kek_options *o, const char *path,
                              const struct info *info, const struct buf *check, struct kek *ret)
{
    enum sg_err err;

    if (info->source != o->source) {
        log_write(SG_LOG_ERROR, "keyring.kek_source", SG_STR("path", path),
                  SG_STR("sealed_with", kek_source_name(info->source)),
                  SG_STR("configured", kek_source_name(o->source)),
                  SG_STR("hint", "set keyring.kek to what the keys are sealed with, or export them "
                                 "and import them anew"));
        return SG_ERR_CONFLICT;
    }
    err = derive(o, info, false, ret);
    if (err == SG_OK && (err = prove(ret, info, check)) == SG_ERR_CORRUPT) {
        err = SG_ERR_BAD_CREDENTIALS;
        log_write(SG_LOG_ERROR, "keyring.kek_wrong",
                  SG_STR("source", kek_source_name(info->source)),
                  SG_STR("reason", info->source == SG_KEK_PASSPHRASE
                                       ? "this is not the passphrase that the keys are sealed with"
                                       : "this is not the key that the keys are sealed with"));
    }
    return err;
}

enum sg_err kek_open(const struct kek_options *options, struct kek *ret)
{
    SG_BUF_CLEANUP struct buf check;
    char *path = file_join(options->dir, "kek.info");
    struct info info;
    struct kek kek = {{0}};
    enum sg_err err;

    buf_init(&check, 1024);
    if (path == NULL)
        return SG_ERR_NO_MEMORY;
    err = read_info(path, &info, &check);
    if (err == SG_OK)
        err = open_again(options, path, &info, &check, &kek);
    else if (err == SG_ERR_NOT_FOUND)
        err = open_first(options, path, &kek);
    free(path);
    if (err == SG_OK)
        *ret = kek;
    kek_wipe(&kek);
    return err;
}
