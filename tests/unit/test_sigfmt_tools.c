/* SPDX-License-Identifier: Apache-2.0 */
/* Each format and form of public key is shown to the tool that people have for it: openssl,
 * minisign, signify-openbsd, ssh-keygen, certtool. An altered content must be refused by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "sigfmt_fixture.h"
#include "tempdir.h"

#define CONTENT "the content that is signed\n"

static struct sigkey keys[4]; /* by type */
static char *dir;

static int set_up_group(void **state)
{
    (void)state;
    sigkey_make(SG_KEY_ED25519, &keys[SG_KEY_ED25519]);
    sigkey_make(SG_KEY_ECDSA_P256, &keys[SG_KEY_ECDSA_P256]);
    sigkey_make(SG_KEY_RSA_3072, &keys[SG_KEY_RSA_3072]);
    dir = tempdir_make();
    return chdir(dir);
}

static int tear_down_group(void **state)
{
    (void)state;
    for (size_t i = SG_KEY_ED25519; i <= SG_KEY_RSA_3072; i++)
        sigkey_free(&keys[i]);
    tempdir_remove(dir);
    return 0;
}

static void write_file(const char *name, const void *data, size_t len)
{
    assert_int_equal(file_write_atomic(name, data, len, 0600), SG_OK);
}

/* Runs a command line of a shell; its exit status. */
static int run(const char *line)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Good for the content, and refused for another one of the same name. */
static void holds_for_content_only(const char *line)
{
    write_file("f", CONTENT, strlen(CONTENT));
    if (run(line) != 0)
        fail_msg("refused: %s", line);
    write_file("f", "The content that is signed\n", strlen(CONTENT));
    if (run(line) == 0)
        fail_msg("altered content accepted: %s", line);
}

static void write_public(const struct sigkey *k, enum sig_public_format format, const char *name)
{
    SG_BUF_CLEANUP struct buf out;

    buf_init(&out, SG_PUBLIC_TEXT_MAX);
    assert_int_equal(
        sig_public_put(&out, &k->public, format, "sample", k->certificate, k->certificate_len),
        SG_OK);
    write_file(name, out.data, out.len);
}

static void write_signature(const struct sigkey *k, enum sig_format format, const char *name)
{
    struct sigsample s;
    struct buf out;

    sigsample_make(k, "f", CONTENT, strlen(CONTENT), &s);
    out = sigsample_sign(k, format, &s);
    write_file(name, out.data, out.len);
    buf_fini(&out);
    buf_fini(&s.text);
}

static void openssl_verifies_raw(void **state)
{
    (void)state;
    for (size_t i = SG_KEY_ECDSA_P256; i <= SG_KEY_RSA_3072; i++) {
        write_public(&keys[i], SG_PUBLIC_PEM, "k.pem");
        write_signature(&keys[i], SG_FORMAT_RAW, "f.sig");
        holds_for_content_only(
            "openssl dgst -sha256 -verify k.pem -signature f.sig f >/dev/null 2>&1");
    }
    write_public(&keys[SG_KEY_ED25519], SG_PUBLIC_PEM, "k.pem");
    write_signature(&keys[SG_KEY_ED25519], SG_FORMAT_RAW, "f.sig");
    holds_for_content_only("openssl dgst -sha256 -binary f > f.d && openssl pkeyutl -verify -pubin "
                           "-inkey k.pem -rawin -in f.d -sigfile f.sig >/dev/null 2>&1");
}

static void minisign_verifies(void **state)
{
    (void)state;
    write_public(&keys[SG_KEY_ED25519], SG_PUBLIC_MINISIGN, "k.pub");
    write_signature(&keys[SG_KEY_ED25519], SG_FORMAT_MINISIGN, "f.minisig");
    holds_for_content_only("minisign -Vm f -p k.pub >/dev/null 2>&1");
}

static void signify_verifies_lists(void **state)
{
    (void)state;
    write_public(&keys[SG_KEY_ED25519], SG_PUBLIC_SIGNIFY, "k.pub");
    write_signature(&keys[SG_KEY_ED25519], SG_FORMAT_SIGNIFY, "f.sig");
    holds_for_content_only("signify-openbsd -C -p k.pub -x f.sig >/dev/null 2>&1");
}

