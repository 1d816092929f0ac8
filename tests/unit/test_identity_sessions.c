/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: login and its throttling, password change, refresh with rotation and reuse, end of
 * sessions. */
#include "fake_identity.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/metrics.h"
#include "core/refresh.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* -- login ----------------------------------------------------------------------------------------
 */

static void test_login(void **state)
{
    struct fake_identity *f = *state;
    static const uint8_t zero[32];
    struct grant grant;
    struct principal who;
    unsigned retry = 0;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    assert_int_equal(fake_identity_password(f, "ann", FAKE_PASSWORD, "2001:db8::7", "Ann's laptop",
                                            "aa:bb:cc:dd:ee:0F", &grant, &retry),
                     SG_OK);
    assert_string_equal(grant.user.name, "ann");
    assert_string_equal(grant.user.password_hash, "");
    assert_string_equal(grant.session.address, "2001:db8::7");
    assert_string_equal(grant.session.device_name, "Ann's laptop");
    assert_string_equal(grant.session.device_mac, "aa:bb:cc:dd:ee:0F");
    assert_int_equal(grant.session.sequence, 1);
    assert_memory_equal(grant.session.family_key, zero, 32);
    assert_memory_equal(grant.session.current_sha256, zero, 32);
    assert_int_equal(grant.session.expires_ns - grant.session.created_ns,
                     INT64_C(30) * 24 * 3600 * SG_NS_PER_S);
    assert_int_equal(grant.expires_in_s, 600);
    assert_string_equal(grant.scope, "files:read files:write chat:read chat:write sign verify");
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, &who), SG_OK);
    assert_string_equal(who.user, "ann");
    assert_memory_equal(who.session_id, grant.session.id, SG_SESSION_ID_SIZE);
    fake_identity_add(f, "root", SG_ROLE_ADMIN, NULL);
    fake_identity_login(f, "root", &grant);
    assert_string_equal(grant.scope,
                        "files:read files:write chat:read chat:write sign verify admin");
}

static void test_bad_device(void **state)
{
    struct fake_identity *f = *state;
    static const char *const macs[] = {"aa:bb:cc:dd:ee", "aa-bb-cc-dd-ee-ff", "aa:bb:cc:dd:ee:fg",
                                       "aa:bb:cc:dd:ee:ff:00"};
    char name[SG_DEVICE_NAME_SIZE + 1];
    struct grant grant;
    unsigned retry;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(
        fake_identity_password(f, "ann", FAKE_PASSWORD, FAKE_ADDRESS, name, NULL, &grant, &retry),
        SG_ERR_BAD_FIELD);
    assert_int_equal(fake_identity_password(f, "ann", FAKE_PASSWORD, FAKE_ADDRESS, "a\xff", NULL,
                                            &grant, &retry),
                     SG_ERR_BAD_FIELD);
    assert_int_equal(
        fake_identity_password(f, "ann", FAKE_PASSWORD, FAKE_ADDRESS, "a\nb", NULL, &grant, &retry),
        SG_ERR_BAD_FIELD);
    for (size_t i = 0; i < sizeof macs / sizeof macs[0]; i++)
        assert_int_equal(fake_identity_password(f, "ann", FAKE_PASSWORD, FAKE_ADDRESS, NULL,
                                                macs[i], &grant, &retry),
                         SG_ERR_BAD_FIELD);
}

static void test_wrong_credentials_look_alike(void **state)
{
    struct fake_identity *f = *state;
    const bool yes = true;
    struct user_record user;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    assert_int_equal(fake_identity_try(f, "ann", "wrong password", FAKE_ADDRESS),
                     SG_ERR_BAD_CREDENTIALS);
    assert_int_equal(fake_identity_try(f, "nobody", "wrong password", FAKE_ADDRESS),
                     SG_ERR_BAD_CREDENTIALS);
    assert_int_equal(fake_identity_try(f, "Not A Name/\x01", "wrong password", FAKE_ADDRESS),
                     SG_ERR_BAD_CREDENTIALS);
    assert_int_equal(identity_update_user(f->id, "ann", NULL, &yes, &user), SG_OK);
    assert_int_equal(fake_identity_try(f, "ann", "wrong password", FAKE_ADDRESS),
                     SG_ERR_BAD_CREDENTIALS);
    assert_int_equal(fake_identity_try(f, "ann", FAKE_PASSWORD, FAKE_ADDRESS),
                     SG_ERR_USER_DISABLED);
}

