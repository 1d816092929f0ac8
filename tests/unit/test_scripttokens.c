/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens for scripts: their text, their rights, where they count, and their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"
#include "core/scripttokens.h"
#include "fake_identity.h"
#include "store/sqlite.h"

#define DAY 86400

/* A user who has logged in. */
static struct principal log_in(struct fake_identity *f, const char *name, enum user_role role)
{
    struct principal who;
    struct grant grant;

    fake_identity_add(f, name, role, NULL);
    fake_identity_login(f, name, &grant);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, &who), SG_OK);
    assert_int_equal(who.authority, SG_AUTHORITY_LOGIN);
    return who;
}

static struct token_record order(const char *name, unsigned scopes)
{
    struct token_record token = {.scopes = scopes};

    (void)snprintf(token.name, sizeof token.name, "%s", name);
    return token;
}

static enum sg_err create(struct fake_identity *f, const struct principal *who,
                          struct token_record *token, char text[SG_SCRIPT_TOKEN_SIZE])
{
    const char *reason = NULL;
    enum sg_err err = scripttokens_create(f->id, who, DAY, token, text, &reason);

    assert_int_equal(err == SG_ERR_BAD_FIELD, reason != NULL);
    return err;
}

/* -- text -----------------------------------------------------------------------------------------
 */

static void test_text(void **state)
{
    uint8_t random[32];
    char text[SG_SCRIPT_TOKEN_SIZE], bad[SG_SCRIPT_TOKEN_SIZE];
    const size_t len = SG_SCRIPT_TOKEN_SIZE - 1;

    (void)state;
    memset(random, 0, sizeof random);
    scripttokens_format(random, text);
    /* A known answer: what others compute must not change. */
    assert_string_equal(text, "sgp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAv_x_Yy");
    assert_int_equal(strlen(text), len);
    assert_true(scripttokens_is(text, len));
    assert_true(scripttokens_form_ok(text, len));
    for (size_t i = 0; i < len; i++) {
        memcpy(bad, text, sizeof bad);
        bad[i] = bad[i] == 'B' ? 'C' : 'B';
        assert_false(scripttokens_form_ok(bad, len));
    }
    assert_false(scripttokens_form_ok(text, len - 1));
    assert_false(scripttokens_form_ok("", 0));
    assert_false(scripttokens_is("sgp", 3));
    assert_false(scripttokens_is("sgr_xxxx", 8));
}

/* -- making ---------------------------------------------------------------------------------------
 */

static void test_make_and_use(void **state)
{
    struct fake_identity *f = *state;
    struct principal ann = log_in(f, "ann", SG_ROLE_MEMBER), who;
    struct token_record token = order("build", SG_SCOPE_FILES_READ | SG_SCOPE_SIGN);
    char text[SG_SCRIPT_TOKEN_SIZE];

    token.spaces_only = token.keys_only = true;
    token.space[token.space_count++] = 7;
    token.space[token.space_count++] = 9;
    (void)strcpy(token.key[token.key_count++], "nightly");
    assert_int_equal(create(f, &ann, &token, text), SG_OK);
    for (int i = 0; i < 2; i++) { /* new, and remembered */
        assert_int_equal(fake_identity_authenticate(f, text, &who), SG_OK);
        assert_int_equal(who.authority, SG_AUTHORITY_SCRIPT);
        assert_true(who.scripted);
        assert_true(who.narrowed);
        assert_int_equal(who.user_id, ann.user_id);
        assert_string_equal(who.user, "ann");
        assert_int_equal(who.scopes, SG_SCOPE_FILES_READ | SG_SCOPE_SIGN);
        assert_memory_equal(who.token_id, token.id, sizeof token.id);
        assert_true(principal_may_space(&who, 7));
        assert_true(principal_may_space(&who, 9));
        assert_false(principal_may_space(&who, 8));
        assert_false(principal_may_space(&who, 0));
        assert_true(principal_may_key(&who, "nightly"));
        assert_false(principal_may_key(&who, "nightl"));
        assert_false(principal_may_key(&who, ""));
    }
    assert_true(principal_may_space(&ann, 8));
    assert_true(principal_may_key(&ann, "any"));
    /* Its digest alone opens nothing, nor does anything like it. */
    text[SG_SCRIPT_TOKEN_SIZE - 2] ^= 1;
    assert_int_equal(fake_identity_authenticate(f, text, &who), SG_ERR_TOKEN_INVALID);
}

