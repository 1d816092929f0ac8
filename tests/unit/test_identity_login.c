/* SPDX-License-Identifier: Apache-2.0 */
/* Logins of every kind but second factors, what sessions and tokens are bound to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "fake_identity.h"

#define ELSEWHERE "192.0.2.99"

static const uint8_t certificate[SG_DIGEST_SIZE] = {1, 2, 3}, other[SG_DIGEST_SIZE] = {9};

/* What the hooks saw. */
static struct {
    _Atomic int over, noted;
    enum audit_type type;
    enum sg_err why;
    char user[SG_USER_NAME_SIZE], address[46];
    bool needed;
} seen;

static enum sg_err factor_needed(void *ctx, int64_t user_id, bool *ret)
{
    (void)ctx;
    assert_true(user_id > 0);
    *ret = seen.needed;
    return SG_OK;
}

static void session_over(void *ctx, const uint8_t *session_id)
{
    (void)ctx;
    (void)session_id;
    atomic_fetch_add(&seen.over, 1);
}

static void note(void *ctx, enum audit_type type, const char *user, const uint8_t *session_id,
                 const char *address, enum sg_err why)
{
    (void)ctx;
    (void)session_id;
    seen.type = type;
    seen.why = why;
    (void)snprintf(seen.user, sizeof seen.user, "%s", user);
    (void)snprintf(seen.address, sizeof seen.address, "%s", address);
    atomic_fetch_add(&seen.noted, 1);
}

static void hook(struct fake_identity *f)
{
    const struct identity_hooks hooks = {.factor_needed = factor_needed,

                                         .session_over = session_over,
                                         .note = note};

    memset(&seen, 0, sizeof seen);
    identity_set_hooks(f->id, &hooks);
}

static void await(const _Atomic int *counter, int value)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    for (int i = 0; i < 5000 && atomic_load(counter) < value; i++)
        (void)nanosleep(&pause, NULL);
    assert_int_equal(atomic_load(counter), value);
}

static enum sg_err authenticate(struct fake_identity *f, const struct grant *grant,
                                const struct presented *with, struct principal *ret)
{
    struct principal who;
    enum sg_err err =
        identity_authenticate(f->id, grant->access_token, strlen(grant->access_token), with, &who);

    if (err == SG_OK && ret != NULL)
        *ret = who;
    return err;
}

/* -- other methods --------------------------------------------------------------------------------
 */

static void test_methods_without_password(void **state)
{
    struct fake_identity *f = *state;
    const bool yes = true;
    struct user_record ann;
    struct principal who;
    struct grant grant;
    unsigned retry = 0;
    struct login login = {.method = SG_METHOD_DEVICE,
                          .with = &fake_presented,
                          .client_id = "secctl",
                          .scopes = SG_SCOPE_FILES_READ | SG_SCOPE_ADMIN,
                          .lifetime_s = 1000};

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, &ann);
    hook(f);
    seen.needed = true; /* the proof was made elsewhere: no code is asked for */
    assert_int_equal(identity_login(f->id, &login, &grant, &retry), SG_ERR_BAD_FIELD);
    login.user_id = ann.id;
    assert_int_equal(identity_login(f->id, &login, &grant, &retry), SG_OK);
    assert_int_equal(grant.session.method, SG_METHOD_DEVICE);
    assert_string_equal(grant.scope, "files:read"); /* a member has no more of what was wished */
    assert_in_range((grant.session.expires_ns - grant.session.created_ns) / 1000000000, 999, 1001);
    assert_int_equal(authenticate(f, &grant, &fake_presented, &who), SG_OK);
    assert_int_equal(who.scopes, SG_SCOPE_FILES_READ);
    assert_true(who.narrowed);
    assert_string_equal(who.client_id, "secctl");

    /* Its refresh token is that client's. */
    struct grant next;
    assert_int_equal(identity_refresh(f->id, grant.refresh_token, &fake_presented, NULL, 0, &next),
                     SG_ERR_TOKEN_INVALID);
    assert_int_equal(identity_refresh(f->id, grant.refresh_token, &fake_presented, "web", 0, &next),
                     SG_ERR_TOKEN_INVALID);
    assert_int_equal(
        identity_refresh(f->id, grant.refresh_token, &fake_presented, "secctl", 0, &next), SG_OK);
    assert_string_equal(next.scope, "files:read");

    login.method = SG_METHOD_PASSKEY;
    login.scopes = 0;
    assert_int_equal(identity_login(f->id, &login, &grant, &retry), SG_OK);
    assert_int_equal(authenticate(f, &grant, &fake_presented, &who), SG_OK);
    assert_false(who.narrowed);
    login.user_id = ann.id + 1000;
    assert_int_equal(identity_login(f->id, &login, &grant, &retry), SG_ERR_BAD_CREDENTIALS);
    login.user_id = ann.id;
    assert_int_equal(identity_update_user(f->id, "ann", NULL, &yes, &ann), SG_OK);
    assert_int_equal(identity_login(f->id, &login, &grant, &retry), SG_ERR_USER_DISABLED);
}

