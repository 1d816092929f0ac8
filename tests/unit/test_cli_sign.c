/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what secctl signs, what it sends, and the files that it writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/file.h"
#include "cli/hasher.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/sidecar.h"
#include "cli/sigcheck.h"
#include "cli/sigkeys.h"
#include "cli/sign.h"
#include "cli/signlist.h"
#include "cli/trusted.h"
#include "package/package.h"

#define PROOF "c2sp.org/tlog-proof@v1\nindex 0\n\no/log\n1\nAAAA\n\n"

static char directory[64];
static struct report_capture captured;

static int enter(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/secgate-sign-XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    report_capture(&captured);
    return 0;
}

static int leave(void **state)
{
    char command[128];

    (void)state;
    report_release();
    report_capture_fini(&captured);
    assert_int_equal(chdir("/"), 0);
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    assert_int_equal(system(command), 0);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    assert_int_equal(sidecar_write(path, text, strlen(text)), SG_CLI_OK);
}

static void test_formats_have_their_extensions(void **state)
{
    struct sidecar_choice c;

    (void)state;
    assert_int_equal(sidecar_choose(NULL, &c), SG_CLI_OK);
    assert_int_equal(c.formats, SG_SIDECAR_RECORD);
    assert_int_equal(sidecar_choose("signify,raw,cms,sshsig,minisign,dsse,record", &c), SG_CLI_OK);
    assert_int_equal(c.formats, SG_FORMATS_ALL | SG_SIDECAR_RECORD);
    assert_string_equal(sidecar_extension(&c, SG_FORMAT_SIGNIFY), ".sig");
    assert_string_equal(sidecar_extension(&c, SG_FORMAT_RAW), ".raw.sig");
    assert_string_equal(sidecar_extension(&c, SG_FORMAT_SSHSIG), ".sshsig.sig");
    assert_string_equal(sidecar_extension(&c, SG_FORMAT_CMS), ".p7s");
    assert_string_equal(sidecar_extension(&c, SG_FORMAT_DSSE), ".intoto.jsonl");
    assert_string_equal(sidecar_extension(&c, SG_FORMAT_MINISIGN), ".minisig");
    assert_string_equal(sidecar_extension(&c, SG_SIDECAR_RECORD), ".record.json");
    assert_int_equal(sidecar_choose("sshsig,signify", &c), SG_CLI_OK);
    assert_string_equal(sidecar_extension(&c, SG_FORMAT_SSHSIG), ".sig");
    assert_string_equal(sidecar_extension(&c, SG_FORMAT_SIGNIFY), ".signify.sig");
    static const char *const bad[] = {"", "pgp", "raw,", ",raw", "raw,,cms", "RAW", "raw "};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(sidecar_choose(bad[i], &c), SG_CLI_USAGE);
}

static void test_stems_are_found(void **state)
{
    (void)state;
    assert_int_equal(sidecar_stem("f.minisig"), 1);
    assert_int_equal(sidecar_stem("a/f.raw.sig"), 3);
    assert_int_equal(sidecar_stem("f.x.sig"), 3);
    assert_int_equal(sidecar_stem("f.tlog-proof"), 1);
    assert_int_equal(sidecar_stem("f.record.json"), 1);
    assert_int_equal(sidecar_stem(".sig"), 0);
    assert_int_equal(sidecar_stem("a/.sig"), 0);
    assert_int_equal(sidecar_stem("f.json"), 0);
    assert_int_equal(sidecar_stem("sig"), 0);
}

