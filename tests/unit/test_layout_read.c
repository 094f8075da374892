// Which layout a tree has, which apps its metadata lists, and reading a document of the single-file layout.
// SPDX-License-Identifier: Apache-2.0
#include "committed.h"

#define META ".meta/meta.json"
#define ENTRY(app, version, id)                                                                    \
    "{\"gitAppName\":\"" app "\",\"gitVersionName\":\"" version "\",\"gitVersionId\":\"" id "\"}"
#define DOCUMENT(version_id)                                                                       \
    "{\"app\":[{\"definition\":{\"appV2\":{\"id\":\"a\",\"name\":\"n\",\"appVersions\":[{"         \
    "\"id\":\"" version_id "\",\"name\":\"v1\"}]}}}]}"

static enum gs_layout detect(struct committed *c)
{
    enum gs_layout layout;
    COMMITTED_OK(c, gs_layout_detect(c->mirror, &c->head, &layout, &c->err));
    return layout;
}

static void layouts_have_texts(void **state)
{
    (void)state;
    enum gs_layout layout = GS_LAYOUT_NONE;
    assert_null(gs_layout_text(GS_LAYOUT_NONE));
    assert_string_equal(gs_layout_text(GS_LAYOUT_SINGLE_FILE), "single-file");
    assert_true(gs_layout_from_text("per-entity", &layout));
    assert_int_equal(layout, GS_LAYOUT_PER_ENTITY);
    assert_true(gs_layout_from_text("single-file", &layout));
    assert_int_equal(layout, GS_LAYOUT_SINGLE_FILE);
    assert_false(gs_layout_from_text("", &layout));
    assert_false(gs_layout_from_text(NULL, &layout));
    assert_int_equal(layout, GS_LAYOUT_SINGLE_FILE);
}

static void the_metadata_tell_the_layout(void **state)
{
    struct committed *c = *state;
    assert_int_equal(detect(c), GS_LAYOUT_NONE);
    committed_put(c, "README.md", "hello");
    committed_put(c, ".meta/notes.txt", "mine");
    assert_int_equal(detect(c), GS_LAYOUT_NONE);
    committed_put(c, ".meta/meta.json", "not even JSON");
    assert_int_equal(detect(c), GS_LAYOUT_SINGLE_FILE);
    committed_put(c, ".meta/moduleMeta.json", "{}");
    assert_int_equal(detect(c), GS_LAYOUT_PER_ENTITY);
    committed_put(c, ".meta/moduleMeta.json", NULL);
    committed_put(c, ".meta/appMeta.json", "{}");
    assert_int_equal(detect(c), GS_LAYOUT_PER_ENTITY);
}

static void a_folder_is_no_metadata_file(void **state)
{
    struct committed *c = *state;
    committed_put(c, ".meta/meta.json/x", "1");
    assert_int_equal(detect(c), GS_LAYOUT_NONE);
}

static struct gs_catalog read_catalog(struct committed *c)
{
    struct gs_catalog catalog;
    COMMITTED_OK(c, gs_catalog_read(c->mirror, &c->head, c->arena, &catalog, &c->err));
    return catalog;
}

static void a_branch_without_metadata_has_no_apps(void **state)
{
    struct committed *c = *state;
    struct gs_catalog catalog = read_catalog(c);
    assert_int_equal(catalog.layout, GS_LAYOUT_NONE);
    assert_int_equal(catalog.count, 0);
    assert_null(gs_catalog_find(&catalog, "a"));
    committed_put(c, "README.md", "hello");
    assert_int_equal(read_catalog(c).count, 0);
}

