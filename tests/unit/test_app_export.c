// Splitting an export into one document per version, and joining them again.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "app_fixture.h"

struct split {
    struct gs_arena *arena;
    yyjson_doc *doc;
    struct gs_export export;
};

static enum gs_status try_split(const char *json, const char *app_name, struct split *out,
                                struct gs_error *err)
{
    char *text = app_text(json);
    *out = (struct split){.arena = gs_arena_new()};
    assert_int_equal(gs_json_parse(gs_slice_str(text), "the text", &out->doc, NULL), GS_OK);
    free(text);
    return gs_export_split(yyjson_doc_get_root(out->doc), app_name, out->arena, &out->export, err);
}

static void release_split(struct split *split)
{
    gs_export_release(&split->export);
    gs_json_free(split->doc);
    gs_arena_free(split->arena);
}

static struct split split_of(const char *json)
{
    struct split split;
    assert_int_equal(try_split(json, NULL, &split, NULL), GS_OK);
    return split;
}

static void assert_part(const struct split *split, size_t i, const char *json)
{
    char *expected = app_text(json);
    assert_string_equal(split->export.parts[i].bytes.data, expected);
    free(expected);
}

// ids of the elements of a list in a part, each with a space behind.
static void assert_ids(const struct split *split, size_t i, const char *list, const char *expected)
{
    struct gs_document part;
    struct gs_buf ids;
    gs_buf_init(&ids, 1000);
    gs_buf_append_str(&ids, "");
    assert_int_equal(
        gs_document_parse(gs_buf_slice(&split->export.parts[i].bytes), "the part", &part, NULL),
        GS_OK);
    size_t at, n;
    yyjson_val *element;
    yyjson_arr_foreach(gs_json_get_arr(part.app, list), at, n, element)
    {
        gs_buf_append_slice(&ids, gs_json_get_str(element, "id"));
        gs_buf_append_char(&ids, ' ');
    }
    assert_string_equal(ids.data, expected);
    gs_buf_release(&ids);
    gs_document_release(&part);
}

static void one_version_comes_out_unchanged(void **state)
{
    (void)state;
    // The edited version is not in it, links lead nowhere, lists hold what is no entity.
    static const char json[] =
        "{'tooljet_database':[],'app':[{'x':1,'definition':{'appV2':{'type':'t','id':'A','name':"
        "'n','slug':'s','currentVersionId':'V0','editingVersion':{'id':'V0'},'components':[{'id':"
        "'c','pageId':'none'},7,'s',null,[]],'pages':[{'id':'p','appVersionId':'V9'},{'id':'p'}],"
        "'events':[{}],'zz':{'deep':[[1.5e300,-0.1]]},'appVersions':[{'id':'V','name':'v1',"
        "'status':'DRAFT'}]},'y':null},'z':[]}],'tooljet_version':'3.20'}";
    struct split split = split_of(json);
    assert_int_equal(split.export.count, 1);
    assert_part(&split, 0, json);
    assert_string_equal(split.export.app_id, "A");
    assert_string_equal(split.export.app_name, "n");
    assert_string_equal(split.export.app_slug, "s");
    assert_string_equal(split.export.current_version_id, "V0");
    assert_string_equal(split.export.parts[0].version_id, "V");
    assert_string_equal(split.export.parts[0].version_name, "v1");
    assert_true(split.export.parts[0].has_status);
    assert_true(split.export.parts[0].draft);
    release_split(&split);
}

static void a_new_name_replaces_the_old_one(void **state)
{
    (void)state;
    struct split split;
    assert_int_equal(try_split("{'appV2':{'id':'A','name':'a/b','appVersions':[{'name':'v','id':"
                               "'V'}]}}",
                               "New", &split, NULL),
                     GS_OK);
    assert_part(&split, 0,
                "{'appV2':{'id':'A','name':'New','appVersions':[{'name':'v','id':'V'}]}}");
    assert_string_equal(split.export.app_name, "New");
    assert_null(split.export.app_slug);
    assert_null(split.export.current_version_id);
    assert_false(split.export.parts[0].has_status);
    release_split(&split);
}

#define TWO_VERSIONS "'appVersions':[{'id':'V1','name':'v1'},{'id':'V2','name':'v2'}]"

