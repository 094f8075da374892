// Listing and reading apps of the per-entity layout: what becomes the document, and what damage does.
// SPDX-License-Identifier: Apache-2.0
#include "app/app.h"
#include "committed.h"

#define APPS ".meta/appMeta.json"
#define MODULES ".meta/moduleMeta.json"
enum { DOCUMENT_MAX = 1 << 16 };

static struct gs_catalog read_catalog(struct committed *c)
{
    struct gs_catalog catalog;
    COMMITTED_OK(c, gs_catalog_read(c->mirror, &c->head, c->arena, &catalog, &c->err));
    return catalog;
}

static enum gs_status try_read(struct committed *c, const char *id, size_t max,
                               const char **out_text)
{
    struct gs_buf out;
    struct gs_catalog catalog = read_catalog(c);
    const struct gs_git_app *app = gs_catalog_find(&catalog, id);
    assert_non_null(app);
    gs_buf_init(&out, max);
    enum gs_status status = gs_layout_read(c->mirror, &c->head, catalog.layout, app, &out, &c->err);
    if (status == GS_OK)
        *out_text = gs_arena_dup_slice(c->arena, gs_buf_slice(&out));
    gs_buf_release(&out);
    return status;
}

static const char *read_app(struct committed *c, const char *id)
{
    const char *text = NULL;
    COMMITTED_OK(c, try_read(c, id, DOCUMENT_MAX, &text));
    return text;
}

// The document without its white space, and with ' for ".
static const char *read_compact(struct committed *c, const char *id)
{
    GS_CLEANUP(gs_buf_release) struct gs_buf out;
    GS_CLEANUP(gs_json_cleanup) yyjson_doc *doc = NULL;
    gs_buf_init(&out, DOCUMENT_MAX);
    COMMITTED_OK(c, gs_json_parse(gs_slice_str(read_app(c, id)), "it", &doc, &c->err));
    gs_json_write_compact(yyjson_doc_get_root(doc), &out);
    for (size_t i = 0; i < out.len; i++)
        if (out.data[i] == '"')
            out.data[i] = '\'';
    return gs_arena_dup_slice(c->arena, gs_buf_slice(&out));
}

static const struct committed_file small[] = {
    {APPS, "{'a':{'appPath':'apps/A','updatedAt':'2026-01-01T00:00:00.000Z'}}"},
    {"apps/A/app/app.json", "{'id':'a','name':'A'}"},
    {"apps/A/versions/v.json", "{'id':'v','status':'DRAFT'}"},
};

static void put_small(struct committed *c)
{
    committed_put_all(c, small, GS_COUNT(small));
}

// ---- Catalog -------------------------------------------------------------------------

static void apps_and_modules_are_listed(void **state)
{
    struct committed *c = *state;
    committed_put(c, MODULES,
                  committed_json(c, "{'m':{'appPath':'modules/Parts/Header','updatedAt':'t3'}}"));
    committed_put(c, APPS,
                  committed_json(c, "{'z':{'appPath':'apps/Z','updatedAt':'t1'},"
                                    "'lastUpdatedAt':'t0',"
                                    "'a':{'appPath':'apps/Sales/North: 1/A b','updatedAt':7}}"));
    struct gs_catalog catalog = read_catalog(c);
    assert_int_equal(catalog.layout, GS_LAYOUT_PER_ENTITY);
    assert_int_equal(catalog.count, 3);
    assert_string_equal(catalog.apps[0].id, "z");
    assert_string_equal(catalog.apps[0].name, "Z");
    assert_string_equal(catalog.apps[0].path, "apps/Z");
    assert_string_equal(catalog.apps[0].last_push_date, "t1");
    assert_string_equal(catalog.apps[0].version_id, "");
    assert_string_equal(catalog.apps[0].version_name, "");
    assert_false(catalog.apps[0].is_module);
    assert_string_equal(catalog.apps[1].name, "A b");
    assert_string_equal(catalog.apps[1].path, "apps/Sales/North: 1/A b");
    assert_string_equal(catalog.apps[1].last_push_date, "");
    assert_string_equal(catalog.apps[2].id, "m");
    assert_string_equal(catalog.apps[2].name, "Header");
    assert_true(catalog.apps[2].is_module);
}

