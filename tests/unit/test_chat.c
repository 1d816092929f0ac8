/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of chat: what may be posted, replays, changes, pages, cursors and retention. Listening
 * is in test_chat_listen.c. */
#include "contract.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/metrics.h"
#include "chat_fixture.h"

static struct chat_message text(const char *of)
{
    return (struct chat_message){.text = of, .text_len = strlen(of)};
}

static enum sg_err post(struct chat_fixture *c, const struct principal *who, const char *space,
                        const char *of)
{
    const struct chat_message message = text(of);
    uint64_t seq;
    bool replayed;
    return chat_fixture_post(c, who, space, &message, &seq, &replayed);
}

static void test_text(void **state)
{
    static char large[SG_EVENT_TEXT_MAX + 1];
    struct chat_fixture *c = *state;
    struct chat_message message = text("x");
    static const char *const many[SG_EVENT_FILES_MAX + 1];
    const char *reason = NULL;
    uint64_t seq;
    bool replayed;
    memset(large, 'x', sizeof(large));
    assert_int_equal(SG_OK, chat_text_ok(large, SG_EVENT_TEXT_MAX, &reason));
    assert_int_equal(SG_ERR_TOO_LARGE, chat_text_ok(large, sizeof(large), &reason));
    assert_non_null(reason);
    assert_int_equal(SG_ERR_BAD_FIELD, chat_text_ok("", 0, &reason));
    assert_int_equal(SG_ERR_BAD_FIELD, chat_text_ok("a\0b", 3, &reason));
    assert_int_equal(SG_ERR_BAD_FIELD, chat_text_ok("\xc3(", 2, &reason));
    assert_int_equal(SG_OK, chat_text_ok("a\nb\xc3\xa9", 5, &reason));

    assert_int_equal(SG_ERR_FORBIDDEN, post(c, &c->guest, "common", "hi"));
    assert_int_equal(SG_ERR_NOT_FOUND, post(c, &c->root, "~alice", "hi"));
    assert_int_equal(SG_ERR_BAD_FIELD, post(c, &c->alice, "common", ""));
    assert_int_equal(SG_OK, post(c, &c->guest, "@bob", "hi"));
    message.file_count = SG_EVENT_FILES_MAX + 1;
    message.files = many;
    assert_int_equal(SG_ERR_BAD_FIELD,
                     chat_fixture_post(c, &c->alice, "common", &message, &seq, &replayed));
    message = text("answer");
    message.reply_to = 12345;
    assert_int_equal(SG_ERR_NOT_FOUND,
                     chat_fixture_post(c, &c->alice, "common", &message, &seq, &replayed));
    message.reply_to = UINT64_MAX;
    assert_int_equal(SG_ERR_BAD_FIELD,
                     chat_fixture_post(c, &c->alice, "common", &message, &seq, &replayed));
    message.reply_to = chat_fixture_say(c, &c->bob, "common", "question");
    assert_int_equal(SG_OK, chat_fixture_post(c, &c->alice, "common", &message, &seq, &replayed));
}

