/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of signing, with the real keyring: what is signed is what is stored, bad items come
 * together, nothing is given out without its proof, and the index can be made again. */
#include "signing_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "fake_witness.h"
#include "tempdir.h"

#define F signing_fixture

static struct signing_item path_of(const char *path)
{
    return (struct signing_item){.kind = SG_SIGNING_PATH, .name = path};
}

static struct signing_item prefix_of(const char *path)
{
    return (struct signing_item){.kind = SG_SIGNING_PREFIX, .name = path};
}

static void expect_digest(const struct keyring_signed *of, const char *content)
{
    static struct sig_record_read read;
    const struct signing_item item = signing_fixture_item("x", content);
    assert_int_equal(SG_OK, sig_record_parse(of->record, of->record_len, &read));
    assert_memory_equal(item.digests.sha256, read.record.digests.sha256, SG_DIGEST_SIZE);
    assert_int_equal(strlen(content), read.record.size);
}

static void expect_fields(const struct keyring_signed *of, const char *package, const char *fileset,
                          const char *vrmf, const char *ftype, enum sig_source source)
{
    static struct sig_record_read read;
    assert_int_equal(SG_OK, sig_record_parse(of->record, of->record_len, &read));
    assert_string_equal(package, read.record.package);
    assert_string_equal(fileset, read.record.fileset);
    assert_string_equal(vrmf, read.record.vrmf);
    assert_string_equal(ftype, read.record.ftype);
    assert_int_equal(source, read.record.source);
}

static void test_digests(void **state)
{
    (void)state;
    struct signing_result r;
    struct signing_item items[3] = {signing_fixture_item("hello.txt", "hello\n"),
                                    signing_fixture_item("world_1.2-3_amd64.deb", "world\n"),
                                    signing_fixture_item("third", "")};
    items[0].package = "greeting";
    items[0].vrmf = "1.0";
    items[2].size = -1;
    signing_fixture_key("release", SG_KEY_ED25519);
    assert_int_equal(SG_OK, signing_fixture_create("release", 0, items, 3, &r));
    assert_int_equal(3, r.count);
    assert_int_equal(0, r.directory_count);
    assert_null(r.places);
    for (size_t i = 0; i < 3; i++) {
        signing_fixture_check(&r, &r.items[i], items[i].name);
        assert_int_equal(i, r.items[i].index);
        assert_null(r.items[i].formats[0].data);
    }
    expect_digest(&r.items[0], "hello\n");
    expect_fields(&r.items[0], "greeting", "", "1.0", "txt", SG_SOURCE_REQUEST);
    expect_fields(&r.items[1], "world", "world", "1.2-3", "deb", SG_SOURCE_NAME);
    signing_result_fini(&r);

    assert_int_equal(SG_OK, signing_fixture_create("release", SG_FORMATS_ALL, items, 3, &r));
    for (size_t i = 0; i < 3; i++) {
        signing_fixture_check(&r, &r.items[i], items[i].name);
        for (size_t bit = 0; bit < 6; bit++)
            assert_non_null(r.items[i].formats[bit].data);
    }
    signing_result_fini(&r);
}

/* The .bff container of package_bff.c's layout is more than is needed: an .rpm or .deb says the
 * same. What counts here: content before request before name. */
