/* SPDX-License-Identifier: Apache-2.0 */
/* Named keys: made, lent, counted, rotated, changed, kept over restarts, and in a backup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "certs/pki.h"
#include "keyring/audit.h"
#include "keyring/backup.h"
#include "keyring/kek.h"
#include "keyring/keystore.h"
#include "keyring/namedkeys.h"
#include "keyring/pkcs11.h"
#include "keyring/sealed.h"
#include "tlog/note.h"
#include "tempdir.h"

static const struct kek kek = {{7, 7, 7}};
static const struct keyring_actor admin = {.user_id = 1, .user = "root", .admin = true};
static const struct keyring_actor ann = {.user_id = 2, .user = "ann"};
static const struct keyring_actor bob = {.user_id = 3, .user = "bob"};

static char *data;
static char *dir;
static char *ca_path;
static struct keystore *keys;
static struct audit *audit;
static struct namedkeys *named;
static int64_t now_ns;

static int64_t fixed_now(void)
{
    return now_ns;
}

static void open_named(void)
{
    const struct namedkeys_options o = {.dir = dir, .kek = &kek, .keys = keys, .audit = audit};

    assert_int_equal(namedkeys_open(&o, &named), SG_OK);
}

static void reopen(void)
{
    namedkeys_close(named);
    open_named();
}

static int set_up(void **state)
{
    static const struct clock_source source = {.now_ns = fixed_now};

    (void)state;
    now_ns = INT64_C(1795267552) * SG_NS_PER_S;
    clock_set_source(&source);
    data = tempdir_make();
    dir = file_join(data, "keyring");
    ca_path = file_join(data, "ca.pem");
    const struct keystore_options o = {
        .data = data, .kek = &kek, .issuer = "https://localhost:8443"};
    assert_int_equal(keystore_open(&o, &keys), SG_OK);
    assert_int_equal(audit_open(dir, 4096, &audit), SG_OK);
    open_named();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    namedkeys_close(named);
    audit_close(audit);
    keystore_free(keys);
    clock_set_source(NULL);
    free(ca_path);
    free(dir);
    tempdir_remove(data);
    return 0;
}

static enum sg_err create(const char *name, enum sig_key_type type, int64_t lifetime_s)
{
    struct keyring_key_create m = {.actor = admin, .type = type, .lifetime_s = lifetime_s};
    static struct keyring_key key;

    (void)snprintf(m.name, sizeof m.name, "%s", name);
    return namedkeys_create(named, &m, &key);
}

static enum sg_err rotate(const char *name, const struct keyring_actor *actor)
{
    struct keyring_key_rotate m = {.actor = *actor};
    static struct keyring_key key;

    (void)snprintf(m.name, sizeof m.name, "%s", name);
    return namedkeys_rotate(named, &m, &key);
}

static struct keyring_key get(const char *name)
{
    struct keyring_key key;

    assert_int_equal(namedkeys_get(named, name, &key), SG_OK);
    return key;
}

static enum sg_err update(const char *name, const struct keyring_actor *actor, unsigned set,
                          const struct keyring_key *to)
{
    struct keyring_key_update m = {.actor = *actor, .set = set, .to = *to};
    struct keyring_key key;

    (void)snprintf(m.to.name, sizeof m.to.name, "%s", name);
    return namedkeys_update(named, &m, &key);
}

/* Signs with the loan and verifies with the SPKI and the certificate that came along. */
static void check_loan(const struct namedkeys_loan *loan)
{
    const gnutls_datum_t text = {.data = (unsigned char *)"text", .size = 4};
    const gnutls_datum_t spki = {.data = (unsigned char *)(uintptr_t)loan->spki,
                                 .size = (unsigned)loan->spki_len};
    const gnutls_datum_t der = {.data = (unsigned char *)(uintptr_t)loan->certificate,
                                .size = (unsigned)loan->certificate_len};
    const bool eddsa = loan->type == SG_KEY_ED25519;
    const gnutls_sign_algorithm_t algorithm = eddsa ? GNUTLS_SIGN_EDDSA_ED25519
                                              : loan->type == SG_KEY_RSA_3072
                                                  ? GNUTLS_SIGN_RSA_SHA256
                                                  : GNUTLS_SIGN_ECDSA_SHA256;
    struct pki_chain ca = {.count = 0};
    uint8_t keyid[32];
    gnutls_datum_t signature;
    gnutls_pubkey_t key;
    gnutls_x509_crt_t crt;

    assert_true(gnutls_privkey_sign_data(loan->key, eddsa ? GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256,
                                         0, &text, &signature) >= 0);
    assert_true(gnutls_pubkey_init(&key) >= 0);
    assert_true(gnutls_pubkey_import(key, &spki, GNUTLS_X509_FMT_DER) >= 0);
    assert_true(gnutls_pubkey_verify_data2(key, algorithm, 0, &text, &signature) >= 0);
    assert_true(gnutls_hash_fast(GNUTLS_DIG_SHA256, loan->spki, loan->spki_len, keyid) >= 0);
    assert_memory_equal(keyid, loan->keyid, sizeof keyid);
    assert_int_equal(pki_chain_load(ca_path, &ca), SG_OK);
    assert_true(gnutls_x509_crt_init(&crt) >= 0);
    assert_true(gnutls_x509_crt_import(crt, &der, GNUTLS_X509_FMT_DER) >= 0);
    assert_true(pki_is_issued_by(crt, ca.cert[0]));
    assert_int_equal(pki_cert_spki_sha256(crt, keyid), SG_OK);
    assert_memory_equal(keyid, loan->keyid, sizeof keyid);
    gnutls_x509_crt_deinit(crt);
    pki_chain_fini(&ca);
    gnutls_free(signature.data);
    gnutls_pubkey_deinit(key);
}

