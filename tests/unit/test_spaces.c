/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of spaces: who has which role, who may change what, views, and files on top of them. */
#include "contract.h"

#include <stdio.h>
#include <string.h>

#include "chat_fixture.h"
#include "core/spaces_internal.h"

static enum sg_err role_in(struct chat_fixture *c, const struct principal *who, const char *name,
                           enum space_role *ret)
{
    struct space_record space;
    *ret = SG_SPACE_NONE;
    return spaces_authorize(c->spaces, who, name, SG_SPACE_READER, &space, ret);
}

static void assert_role(struct chat_fixture *c, const struct principal *who, const char *name,
                        enum space_role expected)
{
    enum space_role role;
    enum sg_err err = role_in(c, who, name, &role);
    assert_int_equal(expected == SG_SPACE_NONE ? SG_ERR_NOT_FOUND : SG_OK, err);
    assert_int_equal(expected, role);
}

static void make(struct chat_fixture *c, const struct principal *who, const char *name)
{
    struct space_info info;
    assert_int_equal(SG_OK, spaces_create(c->spaces, who, name, "", &info));
    assert_string_equal(name, info.space.name);
}

static enum sg_err set(struct chat_fixture *c, const struct principal *who, const char *space,
                       const char *user, enum space_role role)
{
    struct member_record member;
    bool created;
    return spaces_member_set(c->spaces, who, space, user, role, &member, &created);
}

static void test_roles(void **state)
{
    struct chat_fixture *c = *state;
    struct space_record space;
    enum space_role role;
    assert_role(c, &c->root, "common", SG_SPACE_OWNER);
    assert_role(c, &c->alice, "common", SG_SPACE_WRITER);
    assert_role(c, &c->guest, "common", SG_SPACE_READER);
    assert_int_equal(SG_ERR_FORBIDDEN, spaces_authorize(c->spaces, &c->guest, "common",
                                                        SG_SPACE_WRITER, &space, &role));
    assert_role(c, &c->guest, "~me", SG_SPACE_OWNER);
    assert_role(c, &c->alice, "~alice", SG_SPACE_OWNER);
    assert_role(c, &c->root, "~alice", SG_SPACE_NONE);
    assert_role(c, &c->alice, "@bob", SG_SPACE_WRITER);
    assert_role(c, &c->guest, "@bob", SG_SPACE_WRITER);
    assert_role(c, &c->alice, "@alice", SG_SPACE_NONE);
    assert_role(c, &c->alice, "@me", SG_SPACE_NONE);
    assert_role(c, &c->alice, "@nobody", SG_SPACE_NONE);
    assert_role(c, &c->alice, "team", SG_SPACE_NONE);
    assert_role(c, &c->alice, "", SG_SPACE_NONE);
    assert_role(c, &c->alice, "a-name-that-is-much-longer-than-any-space-has", SG_SPACE_NONE);

    make(c, &c->alice, "team");
    assert_role(c, &c->alice, "team", SG_SPACE_OWNER);
    assert_role(c, &c->bob, "team", SG_SPACE_NONE);
    assert_role(c, &c->root, "team", SG_SPACE_NONE); /* admins have no special right there */
    assert_int_equal(SG_OK, set(c, &c->alice, "team", "bob", SG_SPACE_READER));
    assert_role(c, &c->bob, "team", SG_SPACE_READER);
    assert_int_equal(SG_OK, set(c, &c->alice, "team", "bob", SG_SPACE_WRITER));
    assert_role(c, &c->bob, "team", SG_SPACE_WRITER);
    assert_int_equal(SG_OK, spaces_member_remove(c->spaces, &c->alice, "team", "bob"));
    assert_role(c, &c->bob, "team", SG_SPACE_NONE);
}

