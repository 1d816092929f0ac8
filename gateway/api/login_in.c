/* SPDX-License-Identifier: Apache-2.0 */
/* Reads logins of every kind; it never looks at a password. */
#include "api/login_in.h"

#include <ctype.h>
#include <string.h>

#include "api/api.h"
#include "api/dpop_request.h"
#include "api/json_in.h"
#include "api/passkeys_request.h"
#include "base/encode.h"
#include "base/text.h"
#include "core/passkeys.h"
#include "http/request.h"

#define DEVICE_MAX  64 /* characters of a device's name */
#define PASSKEY_MAX 6000
_Static_assert(SG_DEVICE_NAME_SIZE > 4 * DEVICE_MAX, "every name of a device fits its record");

/* Six pairs of hex digits with colons between; made lower-case. */
static bool mac_ok(char *mac)
{
    for (size_t i = 0; i < 17; i++) {
        unsigned char c = (unsigned char)mac[i];

        if (i % 3 == 2 ? c != ':' : !isxdigit(c))
            return false;
        mac[i] = (char)tolower(c);
    }
    return mac[17] == 0;
}

static enum sg_err read_method(struct request *r, const char *text, struct login_in *ret)
{
    if (text == NULL || strcmp(text, "password") == 0)
        ret->method = SG_METHOD_PASSWORD;
    else if (strcmp(text, "certificate") == 0)
        ret->method = SG_METHOD_CERTIFICATE;
    else if (strcmp(text, "passkey") == 0)
        ret->method = SG_METHOD_PASSKEY;
    else
        return request_fail(r, SG_ERR_BAD_FIELD,
                            "method: must be password, certificate or passkey");
    if (ret->method == SG_METHOD_PASSWORD && ret->username == NULL)
        return request_fail(r, SG_ERR_BAD_FIELD, "username: is missing");
    if (ret->method == SG_METHOD_PASSWORD && ret->password == NULL)
        return request_fail(r, SG_ERR_BAD_FIELD, "password: is missing");
    if (ret->method != SG_METHOD_PASSWORD && ret->password != NULL)
        return request_fail(r, SG_ERR_BAD_FIELD, "password: has no place in this method");
    if (ret->method != SG_METHOD_PASSWORD && ret->code != NULL)
        return request_fail(r, SG_ERR_BAD_FIELD, "code: has no place in this method");
    if ((ret->method == SG_METHOD_PASSKEY) != ret->has_passkey)
        return request_fail(r, SG_ERR_BAD_FIELD,
                            ret->has_passkey ? "passkey: has no place in this method"
                                             : "passkey: is missing");
    return SG_OK;
}

static enum sg_err read_channel(struct request *r, const char *public_key,
                                const struct json_strings *bind, struct login_in *ret)
{
    size_t len = 0;

    ret->has_public_key = public_key != NULL;
    if (public_key != NULL && (encode_unbase64(public_key, strlen(public_key), ret->public_key,
                                               sizeof ret->public_key, &len) != SG_OK ||
                               len != sizeof ret->public_key))
        return request_fail(r, SG_ERR_BAD_FIELD, "channel.public_key: must be 32 bytes in base64");
    for (size_t i = 0; ret->has_bind && i < bind->count; i++) {
        if (strcmp(bind->items[i], "address") != 0)
            return request_fail(r, SG_ERR_BAD_FIELD, "channel.bind: only address is known");
        ret->bind_address = true;
    }
    return SG_OK;
}

enum sg_err login_in_read(struct request *r, struct login_in *ret)
{
    struct json_strings bind = {.count = 0};
    char *method = NULL, *public_key = NULL;
    const struct json_field fields[] = {
        {NULL, "method", SG_JSON_STRING, false, 1, 32, {.string = &method}, NULL},
        {NULL, "username", SG_JSON_STRING, false, 1, 256, {.string = &ret->username}, NULL},
        {NULL, "password", SG_JSON_STRING, false, 1, 256, {.string = &ret->password}, NULL},
        {NULL, "code", SG_JSON_STRING, false, 1, 64, {.string = &ret->code}, NULL},
        {NULL, "device", SG_JSON_OBJECT, false, 0, 0, {NULL}, &ret->has_device},
        {"device", "name", SG_JSON_STRING, true, 1, DEVICE_MAX, {.string = &ret->device}, NULL},
        {"device", "mac", SG_JSON_STRING, false, 1, 17, {.string = &ret->mac}, NULL},
        {NULL, "passkey", SG_JSON_OBJECT, false, 0, 0, {NULL}, &ret->has_passkey},
        {"passkey", "id", SG_JSON_STRING, true, 1, PASSKEY_MAX, {.string = &ret->passkey.id}, NULL},
        {"passkey",
         "client_data",
         SG_JSON_STRING,
         true,
         1,
         PASSKEY_MAX,
         {.string = &ret->passkey.client_data},
         NULL},
        {"passkey",
         "authenticator_data",
         SG_JSON_STRING,
         true,
         1,
         PASSKEY_MAX,
         {.string = &ret->passkey.authenticator_data},
         NULL},
        {"passkey",
         "signature",
         SG_JSON_STRING,
         true,
         1,
         PASSKEY_MAX,
         {.string = &ret->passkey.signature},
         NULL},
        {"passkey",
         "user_handle",
         SG_JSON_STRING,
         false,
         1,
         PASSKEY_MAX,
         {.string = &ret->passkey.user_handle},
         NULL},
        {NULL, "channel", SG_JSON_OBJECT, false, 0, 0, {NULL}, &ret->has_channel},
        {"channel", "public_key", SG_JSON_STRING, false, 1, 64, {.string = &public_key}, NULL},
        {"channel", "bind", SG_JSON_STRINGS, false, 0, 8, {.strings = &bind}, &ret->has_bind},
    };
    enum sg_err err = json_in_read(r, fields, sizeof fields / sizeof fields[0]);