static void test_every_type_signs_also_after_a_restart(void **state)
{
    static const struct {
        const char *name;
        enum sig_key_type type;
        unsigned formats;
    } all[] = {
        {"ed", SG_KEY_ED25519, SG_FORMATS_ALL},
        {"p256", SG_KEY_ECDSA_P256, SG_FORMATS_ALL & ~(SG_FORMAT_MINISIGN | SG_FORMAT_SIGNIFY)},
        {"rsa", SG_KEY_RSA_3072, SG_FORMATS_ALL & ~(SG_FORMAT_MINISIGN | SG_FORMAT_SIGNIFY)}};
    uint8_t keyid[3][32];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(create(all[i].name, all[i].type, 0), SG_OK);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++) {
            struct namedkeys_loan loan;

            assert_int_equal(namedkeys_borrow(named, &admin, all[i].name, 0, &loan), SG_OK);
            check_loan(&loan);
            assert_int_equal(loan.formats, all[i].formats);
            assert_int_equal(loan.version, 1);
            if (round > 0)
                assert_memory_equal(loan.keyid, keyid[i], 32);
            memcpy(keyid[i], loan.keyid, 32);
            namedkeys_return(named, &loan);
        }
        reopen();
    }
}

static void test_who_may_sign(void **state)
{
    struct namedkeys_loan loan;
    struct keyring_key to = {.signers = {2}, .signer_count = 1, .disabled = true};

    (void)state;
    assert_int_equal(create("k", SG_KEY_ED25519, 100), SG_OK);
    assert_int_equal(namedkeys_borrow(named, &admin, "no", 0, &loan), SG_ERR_NOT_FOUND);
    assert_int_equal(namedkeys_borrow(named, &ann, "k", 0, &loan), SG_ERR_FORBIDDEN);
    assert_int_equal(update("k", &ann, SG_KEY_SET_SIGNERS, &to), SG_ERR_FORBIDDEN);
    assert_int_equal(update("k", &admin, SG_KEY_SET_SIGNERS, &to), SG_OK);
    assert_int_equal(namedkeys_borrow(named, &admin, "k", 0, &loan), SG_ERR_FORBIDDEN);
    assert_int_equal(namedkeys_borrow(named, &ann, "k", SG_FORMAT_RAW, &loan), SG_OK);
    namedkeys_return(named, &loan);
    to.formats = SG_FORMAT_DSSE;
    assert_int_equal(update("k", &admin, SG_KEY_SET_FORMATS, &to), SG_OK);
    assert_int_equal(namedkeys_borrow(named, &ann, "k", SG_FORMAT_RAW, &loan), SG_ERR_BAD_FIELD);
    assert_int_equal(namedkeys_borrow(named, &ann, "k", SG_FORMAT_DSSE, &loan), SG_OK);
    namedkeys_return(named, &loan);
    assert_int_equal(update("k", &admin, SG_KEY_SET_DISABLED, &to), SG_OK);
    assert_int_equal(namedkeys_borrow(named, &ann, "k", 0, &loan), SG_ERR_KEY_DISABLED);
    to.disabled = false;
    assert_int_equal(update("k", &admin, SG_KEY_SET_DISABLED, &to), SG_OK);
    now_ns += 100 * SG_NS_PER_S - 1;
    assert_int_equal(namedkeys_borrow(named, &ann, "k", 0, &loan), SG_OK);
    namedkeys_return(named, &loan);
    now_ns += 1;
    assert_int_equal(namedkeys_borrow(named, &ann, "k", 0, &loan), SG_ERR_KEY_EXPIRED);
    assert_int_equal(rotate("k", &admin), SG_OK);
    assert_int_equal(namedkeys_borrow(named, &ann, "k", 0, &loan), SG_OK);
    assert_int_equal(loan.version, 2);
    namedkeys_return(named, &loan);
}

