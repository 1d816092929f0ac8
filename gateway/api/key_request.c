/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in requests and answers; it never asks the keyring. */
#include "api/key_request.h"

#include <string.h>

#include "http/request.h"

#define FORMAT_BITS 8

enum sg_err key_request_formats(struct request *r, const struct json_strings *names, unsigned *ret)
{
    unsigned bits = 0;

    for (size_t i = 0; i < names->count; i++) {
        enum sig_format format;

        if (sig_format_parse(names->items[i], &format) != SG_OK)
            return request_fail(r, SG_ERR_BAD_FIELD,
                                "formats[%zu]: must be raw, minisign, signify, sshsig, cms or dsse",
                                i);
        if ((bits & (unsigned)format) != 0)
            return request_fail(r, SG_ERR_BAD_FIELD, "formats[%zu]: %s is given twice", i,
                                names->items[i]);
        bits |= (unsigned)format;
    }
    *ret = bits;
    return SG_OK;
}

enum sg_err key_request_uri(struct request *r, const char *uri)
{
    static const char scheme[] = "pkcs11:";

    if (uri == NULL)
        return SG_OK;
    if (strncmp(uri, scheme, sizeof scheme - 1) != 0 || strlen(uri) >= SG_KEY_URI_SIZE)
        return request_fail(r, SG_ERR_BAD_FIELD, "uri: must begin with pkcs11: (RFC 7512)");
    return SG_OK;
}

static void put_users(struct json_out *o, const char *name, const struct key_users *users)
{
    json_out_array(o, name);
    for (size_t i = 0; i < users->count; i++)
        json_out_string(o, NULL, users->name[i]);
    json_out_close(o, ']');
}

static void put_formats(struct json_out *o, unsigned formats)
{
    json_out_array(o, "formats");
    for (unsigned bit = 0; bit < FORMAT_BITS; bit++)
        if ((formats >> bit & 1) != 0)
            json_out_string(o, NULL, sig_format_name((enum sig_format)(1U << bit)));
    json_out_close(o, ']');
}

static void put_witnesses(struct json_out *o, const struct keyring_key *key)
{
    json_out_array(o, "witnesses");
    for (size_t i = 0; i < key->witness_count; i++) {
        json_out_object(o, NULL);
        json_out_string(o, "key", key->witnesses[i].vkey);
        json_out_string(o, "url", key->witnesses[i].url);
        json_out_close(o, '}');
    }
    json_out_close(o, ']');
}

static void put_version(struct json_out *o, const struct keyring_key_version *version)
{
    json_out_object(o, NULL);
    json_out_integer(o, "version", version->number);
    json_out_hex(o, "keyid", version->keyid, sizeof version->keyid);
    json_out_time(o, "created_at", version->created_ns);
    if (version->expires_ns != 0)
        json_out_time(o, "expires_at", version->expires_ns);
    json_out_integer(o, "uses", (int64_t)version->uses);
    json_out_close(o, '}');
}

void key_request_put(struct json_out *o, const char *name, const struct key_info *info)
{
    const struct keyring_key *key = &info->key;
    size_t last = key->version_count;

    json_out_object(o, name);
    json_out_string(o, "name", key->name);
    json_out_string(o, "type", sig_key_type_name(key->type));
    json_out_time(o, "created_at", key->created_ns);
    json_out_boolean(o, "disabled", key->disabled);
    json_out_integer(o, "current_version", last > 0 ? key->versions[last - 1].number : 0);
    json_out_integer(o, "oldest_version", key->oldest);
    put_formats(o, key->formats);
    if (key->uri[0] != 0)
        json_out_string(o, "uri", key->uri);
    put_users(o, "signers", &info->signers);
    put_users(o, "managers", &info->managers);
    json_out_integer(o, "quorum", key->quorum);
    put_witnesses(o, key);
    json_out_array(o, "versions");
    for (size_t i = 0; i < last; i++)
        put_version(o, &key->versions[i]);
    json_out_close(o, ']');
    json_out_close(o, '}');
}

enum sg_err key_request_reply(struct request *r, unsigned status, const struct key_info *info)
{
    struct json_out o;

    json_out_init(&o, SG_KEY_RECORD_MAX);
    key_request_put(&o, NULL, info);
    return json_out_reply(r, status, &o);
}

enum sg_err key_request_error(struct request *r, enum sg_err err, const char *reason)
{
    if (err == SG_ERR_BAD_FIELD)
        return request_fail(r, err, "%s", reason);
    if (err == SG_ERR_FORBIDDEN)
        return request_fail(r, err, "Only admins and the managers of the key may do this.");
    return err;
}