static void apps_are_listed_in_the_order_of_the_metadata(void **state)
{
    struct committed *c = *state;
    committed_put(c, META,
                  "{\"z\":{\"gitAppName\":\"Lager: f\303\274r 'alle' & (mehr).\","
                  "\"lastCommitMessage\":\"m\",\"gitVersionId\":\"V1\","
                  "\"lastpushDate\":\"2025-02-23T21:08:16.458Z\",\"gitVersionName\":\"v1.9.7\","
                  "\"lastCommitUser\":\"ada \",\"more\":[1]},\"a\":" ENTRY("App", "v1", "V2") "}");
    struct gs_catalog catalog = read_catalog(c);
    assert_int_equal(catalog.layout, GS_LAYOUT_SINGLE_FILE);
    assert_int_equal(catalog.count, 2);
    const struct gs_git_app *app = &catalog.apps[0];
    assert_string_equal(app->id, "z");
    assert_string_equal(app->name, "Lager: f\303\274r 'alle' & (mehr).");
    assert_string_equal(app->path, "Lager: f\303\274r 'alle' & (mehr)./v1.9.7.json");
    assert_string_equal(app->version_id, "V1");
    assert_string_equal(app->version_name, "v1.9.7");
    assert_string_equal(app->last_commit_message, "m");
    assert_string_equal(app->last_commit_user, "ada ");
    assert_string_equal(app->last_push_date, "2025-02-23T21:08:16.458Z");
    assert_string_equal(catalog.apps[1].id, "a");
    assert_string_equal(catalog.apps[1].last_commit_message, "");
    assert_ptr_equal(gs_catalog_find(&catalog, "a"), &catalog.apps[1]);
    assert_null(gs_catalog_find(&catalog, "A"));
    assert_ptr_equal(gs_catalog_find_by_name(&catalog, "App"), &catalog.apps[1]);
    assert_null(gs_catalog_find_by_name(&catalog, "app"));
}

static void a_name_that_two_apps_have_finds_neither(void **state)
{
    struct committed *c = *state;
    committed_put(c, META,
                  "{\"a\":" ENTRY("App", "v1", "V1") ",\"b\":" ENTRY("App", "v2", "V2") "}");
    struct gs_catalog catalog = read_catalog(c);
    assert_int_equal(catalog.count, 2);
    assert_null(gs_catalog_find_by_name(&catalog, "App"));
    assert_false(catalog.apps[0].path_shared);
}

static void entries_that_cannot_be_read_do_not_hide_the_others(void **state)
{
    struct committed *c = *state;
    committed_put(
        c, META,
        "{\"1\":5,\"2\":{},\"3\":{\"gitAppName\":7,\"gitVersionName\":\"v1\"},"
        "\"4\":" ENTRY("..", "v1", "V") ",\"5\":" ENTRY("a/b", "v1", "V") ",\"6\":" ENTRY(
            "App", "../v",
            "V") ",\"7\":" ENTRY(".git",
                                 "v1", "V") ",\"8\":" ENTRY(".meta", "v1",
                                                            "V") ","
                                                                 "\"9\":" ENTRY("x\\u0000", "v1", "V") ",\"\":" ENTRY(
                                                                     "Empty", "v1",
                                                                     "V") ","
                                                                          "\"a\\u0000b\":" ENTRY(
                                                                              "Nul", "v1",
                                                                              "V") ",\"good\""
                                                                                   ":" ENTRY(
                                                                                       "Good", "v1",
                                                                                       "V") "}");
    struct gs_catalog catalog = read_catalog(c);
    assert_int_equal(catalog.count, 1);
    assert_string_equal(catalog.apps[0].id, "good");
}

static void members_of_another_type_count_as_unsaid(void **state)
{
    struct committed *c = *state;
    committed_put(c, META,
                  "{\"a\":{\"gitAppName\":\"App\",\"gitVersionName\":\"v1\",\"gitVersionId\":7,"
                  "\"lastCommitMessage\":null,\"lastCommitUser\":\"a\\u0000b\"}}");
    struct gs_catalog catalog = read_catalog(c);
    assert_string_equal(catalog.apps[0].version_id, "");
    assert_string_equal(catalog.apps[0].last_commit_message, "");
    assert_string_equal(catalog.apps[0].last_commit_user, "");
}

