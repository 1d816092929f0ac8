/* SPDX-License-Identifier: Apache-2.0 */
/* Composes record signatures and the text formats from digests; it sees no content and no key. */
#include "sigfmt/compose.h"

#include <inttypes.h>
#include <string.h>

#include "base/encode.h"
#include "sigfmt/internal.h"

#define STATEMENT_HEAD "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":"

static void put_decimal(struct buf *out, size_t value)
{
    char digits[24];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buf_append(out, digits + at, sizeof digits - at);
}

void sig_put_pae(struct buf *out, const char *type, const void *body, size_t len)
{
    buf_puts(out, "DSSEv1 ");
    put_decimal(out, strlen(type));
    buf_putc(out, ' ');
    buf_puts(out, type);
    buf_putc(out, ' ');
    put_decimal(out, len);
    buf_putc(out, ' ');
    if (len > 0)
        buf_append(out, body, len);
}

const char *sig_compose_obstacle(unsigned formats, enum sig_key_type type, const char *name,
                                 const struct sig_digests *digests)
{
    if ((formats & ~sig_key_type_formats(type)) != 0)
        return "a format that this type of key cannot make";
    if ((formats & SG_FORMAT_MINISIGN) != 0 && !digests->has_blake2b)
        return "the digest blake2b-512 is needed for minisign";
    /* minisign signs the 64 bytes of the digest, and as many has what SSHSIG signs for "file" and
     * sha256: a made-up digest would be an SSH signature of a content that no record names. A
     * DSSE envelope of a short type with a short payload may have 64 bytes too. */
    if ((formats & SG_FORMAT_MINISIGN) != 0 &&
        (memcmp(digests->blake2b, "SSHSIG", 6) == 0 || memcmp(digests->blake2b, "DSSEv1 ", 7) == 0))
        return "the digest blake2b-512 is what another format signs, not one of a content";
    if ((formats & SG_FORMAT_CMS) != 0 && type == SG_KEY_ED25519 && !digests->has_sha512)
        return "the digest sha512 is needed for cms with Ed25519";
    if ((formats & SG_FORMAT_SIGNIFY) != 0 && strchr(name, ')') != NULL)
        return "signify cannot read a name with ')'";
    return NULL;
}

enum sg_err sig_compose_record(const struct sig_signer *s, const char *text, size_t len,
                               struct buf *scratch, uint8_t ret[SG_SIGNATURE_MAX], size_t *ret_len)
{
    buf_clear(scratch);
    sig_put_pae(scratch, SG_RECORD_TYPE, text, len);
    if (buf_status(scratch) != SG_OK)
        return buf_status(scratch);
    return s->sign(s->ctx, SG_OVER_SHA256, scratch->data, scratch->len, ret, ret_len);
}

static enum sg_err compose_raw(struct buf *out, const struct sig_signer *s,
                               const struct sig_digests *digests)
{
    uint8_t signature[SG_SIGNATURE_MAX];
    size_t len;
    enum sg_err err = s->sign(s->ctx, SG_OVER_DIGEST_SHA256, digests->sha256, 32, signature, &len);

    if (err == SG_OK)
        buf_append(out, signature, len);
    return err;
}

/* "Ed" or "ED", number, signature: the second line of minisign's and signify's files. */
static enum sg_err sign_numbered(const struct sig_signer *s, const char *kind, const void *data,
                                 size_t len, uint8_t ret[74])
{
    uint8_t signature[SG_SIGNATURE_MAX];
    size_t signature_len;
    enum sg_err err = s->sign(s->ctx, SG_OVER_SHA256, data, len, signature, &signature_len);

    if (err != SG_OK)
        return err;
    if (signature_len != 64)
        return SG_ERR_INTERNAL;
    memcpy(ret, kind, 2);
    memcpy(ret + 2, s->public->number, 8);
    memcpy(ret + 10, signature, 64);
    return SG_OK;
}