static void test_stored(void **state)
{
    (void)state;
    struct signing_result r;
    struct signing_item items[] = {path_of("common/dir/a.txt"), path_of("~me/own.bin"),
                                   prefix_of("common/dir"), path_of("common/dir/a.txt")};
    const struct events_store events = sqlite_store_events(F.db);
    struct event *list[16];
    size_t count = 0;
    uint64_t seq;
    int64_t common = 1;
    items[1].package = "own";
    signing_fixture_key("release", SG_KEY_ED25519);
    signing_fixture_store(&F.alice, "common/dir/a.txt", "first");
    signing_fixture_store(&F.alice, "common/dir/sub/b", "second");
    signing_fixture_store(&F.alice, "common/dir/a-c", "third");
    signing_fixture_store(&F.alice, "common/other", "fourth");
    signing_fixture_store(&F.alice, "~me/own.bin", "fifth");
    assert_int_equal(
        SG_OK, signing_fixture_create("release", SG_FORMAT_MINISIGN | SG_FORMAT_CMS, items, 4, &r));
    static const struct {
        const char *name, *content;
        size_t position; /* in the manifest; SIZE_MAX: in none */
    } expected[] = {{"a.txt", "first", SIZE_MAX}, {"own.bin", "fifth", SIZE_MAX},
                    {"a-c", "third", 0},          {"a.txt", "first", 1},
                    {"sub/b", "second", 2},       {"a.txt", "first", SIZE_MAX}};
    assert_int_equal(6, r.count);
    assert_int_equal(1, r.directory_count);
    struct sig_manifest *m = r.directories[0].manifest;
    for (size_t i = 0; i < 6; i++) {
        struct signing_stored stored;
        signing_fixture_check(&r, &r.items[i], expected[i].name);
        expect_digest(&r.items[i], expected[i].content);
        assert_int_equal(SG_OK, signing_get(F.signing, r.items[i].index, F.arena, &stored));
        if (expected[i].position == SIZE_MAX) {
            assert_null(r.places[i].directory);
            assert_null(stored.row.place.directory);
            continue;
        }
        assert_ptr_equal(&r.directories[0], r.places[i].directory);
        assert_int_equal(expected[i].position, sig_manifest_position(m, r.places[i].entry));
        assert_string_equal("dir", stored.row.place.directory);
        assert_int_equal(
            SG_OK,
            sig_manifest_verify(expected[i].name, stored.row.sha256, stored.row.place.position,
                                stored.row.place.files,
                                (const merkle_hash *)(const void *)stored.row.place.proof,
                                stored.row.place.proof_len / SG_MERKLE_SIZE, sig_manifest_root(m)));
    }
    expect_fields(&r.items[1], "own", "", "", "bin", SG_SOURCE_REQUEST);
    signing_fixture_check(&r, &r.directories[0].of->of, "dir/SHA256");
    assert_int_equal(3, r.directories[0].of->files);
    assert_memory_equal(sig_manifest_root(m), r.directories[0].of->root, 32);

    struct event_query query = {.space_ids = &common,
                                .space_count = 1,
                                .types = 1U << SG_EVENT_SIGNATURE_CREATED,
                                .limit = 16,
                                .bytes = 1 << 20};
    assert_int_equal(SG_OK, events.vt->list(events.self, &query, list, &count, &seq));
    assert_int_equal(3, count);
    assert_non_null(strstr(list[0]->json, "\"count\":1,"));
    assert_non_null(strstr(list[0]->json, "\"path\":\"dir/a.txt\""));
    assert_non_null(strstr(list[1]->json, "\"count\":3,"));
    assert_non_null(strstr(list[1]->json, "\"index\":2,\"key\":\"release\",\"key_version\":1,"
                                          "\"path\":\"dir\""));
    for (size_t i = 0; i < count; i++)
        event_unref(list[i]);
    signing_result_fini(&r);
}

/* A whole space, and items that are one directory. */
static void test_directories(void **state)
{
    (void)state;
    struct signing_result r;
    struct signing_item items[] = {signing_fixture_item("b", "1"), signing_fixture_item("a", "2"),
                                   signing_fixture_item("b", "3"),
                                   signing_fixture_item("alone", "4"), prefix_of("common/")};
    items[0].directory = items[1].directory = "x";
    items[2].directory = "y/z";
    signing_fixture_key("release", SG_KEY_ECDSA_P256);
    signing_fixture_store(&F.alice, "common/file", "content");
    assert_int_equal(SG_OK, signing_fixture_create("release", SG_FORMAT_DSSE, items, 5, &r));
    assert_int_equal(5, r.count);
    assert_int_equal(3, r.directory_count);
    signing_fixture_check(&r, &r.directories[0].of->of, "x/SHA256");
    signing_fixture_check(&r, &r.directories[1].of->of, "y/z/SHA256");
    signing_fixture_check(&r, &r.directories[2].of->of, "common/SHA256");
    assert_ptr_equal(&r.directories[0], r.places[0].directory);
    assert_ptr_equal(&r.directories[0], r.places[1].directory);
    assert_ptr_equal(&r.directories[1], r.places[2].directory);
    assert_null(r.places[3].directory);
    assert_ptr_equal(&r.directories[2], r.places[4].directory);
    assert_int_equal(1, sig_manifest_position(r.directories[0].manifest, r.places[0].entry));
    assert_int_equal(0, sig_manifest_position(r.directories[0].manifest, r.places[1].entry));
    assert_int_equal(2, r.directories[0].of->files);
    signing_result_fini(&r);
}

