/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of the event log: numbers and chains, posts and keys, changes, links, retention.
 * Pages against a model, races and crashes: contract_events_race.c. */
#include "events_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct events_fixture f;
static const struct contract_engine *tested;

static int setup(void **state)
{
    (void)state;
    events_fixture_init(&f, tested);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    events_fixture_fini(&f);
    return 0;
}

static uint64_t head(void)
{
    uint64_t seq = 0;
    assert_int_equal(SG_OK, EVENTS(&f, head, &seq));
    return seq;
}

static void check_chains(void)
{
    for (size_t i = 0; i < 3; i++) {
        size_t count;
        assert_true(events_chain_holds(&f, f.space[i], &count));
    }
}

static enum sg_err post_err(struct event_post post)
{
    enum sg_err err = events_post_wait(&f, &post);
    assert_true(err == SG_OK ? post.event != NULL : post.event == NULL);
    event_unref(post.event);
    return err;
}

/* Changes or deletes (text NULL) a message as bob or alice; seq of the change. */
static enum sg_err revise(uint64_t target, const struct user_record *who, bool any_author,
                          const char *text, uint64_t *ret_seq)
{
    struct event_revision revision = {.space_id = f.space[0],
                                      .target = target,
                                      .actor_id = who->id,
                                      .actor = who->name,
                                      .any_author = any_author,
                                      .text = text,
                                      .text_len = text ? strlen(text) : 0,
                                      .salt = "another salt 16",
                                      .now_ns = INT64_C(1795190535000000000)};
    struct event *e = NULL;
    enum sg_err err = EVENTS(&f, revise, &revision, &e);
    if (!err && ret_seq)
        *ret_seq = e->seq;
    event_unref(e);
    return err;
}

/* -- the log --------------------------------------------------------------------------------------
 */

static void test_numbers(void **state)
{
    (void)state;
    char epoch[SG_EPOCH_SIZE] = "", again[SG_EPOCH_SIZE] = "", id[64];
    uint64_t before = head();
    for (unsigned i = 0; i < 30; i++)
        assert_int_equal(before + i + 1, events_say(&f, f.space[i % 3], "hello"));
    assert_int_equal(before + 30, head());
    check_chains();

    assert_int_equal(SG_OK, EVENTS(&f, epoch, epoch));
    assert_int_equal(12, strspn(epoch, "0123456789abcdef"));
    struct event *e = events_get(&f, f.space[0], before + 1);
    assert_non_null(e);
    (void)snprintf(id, sizeof(id), "%s.%llu", epoch, (unsigned long long)before + 1);
    assert_string_equal(id, events_member(e, "id"));
    assert_string_equal("message", events_member(e, "type"));
    assert_string_equal("alice", events_member(e, "sender"));
    assert_string_equal("2026-11-20T16:02:14.123Z", events_member(e, "sent_at"));
    assert_string_equal("hello", events_member(e, "text"));
    assert_null(events_member(e, "space"));
    assert_int_equal(f.alice.id, e->sender_id);
    event_unref(e);
    assert_null(events_get(&f, f.space[1], before + 1));

    contract_store_reopen(&f.store);
    assert_int_equal(before + 30, head());
    assert_int_equal(SG_OK, EVENTS(&f, epoch, again));
    assert_string_equal(epoch, again);
    assert_int_equal(before + 31, events_say(&f, f.space[0], "after"));
    check_chains();

    assert_int_equal(SG_OK, EVENTS(&f, new_epoch));
    assert_int_equal(SG_OK, EVENTS(&f, epoch, again));
    assert_string_not_equal(epoch, again);
    e = events_get(&f, f.space[0], events_say(&f, f.space[0], "of another log"));
    assert_non_null(e);
    assert_int_equal(0, strncmp(again, events_member(e, "id"), strlen(again)));
    event_unref(e);
    check_chains();
}

static enum sg_err refuse(void *ctx)
{
    (void)ctx;
    return SG_ERR_CONFLICT;
}

