/* SPDX-License-Identifier: Apache-2.0 */
/* A keyring for tests: speaks the real messages, holds throw-away keys, checks no policy. */
#include "fake_keyring.h"

#include "base/clock.h"
#include "base/encode.h"
#include "ipc/channel.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHANNELS 4

struct fake_keyring {
    struct keyring_client *client;
    gnutls_privkey_t key[2];
    struct token_key public[2];
    pthread_t thread[CHANNELS];
    int fd[CHANNELS];
    atomic_uint keys;
    atomic_uint fetches;
    atomic_bool down;
};

struct server {
    struct fake_keyring *k;
    int fd;
};

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void make_key(struct fake_keyring *k, size_t i)
{
    gnutls_pubkey_t public;
    gnutls_datum_t n, e;
    unsigned skip;

    check(gnutls_privkey_init(&k->key[i]) == 0);
    check(gnutls_privkey_generate(k->key[i], GNUTLS_PK_RSA, 2048, 0) == 0);
    check(gnutls_pubkey_init(&public) == 0);
    check(gnutls_pubkey_import_privkey(public, k->key[i], 0, 0) == 0);
    check(gnutls_pubkey_export_rsa_raw(public, &n, &e) == 0);
    skip = n.data[0] == 0 ? 1 : 0;
    k->public[i].n_len = n.size - skip;
    k->public[i].e_len = e.size;
    check(k->public[i].n_len == 256 && e.size <= sizeof k->public[i].e);
    memcpy(k->public[i].n, n.data + skip, k->public[i].n_len);
    memcpy(k->public[i].e, e.data, e.size);
    (void)snprintf(k->public[i].kid, sizeof k->public[i].kid, "key-%zu", i + 1);
    gnutls_free(n.data);
    gnutls_free(e.data);
    gnutls_pubkey_deinit(public);
}

static size_t current(const struct fake_keyring *k)
{
    return atomic_load(&k->keys) - 1;
}

void fake_keyring_sign_with(struct fake_keyring *k, int algorithm, const char *header,
                            const char *payload, char *ret)
{
    gnutls_datum_t data, signature;
    size_t at;

    encode_base64url(header, strlen(header), ret);
    at = strlen(ret);
    ret[at++] = '.';
    encode_base64url(payload, strlen(payload), ret + at);
    at += strlen(ret + at);
    data = (gnutls_datum_t){.data = (unsigned char *)ret, .size = (unsigned)at};
    check(gnutls_privkey_sign_data2(k->key[current(k)], (gnutls_sign_algorithm_t)algorithm, 0,
                                    &data, &signature) == 0);
    ret[at++] = '.';
    check(at + SG_BASE64_SIZE(signature.size) <= SG_TOKEN_SIZE);
    encode_base64url(signature.data, signature.size, ret + at);
    gnutls_free(signature.data);
}

void fake_keyring_sign(struct fake_keyring *k, const char *header, const char *payload, char *ret)
{
    fake_keyring_sign_with(k, GNUTLS_SIGN_RSA_SHA256, header, payload, ret);
}

/* Appends `client_id`, `act` and `cnf` as the keyring does. */
static void put_more(char *payload, size_t size, const struct keyring_claims *c)
{
    char sha256[SG_BASE64_SIZE(32)];
    size_t at = strlen(payload);

    if (c->client_id[0] != '\0')
        at += (size_t)snprintf(payload + at, size - at, ",\"client_id\":\"%s\"", c->client_id);
    for (size_t i = 0; i < c->actor_count; i++)
        at += (size_t)snprintf(payload + at, size - at, ",\"act\":{\"sub\":\"%s\"", c->actor[i]);
    for (size_t i = 0; i < c->actor_count; i++)
        at += (size_t)snprintf(payload + at, size - at, "}");
    if (c->confirmation == SG_CONFIRM_NOTHING)
        return;
    encode_base64url(c->confirmation_sha256, 32, sha256);
    (void)snprintf(payload + at, size - at, ",\"cnf\":{\"%s\":\"%s\"}",
                   c->confirmation == SG_CONFIRM_DPOP ? "jkt" : "x5t#S256", sha256);
}

