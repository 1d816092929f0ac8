/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of files on the default engines: authority, uploads, reading, listing with cursors,
 * collection. */
#include "contract.h"

#include <gnutls/crypto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/cursor.h"
#include "core/files.h"
#include "core/smallblobs.h"
#include "core/spaces.h"
#include "store/fsblobs.h"
#include "store/sqlite.h"

static char *dir;
static struct sqlite_store *db;
static struct fsblobs *fs;
static struct users_store users;
static struct files_store store;
static struct blobs_store blobs;
static struct events_store events;
static struct spaces *spaces;
static struct files *files;
static struct arena *arena;
static struct principal root, alice, bob, guest;

static struct principal add_user(const char *name, enum user_role role)
{
    struct user_record user = {.role = role, .password_hash = "x"};
    struct principal who = {.role = role};
    (void)snprintf(user.name, sizeof(user.name), "%s", name);
    assert_int_equal(SG_OK, users.vt->create(users.self, &user, NULL, 1));
    who.user_id = user.id;
    memcpy(who.user, user.name, sizeof(who.user));
    return who;
}

static int setup(void **state)
{
    (void)state;
    const struct files_config config = {.max_file_bytes = 1000000};
    dir = contract_dir_new();
    assert_int_equal(SG_OK, sqlite_store_open(dir, &db));
    assert_int_equal(SG_OK, fsblobs_open(dir, 0, &fs));
    users = sqlite_store_users(db);
    store = sqlite_store_files(db);
    blobs = fsblobs_store(fs);
    events = sqlite_store_events(db);
    const struct spaces_store space_store = sqlite_store_spaces(db);
    spaces = spaces_new(&space_store, NULL, NULL);
    files = files_new(&store, &blobs, &events, spaces, &config);
    arena = arena_new((size_t)64 << 20);
    root = add_user("root", SG_ROLE_ADMIN);
    alice = add_user("alice", SG_ROLE_MEMBER);
    bob = add_user("bob", SG_ROLE_MEMBER);
    guest = add_user("guest", SG_ROLE_GUEST);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    files_free(files);
    spaces_free(spaces);
    fsblobs_close(fs);
    sqlite_store_close(db);
    arena_free(arena);
    contract_dir_remove(dir);
    return 0;
}

static struct path at_in(const char *text, struct arena *in)
{
    struct path path;
    const char *reason;
    if (path_parse(text, strlen(text), in, &path, &reason))
        abort();
    return path;
}

static struct path at(const char *text)
{
    return at_in(text, arena);
}

/* Usable in threads: own arena, results only. */
static enum sg_err upload(const struct principal *who, const char *text, const char *content,
                          const struct entry_condition *condition)
{
    struct arena *own = arena_new(65536);
    struct path path = at_in(text, own);
    struct file_upload *u = NULL;
    struct entry_record entry;
    bool created;
    enum sg_err err =
        files_upload_begin(files, who, &path, (int64_t)strlen(content), condition, &u);
    if (!err && *content)
        err = files_upload_write(u, content, strlen(content));
    if (!err)
        err = files_upload_commit(&u, NULL, own, &entry, &created);
    files_upload_abort(&u);
    arena_free(own);
    return err;
}

/* The content, or "!code" of the error. */
static const char *content(const struct principal *who, const char *text)
{
    struct path path = at(text);
    struct entry_record entry;
    int fd = -1;
    enum sg_err err = files_open(files, who, &path, 0, arena, &entry, NULL, &fd);
    if (err)
        return arena_printf(arena, "!%s", err_code(err));
    char *data = arena_alloc(arena, entry.size + 1);
    assert_int_equal(entry.size, read(fd, data, entry.size + 1));
    (void)close(fd);
    return data;
}

static bool count_blob(void *ctx, const uint8_t *sha256)
{
    (void)sha256;
    ++*(size_t *)ctx;
    return true;
}

static size_t blob_count(void)
{
    size_t count = 0;
    assert_int_equal(SG_OK, blobs.vt->scan(blobs.self, count_blob, &count));
    return count;
}