static void test_key(void **state)
{
    char key[SG_IDEMPOTENCY_KEY_SIZE], longest[300];
    (void)state;
    assert_int_equal(SG_OK, chat_key_ok("abc", key));
    assert_string_equal("abc", key);
    assert_int_equal(SG_OK, chat_key_ok("\"a\\\"b\\\\\"", key));
    assert_string_equal("a\"b\\", key);
    static const char *const bad[] = {"",      "\"\"",    "a b",      "\"a",  "\"a\"b",
                                      "\"a\\", "\"\\x\"", "\xc3\xa9", "a\tb", "\""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(SG_ERR_BAD_FIELD, chat_key_ok(bad[i], key));
    memset(longest, 'k', sizeof(longest));
    longest[255] = '\0';
    assert_int_equal(SG_OK, chat_key_ok(longest, key));
    longest[255] = 'k';
    longest[256] = '\0';
    assert_int_equal(SG_ERR_BAD_FIELD, chat_key_ok(longest, key));
}

/* The same message under the same key is one message, also after a new start; another is refused.
 */
static void test_replay(void **state)
{
    struct chat_fixture *c = *state;
    struct chat_message message = text("once");
    uint64_t first = 0, second = 0;
    bool replayed = true;
    message.idempotency_key = "key";
    assert_int_equal(SG_OK, chat_fixture_post(c, &c->alice, "common", &message, &first, &replayed));
    assert_false(replayed);
    chat_fixture_restart(c);
    assert_int_equal(SG_OK,
                     chat_fixture_post(c, &c->alice, "common", &message, &second, &replayed));
    assert_true(replayed);
    assert_int_equal(first, second);
    assert_int_equal(SG_ERR_IDEMPOTENCY,
                     chat_fixture_post(c, &c->alice, "~me", &message, &second, &replayed));
    message.reply_to = first;
    assert_int_equal(SG_ERR_IDEMPOTENCY,
                     chat_fixture_post(c, &c->alice, "common", &message, &second, &replayed));
    message = text("twice");
    message.idempotency_key = "key";
    assert_int_equal(SG_ERR_IDEMPOTENCY,
                     chat_fixture_post(c, &c->alice, "common", &message, &second, &replayed));
    assert_int_equal(SG_OK, chat_fixture_post(c, &c->bob, "common", &message, &second, &replayed));
    assert_false(replayed);
    fake_identity_pass(86401);
    c->alice = chat_fixture_login(c, "alice");
    (void)chat_prune(c->chat);
    assert_int_equal(SG_OK,
                     chat_fixture_post(c, &c->alice, "common", &message, &second, &replayed));
    assert_false(replayed);
}

/* -- rights at the moment of the commit ---------------------------------------------------------
 */

struct awaited {
    struct event_post post; /* first */
    sem_t done;
};

static void is_done(struct event_post *post)
{
    (void)sem_post(&((struct awaited *)(void *)post)->done);
}

/* Rights that go between the authorization and the commit. */
static void test_late_revocation(void **state)
{
    struct chat_fixture *c = *state;
    const struct chat_message message = text("too late");
    struct awaited late = {.post = {.done = is_done}};
    struct space_info info;
    struct space_record space;
    struct member_record member;
    enum space_role role;
    bool created;
    const char *reason;
    assert_int_equal(SG_OK, spaces_create(c->spaces, &c->alice, "team", NULL, &info));
    assert_int_equal(SG_OK, spaces_member_set(c->spaces, &c->alice, "team", "bob", SG_SPACE_WRITER,
                                              &member, &created));
    uint64_t generation = spaces_generation(c->spaces);
    assert_int_equal(SG_OK,
                     spaces_authorize(c->spaces, &c->bob, "team", SG_SPACE_WRITER, &space, &role));
    assert_int_equal(SG_OK, identity_logout(c->f->id, &c->guest, c->guest.session_id));
    assert_true(spaces_generation(c->spaces) > generation);
    assert_false(spaces_changed_since(c->spaces, c->bob.user_id, space.id, generation));
    assert_int_equal(SG_OK, identity_confirm(c->f->id, &c->bob, &created));
    assert_int_equal(SG_OK, spaces_member_remove(c->spaces, &c->alice, "team", "bob"));
    (void)sem_init(&late.done, 0, 0);
    assert_int_equal(
        SG_OK, chat_post(c->chat, &c->bob, &space, generation, &message, &late.post, &reason));
    (void)sem_wait(&late.done);
    (void)sem_destroy(&late.done);
    assert_int_equal(SG_ERR_CONFLICT, late.post.result);
    assert_int_equal(SG_ERR_NOT_FOUND, post(c, &c->bob, "team", "again"));
}

/* A principal from before a change of its role does not write with the old one. */
static void test_stale_principal(void **state)
{
    struct chat_fixture *c = *state;
    const enum user_role guest = SG_ROLE_GUEST;
    const bool disabled = true;
    struct user_record user;
    assert_int_equal(SG_OK, identity_update_user(c->f->id, "bob", &guest, NULL, &user));
    assert_int_equal(SG_ERR_FORBIDDEN, post(c, &c->bob, "common", "hi"));
    assert_int_equal(SG_OK, post(c, &c->bob, "~me", "hi"));
    assert_int_equal(SG_OK, identity_logout(c->f->id, &c->alice, c->alice.session_id));
    assert_int_equal(SG_ERR_SESSION_ENDED, post(c, &c->alice, "common", "hi"));
    assert_int_equal(SG_OK, identity_update_user(c->f->id, "bob", NULL, &disabled, &user));
    assert_int_equal(SG_ERR_USER_DISABLED, post(c, &c->bob, "~me", "hi"));
    assert_int_equal(SG_OK, post(c, &c->root, "common", "hi"));
}

/* -- changes ------------------------------------------------------------------------------------
 */

static enum sg_err revise(struct chat_fixture *c, const struct principal *who, const char *space,
                          uint64_t seq, const char *to)
{
    struct space_record record;
    struct event *event = NULL;
    enum sg_err err =
        chat_revise(c->chat, who, space, seq, to, to ? strlen(to) : 0, &event, &record);
    if (!err) {
        assert_int_equal(seq, event->target);
        assert_int_equal(who->user_id, event->sender_id);
        event_unref(event);
    }
    return err;
}

static bool shows(struct chat_fixture *c, const char *space, uint64_t seq, const char *words)
{
    struct space_record record;
    struct chat_bounds bounds;
    struct event *event = NULL;
    assert_int_equal(SG_OK, chat_get(c->chat, &c->alice, space, seq, &event, &record, &bounds));
    bool found = strstr(event->json, words) != NULL;
    event_unref(event);
    return found;
}

static void test_revise(void **state)
{
    struct chat_fixture *c = *state;
    struct space_info info;
    struct space_record record;
    struct chat_bounds bounds;
    struct event *event;
    uint64_t seq = chat_fixture_say(c, &c->alice, "common", "first words");
    assert_true(shows(c, "common", seq, "first words"));
    assert_int_equal(SG_ERR_FORBIDDEN, revise(c, &c->bob, "common", seq, "mine"));
    assert_int_equal(SG_ERR_FORBIDDEN, revise(c, &c->guest, "common", seq, "mine"));
    assert_int_equal(SG_ERR_NOT_FOUND, revise(c, &c->alice, "~me", seq, "mine"));
    assert_int_equal(SG_ERR_NOT_FOUND, revise(c, &c->alice, "common", 0, "mine"));
    assert_int_equal(SG_ERR_NOT_FOUND, revise(c, &c->alice, "common", UINT64_MAX, "mine"));
    assert_int_equal(SG_ERR_NOT_FOUND, revise(c, &c->alice, "@bob", seq, "mine"));
    assert_int_equal(SG_ERR_BAD_FIELD, revise(c, &c->alice, "common", seq, ""));
    assert_int_equal(SG_OK, revise(c, &c->alice, "common", seq, "second words"));
    assert_false(shows(c, "common", seq, "first words"));
    assert_true(shows(c, "common", seq, "second words"));
    assert_int_equal(SG_OK, revise(c, &c->root, "common", seq, NULL)); /* an owner of common */
    assert_false(shows(c, "common", seq, "second words"));
    assert_int_equal(SG_ERR_GONE, revise(c, &c->alice, "common", seq, "third"));

    assert_int_equal(SG_OK, spaces_create(c->spaces, &c->bob, "team", NULL, &info));
    seq = chat_fixture_say(c, &c->bob, "team", "ours");
    assert_int_equal(SG_ERR_NOT_FOUND, revise(c, &c->root, "team", seq, NULL));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     chat_get(c->chat, &c->root, "team", seq, &event, &record, &bounds));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     chat_get(c->chat, &c->bob, "common", seq, &event, &record, &bounds));
    seq = chat_fixture_say(c, &c->alice, "@bob", "between us");
    assert_int_equal(SG_ERR_FORBIDDEN, revise(c, &c->bob, "@alice", seq, NULL));
    assert_int_equal(SG_OK, revise(c, &c->alice, "@bob", seq, NULL));
}