static void entries_that_name_no_folder_of_apps_are_left_out(void **state)
{
    struct committed *c = *state;
    committed_put(c, APPS,
                  committed_json(c, "{'1':{},'2':[],'3':{'appPath':7},'4':{'appPath':''},"
                                    "'5':{'appPath':'apps'},'6':{'appPath':'apps/'},"
                                    "'7':{'appPath':'apps/A/'},'8':{'appPath':'apps//A'},"
                                    "'9':{'appPath':'apps/../A'},'10':{'appPath':'/apps/A'},"
                                    "'11':{'appPath':'.meta/A'},'12':{'appPath':'apps/.git'},"
                                    "'13':{'appPath':'appsA'},'good':{'appPath':'apps/A'}}"));
    struct gs_catalog catalog = read_catalog(c);
    assert_int_equal(catalog.count, 1);
    assert_string_equal(catalog.apps[0].id, "good");
}

static void each_metadata_file_must_be_an_object(void **state)
{
    struct committed *c = *state;
    struct gs_catalog catalog;
    put_small(c);
    committed_put(c, MODULES, "[]");
    COMMITTED_IS(c, GS_INVALID, gs_catalog_read(c->mirror, &c->head, c->arena, &catalog, &c->err));
    assert_int_equal(c->err.code, GS_CODE_META_UNREADABLE);
    assert_non_null(strstr(c->err.message, MODULES));
    committed_put(c, MODULES, NULL);
    committed_put(c, ".meta/dataSourceMeta.json", "<<<<<<< HEAD\n");
    assert_string_equal(read_catalog(c).apps[0].name, "A");
}

// ---- Documents -----------------------------------------------------------------------

#define LISTS(components, pages, versions)                                                         \
    "'components':[" components "],'pages':[" pages "],'events':[],'dataQueries':[],"              \
    "'dataSources':[],'appVersions':[" versions "],'appEnvironments':[],'dataSourceOptions':[],"   \
    "'dataQueryFolders':[],'dataQueryFolderMappings':[]"

static void a_small_app_has_every_list(void **state)
{
    struct committed *c = *state;
    put_small(c);
    assert_string_equal(read_compact(c, "a"),
                        "{'app':[{'definition':{'appV2':{'id':'a','name':'A'," LISTS(
                            "", "", "{'id':'v','name':'latest','status':'DRAFT'}") "}}}]}");
    struct gs_document document;
    COMMITTED_OK(c, gs_document_parse(gs_slice_str(read_app(c, "a")), "it", &document, &c->err));
    assert_true(gs_slice_eq_str(document.version_name, "latest"));
    assert_true(document.draft);
    gs_document_release(&document);
}

static void every_folder_has_its_list(void **state)
{
    struct committed *c = *state;
    static const struct committed_file files[] = {
        {"apps/A/components/c.json", "{'id':'c'}"},
        {"apps/A/pages/p.json", "{'id':'p'}"},
        {"apps/A/events/e.json", "{'id':'e'}"},
        {"apps/A/queries/q.json", "{'id':'q'}"},
        {"apps/A/dataSources/s.json", "{'id':'s'}"},
        {"apps/A/environments/n.json", "{'id':'n'}"},
        {"apps/A/dataSourceOptions/o.json", "{'id':'o'}"},
        {"apps/A/definitions/dataQueryFolders/f.json", "{'id':'f'}"},
        {"apps/A/definitions/dataQueryFolderMappings/m.json", "{'id':'m'}"},
        {"apps/A/tooljet_database/t.json", "{'id':'t'}"},
        {"apps/A/schema/schema.json", "{'multiPages':true}"},
        {"apps/A/app/app.json", "{'name':'A','tooljetVersion':'3.21','id':'a','x':[1.0,{}]}"},
    };
    put_small(c);
    committed_put_all(c, files, GS_COUNT(files));
    assert_string_equal(read_compact(c, "a"),
                        "{'tooljet_database':[{'id':'t'}],"
                        "'app':[{'definition':{'appV2':{'name':'A','id':'a','x':[1,{}],"
                        "'components':[{'id':'c'}],'pages':[{'id':'p'}],'events':[{'id':'e'}],"
                        "'dataQueries':[{'id':'q'}],'dataSources':[{'id':'s'}],"
                        "'appVersions':[{'id':'v','name':'latest','status':'DRAFT'}],"
                        "'appEnvironments':[{'id':'n'}],'dataSourceOptions':[{'id':'o'}],"
                        "'dataQueryFolders':[{'id':'f'}],'dataQueryFolderMappings':[{'id':'m'}],"
                        "'schemaDetails':{'multiPages':true}}}}],'tooljet_version':'3.21'}");
}

static void lists_are_in_the_order_of_the_files(void **state)
{
    struct committed *c = *state;
    static const struct committed_file files[] = {
        {"apps/A/pages/b.json", "{'id':'b'}"},
        {"apps/A/pages/a.json", "{'id':'a'}"},
        {"apps/A/pages/a-1.json", "{'id':'a-1'}"},
        {"apps/A/pages/B.json", "{'id':'B'}"},
    };
    put_small(c);
    committed_put_all(c, files, GS_COUNT(files));
    assert_non_null(
        strstr(read_compact(c, "a"), "'pages':[{'id':'B'},{'id':'a-1'},{'id':'a'},{'id':'b'}]"));
}