static void test_only_signatures_are_replaced(void **state)
{
    SG_BUF_CLEANUP struct buf text = {0};

    (void)state;
    assert_int_equal(sidecar_may_write("f.sig", false), SG_CLI_OK);
    write_file("f.tlog-proof", PROOF);
    assert_int_equal(sidecar_may_write("f.tlog-proof", false), SG_CLI_OK);
    write_file("f.sig", "what I think of f\n");
    assert_int_equal(sidecar_may_write("f.sig", false), SG_CLI_USAGE);
    assert_int_equal(sidecar_may_write("f.sig", true), SG_CLI_OK);
    assert_int_equal(mkdir("d.sig", 0700), 0);
    assert_int_equal(sidecar_may_write("d.sig", true), SG_CLI_USAGE);
    assert_int_equal(symlink("/etc/passwd", "l.sig"), 0);
    assert_int_equal(sidecar_may_write("l.sig", false), SG_CLI_USAGE);
    /* A symlink is replaced, not followed; a directory that is missing is made. */
    write_file("l.sig", "x");
    struct stat st;
    assert_int_equal(lstat("l.sig", &st), 0);
    assert_true(S_ISREG(st.st_mode));
    write_file("deep/er/f.sig", "y");
    buf_init(&text, 16);
    assert_int_equal(file_read("deep/er/f.sig", &text), SG_OK);
    assert_string_equal(buf_str(&text), "y");
    assert_int_equal(sidecar_write("f.tlog-proof/x", "x", 1), SG_CLI_USAGE);
}

static bool has_item(const struct signlist *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->items[i].name, name) == 0)
            return true;
    }
    return false;
}

static void test_a_directory_is_signed_without_its_signatures(void **state)
{
    struct signlist l = {0};
    char tree[] = "tree", dot[] = "tree/.";

    (void)state;
    write_file("tree/b", "b");
    write_file("tree/a", "a");
    write_file("tree/sub/c", "c");
    write_file("tree/.hidden", "h");
    write_file("tree/a.tlog-proof", PROOF);
    write_file("tree/b.sig", "no signature, so it is content");
    write_file("tree/lonely.tlog-proof", PROOF);
    assert_int_equal(signlist_add(&l, tree, NULL), SG_CLI_OK);
    assert_int_equal(l.n_groups, 1);
    assert_string_equal(l.groups[0].directory, "tree");
    assert_string_equal(l.groups[0].manifest, "tree/SHA256");
    assert_int_equal(l.count, 6);
    assert_int_equal(l.left_out, 1);
    assert_true(has_item(&l, "sub/c") && has_item(&l, ".hidden") && has_item(&l, "b.sig"));
    assert_true(has_item(&l, "lonely.tlog-proof"));
    signlist_free(&l);
    /* Elsewhere: below the directory's own name, however it was typed. */
    assert_int_equal(signlist_add(&l, dot, "out"), SG_CLI_OK);
    assert_string_equal(l.groups[0].directory, "tree");
    assert_string_equal(l.groups[0].manifest, "out/tree/SHA256");
    signlist_free(&l);
}

static void test_items_have_names_and_places(void **state)
{
    struct signlist l = {0};
    char deep[] = "x/y/f", again[] = "x/f", missing[] = "none";

    (void)state;
    write_file("x/y/f", "1");
    write_file("x/f", "2");
    assert_int_equal(signlist_add(&l, deep, NULL), SG_CLI_OK);
    assert_int_equal(signlist_add(&l, again, NULL), SG_CLI_OK);
    assert_string_equal(l.items[0].name, "f");
    assert_string_equal(l.items[0].target, "x/y/f");
    assert_string_equal(l.groups[0].shown, "x/y");
    assert_int_equal(signlist_check(&l), SG_CLI_OK);
    signlist_free(&l);
    assert_int_equal(signlist_add(&l, deep, "o"), SG_CLI_OK);
    assert_int_equal(signlist_add(&l, again, "o"), SG_CLI_OK);
    assert_int_equal(signlist_check(&l), SG_CLI_USAGE);
    assert_int_equal(signlist_add(&l, missing, "o"), SG_CLI_USAGE);
    signlist_free(&l);
    assert_int_equal(signlist_add_stored(&l, "common/a/b", NULL), SG_CLI_OK);
    assert_int_equal(signlist_add_stored(&l, "docs/c", "o"), SG_CLI_OK);
    assert_int_equal(signlist_add_stored(&l, "/lab/rel/", "o"), SG_CLI_OK);
    assert_string_equal(l.items[0].path, "common/a/b");
    assert_string_equal(l.items[0].target, "./b");
    assert_string_equal(l.items[1].path, "~me/docs/c");
    assert_string_equal(l.items[2].path, "lab/rel");
    assert_int_equal(l.groups[2].kind, SG_SIGNLIST_PREFIX);
    assert_string_equal(l.groups[2].manifest, "o/rel/SHA256");
    char *below = signlist_below(&l.items[2], "s/t");
    assert_string_equal(below, "o/rel/s/t");
    free(below);
    assert_null(signlist_below(&l.items[2], "../t"));
    assert_null(signlist_below(&l.items[2], "/etc/passwd"));
    assert_int_equal(signlist_add_stored(&l, "/", "o"), SG_CLI_USAGE);
    signlist_free(&l);
}

