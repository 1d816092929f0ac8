/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever watches hears of every loss of rights, after the commit and before the answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fake_identity.h"

static struct {
    struct fake_identity *f;
    unsigned calls;
    int64_t user_id;
    const uint8_t *session_id; /* whose end is to be seen in the store by then; NULL: none */
} heard;

static void changed(void *ctx, int64_t user_id)
{
    struct session_record session;

    assert_ptr_equal(ctx, &heard);
    heard.calls++;
    heard.user_id = user_id;
    if (heard.session_id != NULL)
        assert_int_equal(
            heard.f->sessions.vt->get(heard.f->sessions.self, heard.session_id, &session),
            SG_ERR_NOT_FOUND);
}

/* Forgets what was heard; `session` is expected to end, unless NULL. */
static void listen(struct fake_identity *f, const struct grant *session)
{
    memset(&heard, 0, sizeof heard);
    heard.f = f;
    heard.session_id = session == NULL ? NULL : session->session.id;
    identity_watch(f->id, changed, &heard);
}

static void assert_heard(int64_t user_id)
{
    assert_int_equal(heard.calls, 1);
    assert_int_equal(heard.user_id, user_id);
    heard.calls = 0;
}

static struct principal principal(struct fake_identity *f, const struct grant *grant)
{
    struct principal who;

    assert_int_equal(fake_identity_authenticate(f, grant->access_token, &who), SG_OK);
    return who;
}

static void test_sessions(void **state)
{
    struct fake_identity *f = *state;
    struct user_record user;
    struct grant first, second, third;
    struct principal who;
    unsigned retry = 0;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, &user);
    fake_identity_login(f, "ann", &first);
    fake_identity_login(f, "ann", &second);
    who = principal(f, &first);

    listen(f, &second);
    assert_int_equal(identity_logout(f->id, &who, second.session.id), SG_OK);
    assert_heard(user.id);
    assert_int_equal(identity_logout(f->id, &who, second.session.id), SG_ERR_NOT_FOUND);
    assert_int_equal(heard.calls, 0);

    fake_identity_login(f, "ann", &second);
    assert_int_equal(heard.calls, 0);
    listen(f, &second);
    assert_int_equal(identity_change_password(f->id, &who, FAKE_PASSWORD, "another long password",
                                              FAKE_ADDRESS, &retry),
                     SG_OK);
    assert_heard(user.id);

    /* A refresh token that is used again ends its family. */
    assert_int_equal(
        identity_refresh(f->id, first.refresh_token, &fake_presented, NULL, 0, &second), SG_OK);
    assert_int_equal(
        identity_refresh(f->id, second.refresh_token, &fake_presented, NULL, 0, &third), SG_OK);
    assert_int_equal(heard.calls, 0);
    listen(f, &first);
    assert_int_equal(identity_refresh(f->id, first.refresh_token, &fake_presented, NULL, 0, &third),
                     SG_ERR_SESSION_ENDED);
    assert_heard(user.id);
}

static void test_users(void **state)
{
    const enum user_role guest = SG_ROLE_GUEST;
    const bool disabled = true;
    struct fake_identity *f = *state;
    struct user_record user, changed_user;
    struct principal who;
    struct grant grant;

    fake_identity_add(f, "root", SG_ROLE_ADMIN, NULL);
    fake_identity_add(f, "ann", SG_ROLE_MEMBER, &user);
    fake_identity_login(f, "ann", &grant);
    who = principal(f, &grant);
    listen(f, NULL);
    assert_int_equal(identity_update_user(f->id, "ann", &guest, NULL, &changed_user), SG_OK);
    assert_heard(user.id);
    assert_int_equal(identity_why_ended(f->id, &who), SG_ERR_SESSION_ENDED);

    listen(f, &grant);
    assert_int_equal(identity_update_user(f->id, "ann", NULL, &disabled, &changed_user), SG_OK);
    assert_heard(user.id);
    assert_int_equal(identity_why_ended(f->id, &who), SG_ERR_USER_DISABLED);

    assert_int_equal(identity_remove_user(f->id, "root"), SG_ERR_LAST_ADMIN);
    assert_int_equal(heard.calls, 0);
    assert_int_equal(identity_remove_user(f->id, "ann"), SG_OK);
    assert_heard(0); /* others are concerned, too */
    assert_int_equal(identity_why_ended(f->id, &who), SG_ERR_SESSION_ENDED);
}

/* A login beyond the limit ends the oldest session. */
static void test_oldest(void **state)
{
    struct fake_identity *f = *state;
    struct session_record session = {.expires_ns = INT64_MAX};
    struct user_record user;
    struct grant oldest, grant;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, &user);
    fake_identity_login(f, "ann", &oldest);
    session.user_id = user.id;
    for (unsigned i = 1; i < SG_SESSIONS_PER_USER; i++) {
        memcpy(session.id, &i, sizeof i);
        session.created_ns = oldest.session.created_ns + (int64_t)i;
        assert_int_equal(f->sessions.vt->create(f->sessions.self, &session, NULL), SG_OK);
    }
    listen(f, &oldest);
    fake_identity_pass(1);
    fake_identity_login(f, "ann", &grant);
    assert_heard(user.id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sessions, fake_identity_set_up,
                                        fake_identity_tear_down),
        cmocka_unit_test_setup_teardown(test_users, fake_identity_set_up, fake_identity_tear_down),
        cmocka_unit_test_setup_teardown(test_oldest, fake_identity_set_up, fake_identity_tear_down),
    };
    int failed = cmocka_run_group_tests_name("identity-watch (memory)", tests, fake_identity_group,
                                             fake_identity_group_end);

    return failed + cmocka_run_group_tests_name("identity-watch (sqlite)", tests,
                                                fake_identity_group_sqlite,
                                                fake_identity_group_end);
}