/* -- pages --------------------------------------------------------------------------------------
 */

static enum sg_err page_of(struct chat_fixture *c, const struct principal *who, const char *space,
                           uint64_t before, size_t limit, struct chat_page *ret)
{
    const struct eventcursor cursor = {.seq = before};
    char text_of[SG_EVENTCURSOR_SIZE];
    struct space_record record;
    eventcursor_format(chat_epoch(c->chat), &cursor, text_of);
    return chat_page(c->chat, who, space, before ? text_of : NULL, limit, CHAT_ALL_TYPES, ret,
                     &record);
}

static void test_pages(void **state)
{
    struct chat_fixture *c = *state;
    struct chat_page page;
    struct space_record record;
    uint64_t seq[10];
    char other[32];
    for (unsigned i = 0; i < 10; i++) {
        char words[16];
        (void)snprintf(words, sizeof(words), "number %u", i);
        seq[i] = chat_fixture_say(c, &c->alice, "common", words);
    }
    uint64_t last = chat_fixture_say(c, &c->bob, "~me", "elsewhere");
    assert_int_equal(SG_OK, page_of(c, &c->guest, "common", 0, 3, &page));
    assert_int_equal(3, page.count);
    assert_int_equal(seq[7], page.events[0]->seq);
    assert_int_equal(seq[9], page.events[2]->seq);
    assert_int_equal(last, page.next.seq); /* the head: nothing is missed from there */
    chat_page_fini(&page);
    assert_int_equal(SG_OK, page_of(c, &c->guest, "common", seq[7], 4, &page));
    assert_int_equal(4, page.count);
    assert_int_equal(seq[3], page.events[0]->seq);
    assert_int_equal(seq[6], page.next.seq);
    chat_page_fini(&page);
    assert_int_equal(SG_OK, page_of(c, &c->guest, "common", seq[0], 4, &page));
    assert_int_equal(0, page.count);
    assert_int_equal(SG_ERR_CURSOR_FUTURE, page_of(c, &c->guest, "common", last + 1, 4, &page));
    assert_int_equal(last, page.bounds.newest.seq);
    assert_int_equal(SG_ERR_NOT_FOUND, page_of(c, &c->guest, "~bob", 0, 4, &page));
    assert_int_equal(SG_OK, page_of(c, &c->guest, "@bob", 0, 4, &page));
    assert_int_equal(0, page.count);
    assert_int_equal(last, page.next.seq);
    assert_int_equal(SG_ERR_BAD_CURSOR, chat_page(c->chat, &c->alice, "common", "x", 4,
                                                  CHAT_ALL_TYPES, &page, &record));
    (void)snprintf(other, sizeof(other), "0123456789ab.%u", (unsigned)seq[1]);
    assert_int_equal(
        SG_OK, chat_page(c->chat, &c->alice, "common", other, 4, CHAT_ALL_TYPES, &page, &record));
    assert_int_equal(1, page.count);
    assert_int_equal(seq[0], page.events[0]->seq);
    chat_page_fini(&page);
}

