/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of other people's CAs: what is remembered of them and what ends that, revocation of
 * what stands above them, and sets of CAs that replace others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "core/certificates.h"
#include "core/sha256.h"
#include "pair_fixture.h"
#include "sqlite_engine.h"
#include "tempdir.h"

#define DAYS .from_days = -1, .until_days = 5

static char *dir;
static struct contract_store store;
static struct certificates_store rows;
static struct certificates *all;
static struct users_vtable counting;
static const struct users_vtable *engine;
static atomic_uint looked_up;
static struct pair root, middle, other_root;

static enum sg_err counted(void *self, const char *name, struct user_record *ret)
{
    looked_up++;
    return engine->get_by_name(self, name, ret);
}

static int set_up(void **state)
{
    const struct pair_shape shape = {.ca = true, DAYS};

    (void)state;
    log_setup("test", SG_LOG_TEXT, SG_LOG_ERROR);
    dir = tempdir_make();
    contract_store_init(&store, &sqlite_engine);
    rows = sqlite_engine.certificates(store.handle);
    engine = store.users.vt;
    counting = *engine;
    counting.get_by_name = counted;
    store.users.vt = &counting;
    assert_int_equal(certificates_new(&(struct certificates_options){.store = &rows,
                                                                     .users = &store.users,
                                                                     .sessions = &store.sessions,
                                                                     .days = 90},
                                      &all),
                     SG_OK);
    root = pair_make("root", &shape, NULL);
    middle = pair_make("middle", &shape, &root);
    other_root = pair_make("other root", &shape, NULL);
    looked_up = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    certificates_free(all);
    contract_store_fini(&store);
    pair_drop(&root);
    pair_drop(&middle);
    pair_drop(&other_root);
    tempdir_remove(dir);
    return 0;
}

/* -- what is trusted ----------------------------------------------------------------------------
 */

static void pem_of(const struct pair *p, gnutls_datum_t *ret)
{
    assert_int_equal(gnutls_x509_crt_export2(p->crt, GNUTLS_X509_FMT_PEM, ret), 0);
}

static enum sg_err add(struct certificates_trust *t, const struct pair *ca, const char *rule,
                       const char *crl_file)
{
    const char *reason = NULL;
    gnutls_datum_t pem;
    enum sg_err err;

    pem_of(ca, &pem);
    err = certificates_trust_add(
        t,
        &(struct certificates_ca){
            .pem = (const char *)pem.data, .pem_len = pem.size, .rule = rule, .crl_file = crl_file},
        all, &reason);
    assert_non_null(reason);
    gnutls_free(pem.data);
    return err;
}

/* This CA, and no other. */
static void trust(const struct pair *ca, const char *rule, const char *crl_file)
{
    struct certificates_trust *t;

    assert_int_equal(certificates_trust_new(&t), SG_OK);
    assert_int_equal(add(t, ca, rule, crl_file), SG_OK);
    certificates_trust_use(all, &t);
    assert_null(t);
}

static gnutls_datum_t make_crl(const struct pair *ca, const struct pair *revoked)
{
    gnutls_x509_crl_t crl;
    gnutls_datum_t pem;

    assert_int_equal(gnutls_x509_crl_init(&crl), 0);
    assert_int_equal(gnutls_x509_crl_set_version(crl, 2), 0);
    assert_int_equal(gnutls_x509_crl_set_this_update(crl, time(NULL) - 60), 0);
    assert_int_equal(gnutls_x509_crl_set_next_update(crl, time(NULL) + 3600), 0);
    if (revoked != NULL)
        assert_int_equal(gnutls_x509_crl_set_crt(crl, revoked->crt, time(NULL) - 30), 0);
    assert_int_equal(gnutls_x509_crl_sign2(crl, ca->crt, ca->key, GNUTLS_DIG_SHA256, 0), 0);
    assert_int_equal(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &pem), 0);
    gnutls_x509_crl_deinit(crl);
    return pem;
}

/* Lists of up to two CAs in one file. */
static char *write_crl(const struct pair *ca, const struct pair *revoked, const struct pair *second,
                       const struct pair *second_revoked)
{
    static char path[4200];
    SG_BUF_CLEANUP struct buf text;
    gnutls_datum_t pem = make_crl(ca, revoked);

    buf_init(&text, 65536);
    buf_append(&text, pem.data, pem.size);
    gnutls_free(pem.data);
    if (second != NULL) {
        pem = make_crl(second, second_revoked);
        buf_append(&text, pem.data, pem.size);
        gnutls_free(pem.data);
    }
    (void)snprintf(path, sizeof path, "%s/list.crl", dir);
    assert_int_equal(file_write_atomic(path, text.data, text.len, 0600), SG_OK);
    return path;
}

/* -- what is shown ------------------------------------------------------------------------------
 */