static void test_the_current_directory_is_not_descended(void **state)
{
    struct signlist l = {0};

    (void)state;
    assert_int_equal(signlist_add_current(&l, NULL), SG_CLI_USAGE);
    write_file("b", "b");
    write_file("a", "a");
    write_file(".hidden", "h");
    write_file("below/c", "c");
    assert_int_equal(signlist_add_current(&l, NULL), SG_CLI_OK);
    assert_int_equal(l.count, 2);
    assert_string_equal(l.items[0].name, "a");
    assert_string_equal(l.items[0].target, "a");
    assert_null(l.groups[0].directory);
    signlist_free(&l);
}

static void test_files_are_hashed_in_threads(void **state)
{
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    struct hasher_file files[300];
    char names[300][16], hex[SG_HEX_SIZE(32)];

    (void)state;
    for (size_t i = 0; i < 300; i++) {
        snprintf(names[i], sizeof(names[i]), "h%zu", i);
        write_file(names[i], "abc");
        files[i] = (struct hasher_file){.path = names[i], .name = names[i]};
    }
    struct hasher *h = hasher_start(files, 300, false, true);
    assert_non_null(h);
    assert_int_equal(hasher_wait(h, 0, 300, NULL), SG_CLI_OK);
    for (size_t i = 0; i < 300; i++) {
        encode_hex(files[i].digests.sha256, 32, hex);
        assert_string_equal(hex, abc);
        assert_true(files[i].digests.has_blake2b && !files[i].digests.has_sha512);
        assert_int_equal(files[i].size, 3);
        assert_null(files[i].package);
    }
    hasher_stop(h);
    /* One that cannot be read is told by its name, the others are hashed. */
    files[7].path = "not-there";
    files[8].path = ".";
    h = hasher_start(files, 300, true, false);
    assert_int_equal(hasher_wait(h, 0, 7, NULL), SG_CLI_OK);
    assert_int_equal(hasher_wait(h, 7, 1, NULL), SG_CLI_USAGE);
    assert_non_null(strstr(buf_str(&captured.message), "not-there"));
    assert_int_equal(hasher_wait(h, 8, 1, NULL), SG_CLI_USAGE);
    assert_int_equal(hasher_wait(h, 9, 291, NULL), SG_CLI_OK);
    hasher_stop(h);
    hasher_stop(NULL);
}

static void test_items_hold_digests_and_no_content(void **state)
{
    char path[] = "f", name[] = "dir/f";
    struct signlist_item item = {.path = path, .name = name};
    struct package_info package = {.package = "hello", .vrmf = "1.2", .ftype = "deb"};
    struct hasher_file file = {.path = path, .name = name, .package = &package};

    (void)state;
    write_file("f", "abc");
    file.package = NULL;
    assert_int_equal(hasher_one(&file, false, true), SG_CLI_OK);
    SG_JSON_CLEANUP struct json_object *json = sign_local_item(&item, NULL, &file);
    assert_int_equal(json_object_object_length(json), 3);
    assert_string_equal(json_text(json, "name", ""), "dir/f");
    assert_int_equal(json_int(json, "size", 0), 3);
    struct json_object *digests = json_member(json, "digests");
    assert_int_equal(json_object_object_length(digests), 2);
    assert_int_equal(strlen(json_text(digests, "blake2b-512", "")), 128);
    file.package = &package;
    SG_JSON_CLEANUP struct json_object *more = sign_local_item(&item, "dir", &file);
    assert_string_equal(json_text(more, "package", ""), "hello");
    assert_string_equal(json_text(more, "fileset", "-"), "");
    assert_string_equal(json_text(more, "vrmf", ""), "1.2");
    assert_string_equal(json_text(more, "directory", ""), "dir");
}