static void test_bad_items(void **state)
{
    (void)state;
    struct signing_result r;
    struct signing_item items[] = {
        signing_fixture_item("good", "1"),
        path_of("common/nothing"),
        path_of("common/dir"),
        path_of("common/dir/a/"),
        prefix_of("common/dir/a"),
        prefix_of("common/dir/../.."),
        path_of("common/%2e%2e/x\x01"),
        path_of("~bob/secret"),
        path_of("nowhere/file"),
        prefix_of("common/empty"),
        signing_fixture_item("../up", "1"),
        signing_fixture_item("", "1"),
        signing_fixture_item("no-blake", "1"),
        signing_fixture_item("twice", "1"),
        signing_fixture_item("twice", "2"),
        signing_fixture_item("field", "1"),
        prefix_of("common/dir//a"),
        prefix_of("/common/dir"),
        prefix_of("common/./dir"),
    };
    static const struct {
        uint32_t index;
        const char *code;
    } expected[] = {{1, "not-found"},       {2, "is-directory"},  {3, "not-a-directory"},
                    {4, "not-a-directory"}, {5, "path-invalid"},  {6, "path-invalid"},
                    {7, "not-found"},       {8, "not-found"},     {9, "directory-empty"},
                    {10, "name-invalid"},   {11, "name-invalid"}, {12, "digest-missing"},
                    {15, "field-invalid"},  {16, "path-invalid"}, {17, "path-invalid"},
                    {18, "path-invalid"}};
    struct path path;
    struct entry_record entry;
    const char *reason;
    bool created;
    struct logread_head before, after;
    items[12].digests.has_blake2b = false;
    items[13].directory = items[14].directory = "d";
    items[15].package = "a\nb";
    signing_fixture_key("release", SG_KEY_ED25519);
    signing_fixture_store(&F.alice, "common/dir/a", "a");
    signing_fixture_store(&F.bob, "~me/secret", "b");
    assert_int_equal(SG_OK, path_text("common/empty", 12, F.arena, &path, &reason));
    assert_int_equal(SG_OK, files_mkdir(F.files, &F.alice, &path, NULL, F.arena, &entry, &created));
    assert_int_equal(SG_OK, logread_head(F.log, &before));
    assert_int_equal(SG_ERR_BAD_ITEMS, signing_fixture_create("release", SG_FORMAT_MINISIGN, items,
                                                              sizeof items / sizeof items[0], &r));
    for (size_t i = 0; i < r.bad_count && i < 16; i++) {
        assert_int_equal(expected[i].index, r.bad[i].index);
        assert_string_equal(expected[i].code, r.bad[i].code);
        assert_true(r.bad[i].detail[0] != '\0');
    }
    assert_int_equal(16, r.bad_count);
    signing_result_fini(&r);
    /* Duplicates are looked for when all else is good. */
    assert_int_equal(SG_ERR_BAD_ITEMS, signing_fixture_create("release", 0, items + 13, 2, &r));
    assert_int_equal(1, r.bad_count);
    assert_int_equal(1, r.bad[0].index);
    assert_string_equal("duplicate-name", r.bad[0].code);
    signing_result_fini(&r);
    assert_int_equal(SG_OK, logread_head(F.log, &after));
    assert_int_equal(before.of.size, after.of.size); /* nothing was signed */
}