/* A change of somebody's role in the gateway, or its end, counts at once. */
static void test_identity(void **state)
{
    struct chat_fixture *c = *state;
    const enum user_role guest = SG_ROLE_GUEST;
    struct user_record user;
    struct hub_view *view;
    bool changed;
    uint64_t before = spaces_generation(c->spaces);
    assert_role(c, &c->alice, "@bob", SG_SPACE_WRITER);
    assert_int_equal(SG_OK, identity_update_user(c->f->id, "bob", &guest, NULL, &user));
    assert_true(spaces_generation(c->spaces) > before);
    assert_int_equal(SG_OK, identity_confirm(c->f->id, &c->bob, &changed));
    assert_true(changed);
    assert_role(c, &c->bob, "common", SG_SPACE_READER);

    make(c, &c->alice, "team");
    assert_int_equal(SG_OK, set(c, &c->alice, "team", "bob", SG_SPACE_WRITER));
    chat_fixture_say(c, &c->alice, "@bob", "hello");
    assert_int_equal(SG_OK, spaces_view(c->spaces, &c->alice, &view));
    assert_int_equal(4, view->count);
    hub_view_unref(view);
    assert_int_equal(SG_OK, identity_remove_user(c->f->id, "alice"));
    assert_role(c, &c->bob, "team", SG_SPACE_OWNER); /* there must be one */
    assert_role(c, &c->bob, "@alice", SG_SPACE_NONE);
    assert_role(c, &c->alice, "~me", SG_SPACE_NONE);
    /* A new user of the old name is somebody else. */
    fake_identity_add(c->f, "alice", SG_ROLE_MEMBER, NULL);
    struct principal other = chat_fixture_login(c, "alice");
    assert_role(c, &c->alice, "~me", SG_SPACE_NONE);
    assert_role(c, &other, "~me", SG_SPACE_OWNER);
    assert_role(c, &other, "team", SG_SPACE_NONE);
}

static const struct spaces_vtable *engine;
static unsigned views_read;

static enum sg_err counted_visible(void *self, int64_t user_id, int64_t after_id, size_t limit,
                                   struct space_record *ret, size_t *ret_count)
{
    views_read++;
    return engine->visible(self, user_id, after_id, limit, ret, ret_count);
}

static void assert_view(struct chat_fixture *c, const struct principal *who, const char *names)
{
    char text[256] = "";
    struct hub_view *view;
    assert_int_equal(SG_OK, spaces_view(c->spaces, who, &view));
    for (size_t i = 0; i < view->count; i++) {
        assert_true(i == 0 || view->space[i - 1].id < view->space[i].id);
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
                       view->space[i].name);
    }
    assert_string_equal(names, text);
    hub_view_unref(view);
}

static int64_t id_of(struct chat_fixture *c, const struct principal *who, const char *name)
{
    struct space_record space;
    enum space_role role;
    assert_int_equal(SG_OK, spaces_authorize(c->spaces, who, name, SG_SPACE_READER, &space, &role));
    return space.id;
}

/* Of a token that counts in some spaces only: made of what its user sees, without the store. */
static void test_limited_view(void **state)
{
    struct chat_fixture *c = *state;
    struct principal limited = c->bob;
    struct spaces_vtable counting = *c->spaces->store.vt;
    make(c, &c->alice, "alpha");
    make(c, &c->bob, "beta");
    make(c, &c->bob, "gamma");
    assert_int_equal(SG_OK, set(c, &c->alice, "alpha", "bob", SG_SPACE_READER));
    engine = c->spaces->store.vt;
    counting.visible = counted_visible;
    c->spaces->store.vt = &counting;
    limited.limits.spaces_only = true;
    assert_view(c, &limited, "");
    const int64_t ids[] = {id_of(c, &c->bob, "gamma"), id_of(c, &c->bob, "alpha"), 4711,
                           id_of(c, &c->bob, "gamma"), id_of(c, &c->bob, "alpha")};
    memcpy(limited.limits.space, ids, sizeof(ids));
    limited.limits.space_count = 5;
    views_read = 0;
    for (int i = 0; i < 3; i++)
        assert_view(c, &limited, "alpha gamma ");
    assert_view(c, &c->bob, "common ~bob alpha beta gamma ");
    assert_int_equal(0, views_read);
    /* What its user loses, it loses. */
    assert_int_equal(SG_OK, spaces_member_remove(c->spaces, &c->alice, "alpha", "bob"));
    for (int i = 0; i < 3; i++)
        assert_view(c, &limited, "gamma ");
    assert_int_equal(1, views_read);
    c->spaces->store.vt = engine;
}

