/* SPDX-License-Identifier: Apache-2.0 */
/* A batch: read, composed into records and manifests, signed chunk by chunk, written as a result.
 * It allocates per batch and chunk, never per signature. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "keyring/sign_internal.h"
#include "sigfmt/digests.h"

#define ARENA_MAX     (64 << 20)
#define TEXT_GUESS    640
#define SIGNING_GUESS 160 /* bytes of signatures per leaf, without formats */

enum sg_err batch_read(int fd, struct batch **ret)
{
    struct batch *b = calloc(1, sizeof *b);
    enum sg_err err;

    if (b == NULL)
        return SG_ERR_NO_MEMORY;
    buf_init(&b->texts, SG_SIGN_RESULT_MAX);
    err = signing_memory_map(fd, SG_SIGN_REQUEST_MAX, &b->memory, &b->memory_len);
    if (err != SG_OK)
        goto fail;
    b->arena = arena_new(ARENA_MAX);
    err = b->arena == NULL ? SG_ERR_NO_MEMORY
                           : signing_get_sign(b->memory, b->memory_len, b->arena, &b->m);
    if (err != SG_OK)
        goto fail;
    *ret = b;
    return SG_OK;
fail:
    batch_free(b);
    return err;
}

void batch_free(struct batch *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; b->chunks != NULL && i < b->chunk_count; i++)
        buf_wipe(&b->chunks[i]);
    for (size_t i = 0; b->manifests != NULL && i < b->m.directory_count; i++)
        sig_manifest_free(b->manifests[i]);
    sig_public_fini(&b->public);
    if (b->named != NULL)
        namedkeys_return(b->named, &b->loan);
    free(b->chunks);
    free(b->made);
    free(b->starts);
    buf_fini(&b->texts);
    arena_free(b->arena);
    if (b->memory != NULL)
        (void)munmap(b->memory, b->memory_len);
    free(b);
}

/* struct sig_signer: with the borrowed key. */
static enum sg_err sign(void *ctx, enum sig_over over, const void *data, size_t len,
                        uint8_t ret[SG_SIGNATURE_MAX], size_t *ret_len)
{
    static const gnutls_sign_algorithm_t algorithms[][2] = {
        [SG_KEY_ED25519] = {GNUTLS_SIGN_EDDSA_ED25519, GNUTLS_SIGN_EDDSA_ED25519},
        [SG_KEY_ECDSA_P256] = {GNUTLS_SIGN_ECDSA_SHA256, GNUTLS_SIGN_ECDSA_SHA512},
        [SG_KEY_RSA_3072] = {GNUTLS_SIGN_RSA_SHA256, GNUTLS_SIGN_RSA_SHA512},
    };
    const struct namedkeys_loan *loan = ctx;
    gnutls_sign_algorithm_t algorithm = algorithms[loan->type][over == SG_OVER_SHA512 ? 1 : 0];
    gnutls_datum_t in = {.size = (unsigned)len};
    gnutls_datum_t out;
    enum sg_err err = SG_OK;
    int rc;

    /* GnuTLS only reads; its type has no const. */
    memcpy(&in.data, &data, sizeof data);
    if (over == SG_OVER_DIGEST_SHA256 && loan->type != SG_KEY_ED25519) {
        if (len != 32) /* it would sign a digest of any length */
            return SG_ERR_INTERNAL;
        rc = gnutls_privkey_sign_hash2(loan->key, algorithm, 0, &in, &out);
    } else {
        rc = gnutls_privkey_sign_data2(loan->key, algorithm, 0, &in, &out);
    }
    if (rc < 0)
        return rc == GNUTLS_E_MEMORY_ERROR ? SG_ERR_NO_MEMORY : SG_ERR_UNAVAILABLE;
    if (out.size == 0 || out.size > SG_SIGNATURE_MAX ||
        (loan->type == SG_KEY_ED25519 && out.size != 64)) {
        err = SG_ERR_INTERNAL;
    } else {
        memcpy(ret, out.data, out.size);
        *ret_len = out.size;
    }
    gnutls_free(out.data);
    return err;
}

enum sg_err batch_borrow(struct batch *b, struct namedkeys *named)
{
    enum sg_err err = namedkeys_borrow(named, &b->m.actor, b->m.key, b->m.formats, &b->loan);

    if (err != SG_OK)
        return err;
    b->named = named;
    if ((b->m.formats & SG_FORMAT_CMS) != 0 && b->loan.certificate_len == 0)
        return SG_ERR_UNAVAILABLE;
    err = sig_public_load(b->loan.spki, b->loan.spki_len, &b->public);
    if (err != SG_OK)
        return SG_ERR_INTERNAL;
    b->signer = (struct sig_signer){
        .public = &b->public,
        .key_name = b->loan.name,
        .certificate = b->loan.certificate_len > 0 ? b->loan.certificate : NULL,
        .certificate_len = b->loan.certificate_len,
        .ctx = &b->loan,
        .sign = sign,
    };
    return SG_OK;
}

