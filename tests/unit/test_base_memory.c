// Buffers at their limits, arenas, and the map against a plain model of it.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/random.h"

#define LIT GS_SLICE_LIT

static void buf_grows_and_stays_terminated(void **state)
{
    (void)state;
    struct gs_buf buf;
    gs_buf_init(&buf, 100000);
    assert_null(buf.data);
    assert_int_equal(gs_buf_slice(&buf).len, 0);
    for (size_t i = 0; i < 20000; i++) {
        assert_true(gs_buf_append_char(&buf, (char)('a' + i % 26)));
        assert_int_equal(buf.data[buf.len], 0);
    }
    assert_true(gs_buf_append_str(&buf, "str"));
    assert_true(gs_buf_append_slice(&buf, LIT("sl\0ice")));
    assert_true(gs_buf_append_slice(&buf, GS_SLICE_EMPTY));
    assert_true(gs_buf_printf(&buf, "%s-%d", "fmt", 7));
    assert_int_equal(buf.len, 20000 + 3 + 6 + 5);
    assert_memory_equal(buf.data + 20000, "strsl\0icefmt-7", 15);
    assert_int_equal(gs_buf_check(&buf, "it", NULL), GS_OK);
    gs_buf_release(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.max, 100000);
}

static void buf_limit_is_exact_and_sticky(void **state)
{
    (void)state;
    static const size_t limits[] = {0, 1, 63, 64, 65, 127, 128, 1000};
    for (size_t i = 0; i < GS_COUNT(limits); i++) {
        struct gs_buf buf;
        gs_buf_init(&buf, limits[i]);
        for (size_t n = 0; n < limits[i]; n++)
            assert_true(gs_buf_append_char(&buf, 'x'));
        assert_int_equal(gs_buf_check(&buf, "the body", NULL), GS_OK);
        assert_false(gs_buf_append_char(&buf, 'x'));
        assert_int_equal(buf.len, limits[i]);
        assert_false(gs_buf_append(&buf, "", 0)); // even what would fit
        assert_false(gs_buf_printf(&buf, "%s", ""));
        assert_null(gs_buf_reserve(&buf, 0));

        struct gs_error err = GS_ERROR_INIT;
        assert_int_equal(gs_buf_check(&buf, "the body", &err), GS_LIMIT);
        assert_int_equal(err.code, GS_CODE_TOO_LARGE);
        char expected[80];
        snprintf(expected, sizeof expected, "the body is larger than the limit of %zu bytes",
                 limits[i]);
        assert_string_equal(err.message, expected);

        gs_buf_clear(&buf);
        assert_int_equal(gs_buf_check(&buf, "the body", NULL), GS_OK);
        gs_buf_release(&buf);
    }
}

static void buf_survives_absurd_sizes(void **state)
{
    (void)state;
    struct gs_buf buf;
    gs_buf_init(&buf, SIZE_MAX);
    assert_true(gs_buf_append_str(&buf, "kept"));
    assert_null(gs_buf_reserve(&buf, SIZE_MAX));
    assert_true(buf.failed);
    assert_string_equal(buf.data, "kept");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // they take the wish for a bug
    gs_buf_clear(&buf);
    assert_null(gs_buf_reserve(&buf, SIZE_MAX / 2 - 8)); // within max, but no machine has it
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_buf_check(&buf, "the answer", &err), GS_NOMEM);
    assert_string_equal(err.message, "not enough memory for the answer");
#endif
    gs_buf_release(&buf);
}

static void buf_reserve_commit_truncate(void **state)
{
    (void)state;
    struct gs_buf buf;
    gs_buf_init(&buf, 10);
    char *to = gs_buf_reserve(&buf, 10);
    assert_non_null(to);
    assert_string_equal(buf.data, "");
    memset(to, 'x', 10);
    gs_buf_commit(&buf, 4);
    assert_string_equal(buf.data, "xxxx");
    gs_buf_truncate(&buf, 7);
    assert_string_equal(buf.data, "xxxx");
    gs_buf_truncate(&buf, 2);
    assert_string_equal(buf.data, "xx");
    gs_buf_truncate(&buf, 0);
    assert_string_equal(buf.data, "");
    gs_buf_release(&buf);
    gs_buf_truncate(&buf, 0);
    assert_null(buf.data);
}

