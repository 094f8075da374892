// Taking one document apart, and rewriting the version's status and name.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "app_fixture.h"

static void assert_slice(struct gs_slice actual, const char *expected)
{
    assert_true(gs_slice_eq_str(actual, expected));
}

static void a_document_is_taken_apart(void **state)
{
    (void)state;
    struct app_side side = app_side_of(
        app_text("{'tooljet_database':[],'app':[{'definition':{'appV2':{'id':'A1','name':'My "
                 "app','slug':'my-app','appVersions':[{'id':'V1','name':'v1','status':'DRAFT'}]}}}"
                 "],'tooljet_version':'3.20.45-ee-lts'}"));
    assert_slice(side.document.app_id, "A1");
    assert_slice(side.document.app_name, "My app");
    assert_slice(side.document.app_slug, "my-app");
    assert_slice(side.document.version_id, "V1");
    assert_slice(side.document.version_name, "v1");
    assert_slice(side.document.tooljet_version, "3.20.45-ee-lts");
    assert_true(side.document.has_status);
    assert_true(side.document.draft);
    assert_ptr_equal(yyjson_obj_get(side.document.app, "appVersions") + 1, side.document.version);
    app_side_release(&side);
}

static void old_documents_have_less(void **state)
{
    (void)state;
    struct app_side side =
        app_side_of(app_text("{'appV2':{'id':'A1','name':'My "
                             "app','slug':null,'appVersions':[{'id':'V1','name':'v1'}]}}"));
    assert_slice(side.document.app_id, "A1");
    assert_slice(side.document.version_name, "v1");
    assert_int_equal(side.document.app_slug.len, 0);
    assert_int_equal(side.document.tooljet_version.len, 0);
    assert_false(side.document.has_status);
    assert_false(side.document.draft);
    app_side_release(&side);

    side = app_side_of(app_text("{'appV2':{'id':'A1','name':'','appVersions':[{'id':'V1','name':"
                                "'v1','status':'PUBLISHED'}]}}"));
    assert_true(side.document.has_status);
    assert_false(side.document.draft);
    app_side_release(&side);
}

static void what_is_no_app_is_told_where(void **state)
{
    (void)state;
    static const struct {
        const char *json, *message;
    } cases[] = {
        {"[]", "x.json: the document must be an object"},
        {"{}", "x.json: /app is missing"},
        {"{'app':{}}", "x.json: /app must be an array"},
        {"{'app':[]}", "x.json: /app must hold exactly one app, it holds 0"},
        {"{'app':[{},{}]}", "x.json: /app must hold exactly one app, it holds 2"},
        {"{'app':[1]}", "x.json: /app/0 must be an object"},
        {"{'app':[{}]}", "x.json: /app/0/definition is missing"},
        {"{'app':[{'definition':[]}]}", "x.json: /app/0/definition must be an object"},
        {"{'app':[{'definition':{}}]}", "x.json: /app/0/definition/appV2 is missing"},
        {"{'app':[{'definition':{'appV2':null}}]}",
         "x.json: /app/0/definition/appV2 must be an object"},
        {"{'app':[{'definition':{'appV2':{}}}]}", "x.json: /app/0/definition/appV2/id is missing"},
        {"{'appV2':[]}", "x.json: /appV2 must be an object"},
        {"{'appV2':{}}", "x.json: /appV2/id is missing"},
        {"{'appV2':{'id':1}}", "x.json: /appV2/id must be a string"},
        {"{'appV2':{'id':''}}",
         "x.json: /appV2/id must be 1 to 255 bytes without control characters"},
        {"{'appV2':{'id':'a\\u0000b'}}",
         "x.json: /appV2/id must be 1 to 255 bytes without control characters"},
        {"{'appV2':{'id':'A'}}", "x.json: /appV2/name is missing"},
        {"{'appV2':{'id':'A','name':null}}", "x.json: /appV2/name must be a string"},
        {"{'appV2':{'id':'A','name':'n'}}", "x.json: /appV2/appVersions is missing"},
        {"{'appV2':{'id':'A','name':'n','appVersions':[]}}",
         "x.json: /appV2/appVersions must be an array of one version, or of several that "
         "editingVersion tells apart; it holds 0"},
        {"{'appV2':{'id':'A','name':'n','appVersions':[{'id':'V'},{'id':'W'}]}}",
         "x.json: /appV2/appVersions must be an array of one version, or of several that "
         "editingVersion tells apart; it holds 2"},
        {"{'appV2':{'id':'A','name':'n','editingVersion':{'id':'W'},"
         "'appVersions':[{'id':'V','name':'v'},{'id':'W'}]}}",
         "x.json: /appV2/appVersions/1/name is missing"},
        {"{'appV2':{'id':'A','name':'n','appVersions':[1]}}",
         "x.json: /appV2/appVersions/0 must be an object"},
        {"{'appV2':{'id':'A','name':'n','appVersions':[{'name':'v'}]}}",
         "x.json: /appV2/appVersions/0/id is missing"},
        {"{'appV2':{'id':'A','name':'n','appVersions':[{'id':'V'}]}}",
         "x.json: /appV2/appVersions/0/name is missing"},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        char *text = app_text(cases[i].json);
        struct gs_document document = {0};
        struct gs_error err = GS_ERROR_INIT;
        assert_int_equal(gs_document_parse(gs_slice_str(text), "x.json", &document, &err),
                         GS_INVALID);
        assert_int_equal(err.code, GS_CODE_NOT_AN_APP);
        assert_string_equal(err.message, cases[i].message);
        assert_null(document.json);
        free(text);
    }
}