/* What was taken from key or user while a batch was made: its signatures stay. */
static void test_a_loan_is_looked_at_again_before_it_counts(void **state)
{
    struct keyring_key to = {.signers = {1}, .signer_count = 1};
    struct namedkeys_loan loan;

    (void)state;
    assert_int_equal(create("k", SG_KEY_ED25519, 0), SG_OK);
    assert_int_equal(namedkeys_borrow(named, &admin, "k", 0, &loan), SG_OK);
    assert_int_equal(rotate("k", &admin), SG_OK);
    assert_int_equal(namedkeys_count(named, &admin, &loan, 2), SG_OK); /* rotated: still good */
    assert_int_equal(namedkeys_count(named, &ann, &loan, 1), SG_ERR_FORBIDDEN);
    to.disabled = true;
    assert_int_equal(update("k", &admin, SG_KEY_SET_DISABLED, &to), SG_OK);
    assert_int_equal(namedkeys_count(named, &admin, &loan, 1), SG_ERR_KEY_DISABLED);
    to.disabled = false;
    to.oldest = 2;
    assert_int_equal(update("k", &admin, SG_KEY_SET_DISABLED | SG_KEY_SET_OLDEST, &to), SG_OK);
    assert_int_equal(namedkeys_count(named, &admin, &loan, 1), SG_ERR_KEY_EXPIRED);
    namedkeys_return(named, &loan);
    assert_int_equal(get("k").versions[0].uses, 2);
}

static void test_what_may_be_made(void **state)
{
    static const char *const bad[] = {"", "A", ".a", "a/b", "a b", "-a", "\xc3\xa4"};
    struct keyring_key_create m = {.actor = ann, .name = "k", .type = SG_KEY_ED25519};
    struct keyring_key key;

    (void)state;
    assert_int_equal(namedkeys_create(named, &m, &key), SG_ERR_FORBIDDEN);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(create(bad[i], SG_KEY_ED25519, 0), SG_ERR_BAD_FIELD);
    assert_int_equal(create("k", SG_KEY_ED25519, -1), SG_ERR_BAD_FIELD);
    assert_int_equal(create("k", SG_KEY_ED25519, INT64_MAX), SG_ERR_BAD_FIELD);
    assert_int_equal(create("k", SG_KEY_ED25519, 0), SG_OK);
    assert_int_equal(create("k", SG_KEY_ECDSA_P256, 0), SG_ERR_NAME_TAKEN);
    assert_int_equal(get("k").type, SG_KEY_ED25519);
    /* Tokens: none is configured; Ed25519 is in none; URIs bring no PIN. */
    m = (struct keyring_key_create){.actor = admin, .name = "t", .type = SG_KEY_ED25519};
    (void)snprintf(m.uri, sizeof m.uri, "pkcs11:token=t;object=o;type=private");
    assert_int_equal(namedkeys_create(named, &m, &key), SG_ERR_BAD_FIELD);
    m.type = SG_KEY_ECDSA_P256;
    assert_int_equal(namedkeys_create(named, &m, &key), SG_ERR_UNAVAILABLE);
    (void)snprintf(m.uri, sizeof m.uri, "pkcs11:token=t;object=o?pin-value=1234");
    assert_int_equal(namedkeys_create(named, &m, &key), SG_ERR_BAD_FIELD);
}

