/* SPDX-License-Identifier: Apache-2.0 */
/* Verifies records, minisign, signify and raw signatures; says what does not hold. */
#include "sigfmt/verify.h"

#include <string.h>

#include "base/encode.h"
#include "sigfmt/internal.h"

#define UNTRUSTED "untrusted comment: "
#define TRUSTED   "trusted comment: "

const char *sig_reason_code(enum sig_reason reason)
{
    switch (reason) {
    case SG_SIG_VALID:
        return "valid";
#define X(name, code, text)                                                                        \
    case SG_SIG_##name:                                                                            \
        return code;
        SG_SIG_REASONS(X)
#undef X
    }
    return "unknown";
}

const char *sig_reason_text(enum sig_reason reason)
{
    switch (reason) {
    case SG_SIG_VALID:
        return "The signature is valid";
#define X(name, code, text)                                                                        \
    case SG_SIG_##name:                                                                            \
        return text;
        SG_SIG_REASONS(X)
#undef X
    }
    return "";
}

/* All digests that both sides have. */
static bool same_digests(const struct sig_digests *a, const struct sig_digests *b)
{
    return memcmp(a->sha256, b->sha256, 32) == 0 &&
           !(a->has_sha512 && b->has_sha512 && memcmp(a->sha512, b->sha512, 64) != 0) &&
           !(a->has_blake2b && b->has_blake2b && memcmp(a->blake2b, b->blake2b, 64) != 0);
}

enum sig_reason sig_verify_record(const char *text, size_t len, const uint8_t *signature,
                                  size_t signature_len, const struct sig_public *key,
                                  const struct sig_content *content)
{
    struct sig_record_read r;
    SG_BUF_CLEANUP struct buf pae;
    enum sig_reason reason;

    buf_init(&pae, SG_RECORD_TEXT_MAX + 128);
    if (sig_record_parse(text, len, &r) != SG_OK)
        return SG_SIG_MALFORMED;
    if (memcmp(r.record.keyid, key->keyid, 32) != 0 || r.record.type != key->type)
        return SG_SIG_KEY;
    sig_put_pae(&pae, SG_RECORD_TYPE, text, len);
    if (buf_status(&pae) != SG_OK)
        return SG_SIG_MALFORMED;
    reason = sigfmt_check(key, SG_OVER_SHA256, pae.data, pae.len, signature, signature_len);
    if (reason != SG_SIG_VALID || content == NULL)
        return reason;
    if (!same_digests(&r.record.digests, &content->digests))
        return SG_SIG_DIGEST;
    if (content->name != NULL && strcmp(content->name, r.record.name) != 0)
        return SG_SIG_NAME;
    return SG_SIG_VALID;
}

/* The two first lines of minisign's and signify's files: kind, number, signature. */
struct numbered {
    uint8_t blob[74];
    struct sigfmt_text rest;
};

static bool parse_numbered(const char *text, size_t len, struct numbered *ret)
{
    struct sigfmt_text t = {.at = text, .left = len};
    const char *line;
    size_t line_len;
    size_t n;

    if (!sigfmt_line(&t, &line, &line_len) || !sigfmt_starts(line, line_len, UNTRUSTED) ||
        !sigfmt_line(&t, &line, &line_len) ||
        encode_unbase64(line, line_len, ret->blob, sizeof ret->blob, &n) != SG_OK ||
        n != sizeof ret->blob || ret->blob[0] != 'E')
        return false;
    ret->rest = t;
    return true;
}

bool sigfmt_number(const char *text, size_t len, uint8_t ret[8])
{
    struct numbered n;

    if (!parse_numbered(text, len, &n))
        return false;
    memcpy(ret, n.blob + 2, 8);
    return true;
}

static enum sig_reason check_numbered(const struct numbered *n, const struct sig_public *key,
                                      const void *data, size_t len)
{
    if (key->type != SG_KEY_ED25519 || memcmp(n->blob + 2, key->number, 8) != 0)
        return SG_SIG_KEY;
    return sigfmt_check(key, SG_OVER_SHA256, data, len, n->blob + 10, 64);
}