/* A blob that is not what its name says is never signed. */
static void test_corrupt(void **state)
{
    (void)state;
    struct signing_result r;
    struct signing_item items[] = {path_of("common/a"), path_of("common/b")};
    const struct signing_item content = signing_fixture_item("x", "broken content");
    char hex[SG_HEX_SIZE(32)], command[1024];
    signing_fixture_key("release", SG_KEY_ED25519);
    signing_fixture_store(&F.alice, "common/a", "whole content");
    signing_fixture_store(&F.alice, "common/b", "broken content");
    encode_hex(content.digests.sha256, 32, hex);
    (void)snprintf(command, sizeof command,
                   "f=$(find %s/worker -name '*%s') && chmod u+w $f && printf B > $f", F.dir,
                   hex + 4);
    assert_int_equal(0, system(command));
    assert_int_equal(SG_ERR_BAD_ITEMS, signing_fixture_create("release", 0, items, 2, &r));
    assert_int_equal(1, r.bad_count);
    assert_int_equal(1, r.bad[0].index);
    assert_string_equal("corrupt", r.bad[0].code);
    signing_result_fini(&r);
}

static void test_key_rules(void **state)
{
    (void)state;
    struct signing_result r;
    const struct signing_item item = signing_fixture_item("a", "1");
    const struct signing_request as_bob = {.key = "release", .items = &item, .item_count = 1};
    const bool yes = true;
    const unsigned raw = SG_FORMAT_RAW;
    signing_fixture_key("release", SG_KEY_ED25519);
    signing_fixture_key("curve", SG_KEY_ECDSA_P256);
    assert_int_equal(SG_ERR_NOT_FOUND, signing_fixture_create("none", 0, &item, 1, &r));
    signing_result_fini(&r);
    assert_int_equal(SG_ERR_FORBIDDEN, signing_create(F.signing, &F.bob, &as_bob, &r));
    signing_result_fini(&r);
    assert_int_equal(SG_ERR_BAD_FIELD,
                     signing_fixture_create("curve", SG_FORMAT_SIGNIFY, &item, 1, &r));
    assert_non_null(strstr(r.reason, "type"));
    signing_result_fini(&r);
    signing_fixture_update("release", &(struct key_change){.formats = &raw});
    assert_int_equal(SG_ERR_BAD_FIELD,
                     signing_fixture_create("release", SG_FORMAT_SSHSIG, &item, 1, &r));
    assert_non_null(strstr(r.reason, "this key"));
    signing_result_fini(&r);
    assert_int_equal(SG_OK, signing_fixture_create("release", SG_FORMAT_RAW, &item, 1, &r));
    signing_result_fini(&r);
    signing_fixture_update("release", &(struct key_change){.disabled = &yes});
    assert_int_equal(SG_ERR_KEY_DISABLED, signing_fixture_create("release", 0, &item, 1, &r));
    signing_result_fini(&r);
    assert_int_equal(SG_ERR_BAD_FIELD, signing_fixture_create("release", 0, &item, 0, &r));
    signing_result_fini(&r);
}

/* 10,000 files and not one more; each of them is read. */
static void test_many_files(void **state)
{
    (void)state;
    struct signing_result r;
    const struct signing_item items[] = {prefix_of("common/many"), path_of("common/one")};
    const struct signing_item content = signing_fixture_item("x", "same");
    signing_fixture_key("release", SG_KEY_ED25519);
    signing_fixture_store(&F.alice, "common/one", "same");
    for (unsigned i = 0; i < SG_SIGN_ITEMS_MAX; i++) {
        char path[64];
        bool created;
        uint8_t old[SG_DIGEST_SIZE];
        struct entry_record entry = {.path = path, .size = 4, .owner = "alice"};
        const struct space_actor actor = {.user_id = F.alice.user_id, .name = "alice"};
        (void)snprintf(path, sizeof path, "many/%05u", i);
        memcpy(entry.sha256, content.digests.sha256, SG_DIGEST_SIZE);
        assert_int_equal(SG_OK,
                         F.store.vt->put(F.store.self, 1, &entry, NULL, &actor, &created, old));
    }
    assert_int_equal(SG_ERR_BAD_ITEMS, signing_fixture_create("release", 0, items, 2, &r));
    assert_int_equal(1, r.bad_count);
    assert_int_equal(1, r.bad[0].index);
    assert_string_equal("too-many-files", r.bad[0].code);
    signing_result_fini(&r);
    int64_t begin_ns = clock_monotonic_ns();
    assert_int_equal(SG_OK, signing_fixture_create("release", 0, items, 1, &r));
    print_message("a directory of 10,000 files: %.0f ms\n",
                  (double)(clock_monotonic_ns() - begin_ns) / 1e6);
    assert_int_equal(SG_SIGN_ITEMS_MAX, r.count);
    signing_fixture_check(&r, &r.items[0], "00000");
    signing_fixture_check(&r, &r.items[9999], "09999");
    signing_fixture_check(&r, &r.directories[0].of->of, "many/SHA256");
    signing_result_fini(&r);
}

