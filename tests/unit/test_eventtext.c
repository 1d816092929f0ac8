/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical and shown form of events: known answers, made by other programs (Python's json and
 * hashlib). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "store/eventtext.h"

#define SENT_NS INT64_C(1795190534123999999)
#define EPOCH   "0123456789ab"
#define AB32    "abababababababababababababababababababababababababababababababab"

static const uint8_t salt[SG_EVENT_SALT_SIZE] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                 8, 9, 10, 11, 12, 13, 14, 15};
static const char text[] = "Gr\xc3\xbc\xc3\x9f"
                           "e\n\"\\\x01";

static struct event_draft draft(enum event_type type, uint64_t seq)
{
    return (struct event_draft){
        .type = type, .seq = seq, .epoch = EPOCH, .sender = "alice", .sent_ns = SENT_NS};
}

static void check(const struct event_draft *d, const char *expected)
{
    SG_BUF_CLEANUP struct buf out;
    buf_init(&out, 1 << 16);
    eventtext_canonical(&out, d);
    assert_int_equal(SG_OK, buf_status(&out));
    assert_string_equal(expected, buf_str(&out));
    /* It is appended. */
    eventtext_canonical(&out, d);
    assert_int_equal(2 * strlen(expected), out.len);
}

static void test_canonical(void **state)
{
    (void)state;
    struct event_draft d = draft(SG_EVENT_MESSAGE, 1);
    d.text = text;
    d.text_len = strlen(text);
    d.salt = salt;
    check(&d, "{\"id\":\"" EPOCH
              ".1\",\"sender\":\"alice\",\"sent_at\":\"2026-11-20T16:02:14.123Z\",\"seq\":1,"
              "\"text_digest\":"
              "\"43221605ba56accd68c75d40224dd6899db3fdf612e12a299a7cd756b08656f0\","
              "\"type\":\"message\"}");

    struct event_file files[2] = {{.path = "b", .version = 2, .size = 0, .media_type = "x/y"},
                                  {.path = "a", .version = 1, .size = 10, .media_type = ""}};
    memset(files[0].sha256, 0xab, SG_DIGEST_SIZE);
    memset(files[1].sha256, 0xab, SG_DIGEST_SIZE);
    d.reply_to = 9;
    d.files = files;
    d.file_count = 2;
    check(&d, "{\"files\":[{\"media_type\":\"x/y\",\"path\":\"b\",\"sha256\":\"" AB32
              "\",\"size\":0,\"version\":2},{\"media_type\":\"\",\"path\":\"a\",\"sha256\":\"" AB32
              "\",\"size\":10,\"version\":1}],\"id\":\"" EPOCH
              ".1\",\"reply_to\":9,\"sender\":\"alice\",\"sent_at\":\"2026-11-20T16:02:14.123Z\","
              "\"seq\":1,\"text_digest\":"
              "\"43221605ba56accd68c75d40224dd6899db3fdf612e12a299a7cd756b08656f0\","
              "\"type\":\"message\"}");

    d = draft(SG_EVENT_MESSAGE_DELETED, 1234567);
    d.target = 1;
    check(&d, "{\"id\":\"" EPOCH ".1234567\",\"sender\":\"alice\",\"sent_at\":"
              "\"2026-11-20T16:02:14.123Z\",\"seq\":1234567,\"target\":1,"
              "\"type\":\"message.deleted\"}");

    d = draft(SG_EVENT_MEMBER_UPDATED, 3);
    d.member = "bob";
    d.role = "owner";
    check(&d, "{\"id\":\"" EPOCH ".3\",\"member\":\"bob\",\"role\":\"owner\",\"sender\":\"alice\","
              "\"sent_at\":\"2026-11-20T16:02:14.123Z\",\"seq\":3,\"type\":\"member.updated\"}");
}

static void test_files(void **state)
{
    (void)state;
    /* Every character that is escaped, and some that are not (RFC 8785 section 3.2.2.2). */
    struct event_file file = {.path = "a\"\\\b\f\n\r\t\x01\x1f/\xc3\xa4\xe2\x82\xac"
                                      "\xf0\x9f\x98\x80\x7f",
                              .version = 3,
                              .size = 9007199254740991,
                              .media_type = "text/plain"};
    memset(file.sha256, 0xab, SG_DIGEST_SIZE);
    struct event_draft d = draft(SG_EVENT_FILE_STORED, 2);
    d.files = &file;
    d.file_count = 1;
    check(&d, "{\"id\":\"" EPOCH ".2\",\"media_type\":\"text/plain\",\"path\":"
              "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\x7f\","
              "\"sender\":\"alice\",\"sent_at\":\"2026-11-20T16:02:14.123Z\",\"seq\":2,"
              "\"sha256\":\"" AB32 "\",\"size\":9007199254740991,\"type\":\"file.stored\","
              "\"version\":3}");

    /* A directory has no content, whatever else is filled in. */
    file.path = "new";
    d.type = SG_EVENT_FILE_MOVED;
    d.from_path = "old";
    d.directory = true;
    check(&d, "{\"directory\":true,\"from_path\":\"old\",\"id\":\"" EPOCH
              ".2\",\"path\":\"new\",\"sender\":\"alice\",\"sent_at\":"
              "\"2026-11-20T16:02:14.123Z\",\"seq\":2,\"type\":\"file.moved\"}");
    d = draft(SG_EVENT_FILE_DELETED, 2);
    d.files = &(struct event_file){.path = "gone"};
    d.file_count = 1;
    check(&d, "{\"id\":\"" EPOCH ".2\",\"path\":\"gone\",\"sender\":\"alice\",\"sent_at\":"
              "\"2026-11-20T16:02:14.123Z\",\"seq\":2,\"type\":\"file.deleted\"}");

    d = draft(SG_EVENT_SIGNATURE_CREATED, 5);
    d.signatures = &(struct event_signed){
        .path = "dist", .key = "release", .key_version = 2, .index = 17, .count = 3};
    check(&d, "{\"count\":3,\"id\":\"" EPOCH ".5\",\"index\":17,\"key\":\"release\","
              "\"key_version\":2,\"path\":\"dist\",\"sender\":\"alice\",\"sent_at\":"
              "\"2026-11-20T16:02:14.123Z\",\"seq\":5,\"type\":\"signature.created\"}");
}

