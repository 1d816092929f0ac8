/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and verifies signed notes and verifier keys; it never signs. */
#include "tlog/note.h"

#include <gnutls/abstract.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

#define KEY_BYTES          33              /* type and public key */
#define EM_DASH            "\xe2\x80\x94 " /* U+2014 and a space */
#define DASH_LEN           (sizeof EM_DASH - 1)
#define SIGNATURE_TEXT_MAX 512 /* bytes of a signature line's base64 */

/* Not empty, no space, no plus, no control character; bytes beyond ASCII may be part of it. */
static bool name_ok(const char *name, size_t len)
{
    if (len == 0 || len >= SG_NOTE_NAME_SIZE)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] <= ' ' || name[i] == '+' || name[i] == 0x7f)
            return false;
    return true;
}

enum sg_err note_key_make(const char *name, enum note_type type, const uint8_t public_key[32],
                          struct note_key *ret)
{
    struct note_key key = {.type = type};
    const uint8_t newline_type[2] = {'\n', (uint8_t)type};
    uint8_t digest[SHA256_DIGEST_SIZE];
    struct sha256_ctx ctx;
    size_t len = strlen(name);

    if (!name_ok(name, len) || (type != SG_NOTE_ED25519 && type != SG_NOTE_COSIGNATURE))
        return SG_ERR_BAD_FIELD;
    memcpy(key.name, name, len + 1);
    memcpy(key.public_key, public_key, sizeof key.public_key);
    sha256_init(&ctx);
    sha256_update(&ctx, len, (const uint8_t *)name);
    sha256_update(&ctx, sizeof newline_type, newline_type);
    sha256_update(&ctx, sizeof key.public_key, key.public_key);
    sha256_digest(&ctx, sizeof digest, digest);
    memcpy(key.id, digest, sizeof key.id);
    *ret = key;
    return SG_OK;
}

enum sg_err note_key_parse(const char *text, struct note_key *ret)
{
    const char *plus = strchr(text, '+');
    const char *second = plus != NULL ? strchr(plus + 1, '+') : NULL;
    char name[SG_NOTE_NAME_SIZE];
    uint8_t bytes[KEY_BYTES];
    uint8_t id[4];
    struct note_key key;
    size_t len;
    enum sg_err err;

    if (second == NULL || (size_t)(plus - text) >= sizeof name)
        return SG_ERR_BAD_FIELD;
    memcpy(name, text, (size_t)(plus - text));
    name[plus - text] = '\0';
    err = encode_unhex(plus + 1, (size_t)(second - plus - 1), id, sizeof id);
    if (err == SG_OK)
        err = encode_unbase64(second + 1, strlen(second + 1), bytes, sizeof bytes, &len);
    if (err != SG_OK || len != sizeof bytes)
        return SG_ERR_BAD_FIELD;
    err = note_key_make(name, (enum note_type)bytes[0], bytes + 1, &key);
    if (err == SG_OK && memcmp(key.id, id, sizeof id) != 0)
        err = SG_ERR_BAD_FIELD;
    if (err == SG_OK)
        *ret = key;
    return err;
}

void note_key_format(const struct note_key *key, char ret[SG_NOTE_VKEY_SIZE])
{
    uint8_t bytes[KEY_BYTES];
    size_t at = strlen(key->name);

    bytes[0] = (uint8_t)key->type;
    memcpy(bytes + 1, key->public_key, sizeof key->public_key);
    memcpy(ret, key->name, at);
    ret[at++] = '+';
    encode_hex(key->id, sizeof key->id, ret + at);
    at += 2 * sizeof key->id;
    ret[at++] = '+';
    encode_base64(bytes, sizeof bytes, ret + at);
}

void note_put_signature(struct buf *out, const struct note_key *key, const uint8_t *signature,
                        size_t len)
{
    uint8_t bytes[4 + 256];
    char text[SG_BASE64_SIZE(sizeof bytes)];

    if (len > sizeof bytes - 4) {
        out->failed = true;
        return;
    }
    memcpy(bytes, key->id, 4);
    memcpy(bytes + 4, signature, len);
    encode_base64(bytes, 4 + len, text);
    buf_printf(out, EM_DASH "%s %s\n", key->name, text);
}

/* -- reading -----------------------------------------------------------------------------------
 */

static enum sg_err parse_line(const char *line, size_t len, struct note_signature *ret)
{
    uint8_t bytes[4 + sizeof ret->bytes];
    const char *name = line + DASH_LEN;
    const char *space;
    size_t count;

    if (len < DASH_LEN || memcmp(line, EM_DASH, DASH_LEN) != 0)
        return SG_ERR_BAD_FIELD;
    space = memchr(name, ' ', len - DASH_LEN);
    if (space == NULL || !name_ok(name, (size_t)(space - name)))
        return SG_ERR_BAD_FIELD;
    if ((size_t)(line + len - space - 1) > SIGNATURE_TEXT_MAX ||
        encode_unbase64(space + 1, (size_t)(line + len - space - 1), bytes, sizeof bytes, &count) !=
            SG_OK ||
        count < 5)
        return SG_ERR_BAD_FIELD;
    *ret = (struct note_signature){.len = count - 4};
    memcpy(ret->name, name, (size_t)(space - name));
    memcpy(ret->id, bytes, 4);
    memcpy(ret->bytes, bytes + 4, count - 4);
    return SG_OK;
}