struct sig_record batch_record(const struct batch *b, size_t leaf)
{
    struct sig_record r = {.key = b->loan.name,
                           .key_version = b->loan.version,
                           .type = b->loan.type,
                           .timestamp_ns = b->timestamp_ns};

    memcpy(r.keyid, b->loan.keyid, sizeof r.keyid);
    if (leaf < b->m.item_count) {
        const struct keyring_sign_item *i = &b->m.items[leaf];

        r.name = i->name;
        r.size = i->size;
        r.digests = i->digests;
        r.package = i->package;
        r.fileset = i->fileset;
        r.vrmf = i->vrmf;
        r.ftype = i->ftype;
        r.source = i->source;
    } else {
        size_t directory = leaf - b->m.item_count;
        size_t len;

        (void)sig_manifest_lines(b->manifests[directory], &len);
        r.name = b->manifest_names[directory];
        r.size = (int64_t)len;
        r.digests = b->lines[directory];
        r.package = r.fileset = r.vrmf = "";
        r.ftype = "manifest";
        r.source = SG_SOURCE_REQUEST;
    }
    return r;
}

/* Sorts the items into their directories: begins[d] is where those of directory d + 1 begin. */
static struct sig_manifest_entry *gather(const struct batch *b, size_t *begins)
{
    size_t directories = b->m.directory_count;
    struct sig_manifest_entry *entries =
        arena_alloc(b->arena, (b->m.item_count + 1) * sizeof *entries);
    size_t *at = arena_alloc(b->arena, (directories + 1) * sizeof *at);

    if (entries == NULL || at == NULL)
        return NULL;
    for (size_t i = 0; i < b->m.item_count; i++)
        if (b->m.items[i].directory > 0)
            begins[b->m.items[i].directory]++;
    for (size_t d = 0; d < directories; d++) {
        begins[d + 1] += begins[d];
        at[d] = begins[d];
    }
    for (size_t i = 0; i < b->m.item_count; i++) {
        const struct keyring_sign_item *item = &b->m.items[i];

        if (item->directory > 0)
            entries[at[item->directory - 1]++] =
                (struct sig_manifest_entry){.name = item->name, .sha256 = item->digests.sha256};
    }
    return entries;
}

static enum sg_err make_manifests(struct batch *b)
{
    size_t directories = b->m.directory_count;
    size_t *begins = arena_alloc(b->arena, (directories + 2) * sizeof *begins);
    struct sig_manifest_entry *entries = begins == NULL ? NULL : gather(b, begins);

    b->manifests = arena_alloc(b->arena, (directories + 1) * sizeof *b->manifests);
    b->lines = arena_alloc(b->arena, (directories + 1) * sizeof *b->lines);
    b->manifest_names = arena_alloc(b->arena, (directories + 1) * sizeof *b->manifest_names);
    if (entries == NULL || b->manifests == NULL || b->lines == NULL || b->manifest_names == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t d = 0; d < directories; d++) {
        const char *lines;
        size_t len;
        enum sg_err err =
            sig_manifest_new(entries + begins[d], begins[d + 1] - begins[d], &b->manifests[d]);

        if (err != SG_OK)
            return err;
        lines = sig_manifest_lines(b->manifests[d], &len);
        err = digesting_memory(lines, len, &b->lines[d]);
        b->manifest_names[d] = arena_printf(b->arena, "%s/SHA256", b->m.directories[d]);
        if (err != SG_OK || b->manifest_names[d] == NULL)
            return SG_ERR_NO_MEMORY;
    }
    return SG_OK;
}

/* SIGNIFY and DSSE of a manifest are its own; its name is not in the signify list. */
static enum sg_err check_leaf(const struct batch *b, size_t leaf, const struct sig_record *r)
{
    unsigned formats = b->m.formats;

    if (leaf >= b->m.item_count)
        formats &= ~(unsigned)SG_FORMAT_SIGNIFY;
    return sig_compose_obstacle(formats, r->type, r->name, &r->digests) == NULL ? SG_OK
                                                                                : SG_ERR_BAD_FIELD;
}

/* Bytes of a signature at most; an RSA key's is shorter than the key. */
static size_t signature_bound(const struct batch *b)
{
    return b->loan.type == SG_KEY_RSA_3072 ? b->loan.spki_len : 72;
}