/* A directory of too many files is refused before one of them is read: content that is missing, of
 * the first of them, is not even looked for. */
static void test_too_many_files(void **state)
{
    (void)state;
    struct signing_result r;
    const struct signing_item item = prefix_of("common/many");
    const struct space_actor actor = {.user_id = F.alice.user_id, .name = "alice"};
    signing_fixture_key("release", SG_KEY_ED25519);
    for (unsigned i = 0; i <= SG_SIGN_ITEMS_MAX; i++) {
        char path[64];
        bool created;
        uint8_t old[SG_DIGEST_SIZE];
        struct entry_record entry = {.path = path, .size = 4, .owner = "alice"};
        (void)snprintf(path, sizeof path, "many/%05u", i);
        entry.sha256[0] = 1;
        assert_int_equal(SG_OK,
                         F.store.vt->put(F.store.self, 1, &entry, NULL, &actor, &created, old));
    }
    assert_int_equal(SG_ERR_BAD_ITEMS, signing_fixture_create("release", 0, &item, 1, &r));
    assert_int_equal(1, r.bad_count);
    assert_string_equal("too-many-files", r.bad[0].code);
    signing_result_fini(&r);
}

/* As many directories as items: what is needed for the list of one is not needed for each. */
static void test_many_directories(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    struct signing_result r;
    struct signing_item *items = calloc(COUNT, sizeof *items);
    assert_non_null(items);
    signing_fixture_key("release", SG_KEY_ED25519);
    signing_fixture_store(&F.alice, "common/few/one", "1");
    for (size_t i = 0; i < COUNT; i++)
        items[i] = prefix_of("common/few");
    assert_int_equal(SG_OK, signing_fixture_create("release", 0, items, COUNT, &r));
    assert_int_equal(COUNT, r.count);
    assert_int_equal(COUNT, r.directory_count);
    signing_fixture_check(&r, &r.items[COUNT - 1], "one");
    signing_fixture_check(&r, &r.directories[COUNT - 1].of->of, "few/SHA256");
    signing_result_fini(&r);
    free(items);
}

static void test_many_digests(void **state)
{
    (void)state;
    struct signing_result r;
    struct signing_item *items = calloc(SG_SIGN_ITEMS_MAX, sizeof *items);
    int64_t best_ns = INT64_MAX;
    signing_fixture_key("release", SG_KEY_ED25519);
    for (size_t i = 0; i < SG_SIGN_ITEMS_MAX; i++) {
        const char *name = arena_printf(F.arena, "file-%zu.tar.gz", i);
        items[i] = signing_fixture_item(name, name);
    }
    for (unsigned round = 0; round < 4; round++) {
        int64_t begin_ns = clock_monotonic_ns();
        assert_int_equal(SG_OK, signing_fixture_create("release", 0, items, SG_SIGN_ITEMS_MAX, &r));
        int64_t took_ns = clock_monotonic_ns() - begin_ns;
        if (took_ns < best_ns)
            best_ns = took_ns;
        signing_fixture_check(&r, &r.items[round], items[round].name);
        signing_result_fini(&r);
    }
    print_message("10,000 digests: %.0f ms\n", (double)best_ns / 1e6);
    free(items);
}

/* -- witnesses ----------------------------------------------------------------------------------
 */

