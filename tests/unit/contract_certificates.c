/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of client certificates. */
#include "contract.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define CERTIFICATES(call, ...) certificates.vt->call(certificates.self, __VA_ARGS__)
#define NOW_NS                  INT64_C(1795190534000000000)
#define DAY_NS                  INT64_C(86400000000000)
#define THREADS                 8

static struct contract_store store;
static struct certificates_store certificates;
static const struct contract_engine *tested;
static struct user_record alice, bob;
static const uint8_t der[] = {0x30, 0x03, 0x02, 0x01, 0x05};

static int setup(void **state)
{
    (void)state;
    contract_store_init(&store, tested);
    certificates = tested->certificates(store.handle);
    alice = contract_user_add(&store, "alice", SG_ROLE_ADMIN);
    bob = contract_user_add(&store, "bob", SG_ROLE_MEMBER);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    contract_store_fini(&store);
    return 0;
}

static struct certificate_record make(uint8_t tag, int64_t user_id)
{
    struct certificate_record r = {.user_id = user_id,
                                   .not_before_ns = NOW_NS - DAY_NS,
                                   .not_after_ns = NOW_NS + 30 * DAY_NS,
                                   .created_ns = NOW_NS + tag};

    memset(r.id, tag, sizeof r.id);
    memset(r.sha256, 0x80 | tag, sizeof r.sha256);
    (void)snprintf(r.name, sizeof r.name, "laptop %u", tag);
    return r;
}

static enum sg_err add(const struct certificate_record *r)
{
    return CERTIFICATES(add, r, der, sizeof der, 3);
}

static void test_one_comes_back(void **state)
{
    struct certificate_record r = make(1, alice.id);
    struct certificate_record got;
    SG_BUF_CLEANUP struct buf text;
    const uint8_t other[SG_CERTIFICATE_ID_SIZE] = {9};

    (void)state;
    buf_init(&text, SG_CERTIFICATE_DER_MAX);
    assert_int_equal(add(&r), SG_OK);
    contract_store_reopen(&store);
    certificates = tested->certificates(store.handle);
    assert_int_equal(CERTIFICATES(get, r.id, &got, &text), SG_OK);
    assert_memory_equal(got.id, r.id, sizeof r.id);
    assert_int_equal(got.user_id, alice.id);
    assert_string_equal(got.user, "alice");
    assert_string_equal(got.name, "laptop 1");
    assert_memory_equal(got.sha256, r.sha256, sizeof r.sha256);
    assert_int_equal(got.not_before_ns, r.not_before_ns);
    assert_int_equal(got.not_after_ns, r.not_after_ns);
    assert_int_equal(got.created_ns, r.created_ns);
    assert_int_equal(got.revoked_ns, 0);
    assert_int_equal(text.len, sizeof der);
    assert_memory_equal(text.data, der, sizeof der);
    assert_int_equal(CERTIFICATES(get, r.id, &got, NULL), SG_OK);
    assert_int_equal(CERTIFICATES(get, other, &got, NULL), SG_ERR_NOT_FOUND);
}

static void test_as_many_as_may_be(void **state)
{
    struct certificate_record r[4];
    struct certificate_record late = make(9, alice.id);
    struct certificate_record other = make(5, bob.id);
    struct certificate_record nobodys = make(6, bob.id + 100);

    (void)state;
    for (uint8_t i = 0; i < 4; i++) {
        r[i] = make((uint8_t)(i + 1), alice.id);
        assert_int_equal(add(&r[i]), i < 3 ? SG_OK : SG_ERR_LIMIT);
    }
    assert_int_equal(add(&other), SG_OK);
    assert_int_equal(add(&nobodys), SG_ERR_NOT_FOUND);
    assert_int_equal(CERTIFICATES(revoke, r[0].id, NOW_NS), SG_OK);
    assert_int_equal(add(&r[3]), SG_OK);
    assert_int_equal(add(&late), SG_ERR_LIMIT);
    late.created_ns = NOW_NS + 31 * DAY_NS; /* the others have expired by then */
    assert_int_equal(add(&late), SG_OK);
}

static void test_revoked_ones_count_too(void **state)
{
    struct certificate_record r;

    (void)state;
    for (uint8_t i = 0; i < 3 * SG_CERTIFICATES_REVOKED_TOO; i++) {
        r = make((uint8_t)(i + 1), alice.id);
        assert_int_equal(add(&r), SG_OK);
        assert_int_equal(CERTIFICATES(revoke, r.id, NOW_NS), SG_OK);
    }
    r = make(100, alice.id);
    assert_int_equal(add(&r), SG_ERR_LIMIT);
    r.created_ns = NOW_NS + 31 * DAY_NS;
    assert_int_equal(add(&r), SG_OK);
    r = make(101, bob.id);
    assert_int_equal(add(&r), SG_OK);
}

static size_t list(int64_t user_id, struct certificate_record *ret, size_t limit)
{
    size_t count = 99;

    assert_int_equal(CERTIFICATES(list, user_id, limit, ret, &count), SG_OK);
    return count;
}

