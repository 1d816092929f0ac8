/* SPDX-License-Identifier: Apache-2.0 */
/* Words of an entry of tls.client-ca. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/clientca.h"

static void check(const char *entry, const char *const want[3])
{
    static const enum clientca_word words[] = {SG_CLIENTCA_FILE, SG_CLIENTCA_RULE, SG_CLIENTCA_CRL};

    for (size_t i = 0; i < 3; i++) {
        char *word = clientca_word(entry, words[i]);

        if (want[i] == NULL)
            assert_null(word);
        else
            assert_string_equal(word, want[i]);
        free(word);
    }
}

static void test_words(void **state)
{
    (void)state;
    check("", (const char *const[]){NULL, NULL, NULL});
    check(" \t ", (const char *const[]){NULL, NULL, NULL});
    check("/a.pem", (const char *const[]){"/a.pem", NULL, NULL});
    check("/a.pem ", (const char *const[]){"/a.pem", NULL, NULL});
    check("  /a.pem\tcn", (const char *const[]){"/a.pem", "cn", NULL});
    check("/a.pem  email@x.test \t/a.crl ",
          (const char *const[]){"/a.pem", "email@x.test", "/a.crl"});
    check("a b c d", (const char *const[]){"a", "b", "c"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
