/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of records, formats, public keys and manifests: what is composed verifies here, and nothing
 * verifies that was altered in any place, is of another key, content, name or purpose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "sigfmt_fixture.h"

#define CONTENT "content\n"

static const enum sig_key_type types[] = {SG_KEY_ED25519, SG_KEY_ECDSA_P256, SG_KEY_RSA_3072};
static struct sigkey keys[4];  /* by type */
static struct sigkey other[4]; /* of other people */

static int set_up_group(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        sigkey_make(types[i], &keys[types[i]]);
        sigkey_make(types[i], &other[types[i]]);
    }
    return 0;
}

static int tear_down_group(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        sigkey_free(&keys[types[i]]);
        sigkey_free(&other[types[i]]);
    }
    return 0;
}

/* Calls for each format that the type can make. */
static void each_format(void (*check)(const struct sigkey *k, enum sig_format f, struct buf *sig,
                                      struct sigsample *s))
{
    for (size_t i = 0; i < 3; i++)
        for (unsigned bit = 0; bit < 6; bit++) {
            struct sigkey *k = &keys[types[i]];
            enum sig_format f = (enum sig_format)(1U << bit);
            struct sigsample s;
            struct buf sig;

            if ((sig_key_type_formats(types[i]) & f) == 0)
                continue;
            sigsample_make(k, "dir/hello.deb", CONTENT, strlen(CONTENT), &s);
            sig = sigsample_sign(k, f, &s);
            check(k, f, &sig, &s);
            buf_fini(&sig);
            buf_fini(&s.text);
        }
}

static void check_valid(const struct sigkey *k, enum sig_format f, struct buf *sig,
                        struct sigsample *s)
{
    enum sig_kind kind;
    enum sig_format found;
    uint8_t hint[SG_PUBLIC_SPKI_MAX];
    size_t len;

    assert_int_equal(sig_verify(f, sig->data, sig->len, &k->public, &s->content), SG_SIG_VALID);
    s->content.name = NULL;
    assert_int_equal(sig_verify(f, sig->data, sig->len, &k->public, &s->content), SG_SIG_VALID);
    assert_int_equal(sig_detect(sig->data, sig->len, &kind, &found), SG_OK);
    assert_int_equal(kind, SG_SIG_KIND_FORMAT);
    assert_int_equal(found, f);
    assert_int_equal(sig_hint(f, sig->data, sig->len, hint, &len), SG_OK);
    if (len == 8 || len == 32)
        assert_memory_equal(hint, k->public.keyid, len);
    else if (f == SG_FORMAT_RAW)
        assert_int_equal(len, 0);
    else
        assert_memory_equal(hint, k->public.spki, k->public.spki_len);
}

static void all_formats_verify_and_are_recognised(void **state)
{
    (void)state;
    each_format(check_valid);
}

static void check_mismatches(const struct sigkey *k, enum sig_format f, struct buf *sig,
                             struct sigsample *s)
{
    struct sig_content another = s->content;
    enum sig_reason reason;

    assert_int_equal(digesting_memory("other", 5, &another.digests), SG_OK);
    reason = sig_verify(f, sig->data, sig->len, &k->public, &another);
    assert_int_not_equal(reason, SG_SIG_VALID);
    assert_true(reason == SG_SIG_DIGEST || reason == SG_SIG_INVALID);
    reason = sig_verify(f, sig->data, sig->len, &other[k->public.type].public, &s->content);
    assert_true(reason == SG_SIG_KEY || (f == SG_FORMAT_RAW && reason == SG_SIG_INVALID));
    for (size_t i = 0; i < 3; i++)
        if (types[i] != k->public.type)
            assert_int_not_equal(
                sig_verify(f, sig->data, sig->len, &keys[types[i]].public, &s->content),
                SG_SIG_VALID);
    another = s->content;
    another.name = "hello.rpm";
    reason = sig_verify(f, sig->data, sig->len, &k->public, &another);
    assert_int_equal(reason,
                     f == SG_FORMAT_DSSE || f == SG_FORMAT_SIGNIFY ? SG_SIG_NAME : SG_SIG_VALID);
}