static void test_create(void **state)
{
    struct chat_fixture *c = *state;
    struct space_info info;
    char text[400];
    assert_true(spaces_name_ok("a") && spaces_name_ok("0-team.x_y"));
    assert_false(spaces_name_ok("") || spaces_name_ok("common") || spaces_name_ok("me") ||
                 spaces_name_ok("Team") || spaces_name_ok("~team") || spaces_name_ok("-x") ||
                 spaces_name_ok("a23456789012345678901234567890123"));
    assert_int_equal(SG_ERR_FORBIDDEN, spaces_create(c->spaces, &c->guest, "team", NULL, &info));
    assert_int_equal(SG_ERR_BAD_FIELD, spaces_create(c->spaces, &c->alice, "T", NULL, &info));
    assert_int_equal(SG_ERR_NAME_TAKEN, spaces_create(c->spaces, &c->alice, "common", NULL, &info));
    (void)memset(text, 'x', sizeof(text));
    text[256] = '\0';
    assert_int_equal(SG_OK, spaces_create(c->spaces, &c->alice, "team", text, &info));
    assert_string_equal(text, info.description);
    assert_int_equal(SG_ERR_NAME_TAKEN, spaces_create(c->spaces, &c->bob, "team", NULL, &info));
    text[256] = 'x';
    text[257] = '\0';
    assert_int_equal(SG_ERR_BAD_FIELD, spaces_create(c->spaces, &c->bob, "t2", text, &info));
    assert_int_equal(SG_ERR_BAD_FIELD, spaces_create(c->spaces, &c->bob, "t2", "a\nb", &info));
    assert_int_equal(SG_ERR_BAD_FIELD, spaces_create(c->spaces, &c->bob, "t2", "\xff", &info));
}

static void test_update_and_remove(void **state)
{
    struct chat_fixture *c = *state;
    const int64_t day = 86400, negative = -1;
    const uint64_t few = 10, huge = UINT64_MAX;
    struct space_change change = {
        .description = "of us", .retention_s = &day, .retention_count = &few};
    struct space_info info;
    enum space_role role;
    make(c, &c->alice, "team");
    assert_int_equal(SG_OK, set(c, &c->alice, "team", "bob", SG_SPACE_WRITER));
    assert_int_equal(SG_ERR_FORBIDDEN, spaces_update(c->spaces, &c->bob, "team", &change, &info));
    assert_int_equal(SG_ERR_NOT_FOUND, spaces_update(c->spaces, &c->root, "team", &change, &info));
    assert_int_equal(SG_OK, spaces_update(c->spaces, &c->alice, "team", &change, &info));
    assert_int_equal(SG_OK, spaces_info(c->spaces, &c->bob, "team", &info, &role));
    assert_string_equal("of us", info.description);
    assert_int_equal(day, info.retention_s);
    assert_int_equal(few, info.retention_count);
    change.retention_s = &negative;
    assert_int_equal(SG_ERR_BAD_FIELD, spaces_update(c->spaces, &c->alice, "team", &change, &info));
    change.retention_s = NULL;
    change.retention_count = &huge;
    assert_int_equal(SG_ERR_BAD_FIELD, spaces_update(c->spaces, &c->alice, "team", &change, &info));
    change.retention_count = NULL;
    assert_int_equal(SG_ERR_FORBIDDEN,
                     spaces_update(c->spaces, &c->alice, "common", &change, &info));
    assert_int_equal(SG_OK, spaces_update(c->spaces, &c->root, "common", &change, &info));

    assert_int_equal(SG_ERR_FORBIDDEN, spaces_remove(c->spaces, &c->bob, "team"));
    assert_int_equal(SG_ERR_FIXED_MEMBERS, spaces_remove(c->spaces, &c->root, "common"));
    assert_int_equal(SG_ERR_FIXED_MEMBERS, spaces_remove(c->spaces, &c->alice, "~me"));
    assert_int_equal(SG_ERR_FIXED_MEMBERS, spaces_remove(c->spaces, &c->alice, "@bob"));
    assert_int_equal(SG_OK, spaces_remove(c->spaces, &c->alice, "team"));
    assert_role(c, &c->bob, "team", SG_SPACE_NONE);
    assert_role(c, &c->alice, "team", SG_SPACE_NONE);
}