static void test_batches_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(sign_batch_size(0), SG_SIGNLIST_BATCH);
    assert_int_equal(sign_batch_size(SG_FORMAT_MINISIGN), SG_SIGNLIST_BATCH);
    assert_true(sign_batch_size(SG_FORMATS_ALL) < SG_SIGNLIST_BATCH);
    assert_true(sign_batch_size(SG_FORMATS_ALL) > 1000);
}

static void test_names_are_ends_of_paths(void **state)
{
    (void)state;
    assert_true(sigcheck_name_matches("/a/b/c", "c"));
    assert_true(sigcheck_name_matches("/a/b/c", "b/c"));
    assert_true(sigcheck_name_matches("/a/b/c", "a/b/c"));
    assert_false(sigcheck_name_matches("/a/b/c", "/a/b/c"));
    assert_false(sigcheck_name_matches("/a/bc", "c"));
    assert_false(sigcheck_name_matches("/a/b/c", "x/c"));
    assert_false(sigcheck_name_matches("/a/b/c", ""));
}

static void test_keys_are_judged(void **state)
{
    static const char text[] =
        "{\"disabled\":false,\"oldest_version\":2,\"versions\":[{\"version\":1},{\"version\":2,"
        "\"expires_at\":\"2026-06-01T00:00:00.000Z\"},{\"version\":3}]}";
    SG_JSON_CLEANUP struct json_object *key = json_parse(text, strlen(text));

    (void)state;
    assert_null(sigkeys_judge(key, 3, "2026-11-21T00:00:00.000Z"));
    assert_null(sigkeys_judge(key, 2, "2026-05-31T23:59:59.999Z"));
    assert_null(sigkeys_judge(key, 2, NULL));
    assert_string_equal(sigkeys_judge(key, 2, "2026-06-01T00:00:00.000Z"), "key-expired");
    assert_string_equal(sigkeys_judge(key, 1, "2026-01-01T00:00:00.000Z"), "key-version-too-old");
    assert_string_equal(sigkeys_judge(key, 4, NULL), "key-unknown");
    assert_true(json_put_bool(key, "disabled", true));
    assert_string_equal(sigkeys_judge(key, 3, NULL), "key-disabled");
}

static void test_hints_mean_keys(void **state)
{
    static const char keyid[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    uint8_t bytes[32];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    assert_true(trusted_hint_matches(keyid, bytes, 8));
    assert_true(trusted_hint_matches(keyid, bytes, 32));
    assert_false(trusted_hint_matches(keyid, bytes, 0));
    assert_false(trusted_hint_matches(keyid, bytes, 31));
    assert_true(trusted_hint_matches(abc, (const uint8_t *)"abc", 3));
    bytes[7] ^= 1;
    assert_false(trusted_hint_matches(keyid, bytes, 8));
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_formats_have_their_extensions),
        cmocka_unit_test(test_stems_are_found),
        IN_DIRECTORY(test_only_signatures_are_replaced),
        IN_DIRECTORY(test_a_directory_is_signed_without_its_signatures),
        IN_DIRECTORY(test_items_have_names_and_places),
        IN_DIRECTORY(test_the_current_directory_is_not_descended),
        IN_DIRECTORY(test_files_are_hashed_in_threads),
        IN_DIRECTORY(test_items_hold_digests_and_no_content),
        cmocka_unit_test(test_batches_are_bounded),
        cmocka_unit_test(test_names_are_ends_of_paths),
        cmocka_unit_test(test_keys_are_judged),
        cmocka_unit_test(test_hints_mean_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