static void test_lists(void **state)
{
    struct certificate_record got[4];

    (void)state;
    for (uint8_t i = 1; i <= 3; i++) {
        struct certificate_record r = make(i, i == 2 ? bob.id : alice.id);

        assert_int_equal(add(&r), SG_OK);
    }
    assert_int_equal(list(alice.id, got, 4), 2);
    assert_int_equal(got[0].id[0], 3); /* newest first */
    assert_int_equal(got[1].id[0], 1);
    assert_int_equal(list(bob.id, got, 4), 1);
    assert_int_equal(list(0, got, 4), 3);
    assert_string_equal(got[1].user, "bob");
    assert_int_equal(list(0, got, 2), 2);
    assert_int_equal(list(bob.id + 1, got, 4), 0);
}

static void test_revoking(void **state)
{
    struct certificate_record r = make(1, alice.id);
    struct certificate_record got;
    const uint8_t other[SG_CERTIFICATE_ID_SIZE] = {9};

    (void)state;
    assert_int_equal(add(&r), SG_OK);
    assert_int_equal(CERTIFICATES(revoke, other, NOW_NS), SG_ERR_NOT_FOUND);
    assert_int_equal(CERTIFICATES(revoke, r.id, NOW_NS + 7), SG_OK);
    assert_int_equal(CERTIFICATES(revoke, r.id, NOW_NS + 8), SG_OK);
    assert_int_equal(CERTIFICATES(get, r.id, &got, NULL), SG_OK);
    assert_int_equal(got.revoked_ns, NOW_NS + 7);
}

/* A removed user's are still there for the revocation list, and for nothing else. */
static void test_removed_users(void **state)
{
    struct certificate_record r = make(1, bob.id);
    struct certificate_record got[4];
    size_t count = 0;

    (void)state;
    assert_int_equal(add(&r), SG_OK);
    assert_int_equal(store.users.vt->remove(store.users.self, "bob"), SG_OK);
    assert_int_equal(CERTIFICATES(get, r.id, got, NULL), SG_ERR_NOT_FOUND);
    assert_int_equal(list(0, got, 4), 0);
    assert_int_equal(CERTIFICATES(live, NOW_NS, NULL, 4, got, &count), SG_OK);
    assert_int_equal(count, 1);
    assert_int_equal(got[0].user_id, 0);
    assert_memory_equal(got[0].sha256, r.sha256, sizeof r.sha256);
    assert_int_equal(CERTIFICATES(revoke, r.id, NOW_NS), SG_OK);
    assert_int_equal(CERTIFICATES(live, NOW_NS, NULL, 4, got, &count), SG_OK);
    assert_int_equal(got[0].revoked_ns, NOW_NS);
}

static void test_what_is_live(void **state)
{
    const bool off = true;
    struct certificate_record got[4];
    struct user_record user;
    size_t count = 0;

    (void)state;
    for (uint8_t i = 1; i <= 4; i++) {
        struct certificate_record r = make(i, i == 4 ? bob.id : alice.id);

        r.not_after_ns = i == 2 ? NOW_NS : r.not_after_ns;
        assert_int_equal(CERTIFICATES(add, &r, der, sizeof der, 9), SG_OK);
    }
    assert_int_equal(store.users.vt->update(store.users.self, "bob", NULL, &off, &user), SG_OK);
    assert_int_equal(CERTIFICATES(live, NOW_NS, NULL, 2, got, &count), SG_OK);
    assert_int_equal(count, 2);
    assert_int_equal(got[0].id[0], 1);
    assert_int_equal(got[1].id[0], 3);
    assert_false(got[1].user_disabled);
    assert_int_equal(CERTIFICATES(live, NOW_NS, got[1].id, 2, got, &count), SG_OK);
    assert_int_equal(count, 1);
    assert_int_equal(got[0].id[0], 4);
    assert_true(got[0].user_disabled);
    assert_int_equal(CERTIFICATES(prune, NOW_NS + 1), SG_OK);
    assert_int_equal(list(0, got, 4), 3);
    assert_int_equal(CERTIFICATES(prune, NOW_NS + 31 * DAY_NS), SG_OK);
    assert_int_equal(list(0, got, 4), 0);
}

static atomic_size_t taken;

static void add_one(void *ctx, size_t index)
{
    struct certificate_record r = make((uint8_t)(index + 1), alice.id);

    (void)ctx;
    if (add(&r) == SG_OK)
        atomic_fetch_add(&taken, 1);
}

static void test_many_at_once_do_not_get_more(void **state)
{
    (void)state;
    atomic_store(&taken, 0);
    contract_threads(THREADS, add_one, NULL);
    assert_int_equal(atomic_load(&taken), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int contract_certificates(const struct contract_engine *engine)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_comes_back),
        TEST(test_as_many_as_may_be),
        TEST(test_revoked_ones_count_too),
        TEST(test_lists),
        TEST(test_revoking),
        TEST(test_removed_users),
        TEST(test_what_is_live),
        TEST(test_many_at_once_do_not_get_more),
    };

    tested = engine;
    return cmocka_run_group_tests_name("certificates", tests, NULL, NULL);
}