static const char two_versions[] =
    "{'app':[{'definition':{'appV2':{'id':'A','name':'n','editingVersion':{'id':'V2','name':'v2',"
    "'extra':1},"
    "'components':[{'id':'c1','pageId':'p1'},{'id':'c2','pageId':'p2'},{'id':'c0','pageId':'p0'},"
    "{'id':'cx'}],"
    "'pages':[{'id':'p1','appVersionId':'V1'},{'id':'p2','appVersionId':'V2'},"
    "{'id':'p9','appVersionId':'V9'},{'id':'px'}],"
    "'events':[{'id':'e1','sourceId':'c1'},{'id':'e2','sourceId':'p2'},{'id':'e3','sourceId':'q1'},"
    "{'id':'e4','sourceId':'none','appVersionId':'V1'},{'id':'e5','sourceId':'none'},"
    "{'id':'e6','sourceId':'q1','appVersionId':'V9'}],"
    "'dataQueries':[{'id':'q1','appVersionId':'V1','dataSourceId':'s0'},"
    "{'id':'q2','appVersionId':'V2','dataSourceId':'s2'}],"
    "'dataSources':[{'id':'s1','appVersionId':'V1'},{'id':'s2','appVersionId':'V2'},"
    "{'id':'s0','appVersionId':null}],"
    "'dataSourceOptions':[{'id':'o1','dataSourceId':'s1'},{'id':'o2','dataSourceId':'s2'},"
    "{'id':'o0','dataSourceId':'s0'},{'id':'o9','dataSourceId':'s9'}],"
    "'dataQueryFolders':[{'id':'f1','appVersionId':'V1'},{'id':'f2','appVersionId':'V2'}],"
    "'dataQueryFolderMappings':[{'id':'m1','childId':'q1'},{'id':'m2','childId':'f2'}],"
    "'appEnvironments':[{'id':'dev'}],'others':[{'id':'x0'},{'id':'x1','appVersionId':'V1'},5]"
    "," TWO_VERSIONS "}}}],'tooljet_version':'3.20'}";

static void every_part_has_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *list, *first, *second;
    } cases[] = {
        {"components", "c1 ", "c2 c0 cx "},   {"pages", "p1 ", "p2 p9 px "},
        {"events", "e1 e3 e4 e6 ", "e2 e5 "}, {"dataQueries", "q1 ", "q2 "},
        {"dataSources", "s1 s0 ", "s2 s0 "},  {"dataSourceOptions", "o1 o0 ", "o2 o0 o9 "},
        {"dataQueryFolders", "f1 ", "f2 "},   {"dataQueryFolderMappings", "m1 ", "m2 "},
        {"appEnvironments", "dev ", "dev "},  {"others", "x0 x1  ", "x0  "},
        {"appVersions", "V1 ", "V2 "},
    };
    struct split split = split_of(two_versions);
    assert_int_equal(split.export.count, 2);
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        assert_ids(&split, 0, cases[i].list, cases[i].first);
        assert_ids(&split, 1, cases[i].list, cases[i].second);
    }
    release_split(&split);
}

static void the_edited_version_is_the_parts_own(void **state)
{
    (void)state;
    struct split split = split_of(
        "{'appV2':{'id':'A','name':'n','editingVersion':{'id':'V2','extra':1}," TWO_VERSIONS "}}");
    assert_part(&split, 0,
                "{'appV2':{'id':'A','name':'n','editingVersion':{'id':'V1','name':'v1'},"
                "'appVersions':[{'id':'V1','name':'v1'}]}}");
    assert_part(&split, 1,
                "{'appV2':{'id':'A','name':'n','editingVersion':{'id':'V2','extra':1},"
                "'appVersions':[{'id':'V2','name':'v2'}]}}");
    release_split(&split);

    split = split_of("{'appV2':{'id':'A','name':'n','pages':[{'id':'p'}],'editingVersion':{'id':"
                     "'V3'}," TWO_VERSIONS "}}");
    assert_part(&split, 0,
                "{'appV2':{'id':'A','name':'n','pages':[{'id':'p'}],'editingVersion':{'id':'V3'},"
                "'appVersions':[{'id':'V1','name':'v1'}]}}");
    assert_part(&split, 1,
                "{'appV2':{'id':'A','name':'n','pages':[],'editingVersion':{'id':'V3'},"
                "'appVersions':[{'id':'V2','name':'v2'}]}}");
    release_split(&split);
}