static void another_content_key_or_name_is_told_apart(void **state)
{
    (void)state;
    each_format(check_mismatches);
}

/* Comments that nobody signs, and base64 of the envelope's own line ends. */
static size_t unsigned_prefix(enum sig_format f, const struct buf *sig)
{
    const uint8_t *end = memchr(sig->data, '\n', sig->len);

    return f == SG_FORMAT_MINISIGN || f == SG_FORMAT_SIGNIFY ? (size_t)(end - sig->data) : 0;
}

/* The places of CMS and DSSE that are about finding the key, not about what is signed. */
static bool is_free(enum sig_format f, const struct sigkey *k, const struct buf *sig, size_t at)
{
    if (f == SG_FORMAT_DSSE) {
        /* "keyid":"HEX", is a hint, in front of "sig":"...". */
        const char *behind = "\"sig\":\"";
        const uint8_t *sig_at = memmem(sig->data, sig->len, behind, strlen(behind));
        size_t begin = sig_at == NULL ? 0 : (size_t)(sig_at - sig->data) - 9 - 66;

        return (sig_at != NULL && at >= begin && at < begin + 8 + 66) || at == sig->len - 1;
    }
    if (f == SG_FORMAT_CMS) {
        const uint8_t *cert = memmem(sig->data, sig->len, k->certificate, k->certificate_len);
        size_t begin = (size_t)(cert - sig->data);

        /* Who the certificate is by and for is looked at by who knows its authority. */
        return at >= begin && at < begin + k->certificate_len;
    }
    return f == SG_FORMAT_SSHSIG && sig->data[at] == '\n';
}

static void check_alterations(const struct sigkey *k, enum sig_format f, struct buf *sig,
                              struct sigsample *s)
{
    static const uint8_t masks[] = {0x01, 0x20, 0x80};

    for (size_t at = unsigned_prefix(f, sig); at < sig->len; at++) {
        /* RSA takes its time; its text is long, and all of a kind. */
        if (k->public.type == SG_KEY_RSA_3072 && at % 7 != 0)
            continue;
        for (size_t m = 0; m < sizeof masks; m++) {
            uint8_t before = sig->data[at];
            enum sig_reason reason;

            sig->data[at] ^= masks[m];
            reason = sig_verify(f, sig->data, sig->len, &k->public, &s->content);
            sig->data[at] = before;
            if (reason == SG_SIG_VALID && !is_free(f, k, sig, at))
                fail_msg("%s of %s valid with byte %zu of %zu altered (%.16s)", sig_format_name(f),
                         sig_key_type_name(k->public.type), at, sig->len,
                         (const char *)sig->data + (at < 8 ? 0 : at - 8));
        }
    }
    for (size_t len = 0; len < sig->len; len++) {
        uint8_t *cut = malloc(len + 1); /* exact, so that reading past the end shows */

        assert_non_null(cut);
        memcpy(cut, sig->data, len);
        if (sig_verify(f, cut, len, &k->public, &s->content) == SG_SIG_VALID)
            assert_true(len == sig->len - 1 && (f == SG_FORMAT_SSHSIG || f == SG_FORMAT_DSSE));
        free(cut);
        len += sig->len / 300;
    }
}

static void no_altered_byte_passes(void **state)
{
    (void)state;
    each_format(check_alterations);
}

