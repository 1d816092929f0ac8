/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of what OAuth stores: clients, audiences, waiting devices, revoked tokens. */
#include "contract.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OAUTH(call, ...)    oauth.vt->call(oauth.self, __VA_ARGS__)
#define SESSIONS(call, ...) store.sessions.vt->call(store.sessions.self, __VA_ARGS__)
#define SECOND              INT64_C(1000000000)
#define NOW                 (INT64_C(1795190534) * SECOND)
#define THREADS             8

static struct contract_store store;
static struct oauth_store oauth;
static const struct contract_engine *tested;

static int setup(void **state)
{
    (void)state;
    contract_store_init(&store, tested);
    oauth = tested->oauth(store.handle);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    contract_store_fini(&store);
    return 0;
}

static void reopen(void)
{
    contract_store_reopen(&store);
    oauth = tested->oauth(store.handle);
}

/* -- clients ------------------------------------------------------------------------------------
 */

static struct oauth_client client(const char *id, bool confidential)
{
    struct oauth_client c = {.confidential = confidential, .grants = 5, .created_ns = NOW};
    (void)snprintf(c.id, sizeof(c.id), "%s", id);
    (void)snprintf(c.name, sizeof(c.name), "The %s", id);
    if (confidential)
        memset(c.secret_sha256, 0xab, sizeof(c.secret_sha256));
    return c;
}

static void test_clients(void **state)
{
    (void)state;
    struct oauth_client b = client("b", true), a = client("a", false), found, list[4];
    size_t count = 9;
    assert_int_equal(SG_OK, OAUTH(client_list, 4, list, &count));
    assert_int_equal(0, count);
    assert_int_equal(SG_OK, OAUTH(client_add, &b));
    assert_int_equal(SG_OK, OAUTH(client_add, &a));
    assert_int_equal(SG_ERR_NAME_TAKEN, OAUTH(client_add, &a));
    reopen();
    assert_int_equal(SG_OK, OAUTH(client_get, "b", &found));
    assert_memory_equal(&b, &found, sizeof(b));
    assert_int_equal(SG_OK, OAUTH(client_get, "a", &found));
    assert_memory_equal(&a, &found, sizeof(a));
    assert_int_equal(SG_ERR_NOT_FOUND, OAUTH(client_get, "A", &found));
    assert_int_equal(SG_OK, OAUTH(client_list, 4, list, &count));
    assert_int_equal(2, count);
    assert_string_equal("a", list[0].id);
    assert_int_equal(SG_OK, OAUTH(client_list, 1, list, &count));
    assert_int_equal(1, count);
    assert_int_equal(SG_OK, OAUTH(client_remove, "a"));
    assert_int_equal(SG_ERR_NOT_FOUND, OAUTH(client_remove, "a"));
    assert_int_equal(SG_ERR_NOT_FOUND, OAUTH(client_get, "a", &found));
}

static void test_client_limit(void **state)
{
    (void)state;
    for (int i = 0; i < SG_OAUTH_CLIENTS; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "c%d", i);
        struct oauth_client c = client(id, false);
        assert_int_equal(SG_OK, OAUTH(client_add, &c));
    }
    struct oauth_client more = client("more", false);
    assert_int_equal(SG_ERR_LIMIT, OAUTH(client_add, &more));
    assert_int_equal(SG_OK, OAUTH(client_remove, "c7"));
    assert_int_equal(SG_OK, OAUTH(client_add, &more));
}

/* -- audiences ----------------------------------------------------------------------------------
 */

static void test_audiences(void **state)
{
    (void)state;
    struct oauth_audience a = {.audience = "https://b.example", .name = "B", .scopes = 3};
    struct oauth_audience found, list[4];
    size_t count = 0;
    a.created_ns = NOW;
    assert_int_equal(SG_OK, OAUTH(audience_add, &a));
    assert_int_equal(SG_ERR_NAME_TAKEN, OAUTH(audience_add, &a));
    reopen();
    assert_int_equal(SG_OK, OAUTH(audience_get, a.audience, &found));
    assert_memory_equal(&a, &found, sizeof(a));
    assert_int_equal(SG_ERR_NOT_FOUND, OAUTH(audience_get, "https://b.example/", &found));
    assert_int_equal(SG_OK, OAUTH(audience_list, 4, list, &count));
    assert_int_equal(1, count);
    assert_int_equal(SG_OK, OAUTH(audience_remove, a.audience));
    assert_int_equal(SG_ERR_NOT_FOUND, OAUTH(audience_remove, a.audience));
}

