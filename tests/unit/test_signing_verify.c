/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying what was signed by the real keyring: records and every format, and each reason that may
 * speak against them. */
#include "signing_fixture.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define F     signing_fixture
#define DAY_S INT64_C(86400)

static int64_t later_ns;

static int64_t moved_realtime(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * SG_NS_PER_S + now.tv_nsec + later_ns;
}

/* The codes of all reasons, each with a blank before it. */
static const char *verify_as(const struct principal *who, const struct signing_verify *what,
                             struct signing_verdict *verdict)
{
    static char text[512];
    const char *reason = "";
    enum sg_err err = signing_verify(F.signing, who, what, F.arena, verdict, &reason);
    if (err)
        return err_code(err);
    text[0] = '\0';
    for (size_t i = 0; i < verdict->count; i++) {
        assert_true(verdict->reasons[i].detail[0] != '\0');
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s",
                       verdict->reasons[i].code);
    }
    return text;
}

static const char *verify(const struct signing_verify *what)
{
    static struct signing_verdict verdict;
    return verify_as(&F.alice, what, &verdict);
}

/* Signs one item; the record is read again, for changing it. */
static void sign_one(const char *key, unsigned formats, const struct signing_item *item,
                     struct signing_result *r, struct sig_record_read *read)
{
    assert_int_equal(SG_OK, signing_fixture_create(key, formats, item, 1, r));
    assert_int_equal(SG_OK, sig_record_parse(r->items[0].record, r->items[0].record_len, read));
}

static struct signing_verify of_record(const struct signing_result *r,
                                       const struct sig_record_read *read)
{
    return (struct signing_verify){.record = &read->record,
                                   .signature = r->items[0].signature,
                                   .signature_len = r->items[0].signature_len};
}

static void test_record(void **state)
{
    (void)state;
    static struct sig_record_read read;
    static struct signing_verdict verdict;
    struct signing_result r;
    const struct signing_item item = signing_fixture_item("hello", "hello\n"),
                              other = signing_fixture_item("hello", "world\n");
    SG_BUF_CLEANUP struct buf proof;
    signing_fixture_key("release", SG_KEY_ED25519);
    signing_fixture_key("second", SG_KEY_RSA_3072);
    sign_one("release", 0, &item, &r, &read);
    struct signing_verify what = of_record(&r, &read);
    assert_string_equal("", verify_as(&F.bob, &what, &verdict));
    assert_true(verdict.found);
    assert_int_equal(0, verdict.row.index);
    assert_string_equal("release", verdict.row.key);
    what.digests = &item.digests;
    what.name = "hello";
    assert_string_equal("", verify(&what));
    what.digests = &other.digests;
    assert_string_equal(" digest-mismatch", verify(&what));
    what.digests = &item.digests;
    what.name = "other";
    assert_string_equal(" name-mismatch", verify(&what));
    what.digests = NULL; /* the name counts without content, too */
    assert_string_equal(" name-mismatch", verify(&what));
    what.name = NULL;
    what.digests = &item.digests;
    what.key = "second";
    assert_string_equal(" key-mismatch", verify(&what));
    what.key = "release";
    what.key_version = 2;
    assert_string_equal(" key-mismatch", verify(&what));
    what.key_version = 1;
    assert_string_equal("", verify(&what));

    buf_init(&proof, 1 << 20);
    signing_put_proof(&proof, &r, &r.items[0]);
    what.proof = buf_str(&proof);
    what.proof_len = proof.len;
    assert_string_equal("", verify(&what));
    proof.data[proof.len / 2] ^= 1;
    assert_string_equal(" proof-invalid", verify(&what));
    what.proof = NULL;

    /* Swapped metadata, an altered signature, another key's name. */
    const char *package = read.record.package;
    read.record.package = "forged";
    assert_string_equal(" signature-invalid not-in-log", verify(&what));
    read.record.package = package;
    read.record.timestamp_ns += 3600 * SG_NS_PER_S;
    assert_string_equal(" signature-invalid not-in-log", verify(&what));
    read.record.timestamp_ns -= 3600 * SG_NS_PER_S;
    assert_string_equal("", verify(&what));
    uint8_t altered[64];
    memcpy(altered, r.items[0].signature, 64);
    altered[10] ^= 4;
    what.signature = altered;
    assert_string_equal(" signature-invalid", verify(&what));
    what.signature = r.items[0].signature;
    read.record.keyid[0] ^= 1;
    assert_non_null(strstr(verify(&what), "key-mismatch"));
    read.record.keyid[0] ^= 1;
    read.record.key = "nobody";
    assert_string_equal(" key-unknown not-in-log", verify(&what));
    read.record.key = "release";
    read.record.key_version = 2;
    assert_string_equal(" key-unknown not-in-log", verify(&what));
    read.record.key_version = 1;
    read.record.name = "../x";
    assert_string_equal("parameter-invalid", verify(&what));
    signing_result_fini(&r);
}