static void sshsig_of_another_namespace_is_refused(void **state)
{
    struct sigkey *k = &keys[SG_KEY_ED25519];
    SG_BUF_CLEANUP struct buf blob;
    struct sigsample s;
    struct buf sig;
    char text[4096];
    uint8_t bytes[2048];
    uint8_t *space;
    char packed[4096];
    size_t n = 0;
    size_t len;

    (void)state;
    buf_init(&blob, 4096);
    sigsample_make(k, "f", CONTENT, strlen(CONTENT), &s);
    sig = sigsample_sign(k, SG_FORMAT_SSHSIG, &s);
    (void)snprintf(text, sizeof text, "%s", buf_str(&sig));
    for (char *at = strchr(text, '\n'); *at != '-' || at[-1] != '\n'; at++)
        if (*at != '\n')
            packed[n++] = *at;
    assert_int_equal(encode_unbase64(packed, n, bytes, sizeof bytes, &len), SG_OK);
    space = memmem(bytes, len, "\0\0\0\4file", 8);
    assert_non_null(space);
    memcpy(space + 4, "mail", 4);
    buf_puts(&blob, "-----BEGIN SSH SIGNATURE-----\n");
    encode_base64(bytes, len, packed);
    buf_printf(&blob, "%s\n-----END SSH SIGNATURE-----\n", packed);
    assert_int_equal(sig_verify(SG_FORMAT_SSHSIG, blob.data, blob.len, &k->public, &s.content),
                     SG_SIG_NAMESPACE);
    buf_fini(&sig);
    buf_fini(&s.text);
}

static void digests_that_are_needed_are_asked_for(void **state)
{
    struct sigkey *k = &keys[SG_KEY_ED25519];
    struct sig_digests d = {.has_sha512 = true};
    SG_BUF_CLEANUP struct buf out;
    SG_BUF_CLEANUP struct buf scratch;
    struct sigsample s;

    (void)state;
    buf_init(&out, 65536);
    buf_init(&scratch, 65536);
    assert_non_null(sig_compose_obstacle(SG_FORMAT_MINISIGN, SG_KEY_ED25519, "f", &d));
    assert_null(sig_compose_obstacle(SG_FORMAT_CMS, SG_KEY_ED25519, "f", &d));
    d.has_sha512 = false;
    assert_non_null(sig_compose_obstacle(SG_FORMAT_CMS, SG_KEY_ED25519, "f", &d));
    assert_null(sig_compose_obstacle(SG_FORMAT_CMS, SG_KEY_RSA_3072, "f", &d));
    assert_non_null(sig_compose_obstacle(SG_FORMAT_SIGNIFY, SG_KEY_ED25519, "a (1)", &d));
    d.has_blake2b = true;
    assert_null(sig_compose_obstacle(SG_FORMAT_MINISIGN, SG_KEY_ED25519, "f", &d));
    memcpy(d.blake2b, "SSHSIG\0\0\0\4file", 14); /* what ssh-keygen -Y sign would sign */
    assert_non_null(sig_compose_obstacle(SG_FORMAT_MINISIGN, SG_KEY_ED25519, "f", &d));
    assert_null(sig_compose_obstacle(SG_FORMAT_SSHSIG, SG_KEY_ED25519, "f", &d));
    memcpy(d.blake2b, "DSSEv1 10 text/plain 40 ", 24); /* an envelope of 64 bytes */
    assert_non_null(sig_compose_obstacle(SG_FORMAT_MINISIGN, SG_KEY_ED25519, "f", &d));
    assert_non_null(sig_compose_obstacle(SG_FORMAT_SIGNIFY, SG_KEY_ECDSA_P256, "a", &d));
    sigsample_make(k, "f", CONTENT, strlen(CONTENT), &s);
    s.record.digests.has_blake2b = false;
    assert_int_equal(
        sig_compose(&out, SG_FORMAT_MINISIGN, &k->signer, &s.record, "{}", 2, &scratch),
        SG_ERR_BAD_FIELD);
    buf_fini(&s.text);
}