static void test_posts(void **state)
{
    (void)state;
    uint64_t before = head();
    struct event_post post = events_post_make(&f, "x");
    post.space_id = 987654;
    assert_int_equal(SG_ERR_NOT_FOUND, post_err(post));
    post = events_post_make(&f, "x");
    post.check = refuse;
    assert_int_equal(SG_ERR_CONFLICT, post_err(post));

    /* Answers: to messages of the same space. */
    uint64_t message = events_say(&f, f.space[0], "question"),
             other = events_say(&f, f.space[1], "elsewhere"), change = 0;
    assert_int_equal(SG_OK, revise(message, &f.alice, false, "question?", &change));
    post = events_post_make(&f, "answer");
    post.reply_to = message;
    assert_int_equal(SG_OK, events_post_wait(&f, &post));
    char expected[24];
    (void)snprintf(expected, sizeof(expected), "%llu", (unsigned long long)message);
    assert_string_equal(expected, events_member(post.event, "reply_to"));
    event_unref(post.event);
    const uint64_t none[] = {other, change, head() + 1};
    for (size_t i = 0; i < 3; i++) {
        post = events_post_make(&f, "answer");
        post.reply_to = none[i];
        assert_int_equal(SG_ERR_NOT_FOUND, post_err(post));
    }
    assert_int_equal(before + 4, head()); /* what failed has taken no number */

    /* Any text that a client may send, of any length. */
    char odd[] = "\x01\x02\b\t\n\v\f\r\x1f \"\\/<>&\x7f\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
    events_say(&f, f.space[0], odd);
    char *longest = malloc(SG_EVENT_TEXT_MAX + 1);
    assert_non_null(longest);
    memset(longest, '\n', SG_EVENT_TEXT_MAX);
    longest[SG_EVENT_TEXT_MAX] = '\0';
    struct event *e = events_get(&f, f.space[0], events_say(&f, f.space[0], longest));
    assert_non_null(e);
    assert_true(e->len > 2 * (size_t)SG_EVENT_TEXT_MAX);
    assert_int_equal(e->len, strlen(e->json));
    event_unref(e);
    free(longest);
    check_chains();
}

static struct event_post keyed(const char *text, const char *key)
{
    struct event_post post = events_post_make(&f, text);
    post.idempotency_key = key;
    (void)strncpy((char *)post.fingerprint, text, SG_DIGEST_SIZE);
    return post;
}

/* Posts with a key; seq of the message, which must have been there or not. */
static uint64_t keyed_seq(struct event_post post, bool replayed)
{
    assert_int_equal(SG_OK, events_post_wait(&f, &post));
    assert_int_equal(replayed, post.replayed);
    uint64_t seq = post.event->seq;
    event_unref(post.event);
    return seq;
}

static void test_keys(void **state)
{
    (void)state;
    uint64_t first = keyed_seq(keyed("one", "k"), false), last = head();
    assert_int_equal(first, keyed_seq(keyed("one", "k"), true));
    assert_int_equal(SG_ERR_IDEMPOTENCY, post_err(keyed("two", "k")));
    assert_int_equal(first + 1, keyed_seq(keyed("one", "K"), false));
    struct event_post post = keyed("one", "k");
    post.sender_id = f.bob.id;
    post.sender = f.bob.name;
    assert_int_equal(first + 2, keyed_seq(post, false));
    assert_int_equal(last + 2, head());

    /* A post that failed has not used its key up. */
    post = keyed("late", "l");
    post.check = refuse;
    assert_int_equal(SG_ERR_CONFLICT, post_err(post));
    uint64_t late = keyed_seq(keyed("late", "l"), false);
    assert_int_equal(first + 3, late);

    contract_store_reopen(&f.store);
    assert_int_equal(first, keyed_seq(keyed("one", "k"), true));
    /* The message as it is now. */
    assert_int_equal(SG_OK, revise(late, &f.alice, false, NULL, NULL));
    assert_int_equal(late, keyed_seq(keyed("late", "l"), true));
    /* What it said is not known any more, not even by a digest. */
    assert_int_equal(late, keyed_seq(keyed("other", "l"), true));
    post = keyed("late", "l");
    post.space_id = f.space[1];
    assert_int_equal(SG_ERR_IDEMPOTENCY, post_err(post));

    /* A day later it is a new message. */
    post = keyed("one", "k");
    post.now_ns += SG_EVENT_KEY_LIFE_NS;
    assert_int_equal(first, keyed_seq(post, true));
    post.now_ns += 1;
    uint64_t second = keyed_seq(post, false);
    assert_int_equal(second, head());
    assert_int_equal(SG_OK, EVENTS(&f, prune_keys, post.now_ns));
    assert_int_equal(second, keyed_seq(post, true));
    assert_int_equal(SG_OK, EVENTS(&f, prune_keys, post.now_ns + 1));
    assert_int_equal(second + 1, keyed_seq(post, false));

    /* Pruned: what it was is not known any more. */
    size_t removed = 0;
    assert_int_equal(SG_OK, EVENTS(&f, prune, f.space[0], INT64_MAX, 0, 1000, &removed));
    assert_int_equal(SG_ERR_CONFLICT, post_err(post));
    check_chains();
}

/* -- changes --------------------------------------------------------------------------------------
 */