/* The service of an audience is a client that is there; when that goes, so does the audience. */
static void test_audience_client(void **state)
{
    (void)state;
    struct oauth_audience a = {.audience = "https://b.example", .scopes = 3, .client_id = "b"};
    struct oauth_audience found;
    struct oauth_client b = client("b", true);
    assert_int_equal(SG_ERR_NOT_FOUND, OAUTH(audience_add, &a));
    assert_int_equal(SG_OK, OAUTH(client_add, &b));
    assert_int_equal(SG_OK, OAUTH(audience_add, &a));
    assert_int_equal(SG_OK, OAUTH(audience_get, a.audience, &found));
    assert_memory_equal(&a, &found, sizeof(a));
    struct oauth_audience plain = {.audience = "b", .scopes = 3};
    assert_int_equal(SG_OK, OAUTH(audience_add, &plain));
    assert_int_equal(SG_OK, OAUTH(client_remove, "b"));
    assert_int_equal(SG_ERR_NOT_FOUND, OAUTH(audience_get, a.audience, &found));
    assert_int_equal(SG_OK, OAUTH(audience_get, plain.audience, &found));
    assert_string_equal("", found.client_id);
}

/* -- devices ------------------------------------------------------------------------------------
 */

static struct device_grant device(uint8_t number, const char *address)
{
    struct device_grant g = {
        .scopes = 3, .created_ns = NOW, .expires_ns = NOW + 600 * SECOND, .interval_s = 5};
    memset(g.device_sha256, number, sizeof(g.device_sha256));
    memset(g.user_sha256, 255 - number, sizeof(g.user_sha256));
    (void)snprintf(g.client_id, sizeof(g.client_id), "tv");
    (void)snprintf(g.address, sizeof(g.address), "%s", address);
    return g;
}

/* What users say with: the session of each has the user's number. */
static struct session_record session_of(const struct user_record *user)
{
    struct session_record s = {
        .user_id = user->id, .created_ns = NOW, .expires_ns = INT64_MAX, .sequence = 1};
    memset(s.id, (int)user->id, sizeof(s.id));
    return s;
}

static void log_in(const struct user_record *user)
{
    struct session_record s = session_of(user);
    assert_int_equal(SG_OK, SESSIONS(create, &s, NULL));
}

static struct user_record add_user(const char *name)
{
    struct user_record user = contract_user_add(&store, name, SG_ROLE_MEMBER);
    log_in(&user);
    return user;
}

static enum sg_err decide(const struct device_grant *g, const struct user_record *user,
                          unsigned scopes, bool approve, int64_t now_ns)
{
    struct session_record s = session_of(user);
    struct device_decision d = {.user_sha256 = g->user_sha256,
                                .user_id = user->id,
                                .session_id = s.id,
                                .scopes = scopes,
                                .approve = approve,
                                .now_ns = now_ns};
    return OAUTH(device_decide, &d);
}

/* The session of a device that was let in. */
static enum sg_err redeem(const struct device_grant *g, int64_t user_id, uint8_t tag)
{
    struct session_record s = {
        .user_id = user_id, .created_ns = NOW, .expires_ns = INT64_MAX, .sequence = 1};
    struct session_proof proof = {.device_sha256 = g->device_sha256};
    memset(s.id, tag, sizeof(s.id));
    return SESSIONS(create, &s, &proof);
}

static enum device_poll poll_at(const struct device_grant *g, int64_t now_ns,
                                struct device_grant *ret)
{
    enum device_poll answer = SG_POLL_EXPIRED;
    assert_int_equal(SG_OK, OAUTH(device_poll, g->device_sha256, "tv", now_ns, ret, &answer));
    return answer;
}

