/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of client certificates: whose one is, what ends it, what is left when something fails
 * in between; with the real keyring and the SQLite engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/log.h"
#include "certs/pki.h"
#include "core/certificates.h"
#include "core/certrule.h"
#include "core/sha256.h"
#include "real_keyring.h"
#include "sqlite_engine.h"
#include "tempdir.h"

static char *data;
static struct real_keyring process;
static struct keyring_client *keyring;
static struct contract_store store;
static struct certificates_store rows;
static struct certificates *all;
static struct user_record alice, admin;
static gnutls_privkey_t client_key;
static char csr[2048];

static void make_csr(void)
{
    gnutls_x509_crq_t crq;
    gnutls_pubkey_t public_key;
    size_t size = sizeof csr;

    assert_int_equal(pki_key_generate(SG_PKI_ECDSA_P256, &client_key), SG_OK);
    assert_int_equal(gnutls_pubkey_init(&public_key), 0);
    assert_int_equal(gnutls_pubkey_import_privkey(public_key, client_key, 0, 0), 0);
    assert_int_equal(gnutls_x509_crq_init(&crq), 0);
    assert_int_equal(gnutls_x509_crq_set_version(crq, 1), 0);
    assert_int_equal(gnutls_x509_crq_set_pubkey(crq, public_key), 0);
    assert_int_equal(gnutls_x509_crq_privkey_sign(crq, client_key, GNUTLS_DIG_SHA256, 0), 0);
    assert_int_equal(gnutls_x509_crq_export(crq, GNUTLS_X509_FMT_PEM, csr, &size), 0);
    gnutls_x509_crq_deinit(crq);
    gnutls_pubkey_deinit(public_key);
}

static int set_up_group(void **state)
{
    (void)state;
    log_setup("test", SG_LOG_TEXT, SG_LOG_ERROR);
    data = tempdir_make();
    process = real_keyring_start(data, NULL);
    keyring = real_keyring_client(&process);
    make_csr();
    return keyring_client_status(keyring) != SG_OK;
}

static int tear_down_group(void **state)
{
    (void)state;
    gnutls_privkey_deinit(client_key);
    keyring_client_free(keyring);
    assert_int_equal(real_keyring_stop(&process), 0);
    tempdir_remove(data);
    return 0;
}

static void open_all(struct keyring_client *k)
{
    const struct certificates_options options = {.store = &rows,
                                                 .users = &store.users,
                                                 .sessions = &store.sessions,
                                                 .keyring = k,
                                                 .days = 90};

    assert_int_equal(certificates_new(&options, &all), SG_OK);
}

static void reopen(struct keyring_client *k)
{
    certificates_free(all);
    contract_store_reopen(&store);
    rows = sqlite_engine.certificates(store.handle);
    open_all(k);
}

static int set_up(void **state)
{
    (void)state;
    contract_store_init(&store, &sqlite_engine);
    rows = sqlite_engine.certificates(store.handle);
    admin = contract_user_add(&store, "admin", SG_ROLE_ADMIN);
    alice = contract_user_add(&store, "alice", SG_ROLE_MEMBER);
    open_all(keyring);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    certificates_free(all);
    contract_store_fini(&store);
    return 0;
}

static struct principal as(const struct user_record *user)
{
    struct principal who = {.user_id = user->id, .role = user->role, .scopes = ~0U};

    memcpy(who.user, user->name, sizeof who.user);
    return who;
}

/* A certificate of alice's as her connection shows it; its bytes are the buffer's. */
struct shown {
    struct certificate_record record;
    struct buf der;
    struct shown_certificate of;
};