static void test_authority(void **state)
{
    (void)state;
    struct space_record space;
    struct space_info infos[4];
    enum space_role role, roles[4];
    size_t count = 0;
    assert_int_equal(SG_OK,
                     spaces_authorize(spaces, &alice, "common", SG_SPACE_WRITER, &space, &role));
    assert_int_equal(SG_SPACE_WRITER, role);
    assert_int_equal(SG_OK,
                     spaces_authorize(spaces, &root, "common", SG_SPACE_OWNER, &space, &role));
    assert_int_equal(SG_OK,
                     spaces_authorize(spaces, &guest, "common", SG_SPACE_READER, &space, &role));
    assert_int_equal(SG_ERR_FORBIDDEN,
                     spaces_authorize(spaces, &guest, "common", SG_SPACE_WRITER, &space, &role));
    assert_int_equal(SG_ERR_FORBIDDEN,
                     spaces_authorize(spaces, &alice, "common", SG_SPACE_OWNER, &space, &role));
    assert_int_equal(SG_OK, spaces_authorize(spaces, &alice, "~me", SG_SPACE_OWNER, &space, &role));
    assert_string_equal("~alice", space.name);
    assert_int_equal(SG_OK,
                     spaces_authorize(spaces, &guest, "~guest", SG_SPACE_OWNER, &space, &role));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     spaces_authorize(spaces, &bob, "~alice", SG_SPACE_READER, &space, &role));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     spaces_authorize(spaces, &root, "~alice", SG_SPACE_READER, &space, &role));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     spaces_authorize(spaces, &root, "other", SG_SPACE_READER, &space, &role));

    assert_int_equal(SG_OK, spaces_list(spaces, &guest, 4, infos, roles, &count));
    assert_int_equal(2, count);
    assert_string_equal("common", infos[0].space.name);
    assert_int_equal(SG_SPACE_READER, roles[0]);
    assert_string_equal("~guest", infos[1].space.name);
    assert_int_equal(SG_SPACE_OWNER, roles[1]);

    /* Somebody of a former user's name gets nothing of it by an old token, and the other way round.
     */
    struct principal old = bob;
    assert_int_equal(SG_OK, users.vt->remove(users.self, "bob"));
    spaces_rights_changed(spaces, 0);
    assert_int_equal(SG_ERR_NOT_FOUND,
                     spaces_authorize(spaces, &old, "~me", SG_SPACE_READER, &space, &role));
    bob = add_user("bob", SG_ROLE_MEMBER);
    assert_int_equal(SG_ERR_NOT_FOUND,
                     spaces_authorize(spaces, &old, "~me", SG_SPACE_READER, &space, &role));
    assert_int_equal(SG_OK, spaces_authorize(spaces, &bob, "~me", SG_SPACE_READER, &space, &role));
    assert_int_equal(SG_ERR_FORBIDDEN, upload(&guest, "common/x", "1", NULL));
    assert_int_equal(SG_ERR_NOT_FOUND, upload(&root, "~alice/x", "1", NULL));
}

static void test_upload(void **state)
{
    (void)state;
    struct path path = at("~me/docs/a.txt");
    struct file_upload *u = NULL;
    struct entry_record entry;
    bool created = false;
    int64_t before = clock_now_ns();
    assert_int_equal(SG_OK, files_upload_begin(files, &alice, &path, -1, NULL, &u));
    assert_int_equal(0, blob_count());
    assert_int_equal(SG_OK, files_upload_write(u, "hello ", 6));
    assert_int_equal(SG_OK, files_upload_write(u, "world", 5));
    assert_string_equal("!not-found", content(&alice, "~me/docs/a.txt"));
    assert_int_equal(SG_OK, files_upload_commit(&u, NULL, arena, &entry, &created));
    assert_null(u);
    assert_true(created);
    assert_string_equal("~alice/docs/a.txt", entry.path);
    assert_int_equal(11, entry.size);
    assert_int_equal(1, entry.version);
    assert_string_equal("alice", entry.owner);
    assert_string_equal("text/plain; charset=utf-8", entry.media_type);
    assert_true(entry.modified_ns >= before && entry.modified_ns <= clock_now_ns());
    assert_string_equal("hello world", content(&alice, "~me/docs/a.txt"));
    assert_string_equal("!not-found", content(&root, "~alice/docs/a.txt"));
    assert_string_equal("!is-directory", content(&alice, "~me/docs"));
    assert_string_equal("!is-directory", content(&alice, "~me"));
    assert_string_equal("!not-a-directory", content(&alice, "~me/docs/a.txt/"));

    assert_int_equal(SG_OK, upload(&alice, "common/empty", "", NULL));
    assert_string_equal("", content(&guest, "common/empty"));
}

