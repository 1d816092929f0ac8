/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what is to be verified; it verifies nothing. */
#include "api/verify_request.h"

#include <string.h>

#include "api/json_in.h"
#include "api/rfc3339_in.h"
#include "base/encode.h"
#include "http/request.h"

#define SIGNATURE_CHARACTERS (256 * 1024)
#define PROOF_CHARACTERS     (128 * 1024)
#define INTEGER_MAX          ((INT64_C(1) << 53) - 1)
#define FIELD                SG_RECORD_FIELD_MAX

struct input {
    char *key, *name, *path, *format, *signature, *proof;
    int64_t key_version, size, log_index, log_size;
    bool has_record, has_digests, has_digest, has_size;
    struct sig_digests digests;
    struct {
        char *algorithm, *fileset, *ftype, *key, *name, *package, *source, *timestamp, *vrmf;
        char *signature;
        int64_t key_version;
        uint8_t keyid[32];
        struct sig_digests digests;
    } record;
};

#define TEXT(object, member, needed, least, most, target)                                          \
    {                                                                                              \
        .in = (object), .name = (member), .kind = SG_JSON_STRING, .required = (needed),            \
        .min = (least), .max = (most), .to.string = &(target)                                      \
    }
#define HEX(object, member, needed, bytes_, target, has)                                           \
    {                                                                                              \
        .in = (object), .name = (member), .kind = SG_JSON_HEX, .required = (needed),               \
        .min = (bytes_), .max = (bytes_), .to.bytes = (target), .given = (has)                     \
    }
#define NUMBER(object, member, needed, least, most, target, has)                                   \
    {                                                                                              \
        .in = (object), .name = (member), .kind = SG_JSON_INTEGER, .required = (needed),           \
        .min = (least), .max = (most), .to.integer = &(target), .given = (has)                     \
    }
#define OBJECT(object, member, needed, has)                                                        \
    {                                                                                              \
        .in = (object), .name = (member), .kind = SG_JSON_OBJECT, .required = (needed),            \
        .given = (has)                                                                             \
    }
#define ANY(member)                                                                                \
    {                                                                                              \
        .in = "record", .name = (member), .kind = SG_JSON_ANY                                      \
    }

static enum sg_err read_body(struct request *r, struct arena *arena, struct input *in)
{
    const struct json_field fields[] = {
        TEXT(NULL, "key", false, 1, SG_KEY_NAME_SIZE - 1, in->key),
        TEXT(NULL, "name", false, 1, SG_RECORD_NAME_MAX, in->name),
        TEXT(NULL, "path", false, 1, 4096, in->path),
        TEXT(NULL, "format", false, 1, 16, in->format),
        TEXT(NULL, "signature", false, 1, SIGNATURE_CHARACTERS, in->signature),
        NUMBER(NULL, "key_version", false, 1, SG_KEY_VERSIONS_MAX, in->key_version, NULL),
        HEX(NULL, "digest", false, 32, in->digests.sha256, &in->has_digest),
        OBJECT(NULL, "digests", false, &in->has_digests),
        HEX("digests", "sha256", true, 32, in->digests.sha256, NULL),
        HEX("digests", "sha512", false, 64, in->digests.sha512, &in->digests.has_sha512),
        HEX("digests", "blake2b-512", false, 64, in->digests.blake2b, &in->digests.has_blake2b),
        OBJECT(NULL, "record", false, &in->has_record),
        TEXT("record", "algorithm", true, 1, 64, in->record.algorithm),
        OBJECT("record", "digest", true, NULL),
        HEX("record.digest", "sha256", true, 32, in->record.digests.sha256, NULL),
        HEX("record.digest", "sha512", false, 64, in->record.digests.sha512,
            &in->record.digests.has_sha512),
        HEX("record.digest", "blake2b-512", false, 64, in->record.digests.blake2b,
            &in->record.digests.has_blake2b),
        TEXT("record", "fileset", true, 0, FIELD, in->record.fileset),
        TEXT("record", "ftype", true, 0, FIELD, in->record.ftype),
        TEXT("record", "key", true, 1, SG_KEY_NAME_SIZE - 1, in->record.key),
        NUMBER("record", "key_version", true, 1, UINT32_MAX, in->record.key_version, NULL),
        HEX("record", "keyid", true, 32, in->record.keyid, NULL),
        TEXT("record", "name", true, 1, SG_RECORD_NAME_MAX, in->record.name),
        TEXT("record", "package", true, 0, FIELD, in->record.package),
        NUMBER("record", "size", false, 0, INTEGER_MAX, in->size, &in->has_size),
        TEXT("record", "source", true, 1, 16, in->record.source),
        TEXT("record", "timestamp", true, 1, 64, in->record.timestamp),
        TEXT("record", "vrmf", true, 0, FIELD, in->record.vrmf),
        TEXT("record", "signature", true, 1, 4096, in->record.signature),
        OBJECT("record", "log", false, NULL),
        NUMBER("record.log", "index", true, 0, INTEGER_MAX, in->log_index, NULL),
        NUMBER("record.log", "size", false, 0, INTEGER_MAX, in->log_size, NULL),
        TEXT("record.log", "proof", false, 1, PROOF_CHARACTERS, in->proof),
        ANY("formats"),
        ANY("manifest"),
        ANY("directory"),
        ANY("files"),
        ANY("root"),
        ANY("lines"),
    };