static void issue(struct shown *ret)
{
    const struct certificate_order order = {.csr = csr, .csr_len = strlen(csr), .name = ""};
    struct principal who = as(&alice);
    const char *reason = NULL;

    buf_init(&ret->der, SG_CERTIFICATE_DER_MAX);
    assert_int_equal(certificates_issue(all, &who, &order, &ret->record, &ret->der, &reason),
                     SG_OK);
    ret->of = (struct shown_certificate){.der = ret->der.data,
                                         .len = ret->der.len,
                                         .verified = true,
                                         .not_before_s = time(NULL) - 60,
                                         .expires_s = time(NULL) + 3600};
    sha256_digest(ret->der.data, ret->der.len, ret->of.sha256);
    assert_memory_equal(ret->of.sha256, ret->record.sha256, 32);
}

static enum sg_err identify(const struct shown *s, int64_t *ret_user_id)
{
    *ret_user_id = -1;
    return certificates_identify(all, &s->of, time(NULL), ret_user_id);
}

static size_t published(void)
{
    gnutls_x509_crl_t crl;
    int count;

    if (pki_crl_load(tempdir_path(data, "tls/ca.crl"), &crl) != SG_OK)
        return 0;
    count = gnutls_x509_crl_get_crt_count(crl);
    gnutls_x509_crl_deinit(crl);
    return (size_t)count;
}

static void test_whose_it_is(void **state)
{
    struct shown s;
    struct shown other;
    int64_t user_id;

    (void)state;
    issue(&s);
    assert_int_equal(identify(&s, &user_id), SG_OK);
    assert_int_equal(user_id, alice.id);
    assert_int_equal(certificates_identify(all, &s.of, time(NULL), NULL), SG_OK);
    other = s;
    other.of.verified = false;
    assert_int_equal(identify(&other, &user_id), SG_ERR_CERT_UNKNOWN);
    other = s;
    other.of.der = NULL;
    assert_int_equal(identify(&other, &user_id), SG_ERR_CERT_UNKNOWN);
    other = s;
    other.of.sha256[7] ^= 1; /* by our CA, and not in the table */
    assert_int_equal(identify(&other, &user_id), SG_ERR_CERT_UNKNOWN);
    other = s;
    other.of.ca = 1; /* of a CA that nobody named */
    assert_int_equal(identify(&other, &user_id), SG_ERR_CERT_UNKNOWN);
    assert_int_equal(user_id, -1);
    /* To the second: the first moment is in, the last is out. */
    assert_int_equal(certificates_identify(all, &s.of, s.of.not_before_s, NULL), SG_OK);
    assert_int_equal(certificates_identify(all, &s.of, s.of.not_before_s - 1, NULL),
                     SG_ERR_CERT_EXPIRED);
    assert_int_equal(certificates_identify(all, &s.of, s.of.expires_s - 1, NULL), SG_OK);
    assert_int_equal(certificates_identify(all, &s.of, s.of.expires_s, NULL), SG_ERR_CERT_EXPIRED);
    reopen(keyring);
    assert_int_equal(identify(&s, &user_id), SG_OK);
    assert_int_equal(user_id, alice.id);
    buf_fini(&s.der);
}

static void test_revoking(void **state)
{
    struct principal who = as(&alice);
    struct principal root = as(&admin);
    struct certificate_record r;
    struct shown s, second;
    size_t before = published();
    int64_t user_id;

    (void)state;
    issue(&s);
    issue(&second);
    who.user_id = admin.id + 100;
    assert_int_equal(certificates_revoke(all, &who, s.record.id, &r), SG_ERR_NOT_FOUND);
    who = as(&alice);
    assert_int_equal(certificates_revoke(all, &who, s.record.id, &r), SG_OK);
    assert_int_equal(identify(&s, &user_id), SG_ERR_CERT_REVOKED);
    assert_int_equal(identify(&second, &user_id), SG_OK);
    assert_int_equal(published(), before + 1);
    assert_int_equal(certificates_revoke(all, &root, second.record.id, &r), SG_OK);
    assert_int_equal(identify(&second, &user_id), SG_ERR_CERT_REVOKED);
    assert_int_equal(published(), before + 2);
    reopen(keyring);
    assert_int_equal(identify(&s, &user_id), SG_ERR_CERT_REVOKED);
    buf_fini(&s.der);
    buf_fini(&second.der);
}

