/* SPDX-License-Identifier: Apache-2.0 */
/* Verifies DSSE envelopes (secure-systems-lab/dsse) with in-toto statements about a content. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "sigfmt/internal.h"

#define SUBJECTS_MAX   100000
#define SIGNATURES_MAX 16

static void free_text(char **text)
{
    free(*text);
}
#define TEXT_CLEANUP __attribute__((cleanup(free_text)))

/* A member that is a string in base64. */
static bool bytes_of(struct sigfmt_span object, const char *name, struct buf *out)
{
    struct sigfmt_span value;
    TEXT_CLEANUP char *text = NULL;

    if (!sigfmt_json_member(object, name, &value))
        return false;
    text = sigfmt_json_string(value);
    return text != NULL && sigfmt_unbase64(text, strlen(text), out) == SG_OK;
}

static bool member_is(struct sigfmt_span object, const char *name, const char *expected)
{
    struct sigfmt_span value;
    TEXT_CLEANUP char *text = NULL;

    if (!sigfmt_json_member(object, name, &value))
        return false;
    text = sigfmt_json_string(value);
    return text != NULL && strcmp(text, expected) == 0;
}

/* The envelope's one payload and any of its signatures that holds. */
static enum sig_reason open_envelope(const char *text, size_t len, const struct sig_public *key,
                                     struct buf *payload)
{
    struct sigfmt_span envelope;
    struct sigfmt_span rest;
    struct sigfmt_span one;
    SG_BUF_CLEANUP struct buf pae;
    SG_BUF_CLEANUP struct buf signature;
    unsigned count = 0;

    buf_init(&pae, SG_SIGFMT_TEXT_MAX);
    buf_init(&signature, 1024);
    if (!sigfmt_json_document(text, len, &envelope) || !bytes_of(envelope, "payload", payload) ||
        !sigfmt_json_member(envelope, "signatures", &rest) || *rest.at != '[')
        return SG_SIG_MALFORMED;
    /* The type is part of what is signed. */
    if (!member_is(envelope, "payloadType", SG_INTOTO_TYPE))
        return SG_SIG_NAMESPACE;
    sig_put_pae(&pae, SG_INTOTO_TYPE, payload->data, payload->len);
    if (buf_status(&pae) != SG_OK)
        return SG_SIG_MALFORMED;
    while (sigfmt_json_element(&rest, '[', &one) && count++ < SIGNATURES_MAX) {
        buf_clear(&signature);
        if (!bytes_of(one, "sig", &signature) || signature.len == 0)
            return SG_SIG_MALFORMED;
        if (sigfmt_check(key, SG_OVER_SHA256, pae.data, pae.len, signature.data, signature.len) ==
            SG_SIG_VALID)
            return SG_SIG_VALID;
    }
    return count == 0 ? SG_SIG_MALFORMED : SG_SIG_INVALID;
}

/* 1: the same, 0: not there, -1: another or malformed. */
static int compare_digest(struct sigfmt_span digests, const char *name, const uint8_t *own,
                          size_t size)
{
    struct sigfmt_span value;
    uint8_t got[64];

    if (!sigfmt_json_member(digests, name, &value))
        return 0;
    if (value.len != 2 * size + 2 || *value.at != '"' ||
        encode_unhex(value.at + 1, 2 * size, got, size) != SG_OK)
        return -1;
    return memcmp(got, own, size) == 0 ? 1 : -1;
}

/* Whether a subject is the content: at least one digest in common, and none that differs. */
static bool same_content(struct sigfmt_span digests, const struct sig_digests *own)
{
    int a = compare_digest(digests, "sha256", own->sha256, 32);
    int b = own->has_sha512 ? compare_digest(digests, "sha512", own->sha512, 64) : 0;
    int c = own->has_blake2b ? compare_digest(digests, "blake2b", own->blake2b, 64) : 0;

    return a >= 0 && b >= 0 && c >= 0 && a + b > 0;
}

static enum sig_reason find_subject(const struct buf *payload, const struct sig_content *c)
{
    struct sigfmt_span statement;
    struct sigfmt_span subjects;
    struct sigfmt_span subject;
    struct sigfmt_span digests;
    size_t count = 0;
    bool found = false;

    if (!sigfmt_json_document((const char *)payload->data, payload->len, &statement) ||
        !member_is(statement, "_type", "https://in-toto.io/Statement/v1") ||
        !sigfmt_json_member(statement, "subject", &subjects) || *subjects.at != '[')
        return SG_SIG_MALFORMED;
    while (sigfmt_json_element(&subjects, '[', &subject) && count++ < SUBJECTS_MAX) {
        if (!sigfmt_json_member(subject, "digest", &digests) || !same_content(digests, &c->digests))
            continue;
        found = true;
        if (c->name == NULL || member_is(subject, "name", c->name))
            return SG_SIG_VALID;
    }
    return found ? SG_SIG_NAME : SG_SIG_DIGEST;
}

enum sig_reason sigfmt_verify_dsse(const char *text, size_t len, const struct sig_public *key,
                                   const struct sig_content *c)
{
    SG_BUF_CLEANUP struct buf payload;
    enum sig_reason reason;
    uint8_t keyid[32];

    buf_init(&payload, SG_SIGFMT_TEXT_MAX);
    reason = open_envelope(text, len, key, &payload);
    if (reason == SG_SIG_VALID)
        return find_subject(&payload, c);
    if (reason == SG_SIG_INVALID && sigfmt_dsse_keyid(text, len, keyid) &&
        memcmp(keyid, key->keyid, 32) != 0)
        return SG_SIG_KEY;
    return reason;
}

bool sigfmt_dsse_keyid(const char *text, size_t len, uint8_t ret[32])
{
    struct sigfmt_span envelope;
    struct sigfmt_span rest;
    struct sigfmt_span one;
    struct sigfmt_span value;

    return sigfmt_json_document(text, len, &envelope) &&
           sigfmt_json_member(envelope, "signatures", &rest) && *rest.at == '[' &&
           sigfmt_json_element(&rest, '[', &one) && sigfmt_json_member(one, "keyid", &value) &&
           value.len == 66 && *value.at == '"' && encode_unhex(value.at + 1, 64, ret, 32) == SG_OK;
}