static void test_throttled_owner_is_not_locked_out(void **state)
{
    struct fake_identity *f = *state;
    struct grant grant;
    char address[32];
    int64_t throttled = metrics_get(SG_METRIC_LOGIN_THROTTLED);

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    fake_identity_login(f, "ann", &grant);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fake_identity_try(f, "ann", "wrong password", "203.0.113.5"),
                         SG_ERR_BAD_CREDENTIALS);
    assert_int_equal(fake_identity_try(f, "ann", FAKE_PASSWORD, "203.0.113.5"), SG_ERR_THROTTLED);
    assert_int_equal(metrics_get(SG_METRIC_LOGIN_THROTTLED), throttled + 1);
    for (int i = 0; i < 15; i++) {
        (void)snprintf(address, sizeof address, "198.51.100.%d", i);
        assert_int_equal(fake_identity_try(f, "ann", "wrong password", address),
                         SG_ERR_BAD_CREDENTIALS);
    }
    /* Now the name is closed to strangers' addresses, but not to the owner's. */
    assert_int_equal(fake_identity_try(f, "ann", FAKE_PASSWORD, "203.0.113.77"), SG_ERR_THROTTLED);
    assert_int_equal(fake_identity_try(f, "ann", FAKE_PASSWORD, FAKE_ADDRESS), SG_OK);
    fake_identity_pass(61);
    assert_int_equal(fake_identity_try(f, "ann", FAKE_PASSWORD, "203.0.113.77"), SG_OK);
}

static void test_rehash(void **state)
{
    struct fake_identity *f = *state;
    struct user_record user;
    struct grant before, after;

    if (f->users.vt->replace_hash == NULL)
        return; /* an engine need not */
    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    fake_identity_login(f, "ann", &before);
    f->config.argon2_passes = 2;
    fake_identity_restart(f);
    fake_identity_login(f, "ann", &after);
    assert_int_equal(f->users.vt->get_by_name(f->users.self, "ann", &user), SG_OK);
    assert_memory_equal(user.password_hash, "$argon2id$v=19$m=64,t=2,p=1$", 28);
    assert_int_equal(fake_identity_authenticate(f, before.access_token, NULL), SG_OK);
    fake_identity_login(f, "ann", &after);
}

/* -- races between the check of a password and the session ----------------------------------------
 */

struct race {
    struct fake_identity *f;
    int64_t user_id;
};

static void block_user(void *ctx)
{
    struct race *r = ctx;
    const bool yes = true;
    struct user_record user;
    enum sg_err err = identity_update_user(r->f->id, "ann", NULL, &yes, &user);
    (void)err;
}

static void remove_user(void *ctx)
{
    struct race *r = ctx;
    enum sg_err err = identity_remove_user(r->f->id, "ann");
    (void)err;
}

static void new_password(void *ctx)
{
    static const char other[] = "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    struct race *r = ctx;
    enum sg_err err = r->f->users.vt->set_password(r->f->users.self, r->user_id, other, NULL);
    (void)err;
}

static void test_login_loses_to_loss_of_rights(void **state)
{
    struct fake_identity *f = *state;
    static void (*const hooks[])(void *) = {new_password, block_user, remove_user};
    static const enum sg_err expected[] = {SG_ERR_BAD_CREDENTIALS, SG_ERR_USER_DISABLED,
                                           SG_ERR_BAD_CREDENTIALS};
    struct session_record list[4];
    struct user_record user;
    size_t count = 0;

    for (size_t i = 0; i < 3; i++) {
        struct race race = {.f = f};

        fake_identity_add(f, "ann", SG_ROLE_MEMBER, &user);
        race.user_id = user.id;
        fake_store_before_session(f->memory, hooks[i], &race);
        assert_int_equal(fake_identity_try(f, "ann", FAKE_PASSWORD, FAKE_ADDRESS), expected[i]);
        assert_int_equal(f->sessions.vt->list(f->sessions.self, user.id, 4, list, &count), SG_OK);
        assert_int_equal(count, 0);
        remove_user(&race);
    }
}

/* -- password change ------------------------------------------------------------------------------
 */

