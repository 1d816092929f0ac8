/* SPDX-License-Identifier: Apache-2.0 */
/* OAuth over SQLite and a fake keyring: what an exchanged token may have, how tokens end, and
 * devices by a clock that moves on demand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/oauth_internal.h"
#include "fake_identity.h"
#include "store/sqlite.h"

#define ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"
#define AUDIENCE     "https://billing.example"

struct fixture {
    struct fake_identity *f;
    struct oauth *o;
    struct grant ann, bob;
};

static struct fixture now;
static struct oauth_refusal refusal;
static atomic_uint revocations;

/* Writes nothing, so that there can be many. */
static enum sg_err count_revocation(void *self, const struct revoked_token *token)
{
    (void)self, (void)token;
    atomic_fetch_add(&revocations, 1);
    return SG_OK;
}

static void start(const struct oauth_vtable *vt)
{
    static struct oauth_config config = {.issuer = FAKE_ISSUER, .audience = "secgate"};
    struct oauth_store store = sqlite_store_oauth(now.f->sqlite);

    if (vt != NULL)
        store.vt = vt;
    oauth_free(now.o);
    now.o = NULL;
    assert_int_equal(SG_OK, oauth_new(&store, now.f->id, &config, &now.o));
}

static int setup(void **state)
{
    memset(&now, 0, sizeof now);
    assert_int_equal(0, fake_identity_set_up(state));
    now.f = *state;
    start(NULL);
    fake_identity_add(now.f, "ann", SG_ROLE_MEMBER, NULL);
    fake_identity_add(now.f, "bob", SG_ROLE_ADMIN, NULL);
    fake_identity_login(now.f, "ann", &now.ann);
    fake_identity_login(now.f, "bob", &now.bob);
    return 0;
}

static int teardown(void **state)
{
    int result = fake_identity_tear_down(state);

    oauth_free(now.o);
    return result;
}

static struct oauth_exchange ask_for(const char *subject, const char *audience, const char *scope)
{
    return (struct oauth_exchange){.subject_token = subject,
                                   .subject_token_type = ACCESS_TOKEN,
                                   .audience = audience,
                                   .scope = scope,
                                   .with = &fake_presented};
}

static enum sg_err exchange(const struct oauth_exchange *ask, struct grant *ret)
{
    struct inspected what;

    memset(&refusal, 0, sizeof refusal);
    return oauth_exchange(now.o, ask, ret, &what, &refusal);
}

static void must(const char *subject, const char *audience, const char *scope, struct grant *ret)
{
    struct oauth_exchange ask = ask_for(subject, audience, scope);

    if (exchange(&ask, ret) != SG_OK)
        fail_msg("%s: %s", refusal.error, refusal.description);
}

static void refused(const struct oauth_exchange *ask, const char *error)
{
    struct grant grant;

    assert_int_equal(SG_ERR_BAD_REQUEST, exchange(ask, &grant));
    assert_string_equal(error, refusal.error);
}

static struct inspected inspect(const char *token)
{
    struct inspected what;

    assert_int_equal(SG_OK, identity_inspect(now.f->id, token, &what));
    return what;
}

static void add_audience(void)
{
    struct oauth_audience a;
    const char *reason;

    assert_int_equal(SG_OK,
                     oauth_audience_create(now.o, AUDIENCE, "Billing",
                                           SG_SCOPE_FILES_READ | SG_SCOPE_SIGN, NULL, &a, &reason));
}

/* -- exchange ---------------------------------------------------------------------------------- */

static void test_narrower(void **state)
{
    (void)state;
    struct grant first, second;
    struct principal who;
    struct oauth_exchange ask;

    must(now.ann.access_token, NULL, "files:read sign", &first);
    assert_int_equal(SG_OK, fake_identity_authenticate(now.f, first.access_token, &who));
    assert_int_equal(SG_AUTHORITY_EXCHANGED, who.authority);
    assert_int_equal(SG_SCOPE_FILES_READ | SG_SCOPE_SIGN, who.scopes);
    assert_true(who.narrowed);
    assert_memory_equal(now.ann.session.id, who.session_id, SG_SESSION_ID_SIZE);
    must(first.access_token, NULL, "sign", &second);
    assert_string_equal("sign", second.scope);
    ask = ask_for(second.access_token, NULL, "files:read");
    refused(&ask, "invalid_scope");
    ask = ask_for(now.ann.access_token, NULL, "admin");
    refused(&ask, "invalid_scope");
    ask = ask_for(now.ann.access_token, NULL, "");
    refused(&ask, "invalid_scope");
    ask = ask_for(now.ann.access_token, "https://nobody.example", NULL);
    refused(&ask, "invalid_target");
    ask = ask_for(now.ann.refresh_token, NULL, NULL);
    refused(&ask, "invalid_request");
}