static struct signing_verify of_format(const struct signing_result *r, enum sig_format format,
                                       const struct signing_item *item)
{
    const unsigned bit = (unsigned)__builtin_ctz((unsigned)format);
    return (struct signing_verify){.format = format,
                                   .signature = r->items[0].formats[bit].data,
                                   .signature_len = r->items[0].formats[bit].len,
                                   .digests = &item->digests};
}

static void test_formats(void **state)
{
    (void)state;
    static const enum sig_key_type types[] = {SG_KEY_ED25519, SG_KEY_ECDSA_P256, SG_KEY_RSA_3072};
    static struct sig_record_read read;
    static struct signing_verdict verdict;
    const struct signing_item item = signing_fixture_item("hello", "hello\n"),
                              other = signing_fixture_item("other", "world\n");
    signing_fixture_key("unrelated", SG_KEY_ED25519);
    for (size_t t = 0; t < 3; t++) {
        const char *key = sig_key_type_name(types[t]);
        unsigned formats = sig_key_type_formats(types[t]);
        struct signing_result r;
        signing_fixture_key(key, types[t]);
        sign_one(key, formats, &item, &r, &read);
        for (unsigned bit = 0; bit < 6; bit++) {
            if ((formats >> bit & 1) == 0)
                continue;
            struct signing_verify what = of_format(&r, (enum sig_format)(1U << bit), &item);
            assert_string_equal("", verify_as(&F.bob, &what, &verdict)); /* finds the key */
            assert_true(verdict.found);
            assert_string_equal(key, verdict.row.key);
            what.key = key;
            assert_string_equal("", verify(&what));
            what.key_version = 1;
            assert_string_equal("", verify(&what));
            what.digests = &other.digests;
            assert_true(strstr(verify(&what), "digest-mismatch") != NULL ||
                        strstr(verify(&what), "signature-invalid") != NULL);
            what.digests = NULL;
            assert_string_equal(" digest-missing", verify(&what));
            what.digests = &item.digests;
            what.key = "unrelated";
            assert_true(verify(&what)[0] == ' ');
            what.key = "nothing";
            assert_string_equal(" key-unknown", verify(&what));
            what.key = NULL;
            what.key_version = 0;
            what.signature = (const uint8_t *)"nonsense";
            what.signature_len = 8;
            assert_true(verify(&what)[0] == ' ');
        }
        signing_result_fini(&r);
    }
    /* Nothing was ever signed with this content, and raw signatures do not say by whom. */
    static const uint8_t raw[64];
    const struct signing_verify unseen = {
        .format = SG_FORMAT_RAW, .signature = raw, .signature_len = 64, .digests = &other.digests};
    assert_string_equal(" key-unknown", verify(&unseen));
}