static void the_encoding_of_dsse_is_the_published_one(void **state)
{
    SG_BUF_CLEANUP struct buf out;

    (void)state;
    buf_init(&out, 256);
    sig_put_pae(&out, "http://example.com/HelloWorld", "hello world", 11);
    assert_string_equal(buf_str(&out), "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

static void records_verify_and_no_member_can_be_swapped(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct sigkey *k = &keys[types[i]];
        SG_BUF_CLEANUP struct buf scratch;
        uint8_t signature[SG_SIGNATURE_MAX];
        struct sig_content another;
        struct sigsample s;
        const char *text;
        size_t len;

        buf_init(&scratch, 65536);
        sigsample_make(k, "f", CONTENT, strlen(CONTENT), &s);
        text = (const char *)s.text.data;
        assert_int_equal(
            sig_compose_record(&k->signer, text, s.text.len, &scratch, signature, &len), SG_OK);
        assert_int_equal(
            sig_verify_record(text, s.text.len, signature, len, &k->public, &s.content),
            SG_SIG_VALID);
        another = s.content;
        another.digests.sha512[63] ^= 1;
        assert_int_equal(sig_verify_record(text, s.text.len, signature, len, &k->public, &another),
                         SG_SIG_DIGEST);
        another = s.content;
        another.name = "g";
        assert_int_equal(sig_verify_record(text, s.text.len, signature, len, &k->public, &another),
                         SG_SIG_NAME);
        assert_int_equal(sig_verify_record(text, s.text.len, signature, len,
                                           &other[types[i]].public, &s.content),
                         SG_SIG_KEY);
        /* Each member of the record in turn. */
        s.record.vrmf = "2.10-4";
        buf_clear(&s.text);
        assert_int_equal(sig_record_put(&s.text, &s.record), SG_OK);
        text = (const char *)s.text.data;
        assert_int_equal(sig_verify_record(text, s.text.len, signature, len, &k->public, NULL),
                         SG_SIG_INVALID);
        s.record.vrmf = "2.10-3";
        s.record.key_version = 2;
        buf_clear(&s.text);
        assert_int_equal(sig_record_put(&s.text, &s.record), SG_OK);
        assert_int_equal(sig_verify_record((const char *)s.text.data, s.text.len, signature, len,
                                           &k->public, NULL),
                         SG_SIG_INVALID);
        s.record.key_version = 3;
        s.record.timestamp_ns += 1000000;
        buf_clear(&s.text);
        assert_int_equal(sig_record_put(&s.text, &s.record), SG_OK);
        assert_int_equal(sig_verify_record((const char *)s.text.data, s.text.len, signature, len,
                                           &k->public, NULL),
                         SG_SIG_INVALID);
        buf_fini(&s.text);
    }
}

static void a_record_reads_as_it_is_written_and_no_other_way(void **state)
{
    static struct sig_record_read read;
    struct sigsample s;
    char *copy;

    (void)state;
    sigsample_make(&keys[SG_KEY_ED25519], "\"q\\\xc3\xa9", CONTENT, strlen(CONTENT), &s);
    assert_int_equal(sig_record_parse((char *)s.text.data, s.text.len, &read), SG_OK);
    assert_string_equal(read.record.name, s.record.name);
    assert_string_equal(read.record.fileset, "hello.rte");
    assert_int_equal(read.record.timestamp_ns, s.record.timestamp_ns);
    assert_int_equal(read.record.size, s.record.size);
    assert_memory_equal(read.record.digests.blake2b, s.record.digests.blake2b, 64);
    for (size_t len = 0; len < s.text.len; len++) {
        copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, s.text.data, len);
        assert_int_equal(sig_record_parse(copy, len, &read), SG_ERR_BAD_FIELD);
        free(copy);
    }
    buf_puts(&s.text, " ");
    assert_int_equal(sig_record_parse((char *)s.text.data, s.text.len, &read), SG_ERR_BAD_FIELD);
    buf_fini(&s.text);
}

