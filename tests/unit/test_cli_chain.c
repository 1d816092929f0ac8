/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of secctl's canonical form and of its check of chains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "cli/canon.h"
#include "cli/chain.h"
#include "cli/digest.h"
#include "cli/json.h"

/* -- canonical form -------------------------------------------------------------------------------
 */

static void expect_canonical(const char *json, const char *const *without, const char *wanted)
{
    SG_JSON_CLEANUP struct json_object *parsed = json_parse(json, strlen(json));
    SG_BUF_CLEANUP struct buf b = {0};

    assert_non_null(parsed);
    buf_init(&b, 65536);
    if (!wanted) {
        assert_false(canon_append(&b, parsed, without));
        return;
    }
    assert_true(canon_append(&b, parsed, without));
    assert_string_equal(buf_str(&b), wanted);
}

static void test_members_are_sorted_and_white_space_is_gone(void **state)
{
    (void)state;
    expect_canonical("{}", NULL, "{}");
    expect_canonical("{ \"b\": 1, \"a\" : [ 1, {\"d\":null, \"c\":true}, [] ], \"A\":-5 }", NULL,
                     "{\"A\":-5,\"a\":[1,{\"c\":true,\"d\":null},[]],\"b\":1}");
}

static void test_strings_are_escaped_as_ecmascript_does(void **state)
{
    (void)state;
    expect_canonical("{\"a\":\"\\u0000\\u0001\\b\\t\\n\\f\\r\\\"\\\\\\/\\u001f\\u007f\\u00fc\"}",
                     NULL, "{\"a\":\"\\u0000\\u0001\\b\\t\\n\\f\\r\\\"\\\\/\\u001f\177\303\274\"}");
    expect_canonical("{\"a\":\"\\ud83d\\ude00\\u2028\"}", NULL,
                     "{\"a\":\"\360\237\230\200\342\200\250\"}");
}

/* The example of RFC 8785, section 3.2.3: order by UTF-16, not by bytes. */
static void test_order_is_that_of_utf16(void **state)
{
    (void)state;
    expect_canonical("{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,"
                     "\"\\u0080\":6,\"\\u00f6\":7}",
                     NULL,
                     "{\"\\r\":2,\"1\":4,\"\302\200\":6,\"\303\266\":7,\"\342\202\254\":1,"
                     "\"\360\237\230\200\":5,\"\357\254\263\":3}");
}

static void test_what_has_no_canonical_form_is_refused(void **state)
{
    (void)state;
    expect_canonical("[1]", NULL, NULL);
    expect_canonical("{\"a\":1.5}", NULL, NULL);
    expect_canonical("{\"a\":9007199254740992}", NULL, NULL);
    expect_canonical("{\"a\":9007199254740991}", NULL, "{\"a\":9007199254740991}");
    expect_canonical("{\"a\":[[[[[[[1]]]]]]]}", NULL, "{\"a\":[[[[[[[1]]]]]]]}");
    expect_canonical("{\"a\":[[[[[[[[1]]]]]]]]}", NULL, NULL);
}

static void test_members_are_left_out_of_the_outermost_object_only(void **state)
{
    static const char *const without[] = {"x", NULL};

    (void)state;
    expect_canonical("{\"x\":1,\"y\":{\"x\":2}}", without, "{\"y\":{\"x\":2}}");
}

/* -- chain ----------------------------------------------------------------------------------------
 */

#define EVENTS 5

/* Hashes two pieces as the gateway does. */
static void hash(const void *a, size_t a_len, const void *b, size_t b_len, uint8_t *ret)
{
    struct digest d = {NULL};

    assert_true(digest_start(&d));
    digest_update(&d, a, a_len);
    digest_update(&d, b, b_len);
    digest_finish(&d, ret);
}

struct log {
    struct json_object *events[EVENTS];
    uint8_t chain[SG_DIGEST_BYTES];
};

