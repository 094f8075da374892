// Who has the folder that a renamed app needs, and what the file changes of several commits come to.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "layout/layout.h"

static void expect_holder(const struct gs_catalog *catalog, const char *id, const char *name,
                          bool is_module, const char *holder)
{
    const struct gs_git_app *found = gs_catalog_find_holder(catalog, id, name, is_module);
    if (holder)
        assert_string_equal(found->id, holder);
    else
        assert_null(found);
}

static void a_single_file_s_folder_is_its_name(void **state)
{
    (void)state;
    struct gs_git_app apps[] = {{.id = "a", .name = "A", .path = "A/v1.json"},
                                {.id = "b", .name = "B", .path = "B/v1.json"}};
    struct gs_catalog catalog = {
        .layout = GS_LAYOUT_SINGLE_FILE, .apps = apps, .count = GS_COUNT(apps)};
    expect_holder(&catalog, "a", "B", false, "b");
    expect_holder(&catalog, "new", "A", true, "a");
    expect_holder(&catalog, "a", "A", false, NULL);
    expect_holder(&catalog, "a", "b", false, NULL);
}

static void a_folder_is_the_name_among_those_beside_it(void **state)
{
    (void)state;
    struct gs_git_app apps[] = {{.id = "a", .name = "A", .path = "apps/A"},
                                {.id = "b", .name = "B", .path = "apps/sales/B"},
                                {.id = "c", .name = "C", .path = "apps/sales/C"},
                                {.id = "m", .name = "A", .path = "modules/A", .is_module = true}};
    struct gs_catalog catalog = {
        .layout = GS_LAYOUT_PER_ENTITY, .apps = apps, .count = GS_COUNT(apps)};
    expect_holder(&catalog, "b", "C", false, "c");
    expect_holder(&catalog, "b", "A", false, NULL);
    expect_holder(&catalog, "a", "B", false, NULL);
    expect_holder(&catalog, "new", "A", false, "a");
    expect_holder(&catalog, "new", "A", true, "m");
    expect_holder(&catalog, "new", "B", false, NULL);
}

static void an_empty_catalog_has_no_holder(void **state)
{
    (void)state;
    struct gs_catalog catalog = {.layout = GS_LAYOUT_NONE};
    expect_holder(&catalog, "a", "A", false, NULL);
}

static void changes_of_several_commits_are_joined(void **state)
{
    (void)state;
    GS_CLEANUP(gs_arena_cleanup) struct gs_arena *arena = gs_arena_new();
    static const struct gs_file_change made[] = {
        {GS_FILE_DELETED, "B/v1.json", {""}},    {GS_FILE_ADDED, "tmp/v1.json", {"1"}},
        {GS_FILE_MODIFIED, "meta", {"2"}},       {GS_FILE_ADDED, "new", {"3"}},
        {GS_FILE_DELETED, "A/v1.json", {""}},    {GS_FILE_ADDED, "B/v1.json", {"4"}},
        {GS_FILE_MODIFIED, "meta", {"5"}},       {GS_FILE_DELETED, "tmp/v1.json", {""}},
        {GS_FILE_ADDED, "A/v1.json", {"6"}},     {GS_FILE_MODIFIED, "new", {"7"}},
        {GS_FILE_MODIFIED, "changed", {"8"}},    {GS_FILE_DELETED, "changed", {""}},
        {GS_FILE_MODIFIED, "B/v1.json", {"40"}},
    };
    static const struct gs_file_change wanted[] = {
        {GS_FILE_MODIFIED, "A/v1.json", {"6"}}, {GS_FILE_MODIFIED, "B/v1.json", {"40"}},
        {GS_FILE_DELETED, "changed", {""}},     {GS_FILE_MODIFIED, "meta", {"5"}},
        {GS_FILE_ADDED, "new", {"7"}},
    };
    struct gs_file_change *joined;
    size_t count;
    gs_file_changes_join(made, GS_COUNT(made), arena, &joined, &count);
    assert_int_equal(count, GS_COUNT(wanted));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(joined[i].kind, wanted[i].kind);
        assert_string_equal(joined[i].path, wanted[i].path);
        assert_string_equal(joined[i].oid.hex, wanted[i].oid.hex);
    }
    gs_file_changes_join(NULL, 0, arena, &joined, &count);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_file_s_folder_is_its_name),
        cmocka_unit_test(a_folder_is_the_name_among_those_beside_it),
        cmocka_unit_test(an_empty_catalog_has_no_holder),
        cmocka_unit_test(changes_of_several_commits_are_joined),
    };
    return cmocka_run_group_tests_name("renames", tests, NULL, NULL);
}
