// What a push changes in a tree of the single-file layout, and what it leaves alone.
// SPDX-License-Identifier: Apache-2.0
#include "committed.h"

#define META ".meta/meta.json"
// 2026-01-02T03:04:05.678Z
#define WHEN 1767323045678

static struct gs_layout_push push_of(const char *id, const char *app, const char *version)
{
    return (struct gs_layout_push){.git_app_id = id,
                                   .app_name = app,
                                   .version_id = version,
                                   .version_name = version,
                                   .message = "say \"hi\"\n",
                                   .user = "ada ",
                                   .when_ms = WHEN,
                                   .document = GS_SLICE_LIT("{\"document\":1}")};
}

static enum gs_status try_push(struct committed *c, const char *id, const char *app,
                               const char *version)
{
    struct gs_layout_push push = push_of(id, app, version);
    return committed_push(c, GS_LAYOUT_SINGLE_FILE, &push);
}

#define PUSH(c, id, app, version) COMMITTED_OK(c, try_push(c, id, app, version))

static void expect_refused(struct committed *c, const char *id, const char *app,
                           const char *version, enum gs_code code)
{
    const char *before = committed_files(c);
    COMMITTED_IS(c, gs_code_status(code), try_push(c, id, app, version));
    assert_int_equal(c->err.code, code);
    assert_string_equal(committed_files(c), before);
}

static void the_first_push_makes_metadata_and_file(void **state)
{
    struct committed *c = *state;
    PUSH(c, "id-1", "My app", "v1");
    assert_string_equal(committed_files(c), META "\nMy app/v1.json\n");
    assert_string_equal(committed_get(c, "My app/v1.json"), "{\"document\":1}");
    assert_string_equal(committed_get(c, META),
                        "{\n"
                        "  \"id-1\": {\n"
                        "    \"gitAppName\": \"My app\",\n"
                        "    \"lastCommitMessage\": \"say \\\"hi\\\"\\n\",\n"
                        "    \"gitVersionId\": \"v1\",\n"
                        "    \"lastpushDate\": \"2026-01-02T03:04:05.678Z\",\n"
                        "    \"gitVersionName\": \"v1\",\n"
                        "    \"lastCommitUser\": \"ada \"\n"
                        "  }\n"
                        "}");
}

static void a_new_app_comes_last_and_changes_no_other(void **state)
{
    struct committed *c = *state;
    committed_put(c, META,
                  "{\"z\": {\"gitAppName\":\"Z\",\"gitVersionName\":\"v1\",\"own\":[1.50,{}]},"
                  "\"broken\":7,\"list\":[]}\n");
    PUSH(c, "a", "A", "v1");
    const char *expected = "{\n"
                           "  \"z\": {\n"
                           "    \"gitAppName\": \"Z\",\n"
                           "    \"gitVersionName\": \"v1\",\n"
                           "    \"own\": [\n"
                           "      1.5,\n"
                           "      {}\n"
                           "    ]\n"
                           "  },\n"
                           "  \"broken\": 7,\n"
                           "  \"list\": [],\n"
                           "  \"a\": {\n"
                           "    \"gitAppName\": \"A\",\n";
    assert_memory_equal(committed_get(c, META), expected, strlen(expected));
}

static void an_entry_is_updated_where_it_stands(void **state)
{
    struct committed *c = *state;
    committed_put(c, META,
                  "{\"a\":{\"own\":true,\"lastCommitUser\":null,\"gitVersionName\":\"v1\","
                  "\"gitAppName\":\"A\",\"n\":12345678901234567890},\"b\":{}}");
    PUSH(c, "a", "A", "v1");
    assert_string_equal(committed_get(c, META),
                        "{\n"
                        "  \"a\": {\n"
                        "    \"own\": true,\n"
                        "    \"lastCommitUser\": \"ada \",\n"
                        "    \"gitVersionName\": \"v1\",\n"
                        "    \"gitAppName\": \"A\",\n"
                        "    \"n\": 12345678901234567890,\n"
                        "    \"lastCommitMessage\": \"say \\\"hi\\\"\\n\",\n"
                        "    \"gitVersionId\": \"v1\",\n"
                        "    \"lastpushDate\": \"2026-01-02T03:04:05.678Z\"\n"
                        "  },\n"
                        "  \"b\": {}\n"
                        "}");
}

