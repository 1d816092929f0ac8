/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a backup: blocks for others to read, and the sealed one that is read back. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <argon2.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/rng.h"
#include "base/secret.h"
#include "certs/pki.h"
#include "ipc/codec.h"
#include "keyring/backup.h"
#include "keyring/kek.h"
#include "keyring/namedkeys_internal.h"
#include "keyring/sealed.h"

#define BEGIN      "-----BEGIN SECGATE KEYRING-----\n"
#define END        "-----END SECGATE KEYRING-----\n"
#define KIND       "backup"
#define FORMAT     1
#define SALT_SIZE  32
#define KIB        (64 * 1024)
#define PASSES     3
#define LINE_CHARS 64
#define FILES_MAX  4096

static enum sg_err derive(const char *passphrase, const uint8_t *salt, struct kek *ret)
{
    return argon2id_hash_raw(PASSES, KIB, 1, passphrase, strlen(passphrase), salt, SALT_SIZE,
                             ret->key, sizeof ret->key) == ARGON2_OK
               ? SG_OK
               : SG_ERR_NO_MEMORY;
}

/* -- writing ----------------------------------------------------------------------------------- */

/* The blocks of a named key: its file has all versions one after the other. */
static enum sg_err put_named(const struct pbes2 *p, const struct backup_file *f, struct buf *out)
{
    struct keyring_key *key = calloc(1, sizeof *key);
    struct decoder d;
    struct decoder policy;
    const uint8_t *at;
    size_t len;
    enum sg_err err = key != NULL ? SG_OK : SG_ERR_NO_MEMORY;

    codec_start(&d, f->content.data, f->content.len);
    (void)codec_u32(&d);
    at = codec_bytes(&d, SG_IPC_MESSAGE_MAX, &len);
    codec_start(&policy, at, len);
    if (err == SG_OK && (d.failed || signing_get_key(&policy, key) != SG_OK))
        err = SG_ERR_CORRUPT;
    for (size_t i = 0; err == SG_OK && i < key->version_count; i++) {
        char uri[SG_KEY_URI_SIZE];
        char keyid[SG_HEX_SIZE(32)];
        size_t pem_len;
        const uint8_t *pem;

        codec_string(&d, uri, sizeof uri);
        pem = codec_bytes(&d, SG_PKI_PEM_MAX, &pem_len);
        (void)codec_bytes(&d, SG_SPKI_MAX, &len);
        (void)codec_bytes(&d, SG_CERTIFICATE_MAX, &len);
        if (d.failed) {
            err = SG_ERR_CORRUPT;
            break;
        }
        encode_hex(key->versions[i].keyid, 32, keyid);
        buf_printf(out, "\nkey: %s\nversion: %" PRIu32 "\ntype: %s\nkeyid: %s\n", key->name,
                   key->versions[i].number, sig_key_type_name(key->type), keyid);
        if (pem_len > 0)
            err = pbes2_put(p, pem, pem_len, out);
        else
            buf_printf(out, "token: %s\n", uri);
    }
    free(key);
    return err;
}

static enum sg_err put_blocks(const struct backup *b, const char *passphrase, struct buf *out)
{
    struct pbes2 *p;
    enum sg_err err = pbes2_new(passphrase, &p);

    if (err != SG_OK)
        return err;
    for (size_t i = 0; err == SG_OK && i < b->count; i++) {
        const struct backup_file *f = &b->file[i];

        if (strcmp(f->kind, "named-key") == 0) {
            err = put_named(p, f, out);
        } else if (strcmp(f->kind, "private-key") == 0) {
            buf_printf(out, "\nkeyring: %s\n", f->path);
            err = pbes2_put(p, f->content.data, f->content.len, out);
        }
    }
    pbes2_free(p);
    return err;
}

static enum sg_err put_files(const struct backup *b, struct buf *out)
{
    codec_put_u32(out, FORMAT);
    codec_put_u32(out, (uint32_t)b->count);
    for (size_t i = 0; i < b->count; i++) {
        codec_put_string(out, b->file[i].path);
        codec_put_bytes(out, b->file[i].content.data, b->file[i].content.len);
    }
    return buf_status(out);
}

static enum sg_err put_base64(const struct buf *bytes, struct buf *out)
{
    char *text = malloc(SG_BASE64_SIZE(bytes->len));
    size_t len;

    if (text == NULL)
        return SG_ERR_NO_MEMORY;
    encode_base64(bytes->data, bytes->len, text);
    len = strlen(text);
    buf_puts(out, BEGIN);
    for (size_t at = 0; at < len; at += LINE_CHARS) {
        buf_append(out, text + at, len - at < LINE_CHARS ? len - at : LINE_CHARS);
        buf_putc(out, '\n');
    }
    buf_puts(out, END);
    free(text);
    return buf_status(out);
}

/* Salt, and the files sealed. */
static enum sg_err put_sealed(const struct backup *b, const char *passphrase, struct buf *out)
{
    uint8_t salt[SALT_SIZE];
    struct buf files;
    SG_BUF_CLEANUP struct buf bytes;
    struct kek kek = {{0}};
    enum sg_err err;