static void test_never_longer(void **state)
{
    (void)state;
    int64_t last = inspect(now.ann.access_token).expires_s;
    struct grant grant;

    for (int i = 0; i < 6; i++) {
        must(now.ann.access_token, NULL, "sign", &grant);
        assert_true(inspect(grant.access_token).expires_s <= last);
        fake_identity_pass(99);
    }
    fake_identity_pass(5); /* 599 of 600 seconds have gone */
    struct oauth_exchange ask = ask_for(now.ann.access_token, NULL, "sign");
    refused(&ask, "invalid_request");
    fake_identity_pass(5);
    refused(&ask, "invalid_request");
    assert_string_equal("The subject token is not valid here.", refusal.description);
}

static void test_other_service(void **state)
{
    (void)state;
    struct grant theirs, onward;
    struct principal who;
    struct oauth_client service = {.id = "billing", .confidential = true};
    struct oauth_audience a;
    const char *reason;

    add_audience();
    must(now.ann.access_token, AUDIENCE, NULL, &theirs);
    assert_string_equal("files:read sign", theirs.scope);
    assert_string_equal(AUDIENCE, inspect(theirs.access_token).audience);
    assert_int_equal(SG_ERR_TOKEN_INVALID,
                     fake_identity_authenticate(now.f, theirs.access_token, &who));
    assert_int_equal(
        SG_OK, oauth_audience_create(now.o, "billing", "B", SG_SCOPE_SIGN, NULL, &a, &reason));
    must(now.ann.access_token, "billing", NULL, &theirs);
    struct oauth_exchange ask = ask_for(theirs.access_token, AUDIENCE, NULL);
    refused(&ask, "invalid_request"); /* nobody says it is the service */
    ask.client = &service;
    assert_int_equal(SG_OK, exchange(&ask, &onward));
    assert_string_equal("sign", onward.scope);
    assert_string_equal("billing", inspect(onward.access_token).who.client_id);
    ask.audience = "secgate";
    refused(&ask, "invalid_target");
    ask.audience = FAKE_ISSUER;
    refused(&ask, "invalid_target");
    service.confidential = false;
    ask.audience = AUDIENCE;
    refused(&ask, "invalid_request");
}

static void test_actors(void **state)
{
    (void)state;
    struct grant grant = now.ann;
    struct inspected what;

    for (size_t i = 1; i <= SG_ACTORS_MAX; i++) {
        struct oauth_exchange ask = ask_for(grant.access_token, NULL, NULL);
        ask.actor_token = now.bob.access_token;
        ask.actor_token_type = ACCESS_TOKEN;
        struct grant next;
        assert_int_equal(SG_OK, exchange(&ask, &next));
        grant = next;
        what = inspect(grant.access_token);
        assert_int_equal(i, what.actor_count);
        assert_string_equal("bob", what.actor[0]);
        assert_string_equal("ann", what.who.user);
    }
    struct oauth_exchange ask = ask_for(grant.access_token, NULL, NULL);
    ask.actor_token = now.bob.access_token;
    ask.actor_token_type = ACCESS_TOKEN;
    refused(&ask, "invalid_request");
    ask.actor_token_type = NULL;
    refused(&ask, "invalid_request");
}

static void test_bound(void **state)
{
    (void)state;
    static const uint8_t key[32] = {1}, other[32] = {2};
    struct presented with = fake_presented;
    struct grant grant;
    struct oauth_exchange ask = ask_for(now.ann.access_token, NULL, "sign");

    with.dpop_sha256 = key;
    ask.with = &with;
    assert_int_equal(SG_OK, exchange(&ask, &grant));
    assert_int_equal(SG_CONFIRM_DPOP, inspect(grant.access_token).who.confirmation);
    ask = ask_for(grant.access_token, NULL, NULL);
    refused(&ask, "invalid_request");
    with.dpop_sha256 = other;
    ask.with = &with;
    refused(&ask, "invalid_request");
    with.dpop_sha256 = key;
    assert_int_equal(SG_OK, exchange(&ask, &grant));
    assert_memory_equal(key, inspect(grant.access_token).who.confirmation_sha256, sizeof key);
}