static void test_device_poll(void **state)
{
    (void)state;
    struct user_record ann = add_user("ann"), bob = add_user("bob");
    struct device_grant g = device(1, "192.0.2.1"), found;
    enum device_poll answer;
    assert_int_equal(SG_OK, OAUTH(device_add, &g, 10, 10));
    reopen();
    assert_int_equal(SG_OK, OAUTH(device_get, g.user_sha256, NOW, &found));
    assert_memory_equal(&g, &found, sizeof(g));
    assert_int_equal(SG_POLL_PENDING, poll_at(&g, NOW, &found));
    assert_int_equal(SG_POLL_PENDING, poll_at(&g, NOW + 5 * SECOND, &found));
    assert_int_equal(SG_POLL_SLOW_DOWN, poll_at(&g, NOW + 9 * SECOND, &found));
    assert_int_equal(10, found.interval_s);
    /* It counts from the request that came too soon. */
    assert_int_equal(SG_POLL_SLOW_DOWN, poll_at(&g, NOW + 18 * SECOND, &found));
    assert_int_equal(15, found.interval_s);
    assert_int_equal(SG_POLL_PENDING, poll_at(&g, NOW + 33 * SECOND, &found));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     OAUTH(device_poll, g.device_sha256, "other", NOW, &found, &answer));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     OAUTH(device_poll, g.user_sha256, "tv", NOW, &found, &answer));
    assert_int_equal(SG_OK, decide(&g, &ann, 1, true, NOW));
    assert_int_equal(SG_ERR_NOT_FOUND, decide(&g, &ann, 1, false, NOW));
    assert_int_equal(SG_ERR_NOT_FOUND, OAUTH(device_get, g.user_sha256, NOW, &found));
    /* Until there is a session of that user, once. */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(SG_POLL_APPROVED, poll_at(&g, NOW + 33 * SECOND, &found));
        assert_int_equal(ann.id, found.user_id);
        assert_int_equal(1, found.scopes);
    }
    assert_int_equal(SG_ERR_CONFLICT, redeem(&g, bob.id, 101));
    assert_int_equal(SG_OK, redeem(&g, ann.id, 102));
    assert_int_equal(SG_ERR_CONFLICT, redeem(&g, ann.id, 103));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     OAUTH(device_poll, g.device_sha256, "tv", NOW, &found, &answer));
    struct session_record got;
    assert_int_equal(SG_OK, SESSIONS(get, (uint8_t[SG_SESSION_ID_SIZE]){[0 ... 15] = 102}, &got));
}

/* Nothing but a device that was let in, in its time, is good for a session. */
static void test_device_redeem(void **state)
{
    (void)state;
    struct user_record ann = add_user("ann");
    struct device_grant waits = device(1, "a"), denied = device(2, "a"), late = device(3, "a");
    assert_int_equal(SG_OK, OAUTH(device_add, &waits, 10, 10));
    assert_int_equal(SG_OK, OAUTH(device_add, &denied, 10, 10));
    assert_int_equal(SG_OK, decide(&denied, &ann, 0, false, NOW));
    late.expires_ns = NOW;
    assert_int_equal(SG_OK, OAUTH(device_add, &late, 10, 10));
    assert_int_equal(SG_OK, decide(&late, &ann, 0, true, NOW - 1));
    assert_int_equal(SG_ERR_CONFLICT, redeem(&waits, ann.id, 101));
    assert_int_equal(SG_ERR_CONFLICT, redeem(&denied, ann.id, 102));
    assert_int_equal(SG_ERR_CONFLICT, redeem(&late, ann.id, 103));
}

/* Who says so must have a session when it is written down. */
static void test_device_decide_ended(void **state)
{
    (void)state;
    struct user_record ann = add_user("ann");
    struct device_grant g = device(1, "a"), found;
    struct session_record s = session_of(&ann);
    assert_int_equal(SG_OK, OAUTH(device_add, &g, 10, 10));
    assert_int_equal(SG_OK, SESSIONS(remove, s.id, 0));
    assert_int_equal(SG_ERR_SESSION_ENDED, decide(&g, &ann, 0, true, NOW));
    assert_int_equal(SG_POLL_PENDING, poll_at(&g, NOW, &found));
}

