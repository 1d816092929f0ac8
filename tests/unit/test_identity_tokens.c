/* SPDX-License-Identifier: Apache-2.0 */
/* Access tokens: whose they are, how they are remembered, and that lost rights are lost at once. */
#include "fake_identity.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/metrics.h"
#include "core/tokencache.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define HEADER "{\"alg\":\"RS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\"}"

static struct fake_identity *with_user(void **state, const char *name, enum user_role role,
                                       struct grant *ret)
{
    struct fake_identity *f = *state;

    fake_identity_add(f, name, role, NULL);
    fake_identity_login(f, name, ret);
    return f;
}

static void test_remembered(void **state)
{
    struct grant grant;
    struct fake_identity *f = with_user(state, "ann", SG_ROLE_MEMBER, &grant);
    int64_t verified = metrics_get(SG_METRIC_TOKEN_VERIFIED);
    int64_t hits = metrics_get(SG_METRIC_TOKEN_CACHE_HITS);
    unsigned reads = 0;
    struct principal who;

    for (int i = 0; i < 10; i++) {
        assert_int_equal(fake_identity_authenticate(f, grant.access_token, &who), SG_OK);
        if (f->memory != NULL && i == 0)
            reads = fake_store_reads(f->memory);
    }
    assert_int_equal(metrics_get(SG_METRIC_TOKEN_VERIFIED), verified + 1);
    assert_int_equal(metrics_get(SG_METRIC_TOKEN_CACHE_HITS), hits + 9);
    if (f->memory != NULL)
        assert_int_equal(fake_store_reads(f->memory), reads);
    assert_int_equal(who.user_id, grant.user.id);
    assert_int_equal(who.role, SG_ROLE_MEMBER);
    assert_int_equal(who.scopes & SG_SCOPE_ADMIN, 0);
    assert_int_equal(who.scopes, (SG_SCOPE_ADMIN << 1) - 1 - SG_SCOPE_ADMIN);
}

static void test_expiry_is_checked_on_every_use(void **state)
{
    struct grant grant;
    struct fake_identity *f = with_user(state, "ann", SG_ROLE_MEMBER, &grant);

    assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL), SG_OK);
    fake_identity_pass(590);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL), SG_OK);
    fake_identity_pass(11);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL), SG_ERR_TOKEN_EXPIRED);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL),
                     SG_ERR_TOKEN_EXPIRED); /* not remembered any more: the whole way */
}

static void test_touch(void **state)
{
    struct grant grant;
    struct fake_identity *f = with_user(state, "ann", SG_ROLE_MEMBER, &grant);
    struct session_record session;
    int64_t now;

    for (int i = 0; i < 10; i++)
        assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL), SG_OK);
    assert_int_equal(fake_store_touches(f->memory), 0);
    fake_identity_pass(61);
    now = clock_now_ns();
    for (int i = 0; i < 10; i++)
        assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL), SG_OK);
    assert_int_equal(fake_store_touches(f->memory), 1);
    assert_int_equal(f->sessions.vt->get(f->sessions.self, grant.session.id, &session), SG_OK);
    assert_true(session.last_used_ns >= now);
    /* Right after the verification, too, when the last use was long ago. */
    fake_identity_pass(61);
    fake_identity_restart(f);
    for (int i = 0; i < 3; i++)
        assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL), SG_OK);
    assert_int_equal(fake_store_touches(f->memory), 2);
}

