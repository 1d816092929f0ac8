/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the request's arena. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdalign.h>
#include <string.h>

#include "base/arena.h"

static void test_allocations_are_aligned_zeroed_and_apart(void **state)
{
    struct arena *a = arena_new(1 << 20);
    unsigned char *former = NULL;

    (void)state;
    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *p = arena_alloc(a, size);

        assert_non_null(p);
        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, size);
        assert_ptr_not_equal(p, former);
        former = p;
    }
    arena_free(a);
    arena_free(NULL);
}

static void test_the_cap_holds(void **state)
{
    struct arena *a = arena_new(1024);

    (void)state;
    assert_non_null(arena_alloc(a, 1000));
    assert_int_equal(arena_used(a), 1008);
    assert_null(arena_alloc(a, 17));
    assert_non_null(arena_alloc(a, 16));
    assert_int_equal(arena_used(a), 1024);
    assert_null(arena_alloc(a, 1));
    assert_null(arena_alloc(a, SIZE_MAX));
    assert_null(arena_memdup(a, "x", SIZE_MAX));
    assert_null(arena_strdup(a, "x"));
    assert_null(arena_printf(a, "%d", 1));
    arena_free(a);
}

static void test_large_blocks_leave_the_small_chunk_in_use(void **state)
{
    struct arena *a = arena_new(1 << 20);
    char *first = arena_strdup(a, "first");
    char *large = arena_alloc(a, 100000);
    char *second = arena_strdup(a, "second");

    (void)state;
    assert_non_null(large);
    memset(large, 'x', 100000);
    assert_string_equal(first, "first");
    assert_string_equal(second, "second");
    assert_int_equal(second - first, 16);
    arena_free(a);
}

static void test_copies(void **state)
{
    struct arena *a = arena_new(4096);
    char *bytes = arena_memdup(a, "a\0b", 3);

    (void)state;
    assert_memory_equal(bytes, "a\0b\0", 4);
    assert_string_equal(arena_memdup(a, NULL, 0), "");
    assert_string_equal(arena_strdup(a, ""), "");
    assert_string_equal(arena_printf(a, "%s/%03d", "x", 5), "x/005");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocations_are_aligned_zeroed_and_apart),
        cmocka_unit_test(test_the_cap_holds),
        cmocka_unit_test(test_large_blocks_leave_the_small_chunk_in_use),
        cmocka_unit_test(test_copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