static void test_members(void **state)
{
    struct chat_fixture *c = *state;
    struct member_record members[8], one;
    size_t count = 0;
    make(c, &c->alice, "team");
    assert_int_equal(SG_OK, set(c, &c->alice, "team", "bob", SG_SPACE_WRITER));
    assert_int_equal(SG_ERR_FORBIDDEN, set(c, &c->bob, "team", "guest", SG_SPACE_READER));
    assert_int_equal(SG_ERR_FORBIDDEN, set(c, &c->bob, "team", "bob", SG_SPACE_OWNER));
    assert_int_equal(SG_ERR_NOT_FOUND, set(c, &c->guest, "team", "guest", SG_SPACE_READER));
    assert_int_equal(SG_ERR_NOT_FOUND, set(c, &c->alice, "team", "nobody", SG_SPACE_READER));
    assert_int_equal(SG_ERR_BAD_FIELD, set(c, &c->alice, "team", "guest", SG_SPACE_NONE));
    assert_int_equal(SG_ERR_LAST_OWNER, set(c, &c->alice, "team", "me", SG_SPACE_WRITER));
    assert_int_equal(SG_ERR_FIXED_MEMBERS, set(c, &c->root, "common", "bob", SG_SPACE_OWNER));
    assert_int_equal(SG_ERR_FIXED_MEMBERS, set(c, &c->alice, "~me", "bob", SG_SPACE_OWNER));
    assert_int_equal(SG_ERR_FIXED_MEMBERS, set(c, &c->alice, "@bob", "bob", SG_SPACE_OWNER));

    assert_int_equal(SG_OK, spaces_members(c->spaces, &c->bob, "team", "", 8, members, &count));
    assert_int_equal(2, count);
    assert_string_equal("alice", members[0].name);
    assert_int_equal(SG_SPACE_OWNER, members[0].role);
    assert_string_equal("bob", members[1].name);
    assert_int_equal(SG_ERR_NOT_FOUND,
                     spaces_members(c->spaces, &c->guest, "team", "", 8, members, &count));
    assert_int_equal(SG_OK, spaces_members(c->spaces, &c->guest, "common", "", 8, members, &count));
    assert_int_equal(4, count);
    assert_string_equal("guest", members[2].name);
    assert_int_equal(SG_SPACE_READER, members[2].role);
    assert_int_equal(SG_SPACE_OWNER, members[3].role);
    assert_int_equal(SG_OK,
                     spaces_members(c->spaces, &c->guest, "common", "bob", 1, members, &count));
    assert_int_equal(1, count);
    assert_string_equal("guest", members[0].name);
    assert_int_equal(SG_OK, spaces_members(c->spaces, &c->bob, "@alice", "", 8, members, &count));
    assert_int_equal(2, count);
    assert_string_equal("alice", members[0].name);
    assert_int_equal(SG_SPACE_WRITER, members[1].role);
    assert_int_equal(SG_OK, spaces_members(c->spaces, &c->bob, "~me", "", 8, members, &count));
    assert_int_equal(1, count);

    assert_int_equal(SG_OK, spaces_member(c->spaces, &c->bob, "team", "me", &one));
    assert_int_equal(SG_SPACE_WRITER, one.role);
    assert_int_equal(SG_OK, spaces_member(c->spaces, &c->bob, "common", "root", &one));
    assert_int_equal(SG_SPACE_OWNER, one.role);
    assert_int_equal(SG_ERR_NOT_FOUND, spaces_member(c->spaces, &c->bob, "team", "root", &one));
    assert_int_equal(SG_ERR_NOT_FOUND, spaces_member(c->spaces, &c->bob, "~me", "root", &one));

    assert_int_equal(SG_ERR_FORBIDDEN, spaces_member_remove(c->spaces, &c->bob, "team", "alice"));
    assert_int_equal(SG_ERR_LAST_OWNER, spaces_member_remove(c->spaces, &c->alice, "team", "me"));
    assert_int_equal(SG_ERR_FIXED_MEMBERS,
                     spaces_member_remove(c->spaces, &c->alice, "common", "me"));
    assert_int_equal(SG_OK, spaces_member_remove(c->spaces, &c->bob, "team", "me"));
    assert_role(c, &c->bob, "team", SG_SPACE_NONE);
}