static void test_quorum(void **state)
{
    (void)state;
    struct fake_witness witness;
    struct keyring_witness list;
    const struct signing_item item = signing_fixture_item("a", "1");
    const uint32_t one = 1;
    struct signing_result r;
    struct signing_stored stored;
    signing_fixture_key("release", SG_KEY_ED25519);
    fake_witness_start(&witness, "witness.example", &F.log_key);
    fake_witness_put(&witness, &list);
    signing_fixture_update(
        "release", &(struct key_change){.quorum = &one, .witnesses = &list, .witness_count = 1});
    assert_int_equal(SG_OK, signing_fixture_create("release", SG_FORMAT_RAW, &item, 1, &r));
    signing_fixture_check(&r, &r.items[0], "a");
    assert_non_null(strstr(r.note, "witness.example"));
    assert_int_equal(SG_OK, signing_get(F.signing, r.items[0].index, F.arena, &stored));
    assert_non_null(strstr(stored.proof, "witness.example")); /* kept */
    signing_result_fini(&r);

    /* Without it there is no signature, yet the leaf is there, and the index says so. */
    witness.mode = FAKE_REFUSES;
    assert_int_equal(SG_ERR_QUORUM, signing_fixture_create("release", SG_FORMAT_RAW, &item, 1, &r));
    signing_result_fini(&r);
    assert_int_equal(SG_OK, signing_get(F.signing, 1, F.arena, &stored));
    assert_null(stored.row.signature);
    assert_null(stored.row.formats[0].data);
    assert_int_equal(SG_ERR_NOT_FOUND, signing_get(F.signing, 2, F.arena, &stored));
    witness_free(F.witnesses); /* it keeps the connection */
    F.witnesses = NULL;
    fake_witness_stop(&witness);
}

/* -- the index ----------------------------------------------------------------------------------
 */

static void test_reindex(void **state)
{
    (void)state;
    struct signing_result r;
    struct signing_stored stored;
    struct signing_item items[300];
    struct keyring_batch lost;
    struct keyring_sign m = {.item_count = 2};
    struct keyring_sign_item raw[2];
    uint64_t count = 7;
    for (size_t i = 0; i < 300; i++)
        items[i] = signing_fixture_item(arena_printf(F.arena, "f%zu", i), "x");
    items[0].directory = "d";
    assert_int_equal(SG_OK, signing_reindex(F.signing, &count));
    assert_int_equal(0, count);
    signing_fixture_key("one", SG_KEY_ED25519);
    signing_fixture_key("two", SG_KEY_ECDSA_P256);
    assert_int_equal(SG_OK, signing_fixture_create("one", SG_FORMAT_RAW, items, 300, &r));
    signing_result_fini(&r);
    /* As if the process had died with the keyring's answer. */
    memset(raw, 0, sizeof raw);
    for (size_t i = 0; i < 2; i++)
        raw[i] = (struct keyring_sign_item){.name = i ? "lost" : "gone",
                                            .digests = items[i].digests,
                                            .package = "p",
                                            .fileset = "",
                                            .vrmf = "",
                                            .ftype = "",
                                            .source = SG_SOURCE_NAME};
    m.items = raw;
    keys_actor(&F.alice, &m.actor);
    (void)snprintf(m.key, sizeof m.key, "two");
    assert_int_equal(SG_OK, keyring_client_sign(F.keyring, &m, F.arena, &lost));
    keyring_batch_fini(&lost);
    assert_int_equal(SG_OK, signing_fixture_create("two", 0, items + 1, 1, &r));
    assert_int_equal(303, r.items[0].index);
    signing_result_fini(&r);
    assert_int_equal(SG_ERR_NOT_FOUND, signing_get(F.signing, 301, F.arena, &stored));
    signing_fixture_reopen(false);
    assert_int_equal(SG_OK, signing_reindex(F.signing, &count));
    assert_int_equal(2, count);
    assert_int_equal(SG_OK, signing_get(F.signing, 302, F.arena, &stored));
    assert_string_equal("two", stored.row.key);
    assert_string_equal("p", stored.row.package);
    assert_null(stored.row.signature);
    assert_non_null(strstr(stored.row.record, "\"name\":\"lost\""));
    assert_int_equal(SG_OK, signing_reindex(F.signing, &count));
    assert_int_equal(0, count);
    assert_int_equal(SG_OK, signing_get(F.signing, 5, F.arena, &stored));
    assert_int_equal(64, stored.row.signature_len);

    /* All of it from the log alone. */
    signing_fixture_reopen(true);
    assert_int_equal(SG_OK, signing_reindex(F.signing, &count));
    assert_int_equal(304, count);
    for (uint64_t i = 0; i < 304; i++) {
        assert_int_equal(SG_OK, signing_get(F.signing, i, F.arena, &stored));
        assert_null(stored.row.signature);
        assert_string_equal(i < 301 ? "one" : "two", stored.row.key);
    }
    assert_int_equal(SG_OK, signing_get(F.signing, 300, F.arena, &stored));
    assert_non_null(strstr(stored.row.record, "\"name\":\"d/SHA256\""));
}