static void check_hex(const char *expected, const uint8_t digest[SG_DIGEST_SIZE])
{
    char hex[SG_HEX_SIZE(SG_DIGEST_SIZE)];
    encode_hex(digest, SG_DIGEST_SIZE, hex);
    assert_string_equal(expected, hex);
}

static void test_digests(void **state)
{
    (void)state;
    uint8_t digest[SG_DIGEST_SIZE] = {0};
    static const char first[] =
        "{\"id\":\"" EPOCH ".1\",\"sender\":\"alice\",\"sent_at\":\"2026-11-20T16:02:14.123Z\","
        "\"seq\":1,\"text_digest\":"
        "\"43221605ba56accd68c75d40224dd6899db3fdf612e12a299a7cd756b08656f0\","
        "\"type\":\"message\"}";
    eventtext_chain(digest, first, strlen(first), digest);
    check_hex("56a3248dd22ecfdb8a783acef5713a608639b53f929c97c1bfe0d24b1b231f61", digest);
    eventtext_digest(salt, text, strlen(text), digest);
    check_hex("43221605ba56accd68c75d40224dd6899db3fdf612e12a299a7cd756b08656f0", digest);
    /* printf '0123456789abcdef' | sha256sum; the same with 16384 letters x behind it. */
    eventtext_digest((const uint8_t *)"0123456789abcdef", "", 0, digest);
    check_hex("9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f", digest);
    char *letters = malloc(SG_EVENT_TEXT_MAX);
    assert_non_null(letters);
    memset(letters, 'x', SG_EVENT_TEXT_MAX);
    eventtext_digest((const uint8_t *)"0123456789abcdef", letters, SG_EVENT_TEXT_MAX, digest);
    check_hex("8cdb73aab0db6b6e0620fa8073ff139fee81fd093166a9398988197d03fa3b06", digest);
    free(letters);
}

static void test_shown(void **state)
{
    (void)state;
    uint8_t chain[SG_DIGEST_SIZE];
    memset(chain, 0xab, sizeof(chain));
    struct event *e = eventtext_event(5, 6, SG_EVENT_MESSAGE, 0, 7, SENT_NS, chain, "{\"seq\":5}",
                                      9, text, strlen(text), salt, &(struct event_revised){0});
    assert_non_null(e);
    assert_string_equal("\"seq\":5,\"text\":\"Gr\xc3\xbc\xc3\x9f"
                        "e\\n\\\"\\\\\\u0001\",\"text_salt\":\"AAECAwQFBgcICQoLDA0ODw\","
                        "\"chain\":\"" AB32 "\"",
                        e->json);
    assert_int_equal(strlen(e->json), e->len);
    assert_int_equal(5, e->seq);
    assert_int_equal(6, e->space_id);
    assert_int_equal(7, e->sender_id);
    assert_memory_equal(chain, e->chain, sizeof(chain));
    event_ref(e);
    event_unref(e);
    event_unref(e);

    struct event_revised revised = {
        .seq = 8, .at_ns = SENT_NS, .by = "bob", .text = "new", .text_len = 3};
    e = eventtext_event(5, 6, SG_EVENT_MESSAGE, 0, 7, SENT_NS, chain, "{\"seq\":5}", 9, NULL, 0,
                        NULL, &revised);
    assert_non_null(e);
    assert_string_equal("\"seq\":5,\"chain\":\"" AB32
                        "\",\"revision\":{\"at\":\"2026-11-20T16:02:14.123Z\",\"by\":\"bob\","
                        "\"seq\":8,\"text\":\"new\"}",
                        e->json);
    event_unref(e);
    revised.deleted = true;
    e = eventtext_event(5, 6, SG_EVENT_MESSAGE, 0, 7, SENT_NS, chain, "{\"seq\":5}", 9, NULL, 0,
                        NULL, &revised);
    assert_non_null(e);
    assert_string_equal("\"seq\":5,\"chain\":\"" AB32
                        "\",\"revision\":{\"at\":\"2026-11-20T16:02:14.123Z\",\"by\":\"bob\","
                        "\"deleted\":true,\"seq\":8}",
                        e->json);
    event_unref(e);
    event_unref(NULL);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal("message", event_type_name(SG_EVENT_MESSAGE));
    assert_string_equal("space.updated", event_type_name(SG_EVENT_SPACE_UPDATED));
    assert_string_equal("", event_type_name(SG_EVENT_TYPE_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical), cmocka_unit_test(test_files),
        cmocka_unit_test(test_digests),   cmocka_unit_test(test_shown),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