static void test_uris(void **state)
{
    static const char *const good[] = {"pkcs11:object=o", "pkcs11:token=a%20b;id=%01%02",
                                       "pkcs11:model=SoftHSM%20v2;manufacturer=m;serial=1;token=t;"
                                       "object=o;type=private"};
    static const char *const bad[] = {"",
                                      "pkcs11:",
                                      "file:/etc/x",
                                      "pkcs11:token=t",
                                      "pkcs11:object=o?pin-value=1",
                                      "pkcs11:object=o?pin-source=/etc/pin",
                                      "pkcs11:object=o?module-path=/tmp/x.so",
                                      "pkcs11:object=o;pin-value=1",
                                      "pkcs11:object=o;pin%2dvalue=1",
                                      "pkcs11:object=o;",
                                      "pkcs11:object=a b",
                                      "pkcs11:object",
                                      "pkcs11:object=o;module-name=x",
                                      "PKCS11:object=o"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(pkcs11_uri_is_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(pkcs11_uri_is_valid(bad[i]));
}

static void test_rotation_keeps_what_is_lent(void **state)
{
    struct namedkeys_loan loan;
    struct keyring_public first;
    struct keyring_public second;
    struct keyring_public again;
    struct keyring_key to = {.oldest = 2};

    (void)state;
    assert_int_equal(create("k", SG_KEY_ECDSA_P256, 0), SG_OK);
    assert_int_equal(namedkeys_borrow(named, &admin, "k", 0, &loan), SG_OK);
    assert_int_equal(rotate("k", &bob), SG_ERR_FORBIDDEN);
    assert_int_equal(rotate("none", &admin), SG_ERR_NOT_FOUND);
    assert_int_equal(rotate("k", &admin), SG_OK);
    check_loan(&loan);
    assert_int_equal(loan.version, 1);
    assert_int_equal(namedkeys_public(named, "k", 1, &first), SG_OK);
    assert_int_equal(namedkeys_public(named, "k", 0, &second), SG_OK);
    assert_int_equal(second.version, 2);
    assert_memory_not_equal(first.spki, second.spki, first.spki_len);
    assert_int_equal(namedkeys_public(named, "k", 3, &again), SG_ERR_NOT_FOUND);
    assert_int_equal(namedkeys_public(named, "no", 0, &again), SG_ERR_NOT_FOUND);
    assert_int_equal(update("k", &admin, SG_KEY_SET_OLDEST, &to), SG_OK);
    to.oldest = 3;
    assert_int_equal(update("k", &admin, SG_KEY_SET_OLDEST, &to), SG_ERR_BAD_FIELD);
    namedkeys_return(named, &loan);
    reopen();
    assert_int_equal(get("k").oldest, 2);
    assert_int_equal(get("k").version_count, 2);
    assert_int_equal(namedkeys_public(named, "k", 1, &again), SG_OK);
    assert_memory_equal(&again, &first, sizeof first);
    for (int i = 2; i < SG_KEY_VERSIONS_MAX; i++)
        assert_int_equal(rotate("k", &admin), SG_OK);
    assert_int_equal(rotate("k", &admin), SG_ERR_LIMIT);
    reopen();
    assert_int_equal(get("k").version_count, SG_KEY_VERSIONS_MAX);
}

static void test_lists_that_are_refused(void **state)
{
    struct keyring_key to = {.signers = {2, 2}, .signer_count = 2};
    const uint8_t public_key[32] = {5};
    struct note_key key;
    static const char witness[] =
        "witness.example/w+c5d0a2b4+BGE8pwiuCtdRWkIrNlQv+kzbBPHYfxv0kBzmZvYAU8sR";

    (void)state;
    assert_int_equal(create("k", SG_KEY_ECDSA_P256, 0), SG_OK);
    assert_int_equal(update("none", &admin, 0, &to), SG_ERR_NOT_FOUND);
    assert_int_equal(update("k", &admin, SG_KEY_SET_SIGNERS, &to), SG_ERR_BAD_FIELD);
    to.signers[1] = 0;
    assert_int_equal(update("k", &admin, SG_KEY_SET_SIGNERS, &to), SG_ERR_BAD_FIELD);
    to.formats = SG_FORMAT_MINISIGN;
    assert_int_equal(update("k", &admin, SG_KEY_SET_FORMATS, &to), SG_ERR_BAD_FIELD);
    to.quorum = 1;
    assert_int_equal(update("k", &admin, SG_KEY_SET_WITNESSES, &to), SG_ERR_BAD_FIELD);
    to.witness_count = 1;
    (void)snprintf(to.witnesses[0].vkey, sizeof to.witnesses[0].vkey, "%s", witness);
    (void)snprintf(to.witnesses[0].url, sizeof to.witnesses[0].url, "https://witness.example/");
    /* Its identifier is not that of its key. */
    assert_int_equal(update("k", &admin, SG_KEY_SET_WITNESSES, &to), SG_ERR_BAD_FIELD);
    assert_int_equal(get("k").witness_count, 0);
    assert_int_equal(get("k").signer_count, 1);
    assert_int_equal(note_key_make("w", SG_NOTE_COSIGNATURE, public_key, &key), SG_OK);
    note_key_format(&key, to.witnesses[0].vkey);
    assert_int_equal(update("k", &admin, SG_KEY_SET_WITNESSES, &to), SG_OK);
    assert_int_equal(get("k").quorum, 1);
    /* The same key twice, also under another name, would count twice. */
    to.witness_count = 2;
    to.witnesses[1] = to.witnesses[0];
    assert_int_equal(update("k", &admin, SG_KEY_SET_WITNESSES, &to), SG_ERR_BAD_FIELD);
    assert_int_equal(note_key_make("v", SG_NOTE_COSIGNATURE, public_key, &key), SG_OK);
    note_key_format(&key, to.witnesses[1].vkey);
    assert_int_equal(update("k", &admin, SG_KEY_SET_WITNESSES, &to), SG_ERR_BAD_FIELD);
    (void)snprintf(to.witnesses[0].url, sizeof to.witnesses[0].url, "file:///etc");
    to.witness_count = 1;
    assert_int_equal(update("k", &admin, SG_KEY_SET_WITNESSES, &to), SG_ERR_BAD_FIELD);
}

static void test_counts(void **state)
{
    SG_BUF_CLEANUP struct buf before;
    struct namedkeys_loan loan;
    const char *uses = tempdir_path(dir, "keys/k.uses");

    (void)state;
    assert_int_equal(create("k", SG_KEY_ED25519, 0), SG_OK);
    assert_int_equal(namedkeys_borrow(named, &admin, "k", 0, &loan), SG_OK);
    assert_int_equal(namedkeys_count(named, &admin, &loan, 3), SG_OK);
    assert_int_equal(namedkeys_count(named, &admin, &loan, 10000), SG_OK);
    assert_int_equal(rotate("k", &admin), SG_OK);
    assert_int_equal(namedkeys_count(named, &admin, &loan, 1), SG_OK);
    namedkeys_return(named, &loan);
    assert_int_equal(namedkeys_borrow(named, &admin, "k", 0, &loan), SG_OK);
    assert_int_equal(namedkeys_count(named, &admin, &loan, 5), SG_OK);
    namedkeys_return(named, &loan);
    assert_int_equal(get("k").versions[0].uses, 10004);
    assert_int_equal(get("k").versions[1].uses, 5);
    /* What a crash leaves is never too low. */
    buf_init(&before, 4096);
    assert_int_equal(file_read(uses, &before), SG_OK);
    reopen();
    assert_int_equal(get("k").versions[0].uses, 10004);
    assert_int_equal(get("k").versions[1].uses, 5);
    namedkeys_close(named);
    assert_int_equal(file_write_atomic(uses, before.data, before.len, 0600), SG_OK);
    open_named();
    assert_true(get("k").versions[0].uses >= 10004);
    assert_true(get("k").versions[1].uses >= 5);
    assert_true(get("k").versions[1].uses <= 5 + 4096);
}

static void test_files_that_are_refused(void **state)
{
    const struct namedkeys_options o = {.dir = dir, .kek = &kek, .keys = keys, .audit = audit};
    const char *key = tempdir_path(dir, "keys/k.key");
    SG_BUF_CLEANUP struct buf good;
    struct namedkeys *n = NULL;

    (void)state;
    assert_int_equal(create("k", SG_KEY_ED25519, 0), SG_OK);
    assert_int_equal(create("other", SG_KEY_ED25519, 0), SG_OK);
    namedkeys_close(named);
    named = NULL;
    buf_init(&good, SG_SEALED_MAX);
    assert_int_equal(file_read(key, &good), SG_OK);
    good.data[good.len / 2] ^= 1;
    assert_int_equal(file_write_atomic(key, good.data, good.len, 0600), SG_OK);
    assert_int_equal(namedkeys_open(&o, &n), SG_ERR_CORRUPT);
    good.data[good.len / 2] ^= 1;
    /* One key's file is not another's, nor its uses another's. */
    assert_int_equal(
        file_write_atomic(tempdir_path(dir, "keys/other.key"), good.data, good.len, 0600), SG_OK);
    assert_int_equal(file_write_atomic(key, good.data, good.len, 0600), SG_OK);
    assert_int_equal(namedkeys_open(&o, &n), SG_ERR_CORRUPT);
    assert_int_equal(unlink(tempdir_path(dir, "keys/other.key")), 0);
    assert_int_equal(rename(tempdir_path(dir, "keys/other.uses"), tempdir_path(dir, "keys/k.uses")),
                     0);
    assert_int_equal(namedkeys_open(&o, &n), SG_ERR_CORRUPT);
    assert_int_equal(unlink(tempdir_path(dir, "keys/k.uses")), 0);
    open_named();
    assert_int_equal(get("k").versions[0].uses, 0);
}

static void test_the_audit_file(void **state)
{
    static const struct keyring_actor sly = {.user_id = 9, .user = "x\ny key=z"};
    SG_BUF_CLEANUP struct buf text;
    struct namedkeys_loan loan;

    (void)state;
    assert_int_equal(create("k", SG_KEY_ED25519, 0), SG_OK);
    assert_int_equal(namedkeys_borrow(named, &sly, "k", 0, &loan), SG_ERR_FORBIDDEN);
    assert_int_equal(namedkeys_borrow(named, &admin, "k", 0, &loan), SG_OK);
    assert_int_equal(namedkeys_count(named, &admin, &loan, 42), SG_OK);
    buf_init(&text, 1 << 20);
    assert_int_equal(file_read(tempdir_path(dir, "audit"), &text), SG_OK);
    assert_non_null(strstr(buf_str(&text), " create key=k version=1 user=root id=1 "
                                           "detail=ed25519 result=ok\n"));
    assert_non_null(strstr(buf_str(&text), " sign key=k user=x?y?key?z id=9 result=forbidden\n"));
    assert_non_null(
        strstr(buf_str(&text), " sign key=k version=1 count=42 user=root id=1 result=ok\n"));
    /* It is put aside by size, and nothing of it is lost. */
    for (int i = 0; i < 100; i++)
        assert_int_equal(namedkeys_count(named, &admin, &loan, 1), SG_OK);
    namedkeys_return(named, &loan);
    for (int i = 1; i <= 3; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, i < 3 ? "audit.%d" : "audit", i);
        buf_clear(&text);
        assert_int_equal(file_read(tempdir_path(dir, name), &text), SG_OK);
        assert_true(text.len > 0 && text.len <= 4096);
    }
}

/* A line that the disk took half of is not there, and the next one is a line of its own. */
static void test_an_audit_line_is_whole_or_not_there(void **state)
{
    const struct audit_event e = {.what = "sign", .key = "k", .actor = &ann, .result = SG_OK};
    SG_BUF_CLEANUP struct buf before;
    SG_BUF_CLEANUP struct buf text;
    struct rlimit limit;
    struct rlimit former;

    (void)state;
    buf_init(&before, 1 << 20);
    buf_init(&text, 1 << 20);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(audit_write(audit, &e), SG_OK);
    assert_int_equal(file_read(tempdir_path(dir, "audit"), &before), SG_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &former), 0);
    limit = former;
    limit.rlim_cur = before.len + 10;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_not_equal(audit_write(audit, &e), SG_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &former), 0);
    assert_int_equal(file_read(tempdir_path(dir, "audit"), &text), SG_OK);
    assert_int_equal(text.len, before.len);
    assert_int_equal(audit_write(audit, &e), SG_OK);
    buf_clear(&text);
    assert_int_equal(file_read(tempdir_path(dir, "audit"), &text), SG_OK);
    assert_int_equal(text.len, 2 * before.len);
    assert_memory_equal(text.data, before.data, before.len);
}