/* Appends an event whose canonical form is written out here, not made by the code under test. */
static void append(struct log *log, size_t at, const char *canonical, const char *extra)
{
    char hex[SG_DIGEST_HEX_SIZE], json[2048];

    hash(log->chain, sizeof(log->chain), canonical, strlen(canonical), log->chain);
    encode_hex(log->chain, sizeof(log->chain), hex);
    snprintf(json, sizeof(json), "{\"space\":\"lab\",\"chain\":\"%s\"%s,%s", hex, extra,
             canonical + 1);
    log->events[at] = json_parse(json, strlen(json));
    assert_non_null(log->events[at]);
}

/* Numbers 2, 3, 5, 8, 9: a message that is changed by 8, two others, the change, a deletion. */
static void make_log(struct log *log)
{
    static const uint8_t salt[16] = "0123456789abcdef";
    uint8_t digest[SG_DIGEST_BYTES];
    char hex[SG_DIGEST_HEX_SIZE], canonical[1024], extra[256];

    memset(log, 0, sizeof(*log));
    hash(salt, sizeof(salt), "first", 5, digest);
    encode_hex(digest, sizeof(digest), hex);
    snprintf(canonical, sizeof(canonical),
             "{\"id\":\"e.2\",\"sender\":\"ann\",\"seq\":2,\"text_digest\":\"%s\","
             "\"type\":\"message\"}",
             hex);
    append(log, 0, canonical, ",\"revision\":{\"seq\":8,\"by\":\"ann\",\"text\":\"new\"}");
    append(log, 1,
           "{\"id\":\"e.3\",\"path\":\"a/b\",\"sender\":\"bob\",\"seq\":3,\"size\":7,"
           "\"type\":\"file.stored\",\"version\":1}",
           "");
    hash(salt, sizeof(salt), "third", 5, digest);
    encode_hex(digest, sizeof(digest), hex);
    snprintf(canonical, sizeof(canonical),
             "{\"id\":\"e.5\",\"sender\":\"ann\",\"seq\":5,\"text_digest\":\"%s\","
             "\"type\":\"message\"}",
             hex);
    append(log, 2, canonical, ",\"text\":\"third\",\"text_salt\":\"MDEyMzQ1Njc4OWFiY2RlZg\"");
    hash(salt, sizeof(salt), "new", 3, digest);
    encode_hex(digest, sizeof(digest), hex);
    snprintf(canonical, sizeof(canonical),
             "{\"id\":\"e.8\",\"sender\":\"ann\",\"seq\":8,\"target\":2,\"text_digest\":\"%s\","
             "\"type\":\"message.updated\"}",
             hex);
    snprintf(extra, sizeof(extra), ",\"text\":\"new\",\"text_salt\":\"MDEyMzQ1Njc4OWFiY2RlZg\"");
    append(log, 3, canonical, extra);
    append(log, 4,
           "{\"id\":\"e.9\",\"sender\":\"ann\",\"seq\":9,\"target\":4,"
           "\"type\":\"message.deleted\"}",
           "");
}

static void free_log(struct log *log)
{
    for (size_t i = 0; i < EVENTS; i++)
        (void)json_object_put(log->events[i]);
}

/* Follows the events in the order given; the faults must be these. */
static void expect_faults(const struct log *log, const size_t *order, size_t count,
                          const enum chain_fault *wanted)
{
    struct chain chain;
    int64_t previous;

    chain_start(&chain, 0, NULL);
    for (size_t i = 0; i < count; i++) {
        enum chain_fault found = chain_follow(&chain, log->events[order[i]], &previous);

        assert_int_equal(found, wanted[i]);
    }
    chain_end(&chain);
}