static void test_refresh_with_fewer_scopes(void **state)
{
    struct fake_identity *f = *state;
    struct principal who;
    struct grant grant, next;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    fake_identity_login(f, "ann", &grant);
    assert_int_equal(identity_refresh(f->id, grant.refresh_token, &fake_presented, NULL,
                                      SG_SCOPE_CHAT_READ | SG_SCOPE_ADMIN, &next),
                     SG_OK);
    assert_string_equal(next.scope, "chat:read");
    assert_int_equal(authenticate(f, &next, &fake_presented, &who), SG_OK);
    assert_true(who.narrowed);
    /* The session has what it had. */
    assert_int_equal(identity_refresh(f->id, next.refresh_token, &fake_presented, NULL, 0, &grant),
                     SG_OK);
    assert_int_equal(authenticate(f, &grant, &fake_presented, &who), SG_OK);
    assert_false(who.narrowed);
}

/* -- bindings -------------------------------------------------------------------------------------
 */

static void test_certificate(void **state)
{
    struct fake_identity *f = *state;
    const struct presented mine = {.address = FAKE_ADDRESS, .certificate_sha256 = certificate},
                           theirs = {.address = FAKE_ADDRESS, .certificate_sha256 = other};
    struct login login = {.method = SG_METHOD_CERTIFICATE, .with = &fake_presented};
    struct user_record ann;
    struct principal who;
    struct grant grant, next;
    unsigned retry = 0;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, &ann);
    hook(f);
    login.user_id = ann.id;
    assert_int_equal(identity_login(f->id, &login, &grant, &retry), SG_ERR_CERT_NEEDED);
    login.with = &mine;
    assert_int_equal(identity_login(f->id, &login, &grant, &retry), SG_OK);
    assert_true(grant.session.has_certificate);
    for (int i = 0; i < 2; i++) { /* new, and remembered */
        assert_int_equal(authenticate(f, &grant, &mine, &who), SG_OK);
        assert_int_equal(who.confirmation, SG_CONFIRM_CERTIFICATE);
        assert_int_equal(authenticate(f, &grant, &theirs, NULL), SG_ERR_TOKEN_MISMATCH);
        assert_int_equal(authenticate(f, &grant, &fake_presented, NULL), SG_ERR_TOKEN_MISMATCH);
    }
    assert_int_equal(identity_refresh(f->id, grant.refresh_token, &theirs, NULL, 0, &next),
                     SG_ERR_TOKEN_MISMATCH);
    assert_int_equal(identity_refresh(f->id, grant.refresh_token, &mine, NULL, 0, &next), SG_OK);
    assert_int_equal(authenticate(f, &next, &theirs, NULL), SG_ERR_TOKEN_MISMATCH);
    assert_int_equal(authenticate(f, &next, &mine, NULL), SG_OK);
    /* Who has not the certificate cannot even end the family with an old token. */
    assert_int_equal(identity_refresh(f->id, next.refresh_token, &mine, NULL, 0, &next), SG_OK);
    assert_int_equal(identity_refresh(f->id, grant.refresh_token, &theirs, NULL, 0, &grant),
                     SG_ERR_TOKEN_MISMATCH);
    assert_int_equal(authenticate(f, &next, &mine, NULL), SG_OK);
    assert_int_equal(atomic_load(&seen.noted), 0);
}

static void test_key(void **state)
{
    struct fake_identity *f = *state;
    const struct presented mine = {.address = FAKE_ADDRESS, .dpop_sha256 = certificate},
                           theirs = {.address = FAKE_ADDRESS, .dpop_sha256 = other},
                           as_certificate = {.address = FAKE_ADDRESS,
                                             .certificate_sha256 = certificate};
    const struct login login = {
        .method = SG_METHOD_PASSWORD, .username = "ann", .password = FAKE_PASSWORD, .with = &mine};
    struct principal who;
    struct grant grant;
    unsigned retry = 0;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    assert_int_equal(identity_login(f->id, &login, &grant, &retry), SG_OK);
    assert_true(grant.session.has_dpop);
    assert_false(grant.session.has_certificate);
    assert_int_equal(authenticate(f, &grant, &mine, &who), SG_OK);
    assert_int_equal(who.confirmation, SG_CONFIRM_DPOP);
    assert_int_equal(authenticate(f, &grant, &theirs, NULL), SG_ERR_TOKEN_MISMATCH);
    assert_int_equal(authenticate(f, &grant, &as_certificate, NULL), SG_ERR_TOKEN_MISMATCH);
    assert_int_equal(authenticate(f, &grant, &fake_presented, NULL), SG_ERR_TOKEN_MISMATCH);
}