static void check_text(uint64_t seq, const char *text, const char *revision_text)
{
    struct event *e = events_get(&f, f.space[0], seq);
    assert_non_null(e);
    const char *shown = events_member(e, "text");
    assert_true(text ? shown && strcmp(shown, text) == 0 : !shown);
    assert_true(text || !events_member(e, "text_salt"));
    assert_non_null(events_member(e, "text_digest"));
    const char *revision = events_member(e, "revision");
    assert_true(revision_text ? revision && strstr(revision, revision_text) : !revision);
    event_unref(e);
}

static void test_changes(void **state)
{
    (void)state;
    uint64_t message = events_say(&f, f.space[0], "first"), one = 0, two = 0, gone = 0;
    assert_int_equal(SG_ERR_FORBIDDEN, revise(message, &f.bob, false, "second", NULL));
    assert_int_equal(SG_OK, revise(message, &f.alice, false, "second", &one));
    assert_int_equal(message + 1, one);
    check_text(message, NULL, "\"second\"");
    check_text(one, "second", NULL);
    assert_int_equal(SG_OK, revise(message, &f.bob, true, "third", &two));
    check_text(message, NULL, "\"third\"");
    check_text(message, NULL, "\"bob\"");
    check_text(one, NULL, NULL);
    check_text(two, "third", NULL);
    check_chains();

    assert_int_equal(SG_ERR_FORBIDDEN, revise(message, &f.bob, false, NULL, NULL));
    assert_int_equal(SG_OK, revise(message, &f.alice, false, NULL, &gone));
    check_text(message, NULL, "\"deleted\"");
    check_text(two, NULL, NULL);
    struct event *e = events_get(&f, f.space[0], gone);
    assert_string_equal("message.deleted", events_member(e, "type"));
    assert_null(events_member(e, "text_digest"));
    assert_int_equal(message, e->target);
    event_unref(e);
    assert_int_equal(SG_ERR_GONE, revise(message, &f.alice, false, "again", NULL));
    assert_int_equal(SG_ERR_GONE, revise(message, &f.alice, false, NULL, NULL));
    check_chains();

    /* Not a message, not of this space, not there. */
    uint64_t other = events_say(&f, f.space[1], "elsewhere");
    const uint64_t none[] = {one, gone, other, head() + 1};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(SG_ERR_NOT_FOUND, revise(none[i], &f.alice, true, "x", NULL));
    assert_int_equal(other, head());
    contract_store_reopen(&f.store);
    check_text(message, NULL, "\"deleted\"");
    check_chains();
}

/* -- links ----------------------------------------------------------------------------------------
 */

static void put_file(const char *path, uint8_t content)
{
    char copy[64];
    uint8_t old[SG_DIGEST_SIZE];
    bool created;
    struct entry_record entry = {.path = copy, .size = content, .modified_ns = content};
    const struct space_actor actor = {.user_id = f.alice.id, .name = f.alice.name, .now_ns = 1};
    (void)snprintf(copy, sizeof(copy), "%s", path);
    (void)snprintf(entry.owner, sizeof(entry.owner), "alice");
    (void)snprintf(entry.media_type, sizeof(entry.media_type), "x/%u", content);
    memset(entry.sha256, content, SG_DIGEST_SIZE);
    const struct files_store *files = &f.store.files;
    assert_int_equal(SG_OK,
                     files->vt->put(files->self, f.space[0], &entry, NULL, &actor, &created, old));
}

static bool used(uint8_t content)
{
    uint8_t digest[SG_DIGEST_SIZE];
    bool ret = false;
    memset(digest, content, sizeof(digest));
    assert_int_equal(SG_OK, f.store.files.vt->blob_used(f.store.files.self, digest, &ret));
    return ret;
}

static uint64_t link_files(const char *const *paths, size_t count)
{
    struct event_post post = events_post_make(&f, "look");
    post.files = paths;
    post.file_count = count;
    assert_int_equal(SG_OK, events_post_wait(&f, &post));
    uint64_t seq = post.event->seq;
    event_unref(post.event);
    return seq;
}