static void fields_that_are_not_text_are_refused(void **state)
{
    static const char *const bad[] = {"",         "/a",           "a//b",
                                      "a/",       "../a",         "a/..",
                                      "./a",      "a\nb",         "\x7f",
                                      "\xc0\xaf", "\xed\xa0\x80", "\xff",
                                      "a\xc2",    "\xc2\x85",     "\xf4\x90\x80\x80"};
    struct sigsample s;
    SG_BUF_CLEANUP struct buf out;
    char longest[SG_RECORD_NAME_MAX + 2];

    (void)state;
    buf_init(&out, SG_RECORD_TEXT_MAX);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(sig_record_name_valid(bad[i]));
    memset(longest, 'x', sizeof longest);
    longest[SG_RECORD_NAME_MAX] = '\0';
    assert_true(sig_record_name_valid(longest));
    longest[SG_RECORD_NAME_MAX] = 'x';
    longest[SG_RECORD_NAME_MAX + 1] = '\0';
    assert_false(sig_record_name_valid(longest));
    assert_true(sig_record_name_valid("a/.b/..c"));
    sigsample_make(&keys[SG_KEY_ED25519], "f", CONTENT, strlen(CONTENT), &s);
    s.record.package = "a\tb";
    assert_int_equal(sig_record_put(&out, &s.record), SG_ERR_BAD_FIELD);
    s.record.package = "";
    s.record.key = "Upper";
    assert_int_equal(sig_record_put(&out, &s.record), SG_ERR_BAD_FIELD);
    s.record.key = "ok";
    s.record.size = INT64_C(1) << 60;
    assert_int_equal(sig_record_put(&out, &s.record), SG_ERR_BAD_FIELD);
    buf_fini(&s.text);
}

static void public_keys_read_back_from_every_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (unsigned f = 0; f < SG_PUBLIC_FORMAT_COUNT; f++) {
            struct sigkey *k = &keys[types[i]];
            SG_BUF_CLEANUP struct buf out;
            struct sig_public back;
            enum sg_err err;

            buf_init(&out, SG_PUBLIC_TEXT_MAX);
            err = sig_public_put(&out, &k->public, (enum sig_public_format)f, "sample",
                                 k->certificate, k->certificate_len);
            if (types[i] != SG_KEY_ED25519 && (f == SG_PUBLIC_MINISIGN || f == SG_PUBLIC_SIGNIFY)) {
                assert_int_equal(err, SG_ERR_BAD_FIELD);
                continue;
            }
            assert_int_equal(err, SG_OK);
            assert_int_equal(sig_public_parse(out.data, out.len, &back), SG_OK);
            assert_memory_equal(back.keyid, k->public.keyid, 32);
            assert_memory_equal(back.number, k->public.number, 8);
            sig_public_fini(&back);
            for (size_t len = 0; len + 30 < out.len && f != SG_PUBLIC_SSH; len += 7)
                if (sig_public_parse(out.data, len, &back) == SG_OK)
                    fail_msg("half a key was accepted");
        }
    assert_int_equal(
        sig_public_put(&(struct buf){.max = 10}, &keys[1].public, SG_PUBLIC_X509, "x", NULL, 0),
        SG_ERR_NOT_FOUND);
}