struct shown {
    gnutls_datum_t der, above_der[2];
    struct bytes above[2];
    struct shown_certificate of;
};

/* `leaf` as a connection shows it that ends at `ca`; `between` NULL: nothing is. */
static struct shown *show(const struct pair *leaf, const struct pair *between,
                          const struct pair *ca)
{
    const struct pair *above[] = {between != NULL ? between : ca, ca};
    struct shown *s = calloc(1, sizeof *s);
    gnutls_datum_t pem;
    uint8_t all_of_it[16384];
    size_t len;

    assert_int_equal(gnutls_x509_crt_export2(leaf->crt, GNUTLS_X509_FMT_DER, &s->der), 0);
    memcpy(all_of_it, s->der.data, len = s->der.size);
    s->of = (struct shown_certificate){.der = s->der.data,
                                       .len = s->der.size,
                                       .verified = true,
                                       .ca = 1,
                                       .above = s->above,
                                       .above_count = between != NULL ? 2 : 1,
                                       .not_before_s = time(NULL) - 60,
                                       .expires_s = time(NULL) + 3600};
    for (size_t i = 0; i < s->of.above_count; i++) {
        assert_int_equal(
            gnutls_x509_crt_export2(above[i]->crt, GNUTLS_X509_FMT_DER, &s->above_der[i]), 0);
        s->above[i] = (struct bytes){s->above_der[i].data, s->above_der[i].size};
        memcpy(all_of_it + len, s->above[i].data, s->above[i].len);
        len += s->above[i].len;
    }
    sha256_digest(s->of.der, s->of.len, s->of.sha256);
    sha256_digest(all_of_it, len, s->of.chain_sha256);
    pem_of(ca, &pem);
    sha256_digest(pem.data, pem.size, s->of.ca_sha256);
    gnutls_free(pem.data);
    return s;
}

static void shown_free(struct shown *s)
{
    gnutls_free(s->der.data);
    gnutls_free(s->above_der[0].data);
    gnutls_free(s->above_der[1].data);
    free(s);
}

static void expect(const struct shown *s, enum sg_err err, int64_t user_id)
{
    int64_t found = -1;

    assert_int_equal(certificates_identify(all, &s->of, time(NULL), &found), err);
    assert_int_equal(found, err == SG_OK ? user_id : -1);
}

/* -- tests --------------------------------------------------------------------------------------
 */

static void test_remembered(void **state)
{
    struct pair leaf = pair_make("carl", &(struct pair_shape){DAYS}, &root);
    struct shown *s = show(&leaf, NULL, &root);
    struct user_record carl;
    bool disabled = true;

    (void)state;
    trust(&root, "cn", NULL);
    for (int i = 0; i < 5; i++)
        expect(s, SG_OK, 0); /* nobody's */
    assert_int_equal(looked_up, 1);
    carl = contract_user_add(&store, "carl", SG_ROLE_MEMBER);
    certificates_user_changed(all, carl.id);
    looked_up = 0;
    for (int i = 0; i < 5; i++)
        expect(s, SG_OK, carl.id);
    assert_int_equal(looked_up, 1);
    assert_int_equal(
        store.users.vt->update(store.users.self, "carl", NULL, &disabled, &(struct user_record){0}),
        SG_OK);
    certificates_user_changed(all, carl.id);
    looked_up = 0;
    for (int i = 0; i < 5; i++)
        expect(s, SG_ERR_USER_DISABLED, 0);
    assert_int_equal(looked_up, 1);
    assert_int_equal(store.users.vt->remove(store.users.self, "carl"), SG_OK);
    certificates_user_changed(all, 0);
    for (int i = 0; i < 5; i++)
        expect(s, SG_OK, 0);
    assert_int_equal(looked_up, 2);
    shown_free(s);
    pair_drop(&leaf);
}

/* Users come and go all day: what the certificate says is not read again for that, only for other
 * lists and CAs. */
static void test_read_once(void **state)
{
    static const uint8_t unreadable[1];
    struct pair leaf = pair_make("carl", &(struct pair_shape){DAYS}, &root);
    struct pair revoked = pair_make("dora", &(struct pair_shape){DAYS}, &root);
    struct shown *s = show(&leaf, NULL, &root), *r = show(&revoked, NULL, &root);
    struct user_record carl;

    (void)state;
    trust(&root, "cn", write_crl(&root, &revoked, NULL, NULL));
    expect(s, SG_OK, 0);
    expect(r, SG_ERR_CERT_REVOKED, 0);
    s->of.der = r->of.der = unreadable;
    s->of.len = r->of.len = sizeof unreadable;
    carl = contract_user_add(&store, "carl", SG_ROLE_MEMBER);
    certificates_user_changed(all, carl.id);
    looked_up = 0;
    for (int i = 0; i < 3; i++) {
        expect(s, SG_OK, carl.id);
        expect(r, SG_ERR_CERT_REVOKED, 0);
    }
    assert_int_equal(looked_up, 1);
    (void)write_crl(&root, NULL, NULL, NULL);
    certificates_prune(all);
    expect(s, SG_ERR_CERT_UNKNOWN, 0);
    expect(r, SG_ERR_CERT_UNKNOWN, 0);
    shown_free(s);
    shown_free(r);
    pair_drop(&leaf);
    pair_drop(&revoked);
}

