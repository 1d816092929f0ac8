/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/tokens: the user's tokens for scripts; never another user's, never their text. */
#include <stdlib.h>

#include "api/api.h"
#include "api/operations.h"
#include "api/token_request.h"
#include "core/spaces.h"
#include "http/request.h"

static enum sg_err reply(struct request *r, const struct token_record *tokens, size_t count)
{
    const struct api *api = request_app(r);
    struct hub_view *view = NULL;
    struct json_out o;
    enum sg_err err = spaces_view(api->spaces, request_principal(r), &view);

    if (err != SG_OK)
        return err;
    json_out_init(&o, SG_TOKEN_JSON_MAX * (count + 1));
    json_out_object(&o, NULL);
    json_out_array(&o, "tokens");
    for (size_t i = 0; i < count; i++)
        token_request_put(&o, &tokens[i], view, NULL);
    json_out_close(&o, ']');
    json_out_close(&o, '}');
    hub_view_unref(view);
    return json_out_reply(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct token_record *tokens = calloc(SG_SCRIPT_TOKENS_MAX, sizeof *tokens);
    size_t count = 0;
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (tokens != NULL)
        err = scripttokens_list(api->identity, request_principal(r), tokens, &count);
    if (err == SG_OK)
        err = reply(r, tokens, count);
    free(tokens);
    return err;
}

const struct operation tokens_list_operation = {.run = run};