/* Where the last blank line begins, which ends the body; 0: there is none. */
static size_t body_end(const char *text, size_t len)
{
    for (size_t i = len; i >= 2; i--)
        if (text[i - 1] == '\n' && text[i - 2] == '\n')
            return i - 1;
    return 0;
}

/* No control characters but newlines. */
static bool text_ok(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)text[i] < ' ' && text[i] != '\n') || text[i] == 0x7f)
            return false;
    return true;
}

enum sg_err note_parse(const char *text, size_t len, struct note *ret)
{
    struct note n = {.body = text};
    const char *at;
    const char *end = text + len;

    if (len == 0 || len > SG_NOTE_MAX || text[len - 1] != '\n' || !text_ok(text, len))
        return SG_ERR_BAD_FIELD;
    n.body_len = body_end(text, len);
    if (n.body_len == 0 || n.body_len + 1 >= len)
        return SG_ERR_BAD_FIELD;
    n.signatures = calloc(SG_NOTE_SIGNATURES, sizeof *n.signatures);
    if (n.signatures == NULL)
        return SG_ERR_NO_MEMORY;
    for (at = text + n.body_len + 1; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));

        if (n.count == SG_NOTE_SIGNATURES ||
            parse_line(at, (size_t)(newline - at), &n.signatures[n.count]) != SG_OK) {
            note_fini(&n);
            return SG_ERR_BAD_FIELD;
        }
        n.count++;
        at = newline + 1;
    }
    *ret = n;
    return SG_OK;
}

void note_fini(struct note *n)
{
    free(n->signatures);
    *n = (struct note){.body = NULL};
}

/* -- verification ------------------------------------------------------------------------------
 */

static enum sg_err ed25519_verify(const uint8_t key[32], const void *message, size_t len,
                                  const uint8_t *signature, size_t signature_len)
{
    uint8_t raw[32];
    uint8_t copy[64];
    const gnutls_datum_t x = {.data = raw, .size = sizeof raw};
    const gnutls_datum_t sig = {.data = copy, .size = sizeof copy};
    gnutls_datum_t text = {.size = (unsigned)len};
    gnutls_pubkey_t pub;
    enum sg_err err = SG_ERR_BAD_DIGEST;

    if (signature_len != sizeof copy)
        return SG_ERR_BAD_DIGEST;
    memcpy(raw, key, sizeof raw);
    memcpy(copy, signature, sizeof copy);
    text.data = malloc(len > 0 ? len : 1);
    if (text.data == NULL)
        return SG_ERR_NO_MEMORY;
    memcpy(text.data, message, len);
    if (gnutls_pubkey_init(&pub) < 0) {
        free(text.data);
        return SG_ERR_NO_MEMORY;
    }
    if (gnutls_pubkey_import_ecc_raw(pub, GNUTLS_ECC_CURVE_ED25519, &x, NULL) >= 0 &&
        gnutls_pubkey_verify_data2(pub, GNUTLS_SIGN_EDDSA_ED25519, 0, &text, &sig) >= 0)
        err = SG_OK;
    gnutls_pubkey_deinit(pub);
    free(text.data);
    return err;
}

void note_put_cosigned(struct buf *out, int64_t time_s, const char *body, size_t len)
{
    buf_printf(out, "cosignature/v1\ntime %lld\n", (long long)time_s);
    buf_append(out, body, len);
}

static enum sg_err verify_one(const struct note *n, const struct note_signature *s,
                              const struct note_key *key, int64_t *ret_time_s)
{
    SG_BUF_CLEANUP struct buf message;
    uint64_t time_s = 0;
    enum sg_err err;

    buf_init(&message, SG_NOTE_MAX + 64);
    if (key->type == SG_NOTE_ED25519) {
        *ret_time_s = 0;
        return ed25519_verify(key->public_key, n->body, n->body_len, s->bytes, s->len);
    }
    if (s->len != 8 + 64)
        return SG_ERR_BAD_DIGEST;
    time_s = encode_unbe64(s->bytes);
    if (time_s > INT64_MAX)
        return SG_ERR_BAD_DIGEST;
    note_put_cosigned(&message, (int64_t)time_s, n->body, n->body_len);
    err = buf_status(&message);
    if (err == SG_OK)
        err = ed25519_verify(key->public_key, message.data, message.len, s->bytes + 8, 64);
    if (err == SG_OK)
        *ret_time_s = (int64_t)time_s;
    return err;
}

enum sg_err note_verify(const struct note *n, const struct note_key *key, int64_t *ret_time_s)
{
    enum sg_err err = SG_ERR_NOT_FOUND;
    int64_t time_s = 0;

    for (size_t i = 0; i < n->count && err != SG_OK; i++) {
        const struct note_signature *s = &n->signatures[i];

        if (memcmp(s->id, key->id, sizeof s->id) == 0 && strcmp(s->name, key->name) == 0)
            err = verify_one(n, s, key, &time_s);
    }
    if (err == SG_OK && ret_time_s != NULL)
        *ret_time_s = time_s;
    return err;
}