static void test_lost_rights_are_lost_at_once(void **state)
{
    struct grant grant, root;
    struct fake_identity *f = with_user(state, "ann", SG_ROLE_ADMIN, &grant);
    const enum user_role guest = SG_ROLE_GUEST, admin = SG_ROLE_ADMIN;
    const bool yes = true, no = false;
    struct principal who;
    struct user_record user;

    fake_identity_add(f, "root", SG_ROLE_ADMIN, NULL);
    fake_identity_login(f, "root", &root);
    assert_int_equal(fake_identity_authenticate(f, root.access_token, NULL), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, &who), SG_OK);
    assert_true((who.scopes & SG_SCOPE_ADMIN) != 0);
    /* Role: what the store says now, scopes never more than the token has. */
    assert_int_equal(identity_update_user(f->id, "ann", &guest, NULL, &user), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, &who), SG_OK);
    assert_int_equal(who.role, SG_ROLE_GUEST);
    assert_int_equal(who.scopes & SG_SCOPE_ADMIN, 0);
    assert_int_equal(identity_update_user(f->id, "ann", &admin, NULL, &user), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, &who), SG_OK);
    assert_true((who.scopes & SG_SCOPE_ADMIN) != 0);
    /* Logout. */
    assert_int_equal(identity_logout(f->id, &who, grant.session.id), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL), SG_ERR_SESSION_ENDED);
    /* Blocked, and still ended when let in again. */
    fake_identity_login(f, "ann", &grant);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL), SG_OK);
    assert_int_equal(identity_update_user(f->id, "ann", NULL, &yes, &user), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL), SG_ERR_SESSION_ENDED);
    assert_int_equal(identity_update_user(f->id, "ann", NULL, &no, &user), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL), SG_ERR_SESSION_ENDED);
    /* Removed; the next user of that name is somebody else. */
    fake_identity_login(f, "ann", &grant);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL), SG_OK);
    assert_int_equal(identity_remove_user(f->id, "ann"), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL), SG_ERR_SESSION_ENDED);
    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL), SG_ERR_SESSION_ENDED);
    /* Who lost nothing stays. */
    assert_int_equal(fake_identity_authenticate(f, root.access_token, NULL), SG_OK);
}

/* Signs claims for a session by hand. */
static void sign_claims(struct fake_identity *f, const struct grant *grant, const char *sub,
                        const char *aud, const char *scope, const char *sid, char *ret)
{
    char payload[1024], hex[SG_HEX_SIZE(SG_SESSION_ID_SIZE)];

    encode_hex(grant->session.id, SG_SESSION_ID_SIZE, hex);
    (void)snprintf(payload, sizeof payload,
                   "{\"iss\":\"" FAKE_ISSUER "\",\"sub\":\"%s\",\"aud\":\"%s\",\"iat\":1,"
                   "\"exp\":%lld,\"jti\":\"x0123456789ab\",\"sid\":\"%s\",\"scope\":\"%s\","
                   "\"role\":\"admin\"}",
                   sub, aud, (long long)clock_now_s() + 100, sid != NULL ? sid : hex, scope);
    fake_keyring_sign(f->keyring, HEADER, payload, ret);
}

static void test_confirm(void **state)
{
    struct grant grant;
    struct fake_identity *f = with_user(state, "ann", SG_ROLE_MEMBER, &grant);
    const enum user_role guest = SG_ROLE_GUEST, admin = SG_ROLE_ADMIN;
    struct principal who, before;
    struct user_record user;
    bool changed = true;

    assert_int_equal(fake_identity_authenticate(f, grant.access_token, &who), SG_OK);
    fake_identity_pass(700); /* longer than the token lives */
    assert_int_equal(identity_confirm(f->id, &who, &changed), SG_OK);
    assert_false(changed);
    assert_int_equal(identity_update_user(f->id, "ann", &guest, NULL, &user), SG_OK);
    before = who;
    assert_int_equal(identity_confirm(f->id, &who, &changed), SG_OK);
    assert_true(changed);
    assert_int_equal(who.role, SG_ROLE_GUEST);
    assert_int_equal(who.user_id, before.user_id);
    assert_int_equal(identity_confirm(f->id, &who, &changed), SG_OK);
    assert_false(changed);
    /* Never more than the token had. */
    assert_int_equal(identity_update_user(f->id, "ann", &admin, NULL, &user), SG_OK);
    assert_int_equal(identity_confirm(f->id, &who, &changed), SG_OK);
    assert_int_equal(who.scopes & SG_SCOPE_ADMIN, 0);
    assert_int_equal(identity_logout(f->id, &who, who.session_id), SG_OK);
    assert_int_equal(identity_confirm(f->id, &who, &changed), SG_ERR_SESSION_ENDED);
}