static void test_empty_limits_are_nothing(void **state)
{
    struct fake_identity *f = *state;
    struct principal ann = log_in(f, "ann", SG_ROLE_MEMBER), who;
    struct token_record token = order("none", SG_SCOPE_FILES_READ);
    char text[SG_SCRIPT_TOKEN_SIZE];

    token.spaces_only = token.keys_only = true;
    assert_int_equal(create(f, &ann, &token, text), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, text, &who), SG_OK);
    for (int64_t id = -1; id < 20; id++)
        assert_false(principal_may_space(&who, id));
    assert_false(principal_may_key(&who, "k"));
}

static void test_refusals(void **state)
{
    struct fake_identity *f = *state;
    struct principal ann = log_in(f, "ann", SG_ROLE_MEMBER);
    struct token_record token;
    char text[SG_SCRIPT_TOKEN_SIZE], longest[100];
    const char *reason = NULL;
    static const char *const names[] = {"", "a\nb", "a\x7f", "\xc2\x80", "\xff", "a\xc3"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        token = order(names[i], SG_SCOPE_SIGN);
        assert_int_equal(create(f, &ann, &token, text), SG_ERR_BAD_FIELD);
    }
    memset(longest, 'x', sizeof longest);
    longest[65] = '\0';
    token = order(longest, SG_SCOPE_SIGN);
    assert_int_equal(create(f, &ann, &token, text), SG_ERR_BAD_FIELD);
    token = order("no scopes", 0);
    assert_int_equal(create(f, &ann, &token, text), SG_ERR_BAD_FIELD);
    token = order("too much", SG_SCOPE_SIGN | SG_SCOPE_ADMIN);
    assert_int_equal(create(f, &ann, &token, text), SG_ERR_FORBIDDEN);
    token = order("time", SG_SCOPE_SIGN);
    assert_int_equal(scripttokens_create(f->id, &ann, 59, &token, text, &reason), SG_ERR_BAD_FIELD);
    assert_int_equal(scripttokens_create(f->id, &ann, 367 * DAY, &token, text, &reason),
                     SG_ERR_BAD_FIELD);
    token = order("once", SG_SCOPE_SIGN);
    assert_int_equal(create(f, &ann, &token, text), SG_OK);
    token = order("once", SG_SCOPE_SIGN);
    assert_int_equal(create(f, &ann, &token, text), SG_ERR_NAME_TAKEN);
}

/* -- the end --------------------------------------------------------------------------------------
 */

static void test_end(void **state)
{
    struct fake_identity *f = *state;
    struct principal ann = log_in(f, "ann", SG_ROLE_MEMBER), bob = log_in(f, "bob", SG_ROLE_MEMBER);
    struct principal who;
    struct token_record token = order("t", SG_SCOPE_SIGN), gone, list[SG_SCRIPT_TOKENS_MAX];
    char text[SG_SCRIPT_TOKEN_SIZE];
    size_t count = 0;
    bool changed = false;

    assert_int_equal(create(f, &ann, &token, text), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, text, &who), SG_OK);
    assert_int_equal(scripttokens_remove(f->id, &bob, token.id, &gone), SG_ERR_NOT_FOUND);
    assert_int_equal(identity_confirm(f->id, &who, &changed), SG_OK);
    assert_int_equal(scripttokens_remove(f->id, &ann, token.id, &gone), SG_OK);
    assert_string_equal(gone.name, "t");
    assert_int_equal(fake_identity_authenticate(f, text, &who), SG_ERR_TOKEN_INVALID);
    assert_int_equal(identity_confirm(f->id, &who, &changed), SG_ERR_SESSION_ENDED);
    assert_int_equal(scripttokens_remove(f->id, &ann, token.id, &gone), SG_ERR_NOT_FOUND);

    token = order("short", SG_SCOPE_SIGN);
    assert_int_equal(create(f, &ann, &token, text), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, text, &who), SG_OK);
    fake_identity_pass(DAY + 1);
    assert_int_equal(fake_identity_authenticate(f, text, &who), SG_ERR_TOKEN_EXPIRED);
    assert_int_equal(scripttokens_list(f->id, &ann, list, &count), SG_OK);
    assert_int_equal(count, 0);
    /* The name is free again. */
    token = order("short", SG_SCOPE_SIGN);
    assert_int_equal(create(f, &ann, &token, text), SG_OK);
    fake_identity_restart(f);
    assert_int_equal(fake_identity_authenticate(f, text, &who), SG_OK);
}