static void test_upload_refusals(void **state)
{
    (void)state;
    struct file_upload *u = NULL;
    struct entry_record entry;
    bool created;
    uint8_t wrong[SG_DIGEST_SIZE] = {1};
    static char big[600000];
    const struct entry_condition create = {.must_not_exist = true}, exist = {.must_exist = true};
    assert_int_equal(SG_OK, upload(&alice, "common/d/f", "1", NULL));
    struct path path = at("common/g");
    assert_int_equal(SG_ERR_TOO_LARGE, files_upload_begin(files, &alice, &path, 1000001, NULL, &u));
    assert_int_equal(SG_ERR_PRECONDITION, files_upload_begin(files, &alice, &path, 1, &exist, &u));
    path = at("common/d/f");
    assert_int_equal(SG_ERR_PRECONDITION, files_upload_begin(files, &alice, &path, 1, &create, &u));
    path = at("common/d");
    assert_int_equal(SG_ERR_IS_DIRECTORY, files_upload_begin(files, &alice, &path, 1, &create, &u));
    path = at("common");
    assert_int_equal(SG_ERR_IS_DIRECTORY, files_upload_begin(files, &alice, &path, 1, NULL, &u));
    path = at("common/new/");
    assert_int_equal(SG_ERR_IS_DIRECTORY, files_upload_begin(files, &alice, &path, 1, NULL, &u));
    path = at("common/d/f/x/y");
    assert_int_equal(SG_ERR_NOT_DIRECTORY, files_upload_begin(files, &alice, &path, 1, NULL, &u));
    assert_null(u);
    path = at("common/g");
    assert_int_equal(SG_OK, files_upload_begin(files, &alice, &path, -1, NULL, &u));
    assert_int_equal(SG_OK, files_upload_write(u, big, sizeof(big)));
    assert_int_equal(SG_ERR_TOO_LARGE, files_upload_write(u, big, sizeof(big)));
    files_upload_abort(&u);
    files_upload_abort(&u);
    assert_int_equal(SG_OK, files_upload_begin(files, &alice, &path, 5, NULL, &u));
    assert_int_equal(SG_OK, files_upload_write(u, "four", 4));
    assert_int_equal(SG_ERR_INCOMPLETE, files_upload_commit(&u, NULL, arena, &entry, &created));
    assert_int_equal(SG_OK, files_upload_begin(files, &alice, &path, -1, NULL, &u));
    assert_int_equal(SG_OK, files_upload_write(u, "five", 4));
    assert_int_equal(SG_ERR_BAD_DIGEST, files_upload_commit(&u, wrong, arena, &entry, &created));
    assert_null(u);
    assert_string_equal("!not-found", content(&alice, "common/g"));
    assert_int_equal(1, blob_count());
    /* Somebody else was quicker: the content of the slower one goes. */
    assert_int_equal(SG_OK, files_upload_begin(files, &alice, &path, -1, &create, &u));
    assert_int_equal(SG_OK, files_upload_write(u, "slow", 4));
    assert_int_equal(SG_OK, upload(&bob, "common/g", "quick", &create));
    assert_int_equal(SG_ERR_PRECONDITION, files_upload_commit(&u, NULL, arena, &entry, &created));
    assert_string_equal("quick", content(&alice, "common/g"));
    assert_int_equal(2, blob_count());
}

static void test_upload_authority(void **state)
{
    (void)state;
    struct principal who = alice;
    struct path path = at("common/late");
    struct file_upload *u = NULL;
    assert_int_equal(SG_OK, files_upload_begin(files, &who, &path, -1, NULL, &u));
    assert_int_equal(SG_OK, files_upload_authorize(u, &who));
    who.role = SG_ROLE_GUEST;
    assert_int_equal(SG_ERR_FORBIDDEN, files_upload_authorize(u, &who));
    files_upload_abort(&u);
    /* The space of a user who is gone is not that of the next one with the name. */
    path = at("~me/late");
    assert_int_equal(SG_OK, files_upload_begin(files, &alice, &path, -1, NULL, &u));
    assert_int_equal(SG_OK, users.vt->remove(users.self, "alice"));
    spaces_rights_changed(spaces, 0);
    assert_int_equal(SG_ERR_NOT_FOUND, files_upload_authorize(u, &alice));
    alice = add_user("alice", SG_ROLE_MEMBER);
    assert_int_equal(SG_ERR_NOT_FOUND, files_upload_authorize(u, &alice));
    files_upload_abort(&u);
}