static void what_cannot_be_split_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum gs_code code;
        const char *message;
    } cases[] = {
        {"{}", GS_CODE_NOT_AN_APP, "the document: /app is missing"},
        {"{'appV2':{'id':'A','name':'n'}}", GS_CODE_NOT_AN_APP,
         "the document: /appV2/appVersions must be an array of at least one version"},
        {"{'appV2':{'id':'A','name':'n','appVersions':[]}}", GS_CODE_NOT_AN_APP,
         "the document: /appV2/appVersions must be an array of at least one version"},
        {"{'appV2':{'id':'A','name':'n','appVersions':[{'id':'V','name':'v'},5]}}",
         GS_CODE_NOT_AN_APP, "the document: /appV2/appVersions/1/id is missing"},
        {"{'appV2':{'id':'A','name':'n','appVersions':[{'id':'V','name':'v'},{'id':'V','name':'w'}"
         "]}}",
         GS_CODE_CONFLICT, "the document has two versions with the id V"},
        {"{'appV2':{'id':'A','name':'n','appVersions':[{'id':'V','name':'v'},{'id':'W','name':'v'}"
         "]}}",
         GS_CODE_CONFLICT, "the document has two versions with the name v"},
        {"{'appV2':{'id':'A','name':'n','appVersions':[{'id':'V','name':'../v'}]}}",
         GS_CODE_INVALID_NAME, "the version name must not contain '/'"},
        {"{'appV2':{'id':'A','name':'..','appVersions':[{'id':'V','name':'v'}]}}",
         GS_CODE_INVALID_NAME, "the app name must not be '.' or '..'"},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        struct split split;
        struct gs_error err = GS_ERROR_INIT;
        assert_int_equal(try_split(cases[i].json, NULL, &split, &err),
                         gs_code_status(cases[i].code));
        assert_int_equal(err.code, cases[i].code);
        assert_string_equal(err.message, cases[i].message);
        assert_null(split.export.parts);
        release_split(&split);
    }
}

static void the_new_name_is_checked(void **state)
{
    (void)state;
    struct split split;
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(try_split(two_versions, ".git", &split, &err), GS_INVALID);
    assert_int_equal(err.code, GS_CODE_INVALID_NAME);
    assert_string_equal(err.field, "/appName");
    release_split(&split);
}

static void append_versions(struct gs_buf *json, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gs_buf_printf(json, "%s{'id':'V%zu','name':'v%zu'}", i ? "," : "", i, i);
}

// What no version owns is in every part: a small body must not ask for any amount of memory.
static void many_versions_are_bounded(void **state)
{
    (void)state;
    struct gs_buf json;
    struct split split;
    struct gs_error err = GS_ERROR_INIT;
    gs_buf_init(&json, 1 << 20);
    gs_buf_append_str(&json, "{'appV2':{'id':'A','name':'n','appVersions':[");
    append_versions(&json, 1001);
    gs_buf_append_str(&json, "]}}");
    assert_int_equal(try_split(json.data, NULL, &split, &err), GS_LIMIT);
    assert_int_equal(err.code, GS_CODE_TOO_LARGE);
    release_split(&split);

    gs_buf_clear(&json);
    gs_buf_append_str(&json, "{'appV2':{'id':'A','name':'n','shared':'");
    memset(gs_buf_reserve(&json, 400000), 'x', 400000);
    json.len += 400000;
    gs_buf_append_str(&json, "','appVersions':[");
    append_versions(&json, 1000);
    gs_buf_append_str(&json, "]}}");
    assert_int_equal(try_split(json.data, NULL, &split, &err), GS_LIMIT);
    release_split(&split);
    gs_buf_release(&json);
}

// ---- Joining ------------------------------------------------------------------------------

static void assert_joined(const char *const *documents, size_t count, const char *json)
{
    struct gs_slice slices[4];
    for (size_t i = 0; i < count; i++)
        slices[i] = gs_slice_str(app_text(documents[i]));
    struct gs_buf out;
    gs_buf_init(&out, 1 << 20);
    assert_int_equal(gs_export_join(slices, count, &out, NULL), GS_OK);
    char *expected = app_text(json);
    assert_string_equal(out.data, expected);
    free(expected);
    gs_buf_release(&out);
    for (size_t i = 0; i < count; i++)
        free((char *)(uintptr_t)slices[i].data);
}

static void lists_are_united(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "{'tooljet_database':[{'id':'t1'}],'app':[{'definition':{'appV2':{'id':'A','name':'n','e':"
        "{'first':1},'pages':[{'id':'p1'},{'id':'p0','x':1}],'mixed':[1,{'a':1},'1'],'odd':[1],"
        "'appVersions':[{'id':'V1','name':'v1'}]}}}],'tooljet_version':'3.20'}",
        "{'app':[{'definition':{'appV2':{'id':'A2','name':'m','e':{'second':1},'pages':[{'id':'p2'"
        "},{'id':'p0','x':2}],'mixed':[{'a':1},2,1],'odd':{},'modules':[{'id':'m'}],"
        "'appVersions':[{'id':'V2','name':'v2'}]}}}],'tooljet_version':'3.21','tooljet_database':"
        "[{'id':'t2'},{'id':'t1'}],'more':true}",
    };
    assert_joined(documents, 2,
                  "{'tooljet_database':[{'id':'t1'},{'id':'t2'}],'app':[{'definition':{'appV2':{"
                  "'id':'A','name':'n','e':{'first':1},'pages':[{'id':'p1'},{'id':'p0','x':1},{"
                  "'id':'p2'}],'mixed':[1,{'a':1},'1',2],'odd':[1],'appVersions':[{'id':'V2',"
                  "'name':'v2'},{'id':'V1','name':'v1'}],'modules':[{'id':'m'}]}}}],"
                  "'tooljet_version':'3.20','more':true}");
}