static void the_name_of_a_version_is_kept_where_there_is_one(void **state)
{
    struct committed *c = *state;
    put_small(c);
    committed_put(c, "apps/A/versions/v.json",
                  committed_json(c, "{'status':'DRAFT','name':'v1.1','id':'v'}"));
    assert_non_null(strstr(read_compact(c, "a"), "{'status':'DRAFT','name':'v1.1','id':'v'}"));
}

static void the_metadata_name_the_app(void **state)
{
    struct committed *c = *state;
    put_small(c);
    committed_put(c, "apps/A/app/app.json", committed_json(c, "{'id':'x','name':'Old','n':1}"));
    committed_put(c, "apps/A/versions/v.json", committed_json(c, "{'id':'v','appId':'x'}"));
    const char *text = read_compact(c, "a");
    assert_non_null(strstr(text, "{'id':'a','name':'A','n':1,"));
    assert_non_null(strstr(text, "'appId':'a'"));
}

static void other_files_are_not_read(void **state)
{
    struct committed *c = *state;
    put_small(c);
    const char *before = read_app(c, "a");
    static const struct committed_file files[] = {
        {"apps/A/.git-history/main.json", "{"}, {"apps/A/notes.json", "{"},
        {"apps/A/pages/notes.txt", "{"},        {"apps/A/pages/more/p.json", "{"},
        {"apps/A/definitions/x.json", "{"},     {"apps/A/later/x.json", "{'id':'x'}"},
        {"apps/A/B/app/app.json", "{"},
    };
    committed_put_all(c, files, GS_COUNT(files));
    assert_string_equal(read_app(c, "a"), before);
}

// ---- Damage --------------------------------------------------------------------------

static void expect_fault(struct committed *c, const char *path, const char *text,
                         const char *message)
{
    struct gs_oid head = c->head;
    const char *ignored;
    committed_put(c, path, committed_json(c, text));
    COMMITTED_IS(c, GS_INVALID, try_read(c, "a", DOCUMENT_MAX, &ignored));
    assert_int_equal(c->err.code, GS_CODE_NOT_AN_APP);
    assert_non_null(strstr(c->err.message, path));
    assert_non_null(strstr(c->err.message, message));
    c->head = head;
}

static void a_file_that_is_not_what_its_place_says_is_told(void **state)
{
    struct committed *c = *state;
    put_small(c);
    expect_fault(c, "apps/A/pages/p.json", "{\n<<<<<<< HEAD", "line 2");
    expect_fault(c, "apps/A/pages/p.json", "[]", "id");
    expect_fault(c, "apps/A/pages/p.json", "{'id':'q'}", "id");
    expect_fault(c, "apps/A/pages/p.json", "{'id':7}", "id");
    expect_fault(c, "apps/A/pages/p.json", "{}", "id");
    expect_fault(c, "apps/A/pages/.json", "{'id':null}", "id");
    expect_fault(c, "apps/A/pages/p.json", "{'id':'p\\u0000'}", "id");
    expect_fault(c, "apps/A/app/app.json", "", "line 1");
    expect_fault(c, "apps/A/app/app.json", "[]", "object");
    expect_fault(c, "apps/A/app/app.json", "{'id':'a','pages':[]}", "/pages");
    expect_fault(c, "apps/A/app/app.json", "{'id':'a','schemaDetails':{}}", "/schemaDetails");
    expect_fault(c, "apps/A/schema/schema.json", "{'a':1,'a':2}", "second time");
}

static void an_app_without_its_file_is_not_in_git(void **state)
{
    struct committed *c = *state;
    const char *ignored;
    put_small(c);
    committed_put(c, "apps/A/app/app.json", NULL);
    COMMITTED_IS(c, GS_NOT_FOUND, try_read(c, "a", DOCUMENT_MAX, &ignored));
    assert_int_equal(c->err.code, GS_CODE_NOT_IN_GIT);
    assert_non_null(strstr(c->err.message, "apps/A/app/app.json"));
}

static void a_folder_of_two_entries_is_the_one_s_that_it_names(void **state)
{
    struct committed *c = *state;
    const char *ignored;
    put_small(c);
    committed_put(c, APPS,
                  committed_json(c, "{'b':{'appPath':'apps/A'},'a':{'appPath':'apps/A'}}"));
    assert_non_null(read_app(c, "a"));
    COMMITTED_IS(c, GS_NOT_FOUND, try_read(c, "b", DOCUMENT_MAX, &ignored));
    assert_int_equal(c->err.code, GS_CODE_NOT_IN_GIT);
}