static void test_scopes(void **state)
{
    struct chat_fixture *c = *state;
    struct chat_page page;
    assert_int_equal(SG_OK, chat_fixture_upload(c, &c->alice, "common/a", "one"));
    (void)chat_fixture_say(c, &c->alice, "common", "hello");
    assert_int_equal(SG_OK, page_of(c, &c->bob, "common", 0, 10, &page));
    assert_int_equal(2, page.count);
    chat_page_fini(&page);
    c->bob.scopes &= ~(unsigned)SG_SCOPE_FILES_READ;
    assert_int_equal(SG_OK, page_of(c, &c->bob, "common", 0, 10, &page));
    assert_int_equal(1, page.count);
    assert_int_equal(SG_EVENT_MESSAGE, page.events[0]->type);
    chat_page_fini(&page);
}

/* -- retention ----------------------------------------------------------------------------------
 */

static void test_retention(void **state)
{
    struct chat_fixture *c = *state;
    const uint64_t three = 3;
    const int64_t hour = 3600;
    const struct space_change few = {.retention_count = &three}, young = {.retention_s = &hour};
    struct space_info info;
    struct space_record record;
    struct chat_bounds bounds;
    struct chat_page page;
    struct event *event;
    uint64_t seq[10];
    assert_int_equal(SG_OK, spaces_update(c->spaces, &c->alice, "~me", &few, &info));
    for (unsigned i = 0; i < 10; i++)
        seq[i] = chat_fixture_say(c, &c->alice, "~me", "something");
    uint64_t kept = chat_fixture_say(c, &c->alice, "common", "kept");
    assert_false(chat_prune(c->chat));
    for (unsigned i = 0; i < 2; i++, chat_fixture_restart(c)) { /* known again at the next start */
        assert_int_equal(SG_OK, page_of(c, &c->alice, "~me", 0, 10, &page));
        assert_int_equal(3, page.count);
        assert_int_equal(seq[7], page.events[0]->seq);
        assert_int_equal(seq[6], page.bounds.oldest.seq);
        chat_page_fini(&page);
        assert_int_equal(SG_ERR_CURSOR_PRUNED, page_of(c, &c->alice, "~me", seq[5], 10, &page));
        assert_int_equal(seq[6], page.bounds.oldest.seq);
        assert_int_equal(SG_ERR_CURSOR_PRUNED,
                         chat_get(c->chat, &c->alice, "~me", seq[2], &event, &record, &bounds));
    }
    assert_int_equal(SG_OK, spaces_update(c->spaces, &c->alice, "~me", &young, &info));
    fake_identity_pass(2 * hour);
    c->alice = chat_fixture_login(c, "alice");
    assert_false(chat_prune(c->chat));
    assert_int_equal(SG_OK, page_of(c, &c->alice, "~me", 0, 10, &page));
    assert_int_equal(0, page.count);
    assert_true(page.next.seq >= page.bounds.oldest.seq);
    assert_int_equal(SG_OK, page_of(c, &c->alice, "common", 0, 10, &page));
    assert_int_equal(1, page.count);
    assert_int_equal(kept, page.events[0]->seq);
    chat_page_fini(&page);
}