    if (err == SG_OK)
        err = read_method(r, method, ret);
    if (err == SG_OK)
        err = read_channel(r, public_key, &bind, ret);
    if (err != SG_OK)
        return err;
    if (ret->device != NULL && text_has_control(ret->device, strlen(ret->device)))
        return request_fail(r, SG_ERR_BAD_FIELD, "device.name: has a control character");
    if (ret->mac != NULL && !mac_ok(ret->mac))
        return request_fail(r, SG_ERR_BAD_FIELD, "device.mac: must be like 02:00:5e:10:00:01");
    return SG_OK;
}

/* -- who it is ------------------------------------------------------------------------------------
 */

static enum sg_err by_passkey(struct request *r, struct login_in *in, int64_t *ret)
{
    const struct api *api = request_app(r);
    struct passkey_assertion a = {.id = {NULL, 0}};
    struct passkey_record passkey;
    const char *reason = NULL;
    const struct {
        const char *name, *text;
        size_t max;
        struct passkey_bytes *ret;
    } parts[] = {
        {"passkey.id", in->passkey.id, SG_PASSKEY_ID_MAX, &a.id},
        {"passkey.client_data", in->passkey.client_data, SG_PASSKEY_CLIENT_DATA_MAX,
         &a.client_data},
        {"passkey.authenticator_data", in->passkey.authenticator_data, SG_PASSKEY_AUTHENTICATOR_MAX,
         &a.authenticator_data},
        {"passkey.signature", in->passkey.signature, SG_PASSKEY_SIGNATURE_MAX, &a.signature},
        {"passkey.user_handle", in->passkey.user_handle, SG_PASSKEY_HANDLE_MAX, &a.user_handle},
    };
    enum sg_err err = SG_OK;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && err == SG_OK; i++)
        err = passkeys_request_bytes(r, parts[i].name, parts[i].text, parts[i].max, parts[i].ret);
    if (err != SG_OK)
        return err;
    err = passkeys_verify(api->passkeys, &a, &passkey, &reason);
    *ret = passkey.user_id;
    in->proof = (struct session_proof){.passkey = a.id.data, .passkey_len = a.id.len};
    return err == SG_ERR_BAD_FACTOR && reason != NULL ? request_fail(r, err, "%s", reason) : err;
}

/* A name that was given as well must be that of whom the proof names. */
static enum sg_err check_name(struct request *r, const struct login_in *in, int64_t user_id)
{
    const struct api *api = request_app(r);
    struct user_record user;
    enum sg_err err;

    if (user_id == 0)
        return request_fail(r, SG_ERR_CERT_UNKNOWN, "The certificate belongs to no user.");
    if (in->username == NULL)
        return SG_OK;
    err = identity_user_by_id(api->identity, user_id, &user);
    if (err == SG_OK && strcmp(user.name, in->username) == 0)
        return SG_OK;
    return err == SG_OK || err == SG_ERR_NOT_FOUND ? SG_ERR_BAD_CREDENTIALS : err;
}

enum sg_err login_in_who(struct request *r, struct login_in *in, struct client_request *client,
                         struct login *ret)
{
    int64_t user_id = 0;
    bool dpop = false;
    enum sg_err err;

    *ret = (struct login){.method = in->method,
                          .username = in->username,
                          .password = in->password,
                          .code = in->code,
                          .device_name = in->device,
                          .device_mac = in->mac,
                          .proof = &in->proof,
                          .with = &client->with};
    err = in->method == SG_METHOD_CERTIFICATE ? client_request_user(r, client, &user_id)
                                              : client_request(r, client);
    if (err == SG_OK)
        err = dpop_request(r, in->dpop_sha256, &dpop);
    if (err == SG_OK && dpop)
        client->with.dpop_sha256 = in->dpop_sha256;
    if (err == SG_OK && in->method == SG_METHOD_PASSKEY)
        err = by_passkey(r, in, &user_id);
    if (err == SG_OK && in->method != SG_METHOD_PASSWORD)
        err = check_name(r, in, user_id);
    ret->user_id = user_id;
    return err;
}