static void test_device_ends(void **state)
{
    (void)state;
    struct user_record ann = add_user("ann");
    struct device_grant denied = device(1, "a"), late = device(2, "a"), found;
    enum device_poll answer;
    assert_int_equal(SG_OK, OAUTH(device_add, &denied, 10, 10));
    assert_int_equal(SG_OK, OAUTH(device_add, &late, 10, 10));
    assert_int_equal(SG_OK, decide(&denied, &ann, 0, false, NOW));
    assert_int_equal(SG_POLL_DENIED, poll_at(&denied, NOW, &found));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     OAUTH(device_get, late.user_sha256, late.expires_ns, &found));
    assert_int_equal(SG_ERR_NOT_FOUND, decide(&late, &ann, 1, true, late.expires_ns));
    assert_int_equal(SG_POLL_EXPIRED, poll_at(&late, late.expires_ns, &found));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     OAUTH(device_poll, late.device_sha256, "tv", NOW, &found, &answer));
    /* What was approved begins no session after a new password, or when its user was disabled. */
    struct device_grant before = device(4, "a"), other = device(5, "a");
    assert_int_equal(SG_OK, OAUTH(device_add, &before, 10, 10));
    assert_int_equal(SG_OK, OAUTH(device_add, &other, 10, 10));
    assert_int_equal(SG_OK, decide(&before, &ann, 0, true, NOW));
    assert_int_equal(SG_OK, store.users.vt->set_password(store.users.self, ann.id, "new", NULL));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     OAUTH(device_poll, before.device_sha256, "tv", NOW, &found, &answer));
    assert_int_equal(SG_ERR_CONFLICT, redeem(&before, ann.id, 101));
    log_in(&ann);
    assert_int_equal(SG_OK, decide(&other, &ann, 0, true, NOW));
    const bool disabled = true;
    struct user_record user;
    assert_int_equal(SG_OK,
                     store.users.vt->update(store.users.self, "ann", NULL, &disabled, &user));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     OAUTH(device_poll, other.device_sha256, "tv", NOW, &found, &answer));
    /* With its user goes what was approved by it. */
    struct device_grant orphan = device(3, "a");
    struct user_record bob = add_user("bob");
    assert_int_equal(SG_OK, OAUTH(device_add, &orphan, 10, 10));
    assert_int_equal(SG_OK, decide(&orphan, &bob, 0, true, NOW));
    assert_int_equal(SG_OK, store.users.vt->remove(store.users.self, "bob"));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     OAUTH(device_poll, orphan.device_sha256, "tv", NOW, &found, &answer));
}

static void test_device_limits(void **state)
{
    (void)state;
    struct device_grant g;
    for (uint8_t i = 1; i <= 3; i++) {
        g = device(i, "192.0.2.1");
        assert_int_equal(SG_OK, OAUTH(device_add, &g, 5, 3));
    }
    g = device(4, "192.0.2.1");
    assert_int_equal(SG_ERR_LIMIT, OAUTH(device_add, &g, 5, 3));
    for (uint8_t i = 5; i <= 6; i++) {
        g = device(i, "192.0.2.2");
        assert_int_equal(SG_OK, OAUTH(device_add, &g, 5, 3));
    }
    g = device(7, "192.0.2.3");
    assert_int_equal(SG_ERR_LIMIT, OAUTH(device_add, &g, 5, 3));
    /* What has expired makes room. */
    g.created_ns += 601 * SECOND;
    g.expires_ns += 601 * SECOND;
    assert_int_equal(SG_OK, OAUTH(device_add, &g, 5, 3));
    struct device_grant same = device(8, "192.0.2.4");
    same.created_ns = g.created_ns;
    memcpy(same.user_sha256, g.user_sha256, sizeof(same.user_sha256));
    assert_int_equal(SG_ERR_NAME_TAKEN, OAUTH(device_add, &same, 5, 3));
}

static struct device_grant raced;
static atomic_uint approved, decided, sessions;

static void race_redeem(void *ctx, size_t index)
{
    const struct user_record *user = ctx;
    if (redeem(&raced, user->id, (uint8_t)(100 + atomic_fetch_add(&sessions, 1))) == SG_OK)
        atomic_fetch_add(&approved, 1);
    (void)index;
}

static void race_decide(void *ctx, size_t index)
{
    if (decide(&raced, ctx, 0, index % 2 == 0, NOW) == SG_OK)
        atomic_fetch_add(&decided, 1);
}

static void test_device_race(void **state)
{
    (void)state;
    struct user_record ann = add_user("ann");
    for (uint8_t round = 1; round <= 10; round++) {
        raced = device(round, "a");
        atomic_store(&decided, 0);
        assert_int_equal(SG_OK, OAUTH(device_add, &raced, 100, 100));
        contract_threads(THREADS, race_decide, &ann);
        assert_int_equal(1, atomic_load(&decided));
        raced = device((uint8_t)(round + 100), "a");
        atomic_store(&approved, 0);
        assert_int_equal(SG_OK, OAUTH(device_add, &raced, 100, 100));
        assert_int_equal(SG_OK, decide(&raced, &ann, 0, true, NOW));
        contract_threads(THREADS, race_redeem, &ann);
        assert_int_equal(1, atomic_load(&approved));
    }
}