/* The first events of the example in docs/events.md. */
static void test_it_agrees_with_the_document(void **state)
{
    static const char *const events[] = {
        "{\"space\":\"common\",\"id\":\"0a0000b72000.1\",\"sender\":\"alice\",\"sent_at\":"
        "\"2026-11-20T16:02:14.123Z\",\"seq\":1,\"text_digest\":"
        "\"df76f3d12fe8630cda150acdb9a19da9a1fc729f9041a699308e01e5b20e569c\",\"type\":\"message\","
        "\"text\":\"Hello, world\",\"text_salt\":\"UhzQDpp3E0jyBrRd7jGLYA\",\"chain\":"
        "\"ffea237437292502c093a543dc83184e564dbe2894620cda826ed5673393d378\"}",
        "{\"space\":\"common\",\"id\":\"0a0000b72000.2\",\"media_type\":\"text/plain; "
        "charset=utf-8\",\"path\":\"docs/plan.txt\",\"sender\":\"bob\",\"sent_at\":"
        "\"2026-11-20T16:02:15.123Z\",\"seq\":2,\"sha256\":"
        "\"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\",\"size\":6,"
        "\"type\":\"file.stored\",\"version\":1,\"chain\":"
        "\"4719246fe83b25d921909dc4ed162a6edfc3838159d4a185c2bdce27c59b20f8\"}"};
    struct chain chain;

    (void)state;
    chain_start(&chain, 0, NULL);
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        SG_JSON_CLEANUP struct json_object *event = json_parse(events[i], strlen(events[i]));

        assert_int_equal(chain_follow(&chain, event, NULL), SG_CHAIN_HOLDS);
    }
    assert_int_equal(chain.texts, 1);
    chain_end(&chain);
}

static const enum chain_fault all_hold[EVENTS];

static void test_a_whole_chain_holds(void **state)
{
    static const size_t order[] = {0, 1, 2, 3, 4};
    struct log log;
    struct chain chain;

    (void)state;
    make_log(&log);
    expect_faults(&log, order, EVENTS, all_hold);
    chain_start(&chain, 0, NULL);
    for (size_t i = 0; i < EVENTS; i++)
        assert_int_equal(chain_follow(&chain, log.events[i], NULL), SG_CHAIN_HOLDS);
    assert_int_equal(chain.seq, 9);
    assert_int_equal(chain.count, EVENTS);
    assert_int_equal(chain.texts, 2);
    assert_memory_equal(chain.value, log.chain, sizeof(log.chain));
    assert_int_equal(chain_missing_revision(&chain, 9), 0);
    chain_end(&chain);
    free_log(&log);
}

static void test_it_holds_from_any_point(void **state)
{
    struct log log;
    struct chain chain;
    uint8_t value[SG_DIGEST_BYTES];

    (void)state;
    make_log(&log);
    assert_true(chain_parse(json_text(log.events[1], "chain", ""), value));
    chain_start(&chain, 3, value);
    for (size_t i = 2; i < EVENTS; i++)
        assert_int_equal(chain_follow(&chain, log.events[i], NULL), SG_CHAIN_HOLDS);
    chain_end(&chain);
    value[0] ^= 1;
    chain_start(&chain, 3, value);
    assert_int_equal(chain_follow(&chain, log.events[2], NULL), SG_CHAIN_BROKEN);
    chain_end(&chain);
    free_log(&log);
}

static void test_dropped_doubled_and_reordered_events_are_found(void **state)
{
    static const size_t dropped[] = {0, 2, 3, 4}, doubled[] = {0, 1, 1, 2, 3},
                        swapped[] = {0, 2, 1, 3, 4}, no_first[] = {1, 2, 3, 4};
    struct log log;

    (void)state;
    make_log(&log);
    expect_faults(
        &log, dropped, 4,
        (enum chain_fault[]){SG_CHAIN_HOLDS, SG_CHAIN_BROKEN, SG_CHAIN_HOLDS, SG_CHAIN_HOLDS});
    expect_faults(&log, doubled, 5,
                  (enum chain_fault[]){SG_CHAIN_HOLDS, SG_CHAIN_HOLDS, SG_CHAIN_DOUBLED,
                                       SG_CHAIN_HOLDS, SG_CHAIN_HOLDS});
    expect_faults(&log, swapped, 5,
                  (enum chain_fault[]){SG_CHAIN_HOLDS, SG_CHAIN_BROKEN, SG_CHAIN_DISORDER,
                                       SG_CHAIN_HOLDS, SG_CHAIN_HOLDS});
    expect_faults(
        &log, no_first, 4,
        (enum chain_fault[]){SG_CHAIN_BROKEN, SG_CHAIN_HOLDS, SG_CHAIN_HOLDS, SG_CHAIN_HOLDS});
    free_log(&log);
}