static void test_with_its_user(void **state)
{
    struct fake_identity *f = *state;
    const enum user_role guest = SG_ROLE_GUEST, member = SG_ROLE_MEMBER;
    const bool yes = true, no = false;
    struct principal root = log_in(f, "root", SG_ROLE_ADMIN),
                     admin = log_in(f, "boss", SG_ROLE_ADMIN), who;
    struct token_record token = order("t", SG_SCOPE_ADMIN | SG_SCOPE_SIGN);
    struct user_record user;
    char text[SG_SCRIPT_TOKEN_SIZE];

    (void)root;
    assert_int_equal(create(f, &admin, &token, text), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, text, &who), SG_OK);
    assert_int_equal(who.scopes, SG_SCOPE_ADMIN | SG_SCOPE_SIGN);
    assert_int_equal(identity_update_user(f->id, "boss", &member, NULL, &user), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, text, &who), SG_OK);
    assert_int_equal(who.scopes, SG_SCOPE_SIGN); /* what the role allows */
    assert_int_equal(identity_update_user(f->id, "boss", &guest, NULL, &user), SG_OK);
    assert_int_equal(identity_update_user(f->id, "boss", NULL, &yes, &user), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, text, &who), SG_ERR_SESSION_ENDED);
    assert_int_equal(identity_update_user(f->id, "boss", NULL, &no, &user), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, text, &who), SG_OK);
    assert_int_equal(identity_remove_user(f->id, "boss"), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, text, &who), SG_ERR_TOKEN_INVALID);
}

static void test_last_use(void **state)
{
    struct fake_identity *f = *state;
    const struct timespec pause = {.tv_nsec = 1000000};
    struct principal ann = log_in(f, "ann", SG_ROLE_MEMBER), who;
    struct token_record token = order("t", SG_SCOPE_SIGN), list[SG_SCRIPT_TOKENS_MAX];
    char text[SG_SCRIPT_TOKEN_SIZE];
    size_t count = 0;

    assert_int_equal(create(f, &ann, &token, text), SG_OK);
    assert_int_equal(scripttokens_list(f->id, &ann, list, &count), SG_OK);
    assert_int_equal(list[0].last_used_ns, 0);
    assert_int_equal(fake_identity_authenticate(f, text, &who), SG_OK);
    for (int i = 0; i < 5000 && list[0].last_used_ns == 0; i++) {
        (void)nanosleep(&pause, NULL);
        assert_int_equal(scripttokens_list(f->id, &ann, list, &count), SG_OK);
    }
    assert_int_equal(count, 1);
    assert_string_equal(list[0].last_address, FAKE_ADDRESS);
    assert_true(clock_now_ns() - list[0].last_used_ns < 10 * SG_NS_PER_S);
}

static void test_many(void **state)
{
    struct fake_identity *f = *state;
    struct principal ann = log_in(f, "ann", SG_ROLE_MEMBER);
    struct token_record list[SG_SCRIPT_TOKENS_MAX], token;
    char text[SG_SCRIPT_TOKEN_SIZE], name[32];
    size_t count = 0;

    for (int i = 0; i < SG_SCRIPT_TOKENS_MAX; i++) {
        (void)snprintf(name, sizeof name, "t%03d", i);
        token = order(name, SG_SCOPE_SIGN);
        assert_int_equal(create(f, &ann, &token, text), SG_OK);
    }
    token = order("more", SG_SCOPE_SIGN);
    assert_int_equal(create(f, &ann, &token, text), SG_ERR_LIMIT);
    assert_int_equal(scripttokens_list(f->id, &ann, list, &count), SG_OK);
    assert_int_equal(count, SG_SCRIPT_TOKENS_MAX);
    assert_string_equal(list[0].name, "t000");
    assert_string_equal(list[99].name, "t099");
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fake_identity_set_up, fake_identity_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text), TEST(test_make_and_use), TEST(test_empty_limits_are_nothing),
        TEST(test_refusals),         TEST(test_end),          TEST(test_with_its_user),
        TEST(test_last_use),         TEST(test_many),
    };

    return cmocka_run_group_tests(tests, fake_identity_group_sqlite, fake_identity_group_end);
}