static void test_claims_against_the_store(void **state)
{
    struct grant grant;
    struct fake_identity *f = with_user(state, "ann", SG_ROLE_MEMBER, &grant);
    char token[SG_TOKEN_SIZE];
    struct principal who;

    sign_claims(f, &grant, "ann", "secgate", "files:read admin other:scope", NULL, token);
    assert_int_equal(fake_identity_authenticate(f, token, &who), SG_OK);
    assert_int_equal(who.scopes, SG_SCOPE_FILES_READ); /* no more than the role has */
    assert_int_equal(who.role, SG_ROLE_MEMBER);        /* the claim is not believed */
    sign_claims(f, &grant, "bob", "secgate", "files:read", NULL, token);
    assert_int_equal(fake_identity_authenticate(f, token, &who), SG_ERR_TOKEN_INVALID);
    sign_claims(f, &grant, "ann", "other", "files:read", NULL, token);
    assert_int_equal(fake_identity_authenticate(f, token, &who), SG_ERR_TOKEN_INVALID);
    sign_claims(f, &grant, "ann", "secgate", "files:read", "00000000000000000000000000000000",
                token);
    assert_int_equal(fake_identity_authenticate(f, token, &who), SG_ERR_SESSION_ENDED);
    sign_claims(f, &grant, "ann", "secgate", "files:read", "0000", token);
    assert_int_equal(fake_identity_authenticate(f, token, &who), SG_ERR_TOKEN_INVALID);
    assert_int_equal(identity_authenticate(f->id, "", 0, &fake_presented, &who),
                     SG_ERR_TOKEN_INVALID);
    assert_int_equal(identity_authenticate(f->id, grant.access_token,
                                           strlen(grant.access_token) + 1, &fake_presented, &who),
                     SG_ERR_TOKEN_INVALID);
    assert_int_equal(
        identity_authenticate(f->id, grant.access_token, SG_TOKEN_SIZE, &fake_presented, &who),
        SG_ERR_TOKEN_INVALID);
}

/* -- keys -----------------------------------------------------------------------------------------
 */

static void test_strangers_cannot_make_us_ask_the_keyring(void **state)
{
    struct grant grant;
    struct fake_identity *f = with_user(state, "ann", SG_ROLE_MEMBER, &grant);
    unsigned fetches = fake_keyring_fetches(f->keyring);
    char token[SG_TOKEN_SIZE], header[128];

    for (int i = 0; i < 50; i++) {
        (void)snprintf(header, sizeof header,
                       "{\"alg\":\"RS256\",\"kid\":\"unknown-%d\",\"typ\":\"at+jwt\"}", i);
        fake_keyring_sign(f->keyring, header, "{}", token);
        assert_int_equal(fake_identity_authenticate(f, token, NULL), SG_ERR_TOKEN_INVALID);
    }
    assert_in_range(fake_keyring_fetches(f->keyring), fetches + 1, fetches + 2);
    fake_identity_pass(4);
    assert_int_equal(fake_identity_authenticate(f, token, NULL), SG_ERR_TOKEN_INVALID);
    assert_in_range(fake_keyring_fetches(f->keyring), fetches + 2, fetches + 3);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL), SG_OK);
}