static void test_keyring_away(void **state)
{
    (void)state;
    struct oauth_exchange ask = ask_for(now.ann.access_token, NULL, NULL);
    struct grant grant;

    fake_keyring_set_down(now.f->keyring, true);
    assert_int_equal(SG_ERR_UNAVAILABLE, exchange(&ask, &grant));
    fake_keyring_set_down(now.f->keyring, false);
    assert_int_equal(SG_OK, exchange(&ask, &grant));
}

/* -- the end of tokens ------------------------------------------------------------------------- */

static void revoke(const char *token, const struct oauth_client *client, bool expected)
{
    struct inspected what;
    bool done = !expected;

    assert_int_equal(SG_OK, oauth_revoke(now.o, token, client, &what, &done, &refusal));
    assert_int_equal(expected, done);
}

static void test_revoke(void **state)
{
    (void)state;
    struct grant one, two;
    struct principal who;

    must(now.ann.access_token, NULL, NULL, &one);
    must(now.ann.access_token, NULL, NULL, &two);
    assert_int_equal(SG_OK, fake_identity_authenticate(now.f, one.access_token, &who));
    revoke(one.access_token, NULL, true);
    assert_int_equal(SG_ERR_TOKEN_INVALID,
                     fake_identity_authenticate(now.f, one.access_token, &who));
    revoke(one.access_token, NULL, false);
    assert_int_equal(SG_OK, fake_identity_authenticate(now.f, two.access_token, &who));
    start(NULL); /* it is read again */
    assert_int_equal(SG_ERR_TOKEN_INVALID,
                     fake_identity_authenticate(now.f, one.access_token, &who));
    assert_int_equal(SG_OK, fake_identity_authenticate(now.f, two.access_token, &who));
    revoke(now.ann.refresh_token, NULL, true);
    assert_int_equal(SG_ERR_SESSION_ENDED,
                     fake_identity_authenticate(now.f, two.access_token, &who));
    assert_int_equal(SG_ERR_SESSION_ENDED,
                     fake_identity_authenticate(now.f, now.ann.access_token, &who));
    revoke("nonsense", NULL, false);
}

/* What was made of a revoked token ends with it; what it was made of does not. */
static void test_revoke_descendants(void **state)
{
    (void)state;
    struct grant chain[SG_EXCHANGES_MAX], sister;
    struct principal who;
    struct oauth_exchange ask;

    must(now.ann.access_token, NULL, NULL, &chain[0]);
    for (int i = 1; i < SG_EXCHANGES_MAX; i++)
        must(chain[i - 1].access_token, NULL, NULL, &chain[i]);
    must(chain[0].access_token, NULL, NULL, &sister);
    ask = ask_for(chain[SG_EXCHANGES_MAX - 1].access_token, NULL, NULL);
    refused(&ask, "invalid_request");
    assert_string_equal("The subject token was exchanged too often in a row.", refusal.description);
    for (int i = 0; i < SG_EXCHANGES_MAX; i++) /* each is remembered from here on */
        assert_int_equal(SG_OK, fake_identity_authenticate(now.f, chain[i].access_token, &who));
    revoke(chain[1].access_token, NULL, true);
    for (int restarts = 0; restarts < 2; restarts++, start(NULL)) {
        assert_int_equal(SG_OK, fake_identity_authenticate(now.f, now.ann.access_token, &who));
        assert_int_equal(SG_OK, fake_identity_authenticate(now.f, chain[0].access_token, &who));
        assert_int_equal(SG_OK, fake_identity_authenticate(now.f, sister.access_token, &who));
        for (int i = 1; i < SG_EXCHANGES_MAX; i++) {
            assert_int_equal(SG_ERR_TOKEN_INVALID,
                             fake_identity_authenticate(now.f, chain[i].access_token, &who));
            ask = ask_for(chain[i].access_token, NULL, NULL);
            refused(&ask, "invalid_request");
        }
    }
    revoke(chain[0].access_token, NULL, true);
    assert_int_equal(SG_ERR_TOKEN_INVALID,
                     fake_identity_authenticate(now.f, sister.access_token, &who));
}