/* What a leaf's part of the result takes at most. */
static size_t result_bound(const struct batch *b, size_t leaf)
{
    const size_t signature = signature_bound(b);
    const size_t text = b->starts[leaf + 1] - b->starts[leaf];
    size_t name = strlen(batch_record(b, leaf).name);
    size_t lines = 0;
    size_t bound = text + signature + 128;

    if (leaf >= b->m.item_count)
        (void)sig_manifest_lines(b->manifests[leaf - b->m.item_count], &lines);
    if ((b->m.formats & SG_FORMAT_RAW) != 0)
        bound += signature;
    if ((b->m.formats & SG_FORMAT_MINISIGN) != 0)
        bound += name + 512;
    if ((b->m.formats & SG_FORMAT_SIGNIFY) != 0)
        bound += name + lines + 384;
    if ((b->m.formats & SG_FORMAT_SSHSIG) != 0) /* in base64 with newlines */
        bound += (b->loan.spki_len + signature + 192) * 3 / 2 + 128;
    if ((b->m.formats & SG_FORMAT_CMS) != 0) /* the issuer is part of the certificate */
        bound += 2 * b->loan.certificate_len + signature + 512;
    if ((b->m.formats & SG_FORMAT_DSSE) != 0) /* the statement in base64; a name may be escaped */
        bound += (text + 2 * name + 768) * 4 / 3 + 2 * signature + 384;
    return bound;
}

/* Looked at before the leaves are in the log for good. */
static enum sg_err check_size(const struct batch *b)
{
    size_t all = 64 << 10;

    for (size_t leaf = 0; leaf < b->count; leaf++)
        all += result_bound(b, leaf);
    return all <= SG_SIGN_RESULT_MAX ? SG_OK : SG_ERR_TOO_LARGE;
}

enum sg_err batch_compose(struct batch *b, int64_t timestamp_ns)
{
    enum sg_err err;

    b->timestamp_ns = timestamp_ns;
    b->count = b->m.item_count + b->m.directory_count;
    b->starts = calloc(b->count + 1, sizeof *b->starts);
    if (b->starts == NULL)
        return SG_ERR_NO_MEMORY;
    (void)buf_reserve(&b->texts, b->count * TEXT_GUESS);
    err = make_manifests(b);
    for (size_t leaf = 0; leaf < b->count && err == SG_OK; leaf++) {
        struct sig_record r = batch_record(b, leaf);

        b->starts[leaf] = b->texts.len;
        err = check_leaf(b, leaf, &r);
        if (err == SG_OK)
            err = sig_record_put(&b->texts, &r);
        if (err == SG_OK && b->texts.len - b->starts[leaf] > SG_RECORD_TEXT_MAX)
            err = SG_ERR_BAD_FIELD;
        b->starts[leaf + 1] = b->texts.len;
    }
    return err == SG_OK ? check_size(b) : err;
}

enum sg_err batch_append(struct batch *b, struct translog *log)
{
    struct translog_leaf *leaves = calloc(b->count, sizeof *leaves);
    enum sg_err err;

    if (leaves == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < b->count; i++)
        leaves[i] = (struct translog_leaf){.data = b->texts.data + b->starts[i],
                                           .len = b->starts[i + 1] - b->starts[i]};
    err = translog_append(log, leaves, b->count, b->timestamp_ns, &b->receipt);
    free(leaves);
    return err;
}

enum sg_err batch_prepare(struct batch *b)
{
    b->chunk_count = (b->count + BATCH_CHUNK - 1) / BATCH_CHUNK;
    b->chunks = calloc(b->chunk_count, sizeof *b->chunks);
    b->made = calloc(b->count, sizeof *b->made);
    if (b->chunks == NULL || b->made == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < b->chunk_count; i++)
        buf_init(&b->chunks[i], SG_SIGN_RESULT_MAX);
    return SG_OK;
}

static enum sg_err sign_format(struct batch *b, size_t leaf, enum sig_format format,
                               const struct sig_record *r, struct buf *out, struct buf *scratch)
{
    const char *text = (const char *)b->texts.data + b->starts[leaf];
    size_t len = b->starts[leaf + 1] - b->starts[leaf];

    if (leaf >= b->m.item_count && (format == SG_FORMAT_SIGNIFY || format == SG_FORMAT_DSSE)) {
        size_t directory = leaf - b->m.item_count;

        return sig_compose_manifest(out, format, &b->signer, b->m.directories[directory],
                                    b->manifests[directory], scratch);
    }
    return sig_compose(out, format, &b->signer, r, text, len, scratch);
}