static void an_old_document_is_about_its_edited_version(void **state)
{
    (void)state;
    char *text = app_text("{'appV2':{'id':'A','name':'n','editingVersion':{'id':'W'},'appVersions':"
                          "[{'id':'V','name':'v1'},{'id':'W','name':'v2'}]}}");
    struct gs_document document;
    assert_int_equal(gs_document_parse(gs_slice_str(text), "x.json", &document, NULL), GS_OK);
    assert_true(gs_slice_eq_str(document.version_id, "W"));
    assert_true(gs_slice_eq_str(document.version_name, "v2"));
    gs_document_release(&document);
    free(text);
}

static void what_is_no_json_is_told(void **state)
{
    (void)state;
    struct gs_document document = {0};
    struct gs_error err = GS_ERROR_INIT;
    assert_int_equal(gs_document_parse(GS_SLICE_LIT("{\"app\":[}"), "x.json", &document, &err),
                     GS_INVALID);
    assert_int_equal(err.code, GS_CODE_INVALID_JSON);
}

static void assert_rewritten(const char *before, const char *status, const char *name,
                             const char *after)
{
    char *text = app_text(before), *expected = app_text(after);
    struct gs_buf out;
    gs_buf_init(&out, 1 << 20);
    assert_int_equal(gs_document_rewrite(gs_slice_str(text), status, name, &out, NULL), GS_OK);
    assert_string_equal(out.data, expected);
    gs_buf_release(&out);
    free(text);
    free(expected);
}

#define OLD(version)                                                                               \
    "{'appV2':{'id':'A','name':'n','editingVersion':{'id':'V','name':'v1','status':'DRAFT'},"      \
    "'appVersions':[" version "],'big':12345678901234567890,'status':'x'}}"

static void members_are_rewritten_where_they_are(void **state)
{
    (void)state;
    assert_rewritten(OLD("{'id':'V','name':'v1','status':'DRAFT','a':{}}"), "PUBLISHED", NULL,
                     OLD("{'id':'V','name':'v1','status':'PUBLISHED','a':{}}"));
    assert_rewritten(OLD("{'status':'DRAFT','id':'V','name':'v1'}"), "PUBLISHED", "2 \\\"x\\\"",
                     OLD("{'status':'PUBLISHED','id':'V','name':'2 \\\\\\\"x\\\\\\\"'}"));
    assert_rewritten(OLD("{'id':'V','name':'v1','status':null}"), "PUBLISHED", NULL,
                     OLD("{'id':'V','name':'v1','status':'PUBLISHED'}"));
    assert_rewritten(OLD("{'id':'V','name':'v1','status':'DRAFT'}"), NULL, "v2",
                     OLD("{'id':'V','name':'v2','status':'DRAFT'}"));
    // No status is put where there was none.
    assert_rewritten(OLD("{'id':'V','name':'v1'}"), "PUBLISHED", "v2",
                     OLD("{'id':'V','name':'v2'}"));
}

static void nothing_to_change_keeps_the_bytes(void **state)
{
    (void)state;
    static const char text[] = "{\"appV2\" : {\"id\":\"A\",\"name\":\"n\",\"x\":1.0,"
                               "\"appVersions\":[{\"id\":\"V\",\"name\":\"v\"}]}}\n";
    struct gs_buf out;
    gs_buf_init(&out, 1 << 20);
    assert_int_equal(gs_document_rewrite(gs_slice_str(text), "PUBLISHED", "v", &out, NULL), GS_OK);
    assert_string_equal(out.data, text);
    gs_buf_release(&out);
}

static void rewriting_can_fail(void **state)
{
    (void)state;
    char *text = app_document("");
    struct gs_error err = GS_ERROR_INIT;
    struct gs_buf out;
    gs_buf_init(&out, 10);
    assert_int_equal(gs_document_rewrite(gs_slice_str(text), "PUBLISHED", "v2", &out, &err),
                     GS_LIMIT);
    gs_buf_clear(&out);
    assert_int_equal(gs_document_rewrite(gs_slice_str(text), "PUBLISHED", NULL, &out, &err),
                     GS_LIMIT);
    gs_buf_clear(&out);
    assert_int_equal(gs_document_rewrite(GS_SLICE_LIT("{}"), "PUBLISHED", NULL, &out, &err),
                     GS_INVALID);
    assert_int_equal(err.code, GS_CODE_NOT_AN_APP);
    gs_buf_release(&out);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_taken_apart),
        cmocka_unit_test(old_documents_have_less),
        cmocka_unit_test(what_is_no_app_is_told_where),
        cmocka_unit_test(an_old_document_is_about_its_edited_version),
        cmocka_unit_test(what_is_no_json_is_told),
        cmocka_unit_test(members_are_rewritten_where_they_are),
        cmocka_unit_test(nothing_to_change_keeps_the_bytes),
        cmocka_unit_test(rewriting_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