/* Its own list, and that of the CA above. */
static void test_revoked_above(void **state)
{
    struct pair leaf = pair_make("carl", &(struct pair_shape){DAYS}, &middle);
    struct pair beside = pair_make("carl", &(struct pair_shape){DAYS}, &root);
    struct shown *s = show(&leaf, &middle, &root), *b = show(&beside, NULL, &root);

    (void)state;
    trust(&root, "cn", write_crl(&root, NULL, NULL, NULL));
    expect(s, SG_OK, 0);
    expect(b, SG_OK, 0);
    (void)write_crl(&root, &middle, NULL, NULL);
    expect(s, SG_OK, 0);
    certificates_prune(all);
    for (int i = 0; i < 3; i++) {
        expect(s, SG_ERR_CERT_REVOKED, 0);
        expect(b, SG_OK, 0);
    }
    (void)write_crl(&root, &beside, NULL, NULL);
    certificates_prune(all);
    expect(s, SG_OK, 0);
    expect(b, SG_ERR_CERT_REVOKED, 0);
    shown_free(s);
    shown_free(b);
    pair_drop(&leaf);
    pair_drop(&beside);
}

/* The same certificate by way of another one above it is judged by itself. */
static void test_other_way(void **state)
{
    struct pair again = middle;
    struct pair leaf = pair_make("carl", &(struct pair_shape){DAYS}, &middle);
    struct shown *s, *t;

    (void)state;
    again = pair_make("middle", &(struct pair_shape){.ca = true, DAYS}, &root);
    s = show(&leaf, &middle, &root);
    t = show(&leaf, &again, &root);
    trust(&root, "cn", write_crl(&root, &middle, NULL, NULL));
    for (int i = 0; i < 2; i++) {
        expect(s, SG_ERR_CERT_REVOKED, 0);
        expect(t, SG_OK, 0);
    }
    shown_free(s);
    shown_free(t);
    pair_drop(&leaf);
    pair_drop(&again);
}

/* A file may hold the lists of several, each signed by one of the CA's certificates. */
static void test_lists_in_one_file(void **state)
{
    struct pair leaf = pair_make("carl", &(struct pair_shape){DAYS}, &root);
    struct pair other = pair_make("carl", &(struct pair_shape){DAYS}, &other_root);
    gnutls_datum_t one, two;
    SG_BUF_CLEANUP struct buf both;
    struct certificates_trust *t;
    struct certificates_ca ca = {.rule = "cn"};
    struct shown *s = show(&leaf, NULL, &root), *o = show(&other, NULL, &root);
    const char *reason;

    (void)state;
    buf_init(&both, 65536);
    pem_of(&root, &one);
    pem_of(&other_root, &two);
    buf_append(&both, one.data, one.size);
    buf_append(&both, two.data, two.size);
    ca.pem = buf_str(&both);
    ca.pem_len = both.len;
    ca.crl_file = write_crl(&root, NULL, &other_root, &other);
    sha256_digest(ca.pem, ca.pem_len, s->of.ca_sha256);
    sha256_digest(ca.pem, ca.pem_len, o->of.ca_sha256);
    assert_int_equal(certificates_trust_new(&t), SG_OK);
    assert_int_equal(certificates_trust_add(t, &ca, NULL, &reason), SG_OK);
    certificates_trust_use(all, &t);
    expect(s, SG_OK, 0);
    expect(o, SG_ERR_CERT_REVOKED, 0);
    assert_int_equal(certificates_trust_new(&t), SG_OK);
    ca.crl_file = write_crl(&root, NULL, &middle, NULL);
    assert_int_equal(certificates_trust_add(t, &ca, NULL, &reason), SG_ERR_CORRUPT);
    assert_string_equal(reason, "the revocation list cannot be read, or is not by this CA");
    certificates_trust_free(t);
    gnutls_free(one.data);
    gnutls_free(two.data);
    shown_free(s);
    shown_free(o);
    pair_drop(&leaf);
    pair_drop(&other);
}