struct race {
    atomic_bool stop;
    atomic_uint signatures;
};

static void *borrow_all_the_time(void *arg)
{
    struct race *race = arg;

    while (!atomic_load(&race->stop)) {
        struct namedkeys_loan loan;

        if (namedkeys_borrow(named, &admin, "k", 0, &loan) != SG_OK)
            abort();
        check_loan(&loan);
        if (namedkeys_count(named, &admin, &loan, 1) != SG_OK)
            abort();
        namedkeys_return(named, &loan);
        atomic_fetch_add(&race->signatures, 1);
    }
    return NULL;
}

static void test_changes_under_load(void **state)
{
    struct race race = {.stop = false};
    pthread_t thread[3];
    struct keyring_key key;
    uint64_t uses = 0;

    (void)state;
    assert_int_equal(create("k", SG_KEY_ED25519, 0), SG_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, borrow_all_the_time, &race), 0);
    for (int i = 0; i < 20; i++) {
        char name[16];

        assert_int_equal(rotate("k", &admin), SG_OK);
        (void)snprintf(name, sizeof name, "k%d", i);
        assert_int_equal(create(name, SG_KEY_ECDSA_P256, 0), SG_OK);
    }
    atomic_store(&race.stop, true);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    key = get("k");
    for (size_t i = 0; i < key.version_count; i++)
        uses += key.versions[i].uses;
    assert_int_equal(uses, atomic_load(&race.signatures));
}