static void buf_take_moves_the_bytes(void **state)
{
    (void)state;
    struct gs_buf buf;
    gs_buf_init(&buf, 10);
    size_t len = 99;
    assert_null(gs_buf_take(&buf, &len));
    assert_int_equal(len, 0);
    gs_buf_append_str(&buf, "abc");
    char *taken = gs_buf_take(&buf, NULL);
    assert_string_equal(taken, "abc");
    free(taken);
    assert_int_equal(buf.len, 0);
    assert_true(gs_buf_append_str(&buf, "again"));
    gs_buf_release(&buf);
}

static void arena_gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    static const size_t sizes[] = {0, 1, 15, 16, 17, 8191, 8192, 8193, 100000, 3};
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < GS_COUNT(sizes); i++) {
            unsigned char *p = gs_arena_alloc(arena, sizes[i]);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            for (size_t n = 0; n < sizes[i]; n++)
                assert_int_equal(p[n], 0);
            memset(p, 0xff, sizes[i]);
        }
    }
    int *numbers = gs_arena_array(arena, 100, sizeof *numbers);
    assert_int_equal(numbers[99], 0);
}

static void arena_copies_text(void **state)
{
    (void)state;
    struct gs_arena *arena = gs_arena_new();
    assert_null(gs_arena_strdup(arena, NULL));
    assert_string_equal(gs_arena_strdup(arena, "text"), "text");
    assert_string_equal(gs_arena_dup_slice(arena, gs_slice_of("text", 2)), "te");
    assert_string_equal(gs_arena_dup_slice(arena, GS_SLICE_EMPTY), "");
    assert_string_equal(gs_arena_printf(arena, "%s/%05d", "a", 42), "a/00042");
    char *wide = gs_arena_printf(arena, "%20000d", 1);
    assert_int_equal(strlen(wide), 20000);
    gs_arena_free(arena);
    gs_arena_free(NULL);

    assert_null(gs_xstrdup(NULL));
    char *copy = gs_xstrdup("heap");
    assert_string_equal(copy, "heap");
    free(copy);
    free(gs_xcalloc(0, 0));
}

static void map_finds_what_was_put(void **state)
{
    (void)state;
    struct gs_map map;
    gs_map_init(&map);
    int a = 1, b = 2, c = 3;
    assert_null(gs_map_get(&map, LIT("a")));
    assert_null(gs_map_remove(&map, LIT("a")));
    assert_null(gs_map_put(&map, LIT("a"), &a));
    assert_null(gs_map_put(&map, LIT("a\0"), &b));
    assert_null(gs_map_put(&map, GS_SLICE_EMPTY, &c));
    assert_ptr_equal(gs_map_get(&map, LIT("a")), &a);
    assert_ptr_equal(gs_map_get(&map, LIT("a\0")), &b);
    assert_ptr_equal(gs_map_get(&map, LIT("")), &c);
    assert_null(gs_map_get(&map, LIT("b")));
    assert_ptr_equal(gs_map_put(&map, LIT("a"), &b), &a);
    assert_ptr_equal(gs_map_get(&map, LIT("a")), &b);
    assert_int_equal(map.count, 3);
    assert_ptr_equal(gs_map_remove(&map, LIT("")), &c);
    assert_null(gs_map_remove(&map, LIT("")));
    assert_int_equal(map.count, 2);
    gs_map_release(&map);
    assert_null(gs_map_get(&map, LIT("a")));
}

static void map_keeps_the_old_key_on_replacing(void **state)
{
    (void)state;
    struct gs_map map;
    gs_map_init(&map);
    int a = 1, b = 2;
    char first[] = "key", second[] = "key";
    gs_map_put(&map, gs_slice_str(first), &a);
    gs_map_put(&map, gs_slice_str(second), &b);
    size_t cursor = 0;
    struct gs_slice key;
    void *value;
    assert_true(gs_map_next(&map, &cursor, &key, &value));
    assert_ptr_equal(key.data, first);
    assert_ptr_equal(value, &b);
    assert_false(gs_map_next(&map, &cursor, &key, &value));
    gs_map_release(&map);
}