static void test_path(void **state)
{
    (void)state;
    static struct sig_record_read read;
    struct signing_result r;
    const struct signing_item item = {.kind = SG_SIGNING_PATH, .name = "~me/dir/hello"};
    signing_fixture_key("release", SG_KEY_ED25519);
    signing_fixture_store(&F.alice, "~me/dir/hello", "hello\n");
    signing_fixture_store(&F.alice, "~me/other", "other\n");
    sign_one("release", SG_FORMATS_ALL & ~(unsigned)SG_FORMAT_RAW, &item, &r, &read);
    struct signing_verify what = of_record(&r, &read);
    static struct signing_verdict verdict;
    what.path = "~me/dir/hello";
    assert_string_equal("", verify(&what));
    assert_string_equal("not-found", verify_as(&F.bob, &what, &verdict));
    what.path = "~me/other";
    assert_string_equal(" digest-mismatch", verify(&what));
    what.path = "~me/dir";
    assert_string_equal("is-directory", verify(&what));
    what.path = "~me/../x";
    assert_string_equal("path-invalid", verify(&what));
    struct signing_item none = {0};
    what = of_format(&r, SG_FORMAT_MINISIGN, &none);
    what.digests = NULL;
    what.path = "~me/dir/hello";
    assert_string_equal("", verify(&what));
    signing_result_fini(&r);
}

static void test_key_state(void **state)
{
    (void)state;
    static struct sig_record_read read;
    static struct key_info info;
    struct signing_result r;
    const struct signing_item item = signing_fixture_item("hello", "hello\n");
    const bool yes = true, no = false;
    const uint32_t two = 2;
    const char *reason;
    assert_int_equal(
        SG_OK, keys_create(F.keys, &F.alice, "release", SG_KEY_ED25519, "", DAY_S, &info, &reason));
    sign_one("release", SG_FORMAT_SSHSIG, &item, &r, &read);
    const struct signing_verify record = of_record(&r, &read),
                                format = of_format(&r, SG_FORMAT_SSHSIG, &item);
    static const struct clock_source moved = {.now_ns = moved_realtime};
    clock_set_source(&moved);
    later_ns = DAY_S * SG_NS_PER_S + SG_NS_PER_S;
    assert_string_equal(" key-expired", verify(&record));
    assert_string_equal(" key-expired", verify(&format));
    later_ns = 0;
    clock_set_source(NULL);
    assert_string_equal("", verify(&record));
    signing_fixture_update("release", &(struct key_change){.disabled = &yes});
    assert_string_equal(" key-disabled", verify(&record));
    assert_string_equal(" key-disabled", verify(&format));
    signing_fixture_update("release", &(struct key_change){.disabled = &no});
    assert_int_equal(SG_OK, keys_rotate(F.keys, &F.alice, "release", "", 0, &info, &reason));
    assert_string_equal("", verify(&record));
    assert_string_equal("", verify(&format));
    signing_fixture_update("release", &(struct key_change){.oldest = &two});
    assert_string_equal(" key-version-too-old", verify(&record));
    assert_string_equal(" key-version-too-old", verify(&format));
    signing_result_fini(&r);
}

/* What the keyring signed is valid also where only the log is left of it. */
static void test_reindexed(void **state)
{
    (void)state;
    static struct sig_record_read read;
    struct signing_result r;
    const struct signing_item item = signing_fixture_item("hello", "hello\n");
    uint64_t count;
    signing_fixture_key("release", SG_KEY_ED25519);
    sign_one("release", SG_FORMAT_SIGNIFY, &item, &r, &read);
    signing_fixture_reopen(true);
    const struct signing_verify record = of_record(&r, &read),
                                format = of_format(&r, SG_FORMAT_SIGNIFY, &item);
    assert_string_equal(" not-in-log", verify(&record));
    assert_string_equal(" not-in-log", verify(&format));
    assert_int_equal(SG_OK, signing_reindex(F.signing, &count));
    assert_int_equal(1, count);
    assert_string_equal("", verify(&record));
    assert_string_equal("", verify(&format));
    signing_result_fini(&r);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, signing_fixture_set_up, signing_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_record),    TEST(test_formats),   TEST(test_path),
        TEST(test_key_state), TEST(test_reindexed),
    };
    return cmocka_run_group_tests_name("verifying", tests, NULL, NULL);
}