/* When no more can be remembered, more than the one token ends, never less. */
static void test_too_many_revoked(void **state)
{
    (void)state;
    struct oauth_vtable vt = *sqlite_store_oauth(now.f->sqlite).vt;
    struct inspected what;
    struct grant grant;
    struct principal who;
    bool done = false;
    char jti[SG_OAUTH_JTI_SIZE];
    int64_t until_ns = clock_now_ns() + 100 * SG_NS_PER_S;

    vt.revoke = count_revocation;
    start(&vt);
    atomic_store(&revocations, 0);
    must(now.ann.access_token, NULL, "sign", &grant);
    for (unsigned i = 0; i < SG_OAUTH_REVOKED_MAX; i++) {
        (void)snprintf(jti, sizeof jti, "x%08x", i * 2654435761U);
        assert_int_equal(SG_OK, oauth_revoked_add(now.o, jti, until_ns));
    }
    assert_int_equal(SG_ERR_OVERLOADED, oauth_revoked_add(now.o, "xmore", until_ns));
    assert_int_equal(SG_OK, oauth_revoke(now.o, grant.access_token, NULL, &what, &done, &refusal));
    assert_true(done);
    assert_int_equal(SG_ERR_SESSION_ENDED,
                     fake_identity_authenticate(now.f, grant.access_token, &who));
    /* What has expired makes room. */
    fake_identity_pass(101);
    must(now.bob.access_token, NULL, "sign", &grant);
    assert_int_equal(SG_OK, oauth_revoke(now.o, grant.access_token, NULL, &what, &done, &refusal));
    assert_int_equal(SG_ERR_TOKEN_INVALID,
                     fake_identity_authenticate(now.f, grant.access_token, &who));
    assert_int_equal(SG_OK, fake_identity_authenticate(now.f, now.bob.access_token, &who));
    assert_int_equal(SG_OAUTH_REVOKED_MAX + 1, atomic_load(&revocations));
}

/* -- introspection ----------------------------------------------------------------------------- */

static bool learns(const struct oauth_client *client, const char *token)
{
    struct inspected what;
    bool active = false;

    assert_int_equal(SG_OK, oauth_introspect(now.o, token, client, &what, &active));
    return active;
}