static void bound_login(struct fake_identity *f, struct grant *ret)
{
    unsigned retry = 0;
    const struct login login = {.method = SG_METHOD_PASSWORD,
                                .username = "ann",
                                .password = FAKE_PASSWORD,
                                .with = &fake_presented,
                                .bind_address = true};

    assert_int_equal(identity_login(f->id, &login, ret, &retry), SG_OK);
}

static void test_address(void **state)
{
    struct fake_identity *f = *state;
    const struct presented elsewhere = {.address = ELSEWHERE};
    struct grant grant, free_one, next;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    hook(f);
    fake_identity_login(f, "ann", &free_one);
    assert_int_equal(authenticate(f, &free_one, &elsewhere, NULL), SG_OK);
    for (int i = 0; i < 2; i++) { /* a token that is new, and one that is remembered */
        bound_login(f, &grant);
        if (i == 1)
            assert_int_equal(authenticate(f, &grant, &fake_presented, NULL), SG_OK);
        assert_int_equal(authenticate(f, &grant, &elsewhere, NULL), SG_ERR_ADDRESS_MISMATCH);
        /* At once, whether it is in the store already or not. */
        assert_int_equal(authenticate(f, &grant, &fake_presented, NULL), SG_ERR_SESSION_ENDED);
        assert_int_equal(authenticate(f, &grant, &elsewhere, NULL), SG_ERR_SESSION_ENDED);
        await(&seen.noted, i + 1);
        assert_int_equal(seen.type, SG_AUDIT_SESSION_ENDED);
        assert_int_equal(seen.why, SG_ERR_ADDRESS_MISMATCH);
        assert_string_equal(seen.user, "ann");
        assert_string_equal(seen.address, ELSEWHERE);
        await(&seen.over, i + 1);
        assert_int_equal(authenticate(f, &grant, &fake_presented, NULL), SG_ERR_SESSION_ENDED);
        assert_int_equal(
            identity_refresh(f->id, grant.refresh_token, &fake_presented, NULL, 0, &next),
            SG_ERR_SESSION_ENDED);
    }
    bound_login(f, &grant);
    assert_int_equal(identity_refresh(f->id, grant.refresh_token, &elsewhere, NULL, 0, &next),
                     SG_ERR_ADDRESS_MISMATCH);
    assert_int_equal(authenticate(f, &grant, &fake_presented, NULL), SG_ERR_SESSION_ENDED);
    assert_int_equal(authenticate(f, &free_one, &fake_presented, NULL), SG_OK);
}

/* What must still be written down is, before the stores are closed. */
static void test_end_at_the_stop(void **state)
{
    struct fake_identity *f = *state;
    const struct presented elsewhere = {.address = ELSEWHERE};
    struct session_record session;
    struct grant grant[50];

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    for (int i = 0; i < 50; i++)
        bound_login(f, &grant[i]);
    for (int i = 0; i < 50; i++)
        assert_int_equal(authenticate(f, &grant[i], &elsewhere, NULL), SG_ERR_ADDRESS_MISMATCH);
    fake_identity_restart(f);
    for (int i = 0; i < 50; i++)
        assert_int_equal(identity_any_session(f->id, grant[i].session.id, &session),
                         SG_ERR_NOT_FOUND);
}

/* -- time -----------------------------------------------------------------------------------------
 */

static void test_expired(void **state)
{
    struct fake_identity *f = *state;
    struct principal who;
    struct grant grant, young;
    unsigned retry = 0;
    const struct login login = {.method = SG_METHOD_PASSWORD,
                                .username = "ann",
                                .password = FAKE_PASSWORD,
                                .with = &fake_presented,
                                .lifetime_s = 300};

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    assert_int_equal(identity_login(f->id, &login, &grant, &retry), SG_OK);
    fake_identity_login(f, "ann", &young);
    assert_in_range(grant.expires_in_s, 299, 300);
    assert_int_equal(authenticate(f, &grant, &fake_presented, &who), SG_OK);
    assert_int_equal(who.session_expires_s, grant.session.expires_ns / 1000000000);
    fake_identity_pass(301);
    assert_int_equal(authenticate(f, &grant, &fake_presented, NULL), SG_ERR_SESSION_EXPIRED);
    assert_int_equal(authenticate(f, &grant, &fake_presented, NULL), SG_ERR_SESSION_EXPIRED);
    assert_int_equal(authenticate(f, &young, &fake_presented, NULL), SG_OK);
    identity_prune(f->id);
    assert_int_equal(authenticate(f, &grant, &fake_presented, NULL), SG_ERR_SESSION_EXPIRED);
    fake_identity_pass(400);
    assert_int_equal(authenticate(f, &young, &fake_presented, NULL), SG_ERR_TOKEN_EXPIRED);
    fake_identity_pass(3600);
    identity_prune(f->id);
    assert_int_equal(authenticate(f, &grant, &fake_presented, NULL), SG_ERR_SESSION_ENDED);
    assert_int_equal(authenticate(f, &young, &fake_presented, NULL), SG_ERR_TOKEN_EXPIRED);
}