static void test_change_password(void **state)
{
    struct fake_identity *f = *state;
    struct grant mine, other;
    struct principal who;
    unsigned retry = 0;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    fake_identity_login(f, "ann", &mine);
    fake_identity_login(f, "ann", &other);
    assert_int_equal(fake_identity_authenticate(f, mine.access_token, &who), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, other.access_token, NULL), SG_OK);
    assert_int_equal(
        identity_change_password(f->id, &who, FAKE_PASSWORD, "short", FAKE_ADDRESS, &retry),
        SG_ERR_BAD_FIELD);
    assert_int_equal(identity_change_password(f->id, &who, "wrong password", "another password",
                                              FAKE_ADDRESS, &retry),
                     SG_ERR_BAD_CREDENTIALS);
    assert_int_equal(identity_change_password(f->id, &who, FAKE_PASSWORD, "another password",
                                              FAKE_ADDRESS, &retry),
                     SG_OK);
    assert_int_equal(fake_identity_authenticate(f, mine.access_token, NULL), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, other.access_token, NULL), SG_ERR_SESSION_ENDED);
    assert_int_equal(fake_identity_try(f, "ann", FAKE_PASSWORD, FAKE_ADDRESS),
                     SG_ERR_BAD_CREDENTIALS);
    assert_int_equal(fake_identity_try(f, "ann", "another password", FAKE_ADDRESS), SG_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(identity_change_password(f->id, &who, "wrong password", "another password",
                                                  FAKE_ADDRESS, &retry),
                         SG_ERR_BAD_CREDENTIALS);
    assert_int_equal(identity_change_password(f->id, &who, "another password", "third password",
                                              FAKE_ADDRESS, &retry),
                     SG_ERR_THROTTLED);
    assert_int_equal(retry, 1);
}

/* -- refresh --------------------------------------------------------------------------------------
 */

static void test_rotation(void **state)
{
    struct fake_identity *f = *state;
    struct grant first, second, again, third;
    int64_t reuse = metrics_get(SG_METRIC_REFRESH_REUSE);

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    fake_identity_login(f, "ann", &first);
    assert_int_equal(fake_identity_refresh(f, first.refresh_token, &second), SG_OK);
    assert_string_not_equal(first.refresh_token, second.refresh_token);
    assert_string_not_equal(first.access_token, second.access_token);
    assert_string_equal(second.user.name, "ann");
    assert_memory_equal(second.session.id, first.session.id, SG_SESSION_ID_SIZE);
    /* The old one still works, with the same successor, until that is used. */
    assert_int_equal(fake_identity_refresh(f, first.refresh_token, &again), SG_OK);
    assert_string_equal(again.refresh_token, second.refresh_token);
    assert_int_equal(fake_identity_refresh(f, second.refresh_token, &third), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, first.access_token, NULL), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, third.access_token, NULL), SG_OK);
    /* Now it is a reuse: the family ends, at once. */
    assert_int_equal(fake_identity_refresh(f, first.refresh_token, &again), SG_ERR_SESSION_ENDED);
    assert_int_equal(metrics_get(SG_METRIC_REFRESH_REUSE), reuse + 1);
    assert_string_equal(again.refresh_token, "");
    assert_int_equal(fake_identity_refresh(f, third.refresh_token, &again), SG_ERR_SESSION_ENDED);
    assert_int_equal(fake_identity_authenticate(f, first.access_token, NULL), SG_ERR_SESSION_ENDED);
    assert_int_equal(fake_identity_authenticate(f, third.access_token, NULL), SG_ERR_SESSION_ENDED);
}

static void test_rotation_survives_restart(void **state)
{
    struct fake_identity *f = *state;
    struct grant first, second, again;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    fake_identity_login(f, "ann", &first);
    assert_int_equal(fake_identity_refresh(f, first.refresh_token, &second), SG_OK);
    fake_identity_restart(f);
    assert_int_equal(fake_identity_refresh(f, first.refresh_token, &again), SG_OK);
    assert_string_equal(again.refresh_token, second.refresh_token);
    assert_int_equal(fake_identity_refresh(f, second.refresh_token, &again), SG_OK);
}

static void test_forged_changes_nothing(void **state)
{
    struct fake_identity *f = *state;
    struct refresh_token token;
    struct grant first, out;
    char forged[SG_REFRESH_TOKEN_SIZE];

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    fake_identity_login(f, "ann", &first);
    assert_int_equal(refresh_parse(first.refresh_token, &token), SG_OK);
    token.secret[0] ^= 1;
    refresh_format(&token, forged);
    assert_int_equal(fake_identity_refresh(f, forged, &out), SG_ERR_TOKEN_INVALID);
    token.session_id[0] ^= 1;
    refresh_format(&token, forged);
    assert_int_equal(fake_identity_refresh(f, forged, &out), SG_ERR_SESSION_ENDED);
    assert_int_equal(fake_identity_refresh(f, "", &out), SG_ERR_TOKEN_INVALID);
    assert_int_equal(fake_identity_refresh(f, first.access_token, &out), SG_ERR_TOKEN_INVALID);
    assert_int_equal(fake_identity_authenticate(f, first.refresh_token, NULL),
                     SG_ERR_TOKEN_INVALID);
    assert_int_equal(fake_identity_refresh(f, first.refresh_token, &out), SG_OK);
}