static void test_keyring_away(void **state)
{
    struct grant grant;
    struct fake_identity *f = with_user(state, "ann", SG_ROLE_MEMBER, &grant);
    struct token_key keys[SG_TOKEN_KEYS_MAX];
    enum sg_err err = SG_ERR_UNAVAILABLE;
    char token[SG_TOKEN_SIZE];
    size_t count = 0;

    fake_keyring_sign(f->keyring, "{\"alg\":\"RS256\",\"kid\":\"nobody\",\"typ\":\"at+jwt\"}", "{}",
                      token);
    fake_keyring_set_down(f->keyring, true);
    fake_identity_pass(100);
    /* Known keys go on serving; for an unknown one nobody can say. */
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL), SG_OK);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* the thread's fetch fails */
    fake_identity_pass(4);
    assert_int_equal(fake_identity_authenticate(f, token, NULL), SG_ERR_UNAVAILABLE);
    assert_int_equal(identity_token_keys(f->id, keys, &count), SG_OK);
    assert_int_equal(count, 1);
    fake_keyring_set_down(f->keyring, false);
    /* On a loaded machine its answer can come too late for who asked first. */
    for (int i = 0; i < 100 && err == SG_ERR_UNAVAILABLE; i++) {
        fake_identity_pass(4);
        err = fake_identity_authenticate(f, token, NULL);
    }
    assert_int_equal(err, SG_ERR_TOKEN_INVALID);
}

static void test_start_needs_the_keyring(void **state)
{
    struct fake_identity *f = *state;

    identity_free(f->id);
    f->id = identity_new(&f->users, &f->sessions, fake_keyring_client(f->keyring), &f->config);
    assert_non_null(f->id);
    fake_keyring_set_down(f->keyring, true);
    assert_int_equal(identity_start(f->id), SG_ERR_UNAVAILABLE);
    fake_keyring_set_down(f->keyring, false);
    assert_int_equal(identity_start(f->id), SG_OK);
}

static void test_rotated_key(void **state)
{
    struct grant before, after;
    struct fake_identity *f = with_user(state, "ann", SG_ROLE_MEMBER, &before);
    struct token_key keys[SG_TOKEN_KEYS_MAX];
    size_t count = 0;

    assert_int_equal(identity_token_keys(f->id, keys, &count), SG_OK);
    assert_int_equal(count, 1);
    assert_string_equal(keys[0].kid, "key-1");
    fake_keyring_rotate(f->keyring);
    fake_identity_login(f, "ann", &after);
    assert_int_equal(fake_identity_authenticate(f, after.access_token, NULL), SG_OK);
    assert_int_equal(fake_identity_authenticate(f, before.access_token, NULL), SG_OK);
    assert_int_equal(identity_token_keys(f->id, keys, &count), SG_OK);
    assert_int_equal(count, 2);
}

/* -- the memory of tokens -------------------------------------------------------------------------
 */

static void test_cache_is_bounded(void **state)
{
    struct tokencache *c = tokencache_new();
    struct tokencache_entry entry = {.rights = 1, .touched_ns = 5}, out;
    struct tokencache_key key = {0};
    size_t found = 0, count = 4 * SG_TOKENCACHE_ENTRIES;
    bool touch = false;

    (void)state;
    assert_non_null(c);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < 4; k++)
            key.mac[k] = (uint8_t)(i >> (8 * k));
        entry.who.user_id = (int64_t)i;
        tokencache_put(c, &key, &entry);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < 4; k++)
            key.mac[k] = (uint8_t)(i >> (8 * k));
        if (!tokencache_get(c, &key, 5, &out, &touch))
            continue;
        assert_int_equal(out.who.user_id, i);
        assert_false(touch);
        found++;
    }
    assert_int_equal(found, SG_TOKENCACHE_ENTRIES);
    tokencache_drop(c, &key);
    assert_false(tokencache_get(c, &key, 5, &out, &touch));
    tokencache_free(c);
}