static void test_read(void **state)
{
    struct chat_fixture *c = *state;
    struct space_info info;
    enum space_role role;
    uint64_t seq = chat_fixture_say(c, &c->alice, "common", "one");
    (void)chat_fixture_say(c, &c->alice, "common", "two");
    assert_int_equal(SG_OK, spaces_info(c->spaces, &c->bob, "common", &info, &role));
    assert_int_equal(2, info.unread);
    assert_int_equal(SG_OK, spaces_read_set(c->spaces, &c->bob, "common", seq));
    assert_int_equal(SG_OK, spaces_info(c->spaces, &c->bob, "common", &info, &role));
    assert_int_equal(1, info.unread);
    assert_int_equal(seq, info.last_read);
    assert_int_equal(SG_ERR_BAD_FIELD, spaces_read_set(c->spaces, &c->bob, "common", seq + 1000));
    assert_int_equal(SG_OK, spaces_read_set(c->spaces, &c->bob, "common", 0)); /* never back */
    assert_int_equal(SG_OK, spaces_read_set(c->spaces, &c->bob, "@guest", 0));
    assert_int_equal(SG_OK, spaces_info(c->spaces, &c->bob, "common", &info, &role));
    assert_int_equal(seq, info.last_read);
}

/* -- files on top -------------------------------------------------------------------------------
 */

static void test_direct_files(void **state)
{
    struct chat_fixture *c = *state;
    const struct files_list_options options = {.limit = 10};
    struct path root = chat_fixture_path(c, "@bob/");
    struct path below = chat_fixture_path(c, "@bob/docs/");
    struct entry_record *entries;
    struct space_record space;
    enum space_role role;
    size_t count = 1;
    char *cursor;
    /* Nobody has used it yet: looking does not make it. */
    assert_int_equal(SG_OK, files_list(c->files, &c->alice, &root, &options, c->arena, &entries,
                                       &count, &cursor));
    assert_int_equal(0, count);
    assert_int_equal(SG_ERR_NOT_FOUND, files_list(c->files, &c->alice, &below, &options, c->arena,
                                                  &entries, &count, &cursor));
    assert_string_equal("!not-found", chat_fixture_content(c, &c->alice, "@bob/docs/a", 0));
    assert_int_equal(SG_ERR_NOT_FOUND, files_remove(c->files, &c->alice, &below, true, NULL));
    assert_int_equal(
        SG_OK, spaces_authorize(c->spaces, &c->bob, "@alice", SG_SPACE_WRITER, &space, &role));
    assert_int_equal(0, space.id);
    assert_int_equal(SG_OK, chat_fixture_upload(c, &c->alice, "@bob/docs/a", "for bob"));
    assert_string_equal("for bob", chat_fixture_content(c, &c->bob, "@alice/docs/a", 0));
    assert_string_equal("!not-found", chat_fixture_content(c, &c->root, "@alice/docs/a", 0));
    assert_int_equal(SG_OK, files_list(c->files, &c->alice, &below, &options, c->arena, &entries,
                                       &count, &cursor));
    assert_int_equal(1, count);
    assert_string_equal("@bob/docs/a", entries[0].path);
}