static void test_refresh_of_the_lost(void **state)
{
    struct fake_identity *f = *state;
    const bool yes = true;
    struct grant grant, out, late;
    struct principal who;
    struct user_record user;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    fake_identity_login(f, "ann", &grant);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, &who), SG_OK);
    assert_int_equal(identity_logout(f->id, &who, grant.session.id), SG_OK);
    assert_int_equal(fake_identity_refresh(f, grant.refresh_token, &out), SG_ERR_SESSION_ENDED);

    fake_identity_login(f, "ann", &grant);
    fake_identity_pass(30 * 24 * 3600 - 100);
    assert_int_equal(fake_identity_refresh(f, grant.refresh_token, &out), SG_OK);
    assert_in_range(out.expires_in_s, 90, 100); /* never longer than the session */
    fake_identity_pass(101);
    assert_int_equal(fake_identity_refresh(f, out.refresh_token, &late), SG_ERR_SESSION_EXPIRED);
    identity_prune(f->id);
    assert_int_equal(fake_identity_refresh(f, out.refresh_token, &late), SG_ERR_SESSION_EXPIRED);
    fake_identity_pass(3601); /* then it is as if it had never been */
    identity_prune(f->id);
    assert_int_equal(fake_identity_refresh(f, out.refresh_token, &late), SG_ERR_SESSION_ENDED);

    fake_identity_login(f, "ann", &grant);
    assert_int_equal(identity_update_user(f->id, "ann", NULL, &yes, &user), SG_OK);
    assert_int_equal(fake_identity_refresh(f, grant.refresh_token, &out), SG_ERR_SESSION_ENDED);
}

static void test_refresh_while_the_keyring_is_away(void **state)
{
    struct fake_identity *f = *state;
    struct grant grant, out;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    fake_identity_login(f, "ann", &grant);
    fake_keyring_set_down(f->keyring, true);
    assert_int_equal(fake_identity_refresh(f, grant.refresh_token, &out), SG_ERR_UNAVAILABLE);
    assert_int_equal(fake_identity_try(f, "ann", FAKE_PASSWORD, FAKE_ADDRESS), SG_ERR_UNAVAILABLE);
    fake_keyring_set_down(f->keyring, false);
    assert_int_equal(fake_identity_refresh(f, grant.refresh_token, &out), SG_OK);
}

#define PARALLEL 20
struct refresher {
    struct fake_identity *f;
    const char *token;
    struct grant grant;
    enum sg_err err;
};

static void *refresh_in_thread(void *arg)
{
    struct refresher *r = arg;

    r->err = identity_refresh(r->f->id, r->token, &fake_presented, NULL, 0, &r->grant);
    return NULL;
}

static void test_parallel_refreshes(void **state)
{
    struct fake_identity *f = *state;
    static struct refresher r[PARALLEL];
    pthread_t thread[PARALLEL];
    struct grant grant;
    char token[SG_REFRESH_TOKEN_SIZE];

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    fake_identity_login(f, "ann", &grant);
    memcpy(token, grant.refresh_token, sizeof token);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < PARALLEL; i++) {
            r[i] = (struct refresher){.f = f, .token = token, .err = SG_ERR_INTERNAL};
            assert_int_equal(pthread_create(&thread[i], NULL, refresh_in_thread, &r[i]), 0);
        }
        for (int i = 0; i < PARALLEL; i++)
            pthread_join(thread[i], NULL);
        for (int i = 0; i < PARALLEL; i++) {
            assert_int_equal(r[i].err, SG_OK);
            assert_string_equal(r[i].grant.refresh_token, r[0].grant.refresh_token);
            assert_int_equal(fake_identity_authenticate(f, r[i].grant.access_token, NULL), SG_OK);
        }
        memcpy(token, r[0].grant.refresh_token, sizeof token);
    }
}

/* -- list and end ---------------------------------------------------------------------------------
 */