/* Who asks for more than there is room for does not fill the list of all. */
static void test_too_many(void **state)
{
    struct certificate_order order = {.csr = csr, .csr_len = strlen(csr), .name = ""};
    struct principal who = as(&alice);
    struct certificate_record r;
    SG_BUF_CLEANUP struct buf der;
    const char *reason = NULL;
    size_t before = published();
    struct shown s;

    (void)state;
    buf_init(&der, SG_CERTIFICATE_DER_MAX);
    for (int i = 0; i < SG_CERTIFICATES_PER_USER; i++) {
        issue(&s);
        buf_fini(&s.der);
    }
    assert_int_equal(certificates_issue(all, &who, &order, &r, &der, &reason), SG_ERR_LIMIT);
    assert_int_equal(published(), before);
}

/* The keyring does not answer: it is revoked here all the same, and listed once it does. */
static void test_without_the_keyring(void **state)
{
    struct keyring_client *silent = keyring_client_new();
    struct principal who = as(&alice);
    struct certificate_record r;
    struct shown s;
    size_t before = published();
    int64_t user_id;

    (void)state;
    issue(&s);
    reopen(silent);
    assert_int_equal(certificates_revoke(all, &who, s.record.id, &r), SG_ERR_UNAVAILABLE);
    assert_int_equal(identify(&s, &user_id), SG_ERR_CERT_REVOKED);
    assert_int_equal(published(), before);
    reopen(keyring); /* which completes the list */
    assert_int_equal(identify(&s, &user_id), SG_ERR_CERT_REVOKED);
    assert_int_equal(published(), before + 1);
    keyring_client_free(silent);
    buf_fini(&s.der);
}

static void test_users_that_change(void **state)
{
    bool disabled = true;
    struct user_record user;
    struct shown s;
    size_t before = published();
    int64_t user_id;

    (void)state;
    issue(&s);
    assert_int_equal(store.users.vt->update(store.users.self, "alice", NULL, &disabled, &user),
                     SG_OK);
    certificates_user_changed(all, alice.id);
    assert_int_equal(identify(&s, &user_id), SG_ERR_USER_DISABLED);
    reopen(keyring);
    assert_int_equal(identify(&s, &user_id), SG_ERR_USER_DISABLED);
    disabled = false;
    assert_int_equal(store.users.vt->update(store.users.self, "alice", NULL, &disabled, &user),
                     SG_OK);
    certificates_user_changed(all, 0);
    assert_int_equal(identify(&s, &user_id), SG_OK);
    assert_int_equal(store.users.vt->remove(store.users.self, "alice"), SG_OK);
    certificates_user_changed(all, 0);
    assert_int_equal(identify(&s, &user_id), SG_ERR_CERT_REVOKED);
    assert_int_equal(published(), before + 1);
    buf_fini(&s.der);
}

/* The process ends between the removal of a user and the end of the certificates. */
static void test_a_removal_that_was_interrupted(void **state)
{
    struct shown s;
    size_t before = published();
    int64_t user_id;

    (void)state;
    issue(&s);
    assert_int_equal(store.users.vt->remove(store.users.self, "alice"), SG_OK);
    reopen(keyring);
    assert_int_equal(identify(&s, &user_id), SG_ERR_CERT_REVOKED);
    assert_int_equal(published(), before + 1);
    buf_fini(&s.der);
}