static enum sg_err sign_leaf(struct batch *b, size_t leaf, struct buf *out, struct buf *scratch)
{
    struct batch_made *made = &b->made[leaf];
    uint8_t signature[SG_SIGNATURE_MAX];
    struct sig_record r;
    size_t len = 0;
    enum sg_err err =
        sig_compose_record(&b->signer, (const char *)b->texts.data + b->starts[leaf],
                           b->starts[leaf + 1] - b->starts[leaf], scratch, signature, &len);

    if (err != SG_OK)
        return err;
    made->at = (uint32_t)out->len;
    made->len = (uint32_t)len;
    buf_append(out, signature, len);
    if (b->m.formats == 0)
        return buf_status(out);
    r = batch_record(b, leaf);
    for (unsigned bit = 0; bit < BATCH_FORMATS && err == SG_OK; bit++) {
        if ((b->m.formats & 1U << bit) == 0)
            continue;
        made->formats[bit].at = (uint32_t)out->len;
        err = sign_format(b, leaf, (enum sig_format)(1U << bit), &r, out, scratch);
        made->formats[bit].len = (uint32_t)out->len - made->formats[bit].at;
    }
    return err == SG_OK ? buf_status(out) : err;
}

enum sg_err batch_sign_chunk(struct batch *b, size_t chunk, struct buf *scratch)
{
    size_t leaf = chunk * BATCH_CHUNK;
    size_t end = leaf + BATCH_CHUNK < b->count ? leaf + BATCH_CHUNK : b->count;
    struct buf *out = &b->chunks[chunk];
    enum sg_err err = SG_OK;

    (void)buf_reserve(out, (end - leaf) * SIGNING_GUESS);
    for (; leaf < end && err == SG_OK; leaf++)
        err = sign_leaf(b, leaf, out, scratch);
    return err;
}

static void fill(const struct batch *b, size_t leaf, bool with_signatures,
                 struct keyring_signed *ret)
{
    const struct batch_made *made = with_signatures ? &b->made[leaf] : NULL;
    const uint8_t *data = made == NULL ? NULL : b->chunks[leaf / BATCH_CHUNK].data;

    *ret = (struct keyring_signed){
        .index = b->receipt.first + leaf,
        .timestamp_ns = b->timestamp_ns,
        .record = (const char *)b->texts.data + b->starts[leaf],
        .record_len = b->starts[leaf + 1] - b->starts[leaf],
    };
    if (made == NULL)
        return;
    ret->signature = data + made->at;
    ret->signature_len = made->len;
    for (unsigned bit = 0; bit < BATCH_FORMATS; bit++)
        if (made->formats[bit].len > 0) {
            ret->formats[bit].data = data + made->formats[bit].at;
            ret->formats[bit].len = made->formats[bit].len;
        }
}

enum sg_err batch_result(struct batch *b, uint64_t ticket, uint64_t tree_size, const char *note,
                         size_t note_len, int *ret_fd)
{
    struct keyring_sign_result m = {
        .key_version = b->loan.version,
        .tree_size = tree_size,
        .note = note,
        .note_len = note_len,
        .ticket = ticket,
        .item_count = b->m.item_count,
        .manifest_count = b->m.directory_count,
    };
    size_t guess = b->texts.len + b->count * 96 + note_len + 4096;
    struct buf out;
    enum sg_err err = SG_ERR_NO_MEMORY;

    memcpy(m.keyid, b->loan.keyid, sizeof m.keyid);
    m.items = calloc(m.item_count + 1, sizeof *m.items);
    m.manifests = calloc(m.manifest_count + 1, sizeof *m.manifests);
    buf_init(&out, SG_SIGN_RESULT_MAX);
    if (m.items != NULL && m.manifests != NULL) {
        for (size_t i = 0; i < b->chunk_count; i++)
            guess += b->chunks[i].len;
        for (size_t i = 0; i < m.item_count; i++)
            fill(b, i, ticket == 0, &m.items[i]);
        for (size_t i = 0; i < m.manifest_count; i++) {
            fill(b, m.item_count + i, ticket == 0, &m.manifests[i].of);
            memcpy(m.manifests[i].root, sig_manifest_root(b->manifests[i]), 32);
            m.manifests[i].files = (uint32_t)sig_manifest_count(b->manifests[i]);
        }
        if (guess <= SG_SIGN_RESULT_MAX)
            (void)buf_reserve(&out, guess);
        signing_put_result(&out, &m);
        err = signing_memory_write(&out, ret_fd);
    }
    buf_wipe(&out);
    free(m.items);
    free(m.manifests);
    return err;
}

size_t batch_bytes(const struct batch *b)
{
    return sizeof *b + b->memory_len + arena_used(b->arena) + b->texts.cap +
           (b->count + 1) * sizeof *b->starts;
}