/* A client that goes takes its devices and its sessions, and nobody else's. */
static void test_client_ends(void **state)
{
    (void)state;
    struct user_record ann = contract_user_add(&store, "ann", SG_ROLE_MEMBER);
    struct oauth_client tv = client("tv", false);
    struct device_grant g = device(1, "a"), found;
    struct session_record theirs = {.user_id = ann.id, .expires_ns = INT64_MAX, .sequence = 1};
    struct session_record own = theirs, got;
    memset(theirs.id, 1, sizeof(theirs.id));
    memset(own.id, 2, sizeof(own.id));
    (void)snprintf(theirs.client_id, sizeof(theirs.client_id), "tv");
    assert_int_equal(SG_OK, OAUTH(client_add, &tv));
    assert_int_equal(SG_OK, OAUTH(device_add, &g, 10, 10));
    assert_int_equal(SG_OK, store.sessions.vt->create(store.sessions.self, &theirs, NULL));
    assert_int_equal(SG_OK, store.sessions.vt->create(store.sessions.self, &own, NULL));
    assert_int_equal(SG_OK, OAUTH(client_remove, "tv"));
    assert_int_equal(SG_ERR_NOT_FOUND, OAUTH(device_get, g.user_sha256, NOW, &found));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     store.sessions.vt->get(store.sessions.self, theirs.id, &got));
    assert_int_equal(SG_OK, store.sessions.vt->get(store.sessions.self, own.id, &got));
}

/* -- revoked tokens -----------------------------------------------------------------------------
 */

static void test_revoked(void **state)
{
    (void)state;
    struct revoked_token list[4];
    size_t count = 9;
    assert_int_equal(SG_OK, OAUTH(revoked, NOW, 4, list, &count));
    assert_int_equal(0, count);
    for (int i = 1; i <= 3; i++) {
        struct revoked_token t = {.expires_ns = NOW + i * SECOND};
        (void)snprintf(t.jti, sizeof(t.jti), "x%d", i);
        assert_int_equal(SG_OK, OAUTH(revoke, &t));
        assert_int_equal(SG_OK, OAUTH(revoke, &t));
    }
    reopen();
    assert_int_equal(SG_OK, OAUTH(revoked, NOW + SECOND, 4, list, &count));
    assert_int_equal(2, count);
    assert_string_equal("x3", list[0].jti);
    assert_int_equal(NOW + 3 * SECOND, list[0].expires_ns);
    assert_string_equal("x2", list[1].jti);
    assert_int_equal(SG_OK, OAUTH(revoked, NOW, 1, list, &count));
    assert_int_equal(1, count);
    assert_int_equal(SG_OK, OAUTH(prune, NOW + 3 * SECOND));
    assert_int_equal(SG_OK, OAUTH(revoked, NOW, 4, list, &count));
    assert_int_equal(1, count);
}

static void test_prune_devices(void **state)
{
    (void)state;
    struct device_grant g = device(1, "a"), found;
    assert_int_equal(SG_OK, OAUTH(device_add, &g, 1, 1));
    assert_int_equal(SG_OK, OAUTH(prune, g.expires_ns));
    assert_int_equal(SG_OK, OAUTH(device_get, g.user_sha256, NOW, &found));
    assert_int_equal(SG_OK, OAUTH(prune, g.expires_ns + 1));
    assert_int_equal(SG_ERR_NOT_FOUND, OAUTH(device_get, g.user_sha256, NOW, &found));
}

int contract_oauth(const struct contract_engine *engine)
{
    tested = engine;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_clients, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_audiences, setup, teardown),
        cmocka_unit_test_setup_teardown(test_audience_client, setup, teardown),
        cmocka_unit_test_setup_teardown(test_device_poll, setup, teardown),
        cmocka_unit_test_setup_teardown(test_device_redeem, setup, teardown),
        cmocka_unit_test_setup_teardown(test_device_decide_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(test_device_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_device_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_device_race, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_revoked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prune_devices, setup, teardown),
    };
    return cmocka_run_group_tests_name("OAuth", tests, NULL, NULL);
}