static enum sg_err compose_minisign(struct buf *out, const struct sig_signer *s,
                                    const struct sig_record *r, struct buf *scratch)
{
    uint8_t first[74];
    uint8_t second[SG_SIGNATURE_MAX];
    size_t len;
    enum sg_err err = sign_numbered(s, "ED", r->digests.blake2b, 64, first);

    if (err != SG_OK)
        return err;
    buf_clear(scratch);
    buf_append(scratch, first + 10, 64);
    buf_printf(scratch, "timestamp:%" PRId64 "\tfile:%s\thashed", r->timestamp_ns / 1000000000,
               r->name);
    if (buf_status(scratch) != SG_OK)
        return buf_status(scratch);
    err = s->sign(s->ctx, SG_OVER_SHA256, scratch->data, scratch->len, second, &len);
    if (err != SG_OK)
        return err;
    buf_printf(out, "untrusted comment: signature by key %s\n", s->key_name);
    sigfmt_put_base64(out, first, sizeof first, 0);
    buf_puts(out, "\ntrusted comment: ");
    buf_append(out, scratch->data + 64, scratch->len - 64);
    buf_putc(out, '\n');
    sigfmt_put_base64(out, second, len, 0);
    buf_putc(out, '\n');
    return SG_OK;
}

/* The lines follow their signature. */
static enum sg_err compose_signify(struct buf *out, const struct sig_signer *s, const char *lines,
                                   size_t len)
{
    uint8_t first[74];
    enum sg_err err = sign_numbered(s, "Ed", lines, len, first);

    if (err != SG_OK)
        return err;
    buf_printf(out, "untrusted comment: verify with %s.pub\n", s->key_name);
    sigfmt_put_base64(out, first, sizeof first, 0);
    buf_putc(out, '\n');
    buf_append(out, lines, len);
    return SG_OK;
}

static enum sg_err compose_list(struct buf *out, const struct sig_signer *s,
                                const struct sig_record *r, struct buf *scratch)
{
    buf_clear(scratch);
    sig_manifest_put_line(scratch, r->name, r->digests.sha256);
    if (buf_status(scratch) != SG_OK)
        return buf_status(scratch);
    return compose_signify(out, s, (const char *)scratch->data, scratch->len);
}

static void put_digest(struct buf *out, const char *before, const uint8_t *data, size_t len)
{
    char hex[SG_HEX_SIZE(64)];

    encode_hex(data, len, hex);
    buf_puts(out, before);
    buf_puts(out, hex);
    buf_putc(out, '"');
}

enum sg_err sigfmt_compose_dsse(struct buf *out, const struct sig_signer *s, const char *statement,
                                size_t len, struct buf *scratch)
{
    uint8_t signature[SG_SIGNATURE_MAX];
    size_t signature_len;
    enum sg_err err;

    buf_clear(scratch);
    sig_put_pae(scratch, SG_INTOTO_TYPE, statement, len);
    if (buf_status(scratch) != SG_OK)
        return buf_status(scratch);
    err = s->sign(s->ctx, SG_OVER_SHA256, scratch->data, scratch->len, signature, &signature_len);
    if (err != SG_OK)
        return err;
    buf_puts(out, "{\"payload\":\"");
    sigfmt_put_base64(out, statement, len, 0);
    put_digest(out, "\",\"payloadType\":\"" SG_INTOTO_TYPE "\",\"signatures\":[{\"keyid\":\"",
               s->public->keyid, 32);
    buf_puts(out, ",\"sig\":\"");
    sigfmt_put_base64(out, signature, signature_len, 0);
    buf_puts(out, "\"}]}\n");
    return SG_OK;
}

static enum sg_err compose_statement(struct buf *out, const struct sig_signer *s,
                                     const struct sig_record *r, const char *text, size_t len,
                                     struct buf *scratch)
{
    const struct sig_digests *d = &r->digests;
    SG_BUF_CLEANUP struct buf statement;