static void test_links(void **state)
{
    (void)state;
    static const char *const both[] = {"docs/a", "b", "docs/a"}, *const missing[] = {"b", "docs"},
                             *const one[] = {"b"};
    struct entry_record entry;
    put_file("docs/a", 1);
    put_file("b", 2);
    uint64_t seq = link_files(both, 3);
    struct event *e = events_get(&f, f.space[0], seq);
    const char *files = events_member(e, "files");
    assert_non_null(strstr(files, "\"docs/a\""));
    assert_null(strstr(strstr(files, "\"docs/a\"") + 1, "\"docs/a\"")); /* named once */
    assert_non_null(strstr(files, "\"x/2\""));
    event_unref(e);

    struct event_post post = events_post_make(&f, "look");
    post.files = missing;
    post.file_count = 2;
    assert_int_equal(SG_ERR_NO_FILE, events_post_wait(&f, &post));
    assert_int_equal(1, post.bad_file);
    post = events_post_make(&f, "look");
    post.files = one;
    post.file_count = 1;
    post.space_id = f.space[1]; /* there it is not */
    assert_int_equal(SG_ERR_NO_FILE, events_post_wait(&f, &post));

    /* The version stays when another takes its place. */
    put_file("docs/a", 3);
    put_file("b", 4);
    assert_true(used(1) && used(2) && used(3));
    assert_int_equal(SG_OK, EVENTS(&f, linked_file, f.space[0], "docs/a", 1, f.arena, &entry));
    assert_string_equal("docs/a", entry.path);
    assert_int_equal(1, entry.size);
    assert_int_equal(1, entry.sha256[5]);
    assert_string_equal("x/1", entry.media_type);
    assert_int_equal(SG_ERR_NOT_FOUND,
                     EVENTS(&f, linked_file, f.space[0], "docs/a", 2, f.arena, &entry));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     EVENTS(&f, linked_file, f.space[1], "docs/a", 1, f.arena, &entry));

    uint64_t second = link_files(one, 1);
    assert_int_equal(SG_OK, revise(seq, &f.alice, false, "changed", NULL));
    assert_true(used(1));
    assert_int_equal(SG_OK, revise(seq, &f.alice, false, NULL, NULL));
    assert_false(used(1) || used(2));
    put_file("b", 5);
    assert_true(used(4)); /* of the second message */
    size_t removed = 0;
    assert_int_equal(SG_OK, EVENTS(&f, prune, f.space[0], INT64_MAX, 0, 1000, &removed));
    assert_true(removed > 0 && second <= head());
    assert_false(used(4));
    check_chains();
}

/* -- retention ------------------------------------------------------------------------------------
 */

static size_t prune(int64_t before_ns, uint64_t keep, size_t batch)
{
    size_t removed = 99;
    assert_int_equal(SG_OK, EVENTS(&f, prune, f.space[0], before_ns, keep, batch, &removed));
    check_chains();
    return removed;
}

static void test_retention(void **state)
{
    (void)state;
    struct event_range range;
    (void)prune(INT64_MAX, 0, 1000);
    uint64_t first = 0, last = 0;
    for (int i = 0; i < 20; i++) {
        struct event_post post = events_post_make(&f, "x");
        post.now_ns = 1000 + i;
        assert_int_equal(SG_OK, events_post_wait(&f, &post));
        last = post.event->seq;
        first = first ? first : last;
        event_unref(post.event);
        events_say(&f, f.space[1], "between"); /* another space loses nothing */
    }
    assert_int_equal(0, prune(0, 0, 100));
    assert_int_equal(0, prune(1000, 20, 100));
    assert_int_equal(3, prune(1003, 0, 100));
    assert_int_equal(SG_OK, EVENTS(&f, range, f.space[0], &range));
    assert_int_equal(first + 4, range.pruned_seq);
    assert_int_equal(last, range.head_seq);
    assert_null(events_get(&f, f.space[0], first + 4));
    assert_int_equal(2, prune(0, 10, 2)); /* in pieces */
    assert_int_equal(5, prune(0, 10, 100));
    assert_int_equal(0, prune(0, 10, 100));
    size_t count = 0;
    assert_true(events_chain_holds(&f, f.space[0], &count));
    assert_int_equal(10, count);
    assert_int_equal(SG_OK, EVENTS(&f, range, f.space[0], &range));
    assert_int_equal(10, range.count);
    assert_true(events_chain_holds(&f, f.space[1], &count));
    assert_true(count >= 20);

    /* Nothing is left, and no number comes twice. */
    events_say(&f, f.space[0], "the last of all");
    last = head();
    assert_int_equal(11, prune(INT64_MAX, 0, 100));
    assert_int_equal(SG_OK, EVENTS(&f, range, f.space[0], &range));
    assert_int_equal(last, range.pruned_seq);
    assert_int_equal(last, range.head_seq);
    assert_int_equal(0, range.count);
    contract_store_reopen(&f.store);
    assert_int_equal(last, head());
    assert_int_equal(last + 1, events_say(&f, f.space[0], "goes on"));
    check_chains();
}

int contract_events(const struct contract_engine *engine)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_posts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retention, setup, teardown),
    };
    tested = engine;
    print_message("events contract on %s\n", engine->name);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
