/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the check of the audit log, with the example of docs/audit.md. */
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
#include "base/file.h"
#include "cli/auditcheck.h"
#include "cli/chain.h"
#include "cli/json.h"

/* The JSON document between the fences of the page. */
static struct json_object *example(void)
{
    SG_BUF_CLEANUP struct buf text = {0};

    buf_init(&text, 1 << 20);
    assert_int_equal(file_read("docs/audit.md", &text), SG_OK);
    const char *from = strstr(buf_str(&text), "```\n{\"entries\"");
    const char *to = from ? strstr(from + 4, "\n```") : NULL;
    assert_non_null(to);
    struct json_object *page = json_parse(from + 4, (size_t)(to - from - 4));
    assert_non_null(page);
    return page;
}

/* Follows all entries; the number of those that hold. */
static size_t follow(struct json_object *page, const char **ret_fault)
{
    struct json_object *entries = json_array(page, "entries");
    struct auditcheck c = {.seq = 0};

    assert_true(chain_parse(json_text(json_member(page, "pruned"), "chain", ""), c.chain));
    c.seq = json_int(json_member(page, "pruned"), "seq", -1);
    for (size_t i = 0; i < json_object_array_length(entries); i++) {
        *ret_fault = auditcheck_follow(&c, json_object_array_get_idx(entries, i));
        if (*ret_fault)
            return i;
    }
    assert_int_equal(c.seq, json_int(json_member(page, "head"), "seq", -1));
    return json_object_array_length(entries);
}

static void test_the_example_holds(void **state)
{
    SG_JSON_CLEANUP struct json_object *page = example();
    const char *fault = "";

    (void)state;
    assert_int_equal(follow(page, &fault), 3);
    assert_null(fault);
}

static struct json_object *entry(struct json_object *page, size_t i)
{
    return json_object_array_get_idx(json_array(page, "entries"), i);
}

static void test_every_change_is_found(void **state)
{
    static const char *const members[] = {"actor", "at", "type", "result", "address", "request_id"};

    (void)state;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        SG_JSON_CLEANUP struct json_object *page = example();
        SG_JSON_CLEANUP struct json_object *other = example();
        const char *fault = NULL;

        assert_true(json_put_text(entry(page, 1), members[i], "changed"));
        assert_int_equal(follow(page, &fault), 1);
        assert_non_null(strstr(fault, "altered"));
        json_object_object_del(entry(other, 1), members[i]);
        assert_int_equal(follow(other, &fault), 1);
        assert_non_null(fault);
    }
}

static void test_members_may_come_in_any_order_and_no_others(void **state)
{
    SG_JSON_CLEANUP struct json_object *page = example();
    struct json_object *second = entry(page, 1);
    const char *fault = NULL;
    char *type = strdup(json_text(second, "type", ""));

    (void)state;
    json_object_object_del(second, "type");
    assert_true(json_put_text(second, "type", type));
    assert_int_equal(follow(page, &fault), 3);
    assert_true(json_put_text(second, "extra", ""));
    assert_int_equal(follow(page, &fault), 1);
    free(type);
}

static void test_numbers_that_do_not_follow_are_found(void **state)
{
    SG_JSON_CLEANUP struct json_object *page = example();
    const char *fault = NULL;

    (void)state;
    assert_int_equal(json_object_array_del_idx(json_array(page, "entries"), 1, 1), 0);
    assert_int_equal(follow(page, &fault), 1);
    assert_non_null(strstr(fault, "removed or added"));
}

static void test_what_is_no_entry_is_refused(void **state)
{
    static const char *const bad[] = {"{}",
                                      "[]",
                                      "1",
                                      "{\"seq\":1}",
                                      "{\"seq\":1,\"chain\":\"00\"}",
                                      "{\"seq\":1,\"a\":1.5,\"chain\":\"00000000000000000000000000"
                                      "00000000000000000000000000000000000000\"}"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        SG_JSON_CLEANUP struct json_object *json = json_parse(bad[i], strlen(bad[i]));
        struct auditcheck c = {.seq = 0};

        assert_non_null(auditcheck_follow(&c, json));
        assert_int_equal(c.seq, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example_holds),
        cmocka_unit_test(test_every_change_is_found),
        cmocka_unit_test(test_members_may_come_in_any_order_and_no_others),
        cmocka_unit_test(test_numbers_that_do_not_follow_are_found),
        cmocka_unit_test(test_what_is_no_entry_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