enum sig_reason sigfmt_verify_minisign(const char *text, size_t len, const struct sig_public *key,
                                       const struct sig_content *c)
{
    struct numbered n;
    uint8_t second[64];
    const char *comment;
    const char *line;
    size_t comment_len;
    size_t line_len;
    size_t second_len;
    SG_BUF_CLEANUP struct buf data;
    enum sig_reason reason;

    buf_init(&data, 2 * SG_SIG_LINE_MAX);
    if (!parse_numbered(text, len, &n) || !sigfmt_line(&n.rest, &comment, &comment_len) ||
        !sigfmt_starts(comment, comment_len, TRUSTED) || !sigfmt_line(&n.rest, &line, &line_len) ||
        n.rest.left != 0 ||
        encode_unbase64(line, line_len, second, sizeof second, &second_len) != SG_OK ||
        second_len != sizeof second || memchr(comment, '\r', comment_len) != NULL)
        return SG_SIG_MALFORMED;
    if (n.blob[1] != 'D') /* not prehashed: over the content itself */
        return n.blob[1] == 'd' ? SG_SIG_UNSUPPORTED : SG_SIG_MALFORMED;
    if (!c->digests.has_blake2b)
        return SG_SIG_NO_DIGEST;
    /* The comment first: it holds whatever the content is, so it tells an altered signature from
     * another content. */
    buf_append(&data, n.blob + 10, 64);
    buf_append(&data, comment + strlen(TRUSTED), comment_len - strlen(TRUSTED));
    if (buf_status(&data) != SG_OK)
        return SG_SIG_MALFORMED;
    if (key->type != SG_KEY_ED25519 || memcmp(n.blob + 2, key->number, 8) != 0)
        return SG_SIG_KEY;
    reason = sigfmt_check(key, SG_OVER_SHA256, data.data, data.len, second, sizeof second);
    if (reason != SG_SIG_VALID)
        return reason;
    reason = check_numbered(&n, key, c->digests.blake2b, 64);
    return reason == SG_SIG_INVALID ? SG_SIG_DIGEST : reason;
}

enum sig_reason sig_verify_list(const char *signature, size_t len, const struct sig_public *key,
                                const char **ret_lines, size_t *ret_len)
{
    struct numbered n;
    enum sig_reason reason;

    if (len > SG_SIGFMT_TEXT_MAX || !parse_numbered(signature, len, &n))
        return SG_SIG_MALFORMED;
    /* Without what was signed it is one over the content itself. */
    if (n.blob[1] != 'd' || n.rest.left == 0)
        return SG_SIG_UNSUPPORTED;
    reason = check_numbered(&n, key, n.rest.at, n.rest.left);
    if (reason == SG_SIG_VALID) {
        *ret_lines = n.rest.at;
        *ret_len = n.rest.left;
    }
    return reason;
}

/* Splits "SHA256 (NAME) = HEX". */
static bool read_entry(const char *line, size_t len, const char **ret_name, size_t *ret_len,
                       uint8_t ret_sha256[32])
{
    size_t tail = 4 + 64;

    if (!sigfmt_starts(line, len, "SHA256 (") || len < 8 + 1 + tail ||
        memcmp(line + len - tail, ") = ", 4) != 0)
        return false;
    *ret_name = line + 8;
    *ret_len = len - 8 - tail;
    return encode_unhex(line + len - 64, 64, ret_sha256, 32) == SG_OK;
}

enum sig_reason sigfmt_verify_signify(const char *text, size_t len, const struct sig_public *key,
                                      const struct sig_content *c)
{
    struct sigfmt_text lines;
    const char *line;
    size_t line_len;
    size_t name_len = c->name == NULL ? 0 : strlen(c->name);
    bool named = false;
    bool digest_there = false;
    enum sig_reason reason = sig_verify_list(text, len, key, &lines.at, &lines.left);

    if (reason != SG_SIG_VALID)
        return reason;
    while (sigfmt_line(&lines, &line, &line_len)) {
        const char *entry;
        size_t entry_len;
        uint8_t sha256[32];
        bool same_name;
        bool same;

        if (!read_entry(line, line_len, &entry, &entry_len, sha256))
            continue;
        same = memcmp(sha256, c->digests.sha256, 32) == 0;
        same_name =
            c->name == NULL || (entry_len == name_len && memcmp(entry, c->name, name_len) == 0);
        if (same && same_name)
            return SG_SIG_VALID;
        digest_there = digest_there || same;
        named = named || same_name;
    }
    return digest_there && !named ? SG_SIG_NAME : SG_SIG_DIGEST;
}