/* Each member that the chain covers, changed one at a time. */
static void test_altered_members_are_found(void **state)
{
    static const struct {
        size_t event;
        const char *member, *json;
        enum chain_fault fault;
    } changes[] = {
        {1, "sender", "\"eve\"", SG_CHAIN_BROKEN},
        {1, "size", "8", SG_CHAIN_BROKEN},
        {1, "path", "\"a/c\"", SG_CHAIN_BROKEN},
        {1, "added", "null", SG_CHAIN_BROKEN},
        {1, "seq", "4", SG_CHAIN_UNREADABLE},
        {1, "id", "\"f.3\"", SG_CHAIN_BROKEN},
        {1, "chain", "\"00\"", SG_CHAIN_UNREADABLE},
        {1, "size", "1.5", SG_CHAIN_UNREADABLE},
        {1, "space", "\"other\"", SG_CHAIN_HOLDS},
        {2, "text", "\"Third\"", SG_CHAIN_TEXT},
        {2, "text_salt", "\"AAAAAAAAAAAAAAAAAAAAAA\"", SG_CHAIN_TEXT},
        {2, "text_salt", "\"short\"", SG_CHAIN_TEXT},
        {2, "text_digest", "\"00\"", SG_CHAIN_BROKEN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct log log;
        struct chain chain;
        enum chain_fault found = SG_CHAIN_HOLDS;

        make_log(&log);
        json_object_object_add(log.events[changes[i].event], changes[i].member,
                               json_tokener_parse(changes[i].json));
        chain_start(&chain, 0, NULL);
        for (size_t k = 0; k <= changes[i].event; k++) {
            assert_int_equal(found, SG_CHAIN_HOLDS);
            found = chain_follow(&chain, log.events[k], NULL);
        }
        assert_int_equal(found, changes[i].fault);
        chain_end(&chain);
        free_log(&log);
    }
}

static void expect_revision(const char *revision, size_t at, enum chain_fault wanted,
                            int64_t missing)
{
    struct log log;
    struct chain chain;
    enum chain_fault found = SG_CHAIN_HOLDS;

    make_log(&log);
    json_object_object_add(log.events[0], "revision", json_tokener_parse(revision));
    chain_start(&chain, 0, NULL);
    for (size_t i = 0; i < EVENTS; i++) {
        found = chain_follow(&chain, log.events[i], NULL);
        assert_int_equal(found, i == at ? wanted : SG_CHAIN_HOLDS);
    }
    assert_int_equal(chain_missing_revision(&chain, 9), missing);
    chain_end(&chain);
    free_log(&log);
}

static void test_a_revision_must_be_in_the_log(void **state)
{
    (void)state;
    expect_revision("{\"seq\":8,\"text\":\"new\"}", EVENTS, SG_CHAIN_HOLDS, 0);
    expect_revision("{\"seq\":8,\"text\":\"other\"}", 3, SG_CHAIN_REVISION, 0);
    expect_revision("{\"seq\":8,\"deleted\":true}", 3, SG_CHAIN_REVISION, 0);
    expect_revision("{\"seq\":9,\"deleted\":true}", 4, SG_CHAIN_REVISION, 0);
    expect_revision("{\"seq\":7,\"text\":\"new\"}", EVENTS, SG_CHAIN_HOLDS, 2);
    expect_revision("{\"seq\":70,\"text\":\"new\"}", EVENTS, SG_CHAIN_HOLDS, 0);
    expect_revision("{\"seq\":1,\"text\":\"new\"}", 0, SG_CHAIN_REVISION, 0);
    expect_revision("{\"seq\":8}", 0, SG_CHAIN_REVISION, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_sorted_and_white_space_is_gone),
        cmocka_unit_test(test_strings_are_escaped_as_ecmascript_does),
        cmocka_unit_test(test_order_is_that_of_utf16),
        cmocka_unit_test(test_what_has_no_canonical_form_is_refused),
        cmocka_unit_test(test_members_are_left_out_of_the_outermost_object_only),
        cmocka_unit_test(test_it_agrees_with_the_document),
        cmocka_unit_test(test_a_whole_chain_holds),
        cmocka_unit_test(test_it_holds_from_any_point),
        cmocka_unit_test(test_dropped_doubled_and_reordered_events_are_found),
        cmocka_unit_test(test_altered_members_are_found),
        cmocka_unit_test(test_a_revision_must_be_in_the_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
