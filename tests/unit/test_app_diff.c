// What differs between two documents, and how it is reported.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "app_fixture.h"

// The report of what leads from one document to the other, with ' in place of ".
static char *report_of(char *before, char *after, bool with_values)
{
    struct gs_arena *arena = gs_arena_new();
    struct app_side old = app_side_of(before), new = app_side_of(after);
    struct gs_change *changes = NULL;
    size_t count = 0;
    assert_int_equal(gs_document_diff(&old.document, &new.document, arena, &changes, &count, NULL),
                     GS_OK);
    bool equal = gs_json_equal(yyjson_doc_get_root(old.document.json),
                               yyjson_doc_get_root(new.document.json));
    assert_int_equal(equal, count == 0);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(doc, gs_changes_to_json(doc, changes, count, with_values));
    char *report = app_quoted(doc);
    gs_json_free_mut(doc);
    app_side_release(&old);
    app_side_release(&new);
    gs_arena_free(arena);
    return report;
}

static void assert_report(const char *before, const char *after, const char *expected)
{
    char *report = report_of(app_document(before), app_document(after), false);
    assert_string_equal(report, expected);
    free(report);
}

static void equal_documents_have_no_changes(void **state)
{
    (void)state;
    assert_report("'pages':[{'id':'p','a':1,'b':[]}],'x':{'a':1,'b':2},",
                  "'x':{'b':2,'a':1},'pages':[{'b':[],'a':1,'id':'p'}],",
                  "{'added':[],'modified':[],'deleted':[]}");
}

static void entities_come_change_and_go(void **state)
{
    (void)state;
    assert_report(
        "'components':[{'id':'c1','name':'button1','a':1,'b':2},{'id':'c2','name':'gone'}],"
        "'dataQueries':[{'id':'q'}],",
        "'components':[{'id':'c3','name':'new'},{'id':'c1','name':'button1','a':2,'c':3}],"
        "'dataQueries':[{'id':'q'}],",
        "{'added':[{'change':'added','type':'component','id':'c3','name':'new'}],"
        "'modified':[{'change':'modified','type':'component','id':'c1','name':'button1','members':"
        "['a','c','b']}],"
        "'deleted':[{'change':'deleted','type':'component','id':'c2','name':'gone'}]}");
}

static void every_list_has_its_type(void **state)
{
    (void)state;
    static const struct {
        const char *list, *type;
    } cases[] = {
        {"components", "component"},
        {"pages", "page"},
        {"events", "event"},
        {"dataQueries", "query"},
        {"dataSources", "dataSource"},
        {"dataSourceOptions", "dataSourceOption"},
        {"appEnvironments", "environment"},
        {"modules", "module"},
        {"dataQueryFolders", "queryFolder"},
        {"dataQueryFolderMappings", "queryFolderMapping"},
        {"whatever comes", "whatever comes"},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        char before[100], expected[200];
        snprintf(before, sizeof before, "'%s':[{'id':'x'}],", cases[i].list);
        snprintf(expected, sizeof expected,
                 "{'added':[],'modified':[],'deleted':[{'change':'deleted','type':'%s','id':'x',"
                 "'name':''}]}",
                 cases[i].type);
        assert_report(before, "", expected);
    }
    char *report = report_of(
        app_text("{'appV2':{'id':'A','name':'n','appVersions':[{'id':'V','name':'v'}]}}"),
        app_text("{'appV2':{'id':'A','name':'n','appVersions':[{'id':'V','name':'w'}]}}"), false);
    assert_string_equal(report,
                        "{'added':[],'modified':[{'change':'modified','type':'version','id':'V',"
                        "'name':'w','members':['name']}],'deleted':[]}");
    free(report);
}

#define APP_MODIFIED(members)                                                                      \
    "{'added':[],'modified':[{'change':'modified','type':'app','id':'','name':'App','members':"    \
    "[" members "]}],'deleted':[]}"

static void the_apps_own_members_are_the_app(void **state)
{
    (void)state;
    assert_report("'icon':'x','old':1,'same':{},", "'icon':'y','same':{},'new':null,",
                  APP_MODIFIED("'icon','new','old'"));
    // No list of entities: without ids, with an id twice, with other things than objects.
    assert_report("'l':[{'a':1}],", "'l':[{'a':2}],", APP_MODIFIED("'l'"));
    assert_report("'l':[{'id':'x'},{'id':'x'}],", "'l':[{'id':'x'}],", APP_MODIFIED("'l'"));
    assert_report("'l':[{'id':'x'}],", "'l':[{'id':'x'},1],", APP_MODIFIED("'l'"));
    assert_report("'l':[{'id':'x'}],", "'l':[{'id':5}],", APP_MODIFIED("'l'"));
    assert_report("'l':[{'id':'x'}],", "'l':[{'id':''}],", APP_MODIFIED("'l'"));
    assert_report("'l':[{'id':'x'}],", "'l':null,", APP_MODIFIED("'l'"));
    // Only the app can tell of these.
    assert_report("'l':[],", "", APP_MODIFIED("'l'"));
    assert_report("", "'l':[],", APP_MODIFIED("'l'"));
    assert_report("'l':[{'id':'a'},{'id':'b'},{'id':'c'}],",
                  "'l':[{'id':'a'},{'id':'c'},{'id':'b'}],", APP_MODIFIED("'l'"));
}