static enum sg_err put_result;

static enum sg_err put_fails(void *self, int64_t space_id, struct entry_record *entry,
                             const struct entry_condition *condition,
                             const struct space_actor *actor, bool *ret_created,
                             uint8_t ret_old_sha256[SG_DIGEST_SIZE])
{
    (void)self, (void)space_id, (void)entry, (void)condition;
    (void)actor, (void)ret_created, (void)ret_old_sha256;
    return put_result;
}

/* After a commit that failed the entry may be in the log: its content stays. */
static void test_failed_commit(void **state)
{
    (void)state;
    const struct files_config config = {.max_file_bytes = 1000000};
    struct files_vtable vtable = *store.vt;
    const struct files_store failing = {.self = store.self, .vt = &vtable};
    vtable.put = put_fails;
    files_free(files);
    files = files_new(&failing, &blobs, &events, spaces, &config);
    put_result = SG_ERR_PRECONDITION;
    assert_int_equal(SG_ERR_PRECONDITION, upload(&alice, "common/a", "one", NULL));
    assert_int_equal(0, blob_count());
    put_result = SG_ERR_IO;
    assert_int_equal(SG_ERR_IO, upload(&alice, "common/a", "one", NULL));
    assert_int_equal(1, blob_count());
    assert_int_equal(SG_OK, files_collect(files));
    assert_int_equal(0, blob_count());
}

/* Small content comes in memory, the same for every reader; what is replaced or gone is not shown.
 */
static void test_small_content(void **state)
{
    (void)state;
    struct path path = at("common/small");
    struct entry_record entry;
    struct smallblob *first = NULL, *second = NULL, *third = NULL;
    int fd = -1;
    assert_int_equal(SG_OK, upload(&alice, "common/small", "one", NULL));
    assert_int_equal(SG_OK, files_open(files, &guest, &path, 0, arena, &entry, &first, &fd));
    assert_non_null(first);
    assert_int_equal(-1, fd);
    assert_memory_equal("one", smallblob_data(first), 3);
    assert_int_equal(SG_OK, files_open(files, &bob, &path, 0, arena, &entry, &second, &fd));
    assert_ptr_equal(first, second);
    smallblob_unref(second);

    assert_int_equal(SG_OK, upload(&alice, "common/small", "two", NULL));
    assert_int_equal(SG_OK, files_open(files, &guest, &path, 0, arena, &entry, &third, &fd));
    assert_memory_equal("two", smallblob_data(third), 3);
    assert_memory_equal("one", smallblob_data(first), 3);
    smallblob_unref(first);
    smallblob_unref(third);

    third = NULL;
    assert_int_equal(SG_OK, files_remove(files, &alice, &path, false, NULL));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     files_open(files, &guest, &path, 0, arena, &entry, &third, &fd));
    assert_null(third);

    assert_int_equal(SG_OK, upload(&alice, "common/small", "", NULL));
    assert_int_equal(SG_OK, files_open(files, &guest, &path, 0, arena, &entry, &third, &fd));
    assert_null(third);
    assert_true(fd >= 0);
    (void)close(fd);
}

