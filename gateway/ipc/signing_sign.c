/* SPDX-License-Identifier: Apache-2.0 */
/* Layout of batches and their results in memory files. Strings are stored with their NUL, so that
 * what is read can be borrowed as it is; a decoder never accepts more or less than the whole. */
#include "ipc/signing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define FORMATS    8
#define HAS_SHA512 1
#define HAS_B2     2
#define SEALS      (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static void put_text(struct buf *b, const char *text)
{
    codec_put_bytes(b, text, strlen(text) + 1);
}

/* Borrows; `max` counts without the NUL. */
static const char *get_text(struct decoder *d, size_t max)
{
    size_t len;
    const uint8_t *at = codec_bytes(d, max + 1, &len);

    if (len == 0 || memchr(at, '\0', len) != at + len - 1) {
        d->failed = true;
        return "";
    }
    return (const char *)at;
}

static void put_raw(struct buf *b, const uint8_t *data, size_t len)
{
    codec_put_bytes(b, data, len);
}

/* Exactly `size` bytes. */
static void get_raw(struct decoder *d, uint8_t *ret, size_t size)
{
    size_t len;
    const uint8_t *at = codec_bytes(d, size, &len);

    if (len != size) {
        d->failed = true;
        return;
    }
    memcpy(ret, at, size);
}

/* How many follow; each takes at least `least` bytes, so that a lie about the number allocates
 * little. */
static size_t get_count(struct decoder *d, size_t max, size_t least)
{
    size_t count = codec_u32(d);

    if (count > max || count > d->left / least) {
        d->failed = true;
        return 0;
    }
    return count;
}

static void put_item(struct buf *b, const struct keyring_sign_item *m)
{
    const struct sig_digests *g = &m->digests;

    put_text(b, m->name);
    codec_put_i64(b, m->size);
    codec_put_u8(b, (uint8_t)((g->has_sha512 ? HAS_SHA512 : 0) | (g->has_blake2b ? HAS_B2 : 0)));
    put_raw(b, g->sha256, 32);
    if (g->has_sha512)
        put_raw(b, g->sha512, 64);
    if (g->has_blake2b)
        put_raw(b, g->blake2b, 64);
    put_text(b, m->package);
    put_text(b, m->fileset);
    put_text(b, m->vrmf);
    put_text(b, m->ftype);
    codec_put_u8(b, (uint8_t)m->source);
    codec_put_u32(b, m->directory);
}

static void get_item(struct decoder *d, size_t directories, struct keyring_sign_item *ret)
{
    struct sig_digests *g = &ret->digests;
    uint8_t has;
    uint8_t source;

    ret->name = get_text(d, SG_RECORD_NAME_MAX);
    ret->size = codec_i64(d);
    has = codec_u8(d);
    g->has_sha512 = (has & HAS_SHA512) != 0;
    g->has_blake2b = (has & HAS_B2) != 0;
    get_raw(d, g->sha256, 32);
    if (g->has_sha512)
        get_raw(d, g->sha512, 64);
    if (g->has_blake2b)
        get_raw(d, g->blake2b, 64);
    ret->package = get_text(d, SG_RECORD_FIELD_MAX);
    ret->fileset = get_text(d, SG_RECORD_FIELD_MAX);
    ret->vrmf = get_text(d, SG_RECORD_FIELD_MAX);
    ret->ftype = get_text(d, SG_RECORD_FIELD_MAX);
    source = codec_u8(d);
    ret->source = (enum sig_source)source;
    ret->directory = codec_u32(d);
    if (has > (HAS_SHA512 | HAS_B2) || source < SG_SOURCE_CONTENT || source > SG_SOURCE_NAME ||
        ret->directory > directories)
        d->failed = true;
}
/* A name of no bytes, no digest but SHA-256, empty fields: with a larger number here a batch of
 * short names would end the worker's channel. */
#define ITEM_LEAST (5 + 8 + 1 + (4 + 32) + 4 * 5 + 1 + 4)

void signing_put_sign(struct buf *b, const struct keyring_sign *m)
{
    codec_put_i64(b, m->actor.user_id);
    codec_put_string(b, m->actor.user);
    codec_put_u8(b, m->actor.admin ? 1 : 0);
    codec_put_string(b, m->key);
    codec_put_u32(b, m->formats);
    codec_put_u32(b, (uint32_t)m->directory_count);
    for (size_t i = 0; i < m->directory_count; i++)
        put_text(b, m->directories[i]);
    codec_put_u32(b, (uint32_t)m->item_count);
    for (size_t i = 0; i < m->item_count; i++)
        put_item(b, &m->items[i]);
}

enum sg_err signing_get_sign(const void *data, size_t len, struct arena *arena,
                             struct keyring_sign *ret)
{
    struct decoder d;
    struct keyring_sign m = {0};
    struct keyring_sign_item *items;
    const char **directories;
    uint8_t admin;