enum sig_reason sig_verify(enum sig_format format, const void *signature, size_t len,
                           const struct sig_public *key, const struct sig_content *content)
{
    if (len == 0 || len > SG_SIGFMT_TEXT_MAX)
        return SG_SIG_MALFORMED;
    switch (format) {
    case SG_FORMAT_RAW:
        return sigfmt_check(key, SG_OVER_DIGEST_SHA256, content->digests.sha256, 32, signature,
                            len);
    case SG_FORMAT_MINISIGN:
        return sigfmt_verify_minisign(signature, len, key, content);
    case SG_FORMAT_SIGNIFY:
        return sigfmt_verify_signify(signature, len, key, content);
    case SG_FORMAT_SSHSIG:
        return sigfmt_verify_sshsig(signature, len, key, content);
    case SG_FORMAT_CMS:
        return sigfmt_verify_cms(signature, len, key, content);
    case SG_FORMAT_DSSE:
        return sigfmt_verify_dsse(signature, len, key, content);
    }
    return SG_SIG_UNSUPPORTED;
}

static bool is_raw(const uint8_t *data, size_t len)
{
    const uint8_t *part[2];
    size_t part_len[2];

    return len == 64 || (len >= 256 && len <= 512) ||
           (len <= 72 && sigfmt_ecdsa_split(data, len, part, part_len));
}

static bool detect_text(const char *text, size_t len, enum sig_kind *ret_kind,
                        enum sig_format *ret_format)
{
    struct sigfmt_span json;
    struct sigfmt_span member;
    struct numbered n;

    *ret_kind = SG_SIG_KIND_FORMAT;
    if (sigfmt_starts(text, len, "c2sp.org/tlog-proof@v1\n")) {
        *ret_kind = SG_SIG_KIND_PROOF;
        return true;
    }
    *ret_format = SG_FORMAT_SSHSIG;
    if (sigfmt_starts(text, len, "-----BEGIN SSH SIGNATURE-----\n"))
        return true;
    if (parse_numbered(text, len, &n)) {
        *ret_format = n.blob[1] == 'D' || sigfmt_starts(n.rest.at, n.rest.left, TRUSTED)
                          ? SG_FORMAT_MINISIGN
                          : SG_FORMAT_SIGNIFY;
        return true;
    }
    if (text[0] != '{' || !sigfmt_json_document(text, len, &json))
        return false;
    *ret_format = SG_FORMAT_DSSE;
    if (sigfmt_json_member(json, "payloadType", &member))
        return true;
    *ret_kind = SG_SIG_KIND_RECORD;
    return sigfmt_json_member(json, "algorithm", &member) &&
           sigfmt_json_member(json, "keyid", &member);
}

enum sg_err sig_detect(const void *data, size_t len, enum sig_kind *ret_kind,
                       enum sig_format *ret_format)
{
    struct sigfmt_der der = {.at = data, .left = len};
    struct sigfmt_der inside;
    enum sig_kind kind = SG_SIG_KIND_FORMAT;
    enum sig_format format = SG_FORMAT_RAW;

    if (len == 0 || len > SG_SIGFMT_TEXT_MAX)
        return SG_ERR_BAD_FIELD;
    if (detect_text(data, len, &kind, &format)) {
        /* found */
    } else if (sigfmt_der_take(&der, 0x30, &inside, NULL) && der.left == 0 &&
               sigfmt_der_is(&inside, 0x06)) {
        kind = SG_SIG_KIND_FORMAT;
        format = SG_FORMAT_CMS;
    } else if (is_raw(data, len)) {
        kind = SG_SIG_KIND_FORMAT;
        format = SG_FORMAT_RAW;
    } else {
        return SG_ERR_BAD_FIELD;
    }
    *ret_kind = kind;
    *ret_format = format;
    return SG_OK;
}

enum sg_err sig_hint(enum sig_format format, const void *signature, size_t len,
                     uint8_t ret[SG_PUBLIC_SPKI_MAX], size_t *ret_len)
{
    struct sig_public key;
    bool found = false;

    if (len == 0 || len > SG_SIGFMT_TEXT_MAX)
        return SG_ERR_BAD_FIELD;
    *ret_len = 0;
    switch (format) {
    case SG_FORMAT_RAW:
        return SG_OK;
    case SG_FORMAT_MINISIGN:
    case SG_FORMAT_SIGNIFY:
        *ret_len = 8;
        return sigfmt_number(signature, len, ret) ? SG_OK : SG_ERR_BAD_FIELD;
    case SG_FORMAT_DSSE:
        *ret_len = sigfmt_dsse_keyid(signature, len, ret) ? 32 : 0;
        return SG_OK;
    case SG_FORMAT_SSHSIG:
        found = sigfmt_sshsig_key(signature, len, &key);
        break;
    case SG_FORMAT_CMS:
        found = sigfmt_cms_key(signature, len, &key);
        break;
    }
    if (found) {
        memcpy(ret, key.spki, key.spki_len);
        *ret_len = key.spki_len;
        sig_public_fini(&key);
    }
    return SG_OK;
}
