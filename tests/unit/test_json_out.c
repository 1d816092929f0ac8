/* SPDX-License-Identifier: Apache-2.0 */
/* JSON output: commas, escapes, caps, and the shared shapes; forms, which answers are made from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <json-c/json.h>

#include "api/form_in.h"
#include "api/json_out.h"
#include "api/json_scan.h"
#include "api/records.h"
#include "api/utf8.h"

static void assert_json(struct json_out *o, const char *expected)
{
    const char *reason;
    size_t offset;

    assert_int_equal(buf_status(&o->buf), SG_OK);
    assert_string_equal(buf_str(&o->buf), expected);
    assert_int_equal(json_scan(o->buf.data, o->buf.len, &reason, &offset), SG_OK);
    json_out_fini(o);
}

static void structure(void **state)
{
    struct json_out o;

    (void)state;
    json_out_init(&o, 4096);
    json_out_object(&o, NULL);
    json_out_string(&o, "a", "x");
    json_out_array(&o, "list");
    json_out_integer(&o, NULL, INT64_MIN);
    json_out_integer(&o, NULL, INT64_MAX);
    json_out_object(&o, NULL);
    json_out_close(&o, '}');
    json_out_object(&o, NULL);
    json_out_null(&o, "n");
    json_out_close(&o, '}');
    json_out_close(&o, ']');
    json_out_array(&o, "empty");
    json_out_close(&o, ']');
    json_out_boolean(&o, "t", true);
    json_out_boolean(&o, "f", false);
    json_out_hex(&o, "h", "\x01\xab", 2);
    json_out_base64url(&o, "b", "\xfb\xff", 2);
    json_out_time(&o, "at", INT64_C(1795190534123456789));
    json_out_close(&o, '}');
    assert_json(&o,
                "{\"a\":\"x\",\"list\":[-9223372036854775808,9223372036854775807,{},"
                "{\"n\":null}],\"empty\":[],\"t\":true,\"f\":false,\"h\":\"01ab\",\"b\":\"-_8\","
                "\"at\":\"2026-11-20T16:02:14.123Z\"}");
}

/* What is spliced in, of any length and with no NUL behind it. */
static void pieces(void **state)
{
    static const char record[] = "{\"a\":1,\"b\":[2]}garbage", said[] = "x\n\"y\"\xfftail";
    uint8_t bytes[1000];
    struct json_out o;

    (void)state;
    memset(bytes, 0xff, sizeof bytes);
    json_out_init(&o, 4096);
    json_out_array(&o, NULL);
    json_out_object_from(&o, NULL, record, 15);
    json_out_text(&o, "t", said, 6);
    json_out_base64(&o, "e", "", 0);
    json_out_base64(&o, "m", "\xfb\xff", 2);
    json_out_close(&o, '}');
    json_out_object_from(&o, NULL, "{}", 2);
    json_out_integer(&o, "only", 1);
    json_out_close(&o, '}');
    json_out_raw(&o, NULL, record, 15);
    json_out_close(&o, ']');
    assert_json(&o, "[{\"a\":1,\"b\":[2],\"t\":\"x\\n\\\"y\\\"\xef\xbf\xbd\",\"e\":\"\","
                    "\"m\":\"+/8=\"},{\"only\":1},{\"a\":1,\"b\":[2]}]");

    json_out_init(&o, 4096);
    json_out_base64(&o, NULL, bytes, sizeof bytes);
    assert_int_equal(o.buf.len, 2 + 1336);
    json_out_fini(&o);
    json_out_init(&o, 1000);
    json_out_base64(&o, NULL, bytes, sizeof bytes);
    assert_int_equal(buf_status(&o.buf), SG_ERR_TOO_LARGE);
    json_out_fini(&o);
}

static const struct {
    const char *text, *json;
} strings[] = {
    {"", "\"\""},
    {"plain", "\"plain\""},
    {"\"\\/", "\"\\\"\\\\/\""},
    {"a\nb\rc\td", "\"a\\nb\\rc\\td\""},
    {"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\""},
    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {"a\xff"
     "b",
     "\"a\xef\xbf\xbd"
     "b\""},
    {"\xc3", "\"\xef\xbf\xbd\""},
    {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {"</script>", "\"</script>\""},
    {NULL, "null"},
};

static void text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        struct json_out o;

        json_out_init(&o, 4096);
        json_out_string(&o, NULL, strings[i].text);
        assert_json(&o, strings[i].json);
    }
}

/* Every byte string becomes valid JSON, and every valid text comes back from a parser as it was. */
static void text_survives(void **state)
{
    (void)state;
    for (unsigned a = 1; a < 256; a++)
        for (unsigned b = 1; b < 256; b++) {
            const char in[] = {(char)a, (char)b, 'x', 0};
            struct json_out o;
            struct json_object *parsed;

            json_out_init(&o, 64);
            json_out_string(&o, NULL, in);
            parsed = json_tokener_parse(buf_str(&o.buf));
            assert_non_null(parsed);
            if (utf8_length(in) != SIZE_MAX)
                assert_string_equal(json_object_get_string(parsed), in);
            json_object_put(parsed);
            json_out_fini(&o);
        }
}

static void cap(void **state)
{
    struct json_out o;

    (void)state;
    json_out_init(&o, 8);
    json_out_string(&o, NULL, "123456");
    assert_int_equal(buf_status(&o.buf), SG_OK);
    json_out_string(&o, NULL, "1");
    assert_int_equal(buf_status(&o.buf), SG_ERR_TOO_LARGE);
    json_out_fini(&o);
}

