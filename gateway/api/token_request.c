/* SPDX-License-Identifier: Apache-2.0 */
/* Writes tokens for scripts; of their text it knows nothing unless they were just made. */
#include "api/token_request.h"

#include <string.h>

#include "base/encode.h"
#include "http/request.h"

enum sg_err token_request_id(struct request *r, uint8_t ret[SG_TOKEN_ID_SIZE])
{
    const char *id;
    enum sg_err err = request_param(r, "id", &id);

    if (err != SG_OK)
        return err;
    if (strspn(id, "0123456789abcdef") != strlen(id) ||
        encode_unhex(id, strlen(id), ret, SG_TOKEN_ID_SIZE) != SG_OK)
        return SG_ERR_NOT_FOUND;
    return SG_OK;
}

static void put_scopes(struct json_out *o, unsigned scopes)
{
    char text[SG_CLAIM_SIZE], *word, *rest = text;

    identity_scopes_format(scopes, text);
    json_out_array(o, "scopes");
    while ((word = strtok_r(rest, " ", &rest)) != NULL)
        json_out_string(o, NULL, word);
    json_out_close(o, ']');
}

static void put_spaces(struct json_out *o, const struct token_record *token,
                       const struct hub_view *view)
{
    json_out_array(o, "spaces");
    for (size_t i = 0; i < token->space_count; i++)
        for (size_t n = 0; n < view->count; n++)
            if (view->space[n].id == token->space[i])
                json_out_string(o, NULL, view->space[n].name);
    json_out_close(o, ']');
}

void token_request_put(struct json_out *o, const struct token_record *token,
                       const struct hub_view *view, const char *text)
{
    json_out_object(o, NULL);
    json_out_hex(o, "id", token->id, sizeof token->id);
    json_out_string(o, "name", token->name);
    if (text != NULL)
        json_out_string(o, "token", text);
    put_scopes(o, token->scopes);
    if (token->spaces_only)
        put_spaces(o, token, view);
    if (token->keys_only) {
        json_out_array(o, "keys");
        for (size_t i = 0; i < token->key_count; i++)
            json_out_string(o, NULL, token->key[i]);
        json_out_close(o, ']');
    }
    json_out_time(o, "created_at", token->created_ns);
    json_out_time(o, "expires_at", token->expires_ns);
    if (token->last_used_ns != 0) {
        json_out_time(o, "last_used_at", token->last_used_ns);
        json_out_string(o, "last_address", token->last_address);
    }
    json_out_close(o, '}');
}