/* Begun by both before there was a space. */
static void test_direct_race(void **state)
{
    struct chat_fixture *c = *state;
    struct path first = chat_fixture_path(c, "@bob/first");
    struct path second = chat_fixture_path(c, "@alice/second");
    struct file_upload *a = NULL, *b = NULL;
    struct entry_record entry;
    bool created;
    assert_int_equal(SG_OK, files_upload_begin(c->files, &c->alice, &first, -1, NULL, &a));
    assert_int_equal(SG_OK, files_upload_begin(c->files, &c->bob, &second, -1, NULL, &b));
    assert_int_equal(SG_OK, files_upload_authorize(a, &c->alice));
    assert_int_equal(SG_OK, files_upload_commit(&a, NULL, c->arena, &entry, &created));
    assert_string_equal("@bob/first", entry.path);
    assert_int_equal(SG_OK, files_upload_authorize(b, &c->bob));
    assert_int_equal(SG_OK, files_upload_commit(&b, NULL, c->arena, &entry, &created));
    assert_string_equal("", chat_fixture_content(c, &c->alice, "@bob/second", 0));
}

static bool count_blob(void *ctx, const uint8_t *sha256)
{
    (void)sha256;
    ++*(size_t *)ctx;
    return true;
}

static size_t blob_count(struct chat_fixture *c)
{
    size_t count = 0;
    assert_int_equal(SG_OK, c->blobs.vt->scan(c->blobs.self, count_blob, &count));
    return count;
}

/* Who is put out while the content comes in publishes nothing, and nothing of it stays. */
static void test_late_upload(void **state)
{
    struct chat_fixture *c = *state;
    struct path path = chat_fixture_path(c, "team/late");
    struct file_upload *u = NULL;
    struct entry_record entry;
    bool created;
    make(c, &c->alice, "team");
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(SG_OK, set(c, &c->alice, "team", "bob", SG_SPACE_WRITER));
        assert_int_equal(SG_OK, files_upload_begin(c->files, &c->bob, &path, -1, NULL, &u));
        assert_int_equal(SG_OK, files_upload_write(u, "late", 4));
        if (i == 0)
            assert_int_equal(SG_OK, spaces_member_remove(c->spaces, &c->alice, "team", "bob"));
        else if (i == 1)
            assert_int_equal(SG_OK, set(c, &c->alice, "team", "bob", SG_SPACE_READER));
        else
            assert_int_equal(SG_OK, set(c, &c->alice, "team", "guest", SG_SPACE_READER));
        assert_int_equal(i == 0   ? SG_ERR_NOT_FOUND
                         : i == 1 ? SG_ERR_FORBIDDEN
                                  : SG_OK,
                         files_upload_commit(&u, NULL, c->arena, &entry, &created));
        assert_int_equal(i == 2 ? 1 : 0, blob_count(c));
    }
}

static enum sg_err move(struct chat_fixture *c, const struct principal *who, const char *from,
                        const char *to, bool overwrite, struct entry_record *ret)
{
    struct path source = chat_fixture_path(c, from), target = chat_fixture_path(c, to);
    return files_move(c->files, who, &source, &target, overwrite, NULL, c->arena, ret);
}