static void test_orders_that_are_refused(void **state)
{
    struct certificate_order order = {.csr = csr, .csr_len = strlen(csr), .name = "", .days = 91};
    struct principal who = as(&alice);
    struct certificate_record r;
    SG_BUF_CLEANUP struct buf der;
    const char *reason = NULL;
    size_t count = 0;

    (void)state;
    buf_init(&der, SG_CERTIFICATE_DER_MAX);
    assert_int_equal(certificates_issue(all, &who, &order, &r, &der, &reason), SG_ERR_BAD_FIELD);
    assert_non_null(strstr(reason, "days"));
    order.days = 1;
    order.csr_len--;
    order.csr_len /= 2;
    assert_int_equal(certificates_issue(all, &who, &order, &r, &der, &reason), SG_ERR_BAD_CSR);
    assert_non_null(reason);
    order.csr_len = strlen(csr);
    order.user = "admin";
    assert_int_equal(certificates_issue(all, &who, &order, &r, &der, &reason), SG_ERR_FORBIDDEN);
    who = as(&admin);
    who.scopes = SG_SCOPE_FILES_READ; /* an admin's token that may less */
    order.user = "alice";
    assert_int_equal(certificates_issue(all, &who, &order, &r, &der, &reason), SG_ERR_FORBIDDEN);
    assert_int_equal(certificates_list(all, &who, NULL, true, &r, &count), SG_ERR_FORBIDDEN);
    assert_int_equal(der.len, 0);
}

static atomic_bool stop_looking;
static atomic_size_t wrong;

static void look_or_change(void *ctx, size_t index)
{
    const struct shown *s = ctx;

    if (index == 0) {
        struct principal who = as(&alice);
        struct certificate_record r;

        for (int i = 0; i < 20; i++)
            certificates_user_changed(all, alice.id);
        if (certificates_revoke(all, &who, s->record.id, &r) != SG_OK)
            atomic_fetch_add(&wrong, 1);
        if (certificates_identify(all, &s->of, time(NULL), NULL) != SG_ERR_CERT_REVOKED)
            atomic_fetch_add(&wrong, 1);
        certificates_prune(all);
        atomic_store(&stop_looking, true);
        return;
    }
    while (!atomic_load(&stop_looking)) {
        enum sg_err err = certificates_identify(all, &s->of, time(NULL), NULL);

        if (err != SG_OK && err != SG_ERR_CERT_REVOKED)
            atomic_fetch_add(&wrong, 1);
    }
}

static void test_looking_while_it_changes(void **state)
{
    struct shown s;

    (void)state;
    issue(&s);
    atomic_store(&stop_looking, false);
    atomic_store(&wrong, 0);
    contract_threads(4, look_or_change, &s);
    assert_int_equal(atomic_load(&wrong), 0);
    buf_fini(&s.der);
}

/* -- names in certificates of others ------------------------------------------------------------
 */

struct san {
    gnutls_x509_subject_alt_name_t type;
    const char *text;
};