static void test_replaced(void **state)
{
    struct pair leaf = pair_make("carl", &(struct pair_shape){DAYS}, &root);
    struct pair other = pair_make("carl", &(struct pair_shape){DAYS}, &other_root);
    struct shown *s = show(&leaf, NULL, &root), *o = show(&other, NULL, &other_root);
    struct user_record carl = contract_user_add(&store, "carl", SG_ROLE_MEMBER);
    struct certificates_trust *t;

    (void)state;
    expect(s, SG_ERR_CERT_UNKNOWN, 0);
    trust(&root, "cn", NULL);
    expect(s, SG_OK, carl.id);
    expect(o, SG_ERR_CERT_UNKNOWN, 0);
    trust(&root, "uri", NULL); /* which it does not have */
    expect(s, SG_OK, 0);
    trust(&other_root, "cn", NULL);
    expect(s, SG_ERR_CERT_UNKNOWN, 0);
    expect(o, SG_OK, carl.id);
    assert_int_equal(certificates_trust_new(&t), SG_OK);
    assert_int_equal(add(t, &root, "cn", NULL), SG_OK);
    assert_int_equal(add(t, &other_root, "uri", NULL), SG_OK);
    assert_int_equal(add(t, &middle, "Cn", NULL), SG_ERR_BAD_FIELD);
    assert_int_equal(add(t, &middle, "cn", "/no/such/list"), SG_ERR_NOT_FOUND);
    certificates_trust_use(all, &t);
    expect(s, SG_OK, carl.id);
    expect(o, SG_OK, 0);
    shown_free(s);
    shown_free(o);
    pair_drop(&leaf);
    pair_drop(&other);
}

/* A list that cannot be read at the moment is not one that revokes nothing. */
static void test_list_that_is_gone(void **state)
{
    struct pair leaf = pair_make("carl", &(struct pair_shape){DAYS}, &root);
    struct shown *s = show(&leaf, NULL, &root);
    char *list = write_crl(&root, &leaf, NULL, NULL);
    struct certificates_trust *t;

    (void)state;
    trust(&root, "cn", list);
    expect(s, SG_ERR_CERT_REVOKED, 0);
    assert_int_equal(unlink(list), 0);
    trust(&root, "email", list);
    expect(s, SG_ERR_CERT_REVOKED, 0);
    certificates_prune(all);
    expect(s, SG_ERR_CERT_REVOKED, 0);
    /* That of another CA is none of it. */
    assert_int_equal(certificates_trust_new(&t), SG_OK);
    assert_int_equal(add(t, &other_root, "cn", list), SG_ERR_NOT_FOUND);
    certificates_trust_free(t);
    (void)write_crl(&root, NULL, NULL, NULL);
    certificates_prune(all);
    expect(s, SG_OK, 0);
    shown_free(s);
    pair_drop(&leaf);
}

/* -- threads ------------------------------------------------------------------------------------
 */

static atomic_bool stop_looking;
static atomic_size_t wrong;

struct seen {
    const struct shown *leaf;
    int64_t user_id;
    char *list;
};

static void change(const struct seen *s)
{
    for (int i = 0; i < 60; i++) {
        trust(i % 3 == 1 ? &other_root : &root, i % 2 == 0 ? "cn" : "uri",
              i % 3 == 1 ? NULL : s->list);
        certificates_user_changed(all, s->user_id);
        certificates_prune(all);
    }
    trust(&root, "cn", NULL);
    atomic_store(&stop_looking, true);
}

/* Whose it is by either rule, or a stranger's while its CA is not trusted: nothing else, ever. */
static void look_or_change(void *ctx, size_t index)
{
    const struct seen *s = ctx;

    if (index == 0) {
        change(s);
        return;
    }
    while (!atomic_load(&stop_looking)) {
        int64_t user_id = -1;
        enum sg_err err = certificates_identify(all, &s->leaf->of, time(NULL), &user_id);

        if (err != SG_ERR_CERT_UNKNOWN && (err != SG_OK || (user_id != 0 && user_id != s->user_id)))
            atomic_fetch_add(&wrong, 1);
    }
}

static void test_looking_while_it_changes(void **state)
{
    struct pair leaf = pair_make("carl", &(struct pair_shape){DAYS}, &middle);
    struct shown *shown = show(&leaf, &middle, &root);
    struct seen s = {.leaf = shown,
                     .user_id = contract_user_add(&store, "carl", SG_ROLE_MEMBER).id,
                     .list = write_crl(&root, &other_root, NULL, NULL)};

    (void)state;
    trust(&root, "cn", s.list);
    contract_threads(4, look_or_change, &s);
    assert_int_equal(atomic_load(&wrong), 0);
    expect(shown, SG_OK, s.user_id);
    shown_free(shown);
    pair_drop(&leaf);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_remembered),        TEST(test_read_once),
        TEST(test_revoked_above),     TEST(test_other_way),
        TEST(test_lists_in_one_file), TEST(test_replaced),
        TEST(test_list_that_is_gone), TEST(test_looking_while_it_changes),
    };

    return cmocka_run_group_tests_name("certificates_foreign", tests, NULL, NULL);
}