static void test_move(void **state)
{
    struct chat_fixture *c = *state;
    struct entry_record entry;
    assert_int_equal(SG_OK, chat_fixture_upload(c, &c->alice, "common/a", "one"));
    assert_int_equal(SG_OK, chat_fixture_upload(c, &c->alice, "common/b", "two"));
    assert_int_equal(SG_OK, move(c, &c->bob, "common/a", "common/x/c", false, &entry));
    assert_string_equal("common/x/c", entry.path);
    assert_string_equal("one", chat_fixture_content(c, &c->guest, "common/x/c", 0));
    assert_int_equal(SG_ERR_NOT_FOUND, move(c, &c->bob, "common/a", "common/d", false, &entry));
    assert_int_equal(SG_ERR_CONFLICT, move(c, &c->bob, "common/x/c", "common/b", false, &entry));
    assert_int_equal(2, blob_count(c));
    assert_int_equal(SG_OK, move(c, &c->bob, "common/x/c", "common/b", true, &entry));
    assert_string_equal("one", chat_fixture_content(c, &c->guest, "common/b", 0));
    assert_int_equal(1, blob_count(c)); /* what was replaced is collected */

    assert_int_equal(SG_ERR_FORBIDDEN, move(c, &c->guest, "common/b", "~me/b", false, &entry));
    assert_int_equal(SG_ERR_FORBIDDEN, move(c, &c->guest, "~me/b", "common/q", false, &entry));
    assert_int_equal(SG_ERR_NOT_FOUND, move(c, &c->alice, "common/b", "~bob/b", false, &entry));
    assert_int_equal(SG_ERR_CONFLICT, move(c, &c->alice, "common/b", "common", false, &entry));
    assert_int_equal(SG_ERR_CONFLICT, move(c, &c->root, "common", "~me/all", false, &entry));
    assert_int_equal(SG_ERR_CONFLICT, move(c, &c->alice, "common/x", "common/x/y", false, &entry));
    assert_int_equal(SG_ERR_NOT_DIRECTORY,
                     move(c, &c->alice, "common/b/", "common/q", false, &entry));
    assert_int_equal(SG_ERR_IS_DIRECTORY,
                     move(c, &c->alice, "common/b", "common/q/", false, &entry));
    assert_int_equal(SG_OK, move(c, &c->alice, "common/x/", "common/y/", false, &entry));
    assert_string_equal("common/y", entry.path);

    /* Into a direct talk that is made by it. */
    assert_int_equal(SG_OK, move(c, &c->alice, "common/b", "@bob/b", false, &entry));
    assert_string_equal("@bob/b", entry.path);
    assert_string_equal("one", chat_fixture_content(c, &c->bob, "@alice/b", 0));
    assert_string_equal("!not-found", chat_fixture_content(c, &c->bob, "common/b", 0));
    assert_int_equal(SG_ERR_NOT_FOUND, move(c, &c->alice, "@guest/b", "~me/b", false, &entry));
}

/* A message keeps the version that it names. */
static void test_linked_version(void **state)
{
    struct chat_fixture *c = *state;
    static const char *const names[] = {"a"};
    const struct chat_message message = {
        .text = "see", .text_len = 3, .files = names, .file_count = 1};
    const struct chat_message missing = {
        .text = "see", .text_len = 3, .files = (const char *const[]){"nothing"}, .file_count = 1};
    uint64_t seq = 0;
    bool replayed;
    struct path path = chat_fixture_path(c, "common/a");
    assert_int_equal(SG_ERR_NO_FILE,
                     chat_fixture_post(c, &c->alice, "common", &missing, &seq, &replayed));
    assert_int_equal(SG_OK, chat_fixture_upload(c, &c->alice, "common/a", "one"));
    assert_int_equal(SG_OK, chat_fixture_post(c, &c->alice, "common", &message, &seq, &replayed));
    assert_int_equal(SG_OK, chat_fixture_upload(c, &c->alice, "common/a", "two"));
    assert_string_equal("one", chat_fixture_content(c, &c->bob, "common/a", 1));
    assert_string_equal("two", chat_fixture_content(c, &c->bob, "common/a", 2));
    assert_string_equal("two", chat_fixture_content(c, &c->bob, "common/a", 0));
    assert_string_equal("!not-found", chat_fixture_content(c, &c->bob, "common/a", 3));
    assert_int_equal(SG_OK, files_remove(c->files, &c->alice, &path, false, NULL));
    assert_int_equal(SG_OK, files_collect(c->files));
    assert_string_equal("one", chat_fixture_content(c, &c->bob, "common/a", 1));
    assert_string_equal("!not-found", chat_fixture_content(c, &c->bob, "common/a", 2));
    assert_string_equal("!not-found", chat_fixture_content(c, &c->bob, "common/a", 0));
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, chat_fixture_set_up, chat_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_roles),
        TEST(test_identity),
        TEST(test_limited_view),
        TEST(test_create),
        TEST(test_update_and_remove),
        TEST(test_members),
        TEST(test_read),
        TEST(test_direct_files),
        TEST(test_direct_race),
        TEST(test_late_upload),
        TEST(test_move),
        TEST(test_linked_version),
    };
    return cmocka_run_group_tests_name("spaces", tests, fake_identity_group_sqlite,
                                       fake_identity_group_end);
}