static void test_list_and_end(void **state)
{
    struct fake_identity *f = *state;
    static const uint8_t zero[32];
    struct grant a, b, stranger;
    struct principal who, bob;
    struct session_record list[8], one;
    size_t count = 0;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    fake_identity_add(f, "bob", SG_ROLE_MEMBER, NULL);
    fake_identity_login(f, "ann", &a);
    fake_identity_pass(1);
    fake_identity_login(f, "ann", &b);
    fake_identity_login(f, "bob", &stranger);
    assert_int_equal(fake_identity_authenticate(f, a.access_token, &who), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, stranger.access_token, &bob), SG_OK);
    assert_int_equal(identity_sessions(f->id, &who, 8, list, &count), SG_OK);
    assert_int_equal(count, 2);
    assert_memory_equal(list[0].id, b.session.id, SG_SESSION_ID_SIZE);
    assert_memory_equal(list[0].family_key, zero, 32);
    assert_memory_equal(list[1].current_sha256, zero, 32);
    assert_int_equal(identity_session(f->id, &who, b.session.id, &one), SG_OK);
    assert_memory_equal(one.family_key, zero, 32);
    assert_int_equal(identity_session(f->id, &bob, b.session.id, &one), SG_ERR_NOT_FOUND);
    assert_int_equal(identity_logout(f->id, &bob, b.session.id), SG_ERR_NOT_FOUND);
    assert_int_equal(identity_logout(f->id, &who, b.session.id), SG_OK);
    assert_int_equal(identity_logout(f->id, &who, b.session.id), SG_ERR_NOT_FOUND);
    assert_int_equal(identity_sessions(f->id, &who, 8, list, &count), SG_OK);
    assert_int_equal(count, 1);
    fake_identity_pass(31 * 24 * 3600);
    assert_int_equal(identity_sessions(f->id, &who, 8, list, &count), SG_OK);
    assert_int_equal(count, 0);
    assert_int_equal(identity_session(f->id, &who, a.session.id, &one), SG_ERR_NOT_FOUND);
}

static void test_too_many(void **state)
{
    struct fake_identity *f = *state;
    const size_t over = 5;
    struct session_record session = {.address = FAKE_ADDRESS, .expires_ns = INT64_MAX};
    struct grant first, last;
    struct user_record user;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, &user);
    fake_identity_login(f, "ann", &first);
    assert_int_equal(fake_identity_authenticate(f, first.access_token, NULL), SG_OK);
    session.user_id = user.id;
    for (size_t i = 0; i < SG_SESSIONS_PER_USER + over - 2; i++) {
        session.id[0] = (uint8_t)i;
        session.id[1] = (uint8_t)(i >> 8);
        session.created_ns = clock_now_ns();
        assert_int_equal(f->sessions.vt->create(f->sessions.self, &session, NULL), SG_OK);
    }
    fake_identity_login(f, "ann", &last);
    assert_int_equal(fake_identity_authenticate(f, first.access_token, NULL), SG_ERR_SESSION_ENDED);
    assert_int_equal(fake_identity_authenticate(f, last.access_token, NULL), SG_OK);
    session.id[0] = (uint8_t)(over - 2);
    session.id[1] = 0;
    assert_int_equal(f->sessions.vt->get(f->sessions.self, session.id, &session), SG_ERR_NOT_FOUND);
    session.id[0]++;
    assert_int_equal(f->sessions.vt->get(f->sessions.self, session.id, &session), SG_OK);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fake_identity_set_up, fake_identity_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_login),
        TEST(test_bad_device),
        TEST(test_wrong_credentials_look_alike),
        TEST(test_throttled_owner_is_not_locked_out),
        TEST(test_rehash),
        TEST(test_change_password),
        TEST(test_rotation),
        TEST(test_rotation_survives_restart),
        TEST(test_forged_changes_nothing),
        TEST(test_refresh_of_the_lost),
        TEST(test_refresh_while_the_keyring_is_away),
        TEST(test_parallel_refreshes),
        TEST(test_list_and_end),
        TEST(test_too_many),
    };
    const struct CMUnitTest hooked[] = {
        TEST(test_login_loses_to_loss_of_rights),
    };
    int failed = cmocka_run_group_tests_name("identity sessions, races", hooked,
                                             fake_identity_group, fake_identity_group_end);

    failed += cmocka_run_group_tests_name("identity sessions, in memory", tests,
                                          fake_identity_group, fake_identity_group_end);

    return failed + cmocka_run_group_tests_name("identity sessions, SQLite", tests,
                                                fake_identity_group_sqlite,
                                                fake_identity_group_end);
}
