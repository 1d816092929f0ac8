/* SPDX-License-Identifier: Apache-2.0 */
/* Users: names, passwords, setup code, sign-up in its modes, invites, changes. */
#include "fake_identity.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "core/invitecode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static enum sg_err sign_up(struct fake_identity *f, const char *name, const char *code)
{
    struct user_record user;
    unsigned retry = 0;
    enum sg_err err =
        identity_signup(f->id, name, FAKE_PASSWORD, code, FAKE_ADDRESS, &user, &retry);

    assert_true((err == SG_ERR_THROTTLED) == (retry > 0));
    if (err == SG_OK) {
        assert_string_equal(user.name, name);
        assert_string_equal(user.password_hash, "");
    }
    return err;
}

static void read_setup_code(struct fake_identity *f, char ret[SG_CODE_SIZE])
{
    struct stat st;
    struct buf b;

    assert_int_equal(stat(f->setup_file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    buf_init(&b, 64);
    assert_int_equal(file_read(f->setup_file, &b), SG_OK);
    assert_int_equal(b.len, 24);
    (void)snprintf(ret, SG_CODE_SIZE, "%.23s", buf_str(&b));
    buf_fini(&b);
}

static void test_names(void **state)
{
    static const char *const good[] = {
        "a", "0", "ann", "a.b-c_d", "x2345678901234567890123456789012", "mee", "m"};
    static const char *const bad[] = {
        "",    "me",  "Ann", ".a",    "-a",         "_a",
        "a b", "a/b", "~a",  "ann\n", "\xc3\xa4nn", "x23456789012345678901234567890123"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(identity_user_name_ok(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(identity_user_name_ok(bad[i]));
}

static void test_passwords(void **state)
{
    const char *reason = NULL;
    char text[2048];

    (void)state;
    assert_int_equal(identity_password_ok("ann", "123456789", &reason), SG_ERR_BAD_FIELD);
    assert_non_null(reason);
    assert_int_equal(identity_password_ok("ann", "1234567890", &reason), SG_OK);
    assert_int_equal(identity_password_ok("annabelle-lee", "annabelle-lee", &reason),
                     SG_ERR_BAD_FIELD);
    assert_int_equal(identity_password_ok("annabelle-lee", "Annabelle-Lee", &reason),
                     SG_ERR_BAD_FIELD);
    assert_int_equal(identity_password_ok("ann", "1234567890\xff", &reason), SG_ERR_BAD_FIELD);
    /* Characters count, not bytes. */
    assert_int_equal(
        identity_password_ok("ann", "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", &reason),
        SG_ERR_BAD_FIELD);
    text[0] = '\0';
    for (int i = 0; i < 256; i++)
        (void)strcat(text, "\xf0\x9f\x94\x91");
    assert_int_equal(identity_password_ok("ann", text, &reason), SG_OK);
    (void)strcat(text, "a");
    assert_int_equal(identity_password_ok("ann", text, &reason), SG_ERR_BAD_FIELD);
    memset(text, 'a', 257);
    text[257] = '\0';
    assert_int_equal(identity_password_ok("ann", text, &reason), SG_ERR_BAD_FIELD);
}

static void test_codes(void **state)
{
    uint8_t made[SG_DIGEST_SIZE], read[SG_DIGEST_SIZE], other[SG_DIGEST_SIZE];
    char code[SG_CODE_SIZE], again[SG_CODE_SIZE];

    (void)state;
    invitecode_make(code, made);
    invitecode_make(again, other);
    assert_string_not_equal(code, again);
    assert_int_equal(strlen(code), 23);
    assert_int_equal(invitecode_digest(code, read), SG_OK);
    assert_memory_equal(made, read, sizeof made);
    assert_int_equal(invitecode_digest("01ABC-DEFGH-JKMNP-QRSTV", made), SG_OK);
    assert_int_equal(invitecode_digest(" oiabcdefghjkmnpqrstv\n", read), SG_OK);
    assert_memory_equal(made, read, sizeof made);
    assert_int_equal(invitecode_digest("OLabc-defgh-jkmnp-qrstv", read), SG_OK);
    assert_memory_equal(made, read, sizeof made);
    assert_int_equal(invitecode_digest("01ABC-DEFGH-JKMNP-QRST", read), SG_ERR_BAD_CODE);
    assert_int_equal(invitecode_digest("01ABC-DEFGH-JKMNP-QRSTVW", read), SG_ERR_BAD_CODE);
    assert_int_equal(invitecode_digest("01ABC-DEFGH-JKMNP-QRSTU", read), SG_ERR_BAD_CODE);
    assert_int_equal(invitecode_digest("", read), SG_ERR_BAD_CODE);
}

static void test_setup_code(void **state)
{
    struct fake_identity *f = *state;
    char code[SG_CODE_SIZE], again[SG_CODE_SIZE];
    struct user_record user;
    unsigned retry;

    read_setup_code(f, code);
    fake_identity_restart(f); /* it stands */
    read_setup_code(f, again);
    assert_string_equal(code, again);
    assert_int_equal(sign_up(f, "ann", NULL), SG_ERR_SIGNUP_CLOSED);
    assert_int_equal(sign_up(f, "ann", "00000-00000-00000-00000"), SG_ERR_BAD_CODE);
    assert_int_equal(
        identity_signup(f->id, "ann", FAKE_PASSWORD, code, FAKE_ADDRESS, &user, &retry), SG_OK);
    assert_int_equal(user.role, SG_ROLE_ADMIN);
    assert_int_equal(access(f->setup_file, F_OK), -1);
    assert_int_equal(sign_up(f, "bob", code), SG_ERR_BAD_CODE);
    fake_identity_restart(f);
    assert_int_equal(access(f->setup_file, F_OK), -1);
}

static void test_setup_code_is_made_again(void **state)
{
    struct fake_identity *f = *state;
    char first[SG_CODE_SIZE], second[SG_CODE_SIZE];

    read_setup_code(f, first);
    assert_int_equal(unlink(f->setup_file), 0);
    fake_identity_restart(f);
    read_setup_code(f, second);
    assert_string_not_equal(first, second);
    assert_int_equal(sign_up(f, "ann", first), SG_ERR_BAD_CODE);
    /* A file that is not ours is replaced. */
    assert_int_equal(file_write_atomic(f->setup_file, "00000-00000-00000-00000\n", 24, 0600),
                     SG_OK);
    fake_identity_restart(f);
    read_setup_code(f, first);
    assert_string_not_equal(first, "00000-00000-00000-00000");
    assert_int_equal(sign_up(f, "ann", second), SG_ERR_BAD_CODE);
    assert_int_equal(sign_up(f, "ann", first), SG_OK);
}

static void test_setup_code_waits_for_an_admin(void **state)
{
    struct fake_identity *f = *state;
    char code[SG_CODE_SIZE];

    f->config.signup = SG_SIGNUP_OPEN;
    fake_identity_restart(f);
    assert_int_equal(sign_up(f, "bob", NULL), SG_OK);
    fake_identity_restart(f);
    read_setup_code(f, code);
    assert_int_equal(sign_up(f, "ann", code), SG_OK);
    assert_int_equal(access(f->setup_file, F_OK), -1);
    /* Removed at a start, too, when an admin came to be in another way. */
    assert_int_equal(file_write_atomic(f->setup_file, "x", 1, 0600), SG_OK);
    fake_identity_restart(f);
    assert_int_equal(access(f->setup_file, F_OK), -1);
}

static void test_open(void **state)
{
    struct fake_identity *f = *state;
    struct user_record user;
    unsigned retry;

    f->config.signup = SG_SIGNUP_OPEN;
    fake_identity_restart(f);
    assert_int_equal(sign_up(f, "bob", NULL), SG_OK);
    assert_int_equal(sign_up(f, "bob", ""), SG_ERR_NAME_TAKEN);
    assert_int_equal(sign_up(f, "carl", "00000-00000-00000-00000"), SG_ERR_BAD_CODE);
    assert_int_equal(sign_up(f, "me", NULL), SG_ERR_BAD_FIELD);
    assert_int_equal(identity_signup(f->id, "carl", "short", NULL, FAKE_ADDRESS, &user, &retry),
                     SG_ERR_BAD_FIELD);
    assert_int_equal(identity_user(f->id, "bob", &user), SG_OK);
    assert_int_equal(user.role, SG_ROLE_MEMBER);
    assert_string_equal(user.password_hash, "");
    /* Ten a minute from one place: one account and one wrong code are counted already. */
    for (int i = 0; i < 8; i++) {
        char name[] = {'u', (char)('0' + i), '\0'};

        assert_int_equal(sign_up(f, name, NULL), SG_OK);
    }
    assert_int_equal(sign_up(f, "carl", NULL), SG_ERR_THROTTLED);
    assert_int_equal(sign_up(f, "bob", NULL), SG_ERR_THROTTLED);
    assert_int_equal(
        identity_signup(f->id, "carl", FAKE_PASSWORD, NULL, "192.0.2.77", &user, &retry), SG_OK);
    fake_identity_pass(7);
    assert_int_equal(sign_up(f, "dora", NULL), SG_OK);
}

static void test_invites(void **state)
{
    struct fake_identity *f = *state;
    struct principal admin = {.role = SG_ROLE_ADMIN, .user = "root"},
                     member = {.role = SG_ROLE_MEMBER};
    char code[SG_CODE_SIZE], code2[SG_CODE_SIZE], old[SG_CODE_SIZE];
    struct user_record user;
    int64_t expires = 0;
    unsigned retry;

    fake_identity_add(f, "root", SG_ROLE_ADMIN, NULL);
    assert_int_equal(identity_invite(f->id, &member, SG_ROLE_GUEST, 3600, code, &expires),
                     SG_ERR_FORBIDDEN);
    assert_int_equal(identity_invite(f->id, &admin, SG_ROLE_GUEST, 1, code, &expires),
                     SG_ERR_BAD_FIELD);
    assert_int_equal(identity_invite(f->id, &admin, SG_ROLE_GUEST, 3600, code, &expires), SG_OK);
    assert_in_range(expires - clock_now_ns(), 3590 * SG_NS_PER_S, 3600 * SG_NS_PER_S);
    assert_int_equal(identity_invite(f->id, &admin, SG_ROLE_MEMBER, 60, old, &expires), SG_OK);
    assert_int_equal(identity_invite(f->id, &admin, SG_ROLE_MEMBER, 3600, code2, &expires), SG_OK);

    assert_int_equal(
        identity_signup(f->id, "bob", FAKE_PASSWORD, code, FAKE_ADDRESS, &user, &retry), SG_OK);
    assert_int_equal(user.role, SG_ROLE_GUEST);
    assert_int_equal(sign_up(f, "carl", code), SG_ERR_BAD_CODE); /* works once */
    /* The names are no secret to who has a code; and the code is not used up by a mistake. */
    assert_int_equal(sign_up(f, "bob", code2), SG_ERR_NAME_TAKEN);
    assert_int_equal(sign_up(f, "bob", code), SG_ERR_BAD_CODE);
    fake_identity_pass(61);
    assert_int_equal(sign_up(f, "carl", old), SG_ERR_BAD_CODE);
    identity_prune(f->id);
    assert_int_equal(sign_up(f, "carl", code2), SG_OK);

    /* Closed means closed for invites, too. */
    assert_int_equal(identity_invite(f->id, &admin, SG_ROLE_MEMBER, 3600, code, &expires), SG_OK);
    f->config.signup = SG_SIGNUP_CLOSED;
    fake_identity_restart(f);
    assert_int_equal(sign_up(f, "dora", code), SG_ERR_SIGNUP_CLOSED);
    assert_int_equal(sign_up(f, "dora", NULL), SG_ERR_SIGNUP_CLOSED);
}

static void test_closed_lets_the_first_admin_in(void **state)
{
    struct fake_identity *f = *state;
    char code[SG_CODE_SIZE];

    f->config.signup = SG_SIGNUP_CLOSED;
    fake_identity_restart(f);
    read_setup_code(f, code);
    assert_int_equal(sign_up(f, "ann", NULL), SG_ERR_SIGNUP_CLOSED);
    assert_int_equal(sign_up(f, "ann", code), SG_OK);
    assert_int_equal(sign_up(f, "bob", NULL), SG_ERR_SIGNUP_CLOSED);
}

static void test_code_guesses_are_throttled(void **state)
{
    struct fake_identity *f = *state;
    char code[SG_CODE_SIZE];
    int refused = 0;

    read_setup_code(f, code);
    for (int i = 0; i < 20; i++)
        refused += sign_up(f, "ann", "00000-00000-00000-00000") == SG_ERR_THROTTLED;
    assert_int_equal(refused, 10);
    assert_int_equal(sign_up(f, "ann", code), SG_ERR_THROTTLED);
    fake_identity_pass(7);
    assert_int_equal(sign_up(f, "ann", code), SG_OK);
}

static void test_users(void **state)
{
    struct fake_identity *f = *state;
    const enum user_role guest = SG_ROLE_GUEST, admin = SG_ROLE_ADMIN;
    const bool yes = true;
    struct user_record list[8], user;
    size_t count = 0;

    fake_identity_add(f, "root", SG_ROLE_ADMIN, NULL);
    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    fake_identity_add(f, "bob", SG_ROLE_MEMBER, NULL);
    assert_int_equal(identity_users(f->id, "", 2, list, &count), SG_OK);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].name, "ann");
    assert_string_equal(list[0].password_hash, "");
    assert_int_equal(identity_users(f->id, "bob", 8, list, &count), SG_OK);
    assert_int_equal(count, 1);
    assert_string_equal(list[0].name, "root");

    assert_int_equal(identity_update_user(f->id, "root", &guest, NULL, &user), SG_ERR_LAST_ADMIN);
    assert_int_equal(identity_update_user(f->id, "root", NULL, &yes, &user), SG_ERR_LAST_ADMIN);
    assert_int_equal(identity_remove_user(f->id, "root"), SG_ERR_LAST_ADMIN);
    assert_int_equal(identity_update_user(f->id, "nobody", NULL, &yes, &user), SG_ERR_NOT_FOUND);
    assert_int_equal(identity_update_user(f->id, "ann", &admin, NULL, &user), SG_OK);
    assert_int_equal(user.role, SG_ROLE_ADMIN);
    assert_string_equal(user.password_hash, "");
    assert_int_equal(identity_remove_user(f->id, "root"), SG_OK);
    assert_int_equal(identity_user(f->id, "root", &user), SG_ERR_NOT_FOUND);
    assert_int_equal(identity_remove_user(f->id, "root"), SG_ERR_NOT_FOUND);
}

static void test_roles(void **state)
{
    enum user_role role = SG_ROLE_GUEST;

    (void)state;
    assert_string_equal(identity_role_name(SG_ROLE_ADMIN), "admin");
    assert_int_equal(identity_role_parse("member", &role), SG_OK);
    assert_int_equal(role, SG_ROLE_MEMBER);
    assert_int_equal(identity_role_parse("Member", &role), SG_ERR_BAD_FIELD);
    assert_int_equal(identity_role_parse("", &role), SG_ERR_BAD_FIELD);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fake_identity_set_up, fake_identity_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_roles),
        TEST(test_setup_code),
        TEST(test_setup_code_is_made_again),
        TEST(test_setup_code_waits_for_an_admin),
        TEST(test_open),
        TEST(test_invites),
        TEST(test_closed_lets_the_first_admin_in),
        TEST(test_code_guesses_are_throttled),
        TEST(test_users),
    };
    int failed = cmocka_run_group_tests_name("identity users, in memory", tests,
                                             fake_identity_group, fake_identity_group_end);

    return failed + cmocka_run_group_tests_name("identity users, SQLite", tests,
                                                fake_identity_group_sqlite,
                                                fake_identity_group_end);
}