static void ssh_keygen_verifies(void **state)
{
    (void)state;
    for (size_t i = SG_KEY_ED25519; i <= SG_KEY_RSA_3072; i++) {
        write_public(&keys[i], SG_PUBLIC_SSH, "k.pub");
        assert_int_equal(run("(printf 'sample '; cat k.pub) > allowed"), 0);
        assert_int_equal(run("ssh-keygen -l -f k.pub >/dev/null"), 0);
        write_signature(&keys[i], SG_FORMAT_SSHSIG, "f.sig");
        holds_for_content_only("ssh-keygen -Y verify -f allowed -I sample -n file -s f.sig < f "
                               ">/dev/null 2>&1");
        write_file("f", CONTENT, strlen(CONTENT));
        assert_int_not_equal(
            run("ssh-keygen -Y verify -f allowed -I sample -n git -s f.sig < f >/dev/null 2>&1"),
            0);
    }
}

static void certtool_and_openssl_verify_cms(void **state)
{
    (void)state;
    for (size_t i = SG_KEY_ED25519; i <= SG_KEY_RSA_3072; i++) {
        write_public(&keys[i], SG_PUBLIC_X509, "ca.pem");
        write_signature(&keys[i], SG_FORMAT_CMS, "f.p7s");
        holds_for_content_only("certtool --p7-verify --inder --infile f.p7s --load-data f "
                               "--load-ca-certificate ca.pem >/dev/null 2>&1");
        if (i == SG_KEY_ED25519) /* openssl 3.0 has no Ed25519 in CMS */
            continue;
        holds_for_content_only("openssl cms -verify -binary -inform DER -in f.p7s -content f "
                               "-CAfile ca.pem -purpose any >/dev/null 2>&1");
    }
}

/* An independent reading of envelope and statement, by Node's own crypto. */
static const char dsse_script[] =
    "const fs = require('fs'), c = require('crypto');"
    "const e = JSON.parse(fs.readFileSync('f.intoto.jsonl', 'utf8'));"
    "const body = Buffer.from(e.payload, 'base64');"
    "const pae = Buffer.concat([Buffer.from(`DSSEv1 ${e.payloadType.length} ${e.payloadType} "
    "${body.length} `), body]);"
    "const key = c.createPublicKey(fs.readFileSync('k.pem'));"
    "const alg = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';"
    "const st = JSON.parse(body);"
    "const want = c.createHash('sha256').update(fs.readFileSync('f')).digest('hex');"
    "const id = c.createHash('sha256').update(key.export({type: 'spki', format: 'der'}))"
    ".digest('hex');"
    "process.exit(e.payloadType === 'application/vnd.in-toto+json' && "
    "st._type === 'https://in-toto.io/Statement/v1' && st.subject.length === 1 && "
    "st.subject[0].name === 'f' && st.subject[0].digest.sha256 === want && "
    "st.predicate.vrmf === '2.10-3' && e.signatures[0].keyid === id && "
    "c.verify(alg, pae, key, Buffer.from(e.signatures[0].sig, 'base64')) ? 0 : 1);";

static void node_verifies_dsse(void **state)
{
    (void)state;
    write_file("dsse.js", dsse_script, strlen(dsse_script));
    for (size_t i = SG_KEY_ED25519; i <= SG_KEY_RSA_3072; i++) {
        write_public(&keys[i], SG_PUBLIC_PEM, "k.pem");
        write_signature(&keys[i], SG_FORMAT_DSSE, "f.intoto.jsonl");
        holds_for_content_only("node dsse.js");
    }
}

static void signify_verifies_a_manifest(void **state)
{
    const char *names[] = {"sub/b", "a", "c d"};
    struct sig_digests digests[3];
    struct sig_manifest_entry entries[3];
    struct sig_manifest *m;
    SG_BUF_CLEANUP struct buf out;
    SG_BUF_CLEANUP struct buf scratch;

    (void)state;
    buf_init(&out, SG_SIGFMT_TEXT_MAX);
    buf_init(&scratch, SG_SIGFMT_TEXT_MAX);
    assert_int_equal(run("mkdir -p sub"), 0);
    for (size_t i = 0; i < 3; i++) {
        write_file(names[i], names[i], strlen(names[i]));
        assert_int_equal(digesting_memory(names[i], strlen(names[i]), &digests[i]), SG_OK);
        entries[i] = (struct sig_manifest_entry){.name = names[i], .sha256 = digests[i].sha256};
    }
    assert_int_equal(sig_manifest_new(entries, 3, &m), SG_OK);
    assert_int_equal(sig_compose_manifest(&out, SG_FORMAT_SIGNIFY, &keys[SG_KEY_ED25519].signer,
                                          "dir", m, &scratch),
                     SG_OK);
    sig_manifest_free(m);
    write_public(&keys[SG_KEY_ED25519], SG_PUBLIC_SIGNIFY, "k.pub");
    write_file("SHA256.sig", out.data, out.len);
    assert_int_equal(run("signify-openbsd -C -p k.pub -x SHA256.sig >/dev/null"), 0);
    write_file("sub/b", "x", 1);
    assert_int_not_equal(run("signify-openbsd -C -p k.pub -x SHA256.sig >/dev/null 2>&1"), 0);
}