/* A key that left out a byte would let a changed token pass for the one that was verified. */
static void test_cache_keys_bind_every_byte(void **state)
{
    struct tokencache *c = tokencache_new(), *other = tokencache_new();
    struct tokencache_key key, again, changed;
    char text[800];

    (void)state;
    assert_non_null(c);
    assert_non_null(other);
    memset(text, 'a', sizeof text);
    for (size_t len = 1; len < sizeof text; len = len * 3 / 2 + 1) {
        tokencache_key_of(c, text, len, &key);
        tokencache_key_of(c, text, len, &again);
        assert_memory_equal(&key, &again, sizeof key);
        tokencache_key_of(other, text, len, &changed);
        assert_memory_not_equal(key.mac, changed.mac, sizeof key.mac);
        tokencache_key_of(c, text, len + 1, &changed);
        assert_memory_not_equal(key.mac, changed.mac, sizeof key.mac);
        for (size_t i = 0; i < len; i++) {
            text[i] ^= 1;
            tokencache_key_of(c, text, len, &changed);
            assert_memory_not_equal(key.mac, changed.mac, sizeof key.mac);
            if (len - i <= 55)
                assert_memory_not_equal(key.end_sha256, changed.end_sha256, SG_SHA256_SIZE);
            text[i] ^= 1;
        }
    }
    tokencache_free(other);
    tokencache_free(c);
}

struct hammer {
    struct fake_identity *f;
    char token[SG_TOKEN_SIZE];
    atomic_bool ended; /* set after identity_logout returned */
    atomic_bool stop;
    atomic_uint late, good;
};

static void *hammer_thread(void *arg)
{
    struct hammer *h = arg;
    size_t len = strlen(h->token);

    while (!atomic_load(&h->stop)) {
        bool ended = atomic_load(&h->ended);
        struct principal who;
        enum sg_err err = identity_authenticate(h->f->id, h->token, len, &fake_presented, &who);

        if (err == SG_OK && ended)
            atomic_fetch_add(&h->late, 1);
        if (err == SG_OK)
            atomic_fetch_add(&h->good, 1);
    }
    return NULL;
}

static void test_logout_under_load(void **state)
{
    struct fake_identity *f = *state;
    static struct hammer h;
    pthread_t thread[4];
    struct grant grant;
    struct principal who;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    for (int round = 0; round < 5; round++) {
        unsigned before = atomic_load(&h.good);

        fake_identity_login(f, "ann", &grant);
        assert_int_equal(fake_identity_authenticate(f, grant.access_token, &who), SG_OK);
        h.f = f;
        memcpy(h.token, grant.access_token, sizeof h.token);
        atomic_store(&h.ended, false);
        atomic_store(&h.stop, false);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&thread[i], NULL, hammer_thread, &h), 0);
        while (atomic_load(&h.good) < before + 1000)
            ;
        assert_int_equal(identity_logout(f->id, &who, grant.session.id), SG_OK);
        atomic_store(&h.ended, true);
        for (int i = 0; i < 100; i++)
            assert_int_equal(fake_identity_authenticate(f, grant.access_token, NULL),
                             SG_ERR_SESSION_ENDED);
        atomic_store(&h.stop, true);
        for (size_t i = 0; i < 4; i++)
            pthread_join(thread[i], NULL);
    }
    assert_int_equal(atomic_load(&h.late), 0);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fake_identity_set_up, fake_identity_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_remembered),
        TEST(test_expiry_is_checked_on_every_use),
        TEST(test_lost_rights_are_lost_at_once),
        TEST(test_confirm),
        TEST(test_claims_against_the_store),
        TEST(test_logout_under_load),
        TEST(test_strangers_cannot_make_us_ask_the_keyring),
        TEST(test_keyring_away),
        TEST(test_start_needs_the_keyring),
        TEST(test_rotated_key), /* last: the group's keyring stays rotated */
    };
    const struct CMUnitTest memory_only[] = {
        TEST(test_touch),
        cmocka_unit_test(test_cache_is_bounded),
        cmocka_unit_test(test_cache_keys_bind_every_byte),
    };
    int failed = cmocka_run_group_tests_name("identity tokens, touch and cache", memory_only,
                                             fake_identity_group, fake_identity_group_end);

    failed += cmocka_run_group_tests_name("identity tokens, in memory", tests, fake_identity_group,
                                          fake_identity_group_end);
    return failed + cmocka_run_group_tests_name("identity tokens, SQLite", tests,
                                                fake_identity_group_sqlite,
                                                fake_identity_group_end);
}
