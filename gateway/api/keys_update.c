/* SPDX-License-Identifier: Apache-2.0 */
/* PATCH /v1/keys/{name}: who may use a key, and how. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/audit_act.h"
#include "api/key_request.h"
#include "api/operations.h"
#include "http/request.h"

struct witness {
    char *key, *url;
};

struct input {
    bool disabled;
    int64_t oldest, quorum;
    struct json_strings formats, signers, managers;
    struct witness one;
    struct json_objects witnesses;
    bool has_disabled, has_oldest, has_formats, has_signers, has_managers, has_quorum,
        has_witnesses;
};

static enum sg_err read_input(struct request *r, struct input *in)
{
    const struct json_field witness[] = {
        {NULL, "key", SG_JSON_STRING, true, 1, SG_WITNESS_SIZE - 1, {.string = &in->one.key}, NULL},
        {NULL, "url", SG_JSON_STRING, true, 1, 255, {.string = &in->one.url}, NULL},
    };
    const struct json_field fields[] = {
        {.name = "disabled",
         .kind = SG_JSON_BOOLEAN,
         .to.boolean = &in->disabled,
         .given = &in->has_disabled},
        {.name = "oldest_version",
         .kind = SG_JSON_INTEGER,
         .min = 1,
         .max = SG_KEY_VERSIONS_MAX,
         .to.integer = &in->oldest,
         .given = &in->has_oldest},
        {.name = "formats",
         .kind = SG_JSON_STRINGS,
         .max = 6,
         .to.strings = &in->formats,
         .given = &in->has_formats},
        {.name = "signers",
         .kind = SG_JSON_STRINGS,
         .max = SG_KEY_USERS_MAX,
         .to.strings = &in->signers,
         .given = &in->has_signers},
        {.name = "managers",
         .kind = SG_JSON_STRINGS,
         .max = SG_KEY_USERS_MAX,
         .to.strings = &in->managers,
         .given = &in->has_managers},
        {.name = "quorum",
         .kind = SG_JSON_INTEGER,
         .max = SG_KEY_WITNESSES_MAX,
         .to.integer = &in->quorum,
         .given = &in->has_quorum},
        {.name = "witnesses",
         .kind = SG_JSON_OBJECTS,
         .max = SG_KEY_WITNESSES_MAX,
         .to.objects = &in->witnesses,
         .given = &in->has_witnesses},
    };

    in->witnesses = (struct json_objects){.fields = witness,
                                          .field_count = sizeof witness / sizeof witness[0],
                                          .one = &in->one,
                                          .size = sizeof in->one};
    return json_in_read(r, fields, sizeof fields / sizeof fields[0]);
}

static enum sg_err read_witnesses(struct request *r, const struct input *in,
                                  struct keyring_witness ret[SG_KEY_WITNESSES_MAX])
{
    const struct witness *all = in->witnesses.items;

    for (size_t i = 0; in->has_witnesses && i < in->witnesses.count; i++) {
        if (strncmp(all[i].url, "https://", 8) != 0 && strncmp(all[i].url, "http://", 7) != 0)
            return request_fail(r, SG_ERR_BAD_FIELD,
                                "witnesses[%zu].url: must begin with https:// or http://", i);
        if (strlen(all[i].url) >= sizeof ret[i].url || strlen(all[i].key) >= sizeof ret[i].vkey)
            return request_fail(r, SG_ERR_BAD_FIELD, "witnesses[%zu]: is too long", i);
        memcpy(ret[i].url, all[i].url, strlen(all[i].url) + 1);
        memcpy(ret[i].vkey, all[i].key, strlen(all[i].key) + 1);
    }
    return SG_OK;
}

static enum sg_err change(struct request *r, const char *name, const struct input *in,
                          struct key_info *ret)
{
    const struct api *api = request_app(r);
    struct keyring_witness *witnesses =
        arena_alloc(request_arena(r), SG_KEY_WITNESSES_MAX * sizeof *witnesses);
    uint32_t oldest = (uint32_t)in->oldest, quorum = (uint32_t)in->quorum;
    const char *reason = "";
    unsigned formats = 0;
    enum sg_err err = witnesses != NULL ? SG_OK : SG_ERR_NO_MEMORY;

    if (err == SG_OK && in->has_formats)
        err = key_request_formats(r, &in->formats, &formats);
    if (err == SG_OK)
        err = read_witnesses(r, in, witnesses);
    if (err != SG_OK)
        return err;
    err = keys_update(
        api->keys, request_principal(r), name,
        &(struct key_change){
            .disabled = in->has_disabled ? &in->disabled : NULL,
            .oldest = in->has_oldest ? &oldest : NULL,
            .formats = in->has_formats ? &formats : NULL,
            .signers = in->has_signers ? (const char *const *)in->signers.items : NULL,
            .signer_count = in->signers.count,
            .managers = in->has_managers ? (const char *const *)in->managers.items : NULL,
            .manager_count = in->managers.count,
            .quorum = in->has_quorum ? &quorum : NULL,
            .witnesses = in->has_witnesses ? witnesses : NULL,
            .witness_count = in->witnesses.count},
        ret, &reason);
    return key_request_error(r, err, reason);
}

/* The names of a list in one text. */
static const char *joined(struct request *r, bool given, const struct json_strings *names)
{
    const char *text = "";

    for (size_t i = 0; text != NULL && i < names->count; i++)
        text = arena_printf(request_arena(r), "%s%s%s", text, i > 0 ? " " : "", names->items[i]);
    return given ? text : NULL;
}

static void note(struct request *r, const char *name, const struct input *in)
{
    struct audit_act act;

    audit_act_fill(r, SG_AUDIT_KEY_UPDATED, name, SG_OK, &act);
    if (in->has_disabled)
        audit_act_text(&act, "disabled", in->disabled ? "true" : "false");
    audit_act_text(&act, "signers", joined(r, in->has_signers, &in->signers));
    audit_act_text(&act, "managers", joined(r, in->has_managers, &in->managers));
    audit_act_text(&act, "formats", joined(r, in->has_formats, &in->formats));
    if (in->has_oldest)
        audit_act_number(&act, "oldest_version", in->oldest);
    if (in->has_quorum)
        audit_act_number(&act, "quorum", in->quorum);
    audit_act_note(r, &act);
}

static enum sg_err run(struct request *r)
{
    struct key_info *info = calloc(1, sizeof *info);
    struct input in = {.disabled = false};
    const char *name;
    enum sg_err err = info != NULL ? request_param(r, "name", &name) : SG_ERR_NO_MEMORY;

    if (err == SG_OK)
        err = read_input(r, &in);
    if (err == SG_OK && !in.has_disabled && !in.has_oldest && !in.has_formats && !in.has_signers &&
        !in.has_managers && !in.has_quorum && !in.has_witnesses)
        err = request_fail(r, SG_ERR_BAD_FIELD, "at least one member must be given");
    if (err == SG_OK)
        err = change(r, name, &in, info);
    if (err == SG_OK)
        note(r, info->key.name, &in);
    if (err == SG_OK)
        err = key_request_reply(r, 200, info);
    free(info);
    return err;
}

const struct operation keys_update_operation = {.run = run};