static void test_replace_and_remove(void **state)
{
    (void)state;
    struct path path = at("common/x/a");
    struct entry_record entry;
    bool created = false;
    int fd = -1;
    char back[8] = {0};
    assert_int_equal(SG_OK, upload(&alice, "common/x/a", "one", NULL));
    assert_int_equal(SG_OK, files_open(files, &guest, &path, 0, arena, &entry, NULL, &fd));
    assert_string_equal("common/x/a", entry.path);
    assert_int_equal(SG_OK, upload(&bob, "common/x/a", "two", NULL));
    assert_int_equal(3, read(fd, back, sizeof(back)));
    assert_string_equal("one", back); /* a reader keeps the version that it opened */
    (void)close(fd);
    assert_int_equal(1, blob_count());
    assert_int_equal(SG_OK, upload(&bob, "common/x/a", "two", NULL)); /* the same content again */
    assert_int_equal(SG_OK, upload(&bob, "common/x/b", "two", NULL));
    assert_int_equal(1, blob_count());

    assert_int_equal(SG_ERR_FORBIDDEN, files_remove(files, &guest, &path, false, NULL));
    assert_int_equal(SG_OK, files_remove(files, &alice, &path, false, NULL));
    assert_string_equal("two", content(&alice, "common/x/b"));
    assert_int_equal(SG_ERR_NOT_FOUND, files_remove(files, &alice, &path, false, NULL));
    path = at("common/x/b/");
    assert_int_equal(SG_ERR_NOT_DIRECTORY, files_remove(files, &alice, &path, false, NULL));
    path = at("common/x/");
    assert_int_equal(SG_ERR_NOT_EMPTY, files_remove(files, &alice, &path, false, NULL));
    assert_int_equal(SG_OK, files_remove(files, &alice, &path, true, NULL));
    assert_int_equal(0, blob_count());
    path = at("common/");
    assert_int_equal(SG_ERR_CONFLICT, files_remove(files, &root, &path, true, NULL));

    path = at("~me/e/f/");
    assert_int_equal(SG_OK, files_mkdir(files, &alice, &path, NULL, arena, &entry, &created));
    assert_true(created);
    assert_string_equal("~alice/e/f", entry.path);
    assert_string_equal("alice", entry.owner);
    assert_int_equal(SG_OK, files_mkdir(files, &alice, &path, NULL, arena, &entry, &created));
    assert_false(created);
    path = at("~me/");
    assert_int_equal(SG_OK, files_mkdir(files, &alice, &path, NULL, arena, &entry, &created));
    assert_string_equal("~alice", entry.path);
    path = at("common/new/");
    assert_int_equal(SG_ERR_FORBIDDEN,
                     files_mkdir(files, &guest, &path, NULL, arena, &entry, &created));
}

/* -- listing ------------------------------------------------------------------------------------
 */

static size_t list_all(const char *text, struct files_list_options options, char *ret, size_t size)
{
    struct path path = at(text);
    size_t total = 0, len = 0;
    char *cursor = NULL;
    ret[0] = '\0';
    do {
        struct entry_record *entries = NULL;
        size_t count = 0;
        options.cursor = cursor;
        assert_int_equal(
            SG_OK, files_list(files, &alice, &path, &options, arena, &entries, &count, &cursor));
        for (size_t i = 0; i < count; i++)
            len += (size_t)snprintf(ret + len, size - len, "%s ", entries[i].path);
        total += count;
    } while (cursor);
    return total;
}

static void test_list(void **state)
{
    (void)state;
    char out[1000];
    assert_int_equal(SG_OK, upload(&alice, "common/b", "333", NULL));
    assert_int_equal(SG_OK, upload(&alice, "common/a", "22", NULL));
    assert_int_equal(SG_OK, upload(&alice, "common/%C3%A4", "4444", NULL));
    assert_int_equal(SG_OK, upload(&alice, "common/d/e/f", "1", NULL));
    for (size_t limit = 1; limit < 5; limit++) {
        struct files_list_options o = {.limit = limit, .prefix = ""};
        (void)list_all("common/", o, out, sizeof(out));
        assert_string_equal("common/a common/b common/d common/\xc3\xa4 ", out);
        o.sort = SG_SORT_SIZE;
        o.descending = true;
        (void)list_all("common/", o, out, sizeof(out));
        assert_string_equal("common/\xc3\xa4 common/b common/a common/d ", out);
        o.sort = SG_SORT_MODIFIED;
        (void)list_all("common/", o, out, sizeof(out)); /* the directory was made with its file */
        assert_string_equal("common/d common/\xc3\xa4 common/a common/b ", out);
        o = (struct files_list_options){.limit = limit, .recursive = true};
        (void)list_all("common/", o, out, sizeof(out));
        assert_string_equal("common/a common/b common/d common/d/e common/d/e/f common/\xc3\xa4 ",
                            out);
        o.prefix = "d/e";
        assert_int_equal(2, list_all("common", o, out, sizeof(out)));
        o = (struct files_list_options){.limit = limit, .prefix = "a\xcc\x88"}; /* brought to NFC */
        (void)list_all("common/", o, out, sizeof(out));
        assert_string_equal("common/\xc3\xa4 ", out);
        o = (struct files_list_options){.limit = limit};
        assert_int_equal(0, list_all("~me/", o, out, sizeof(out)));
        (void)list_all("common/d/", o, out, sizeof(out));
        assert_string_equal("common/d/e ", out);
    }
}

