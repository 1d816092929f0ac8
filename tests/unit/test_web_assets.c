/* SPDX-License-Identifier: Apache-2.0 */
/* The static files: what is taken, what is left out, types and entity tags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "api/web_assets.h"
#include "base/file.h"

static char dir[] = "/tmp/test_web_assets.XXXXXX";
static char contract[sizeof dir + 16];

static void put(const char *name, const char *text, size_t len)
{
    char *file = file_join(dir, name);

    assert_non_null(file);
    assert_int_equal(file_write_atomic(file, text, len, 0600), SG_OK);
    free(file);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    put("index.html", "<!doctype html>", 15);
    put("app.js", "export {};", 10);
    put("style.css", "", 0);
    put("icon.svg", "<svg/>", 6);
    put("notes.txt", "no", 2);
    put(".hidden.js", "no", 2);
    put(".js", "no", 2);
    put("contract", "openapi: 3.1.0\n", 15);
    (void)snprintf(contract, sizeof contract, "%s/contract", dir);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"index.html", "app.js",     "style.css", "icon.svg",
                                        "notes.txt",  ".hidden.js", ".js",       "contract",
                                        "link.js",    "large.js"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *file = file_join(dir, names[i]);

        (void)unlink(file);
        free(file);
    }
    return rmdir(dir);
}

static const struct {
    const char *name, *type;
    size_t len;
} expected[] = {
    {"index.html", "text/html; charset=utf-8", 15},
    {"app.js", "text/javascript; charset=utf-8", 10},
    {"style.css", "text/css; charset=utf-8", 0},
    {"icon.svg", "image/svg+xml", 6},
    {"openapi.yaml", "application/yaml", 15},
};

static void load(void **state)
{
    static const char *const absent[] = {"notes.txt", ".hidden.js", ".js",    "contract", "",
                                         "link.js",   "../app.js",  "APP.js", "app.js/"};
    struct web_assets *w;
    char *link_name = file_join(dir, "link.js");

    (void)state;
    assert_int_equal(symlink("app.js", link_name), 0);
    free(link_name);
    assert_int_equal(web_assets_load(dir, contract, &w), SG_OK);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const struct web_asset *a = web_assets_find(w, expected[i].name);
        size_t n;

        assert_non_null(a);
        assert_string_equal(a->name, expected[i].name);
        assert_string_equal(a->content_type, expected[i].type);
        assert_int_equal(a->len, expected[i].len);
        assert_non_null(a->data);
        n = strlen(a->etag);
        assert_true(n > 2 && a->etag[0] == '"' && a->etag[n - 1] == '"');
    }
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        assert_null(web_assets_find(w, absent[i]));
    web_assets_free(w);
}

static void tags_follow_content(void **state)
{
    struct web_assets *w;
    char before[64];

    (void)state;
    assert_int_equal(web_assets_load(dir, contract, &w), SG_OK);
    (void)snprintf(before, sizeof before, "%s", web_assets_find(w, "app.js")->etag);
    web_assets_free(w);
    assert_int_equal(web_assets_load(dir, contract, &w), SG_OK);
    assert_string_equal(web_assets_find(w, "app.js")->etag, before);
    web_assets_free(w);
    put("app.js", "export [];", 10);
    assert_int_equal(web_assets_load(dir, contract, &w), SG_OK);
    assert_string_not_equal(web_assets_find(w, "app.js")->etag, before);
    web_assets_free(w);
}

static void refusals(void **state)
{
    static char large[1024 * 1024 + 1];
    struct web_assets *w;

    (void)state;
    assert_int_equal(web_assets_load("/nonexistent", contract, &w), SG_ERR_NOT_FOUND);
    assert_int_equal(web_assets_load(dir, "/nonexistent", &w), SG_ERR_NOT_FOUND);
    put("large.js", large, sizeof large - 1);
    assert_int_equal(web_assets_load(dir, contract, &w), SG_OK);
    web_assets_free(w);
    put("large.js", large, sizeof large);
    assert_int_equal(web_assets_load(dir, contract, &w), SG_ERR_TOO_LARGE);
    web_assets_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load), cmocka_unit_test(tags_follow_content), cmocka_unit_test(refusals)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
