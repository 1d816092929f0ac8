/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of how secctl walks through a directory tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/tree.h"
#include "tempdir.h"

static char *root;

/* A path below the root; one at a time. */
static const char *at(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

struct seen {
    struct buf text;    /* "PATH size\n", "PATH/\n" */
    const char *refuse; /* what is below the root that fails */
};

static enum cli_status note(void *context, const struct tree_node *node)
{
    struct seen *seen = context;

    if (node->directory)
        buf_printf(&seen->text, "%s/\n", node->below);
    else
        buf_printf(&seen->text, "%s %lld\n", node->below, (long long)node->size);
    assert_true(access(node->path, R_OK) == 0);
    return seen->refuse && strcmp(seen->refuse, node->below) == 0 ? SG_CLI_INTEGRITY : SG_CLI_OK;
}

static void make_file(const char *name, const char *content)
{
    int fd = open(at(name), O_WRONLY | O_CREAT | O_EXCL, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    (void)close(fd);
}

static void make_tree(void)
{
    assert_int_equal(mkdir(at("b"), 0700), 0);
    assert_int_equal(mkdir(at("b/none"), 0700), 0);
    assert_int_equal(mkdir(at("c"), 0700), 0);
    make_file("a", "1");
    make_file("b/.hidden", "22");
    make_file("d", "333");
    assert_int_equal(symlink(root, at("c/round")), 0);
    assert_int_equal(symlink("a", at("e")), 0);
    assert_int_equal(mkfifo(at("f"), 0600), 0);
}

static enum cli_status walk(const char *from, struct seen *seen, struct tree_visitor visitor)
{
    visitor.context = seen;
    visitor.visit = note;
    buf_init(&seen->text, 4096);
    return tree_walk(from, &visitor);
}

static void test_files_come_in_order_and_no_link_is_followed(void **state)
{
    char *slashes;
    struct seen seen = {.refuse = NULL};

    (void)state;
    make_tree();
    assert_int_equal(walk(root, &seen, (struct tree_visitor){.goes_on = false}), SG_CLI_OK);
    assert_string_equal(buf_str(&seen.text), "a 1\nb/.hidden 2\nd 3\n");
    buf_fini(&seen.text);
    slashes = strdup(at("/"));
    assert_int_equal(walk(slashes, &seen, (struct tree_visitor){.directories = true}), SG_CLI_OK);
    assert_string_equal(buf_str(&seen.text), "a 1\nb/.hidden 2\nb/none/\nd 3\n");
    buf_fini(&seen.text);
    free(slashes);
    /* The root may be a link, and a file. */
    assert_int_equal(walk(at("c/round/b"), &seen, (struct tree_visitor){0}), SG_CLI_OK);
    assert_string_equal(buf_str(&seen.text), ".hidden 2\n");
    buf_fini(&seen.text);
    assert_int_equal(walk(at("b/none"), &seen, (struct tree_visitor){.directories = true}),
                     SG_CLI_OK);
    assert_string_equal(buf_str(&seen.text), "/\n");
    buf_fini(&seen.text);
}

static void test_a_failure_ends_it_or_is_kept(void **state)
{
    struct seen seen = {.refuse = "b/.hidden"};

    (void)state;
    make_tree();
    assert_int_equal(walk(root, &seen, (struct tree_visitor){.goes_on = false}), SG_CLI_INTEGRITY);
    assert_string_equal(buf_str(&seen.text), "a 1\nb/.hidden 2\n");
    buf_fini(&seen.text);
    assert_int_equal(walk(root, &seen, (struct tree_visitor){.goes_on = true}), SG_CLI_INTEGRITY);
    assert_string_equal(buf_str(&seen.text), "a 1\nb/.hidden 2\nd 3\n");
    buf_fini(&seen.text);
}

static void test_what_is_not_there_is_reported(void **state)
{
    struct report_capture errors = {.printed = {0}};
    struct seen seen = {.refuse = NULL};

    (void)state;
    report_capture(&errors);
    assert_int_equal(walk(at("none"), &seen, (struct tree_visitor){0}), SG_CLI_USAGE);
    report_release();
    assert_non_null(strstr(buf_str(&errors.message), "cannot read"));
    assert_int_equal(seen.text.len, 0);
    buf_fini(&seen.text);
    report_capture_fini(&errors);
}

static int set_up(void **state)
{
    (void)state;
    term_setup(true, false);
    root = tempdir_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tempdir_remove(root);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files_come_in_order_and_no_link_is_followed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_failure_ends_it_or_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_there_is_reported, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