static void test_ends_are_told(void **state)
{
    struct fake_identity *f = *state;
    struct principal who;
    struct grant a, b, c;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    hook(f);
    fake_identity_login(f, "ann", &a);
    fake_identity_login(f, "ann", &b);
    assert_int_equal(authenticate(f, &a, &fake_presented, &who), SG_OK);
    assert_int_equal(identity_logout(f->id, &who, a.session.id), SG_OK);
    assert_int_equal(atomic_load(&seen.over), 1);
    assert_int_equal(atomic_load(&seen.noted), 0); /* by its user: noted where it was asked for */
    assert_int_equal(fake_identity_refresh(f, b.refresh_token, &c), SG_OK);
    assert_int_equal(fake_identity_refresh(f, c.refresh_token, &c), SG_OK);
    assert_int_equal(fake_identity_refresh(f, b.refresh_token, &c), SG_ERR_SESSION_ENDED);
    assert_int_equal(atomic_load(&seen.over), 2);
    assert_int_equal(atomic_load(&seen.noted), 1);
    assert_int_equal(seen.type, SG_AUDIT_REFRESH_REUSED);

    /* All of a user's: by a new password (but the own one), by a block, by removal. */
    const bool yes = true;
    struct user_record user;
    unsigned retry = 0;
    for (int i = 0; i < 3; i++)
        fake_identity_login(f, "ann", &a);
    assert_int_equal(authenticate(f, &a, &fake_presented, &who), SG_OK);
    assert_int_equal(identity_change_password(f->id, &who, FAKE_PASSWORD, "another good one",
                                              FAKE_ADDRESS, &retry),
                     SG_OK);
    assert_int_equal(atomic_load(&seen.over), 4);
    assert_int_equal(identity_update_user(f->id, "ann", NULL, &yes, &user), SG_OK);
    assert_int_equal(atomic_load(&seen.over), 5);
    fake_identity_add(f, "bob", SG_ROLE_MEMBER, NULL);
    fake_identity_login(f, "bob", &b);
    assert_int_equal(identity_remove_user(f->id, "bob"), SG_OK);
    assert_int_equal(atomic_load(&seen.over), 6);
}

/* Every request copies it. */
static void test_size(void **state)
{
    (void)state;
    assert_true(sizeof(struct principal) <= 800);
}

struct ended_by {
    struct fake_identity *f;
    const uint8_t *session_id;
    enum sg_err result;
};

static enum sg_err end_one(void *ctx)
{
    const struct ended_by *by = ctx;

    if (by->result == SG_OK)
        assert_int_equal(by->f->sessions.vt->remove(by->f->sessions.self, by->session_id, 0),
                         SG_OK);
    return by->result;
}

/* What something else ends in the store is told, once; what it left alone goes on. */
static void test_ended_by_others(void **state)
{
    struct fake_identity *f = *state;
    struct user_record ann;
    struct grant gone, kept;
    struct ended_by by = {.f = f, .session_id = gone.session.id, .result = SG_ERR_NOT_FOUND};

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, &ann);
    hook(f);
    fake_identity_login(f, "ann", &gone);
    fake_identity_login(f, "ann", &kept);
    assert_int_equal(authenticate(f, &gone, &fake_presented, NULL), SG_OK); /* is remembered */
    assert_int_equal(identity_ending_by(f->id, ann.id, end_one, &by), SG_ERR_NOT_FOUND);
    assert_int_equal(atomic_load(&seen.over), 0);
    by.result = SG_OK;
    assert_int_equal(identity_ending_by(f->id, ann.id, end_one, &by), SG_OK);
    assert_int_equal(atomic_load(&seen.over), 1);
    assert_int_equal(authenticate(f, &gone, &fake_presented, NULL), SG_ERR_SESSION_ENDED);
    assert_int_equal(authenticate(f, &kept, &fake_presented, NULL), SG_OK);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fake_identity_set_up, fake_identity_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_methods_without_password),
        TEST(test_refresh_with_fewer_scopes),
        TEST(test_certificate),
        TEST(test_key),
        TEST(test_address),
        TEST(test_end_at_the_stop),
        TEST(test_expired),
        TEST(test_ends_are_told),
        TEST(test_ended_by_others),
        TEST(test_size),
    };
    int failed =
        cmocka_run_group_tests_name("memory", tests, fake_identity_group, fake_identity_group_end);

    return failed + cmocka_run_group_tests_name("SQLite", tests, fake_identity_group_sqlite,
                                                fake_identity_group_end);
}
