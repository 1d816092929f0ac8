/* SPDX-License-Identifier: Apache-2.0 */
/* JSON input with arrays of objects and objects within each other: what it reads, what it refuses
 * and where, and that its time grows with the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "api/json_in.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"

struct item {
    char *name;
    int64_t size;
    bool has_size, has_digests, has_long;
    uint8_t digest[4], longer[8];
};

struct body {
    struct json_objects items;
    struct item one;
    char *deep;
    uint8_t key[2];
    bool has_key;
};

static enum sg_err read_text(const char *text, size_t len, struct arena *a, struct body *b,
                             char detail[SG_JSON_DETAIL_SIZE])
{
    const struct json_field item[] = {
        {NULL, "name", SG_JSON_STRING, true, 1, 8, {.string = &b->one.name}, NULL},
        {NULL, "size", SG_JSON_INTEGER, false, 0, 9, {.integer = &b->one.size}, &b->one.has_size},
        {NULL, "digests", SG_JSON_OBJECT, false, 0, 0, {NULL}, &b->one.has_digests},
        {"digests", "d4", SG_JSON_HEX, true, 4, 4, {.bytes = b->one.digest}, NULL},
        {"digests", "d-8", SG_JSON_HEX, false, 8, 8, {.bytes = b->one.longer}, &b->one.has_long},
    };
    const struct json_field fields[] = {
        {NULL, "items", SG_JSON_OBJECTS, true, 1, 10000, {.objects = &b->items}, NULL},
        {NULL, "a", SG_JSON_OBJECT, false, 0, 0, {NULL}, NULL},
        {"a", "b", SG_JSON_OBJECT, false, 0, 0, {NULL}, NULL},
        {"a.b", "c", SG_JSON_STRING, true, 1, 8, {.string = &b->deep}, NULL},
        {NULL, "key", SG_JSON_HEX, false, 2, 2, {.bytes = b->key}, &b->has_key},
        {NULL, "any", SG_JSON_ANY, false, 0, 0, {NULL}, NULL},
    };

    memset(b, 0, sizeof *b);
    b->items.fields = item;
    b->items.field_count = sizeof item / sizeof item[0];
    b->items.one = &b->one;
    b->items.size = sizeof b->one;
    return json_in_parse((const uint8_t *)text, len, a, fields, sizeof fields / sizeof fields[0],
                         detail);
}

static const struct {
    const char *text;
    enum sg_err err;
    const char *detail;
} texts[] = {
    {"{\"items\":[{\"name\":\"a\"}]}", SG_OK, ""},
    {" { \"items\" : [ { \"name\" : \"a\" } , { \"name\" : \"b\" } ] } ", SG_OK, ""},
    {"{\"items\":[{\"name\":\"a\"}],\"any\":[{\"x\":[1,\"]}\\\"\"]},null,-1.5e3]}", SG_OK, ""},
    {"{\"items\":[{\"name\":\"a\",\"digests\":{\"d4\":\"00fFaB12\"}}]}", SG_OK, ""},
    {"{\"items\":[{\"name\":\"a\"}],\"a\":{\"b\":{\"c\":\"x\"}}}", SG_OK, ""},
    {"{}", SG_ERR_BAD_FIELD, "items: is missing"},
    {"{\"items\":[]}", SG_ERR_BAD_FIELD, "items: must be an array of 1 to 10000 objects"},
    {"{\"items\":{}}", SG_ERR_BAD_FIELD, "items: must be an array of 1 to 10000 objects"},
    {"{\"items\":null}", SG_ERR_BAD_FIELD, "items: must be an array of 1 to 10000 objects"},
    {"{\"items\":[{\"name\":\"a\"},7]}", SG_ERR_BAD_FIELD, "items[1]: must be an object"},
    {"{\"items\":[[]]}", SG_ERR_BAD_FIELD, "items[0]: must be an object"},
    {"{\"items\":[{\"name\":\"a\"},{}]}", SG_ERR_BAD_FIELD, "items[1].name: is missing"},
    {"{\"items\":[{\"name\":\"a\"},{\"name\":1}]}", SG_ERR_BAD_FIELD,
     "items[1].name: must be a string of 1 to 8 characters"},
    {"{\"items\":[{\"name\":\"a\",\"x\":1}]}", SG_ERR_BAD_FIELD, "items[0].x: unknown member"},
    {"{\"items\":[{\"name\":\"a\",\"size\":10}]}", SG_ERR_BAD_FIELD,
     "items[0].size: must be an integer from 0 to 9"},
    {"{\"items\":[{\"name\":\"a\",\"name\":\"b\"}]}", SG_ERR_BAD_JSON, "a member is given twice"},
    {"{\"items\":[{\"name\":\"a\",\"digests\":[]}]}", SG_ERR_BAD_FIELD,
     "items[0].digests: must be an object"},
    {"{\"items\":[{\"name\":\"a\",\"digests\":{}}]}", SG_ERR_BAD_FIELD,
     "items[0].digests.d4: is missing"},
    {"{\"items\":[{\"name\":\"a\",\"digests\":{\"d4\":\"00\"}}]}", SG_ERR_BAD_FIELD,
     "items[0].digests.d4: must be a string of 8 hexadecimal digits"},
    {"{\"items\":[{\"name\":\"a\",\"digests\":{\"d4\":\"0011223g\"}}]}", SG_ERR_BAD_FIELD,
     "items[0].digests.d4: must be a string of 8 hexadecimal digits"},
    {"{\"items\":[{\"name\":\"a\",\"digests\":{\"d4\":\"001122334\"}}]}", SG_ERR_BAD_FIELD,
     "items[0].digests.d4: must be a string of 8 hexadecimal digits"},
    {"{\"items\":[{\"name\":\"a\",\"digests\":{\"d4\":\"\\u0030011223\"}}]}", SG_ERR_BAD_FIELD,
     "items[0].digests.d4: must be a string of 8 hexadecimal digits"},
    {"{\"items\":[{\"name\":\"a\",\"digests\":{\"md5\":\"00\"}}]}", SG_ERR_BAD_FIELD,
     "items[0].digests.md5: unknown member"},
    {"{\"items\":[{\"name\":\"a\"}],\"a\":{\"b\":{}}}", SG_ERR_BAD_FIELD, "a.b.c: is missing"},
    {"{\"items\":[{\"name\":\"a\"}],\"a\":{\"b\":{\"c\":\"x\",\"d\":1}}}", SG_ERR_BAD_FIELD,
     "a.b.d: unknown member"},
    {"{\"items\":[{\"name\":\"a\"}],\"a\":{\"c\":\"x\"}}", SG_ERR_BAD_FIELD, "a.c: unknown member"},
    {"{\"items\":[{\"name\":\"a\"}],\"key\":12}", SG_ERR_BAD_FIELD,
     "key: must be a string of 4 hexadecimal digits"},
};

static void accepts_and_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct arena *a = arena_new(1 << 20);
        char detail[SG_JSON_DETAIL_SIZE];
        struct body b;
        enum sg_err err = read_text(texts[i].text, strlen(texts[i].text), a, &b, detail);

        if (err != texts[i].err || (err == SG_ERR_BAD_JSON ? strstr(detail, texts[i].detail) == NULL
                                                           : strcmp(detail, texts[i].detail) != 0))
            fail_msg("%s: %d, %s", texts[i].text, err, detail);
        arena_free(a);
    }
}

static void reads_each_of_them(void **state)
{
    static const char text[] = "{\"key\":\"BEEF\",\"a\":{\"b\":{\"c\":\"deep\"}},\"items\":["
                               "{\"size\":3,\"digests\":{\"d-8\":\"0001020304050607\",\"d4\":"
                               "\"deadBEEF\"},\"name\":\"x\"},"
                               "{\"name\":\"\\u00e4y\"}]}";
    struct arena *a = arena_new(1 << 20);
    char detail[SG_JSON_DETAIL_SIZE];
    const struct item *items;
    struct body b;

    (void)state;
    assert_int_equal(read_text(text, sizeof text - 1, a, &b, detail), SG_OK);
    assert_int_equal(b.items.count, 2);
    items = b.items.items;
    assert_string_equal(items[0].name, "x");
    assert_true(items[0].has_size && items[0].size == 3);
    assert_true(items[0].has_digests && items[0].has_long);
    assert_memory_equal(items[0].digest, "\xde\xad\xbe\xef", 4);
    assert_memory_equal(items[0].longer, "\0\1\2\3\4\5\6\7", 8);
    /* Nothing of the one before is left in the next. */
    assert_string_equal(items[1].name, "\xc3\xa4y");
    assert_true(!items[1].has_size && !items[1].has_digests && !items[1].has_long);
    assert_memory_equal(items[1].digest, "\0\0\0\0", 4);
    assert_string_equal(b.deep, "deep");
    assert_true(b.has_key);
    assert_memory_equal(b.key, "\xbe\xef", 2);
    arena_free(a);
}