static void the_old_form_joins_with_the_new_one(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "{'appV2':{'id':'A','name':'n','appVersions':[{'id':'V1','name':'v1'}]}}",
        "{'app':[{'definition':{'appV2':{'id':'A','name':'n','appVersions':[{'id':'V2','name':'v2'"
        "}]}}}],'tooljet_version':'3.20'}",
    };
    assert_joined(documents, 2,
                  "{'appV2':{'id':'A','name':'n','appVersions':[{'id':'V2','name':'v2'},{'id':'V1',"
                  "'name':'v1'}]},'tooljet_version':'3.20'}");
}

static void one_document_joins_byte_for_byte(void **state)
{
    (void)state;
    struct gs_slice text = GS_SLICE_LIT("{\"appV2\" :{\"id\":\"A\",\"name\":\"n\",\"appVersions\":"
                                        "[{\"id\":\"V\",\"name\":\"v\"}]}}\n");
    struct gs_buf out;
    gs_buf_init(&out, 1000);
    assert_int_equal(gs_export_join(&text, 1, &out, NULL), GS_OK);
    assert_true(gs_slice_eq(gs_buf_slice(&out), text));
    gs_buf_release(&out);
}

static void joined_parts_split_into_the_same(void **state)
{
    (void)state;
    struct split split = split_of(two_versions), again = {.arena = gs_arena_new()};
    struct gs_slice parts[2] = {gs_buf_slice(&split.export.parts[0].bytes),
                                gs_buf_slice(&split.export.parts[1].bytes)};
    // The edited version first, so that what belongs to no version finds it again.
    struct gs_slice edited_first[2] = {parts[1], parts[0]};
    struct gs_buf joined;
    gs_buf_init(&joined, 1 << 20);
    assert_int_equal(gs_export_join(edited_first, 2, &joined, NULL), GS_OK);
    assert_int_equal(gs_json_parse(gs_buf_slice(&joined), "the text", &again.doc, NULL), GS_OK);
    assert_int_equal(
        gs_export_split(yyjson_doc_get_root(again.doc), NULL, again.arena, &again.export, NULL),
        GS_OK);
    assert_int_equal(again.export.count, 2);
    for (size_t i = 0; i < 2; i++) {
        struct app_side before = app_side_of(gs_xstrdup(parts[i].data));
        struct app_side after = app_side_of(gs_xstrdup(again.export.parts[i].bytes.data));
        struct gs_change *changes;
        size_t count;
        assert_int_equal(gs_document_diff(&before.document, &after.document, again.arena, &changes,
                                          &count, NULL),
                         GS_OK);
        for (size_t c = 0; c < count; c++)
            assert_string_equal(changes[c].type, "app"); // the order of a list
        app_side_release(&before);
        app_side_release(&after);
    }
    gs_buf_release(&joined);
    release_split(&again);
    release_split(&split);
}

static void what_cannot_be_joined_is_told(void **state)
{
    (void)state;
    char *text = app_document("");
    struct gs_slice twice[2] = {gs_slice_str(text), gs_slice_str(text)};
    struct gs_error err = GS_ERROR_INIT;
    struct gs_buf out;
    gs_buf_init(&out, 1 << 20);
    assert_int_equal(gs_export_join(twice, 2, &out, &err), GS_CONFLICT);
    assert_string_equal(err.message, "two versions have the id V");
    twice[1] = GS_SLICE_LIT("[");
    assert_int_equal(gs_export_join(twice, 2, &out, &err), GS_INVALID);
    assert_int_equal(err.code, GS_CODE_INVALID_JSON);
    gs_buf_release(&out);
    gs_buf_init(&out, 5);
    assert_int_equal(gs_export_join(twice, 1, &out, &err), GS_LIMIT);
    gs_buf_release(&out);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_version_comes_out_unchanged),
        cmocka_unit_test(a_new_name_replaces_the_old_one),
        cmocka_unit_test(every_part_has_its_own),
        cmocka_unit_test(the_edited_version_is_the_parts_own),
        cmocka_unit_test(what_cannot_be_split_is_told),
        cmocka_unit_test(the_new_name_is_checked),
        cmocka_unit_test(many_versions_are_bounded),
        cmocka_unit_test(lists_are_united),
        cmocka_unit_test(the_old_form_joins_with_the_new_one),
        cmocka_unit_test(one_document_joins_byte_for_byte),
        cmocka_unit_test(joined_parts_split_into_the_same),
        cmocka_unit_test(what_cannot_be_joined_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