static void pushing_the_same_again_changes_nothing(void **state)
{
    struct committed *c = *state;
    PUSH(c, "a", "A", "v1");
    const char *by_hand = gs_arena_printf(c->arena, "%s\n\n", committed_get(c, META));
    committed_put(c, META, by_hand);
    struct gs_layout_push push = push_of("a", "A", "v1");
    push.message = "another one";
    push.user = "somebody else";
    push.when_ms += 1000;
    COMMITTED_OK(c, committed_push(c, GS_LAYOUT_SINGLE_FILE, &push));
    assert_int_equal(c->edit_count, 0);
    assert_string_equal(committed_get(c, META), by_hand);
}

static void another_document_or_version_id_is_a_change(void **state)
{
    struct committed *c = *state;
    PUSH(c, "a", "A", "v1");
    struct gs_layout_push push = push_of("a", "A", "v1");
    push.version_id = "other";
    COMMITTED_OK(c, committed_push(c, GS_LAYOUT_SINGLE_FILE, &push));
    assert_non_null(strstr(committed_get(c, META), "\"gitVersionId\": \"other\""));
    push.document = GS_SLICE_LIT("{\"document\":1} ");
    COMMITTED_OK(c, committed_push(c, GS_LAYOUT_SINGLE_FILE, &push));
    assert_string_equal(committed_get(c, "A/v1.json"), "{\"document\":1} ");
    push.document = GS_SLICE_LIT("{}");
    COMMITTED_OK(c, committed_push(c, GS_LAYOUT_SINGLE_FILE, &push));
    assert_string_equal(committed_get(c, "A/v1.json"), "{}");
}

static void metadata_that_stay_equal_are_not_rewritten(void **state)
{
    struct committed *c = *state;
    PUSH(c, "a", "A", "v1");
    const char *by_hand = gs_arena_printf(c->arena, "%s\n", committed_get(c, META));
    committed_put(c, META, by_hand);
    struct gs_layout_push push = push_of("a", "A", "v1");
    push.document = GS_SLICE_LIT("{}");
    COMMITTED_OK(c, committed_push(c, GS_LAYOUT_SINGLE_FILE, &push));
    assert_string_equal(committed_get(c, "A/v1.json"), "{}");
    assert_string_equal(committed_get(c, META), by_hand);
}

static void a_file_that_is_gone_is_written_again(void **state)
{
    struct committed *c = *state;
    PUSH(c, "a", "A", "v1");
    committed_put(c, "A/v1.json", NULL);
    PUSH(c, "a", "A", "v1");
    assert_string_equal(committed_files(c), META "\nA/v1.json\n");
}

static void a_new_version_takes_the_place_of_the_old_one(void **state)
{
    struct committed *c = *state;
    PUSH(c, "a", "A", "v1");
    committed_put(c, "A/theme.css", "p {}");
    committed_put(c, "A/v0.json", "somebody's");
    PUSH(c, "a", "A", "v2");
    assert_string_equal(committed_files(c), META "\nA/theme.css\nA/v0.json\nA/v2.json\n");
    committed_put(c, "A/v2.json", NULL);
    PUSH(c, "a", "A", "v3");
    assert_string_equal(committed_files(c), META "\nA/theme.css\nA/v0.json\nA/v3.json\n");
}