    rng_bytes(salt, sizeof salt);
    buf_init(&files, SG_BACKUP_MAX);
    buf_init(&bytes, SG_BACKUP_MAX);
    err = put_files(b, &files);
    if (err == SG_OK)
        err = derive(passphrase, salt, &kek);
    buf_append(&bytes, salt, sizeof salt);
    if (err == SG_OK)
        err = sealed_seal(&kek, KIND, "", files.data, files.len, &bytes);
    kek_wipe(&kek);
    buf_wipe(&files);
    return err == SG_OK ? put_base64(&bytes, out) : err;
}

enum sg_err backup_put(const struct backup *b, const char *passphrase, struct buf *out)
{
    char time[SG_RFC3339_SIZE];
    enum sg_err err;

    clock_format_rfc3339(clock_now_ns(), time);
    buf_printf(out,
               "secgate keyring backup 1\nmade: %s\n"
               "Each key by itself is for openssl pkey; the last block is for secgated-keyring "
               "import.\n",
               time);
    err = put_blocks(b, passphrase, out);
    buf_putc(out, '\n');
    if (err == SG_OK)
        err = put_sealed(b, passphrase, out);
    return err == SG_OK ? buf_status(out) : err;
}

/* -- reading ----------------------------------------------------------------------------------- */

/* The bytes between BEGIN and END. */
static enum sg_err find_sealed(const char *text, size_t len, struct buf *out)
{
    const char *at = memmem(text, len, BEGIN, strlen(BEGIN));
    const char *end;
    char *joined;
    uint8_t *to;
    size_t count = 0;
    size_t got = 0;
    enum sg_err err;

    if (at == NULL)
        return SG_ERR_CORRUPT;
    at += strlen(BEGIN);
    end = memmem(at, len - (size_t)(at - text), END, strlen(END));
    if (end == NULL || end == at)
        return SG_ERR_CORRUPT;
    joined = malloc((size_t)(end - at));
    to = buf_reserve(out, (size_t)(end - at));
    if (joined == NULL || to == NULL) {
        free(joined);
        return SG_ERR_NO_MEMORY;
    }
    for (; at < end; at++)
        if (*at != '\n' && *at != '\r')
            joined[count++] = *at;
    err = encode_unbase64(joined, count, to, (size_t)out->cap - out->len, &got);
    free(joined);
    if (err != SG_OK)
        return SG_ERR_CORRUPT;
    buf_commit(out, got);
    return SG_OK;
}

static enum sg_err get_file(struct decoder *d, struct backup_file *ret)
{
    char path[128];
    const uint8_t *content;
    size_t len;
    enum sg_err err;

    codec_string(d, path, sizeof path);
    content = codec_bytes(d, SG_SEALED_MAX, &len);
    if (d->failed)
        return SG_ERR_CORRUPT;
    err = backup_identify(path, ret);
    if (err != SG_OK)
        return SG_ERR_CORRUPT;
    buf_append(&ret->content, content, len);
    return buf_status(&ret->content);
}

static enum sg_err get_files(const struct buf *files, struct backup *ret)
{
    struct backup b = {.count = 0};
    struct decoder d;
    uint32_t format;
    size_t count;
    enum sg_err err = SG_OK;

    codec_start(&d, files->data, files->len);
    format = codec_u32(&d);
    count = codec_u32(&d);
    if (d.failed || format != FORMAT || count == 0 || count > FILES_MAX)
        return SG_ERR_CORRUPT;
    b.file = calloc(count, sizeof *b.file);
    if (b.file == NULL)
        return SG_ERR_NO_MEMORY;
    while (err == SG_OK && b.count < count) {
        err = get_file(&d, &b.file[b.count]);
        b.count += err == SG_OK ? 1 : 0;
    }
    if (err == SG_OK && codec_end(&d) != SG_OK)
        err = SG_ERR_CORRUPT;
    if (err != SG_OK) {
        backup_fini(&b);
        return err;
    }
    *ret = b;
    return SG_OK;
}

enum sg_err backup_get(const void *text, size_t len, const char *passphrase, struct backup *ret)
{
    SG_BUF_CLEANUP struct buf bytes;
    struct buf files;
    struct kek kek = {{0}};
    enum sg_err err;

    buf_init(&bytes, SG_BACKUP_MAX);
    buf_init(&files, SG_BACKUP_MAX);
    err = find_sealed(text, len, &bytes);
    if (err == SG_OK && bytes.len < SALT_SIZE + SG_SEALED_OVERHEAD)
        err = SG_ERR_CORRUPT;
    if (err == SG_OK)
        err = derive(passphrase, bytes.data, &kek);
    if (err == SG_OK) {
        err = sealed_open(&kek, KIND, "", bytes.data + SALT_SIZE, bytes.len - SALT_SIZE, &files);
        if (err == SG_ERR_CORRUPT)
            err = SG_ERR_BAD_CREDENTIALS;
    }
    if (err == SG_OK)
        err = get_files(&files, ret);
    kek_wipe(&kek);
    buf_wipe(&files);
    return err;
}