static size_t list(struct signing_list_options o, char **cursor, struct signature_row **ret)
{
    size_t count = 0;
    o.until_ns = o.until_ns ? o.until_ns : INT64_MAX;
    o.limit = o.limit ? o.limit : 1000;
    o.cursor = *cursor;
    assert_int_equal(SG_OK, signing_list(F.signing, &o, F.arena, ret, &count, cursor));
    return count;
}

static void test_list(void **state)
{
    (void)state;
    struct signing_result r;
    struct signing_item items[25];
    struct signature_row *rows;
    char *cursor = NULL;
    size_t count;
    for (size_t i = 0; i < 25; i++)
        items[i] = signing_fixture_item(arena_printf(F.arena, "f%zu", i), i % 5 ? "x" : "y");
    signing_fixture_key("one", SG_KEY_ED25519);
    assert_int_equal(SG_OK, signing_fixture_create("one", 0, items, 25, &r));
    signing_result_fini(&r);
    assert_int_equal(25, list((struct signing_list_options){0}, &cursor, &rows));
    assert_null(cursor);
    assert_int_equal(24, rows[0].index);
    assert_int_equal(0, rows[24].index);
    assert_int_equal(10, list((struct signing_list_options){.limit = 10}, &cursor, &rows));
    assert_non_null(cursor);
    char *first = cursor;
    assert_int_equal(10, list((struct signing_list_options){.limit = 10}, &cursor, &rows));
    assert_int_equal(14, rows[0].index);
    assert_int_equal(5, list((struct signing_list_options){.limit = 10}, &cursor, &rows));
    assert_null(cursor);
    assert_int_equal(
        5, list((struct signing_list_options){.limit = 5, .sha256 = items[0].digests.sha256},
                &cursor, &rows));
    assert_null(cursor); /* exactly full: none follows */
    assert_int_equal(20, rows[0].index);
    /* A cursor is of its own listing, and is what was given out. */
    struct signing_list_options other = {
        .limit = 10, .key = "one", .cursor = first, .until_ns = INT64_MAX};
    assert_int_equal(SG_ERR_BAD_CURSOR,
                     signing_list(F.signing, &other, F.arena, &rows, &count, &cursor));
    other.key = NULL;
    other.cursor = "AAAA";
    assert_int_equal(SG_ERR_BAD_CURSOR,
                     signing_list(F.signing, &other, F.arena, &rows, &count, &cursor));
    other.cursor = NULL;
    other.limit = 1001;
    assert_int_equal(SG_ERR_BAD_FIELD,
                     signing_list(F.signing, &other, F.arena, &rows, &count, &cursor));
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, signing_fixture_set_up, signing_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_digests),        TEST(test_stored),
        TEST(test_directories),    TEST(test_bad_items),
        TEST(test_corrupt),        TEST(test_key_rules),
        TEST(test_many_digests),   TEST(test_many_files),
        TEST(test_too_many_files), TEST(test_many_directories),
        TEST(test_quorum),         TEST(test_reindex),
        TEST(test_list),
    };
    return cmocka_run_group_tests_name("signing", tests, NULL, NULL);
}