    return json_in_read_into(r, arena, fields, sizeof fields / sizeof fields[0]);
}

static enum sg_err refuse(struct request *r, const char *what)
{
    return request_fail(r, SG_ERR_BAD_FIELD, "%s", what);
}

static enum sg_err read_type(const char *algorithm, enum sig_key_type *ret)
{
#define X(name, number, text, shown)                                                               \
    if (strcmp(algorithm, shown) == 0) {                                                           \
        *ret = SG_KEY_##name;                                                                      \
        return SG_OK;                                                                              \
    }
    SG_KEY_TYPES(X)
#undef X
    return SG_ERR_BAD_FIELD;
}

/* Base64 as bytes in the arena. */
static enum sg_err unpack(struct arena *arena, const char *text, const uint8_t **ret,
                          size_t *ret_len)
{
    size_t len = strlen(text);
    uint8_t *bytes = arena_alloc(arena, len + 1);

    if (bytes == NULL)
        return SG_ERR_NO_MEMORY;
    *ret = bytes;
    return encode_unbase64(text, len, bytes, len, ret_len);
}

static enum sg_err take_record(struct request *r, struct arena *arena, const struct input *in,
                               struct verify_request *ret)
{
    struct sig_record *to = &ret->record;
    enum sg_err err;

    *to = (struct sig_record){.key = in->record.key,
                              .key_version = (uint32_t)in->record.key_version,
                              .name = in->record.name,
                              .size = in->has_size ? in->size : -1,
                              .digests = in->record.digests,
                              .package = in->record.package,
                              .fileset = in->record.fileset,
                              .vrmf = in->record.vrmf,
                              .ftype = in->record.ftype};
    memcpy(to->keyid, in->record.keyid, sizeof to->keyid);
    if (read_type(in->record.algorithm, &to->type) != SG_OK)
        return refuse(r, "record.algorithm: is none of those of records");
    if (sig_source_parse(in->record.source, &to->source) != SG_OK)
        return refuse(r, "record.source: must be content, request or name");
    if (rfc3339_in_parse(in->record.timestamp, &to->timestamp_ns) != SG_OK)
        return refuse(r, "record.timestamp: must be as in 2026-11-21T12:00:00.000Z");
    err = unpack(arena, in->record.signature, &ret->what.signature, &ret->what.signature_len);
    if (err != SG_OK)
        return err == SG_ERR_NO_MEMORY ? err : refuse(r, "record.signature: must be base64");
    ret->what.record = to;
    ret->what.proof = in->proof;
    ret->what.proof_len = in->proof != NULL ? strlen(in->proof) : 0;
    return SG_OK;
}

static enum sg_err take_signature(struct request *r, struct arena *arena, const struct input *in,
                                  struct verify_request *ret)
{
    struct signing_verify *what = &ret->what;
    enum sg_err err;

    if (sig_format_parse(in->format, &what->format) != SG_OK)
        return refuse(r, "format: must be raw, minisign, signify, sshsig, cms or dsse");
    if (what->format != SG_FORMAT_RAW && what->format != SG_FORMAT_CMS) {
        what->signature = (const uint8_t *)in->signature;
        what->signature_len = strlen(in->signature);
        return SG_OK;
    }
    err = unpack(arena, in->signature, &what->signature, &what->signature_len);
    return err == SG_OK || err == SG_ERR_NO_MEMORY ? err : refuse(r, "signature: must be base64");
}

enum sg_err verify_request_read(struct request *r, struct arena *arena, struct verify_request *ret)
{
    struct input *in = arena_alloc(arena, sizeof *in);
    enum sg_err err = in != NULL ? read_body(r, arena, in) : SG_ERR_NO_MEMORY;

    if (err != SG_OK)
        return err;
    memset(ret, 0, sizeof *ret);
    if (in->has_record == (in->format != NULL || in->signature != NULL) ||
        (!in->has_record && (in->format == NULL || in->signature == NULL)))
        return refuse(r, "record, or format and signature must be given");
    if (in->has_digests + in->has_digest + (in->path != NULL) > 1)
        return refuse(r, "only one of digests, digest and path can be given");
    if (in->key != NULL && !sig_key_name_valid(in->key))
        return refuse(r, "key: is not the name of a key");
    ret->what.key = in->key;
    ret->what.key_version = (uint32_t)in->key_version;
    ret->what.path = in->path;
    ret->what.name = in->name;
    ret->digests = in->digests;
    ret->what.digests = in->has_digests || in->has_digest ? &ret->digests : NULL;
    return in->has_record ? take_record(r, arena, in, ret) : take_signature(r, arena, in, ret);
}
