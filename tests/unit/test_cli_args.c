/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of secctl's command line: options from tables, and the table of commands itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/args.h"
#include "cli/report.h"
#include "cli/commands.h"

static const struct args_option options[] = {{'l', NULL, NULL, "long"},
                                             {'o', "output", "OUT", "where"},
                                             {SG_ARG_SORT, "sort", "KEY", "order"},
                                             {0, NULL, NULL, NULL}};

static enum cli_status parse(struct args *args, char **argv, bool stop_early)
{
    int argc = 0;

    while (argv[argc])
        argc++;
    return args_parse(args, argc, argv, options, stop_early, "help");
}

static void test_options_and_operands_may_be_mixed(void **state)
{
    char *argv[] = {"ls", "a", "-lo", "x", "b", "--sort=size", "--json", "--output", "y", NULL};
    struct args args;

    (void)state;
    assert_int_equal(parse(&args, argv, false), SG_CLI_OK);
    assert_true(args_has(&args, 'l'));
    assert_true(args_has(&args, SG_ARG_JSON));
    assert_false(args_has(&args, 'q'));
    assert_string_equal(args_get(&args, 'o'), "y");
    assert_string_equal(args_get(&args, SG_ARG_SORT), "size");
    assert_null(args_get(&args, SG_ARG_URL));
    assert_int_equal(args.n_operands, 2);
    assert_string_equal(args.operands[0], "a");
    assert_string_equal(args.operands[1], "b");
}

static void test_two_dashes_end_the_options(void **state)
{
    char *argv[] = {"ls", "-l", "--", "-o", "--sort", NULL};
    struct args args;

    (void)state;
    assert_int_equal(parse(&args, argv, false), SG_CLI_OK);
    assert_int_equal(args.n_operands, 2);
    assert_string_equal(args.operands[0], "-o");
}

static void test_global_options_end_at_the_command(void **state)
{
    char *argv[] = {"secctl", "--json", "ls", "-x", NULL};
    struct args args;

    (void)state;
    assert_int_equal(parse(&args, argv, true), SG_CLI_OK);
    assert_int_equal(args.n_operands, 2);
    assert_string_equal(args.operands[1], "-x");
}

static void test_what_is_wrong_is_refused_by_its_name(void **state)
{
    static const struct {
        char *argv[4];
        const char *message;
    } bad[] = {{{"ls", "-x", NULL}, "unknown option -x"},
               {{"ls", "--json", "-xl", NULL}, "unknown option -x"},
               {{"ls", "--sort=a", "-lx", NULL}, "unknown option -x"},
               {{"ls", "--frob", NULL}, "unknown option --frob"},
               {{"ls", "-o", NULL}, "option -o needs a value"},
               {{"ls", "--json", "-lo", NULL}, "option -o needs a value"},
               {{"ls", "--output", NULL}, "option --output needs a value"},
               {{"ls", "--sort", NULL}, "option --sort needs a value"},
               {{"ls", "-l", "--quiet=1", NULL}, "unknown option --quiet=1"},
               {{"ls", "--json=1", NULL}, "unknown option --json=1"}};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct report_capture errors = {.printed = {0}};
        struct args args;
        char *argv[4];

        memcpy(argv, bad[i].argv, sizeof(argv));
        report_capture(&errors);
        assert_int_equal(parse(&args, argv, false), SG_CLI_USAGE);
        report_release();
        assert_string_equal(buf_str(&errors.message), bad[i].message);
        report_capture_fini(&errors);
    }
}

static void test_operands_are_counted(void **state)
{
    char *argv[] = {"ls", "a", "b", NULL};
    struct args args;

    (void)state;
    assert_int_equal(parse(&args, argv, false), SG_CLI_OK);
    assert_int_equal(args_expect(&args, 1, 2, "X"), SG_CLI_OK);
    assert_int_equal(args_expect(&args, 3, 4, "X"), SG_CLI_USAGE);
    assert_int_equal(args_expect(&args, 0, 1, "X"), SG_CLI_USAGE);
}

static void test_each_command_is_whole(void **state)
{
    static const char *const names[] = {
        "signup", "login", "logout", "whoami", "passwd",  "ls",    "put",    "get",     "cat",
        "rm",     "tls",   "status", "help",   "daytime", "users", "invite", "version", "sessions"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct commands_row *row = commands_find(names[i]);

        assert_non_null(row);
        assert_non_null(row->run);
        assert_non_null(row->usage);
        assert_true(strlen(row->summary) > 5);
        for (const struct args_option *o = row->options; o && o->key; o++) {
            assert_non_null(o->help);
            /* A letter must not mean something else for all commands. */
            for (const struct args_option *g = args_global; g->key; g++)
                assert_int_not_equal(o->key, g->key);
        }
    }
    assert_null(commands_find("frob"));
}

static void test_errors_that_are_captured_twice_are_handed_on(void **state)
{
    struct report_capture outer = {.printed = {0}}, inner = {.printed = {0}};

    (void)state;
    report_capture(&outer);
    report_capture(&inner);
    (void)report_error(SG_CLI_USAGE, NULL, "this one");
    report_release();
    assert_int_equal(outer.printed.len, 0);
    report_replay(&inner);
    assert_string_equal(buf_str(&outer.printed), "secctl: this one\n");
    assert_string_equal(buf_str(&outer.message), "this one");
    report_capture(&inner);
    (void)report_error(SG_CLI_USAGE, NULL, "kept back");
    report_release();
    (void)report_error(SG_CLI_USAGE, NULL, "that one");
    report_release();
    assert_string_equal(buf_str(&outer.printed), "secctl: this one\nsecctl: that one\n");
    report_capture_fini(&outer);
    report_capture_fini(&inner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_that_are_captured_twice_are_handed_on),
        cmocka_unit_test(test_options_and_operands_may_be_mixed),
        cmocka_unit_test(test_two_dashes_end_the_options),
        cmocka_unit_test(test_global_options_end_at_the_command),
        cmocka_unit_test(test_what_is_wrong_is_refused_by_its_name),
        cmocka_unit_test(test_operands_are_counted),
        cmocka_unit_test(test_each_command_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