static enum sg_err list_err(const struct principal *who, const char *text,
                            struct files_list_options o, char **ret_cursor)
{
    struct path path = at(text);
    struct entry_record *entries;
    size_t count;
    return files_list(files, who, &path, &o, arena, &entries, &count, ret_cursor);
}

static void test_list_errors(void **state)
{
    (void)state;
    struct files_list_options o = {.limit = 1}, other;
    char *cursor = NULL, *next = NULL;
    assert_int_equal(SG_OK, upload(&alice, "common/a", "1", NULL));
    assert_int_equal(SG_OK, upload(&alice, "common/b/a", "2", NULL));
    assert_int_equal(SG_OK, upload(&alice, "common/b/b", "2", NULL));
    assert_int_equal(SG_OK, upload(&alice, "~me/a", "1", NULL));
    assert_int_equal(SG_OK, upload(&alice, "~me/b", "1", NULL));
    assert_int_equal(SG_ERR_NOT_FOUND, list_err(&root, "~alice/", o, &cursor));
    assert_int_equal(SG_ERR_NOT_FOUND, list_err(&alice, "common/none/", o, &cursor));
    assert_int_equal(SG_ERR_NOT_DIRECTORY, list_err(&alice, "common/a/", o, &cursor));
    other = (struct files_list_options){.limit = 0};
    assert_int_equal(SG_ERR_BAD_FIELD, list_err(&alice, "common/", other, &cursor));
    other.limit = 1001;
    assert_int_equal(SG_ERR_BAD_FIELD, list_err(&alice, "common/", other, &cursor));
    other = (struct files_list_options){.limit = 1, .prefix = "\xff"};
    assert_int_equal(SG_ERR_BAD_FIELD, list_err(&alice, "common/", other, &cursor));

    /* A cursor belongs to its listing. */
    assert_int_equal(SG_OK, list_err(&alice, "common/", o, &cursor));
    assert_non_null(cursor);
    o.cursor = cursor;
    assert_int_equal(SG_OK, list_err(&guest, "common/", o, &next));
    assert_int_equal(SG_ERR_BAD_CURSOR, list_err(&alice, "common/b/", o, &next));
    assert_int_equal(SG_ERR_BAD_CURSOR, list_err(&alice, "~me/", o, &next));
    other = o;
    other.sort = SG_SORT_SIZE;
    assert_int_equal(SG_ERR_BAD_CURSOR, list_err(&alice, "common/", other, &next));
    other = o;
    other.descending = true;
    assert_int_equal(SG_ERR_BAD_CURSOR, list_err(&alice, "common/", other, &next));
    other = o;
    other.recursive = true;
    assert_int_equal(SG_ERR_BAD_CURSOR, list_err(&alice, "common/", other, &next));
    other = o;
    other.prefix = "a";
    assert_int_equal(SG_ERR_BAD_CURSOR, list_err(&alice, "common/", other, &next));
    other = o;
    other.limit = 7; /* the page size may change */
    assert_int_equal(SG_OK, list_err(&alice, "common/", other, &next));
    /* Any change of any character is refused or continues somewhere in the same listing; nothing
     * breaks. */
    size_t refused = 0;
    for (size_t i = 0; cursor[i]; i++) {
        char *broken = arena_strdup(arena, cursor);
        broken[i] = broken[i] == 'A' ? 'B' : 'A';
        o.cursor = broken;
        enum sg_err err = list_err(&alice, "common/", o, &next);
        assert_true(err == SG_OK || err == SG_ERR_BAD_CURSOR);
        refused += err != SG_OK;
        broken[i] = '\0';
        err = list_err(&alice, "common/", o, &next);
        assert_true(i == 0 ? err == SG_OK : err == SG_ERR_BAD_CURSOR);
    }
    assert_true(refused > 15);
}