static void each_file_of_a_manifest_has_its_proof(void **state)
{
    for (size_t count = 1; count < 70; count++) {
        struct sig_manifest_entry entries[70];
        uint8_t digests[70][32];
        char names[70][16];
        struct sig_manifest *m;
        struct sig_manifest *again;
        const char *lines;
        size_t len;

        (void)state;
        for (size_t i = 0; i < count; i++) {
            (void)snprintf(names[i], sizeof names[i], "n%zu", (i + count / 2) % count);
            memset(digests[i], (int)i, 32);
            entries[i] = (struct sig_manifest_entry){.name = names[i], .sha256 = digests[i]};
        }
        assert_int_equal(sig_manifest_new(entries, count, &m), SG_OK);
        lines = sig_manifest_lines(m, &len);
        assert_int_equal(sig_manifest_parse(lines, len, &again), SG_OK);
        assert_memory_equal(sig_manifest_root(again), sig_manifest_root(m), 32);
        for (size_t i = 0; i < count; i++) {
            merkle_hash proof[SG_MERKLE_PROOF];
            size_t at = sig_manifest_position(m, i);
            size_t found;
            size_t n;
            uint8_t sha256[32];

            assert_int_equal(sig_manifest_find(again, names[i], &found, sha256), SG_OK);
            assert_int_equal(found, at);
            assert_memory_equal(sha256, digests[i], 32);
            assert_int_equal(sig_manifest_proof(m, at, proof, &n), SG_OK);
            assert_int_equal(sig_manifest_verify(names[i], digests[i], at, count, proof, n,
                                                 sig_manifest_root(m)),
                             SG_OK);
            sha256[5] ^= 1;
            assert_int_equal(
                sig_manifest_verify(names[i], sha256, at, count, proof, n, sig_manifest_root(m)),
                SG_ERR_BAD_DIGEST);
            assert_int_equal(
                sig_manifest_verify("other", digests[i], at, count, proof, n, sig_manifest_root(m)),
                SG_ERR_BAD_DIGEST);
        }
        sig_manifest_free(m);
        sig_manifest_free(again);
    }
}

static void manifests_have_one_spelling(void **state)
{
    static const char hex[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    struct sig_manifest_entry twice[2] = {{.name = "a", .sha256 = (const uint8_t *)hex},
                                          {.name = "a", .sha256 = (const uint8_t *)hex}};
    struct sig_manifest *m;
    char text[512];

    (void)state;
    assert_int_equal(sig_manifest_new(twice, 2, &m), SG_ERR_CONFLICT);
    assert_int_equal(sig_manifest_new(twice, 0, &m), SG_ERR_BAD_FIELD);
    (void)snprintf(text, sizeof text, "SHA256 (b) = %s\nSHA256 (a) = %s\n", hex, hex);
    assert_int_equal(sig_manifest_parse(text, strlen(text), &m), SG_ERR_BAD_FIELD);
    (void)snprintf(text, sizeof text, "SHA256 (a) = %s\nSHA256 (a) = %s\n", hex, hex);
    assert_int_equal(sig_manifest_parse(text, strlen(text), &m), SG_ERR_BAD_FIELD);
    (void)snprintf(text, sizeof text, "SHA256 (../a) = %s\n", hex);
    assert_int_equal(sig_manifest_parse(text, strlen(text), &m), SG_ERR_BAD_FIELD);
    (void)snprintf(text, sizeof text, "SHA256 (a) = %s", hex);
    assert_int_equal(sig_manifest_parse(text, strlen(text), &m), SG_ERR_BAD_FIELD);
    (void)snprintf(text, sizeof text, "SHA256 (a) = %s\n", hex);
    text[strlen(text) - 2] = 'F';
    assert_int_equal(sig_manifest_parse(text, strlen(text), &m), SG_ERR_BAD_FIELD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_formats_verify_and_are_recognised),
        cmocka_unit_test(another_content_key_or_name_is_told_apart),
        cmocka_unit_test(no_altered_byte_passes),
        cmocka_unit_test(sshsig_of_another_namespace_is_refused),
        cmocka_unit_test(digests_that_are_needed_are_asked_for),
        cmocka_unit_test(the_encoding_of_dsse_is_the_published_one),
        cmocka_unit_test(records_verify_and_no_member_can_be_swapped),
        cmocka_unit_test(a_record_reads_as_it_is_written_and_no_other_way),
        cmocka_unit_test(fields_that_are_not_text_are_refused),
        cmocka_unit_test(public_keys_read_back_from_every_form),
        cmocka_unit_test(each_file_of_a_manifest_has_its_proof),
        cmocka_unit_test(manifests_have_one_spelling),
    };

    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
