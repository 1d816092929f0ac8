/* SPDX-License-Identifier: Apache-2.0 */
/* A client that does by the book what the gateway expects of one. */
#include "channels_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "tempdir.h"

static enum sg_err sign(void *ctx, const struct keyring_channel *m,
                        uint8_t ret[SG_IDENTITY_SIGNATURE_SIZE])
{
    struct channels_fixture *f = ctx;

    if (f->sign_error != SG_OK)
        return f->sign_error;
    f->signatures++;
    memset(ret, m->salt[0], SG_IDENTITY_SIGNATURE_SIZE);
    return SG_OK;
}

void channels_fixture_start(struct channels_fixture *f)
{
    assert_int_equal(SG_OK, fschannels_open(f->dir, &f->files, NULL));
    f->options.store = fschannels_store(f->files);
    assert_int_equal(SG_OK, channels_new(&f->options, &f->channels));
}

void channels_fixture_stop(struct channels_fixture *f, bool orderly)
{
    channels_free(f->channels);
    f->channels = NULL;
    if (orderly)
        fschannels_close(f->files);
    else
        fschannels_drop(f->files);
    f->files = NULL;
}

void channels_fixture_init(struct channels_fixture *f)
{
    memset(f, 0, sizeof *f);
    f->dir = tempdir_make();
    f->options = (struct channels_options){.sign = sign,
                                           .ctx = f,
                                           .session_s = 1800,
                                           .responses = 10,
                                           .window = 64,
                                           .data_bytes = 1 << 20,
                                           .bind = SG_CHANNELS_BIND_DEFAULT};
    memset(f->options.storage_key, 0x5a, sizeof f->options.storage_key);
    memset(f->options.identity_key, 0x1d, sizeof f->options.identity_key);
    channels_fixture_start(f);
}

void channels_fixture_fini(struct channels_fixture *f)
{
    channels_fixture_stop(f, true);
    tempdir_remove(f->dir);
}

void channels_fixture_open(struct channels_fixture *f, bool given, struct channels_client *ret)
{
    struct session_record session = {.expires_ns = clock_now_ns() + 3600 * SG_NS_PER_S};
    uint8_t secret[32], public_key[32], shared[32];
    struct channel_offer offer;

    memset(ret, 0, sizeof *ret);
    rng_bytes(session.id, sizeof session.id);
    channel_key_pair(secret, public_key);
    assert_int_equal(SG_OK,
                     channels_open(f->channels, &session, given ? NULL : public_key, &offer));
    ret->terms = offer.terms;
    if (given)
        memcpy(shared, offer.secret, sizeof shared);
    else
        assert_int_equal(SG_OK, channel_agree(secret, offer.terms.server_public, shared));
    assert_int_equal(SG_OK, channel_start(&offer.terms, shared, &ret->epoch));
}

static void unseal(struct channels_client *c, const struct channel_epoch *epoch,
                   struct channels_try *t)
{
    struct channel_message m = {.direction = SG_CHANNEL_RESPONSE,
                                .sequence = t->answer.sequence,
                                .next_epoch = t->answer.next_epoch};
    struct buf plain;

    memcpy(m.session_id, c->terms.session_id, sizeof m.session_id);
    memcpy(m.request_tag, t->tag, sizeof m.request_tag);
    assert_int_equal(epoch->number, t->answer.epoch);
    buf_init(&plain, 1 << 21);
    assert_int_equal(SG_OK, channel_open(epoch, &m, t->answer.nonce, t->answer.data.data,
                                         t->answer.data.len, &plain));
    (void)snprintf(t->text, sizeof t->text, "%s", buf_str(&plain));
    t->sealed_len = t->answer.data.len < sizeof t->sealed ? t->answer.data.len : sizeof t->sealed;
    memcpy(t->sealed, t->answer.data.data, t->sealed_len);
    buf_fini(&plain);
    buf_fini(&t->answer.data);
}

void channels_send(struct channels_fixture *f, struct channels_client *c,
                   const struct channel_epoch *epoch, uint64_t sequence, const char *text,
                   struct channels_try *ret)
{
    struct channel_request q = {.sequence = sequence, .has_epoch = true, .epoch = epoch->number};
    struct channel_message m = {.direction = SG_CHANNEL_REQUEST, .sequence = sequence};
    struct buf sealed, inner;

    memset(ret, 0, sizeof *ret);
    memcpy(q.session_id, c->terms.session_id, sizeof q.session_id);
    memcpy(m.session_id, c->terms.session_id, sizeof m.session_id);
    buf_init(&sealed, 1 << 21);
    buf_init(&inner, 1 << 21);
    if (text != NULL) {
        assert_int_equal(SG_OK, channel_seal(epoch, &m, NULL, text, strlen(text), &sealed));
        q.data = sealed.data;
        q.data_len = sealed.len;
        memcpy(ret->tag, sealed.data + sealed.len - sizeof ret->tag, sizeof ret->tag);
    }
    ret->err = channels_take(f->channels, &q, "plain", 5, &inner, &ret->exchange, &ret->answer,
                             &ret->at_once);
    if (ret->err == SG_OK && !ret->at_once) {
        assert_null(ret->exchange);
        buf_fini(&inner);
        buf_init(&inner, 1 << 21);
        ret->err =
            channels_take(f->channels, &q, "plain", 5, &inner, &ret->exchange, &ret->answer, NULL);
    }
    if (ret->exchange != NULL)
        (void)snprintf(ret->text, sizeof ret->text, "%s", buf_str(&inner));
    else if (ret->err == SG_OK)
        unseal(c, epoch, ret);
    buf_fini(&sealed);
    buf_fini(&inner);
}

static void follow(struct channels_client *c, uint64_t next_epoch)
{
    if (next_epoch == c->epoch.number)
        return;
    assert_int_equal(c->epoch.number + 1, next_epoch);
    c->former = c->epoch;
    assert_int_equal(SG_OK, channel_next(&c->epoch));
}

void channels_next(struct channels_fixture *f, struct channels_client *c, const char *text,
                   struct channels_try *ret)
{
    channels_send(f, c, &c->epoch, ++c->sequence, text, ret);
    if (ret->err == SG_OK && ret->exchange == NULL)
        follow(c, ret->answer.next_epoch);
}

void channels_reply(struct channels_fixture *f, struct channels_client *c,
                    const struct channel_epoch *epoch, const char *text, struct channels_try *t)
{
    t->err = channels_answer(f->channels, &t->exchange, text, strlen(text), &t->answer);
    assert_null(t->exchange);
    if (t->err == SG_OK)
        unseal(c, epoch, t);
}