/* -- collection and races -----------------------------------------------------------------------
 */

static void test_collect(void **state)
{
    (void)state;
    char name[64];
    struct path path = at("common/many/");
    for (unsigned i = 0; i < 400; i++) {
        (void)snprintf(name, sizeof(name), "common/many/%u", i);
        assert_int_equal(SG_OK, upload(&alice, name, name, NULL));
    }
    assert_int_equal(SG_OK, upload(&alice, "common/kept", "kept", NULL));
    assert_int_equal(SG_OK, upload(&bob, "~me/gone", "gone with bob", NULL));
    assert_int_equal(402, blob_count());
    assert_int_equal(SG_OK, files_remove(files, &alice, &path, true, NULL));
    assert_true(blob_count() < 402 &&
                blob_count() > 2); /* some at once, the rest in the background */
    assert_int_equal(SG_OK, users.vt->remove(users.self, "bob"));
    assert_int_equal(SG_OK, files_start_collector(files)); /* a pass at once */
    for (unsigned i = 0; i < 200 && blob_count() != 1; i++)
        usleep(20000);
    assert_int_equal(1, blob_count());
    assert_string_equal("kept", content(&alice, "common/kept"));
    files_collect_soon(files);
}

struct race {
    atomic_size_t bad, reads, done; /* done: writers that ended */
};

/* Two writers replace one file, one removes it, one collects, the others read: always a whole
 * version. */
static void replace_and_read(void *ctx, size_t index)
{
    struct race *race = ctx;
    struct arena *own = NULL;
    for (unsigned i = 0; i < 300 || (index > 3 && atomic_load(&race->done) < 2); i++) {
        char text[64] = "";
        enum sg_err err = SG_OK;
        arena_free(own);
        own = arena_new(65536);
        struct path path = at_in("common/hot/file", own);
        (void)snprintf(text, sizeof(text), "version %u of writer %zu", i % 5, index % 2);
        if (index < 2) {
            err = upload(&alice, "common/hot/file", text, NULL);
        } else if (index == 2) {
            err = i % 20 == 0 ? files_remove(files, &alice, &path, false, NULL) : SG_OK;
            err = err == SG_ERR_NOT_FOUND ? SG_OK : err;
        } else if (index == 3) {
            err = i % 50 == 0 ? files_collect(files) : SG_OK;
        } else {
            struct entry_record entry;
            uint8_t digest[SG_DIGEST_SIZE];
            int fd = -1;
            err = files_open(files, &bob, &path, 0, own, &entry, NULL, &fd);
            if (err == SG_ERR_NOT_FOUND)
                continue;
            ssize_t n = err ? -1 : read(fd, text, sizeof(text));
            if (n < 0 || gnutls_hash_fast(GNUTLS_DIG_SHA256, text, (size_t)n, digest) != 0 ||
                memcmp(digest, entry.sha256, sizeof(digest)) != 0)
                err = err ? err : SG_ERR_CORRUPT;
            if (fd >= 0)
                (void)close(fd);
            atomic_fetch_add(&race->reads, 1);
        }
        if (err && err != SG_ERR_UNAVAILABLE)
            atomic_fetch_add(&race->bad, 1);
    }
    if (index < 2)
        atomic_fetch_add(&race->done, 1);
    arena_free(own);
}

static void test_race(void **state)
{
    (void)state;
    struct race race = {0};
    contract_threads(6, replace_and_read, &race);
    print_message("%zu reads\n", (size_t)race.reads);
    assert_int_equal(0, race.bad);
    assert_true(race.reads > 0);
    assert_int_equal(SG_OK, upload(&alice, "common/hot/file", "last", NULL));
    assert_int_equal(SG_OK, files_collect(files));
    assert_int_equal(1, blob_count());
    assert_string_equal("last", content(&bob, "common/hot/file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_authority, setup, teardown),
        cmocka_unit_test_setup_teardown(test_upload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_upload_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_upload_authority, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace_and_remove, setup, teardown),
        cmocka_unit_test_setup_teardown(test_small_content, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_collect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_race, setup, teardown),
    };
    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
