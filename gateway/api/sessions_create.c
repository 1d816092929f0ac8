/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/sessions: login; the password and the tokens are wiped once they have been used. */
#include <ctype.h>

#include "api/answer.h"
#include "api/api.h"
#include "api/json_in.h"
#include "api/operations.h"
#include "api/records.h"
#include "base/secret.h"
#include "http/request.h"

#define ANSWER_MAX (SG_TOKEN_SIZE + SG_REFRESH_TOKEN_SIZE + SG_RECORD_MAX) /* bytes */

#define DEVICE_MAX 64 /* characters of a device's name */
_Static_assert(SG_DEVICE_NAME_SIZE > 4 * DEVICE_MAX, "every name of a device fits its record");

struct input {
    char *username, *password;
    char *device, *mac;
    bool has_device;
};

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

/* C0, DEL and, in valid UTF-8, C1 (U+0080 to U+009F are C2 80 to C2 9F). */
static bool has_control(const char *text)
{
    for (; *text != 0; text++)
        if (iscntrl((unsigned char)*text) ||
            ((unsigned char)*text == 0xc2 && (unsigned char)text[1] < 0xa0))
            return true;
    return false;
}

static enum sg_err read_input(struct request *r, struct input *ret)
{
    const struct json_field fields[] = {
        {NULL, "username", SG_JSON_STRING, true, 1, 256, {.string = &ret->username}, NULL},
        {NULL, "password", SG_JSON_STRING, true, 1, 256, {.string = &ret->password}, NULL},
        {NULL, "device", SG_JSON_OBJECT, false, 0, 0, {NULL}, &ret->has_device},
        {"device", "name", SG_JSON_STRING, true, 1, DEVICE_MAX, {.string = &ret->device}, NULL},
        {"device", "mac", SG_JSON_STRING, false, 1, 17, {.string = &ret->mac}, NULL},
    };
    enum sg_err err = json_in_read(r, fields, sizeof fields / sizeof fields[0]);

    if (err != SG_OK)
        return err;
    if (ret->device != NULL && has_control(ret->device))
        return request_fail(r, SG_ERR_BAD_FIELD, "device.name: has a control character");
    if (ret->mac != NULL && !mac_ok(ret->mac))
        return request_fail(r, SG_ERR_BAD_FIELD, "device.mac: must be like 02:00:5e:10:00:01");
    return SG_OK;
}

static enum sg_err reply(struct request *r, const struct grant *grant)
{
    struct json_out o;

    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_hex(&o, "session_id", grant->session.id, sizeof grant->session.id);
    json_out_string(&o, "token", grant->access_token);
    json_out_string(&o, "token_type", "Bearer");
    json_out_integer(&o, "expires_in", grant->expires_in_s);
    json_out_string(&o, "refresh_token", grant->refresh_token);
    json_out_time(&o, "expires_at", grant->session.expires_ns);
    json_out_integer(&o, "sequence", (int64_t)grant->session.sequence);
    records_user(&o, "user", &grant->user);
    json_out_close(&o, '}');
    return json_out_reply(r, 201, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct input in = {.username = NULL};
    struct grant grant;
    unsigned wait_s = 0;
    enum sg_err err = read_input(r, &in);

    if (err == SG_OK) {
        const struct presented with = {.address = request_address(r)};
        const struct login login = {.method = SG_METHOD_PASSWORD,
                                    .username = in.username,
                                    .password = in.password,
                                    .device_name = in.device,
                                    .device_mac = in.mac,
                                    .with = &with};

        err = identity_login(api->identity, &login, &grant, &wait_s);
        err = err == SG_OK ? reply(r, &grant) : answer_error(r, err, wait_s);
        secret_wipe(&grant, sizeof grant);
    }
    json_in_wipe(in.password);
    return err;
}

const struct operation sessions_create_operation = {.run = run};