static void assert_same_key(const struct keyring_key *a, const struct keyring_key *b)
{
    SG_BUF_CLEANUP struct buf x;
    SG_BUF_CLEANUP struct buf y;

    buf_init(&x, SG_IPC_MESSAGE_MAX);
    buf_init(&y, SG_IPC_MESSAGE_MAX);
    signing_put_key(&x, a);
    signing_put_key(&y, b);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
}

static void test_a_backup(void **state)
{
    char *elsewhere = tempdir_make();
    const struct kek new_kek = {{9}};
    struct backup b;
    struct backup read;
    SG_BUF_CLEANUP struct buf text;
    struct keyring_key before;
    struct keyring_key after;
    struct keyring_key_create m = {.actor = admin, .name = "x", .type = SG_KEY_ED25519};

    (void)state;
    assert_int_equal(create("k", SG_KEY_ECDSA_P256, 0), SG_OK);
    assert_int_equal(rotate("k", &admin), SG_OK);
    before = get("k");
    assert_int_equal(backup_collect(&kek, dir, NULL, &b), SG_OK);
    buf_init(&text, SG_BACKUP_MAX);
    assert_int_equal(backup_put(&b, "correct horse", &text), SG_OK);
    assert_int_equal(backup_get(text.data, text.len, "correct horsf", &read),
                     SG_ERR_BAD_CREDENTIALS);
    assert_int_equal(backup_get("x", 1, "correct horse", &read), SG_ERR_CORRUPT);
    assert_int_equal(backup_get(text.data, text.len, "correct horse", &read), SG_OK);
    assert_int_equal(read.count, b.count);
    assert_int_equal(backup_restore(&new_kek, elsewhere, &read), SG_OK);
    assert_int_equal(backup_restore(&new_kek, elsewhere, &read), SG_OK); /* it is complete */
    const struct namedkeys_options o = {.dir = elsewhere, .kek = &new_kek};
    struct namedkeys *n;
    assert_int_equal(namedkeys_open(&o, &n), SG_OK);
    assert_int_equal(namedkeys_get(n, "k", &after), SG_OK);
    assert_same_key(&after, &before);
    assert_int_equal(namedkeys_create(n, &m, &after), SG_OK);
    namedkeys_close(n);
    backup_fini(&b);
    /* One key alone; and where another one of the name is, nothing is written. */
    assert_int_equal(backup_collect(&kek, dir, "none", &b), SG_ERR_NOT_FOUND);
    assert_int_equal(backup_collect(&kek, dir, "k", &b), SG_OK);
    assert_int_equal(b.count, 2);
    assert_int_equal(rotate("k", &admin), SG_OK);
    assert_int_equal(backup_restore(&kek, dir, &b), SG_ERR_CONFLICT);
    reopen();
    assert_int_equal(get("k").version_count, 3);
    backup_fini(&b);
    backup_fini(&read);
    tempdir_remove(elsewhere);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_type_signs_also_after_a_restart),
        TEST(test_who_may_sign),
        TEST(test_a_loan_is_looked_at_again_before_it_counts),
        TEST(test_what_may_be_made),
        cmocka_unit_test(test_uris),
        TEST(test_rotation_keeps_what_is_lent),
        TEST(test_lists_that_are_refused),
        TEST(test_counts),
        TEST(test_files_that_are_refused),
        TEST(test_the_audit_file),
        TEST(test_an_audit_line_is_whole_or_not_there),
        TEST(test_changes_under_load),
        TEST(test_a_backup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