/* What the tools make is read here. */
static void keys_and_signatures_of_the_tools_are_read(void **state)
{
    struct sig_content content = {.name = "f"};
    struct sig_public key;
    SG_BUF_CLEANUP struct buf in;

    (void)state;
    buf_init(&in, SG_PUBLIC_TEXT_MAX);
    write_file("f", CONTENT, strlen(CONTENT));
    assert_int_equal(digesting_memory(CONTENT, strlen(CONTENT), &content.digests), SG_OK);
    assert_int_equal(run("minisign -G -W -f -p m.pub -s m.key >/dev/null 2>&1 && minisign -S -s "
                         "m.key -m f -x m.sig >/dev/null 2>&1"),
                     0);
    assert_int_equal(file_read("m.pub", &in), SG_OK);
    assert_int_equal(sig_public_parse(in.data, in.len, &key), SG_OK);
    buf_clear(&in);
    assert_int_equal(file_read("m.sig", &in), SG_OK);
    assert_int_equal(sig_verify(SG_FORMAT_MINISIGN, in.data, in.len, &key, &content), SG_SIG_VALID);
    sig_public_fini(&key);
    for (size_t i = 0; i < 3; i++) {
        static const char *const kinds[] = {"ed25519", "ecdsa -b 256", "rsa -b 3072"};
        char line[256];

        (void)snprintf(line, sizeof line,
                       "rm -f s s.pub f.sig && ssh-keygen -q -t %s -N '' -f s && ssh-keygen -q -Y "
                       "sign -f s -n file f 2>/dev/null",
                       kinds[i]);
        assert_int_equal(run(line), 0);
        buf_clear(&in);
        assert_int_equal(file_read("s.pub", &in), SG_OK);
        assert_int_equal(sig_public_parse(in.data, in.len, &key), SG_OK);
        buf_clear(&in);
        assert_int_equal(file_read("f.sig", &in), SG_OK);
        assert_int_equal(sig_verify(SG_FORMAT_SSHSIG, in.data, in.len, &key, &content),
                         SG_SIG_VALID);
        sig_public_fini(&key);
    }
}

static void cms_of_openssl_is_read(void **state)
{
    static const char *const kinds[] = {"rsa:3072", "ec -pkeyopt ec_paramgen_curve:P-256"};
    static const char *const hashes[] = {"sha256", "sha512"};
    struct sig_content content = {.name = "f"};

    (void)state;
    write_file("f", CONTENT, strlen(CONTENT));
    assert_int_equal(digesting_memory(CONTENT, strlen(CONTENT), &content.digests), SG_OK);
    for (size_t i = 0; i < 4; i++) {
        SG_BUF_CLEANUP struct buf in;
        struct sig_public key;
        char line[512];

        buf_init(&in, SG_PUBLIC_TEXT_MAX);
        (void)snprintf(line, sizeof line,
                       "openssl req -x509 -newkey %s -nodes -keyout o.key -out o.crt -subj /CN=o "
                       "2>/dev/null && openssl cms -sign -binary -md %s -in f -signer o.crt -inkey "
                       "o.key -outform DER -out o.p7s",
                       kinds[i / 2], hashes[i % 2]);
        assert_int_equal(run(line), 0);
        assert_int_equal(file_read("o.crt", &in), SG_OK);
        assert_int_equal(sig_public_parse(in.data, in.len, &key), SG_OK);
        buf_clear(&in);
        assert_int_equal(file_read("o.p7s", &in), SG_OK);
        assert_int_equal(sig_verify(SG_FORMAT_CMS, in.data, in.len, &key, &content), SG_SIG_VALID);
        content.digests.sha256[0] ^= 1;
        content.digests.sha512[0] ^= 1;
        assert_int_equal(sig_verify(SG_FORMAT_CMS, in.data, in.len, &key, &content), SG_SIG_DIGEST);
        content.digests.sha256[0] ^= 1;
        content.digests.sha512[0] ^= 1;
        sig_public_fini(&key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_verifies_raw),
        cmocka_unit_test(minisign_verifies),
        cmocka_unit_test(signify_verifies_lists),
        cmocka_unit_test(ssh_keygen_verifies),
        cmocka_unit_test(certtool_and_openssl_verify_cms),
        cmocka_unit_test(node_verifies_dsse),
        cmocka_unit_test(signify_verifies_a_manifest),
        cmocka_unit_test(keys_and_signatures_of_the_tools_are_read),
        cmocka_unit_test(cms_of_openssl_is_read),
    };

    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