    codec_start(&d, data, len);
    m.actor.user_id = codec_i64(&d);
    codec_string(&d, m.actor.user, sizeof m.actor.user);
    admin = codec_u8(&d);
    m.actor.admin = admin == 1;
    codec_string(&d, m.key, sizeof m.key);
    m.formats = codec_u32(&d);
    m.directory_count = get_count(&d, SG_SIGN_ITEMS_MAX, 5);
    directories = arena_alloc(arena, (m.directory_count + 1) * sizeof *directories);
    if (directories == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < m.directory_count; i++)
        directories[i] = get_text(&d, SG_RECORD_NAME_MAX);
    m.item_count = get_count(&d, SG_SIGN_ITEMS_MAX, ITEM_LEAST);
    items = arena_alloc(arena, (m.item_count + 1) * sizeof *items);
    if (items == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < m.item_count && !d.failed; i++)
        get_item(&d, m.directory_count, &items[i]);
    if (admin > 1 || m.item_count == 0)
        d.failed = true;
    m.items = items;
    m.directories = directories;
    if (codec_end(&d) != SG_OK)
        return SG_ERR_PROTOCOL;
    *ret = m;
    return SG_OK;
}

static void put_signed(struct buf *b, const struct keyring_signed *m)
{
    codec_put_u64(b, m->index);
    codec_put_i64(b, m->timestamp_ns);
    codec_put_bytes(b, m->record, m->record_len);
    codec_put_bytes(b, m->signature, m->signature_len);
    for (size_t i = 0; i < FORMATS; i++)
        codec_put_bytes(b, m->formats[i].data, m->formats[i].data == NULL ? 0 : m->formats[i].len);
}
#define SIGNED_LEAST (8 + 8 + 4 + 4 + 4 * FORMATS)

static void get_signed(struct decoder *d, struct keyring_signed *ret)
{
    ret->index = codec_u64(d);
    ret->timestamp_ns = codec_i64(d);
    ret->record = (const char *)codec_bytes(d, SG_RECORD_TEXT_MAX, &ret->record_len);
    ret->signature = codec_bytes(d, 1024, &ret->signature_len);
    for (size_t i = 0; i < FORMATS; i++) {
        ret->formats[i].data = codec_bytes(d, SG_SIGN_RESULT_MAX, &ret->formats[i].len);
        if (ret->formats[i].len == 0)
            ret->formats[i].data = NULL;
    }
}

void signing_put_result(struct buf *b, const struct keyring_sign_result *m)
{
    put_raw(b, m->keyid, sizeof m->keyid);
    codec_put_u32(b, m->key_version);
    codec_put_u64(b, m->tree_size);
    codec_put_bytes(b, m->note, m->note_len);
    codec_put_u64(b, m->ticket);
    codec_put_u32(b, (uint32_t)m->item_count);
    for (size_t i = 0; i < m->item_count; i++)
        put_signed(b, &m->items[i]);
    codec_put_u32(b, (uint32_t)m->manifest_count);
    for (size_t i = 0; i < m->manifest_count; i++) {
        put_signed(b, &m->manifests[i].of);
        put_raw(b, m->manifests[i].root, sizeof m->manifests[i].root);
        codec_put_u32(b, m->manifests[i].files);
    }
}

enum sg_err signing_get_result(const void *data, size_t len, struct arena *arena,
                               struct keyring_sign_result *ret)
{
    struct keyring_sign_result m = {0};
    struct decoder d;

    codec_start(&d, data, len);
    get_raw(&d, m.keyid, sizeof m.keyid);
    m.key_version = codec_u32(&d);
    m.tree_size = codec_u64(&d);
    m.note = (const char *)codec_bytes(&d, SG_IPC_MESSAGE_MAX, &m.note_len);
    m.ticket = codec_u64(&d);
    m.item_count = get_count(&d, SG_SIGN_ITEMS_MAX, SIGNED_LEAST);
    m.items = arena_alloc(arena, (m.item_count + 1) * sizeof *m.items);
    if (m.items == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < m.item_count && !d.failed; i++)
        get_signed(&d, &m.items[i]);
    m.manifest_count = get_count(&d, SG_SIGN_ITEMS_MAX, SIGNED_LEAST + 32);
    m.manifests = arena_alloc(arena, (m.manifest_count + 1) * sizeof *m.manifests);
    if (m.manifests == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < m.manifest_count && !d.failed; i++) {
        get_signed(&d, &m.manifests[i].of);
        get_raw(&d, m.manifests[i].root, sizeof m.manifests[i].root);
        m.manifests[i].files = codec_u32(&d);
    }
    if (codec_end(&d) != SG_OK)
        return SG_ERR_PROTOCOL;
    *ret = m;
    return SG_OK;
}

enum sg_err signing_memory_write(const struct buf *content, int *ret_fd)
{
    SG_FD_CLEANUP int fd = -1;
    enum sg_err err = buf_status(content);

    if (err != SG_OK)
        return err;
    fd = memfd_create("secgate", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd == -1)
        return err_from_errno(errno);
    err = file_write_all(fd, content->data, content->len);
    if (err != SG_OK)
        return err;
    if (fcntl(fd, F_ADD_SEALS, SEALS) != 0)
        return err_from_errno(errno);
    *ret_fd = fd;
    fd = -1;
    return SG_OK;
}

enum sg_err signing_memory_map(int fd, size_t max, void **ret, size_t *ret_len)
{
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat st;
    void *at;

    /* Without the seals the other side could change it while it is read, or take the pages away. */
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) != 0 || st.st_size <= 0 ||
        (uintmax_t)st.st_size > max)
        return SG_ERR_PROTOCOL;
    at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (at == MAP_FAILED)
        return err_from_errno(errno);
    *ret = at;
    *ret_len = (size_t)st.st_size;
    return SG_OK;
}