static void fill(struct buf *text, size_t count, size_t pad)
{
    buf_puts(text, "{\"items\":[");
    for (size_t i = 0; i < count; i++) {
        buf_printf(text, "%s{\"name\":\"f%zu\",\"size\":7,\"digests\":{\"d4\":\"00112233\"}",
                   i > 0 ? "," : "", i);
        for (size_t n = 0; n < pad; n++)
            buf_putc(text, ' ');
        buf_putc(text, '}');
    }
    buf_puts(text, "]}");
    assert_int_equal(buf_status(text), SG_OK);
}

/* What is read takes as much as its numbers say; what is refused for its number nothing. */
static void is_bounded(void **state)
{
    struct arena *a = arena_new(4 << 20);
    char detail[SG_JSON_DETAIL_SIZE];
    struct body b;
    SG_BUF_CLEANUP struct buf text;
    int64_t began;

    (void)state;
    buf_init(&text, 32 << 20);
    fill(&text, 10000, 450);
    began = clock_monotonic_ns();
    assert_int_equal(read_text(buf_str(&text), text.len, a, &b, detail), SG_OK);
    print_message("10,000 items, %zu bytes: %lld us, %zu bytes of memory\n", text.len,
                  (long long)(clock_monotonic_ns() - began) / 1000, arena_used(a));
    assert_int_equal(b.items.count, 10000);
    assert_true(arena_used(a) < 10000 * (sizeof(struct item) + 32));
    arena_free(a);

    a = arena_new(4 << 20);
    buf_clear(&text);
    fill(&text, 10001, 0);
    assert_int_equal(read_text(buf_str(&text), text.len, a, &b, detail), SG_ERR_BAD_FIELD);
    assert_int_equal(arena_used(a), 0);

    /* Sixteen MiB of empty objects are refused before the library makes a tree of them. */
    buf_clear(&text);
    buf_puts(&text, "{\"any\":[{}");
    while (text.len < (16 << 20) - 16)
        buf_puts(&text, ",{}");
    buf_puts(&text, "],\"items\":[{\"name\":\"a\"}]}");
    assert_int_equal(read_text(buf_str(&text), text.len, a, &b, detail), SG_ERR_BAD_JSON);
    assert_non_null(strstr(detail, "too many values"));
    assert_int_equal(arena_used(a), 0);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_and_refuses),
        cmocka_unit_test(reads_each_of_them),
        cmocka_unit_test(is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