static void user(void **state)
{
    struct user_record record = {.name = "ann", .role = SG_ROLE_GUEST, .disabled = true};
    struct json_out o;

    (void)state;
    json_out_init(&o, SG_RECORD_MAX);
    records_user(&o, NULL, &record);
    assert_json(&o, "{\"username\":\"ann\",\"role\":\"guest\",\"disabled\":true,"
                    "\"created_at\":\"1970-01-01T00:00:00.000Z\"}");
}

static void session(void **state)
{
    struct session_record record = {.id = {0xab}, .address = "192.0.2.7"};
    uint8_t other[SG_SESSION_ID_SIZE] = {0};
    struct json_out o;

    (void)state;
    json_out_init(&o, SG_RECORD_MAX);
    records_session(&o, NULL, &record, record.id);
    assert_json(&o, "{\"session_id\":\"ab000000000000000000000000000000\",\"method\":\"password\","
                    "\"client_id\":null,\"bound\":[],\"device\":null,"
                    "\"address\":\"192.0.2.7\",\"created_at\":\"1970-01-01T00:00:00.000Z\","
                    "\"last_used_at\":\"1970-01-01T00:00:00.000Z\","
                    "\"expires_at\":\"1970-01-01T00:00:00.000Z\",\"current\":true}");
    strcpy(record.device_name, "l\"p");
    json_out_init(&o, SG_RECORD_MAX);
    records_session(&o, NULL, &record, other);
    assert_non_null(strstr(buf_str(&o.buf), "\"device\":{\"name\":\"l\\\"p\",\"mac\":null},"));
    assert_non_null(strstr(buf_str(&o.buf), "\"current\":false"));
    json_out_fini(&o);
}

static void entry(void **state)
{
    char file[] = "common/docs/a.txt", directory[] = "common";
    struct entry_record record = {.path = file,
                                  .type = SG_ENTRY_FILE,
                                  .size = 11,
                                  .sha256 = {1},
                                  .version = 3,
                                  .owner = "ann"};
    struct json_out o;

    (void)state;
    json_out_init(&o, SG_RECORD_MAX);
    records_entry(&o, NULL, &record, 12);
    assert_json(&o, "{\"name\":\"a.txt\",\"path\":\"common/docs/a.txt\",\"type\":\"file\","
                    "\"size\":11,\"sha256\":"
                    "\"0100000000000000000000000000000000000000000000000000000000000000\","
                    "\"modified\":\"1970-01-01T00:00:00.000Z\",\"owner\":\"ann\",\"version\":3}");
    record.type = SG_ENTRY_DIRECTORY;
    record.size = record.version = 0;
    record.path = directory;
    json_out_init(&o, SG_RECORD_MAX);
    records_entry(&o, NULL, &record, 0);
    assert_json(&o, "{\"name\":\"common\",\"path\":\"common\",\"type\":\"directory\",\"size\":0,"
                    "\"sha256\":null,\"modified\":\"1970-01-01T00:00:00.000Z\",\"owner\":\"ann\","
                    "\"version\":0}");
}

/* -- forms ----------------------------------------------------------------------------------------
 */

static const struct {
    const char *body;
    const char *a, *b;
    const char *reason; /* part of it; NULL: accepted */
} forms[] = {
    {"", NULL, NULL, NULL},
    {"a=1", "1", NULL, NULL},
    {"a=1&b=2", "1", "2", NULL},
    {"b=2&a=1&c=3", "1", "2", NULL},
    {"a=x+y%20z%2B", "x y z+", NULL, NULL},
    {"%61=1", "1", NULL, NULL},
    {"a=", NULL, NULL, NULL},
    {"a", NULL, NULL, NULL},
    {"&&a=1&", "1", NULL, NULL},
    {"a=b=c", "b=c", NULL, NULL},
    {"a=%C3%A4", "\xc3\xa4", NULL, NULL},
    {"a=1&a=2", NULL, NULL, "twice"},
    {"a=1&%61=1", NULL, NULL, "twice"},
    {"a&a=1", NULL, NULL, "twice"},
    {"c=1&c=1", NULL, NULL, "twice"},
    {"a=%", NULL, NULL, "escape"},
    {"a=%1", NULL, NULL, "escape"},
    {"a=%zz", NULL, NULL, "escape"},
    {"%=1", NULL, NULL, "escape"},
    {"a=%00", NULL, NULL, "control"},
    {"a=x%0Ay", NULL, NULL, "control"},
    {"a=\x7f", NULL, NULL, "control"},
    {"a=%FF", NULL, NULL, "UTF-8"},
    {"a=%C0%80", NULL, NULL, "UTF-8"},
    {"\xed\xa0\x80=1", NULL, NULL, "UTF-8"},
};

static void assert_text(const char *got, const char *expected)
{
    if (expected == NULL)
        assert_null(got);
    else
        assert_string_equal(got, expected);
}

static void form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct form_field fields[] = {{.name = "a"}, {.name = "b"}};
        struct arena *arena = arena_new(65536);
        const char *reason = "";
        enum sg_err err = form_in_parse((const uint8_t *)forms[i].body, strlen(forms[i].body),
                                        arena, fields, 2, &reason);

        if (forms[i].reason != NULL) {
            assert_int_equal(err, SG_ERR_BAD_FIELD);
            assert_non_null(strstr(reason, forms[i].reason));
        } else {
            assert_int_equal(err, SG_OK);
            assert_text(fields[0].value, forms[i].a);
            assert_text(fields[1].value, forms[i].b);
        }
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structure),     cmocka_unit_test(pieces), cmocka_unit_test(text),
        cmocka_unit_test(text_survives), cmocka_unit_test(cap),    cmocka_unit_test(user),
        cmocka_unit_test(session),       cmocka_unit_test(entry),  cmocka_unit_test(form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