static void mint(struct fake_keyring *k, struct decoder *d, struct buf *reply)
{
    struct keyring_claims c;
    char header[128], payload[2048], token[SG_TOKEN_SIZE];
    int64_t now = clock_now_s();

    check(keyring_get_claims(d, &c) == SG_OK);
    (void)snprintf(header, sizeof header, "{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}",
                   k->public[current(k)].kid);
    (void)snprintf(payload, sizeof payload,
                   "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"iat\":%lld,\"exp\":%lld,"
                   "\"jti\":\"%s\",\"sid\":\"%s\",\"scope\":\"%s\",\"role\":\"%s\"",
                   FAKE_ISSUER, c.sub, c.aud, (long long)now, (long long)(now + c.lifetime_s),
                   c.jti, c.sid, c.scope, c.role);
    put_more(payload, sizeof payload - 2, &c);
    (void)strcat(payload, "}");
    fake_keyring_sign(k, header, payload, token);
    codec_put_u8(reply, SG_OK);
    codec_put_string(reply, token);
}

static void *serve(void *arg)
{
    struct server *s = arg;
    struct fake_keyring *k = s->k;
    struct buf message, reply;

    buf_init(&message, SG_IPC_MESSAGE_MAX);
    buf_init(&reply, SG_IPC_MESSAGE_MAX);
    while (channel_receive(s->fd, -1, &message, NULL, NULL) == SG_OK) {
        struct decoder d;
        uint8_t type;

        codec_start(&d, message.data, message.len);
        type = codec_u8(&d);
        buf_clear(&reply);
        if (type == SG_KEYRING_TOKEN_KEYS)
            atomic_fetch_add(&k->fetches, 1);
        if (atomic_load(&k->down)) {
            codec_put_u8(&reply, SG_ERR_UNAVAILABLE);
        } else if (type == SG_KEYRING_MINT) {
            mint(k, &d, &reply);
        } else if (type == SG_KEYRING_TOKEN_KEYS) {
            codec_put_u8(&reply, SG_OK);
            keyring_put_token_keys(&reply, k->public, atomic_load(&k->keys));
        } else {
            codec_put_u8(&reply, SG_ERR_PROTOCOL);
        }
        check(channel_send(s->fd, &reply, NULL, 0) == SG_OK);
    }
    buf_fini(&message);
    buf_fini(&reply);
    free(s);
    return NULL;
}

struct fake_keyring *fake_keyring_new(void)
{
    struct fake_keyring *k = calloc(1, sizeof *k);
    int client[CHANNELS];

    check(k != NULL);
    atomic_init(&k->keys, 1);
    make_key(k, 0);
    make_key(k, 1);
    k->client = keyring_client_new();
    check(k->client != NULL);
    for (size_t i = 0; i < CHANNELS; i++) {
        struct server *s = malloc(sizeof *s);
        int pair[2];

        check(s != NULL && channel_pair(pair) == SG_OK);
        client[i] = pair[0];
        k->fd[i] = pair[1];
        *s = (struct server){.k = k, .fd = pair[1]};
        check(pthread_create(&k->thread[i], NULL, serve, s) == 0);
    }
    keyring_client_attach(k->client, client, CHANNELS);
    return k;
}

void fake_keyring_free(struct fake_keyring *k)
{
    keyring_client_free(k->client); /* closes its ends, which ends the threads */
    for (size_t i = 0; i < CHANNELS; i++) {
        pthread_join(k->thread[i], NULL);
        (void)close(k->fd[i]);
    }
    for (size_t i = 0; i < 2; i++)
        gnutls_privkey_deinit(k->key[i]);
    free(k);
}

struct keyring_client *fake_keyring_client(struct fake_keyring *k)
{
    return k->client;
}

void fake_keyring_rotate(struct fake_keyring *k)
{
    atomic_store(&k->keys, 2);
}

void fake_keyring_set_down(struct fake_keyring *k, bool down)
{
    atomic_store(&k->down, down);
}

unsigned fake_keyring_fetches(const struct fake_keyring *k)
{
    return atomic_load(&k->fetches);
}

void fake_keyring_public(struct fake_keyring *k, struct token_key *ret, char *ret_pem)
{
    gnutls_pubkey_t public;
    size_t size = 1023;

    *ret = k->public[current(k)];
    if (ret_pem == NULL)
        return;
    check(gnutls_pubkey_init(&public) == 0);
    check(gnutls_pubkey_import_privkey(public, k->key[current(k)], 0, 0) == 0);
    check(gnutls_pubkey_export(public, GNUTLS_X509_FMT_PEM, ret_pem, &size) == 0);
    ret_pem[size] = '\0';
    gnutls_pubkey_deinit(public);
}