static void expect_unreadable(struct committed *c, const char *text, const char *message)
{
    struct gs_catalog catalog;
    committed_put(c, META, text);
    COMMITTED_IS(c, GS_INVALID, gs_catalog_read(c->mirror, &c->head, c->arena, &catalog, &c->err));
    assert_int_equal(c->err.code, GS_CODE_META_UNREADABLE);
    assert_string_equal(c->err.field, "");
    assert_non_null(strstr(c->err.message, META));
    assert_non_null(strstr(c->err.message, message));
}

static void metadata_that_are_no_object_of_json_are_told(void **state)
{
    struct committed *c = *state;
    expect_unreadable(c, "[]", "must hold an object");
    expect_unreadable(c, "\"x\"", "must hold an object");
    expect_unreadable(c, "", "line 1");
    expect_unreadable(c, "{\n<<<<<<< HEAD\n", "line 2");
    expect_unreadable(c, "{\"a\":{},\"a\":{}}", "a");
}

static enum gs_status read_app(struct committed *c, const char *id, struct gs_buf *out)
{
    struct gs_catalog catalog = read_catalog(c);
    const struct gs_git_app *app = gs_catalog_find(&catalog, id);
    assert_non_null(app);
    return gs_layout_read(c->mirror, &c->head, catalog.layout, app, out, &c->err);
}

static void a_document_is_the_bytes_of_its_file(void **state)
{
    struct committed *c = *state;
    GS_CLEANUP(gs_buf_release) struct gs_buf out;
    gs_buf_init(&out, 16);
    committed_put(c, META, "{\"a\":" ENTRY("My app", "v1", "V1") "}");
    COMMITTED_IS(c, GS_NOT_FOUND, read_app(c, "a", &out));
    assert_int_equal(c->err.code, GS_CODE_NOT_IN_GIT);
    assert_non_null(strstr(c->err.message, "My app/v1.json"));
    committed_put(c, "My app/v1.json", "not { JSON\r\n");
    COMMITTED_OK(c, read_app(c, "a", &out));
    assert_string_equal(out.data, "not { JSON\r\n");
    committed_put(c, "My app/v1.json", "seventeen bytes..");
    COMMITTED_IS(c, GS_LIMIT, read_app(c, "a", &out));
    assert_int_equal(c->err.code, GS_CODE_TOO_LARGE);
}

static void a_file_of_two_apps_belongs_to_the_one_whose_version_it_holds(void **state)
{
    struct committed *c = *state;
    GS_CLEANUP(gs_buf_release) struct gs_buf out;
    gs_buf_init(&out, 4096);
    committed_put(c, META,
                  "{\"old\":" ENTRY("App", "v1", "V1") ",\"new\":" ENTRY("App", "v1", "V2") "}");
    committed_put(c, "App/v1.json", DOCUMENT("V2"));
    COMMITTED_OK(c, read_app(c, "new", &out));
    assert_string_equal(out.data, DOCUMENT("V2"));
    COMMITTED_IS(c, GS_NOT_FOUND, read_app(c, "old", &out));
    assert_int_equal(c->err.code, GS_CODE_NOT_IN_GIT);
    committed_put(c, "App/v1.json", "{");
    COMMITTED_IS(c, GS_INVALID, read_app(c, "new", &out));
    assert_int_equal(c->err.code, GS_CODE_NOT_AN_APP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts_have_texts),
        COMMITTED_TEST(the_metadata_tell_the_layout),
        COMMITTED_TEST(a_folder_is_no_metadata_file),
        COMMITTED_TEST(a_branch_without_metadata_has_no_apps),
        COMMITTED_TEST(apps_are_listed_in_the_order_of_the_metadata),
        COMMITTED_TEST(a_name_that_two_apps_have_finds_neither),
        COMMITTED_TEST(entries_that_cannot_be_read_do_not_hide_the_others),
        COMMITTED_TEST(members_of_another_type_count_as_unsaid),
        COMMITTED_TEST(metadata_that_are_no_object_of_json_are_told),
        COMMITTED_TEST(a_document_is_the_bytes_of_its_file),
        COMMITTED_TEST(a_file_of_two_apps_belongs_to_the_one_whose_version_it_holds),
    };
    return cmocka_run_group_tests_name("layout: reading", tests, NULL, NULL);
}
