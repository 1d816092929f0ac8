/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the messages about named keys. What may be done is decided in namedkeys.c. */
#include "keyring/namedkeys.h"
#include "keyring/serve.h"

#include <stdlib.h>

/* A name of a message: one that does not fit names no key. */
static void get_name(struct request *r, char ret[SG_KEY_NAME_SIZE])
{
    codec_string(&r->in, ret, SG_KEY_NAME_SIZE);
}

static enum sg_err answer_key(struct request *r, enum sg_err err, const struct keyring_key *key)
{
    if (err == SG_OK)
        signing_put_key(r->out, key);
    return err;
}

static enum sg_err create(struct services *s, struct request *r)
{
    struct keyring_key_create m;
    struct keyring_key key;

    if (!serve_decoded(r, signing_get_create(&r->in, &m)))
        return SG_ERR_PROTOCOL;
    return answer_key(r, namedkeys_create(s->named, &m, &key), &key);
}

static enum sg_err rotate(struct services *s, struct request *r)
{
    struct keyring_key_rotate m;
    struct keyring_key key;

    if (!serve_decoded(r, signing_get_rotate(&r->in, &m)))
        return SG_ERR_PROTOCOL;
    return answer_key(r, namedkeys_rotate(s->named, &m, &key), &key);
}

static enum sg_err update(struct services *s, struct request *r)
{
    struct keyring_key_update m;
    struct keyring_key key;

    if (!serve_decoded(r, signing_get_update(&r->in, &m)))
        return SG_ERR_PROTOCOL;
    return answer_key(r, namedkeys_update(s->named, &m, &key), &key);
}

static enum sg_err names(struct services *s, struct request *r)
{
    char(*list)[SG_KEY_NAME_SIZE];
    size_t count;

    if (!serve_decoded(r, codec_end(&r->in)))
        return SG_ERR_PROTOCOL;
    list = calloc(SG_KEYS_MAX, sizeof *list);
    if (list == NULL)
        return SG_ERR_NO_MEMORY;
    count = namedkeys_names(s->named, list);
    codec_put_u32(r->out, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        codec_put_string(r->out, list[i]);
    free(list);
    return SG_OK;
}

static enum sg_err get(struct services *s, struct request *r)
{
    char name[SG_KEY_NAME_SIZE];
    struct keyring_key key;

    get_name(r, name);
    if (!serve_decoded(r, codec_end(&r->in)))
        return SG_ERR_PROTOCOL;
    return answer_key(r, namedkeys_get(s->named, name, &key), &key);
}

static enum sg_err public_key(struct services *s, struct request *r)
{
    char name[SG_KEY_NAME_SIZE];
    struct keyring_public key;
    uint32_t version;
    enum sg_err err;

    get_name(r, name);
    version = codec_u32(&r->in);
    if (!serve_decoded(r, codec_end(&r->in)))
        return SG_ERR_PROTOCOL;
    err = namedkeys_public(s->named, name, version, &key);
    if (err == SG_OK)
        signing_put_public(r->out, &key);
    return err;
}

enum sg_err serve_keys(struct services *s, enum keyring_message type, struct request *r)
{
    if (s->named == NULL)
        return SG_ERR_UNAVAILABLE;
    if (type == SG_KEYRING_KEY_CREATE)
        return create(s, r);
    if (type == SG_KEYRING_KEY_ROTATE)
        return rotate(s, r);
    if (type == SG_KEYRING_KEY_UPDATE)
        return update(s, r);
    if (type == SG_KEYRING_KEY_NAMES)
        return names(s, r);
    if (type == SG_KEYRING_KEY_GET)
        return get(s, r);
    return public_key(s, r);
}
