/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what a command can do: verbs, their operands and options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/report.h"
#include "cli/verb.h"

static const struct args_option options[] = {{'n', "lines", "N", "list: how many"},
                                             {SG_ARG_TYPE, "type", "TYPE", "list, add: which"},
                                             {SG_ARG_FORGET, "forget", NULL, "check: begin anew"},
                                             {0, NULL, NULL, NULL}};

static enum cli_status nothing(struct cli *cli, const struct args *args)
{
    (void)cli;
    (void)args;
    return SG_CLI_OK;
}

static const struct verb verbs[] = {
    {"list", true, 0, 0, NULL, SG_VERB_OPTIONS('n', SG_ARG_TYPE), nothing},
    {"add", false, 1, SG_VERB_ANY, "NAME", SG_VERB_OPTIONS(SG_ARG_TYPE), nothing},
    {"check", false, 0, 0, NULL, SG_VERB_OPTIONS(SG_ARG_FORGET), nothing},
    {"wipe", false, 1, 1, "NAME", NULL, nothing},
    {.name = NULL}};

/* Expects what is printed; NULL: nothing, and the verb `name`. */
static void expect(char **argv, const char *name, const char *printed)
{
    struct cli cli = {.command = "things"};
    struct report_capture errors = {.printed = {0}};
    const struct verb *verb = NULL;
    struct args args;
    int argc = 0;

    while (argv[argc])
        argc++;
    report_capture(&errors);
    assert_int_equal(args_parse(&args, argc, argv, options, false, "help"), SG_CLI_OK);
    enum cli_status status = verb_choose(&cli, &args, verbs, &verb);
    report_release();
    assert_int_equal(status, printed ? SG_CLI_USAGE : SG_CLI_OK);
    assert_string_equal(buf_str(&errors.printed), printed ? printed : "");
    if (!printed)
        assert_string_equal(verb->name, name);
    report_capture_fini(&errors);
}

#define ARGV(...) ((char *[]){"things", __VA_ARGS__, NULL})

static void test_the_first_operand_names_it(void **state)
{
    (void)state;
    expect(ARGV(NULL), "list", NULL);
    expect(ARGV("add", "a", "b"), "add", NULL);
    expect(ARGV("frob"), NULL,
           "secctl: there is no \"secctl things frob\"\n"
           "  next: it is list, add, check or wipe; see: secctl things --help\n");
    expect(ARGV("wipe"), NULL, "secctl: NAME is missing\n  next: add --help for how to use it\n");
    expect(ARGV("wipe", "a", "b"), NULL,
           "secctl: \"b\" is one argument too many\n  next: add --help for how to use it\n");
}

static void test_options_of_another_verb_are_refused(void **state)
{
    (void)state;
    expect(ARGV("-n", "3"), "list", NULL);
    expect(ARGV("list", "-n", "3", "--type", "x", "--json"), "list", NULL);
    expect(ARGV("add", "a", "--type", "x"), "add", NULL);
    expect(ARGV("check", "--forget", "-q"), "check", NULL);
    expect(ARGV("check", "-n", "3"), NULL,
           "secctl: \"secctl things check\" takes no --lines\n"
           "  next: see: secctl things --help\n");
    expect(ARGV("--forget"), NULL,
           "secctl: \"secctl things list\" takes no --forget\n"
           "  next: see: secctl things --help\n");
    expect(ARGV("wipe", "a", "--type", "x"), NULL,
           "secctl: \"secctl things wipe\" takes no --type\n"
           "  next: see: secctl things --help\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_operand_names_it),
        cmocka_unit_test(test_options_of_another_verb_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