static void test_who_learns(void **state)
{
    (void)state;
    struct oauth_client service, other, open;
    char secret[SG_OAUTH_SECRET_SIZE];
    struct oauth_audience a;
    struct grant theirs, named, given, plain;
    const char *reason;

    assert_int_equal(
        SG_OK, oauth_client_create(now.o, "service", "S", true, 7, &service, secret, &reason));
    assert_int_equal(SG_OK,
                     oauth_client_create(now.o, "other", "O", true, 7, &other, secret, &reason));
    assert_int_equal(SG_OK,
                     oauth_client_create(now.o, "open", "O", false, 7, &open, secret, &reason));
    for (size_t i = 0; i < 3; i++) {
        const char *const clients[] = {"open", "nobody", "secctl"};

        assert_int_equal(
            SG_ERR_BAD_FIELD,
            oauth_audience_create(now.o, AUDIENCE, "B", SG_SCOPE_SIGN, clients[i], &a, &reason));
    }
    assert_int_equal(
        SG_OK, oauth_audience_create(now.o, AUDIENCE, "B", SG_SCOPE_SIGN, "service", &a, &reason));
    assert_int_equal(SG_OK,
                     oauth_audience_create(now.o, "other", "O", SG_SCOPE_SIGN, NULL, &a, &reason));
    must(now.ann.access_token, AUDIENCE, NULL, &theirs);
    must(now.ann.access_token, "other", NULL, &named);
    struct oauth_exchange ask = ask_for(now.ann.access_token, NULL, NULL);
    ask.client = &other;
    assert_int_equal(SG_OK, exchange(&ask, &given));
    must(now.ann.access_token, NULL, NULL, &plain);
    const struct {
        const char *token;
        bool service, other;
    } cases[] = {
        {theirs.access_token, true, false},   {named.access_token, false, true},
        {given.access_token, false, true},    {plain.access_token, false, false},
        {now.ann.access_token, false, false}, {now.ann.refresh_token, false, false},
        {"nonsense", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(cases[i].service, learns(&service, cases[i].token));
        assert_int_equal(cases[i].other, learns(&other, cases[i].token));
        assert_false(learns(&open, cases[i].token));
        assert_int_equal(strcmp(cases[i].token, "nonsense") != 0, learns(NULL, cases[i].token));
    }
    /* Who is the service may exchange it, and nobody once it is gone. */
    ask = ask_for(theirs.access_token, "other", NULL);
    ask.client = &other;
    refused(&ask, "invalid_request");
    ask.client = &service;
    assert_int_equal(SG_OK, exchange(&ask, &given));
    assert_int_equal(SG_OK, oauth_client_remove(now.o, "service"));
    assert_false(learns(&service, theirs.access_token));
    assert_int_equal(SG_OK, oauth_audience_remove(now.o, "other"));
    assert_false(learns(&other, named.access_token));
}

/* An audience was made for one client: when that is gone, it is not that of a client which has its
 * name as an id. */
static void test_service_gone(void **state)
{
    (void)state;
    struct oauth_client service, namesake;
    char secret[SG_OAUTH_SECRET_SIZE];
    struct oauth_audience a;
    struct grant theirs;
    const char *reason;

    assert_int_equal(
        SG_OK, oauth_client_create(now.o, "service", "S", true, 7, &service, secret, &reason));
    assert_int_equal(SG_OK,
                     oauth_client_create(now.o, "pay", "P", true, 7, &namesake, secret, &reason));
    assert_int_equal(
        SG_OK, oauth_audience_create(now.o, "pay", "P", SG_SCOPE_SIGN, "service", &a, &reason));
    must(now.ann.access_token, "pay", NULL, &theirs);
    assert_true(learns(&service, theirs.access_token));
    assert_false(learns(&namesake, theirs.access_token));
    assert_int_equal(SG_OK, oauth_client_remove(now.o, "service"));
    assert_false(learns(&namesake, theirs.access_token));
    const struct oauth_exchange ask = ask_for(now.ann.access_token, "pay", NULL);
    refused(&ask, "invalid_target");
}

/* -- clients ----------------------------------------------------------------------------------- */

static void test_clients(void **state)
{
    (void)state;
    struct oauth_client made, found;
    char secret[SG_OAUTH_SECRET_SIZE], wrong[SG_OAUTH_SECRET_SIZE];
    const char *reason;
    static const uint8_t zero[SG_DIGEST_SIZE];

    assert_int_equal(SG_OK, oauth_client_check(now.o, "secctl", NULL, &found));
    assert_int_equal(SG_ERR_BAD_CREDENTIALS, oauth_client_check(now.o, "secctl", "x", &found));
    assert_int_equal(SG_ERR_BAD_CREDENTIALS, oauth_client_check(now.o, "nobody", NULL, &found));
    assert_int_equal(SG_OK,
                     oauth_client_create(now.o, NULL, "Billing", true, 0, &made, secret, &reason));
    assert_int_equal(47, strlen(secret));
    assert_memory_equal(zero, made.secret_sha256, sizeof zero);
    assert_int_equal(SG_OK, oauth_client_check(now.o, made.id, secret, &found));
    assert_memory_equal(zero, found.secret_sha256, sizeof zero);
    assert_int_equal(SG_ERR_BAD_CREDENTIALS, oauth_client_check(now.o, made.id, NULL, &found));
    assert_int_equal(SG_ERR_BAD_CREDENTIALS, oauth_client_check(now.o, made.id, "", &found));
    memcpy(wrong, secret, sizeof wrong);
    wrong[10] ^= 1;
    assert_int_equal(SG_ERR_BAD_CREDENTIALS, oauth_client_check(now.o, made.id, wrong, &found));
    assert_int_equal(SG_ERR_NAME_TAKEN,
                     oauth_client_create(now.o, "secgate", "X", true, 0, &made, secret, &reason));
    assert_int_equal(SG_ERR_BAD_FIELD,
                     oauth_client_create(now.o, "a b", "X", true, 0, &made, secret, &reason));
    assert_int_equal(SG_ERR_BAD_FIELD,
                     oauth_client_create(now.o, NULL, "X", false, 0, &made, secret, &reason));
    assert_int_equal(SG_ERR_BAD_FIELD,
                     oauth_client_create(now.o, NULL, "X", true, 8, &made, secret, &reason));
}

/* -- devices ----------------------------------------------------------------------------------- */

static const struct oauth_client secctl = {.id = "secctl", .name = "secctl", .grants = 7};

static const char *ask_device(const struct device_codes *codes, struct grant *ret)
{
    enum sg_err err =
        oauth_device_token(now.o, codes->device_code, &secctl, &fake_presented, ret, &refusal);

    if (err == SG_OK)
        return "ok";
    assert_int_equal(SG_ERR_BAD_REQUEST, err);
    return refusal.error;
}

static struct principal who_is(const struct grant *grant)
{
    struct principal who;

    assert_int_equal(SG_OK, fake_identity_authenticate(now.f, grant->access_token, &who));
    return who;
}

static void begin(unsigned scopes, struct device_codes *ret)
{
    assert_int_equal(SG_OK, oauth_device_begin(now.o, &secctl, scopes, "192.0.2.7", ret));
}

static void test_device(void **state)
{
    (void)state;
    struct principal ann = who_is(&now.ann);
    struct device_codes codes;
    struct device_grant seen;
    struct grant grant;
    struct principal who;
    unsigned wait_s = 0;

    begin(0, &codes);
    assert_string_equal("authorization_pending", ask_device(&codes, &grant));
    assert_string_equal("slow_down", ask_device(&codes, &grant));
    fake_identity_pass(11);
    assert_string_equal("authorization_pending", ask_device(&codes, &grant));
    assert_int_equal(SG_OK, oauth_device_get(now.o, codes.user_code, FAKE_ADDRESS, &seen, &wait_s));
    assert_string_equal("192.0.2.7", seen.address);
    assert_int_equal(SG_OK, oauth_device_decide(now.o, &ann, codes.user_code, true, FAKE_ADDRESS,
                                                &seen, &wait_s));
    assert_string_equal("ok", ask_device(&codes, &grant));
    who = who_is(&grant);
    assert_string_equal("ann", who.user);
    assert_string_equal("secctl", who.client_id);
    assert_int_equal(SG_AUTHORITY_LOGIN, who.authority);
    assert_int_equal(SG_METHOD_DEVICE, grant.session.method);
    assert_string_equal("invalid_grant", ask_device(&codes, &grant));
}

static void test_device_expires(void **state)
{
    (void)state;
    struct principal ann = who_is(&now.ann);
    struct device_codes codes;
    struct device_grant seen;
    struct grant grant;
    unsigned wait_s = 0;

    begin(0, &codes);
    fake_identity_pass(SG_DEVICE_LIFETIME_S - 1);
    assert_string_equal("authorization_pending", ask_device(&codes, &grant));
    fake_identity_pass(2);
    assert_int_equal(SG_ERR_NOT_FOUND, oauth_device_decide(now.o, &ann, codes.user_code, true,
                                                           FAKE_ADDRESS, &seen, &wait_s));
    assert_string_equal("expired_token", ask_device(&codes, &grant));
    assert_string_equal("invalid_grant", ask_device(&codes, &grant));
}

static void test_device_scopes(void **state)
{
    (void)state;
    struct principal ann = who_is(&now.ann);
    struct device_codes codes;
    struct device_grant seen;
    struct grant grant;
    unsigned wait_s = 0;

    begin(SG_SCOPE_SIGN | SG_SCOPE_ADMIN, &codes);
    assert_int_equal(SG_OK, oauth_device_decide(now.o, &ann, codes.user_code, true, FAKE_ADDRESS,
                                                &seen, &wait_s));
    assert_string_equal("ok", ask_device(&codes, &grant));
    assert_string_equal("sign", grant.scope);
    /* What the user could not give is not in it, whatever role the user gets. */
    assert_int_equal(SG_SCOPE_SIGN, grant.session.scopes);
    /* Who has little gives no more. */
    ann.narrowed = true;
    ann.scopes = SG_SCOPE_VERIFY;
    begin(SG_SCOPE_SIGN, &codes);
    assert_int_equal(SG_ERR_FORBIDDEN, oauth_device_decide(now.o, &ann, codes.user_code, true,
                                                           FAKE_ADDRESS, &seen, &wait_s));
    begin(0, &codes);
    assert_int_equal(SG_OK, oauth_device_decide(now.o, &ann, codes.user_code, true, FAKE_ADDRESS,
                                                &seen, &wait_s));
    assert_string_equal("ok", ask_device(&codes, &grant));
    assert_string_equal("verify", grant.scope);
}

/* A new password in the very moment in which the device gets its session: between the look at what
 * was decided and the session, the last moment in which there is nothing to end yet. */
static enum sg_err create_after_password(void *self, const struct session_record *session,
                                         const struct session_proof *proof)
{
    assert_int_equal(SG_OK, now.f->users.vt->set_password(now.f->users.self, session->user_id,
                                                          "changed", now.ann.session.id));
    return sqlite_store_sessions(now.f->sqlite).vt->create(self, session, proof);
}

static void test_device_and_password(void **state)
{
    (void)state;
    struct sessions_vtable vt = *now.f->sessions.vt;
    struct principal ann = who_is(&now.ann);
    struct session_record list[4];
    struct device_codes codes;
    struct device_grant seen;
    struct grant grant;
    unsigned wait_s = 0;
    size_t count = 0;

    begin(0, &codes);
    assert_int_equal(SG_OK, oauth_device_decide(now.o, &ann, codes.user_code, true, FAKE_ADDRESS,
                                                &seen, &wait_s));
    vt.create = create_after_password;
    now.f->sessions.vt = &vt;
    fake_identity_restart(now.f);
    start(NULL);
    assert_string_equal("invalid_grant", ask_device(&codes, &grant));
    assert_string_equal("invalid_grant", ask_device(&codes, &grant));
    assert_int_equal(SG_OK,
                     now.f->sessions.vt->list(now.f->sessions.self, ann.user_id, 4, list, &count));
    assert_int_equal(1, count); /* the one that changed it */
}

/* The session with which somebody lets a device in ends in the very moment. */
static enum sg_err decide_after_end(void *self, const struct device_decision *d)
{
    assert_int_equal(SG_OK, now.f->sessions.vt->remove(now.f->sessions.self, d->session_id, 0));
    return sqlite_store_oauth(now.f->sqlite).vt->device_decide(self, d);
}

static void test_device_and_end(void **state)
{
    (void)state;
    struct oauth_vtable vt = *sqlite_store_oauth(now.f->sqlite).vt;
    struct principal ann = who_is(&now.ann);
    struct device_codes codes;
    struct device_grant seen;
    struct grant grant;
    unsigned wait_s = 0;

    vt.device_decide = decide_after_end;
    start(&vt);
    begin(0, &codes);
    assert_int_equal(SG_ERR_SESSION_ENDED, oauth_device_decide(now.o, &ann, codes.user_code, true,
                                                               FAKE_ADDRESS, &seen, &wait_s));
    assert_string_equal("authorization_pending", ask_device(&codes, &grant));
}

static void test_device_guessing(void **state)
{
    (void)state;
    struct device_codes codes;
    struct device_grant seen;
    unsigned wait_s = 0;
    enum sg_err err = SG_ERR_NOT_FOUND;
    int tries = 0;

    begin(0, &codes);
    for (; tries < 50 && err == SG_ERR_NOT_FOUND; tries++)
        err = oauth_device_get(now.o, "BBBB-BBBB", "192.0.2.66", &seen, &wait_s);
    assert_int_equal(SG_ERR_THROTTLED, err);
    assert_true(tries <= 12 && wait_s >= 1);
    assert_int_equal(SG_ERR_THROTTLED,
                     oauth_device_get(now.o, codes.user_code, "192.0.2.66", &seen, &wait_s));
    assert_int_equal(SG_OK, oauth_device_get(now.o, codes.user_code, "192.0.2.67", &seen, &wait_s));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_narrower),
        TEST(test_never_longer),
        TEST(test_other_service),
        TEST(test_actors),
        TEST(test_bound),
        TEST(test_keyring_away),
        TEST(test_revoke),
        TEST(test_too_many_revoked),
        TEST(test_revoke_descendants),
        TEST(test_who_learns),
        TEST(test_service_gone),
        TEST(test_clients),
        TEST(test_device),
        TEST(test_device_expires),
        TEST(test_device_scopes),
        TEST(test_device_guessing),
        TEST(test_device_and_password),
        TEST(test_device_and_end),
    };

    return cmocka_run_group_tests_name("oauth", tests, fake_identity_group_sqlite,
                                       fake_identity_group_end);
}