enum { MODEL_KEYS = 700, MODEL_STEPS = 200000 };

// Every key that the model holds is found and iterated over exactly once, and nothing else.
static void assert_same_as_model(const struct gs_map *map, const bool present[MODEL_KEYS],
                                 char keys[MODEL_KEYS][8])
{
    size_t expected = 0;
    for (size_t i = 0; i < MODEL_KEYS; i++) {
        expected += present[i];
        assert_ptr_equal(gs_map_get(map, gs_slice_str(keys[i])), present[i] ? keys[i] : NULL);
    }
    assert_int_equal(map->count, expected);
    bool seen[MODEL_KEYS] = {false};
    size_t cursor = 0, count = 0;
    void *value;
    while (gs_map_next(map, &cursor, NULL, &value)) {
        size_t i = (size_t)((char(*)[8])value - keys);
        assert_true(present[i] && !seen[i]);
        seen[i] = true;
        count++;
    }
    assert_int_equal(count, expected);
}

static void map_agrees_with_a_model(void **state)
{
    (void)state;
    static char keys[MODEL_KEYS][8];
    bool present[MODEL_KEYS] = {false};
    for (int i = 0; i < MODEL_KEYS; i++)
        snprintf(keys[i], sizeof keys[i], "k%d", i);
    struct gs_map map;
    gs_map_init(&map);
    for (int step = 0; step < MODEL_STEPS; step++) {
        size_t i = gs_random_below(MODEL_KEYS);
        struct gs_slice key = gs_slice_str(keys[i]);
        // Phases of growing and of shrinking, so that long probe runs are built and taken apart.
        bool put = gs_random_below(10) < (step / 5000 % 2 ? 3 : 7);
        void *old = put ? gs_map_put(&map, key, keys[i]) : gs_map_remove(&map, key);
        assert_ptr_equal(old, present[i] ? keys[i] : NULL);
        present[i] = put;
        if (step % 10000 == 0)
            assert_same_as_model(&map, present, keys);
    }
    assert_same_as_model(&map, present, keys);
    gs_map_release(&map);
}

static void map_reserve_avoids_growth(void **state)
{
    (void)state;
    struct gs_map map;
    gs_map_init(&map);
    gs_map_reserve(&map, 1000);
    size_t capacity = map.capacity;
    assert_true(capacity >= 1000);
    static char keys[1000][8];
    for (int i = 0; i < 1000; i++) {
        snprintf(keys[i], sizeof keys[i], "%d", i);
        gs_map_put(&map, gs_slice_str(keys[i]), keys[i]);
    }
    assert_int_equal(map.capacity, capacity);
    gs_map_release(&map);
}

static void hashes_depend_on_every_byte_and_the_length(void **state)
{
    (void)state;
    char bytes[40] = {0}, other[40] = {0};
    for (size_t n = 0; n <= sizeof bytes; n++) {
        struct gs_slice key = gs_slice_of(bytes, n);
        assert_true(gs_map_hash(key) == gs_map_hash(gs_slice_of(other, n)));
        assert_true(n == 0 || gs_map_hash(key) != gs_map_hash(gs_slice_of(bytes, n - 1)));
        for (size_t i = 0; i < n; i++) {
            other[i] = 1;
            assert_true(gs_map_hash(key) != gs_map_hash(gs_slice_of(other, n)));
            other[i] = 0;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_grows_and_stays_terminated),
        cmocka_unit_test(buf_limit_is_exact_and_sticky),
        cmocka_unit_test(buf_survives_absurd_sizes),
        cmocka_unit_test(buf_reserve_commit_truncate),
        cmocka_unit_test(buf_take_moves_the_bytes),
        cmocka_unit_test(arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(arena_copies_text),
        cmocka_unit_test(map_finds_what_was_put),
        cmocka_unit_test(map_keeps_the_old_key_on_replacing),
        cmocka_unit_test(map_agrees_with_a_model),
        cmocka_unit_test(map_reserve_avoids_growth),
        cmocka_unit_test(hashes_depend_on_every_byte_and_the_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