/* Numbers belong to all spaces: many of them between two events of one are no reason to write. */
static void test_nothing_to_prune(void **state)
{
    struct chat_fixture *c = *state;
    const uint64_t five = 5;
    const struct space_change few = {.retention_count = &five};
    struct space_info info;
    assert_int_equal(SG_OK, spaces_update(c->spaces, &c->alice, "~me", &few, &info));
    (void)chat_fixture_say(c, &c->alice, "~me", "first");
    for (unsigned i = 0; i < 10; i++)
        (void)chat_fixture_say(c, &c->alice, "common", "between");
    (void)chat_fixture_say(c, &c->alice, "~me", "last");
    int64_t writes = metrics_get(SG_METRIC_DB_WRITES);
    assert_false(chat_prune(c->chat));
    assert_int_equal(1, metrics_get(SG_METRIC_DB_WRITES) - writes); /* idempotency keys */
}

static atomic_uint posted;

static void count_post(struct event_post *post)
{
    event_unref(post->event);
    atomic_fetch_add(&posted, 1);
}

/* More than one call removes: a space that has much does not keep others from their turn. */
static void test_long_retention(void **state)
{
    enum { POSTS = 10500, AT_ONCE = 1000 };
    struct chat_fixture *c = *state;
    static struct event_post posts[POSTS];
    const uint64_t one = 1;
    const struct space_change few = {.retention_count = &one};
    const struct chat_message message = text("x");
    struct space_record space;
    struct space_info info;
    enum space_role role;
    const char *reason;
    struct chat_page page;
    uint64_t generation = spaces_generation(c->spaces);
    assert_int_equal(SG_OK,
                     spaces_authorize(c->spaces, &c->alice, "~me", SG_SPACE_WRITER, &space, &role));
    for (unsigned i = 0; i < POSTS; i++) {
        posts[i].done = count_post;
        assert_int_equal(
            SG_OK, chat_post(c->chat, &c->alice, &space, generation, &message, &posts[i], &reason));
        while (i + 1 - atomic_load(&posted) >= AT_ONCE || (i + 1 == POSTS && posted < POSTS))
            sched_yield();
    }
    (void)chat_fixture_say(c, &c->alice, "~me", "the end");
    assert_int_equal(SG_OK, spaces_update(c->spaces, &c->alice, "~me", &few, &info));
    unsigned calls = 1;
    while (chat_prune(c->chat))
        calls++;
    assert_true(calls > 1);
    assert_int_equal(SG_OK, page_of(c, &c->alice, "~me", 0, 10, &page));
    assert_int_equal(1, page.count);
    chat_page_fini(&page);
}

static void test_types(void **state)
{
    unsigned types = 0;
    (void)state;
    assert_int_equal(SG_OK, chat_types_parse("message", &types));
    assert_int_equal(1u << SG_EVENT_MESSAGE, types);
    assert_int_equal(SG_OK, chat_types_parse("file,typing", &types));
    assert_int_equal(1u << SG_EVENT_FILE_STORED | 1u << SG_EVENT_FILE_MOVED |
                         1u << SG_EVENT_FILE_DELETED | SG_HUB_NOTE_BIT(SG_NOTE_TYPING),
                     types);
    assert_int_equal(SG_OK, chat_types_parse("presence,message.deleted,member", &types));
    assert_int_equal(1u << SG_EVENT_MESSAGE_DELETED | 1u << SG_EVENT_MEMBER_ADDED |
                         1u << SG_EVENT_MEMBER_UPDATED | 1u << SG_EVENT_MEMBER_REMOVED |
                         SG_HUB_NOTE_BIT(SG_NOTE_PRESENCE_JOINED) |
                         SG_HUB_NOTE_BIT(SG_NOTE_PRESENCE_LEFT),
                     types);
    static const char *const bad[] = {"", ",", "message,", "x", "mess", "message.", "file.", "f"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(SG_ERR_BAD_FIELD, chat_types_parse(bad[i], &types));
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, chat_fixture_set_up, chat_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_text),           TEST(test_replay),          TEST(test_late_revocation),
        TEST(test_revise),         TEST(test_stale_principal), TEST(test_pages),
        TEST(test_scopes),         TEST(test_retention),       TEST(test_nothing_to_prune),
        TEST(test_long_retention), cmocka_unit_test(test_key), cmocka_unit_test(test_types),
    };
    return cmocka_run_group_tests_name("chat", tests, fake_identity_group_sqlite,
                                       fake_identity_group_end);
}