static void a_renamed_app_takes_its_folder_along(void **state)
{
    struct committed *c = *state;
    PUSH(c, "a", "Old", "v1");
    committed_put(c, "Old/theme.css", "p {}");
    committed_put(c, "Old/more/x.txt", "x");
    PUSH(c, "a", "old", "v1");
    assert_string_equal(committed_files(c), META "\nold/more/x.txt\nold/theme.css\nold/v1.json\n");
    PUSH(c, "a", "New", "v2");
    assert_string_equal(committed_files(c), META "\nNew/more/x.txt\nNew/theme.css\nNew/v2.json\n");
    assert_string_equal(committed_get(c, "New/more/x.txt"), "x");
}

static void a_folder_that_is_there_already_keeps_what_it_has(void **state)
{
    struct committed *c = *state;
    PUSH(c, "a", "Old", "v1");
    committed_put(c, "Old/theme.css", "p {}");
    committed_put(c, "New/notes.txt", "n");
    PUSH(c, "a", "New", "v1");
    assert_string_equal(committed_files(c), META "\nNew/notes.txt\nNew/v1.json\nOld/theme.css\n");
}

static void a_renamed_app_without_a_folder_gets_a_new_one(void **state)
{
    struct committed *c = *state;
    PUSH(c, "a", "Old", "v1");
    committed_put(c, "Old/v1.json", NULL);
    committed_put(c, "Old", "a file now");
    PUSH(c, "a", "New", "v1");
    assert_string_equal(committed_files(c), META "\nNew/v1.json\nOld\n");
}

static void a_folder_of_another_app_is_taken(void **state)
{
    struct committed *c = *state;
    PUSH(c, "a", "A", "v1");
    PUSH(c, "b", "B", "v1");
    expect_refused(c, "c", "A", "v1", GS_CODE_APP_NAME_TAKEN);
    expect_refused(c, "c", "A", "v2", GS_CODE_APP_NAME_TAKEN);
    expect_refused(c, "b", "A", "v1", GS_CODE_APP_NAME_TAKEN);
    assert_non_null(strstr(c->err.message, "'A'"));
    PUSH(c, "c", "a", "v1");
    assert_string_equal(committed_files(c), META "\nA/v1.json\nB/v1.json\na/v1.json\n");
}

static void an_entry_with_a_bad_version_still_owns_its_folder(void **state)
{
    struct committed *c = *state;
    committed_put(c, META, "{\"x\":{\"gitAppName\":\"A\",\"gitVersionName\":\"a/b\"}}");
    expect_refused(c, "a", "A", "v1", GS_CODE_APP_NAME_TAKEN);
}

#define TWO_IN_ONE(first, second)                                                                  \
    "{\"a\":{\"gitAppName\":\"A\",\"gitVersionName\":\"" first "\"},"                              \
    "\"b\":{\"gitAppName\":\"A\",\"gitVersionName\":\"" second "\"}}"

static void two_apps_in_one_folder_can_only_part(void **state)
{
    struct committed *c = *state;
    committed_put(c, META, TWO_IN_ONE("v1", "v2"));
    committed_put(c, "A/v1.json", "1");
    committed_put(c, "A/v2.json", "2");
    committed_put(c, "A/theme.css", "p {}");
    expect_refused(c, "a", "A", "v1", GS_CODE_APP_NAME_TAKEN);
    PUSH(c, "a", "New", "v1");
    assert_string_equal(committed_files(c), META "\nA/theme.css\nA/v2.json\nNew/v1.json\n");
}

static void a_file_that_two_entries_name_stays(void **state)
{
    struct committed *c = *state;
    committed_put(c, META, TWO_IN_ONE("v1", "v1"));
    committed_put(c, "A/v1.json", "whose?");
    PUSH(c, "a", "New", "v1");
    assert_string_equal(committed_files(c), META "\nA/v1.json\nNew/v1.json\n");
}

static void expect_pointer(struct committed *c, const char *meta, const char *pointer)
{
    committed_put(c, META, meta);
    expect_refused(c, "a~/", "A", "v1", GS_CODE_META_UNREADABLE);
    assert_string_equal(c->err.field, pointer);
    assert_non_null(strstr(c->err.message, META));
}