/* With these common names and alternative names; read as one that came from somewhere. */
static gnutls_x509_crt_t foreign(const char *const *names, size_t name_count,
                                 const struct san *sans, size_t count)
{
    gnutls_x509_crt_t made, cert;
    gnutls_pubkey_t public_key;
    gnutls_datum_t der;

    assert_int_equal(gnutls_x509_crt_init(&made), 0);
    assert_int_equal(gnutls_x509_crt_init(&cert), 0);
    assert_int_equal(gnutls_pubkey_init(&public_key), 0);
    assert_int_equal(gnutls_pubkey_import_privkey(public_key, client_key, 0, 0), 0);
    assert_int_equal(gnutls_x509_crt_set_version(made, 3), 0);
    assert_int_equal(gnutls_x509_crt_set_serial(made, "\1", 1), 0);
    assert_int_equal(gnutls_x509_crt_set_pubkey(made, public_key), 0);
    assert_int_equal(gnutls_x509_crt_set_activation_time(made, 1795190534), 0);
    assert_int_equal(gnutls_x509_crt_set_expiration_time(made, 1795200534), 0);
    for (size_t i = 0; i < name_count; i++)
        assert_int_equal(gnutls_x509_crt_set_dn_by_oid(made, GNUTLS_OID_X520_COMMON_NAME, 0,
                                                       names[i], (unsigned)strlen(names[i])),
                         0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(gnutls_x509_crt_set_subject_alt_name(made, sans[i].type, sans[i].text,
                                                              (unsigned)strlen(sans[i].text),
                                                              GNUTLS_FSAN_APPEND),
                         0);
    assert_int_equal(gnutls_x509_crt_privkey_sign(made, made, client_key, GNUTLS_DIG_SHA256, 0), 0);
    assert_int_equal(gnutls_x509_crt_export2(made, GNUTLS_X509_FMT_DER, &der), 0);
    assert_int_equal(gnutls_x509_crt_import(cert, &der, GNUTLS_X509_FMT_DER), 0);
    gnutls_free(der.data);
    gnutls_pubkey_deinit(public_key);
    gnutls_x509_crt_deinit(made);
    return cert;
}

/* What the rule finds; "" for nobody. */
static void expect(const char *text, gnutls_x509_crt_t cert, const char *expected)
{
    struct certrule rule;
    char name[SG_USER_NAME_SIZE] = "";
    enum sg_err err;

    assert_int_equal(certrule_parse(text, &rule), SG_OK);
    err = certrule_apply(&rule, cert, name);
    assert_int_equal(err, expected[0] == '\0' ? SG_ERR_NOT_FOUND : SG_OK);
    assert_string_equal(name, expected);
}

static void test_rules(void **state)
{
    const struct san sans[] = {{GNUTLS_SAN_RFC822NAME, "mia@Example.test"},
                               {GNUTLS_SAN_RFC822NAME, "Big@elsewhere.test"},
                               {GNUTLS_SAN_URI, "https://example.test/uri"},
                               {GNUTLS_SAN_URI, "urn:secgate:user:ulf"},
                               {GNUTLS_SAN_DNSNAME, "host-7.dns"}};
    const struct san two[] = {{GNUTLS_SAN_RFC822NAME, "mia@example.test"},
                              {GNUTLS_SAN_RFC822NAME, "max@example.test"},
                              {GNUTLS_SAN_RFC822NAME, "eve@example.test.evil.test"}};
    gnutls_x509_crt_t cert = foreign((const char *const[]){"carl"}, 1, sans, 5);
    struct certrule rule;

    (void)state;
    expect("cn", cert, "carl");
    expect("email", cert, "mia");
    expect("email@example.test", cert, "mia");
    expect("email@elsewhere.test", cert, "");
    expect("email@ample.test", cert, "");
    expect("uri", cert, "ulf");
    expect("dns", cert, "host-7.dns");
    gnutls_x509_crt_deinit(cert);
    cert = foreign((const char *const[]){"carl", "other"}, 2, two, 3);
    expect("cn", cert, ""); /* which of them? */
    expect("email", cert, "");
    expect("email@example.test.evil.test", cert, "eve");
    expect("uri", cert, "");
    gnutls_x509_crt_deinit(cert);
    cert = foreign((const char *const[]){"Carl"}, 1, two, 1);
    expect("cn", cert, ""); /* not exactly a user's name */
    gnutls_x509_crt_deinit(cert);
    cert = foreign((const char *const[]){"me"}, 1, two, 0);
    expect("cn", cert, "");
    gnutls_x509_crt_deinit(cert);
    assert_int_equal(certrule_parse("", &rule), SG_ERR_BAD_FIELD);
    assert_int_equal(certrule_parse("CN", &rule), SG_ERR_BAD_FIELD);
    assert_int_equal(certrule_parse("email@", &rule), SG_ERR_BAD_FIELD);
    assert_int_equal(certrule_parse("cn ", &rule), SG_ERR_BAD_FIELD);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whose_it_is),
        TEST(test_revoking),
        TEST(test_too_many),
        TEST(test_without_the_keyring),
        TEST(test_users_that_change),
        TEST(test_a_removal_that_was_interrupted),
        TEST(test_orders_that_are_refused),
        TEST(test_looking_while_it_changes),
        cmocka_unit_test(test_rules),
    };

    return cmocka_run_group_tests_name("certificates", tests, set_up_group, tear_down_group);
}