    buf_init(&statement, 4 * SG_RECORD_TEXT_MAX);
    buf_puts(&statement, STATEMENT_HEAD);
    buf_append(&statement, text, len);
    buf_puts(&statement,
             ",\"predicateType\":\"" SG_PREDICATE_RECORD "\",\"subject\":[{\"digest\":{");
    if (d->has_blake2b)
        put_digest(&statement, "\"blake2b\":\"", d->blake2b, 64);
    put_digest(&statement, d->has_blake2b ? ",\"sha256\":\"" : "\"sha256\":\"", d->sha256, 32);
    if (d->has_sha512)
        put_digest(&statement, ",\"sha512\":\"", d->sha512, 64);
    buf_puts(&statement, "},\"name\":");
    sigfmt_put_json(&statement, r->name);
    buf_puts(&statement, "}]}");
    if (buf_status(&statement) != SG_OK)
        return buf_status(&statement);
    return sigfmt_compose_dsse(out, s, (const char *)statement.data, statement.len, scratch);
}

enum sg_err sig_compose(struct buf *out, enum sig_format format, const struct sig_signer *s,
                        const struct sig_record *record, const char *text, size_t len,
                        struct buf *scratch)
{
    enum sg_err err = SG_ERR_BAD_FIELD;

    if (sig_compose_obstacle(format, s->public->type, record->name, &record->digests) != NULL)
        return SG_ERR_BAD_FIELD;
    switch (format) {
    case SG_FORMAT_RAW:
        err = compose_raw(out, s, &record->digests);
        break;
    case SG_FORMAT_MINISIGN:
        err = compose_minisign(out, s, record, scratch);
        break;
    case SG_FORMAT_SIGNIFY:
        err = compose_list(out, s, record, scratch);
        break;
    case SG_FORMAT_SSHSIG:
        err = sigfmt_compose_sshsig(out, s, &record->digests, scratch);
        break;
    case SG_FORMAT_CMS:
        err = sigfmt_compose_cms(out, s, record, scratch);
        break;
    case SG_FORMAT_DSSE:
        err = compose_statement(out, s, record, text, len, scratch);
        break;
    }
    return err == SG_OK ? buf_status(out) : err;
}

static enum sg_err compose_directory(struct buf *out, const struct sig_signer *s,
                                     const char *directory, const struct sig_manifest *m,
                                     struct buf *scratch)
{
    SG_BUF_CLEANUP struct buf statement;
    uint8_t sha256[32];
    size_t len;
    const char *lines = sig_manifest_lines(m, &len);

    sigfmt_sha256(lines, len, sha256);
    buf_init(&statement, 4 * SG_RECORD_TEXT_MAX);
    buf_puts(&statement, STATEMENT_HEAD "{\"files\":");
    put_decimal(&statement, sig_manifest_count(m));
    put_digest(&statement, ",\"root\":\"", sig_manifest_root(m), 32);
    put_digest(&statement,
               "},\"predicateType\":\"" SG_PREDICATE_MANIFEST
               "\",\"subject\":[{\"digest\":{\"sha256\":\"",
               sha256, 32);
    buf_puts(&statement, "},\"name\":");
    sigfmt_put_json(&statement, directory);
    buf_puts(&statement, "}]}");
    if (buf_status(&statement) != SG_OK)
        return buf_status(&statement);
    return sigfmt_compose_dsse(out, s, (const char *)statement.data, statement.len, scratch);
}

enum sg_err sig_compose_manifest(struct buf *out, enum sig_format format,
                                 const struct sig_signer *s, const char *directory,
                                 const struct sig_manifest *m, struct buf *scratch)
{
    size_t len;
    const char *lines = sig_manifest_lines(m, &len);
    enum sg_err err = SG_ERR_BAD_FIELD;

    if ((format & ~sig_key_type_formats(s->public->type)) != 0)
        return SG_ERR_BAD_FIELD;
    if (format == SG_FORMAT_SIGNIFY)
        err = compose_signify(out, s, lines, len);
    else if (format == SG_FORMAT_DSSE)
        err = compose_directory(out, s, directory, m, scratch);
    return err == SG_OK ? buf_status(out) : err;
}
