/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/tokens: a token for a script; its text is in this answer and nowhere else. */
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/audit_act.h"
#include "api/json_in.h"
#include "api/operations.h"
#include "api/token_request.h"
#include "base/secret.h"
#include "core/keys.h"
#include "core/spaces.h"
#include "http/request.h"
#include "sigfmt/record.h"

struct input {
    char *name;
    struct json_strings scopes, spaces, keys;
    bool has_spaces, has_keys;
    int64_t expires_in;
};

static enum sg_err read_input(struct request *r, struct input *in)
{
    const struct json_field fields[] = {
        {NULL, "name", SG_JSON_STRING, true, 1, 64, {.string = &in->name}, NULL},
        {NULL, "scopes", SG_JSON_STRINGS, true, 1, 16, {.strings = &in->scopes}, NULL},
        {NULL,
         "spaces",
         SG_JSON_STRINGS,
         false,
         0,
         SG_LIMIT_SPACES,
         {.strings = &in->spaces},
         &in->has_spaces},
        {NULL,
         "keys",
         SG_JSON_STRINGS,
         false,
         0,
         SG_LIMIT_KEYS,
         {.strings = &in->keys},
         &in->has_keys},
        {NULL,
         "expires_in",
         SG_JSON_INTEGER,
         true,
         SG_SCRIPT_LIFETIME_MIN,
         SG_SCRIPT_LIFETIME_MAX,
         {.integer = &in->expires_in},
         NULL},
    };

    return json_in_read(r, fields, sizeof fields / sizeof fields[0]);
}

static enum sg_err read_scopes(struct request *r, const struct input *in, unsigned *ret)
{
    unsigned scopes = 0;

    for (size_t i = 0; i < in->scopes.count; i++) {
        const char *text = in->scopes.items[i];
        unsigned scope = strchr(text, ' ') == NULL ? identity_scopes_parse(text) : 0;

        if (scope == 0)
            return request_fail(r, SG_ERR_BAD_FIELD, "scopes: must be of those that there are");
        scopes |= scope;
    }
    *ret = scopes;
    return SG_OK;
}

/* Only what the user may see: a token is no way to learn which spaces there are. */
static enum sg_err read_spaces(struct request *r, const struct input *in,
                               struct token_record *token)
{
    const struct api *api = request_app(r);
    struct space_record space;
    enum space_role role;

    token->spaces_only = in->has_spaces;
    for (size_t i = 0; i < in->spaces.count; i++) {
        enum sg_err err = spaces_authorize(api->spaces, request_principal(r), in->spaces.items[i],
                                           SG_SPACE_READER, &space, &role);

        if (err == SG_ERR_NOT_FOUND || (err == SG_OK && space.id == 0))
            return request_fail(r, SG_ERR_BAD_FIELD, "spaces: there is none of this name");
        if (err != SG_OK)
            return err;
        token->space[token->space_count++] = space.id;
    }
    return SG_OK;
}

/* As with spaces. A name that is none yet would be a right to whatever key gets it. */
static enum sg_err read_keys(struct request *r, const struct input *in, struct token_record *token)
{
    const struct api *api = request_app(r);
    struct keyring_key key;

    token->keys_only = in->has_keys;
    for (size_t i = 0; i < in->keys.count; i++) {
        if (!sig_key_name_valid(in->keys.items[i]))
            return request_fail(r, SG_ERR_BAD_FIELD, "keys: must be names of keys");
        enum sg_err err = keys_find(api->keys, request_principal(r), in->keys.items[i], &key);

        if (err == SG_ERR_NOT_FOUND)
            return request_fail(r, SG_ERR_BAD_FIELD, "keys: there is none of this name");
        if (err != SG_OK)
            return err;
        (void)snprintf(token->key[token->key_count++], SG_LIMIT_KEY_SIZE, "%s", in->keys.items[i]);
    }
    return SG_OK;
}

static enum sg_err read_token(struct request *r, const struct input *in, struct token_record *token)
{
    enum sg_err err = read_scopes(r, in, &token->scopes);

    (void)snprintf(token->name, sizeof token->name, "%s", in->name);
    if (err == SG_OK)
        err = read_spaces(r, in, token);
    return err == SG_OK ? read_keys(r, in, token) : err;
}

static enum sg_err reply(struct request *r, const struct token_record *token, const char *text)
{
    const struct api *api = request_app(r);
    struct hub_view *view = NULL;
    struct json_out o;
    enum sg_err err = spaces_view(api->spaces, request_principal(r), &view);

    if (err != SG_OK)
        return err;
    json_out_init(&o, SG_TOKEN_JSON_MAX);
    token_request_put(&o, token, view, text);
    hub_view_unref(view);
    return json_out_reply(r, 201, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct token_record token = {.scopes = 0};
    struct input in = {.name = NULL};
    char text[SG_SCRIPT_TOKEN_SIZE], scopes[SG_CLAIM_SIZE];
    const char *reason = NULL;
    enum sg_err err = read_input(r, &in);

    if (err == SG_OK)
        err = read_token(r, &in, &token);
    if (err != SG_OK)
        return err;
    err = scripttokens_create(api->identity, request_principal(r), (unsigned)in.expires_in, &token,
                              text, &reason);
    if (err == SG_ERR_BAD_FIELD && reason != NULL)
        return request_fail(r, err, "%s", reason);
    if (err == SG_ERR_FORBIDDEN)
        return request_fail(r, err, "scopes: one of them is not yours");
    if (err != SG_OK)
        return err;
    identity_scopes_format(token.scopes, scopes);
    audit_act_detail(r, SG_AUDIT_TOKEN_CREATED, token.name, SG_OK, "scopes", scopes);
    err = reply(r, &token, text);
    secret_wipe(text, sizeof text);
    return err;
}

const struct operation tokens_create_operation = {.run = run};