static void all_files_together_have_a_limit(void **state)
{
    struct committed *c = *state;
    const char *ignored;
    put_small(c);
    size_t size = strlen(read_app(c, "a"));
    COMMITTED_IS(c, GS_LIMIT, try_read(c, "a", 1000, &ignored));
    assert_int_equal(c->err.code, GS_CODE_TOO_LARGE);
    assert_non_null(strstr(c->err.message, "apps/A"));
    COMMITTED_OK(c, try_read(c, "a", 4096, &ignored));
    assert_true(size < 1000);
}

// ---- Several versions ----------------------------------------------------------------

static const struct committed_file merged[] = {
    {APPS, "{'a':{'appPath':'apps/A'}}"},
    {"apps/A/app/app.json", "{'id':'a','name':'A'}"},
    {"apps/A/versions/v1.json", "{'id':'v1','versionType':'branch'}"},
    {"apps/A/versions/v2.json", "{'id':'v2','versionType':'branch'}"},
    {"apps/A/pages/p1.json", "{'id':'p1','appVersionId':'v1'}"},
    {"apps/A/pages/p2.json", "{'id':'p2','appVersionId':'v2'}"},
    {"apps/A/pages/lost.json", "{'id':'lost','appVersionId':'gone'}"},
    {"apps/A/components/c1.json", "{'id':'c1','pageId':'p1'}"},
    {"apps/A/components/c2.json", "{'id':'c2','pageId':'p2'}"},
    {"apps/A/environments/n.json", "{'id':'n'}"},
};

static void the_document_holds_one_version_and_what_belongs_to_it(void **state)
{
    struct committed *c = *state;
    committed_put_all(c, merged, GS_COUNT(merged));
    const char *text = read_compact(c, "a");
    assert_non_null(
        strstr(text, "'appVersions':[{'id':'v1','name':'latest','versionType':'branch'}]"));
    assert_non_null(strstr(text, "'components':[{'id':'c1','pageId':'p1'}]"));
    assert_non_null(strstr(text, "'pages':[{'id':'lost','appVersionId':'gone'},"
                                 "{'id':'p1','appVersionId':'v1'}]"));
    assert_non_null(strstr(text, "'appEnvironments':[{'id':'n'}]"));
}

static void expect_chosen(struct committed *c, const char *first, const char *second,
                          const char *chosen)
{
    committed_put(c, "apps/A/versions/v1.json", committed_json(c, first));
    committed_put(c, "apps/A/versions/v2.json", committed_json(c, second));
    assert_non_null(
        strstr(read_compact(c, "a"),
               gs_arena_printf(c->arena, "'appVersions':[{'id':'%s','name':'latest'", chosen)));
}

static void stubs_and_other_kinds_of_versions_come_last(void **state)
{
    struct committed *c = *state;
    committed_put_all(c, merged, GS_COUNT(merged));
    expect_chosen(c, "{'id':'v1','isStub':true,'versionType':'branch'}", "{'id':'v2'}", "v2");
    expect_chosen(c, "{'id':'v1','versionType':'version'}", "{'id':'v2','versionType':'branch'}",
                  "v2");
    expect_chosen(c, "{'id':'v1'}", "{'id':'v2','name':'v2'}", "v1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMITTED_TEST(apps_and_modules_are_listed),
        COMMITTED_TEST(entries_that_name_no_folder_of_apps_are_left_out),
        COMMITTED_TEST(each_metadata_file_must_be_an_object),
        COMMITTED_TEST(a_small_app_has_every_list),
        COMMITTED_TEST(every_folder_has_its_list),
        COMMITTED_TEST(lists_are_in_the_order_of_the_files),
        COMMITTED_TEST(the_name_of_a_version_is_kept_where_there_is_one),
        COMMITTED_TEST(the_metadata_name_the_app),
        COMMITTED_TEST(other_files_are_not_read),
        COMMITTED_TEST(a_file_that_is_not_what_its_place_says_is_told),
        COMMITTED_TEST(an_app_without_its_file_is_not_in_git),
        COMMITTED_TEST(a_folder_of_two_entries_is_the_one_s_that_it_names),
        COMMITTED_TEST(all_files_together_have_a_limit),
        COMMITTED_TEST(the_document_holds_one_version_and_what_belongs_to_it),
        COMMITTED_TEST(stubs_and_other_kinds_of_versions_come_last),
    };
    return cmocka_run_group_tests_name("layout: per-entity, reading", tests, NULL, NULL);
}