static void a_move_is_told_from_what_comes_and_goes(void **state)
{
    (void)state;
    assert_report(
        "'l':[{'id':'a'},{'id':'b'},{'id':'c'}],", "'l':[{'id':'d'},{'id':'a'},{'id':'c'}],",
        "{'added':[{'change':'added','type':'l','id':'d','name':''}],'modified':[],'deleted':[{"
        "'change':'deleted','type':'l','id':'b','name':''}]}");
}

static void long_lists_are_compared_by_id(void **state)
{
    (void)state;
    struct gs_buf before, after;
    gs_buf_init(&before, 1 << 20);
    gs_buf_init(&after, 1 << 20);
    gs_buf_append_str(&before, "'pages':[");
    gs_buf_append_str(&after, "'pages':[");
    for (int i = 0; i < 100; i++) {
        gs_buf_printf(&before, "%s{'id':'%d','a':0}", i ? "," : "", i);
        if (i != 70)
            gs_buf_printf(&after, "%s{'id':'%d','a':%d}", i ? "," : "", i, i == 30);
    }
    gs_buf_append_str(&before, "],");
    gs_buf_append_str(&after, "],");
    assert_report(before.data, after.data,
                  "{'added':[],'modified':[{'change':'modified','type':'page','id':'30','name':'',"
                  "'members':['a']}],'deleted':[{'change':'deleted','type':'page','id':'70','name'"
                  ":''}]}");
    gs_buf_release(&before);
    gs_buf_release(&after);
}

static void what_is_beside_the_app_is_the_document(void **state)
{
    (void)state;
    static const char app[] =
        "'appV2':{'id':'A','name':'App','appVersions':[{'id':'V','name':'v1'}]}";
    static const struct {
        const char *before, *after, *members;
    } cases[] = {
        {"{'t':1,'app':[{'definition':{%s}}],'gone':1}", "{'t':2,'app':[{'definition':{%s}}]}",
         "'t','gone'"},
        {"{'app':[{'definition':{%s},'x':1}]}", "{'app':[{'definition':{%s},'x':2}]}", "'app'"},
        {"{'app':[{'definition':{%s}}]}", "{'app':[{'definition':{%s,'x':2}}]}", "'app'"},
        {"{%s}", "{'app':[{'definition':{%s}}]}", "'app'"},
        {"{%s}", "{%s,'x':[]}", "'x'"},
    };
    for (size_t i = 0; i < GS_COUNT(cases); i++) {
        char *parts[2];
        const char *forms[2] = {cases[i].before, cases[i].after};
        for (int side = 0; side < 2; side++) {
            struct gs_buf json;
            const char *hole = strstr(forms[side], "%s");
            gs_buf_init(&json, 1000);
            gs_buf_append(&json, forms[side], (size_t)(hole - forms[side]));
            gs_buf_append_str(&json, app);
            gs_buf_append_str(&json, hole + 2);
            parts[side] = app_text(json.data);
            gs_buf_release(&json);
        }
        char *report = report_of(parts[0], parts[1], false), expected[200];
        snprintf(expected, sizeof expected,
                 "{'added':[],'modified':[{'change':'modified','type':'document','id':'','name':'',"
                 "'members':[%s]}],'deleted':[]}",
                 cases[i].members);
        assert_string_equal(report, expected);
        free(report);
    }
}

static void values_are_reported_on_request(void **state)
{
    (void)state;
    char *report = report_of(
        app_document("'pages':[{'id':'p','a':1.50,'b':{'x':[]},'same':1},{'id':'q'}],"),
        app_document("'pages':[{'id':'p','a':'two','same':1,'c':null},{'id':'r','z':0}],"), true);
    assert_string_equal(
        report,
        "{'added':[{'change':'added','type':'page','id':'r','name':'','after':{'id':'r','z':0}}],"
        "'modified':[{'change':'modified','type':'page','id':'p','name':'','members':['a','c','b'],"
        "'before':{'a':1.5,'b':{'x':[]}},'after':{'a':'two','c':null}}],"
        "'deleted':[{'change':'deleted','type':'page','id':'q','name':'','before':{'id':'q'}}]}");
    free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_documents_have_no_changes),
        cmocka_unit_test(entities_come_change_and_go),
        cmocka_unit_test(every_list_has_its_type),
        cmocka_unit_test(the_apps_own_members_are_the_app),
        cmocka_unit_test(a_move_is_told_from_what_comes_and_goes),
        cmocka_unit_test(long_lists_are_compared_by_id),
        cmocka_unit_test(what_is_beside_the_app_is_the_document),
        cmocka_unit_test(values_are_reported_on_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