static void an_own_entry_that_cannot_be_read_is_told(void **state)
{
    struct committed *c = *state;
    expect_pointer(c, "{\"a~/\":[]}", "/a~0~1");
    expect_pointer(c, "{\"a~/\":{\"gitVersionName\":\"v1\"}}", "/a~0~1/gitAppName");
    expect_pointer(c, "{\"a~/\":{\"gitVersionName\":\"v1\",\"gitAppName\":\"../x\"}}",
                   "/a~0~1/gitAppName");
    expect_pointer(c, "{\"a~/\":{\"gitVersionName\":{},\"gitAppName\":\"A\"}}",
                   "/a~0~1/gitVersionName");
}

static void names_that_cannot_be_paths_are_refused(void **state)
{
    struct committed *c = *state;
    PUSH(c, "x", "X", "v1");
    expect_refused(c, "a", "..", "v1", GS_CODE_INVALID_NAME);
    expect_refused(c, "a", "a/b", "v1", GS_CODE_INVALID_NAME);
    expect_refused(c, "a", ".meta", "meta", GS_CODE_INVALID_NAME);
    expect_refused(c, "a", ".GIT", "v1", GS_CODE_INVALID_NAME);
    expect_refused(c, "a", "A", "", GS_CODE_INVALID_NAME);
    expect_refused(c, "a", "A", "../v1", GS_CODE_INVALID_NAME);
}

static void a_file_in_the_way_is_not_overwritten(void **state)
{
    struct committed *c = *state;
    committed_put(c, "A", "a file");
    expect_refused(c, "a", "A", "v1", GS_CODE_LAYOUT_CONFLICT);
    committed_put(c, "B/v1.json/x", "a folder");
    expect_refused(c, "b", "B", "v1", GS_CODE_LAYOUT_CONFLICT);
}

static void the_error_is_set_and_outputs_are_untouched_on_failure(void **state)
{
    struct committed *c = *state;
    struct gs_layout_push push = push_of("a", "", "v1");
    struct gs_edit *edits = NULL;
    size_t count = 7;
    COMMITTED_IS(c, GS_INVALID,
                 gs_layout_plan_push(c->mirror, &c->head, GS_LAYOUT_SINGLE_FILE, &push, c->arena,
                                     &edits, &count, &c->err));
    assert_null(edits);
    assert_int_equal(count, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMITTED_TEST(the_first_push_makes_metadata_and_file),
        COMMITTED_TEST(a_new_app_comes_last_and_changes_no_other),
        COMMITTED_TEST(an_entry_is_updated_where_it_stands),
        COMMITTED_TEST(pushing_the_same_again_changes_nothing),
        COMMITTED_TEST(another_document_or_version_id_is_a_change),
        COMMITTED_TEST(metadata_that_stay_equal_are_not_rewritten),
        COMMITTED_TEST(a_file_that_is_gone_is_written_again),
        COMMITTED_TEST(a_new_version_takes_the_place_of_the_old_one),
        COMMITTED_TEST(a_renamed_app_takes_its_folder_along),
        COMMITTED_TEST(a_folder_that_is_there_already_keeps_what_it_has),
        COMMITTED_TEST(a_renamed_app_without_a_folder_gets_a_new_one),
        COMMITTED_TEST(a_folder_of_another_app_is_taken),
        COMMITTED_TEST(an_entry_with_a_bad_version_still_owns_its_folder),
        COMMITTED_TEST(two_apps_in_one_folder_can_only_part),
        COMMITTED_TEST(a_file_that_two_entries_name_stays),
        COMMITTED_TEST(an_own_entry_that_cannot_be_read_is_told),
        COMMITTED_TEST(names_that_cannot_be_paths_are_refused),
        COMMITTED_TEST(a_file_in_the_way_is_not_overwritten),
        COMMITTED_TEST(the_error_is_set_and_outputs_are_untouched_on_failure),
    };
    return cmocka_run_group_tests_name("layout: pushing", tests, NULL, NULL);
}
